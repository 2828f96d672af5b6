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

/** Gives one answer; waits while the caller is slow to read. */
export type Send<O> = (answer: O) => Promise<void> | undefined

interface Writable<O> {
  write(answer: O): boolean
  once(event: "drain", listener: () => void): unknown
  off(event: "drain", listener: () => void): unknown
}

const sending = <O>(call: Writable<O>, left: AbortSignal): Send<O> => {
  let full: Promise<void> | undefined
  return (answer) => {
    if (left.aborted) throw left.reason
    if (call.write(answer)) return full
    return full ??= new Promise((resolve, reject) => {
      const settle = () => {
        full = undefined
        call.off("drain", settle)
        left.removeEventListener("abort", settle)
        if (left.aborted) reject(left.reason)
        else resolve()
      }
      call.once("drain", settle)
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
    (caller) => handle(call.request, sending<O>(call, caller.left), caller),
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
    (caller) => handle(requestsOf(call), sending<O>(call, caller.left), caller),
    end(call),
    fail(call),
  )
