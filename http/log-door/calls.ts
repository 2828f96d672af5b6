/**
 * What every service's handlers have in common: who calls, when they leave, and that whatever is thrown
 * ends the call as the protocol's error.
 */
import type {
  Metadata,
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  ServiceError,
  UntypedServiceImplementation,
} from "@grpc/grpc-js"
import { setImmediate } from "node:timers"
import type { Authenticate, User } from "./access.ts"
import type { Budget } from "./budget.ts"
import type { Door } from "./door.ts"
import { serviceError, unavailable } from "./errors.ts"

export interface Caller {
  readonly user: User
  readonly headers: Metadata
  /** Aborts when the caller leaves, or the call's deadline has passed. */
  readonly left: AbortSignal
}

/** What a service is made with, for one socket. */
export interface Serving {
  readonly door: Door
  readonly authenticate: Authenticate
  readonly calls: Calls
}

/** Calls that are being answered, so that they can be ended in order. */
export interface Calls {
  begin(leaving: AbortController): void
  done(leaving: AbortController): void
  /** Tells all to stop, and waits for them at most this long. */
  end(millisMax: number): Promise<void>
}

export const callsUnderWay = (): Calls => {
  const going = new Set<AbortController>()
  let ending = false
  let idle = () => {}
  const shut = () => unavailable("The log's door is closing. Connect again.")
  return {
    begin: (leaving) => {
      going.add(leaving)
      if (ending) leaving.abort(shut())
    },
    done: (leaving) => {
      going.delete(leaving)
      if (going.size === 0) idle()
    },
    end: async (millisMax) => {
      ending = true
      let timer: ReturnType<typeof setTimeout> | undefined
      const ended = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, millisMax)
        idle = resolve
      })
      for (const leaving of [...going]) leaving.abort(shut())
      if (going.size > 0) await ended
      // What was answered last is still on its way out.
      await new Promise((resolve) => setImmediate(resolve))
      clearTimeout(timer)
    },
  }
}

/** One gRPC service: its definition and what answers each of its methods. */
export interface Service {
  readonly definition: ServiceDefinition
  readonly handlers: UntypedServiceImplementation
}
export type MakeService = (serving: Serving) => Service

interface Call {
  readonly metadata: Metadata
  readonly cancelled: boolean
  on(event: "cancelled", listener: () => void): unknown
}

/** Answers one call with what `handle` does for its caller, unless they leave before. */
const answer = async <A>(
  { authenticate, calls }: Serving,
  call: Call,
  handle: (caller: Caller) => Promise<A>,
  answered: (answer: A) => void,
  failed: (cause: ServiceError) => void,
): Promise<void> => {
  const leaving = new AbortController()
  if (call.cancelled) leaving.abort()
  call.on("cancelled", () => leaving.abort())
  calls.begin(leaving)
  try {
    const user = await authenticate(call.metadata)
    const { signal } = leaving
    signal.throwIfAborted()
    const left = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason))
    })
    // Nobody waits for it where what is asked was refused at once.
    left.catch(() => {})
    const handled = handle({ user, headers: call.metadata, left: signal })
    answered(await Promise.race([handled, left]))
  } catch (cause) {
    failed(serviceError(cause))
  } finally {
    calls.done(leaving)
  }
}

export const unary =
  <I, O>(serving: Serving, handle: (request: I, caller: Caller) => Promise<O>) =>
  (call: ServerUnaryCall<I, O>, done: sendUnaryData<O>): void =>
    void answer(serving, call, (caller) => handle(call.request, caller), (value) => {
      done(null, value)
    }, done)

/** Many requests, one answer. */
export const collecting =
  <I, O>(serving: Serving, handle: (requests: AsyncIterable<I>, caller: Caller) => Promise<O>) =>
  (call: ServerReadableStream<I, O>, done: sendUnaryData<O>): void =>
    void answer(serving, call, (caller) => handle(call, caller), (value) => {
      done(null, value)
    }, done)

/** What one caller may have been given without having taken it, beyond one answer. */
const unsentBytesMax = 256 * 1024
/** gRPC makes a copy of its own of what it is given. */
const copies = 2
/** What an answer counts for that is no bytes yet. */
const answerBytes = 1024

/** Gives one answer; waits while the caller is slow to read. */
export type Send<O> = (answer: O) => Promise<void> | undefined

interface Writable<O> {
  readonly cancelled: boolean
  write(answer: O, written: () => void): boolean
  once(event: "cancelled" | "close", listener: () => void): unknown
}

/**
 * What gRPC does not know is counted here: it takes whatever it is given, and says of each answer only
 * when it has gone to the connection.
 */
const sending = <O>(call: Writable<O>, left: AbortSignal, held: Budget): Send<O> => {
  let unsent = 0
  let gone = call.cancelled
  let room: (() => void) | undefined
  let full: Promise<void> | undefined
  const forget = () => {
    if (gone) return
    gone = true
    held.add(-copies * unsent)
  }
  call.once("cancelled", forget)
  call.once("close", forget)
  return (answer) => {
    if (left.aborted) throw left.reason
    const bytes = answer instanceof Uint8Array ? answer.length : answerBytes
    unsent += bytes
    if (!gone) held.add(copies * bytes)
    call.write(answer, () => {
      unsent -= bytes
      if (!gone) held.add(-copies * bytes)
      if (unsent <= unsentBytesMax / 2) room?.()
    })
    if (unsent <= unsentBytesMax) return full
    return full ??= new Promise((resolve, reject) => {
      const settle = () => {
        full = room = undefined
        left.removeEventListener("abort", settle)
        if (left.aborted) reject(left.reason)
        else resolve()
      }
      room = settle
      left.addEventListener("abort", settle)
    })
  }
}

const end = (call: { end(): unknown }) => () => void call.end()
const fail =
  (call: { emit(event: "error", cause: ServiceError): unknown }) => (cause: ServiceError) =>
    void call.emit("error", cause)

/** One request, many answers. */
export const streaming = <I, O>(
  serving: Serving,
  handle: (request: I, send: Send<O>, caller: Caller) => Promise<void>,
) =>
(call: ServerWritableStream<I, O>): void =>
  void answer(
    serving,
    call,
    (caller) => handle(call.request, sending<O>(call, caller.left, serving.door.held), caller),
    end(call),
    fail(call),
  )

/**
 * What a caller asks, until they have no more to ask. Read as it stands, the end of the requests would
 * end the answers too: callers of other languages close their side at once and then wait.
 */
const requestsOf = <I, O>(call: ServerDuplexStream<I, O>): AsyncIterable<I> =>
  call.iterator({ destroyOnReturn: false })

/** Many requests, many answers. */
export const conversing = <I, O>(
  serving: Serving,
  handle: (requests: AsyncIterable<I>, send: Send<O>, caller: Caller) => Promise<void>,
) =>
(call: ServerDuplexStream<I, O>): void =>
  void answer(
    serving,
    call,
    (caller) => handle(requestsOf(call), sending<O>(call, caller.left, serving.door.held), caller),
    end(call),
    fail(call),
  )
