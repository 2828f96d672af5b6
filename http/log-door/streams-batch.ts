/** `BatchAppend`: many appends over one call, each answered by its correlation id once it is durable. */
import { status } from "@grpc/grpc-js"
import { Buffer } from "node:buffer"
import type { WireEvent } from "../../actors/foreign-events.ts"
import {
  batchAnswer,
  type BatchOptions,
  type BatchRequest,
  errorField,
  proposedIn,
  successField,
} from "./batch-messages.ts"
import { type Caller, conversing, type Send, type Serving } from "./calls.ts"
import { appendBytesMax, Refused, refusedBy } from "./errors.ts"
import { isNoName } from "./names.ts"
import { bytesOf } from "./proposed.ts"
import * as statuses from "./statuses.ts"
import type { AppendOutcome, Expected } from "./terms.ts"

/** Bytes of appends that wait to be durable; further requests are read once there are fewer. */
const takenBytesMax = 32 * 1024 * 1024
/** Appends that wait for the rest of their events: one more ends the call. */
const pendingMax = 10_000
/** They wait no longer than this, or than the deadline they name. */
const writeMillisMax = 2_000

/** An append whose events come in several messages. */
interface Pending {
  readonly stream: string
  readonly expected: Expected
  readonly until: number
  readonly events: Array<WireEvent>
  bytes: number
}

/** Appends that wait for the rest of their events; `late` is told of each that waited too long. */
const unfinished = (late: (key: string, append: Pending) => void) => {
  const waiting = new Map<string, { append: Pending; timer: ReturnType<typeof setTimeout> }>()
  const forget = (key: string) => {
    clearTimeout(waiting.get(key)?.timer)
    waiting.delete(key)
  }
  return {
    get: (key: string) => waiting.get(key)?.append,
    add: (key: string, append: Pending) => {
      if (waiting.size >= pendingMax) {
        throw new Refused(status.RESOURCE_EXHAUSTED, "Too many appends without their end.")
      }
      const timer = setTimeout(() => {
        forget(key)
        late(key, append)
      }, Math.min(append.until - Date.now(), writeMillisMax))
      waiting.set(key, { append, timer })
    },
    forget,
    forgetAll: () => [...waiting.keys()].forEach(forget),
  }
}

/** What became of an append, as a field of the answer. */
const outcomeOf = (stream: string, expected: Expected, outcome: AppendOutcome): Buffer => {
  switch (outcome._tag) {
    case "Appended":
      return successField(outcome)
    case "WrongExpectedVersion":
      return errorField(statuses.wrongExpectedVersion(expected, outcome.current))
    case "StreamDeleted":
      return errorField(statuses.streamDeleted(stream))
    case "InvalidTransaction":
      return errorField(statuses.unknown())
  }
}

/** What cannot be taken is answered for itself: it must not end the other appends of the call. */
const failureOf = (cause: unknown): Buffer => {
  const { message, trailers } = refusedBy(cause)
  return errorField(
    trailers["exception"] === "maximum-append-size-exceeded"
      ? statuses.maximumAppendSizeExceeded(appendBytesMax)
      : statuses.internalError(message),
  )
}

const begun = async (
  { door }: Serving,
  { user }: Caller,
  { expected, stream, until }: BatchOptions,
): Promise<Pending | ReturnType<typeof statuses.unknown>> => {
  if (stream === undefined || isNoName(stream)) {
    return statuses.badRequest("Required field StreamIdentifier not set.")
  }
  if (stream === "$all") return statuses.accessDenied()
  try {
    await door.access.check(user, stream, "write")
  } catch (cause) {
    if (cause instanceof Refused) return statuses.accessDenied()
    throw cause
  }
  if (until <= Date.now()) return statuses.timeout()
  if (expected === undefined) return statuses.badRequest("An expected stream position is needed.")
  return { stream, expected, until, events: [], bytes: 0 }
}

const serve = async (
  serving: Serving,
  requests: AsyncIterable<BatchRequest>,
  send: Send<Buffer>,
  caller: Caller,
  pending: ReturnType<typeof unfinished>,
) => {
  const going = new Set<Promise<void>>()
  let taken = 0
  for await (const { correlation, options, messages, isFinal } of requests) {
    const key = correlation.toString("latin1")
    const refuse = (stream: string, outcome: Buffer) => {
      pending.forget(key)
      return send(batchAnswer(correlation, stream, outcome))
    }
    let append = pending.get(key)
    if (options !== undefined && append === undefined) {
      const first = await begun(serving, caller, options)
      if (!("events" in first)) {
        await refuse(options.stream ?? "", errorField(first))
        continue
      }
      append = first
      if (!isFinal) pending.add(key, append)
    }
    if (append === undefined) continue
    const { stream, expected, events } = append
    try {
      for (const message of messages) {
        const event = proposedIn(message)
        append.bytes += bytesOf(event)
        events.push(event)
      }
    } catch (cause) {
      if (!(cause instanceof Refused)) throw cause
      await refuse(stream, errorField(statuses.badRequest(cause.message)))
      continue
    }
    if (append.bytes > appendBytesMax) {
      await refuse(stream, errorField(statuses.maximumAppendSizeExceeded(appendBytesMax)))
      continue
    }
    if (!isFinal) continue
    pending.forget(key)
    const { bytes } = append
    taken += bytes
    const done = serving.door.append(stream, expected, events)
      .then((outcome) => outcomeOf(stream, expected, outcome), failureOf)
      .then((outcome) => send(batchAnswer(correlation, stream, outcome)))
      // Whoever left needs no answer.
      .catch(() => {})
      .then(() => {
        going.delete(done)
        taken -= bytes
      })
    going.add(done)
    while (taken > takenBytesMax) await Promise.race(going)
  }
  await Promise.all(going)
}

export const batchAppend = (serving: Serving) =>
  conversing<BatchRequest, Buffer>(
    serving,
    async (requests, send, caller) => {
      const pending = unfinished(async (key, { stream }) => {
        try {
          const correlation = Buffer.from(key, "latin1")
          await send(batchAnswer(correlation, stream, errorField(statuses.timeout())))
        } catch {
          // Whoever left needs no answer.
        }
      })
      caller.left.addEventListener("abort", pending.forgetAll)
      try {
        await serve(serving, requests, send, caller, pending)
      } finally {
        pending.forgetAll()
      }
    },
  )
