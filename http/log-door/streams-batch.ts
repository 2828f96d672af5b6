/** `BatchAppend`: many appends over one call, each answered by its correlation id once it is durable. */
import shared from "@eventstore/db-client/generated/shared_pb.js"
import messages from "@eventstore/db-client/generated/streams_pb.js"
import empty from "google-protobuf/google/protobuf/empty_pb.js"
import type { WireEvent } from "../../actors/foreign-events.ts"
import { type Caller, conversing, type Send, type Serving } from "./calls.ts"
import type { AppendOutcome, Expected } from "./door.ts"
import { Refused } from "./errors.ts"
import { identifierOf, idOf, nameOf } from "./names.ts"
import { appendBytesMax, bytesOf, proposed } from "./proposed.ts"
import * as statuses from "./statuses.ts"

const { ExpectedStreamPositionCase } = messages.BatchAppendReq.Options

const expectedOf = (options: messages.BatchAppendReq.Options): Expected | undefined => {
  switch (options.getExpectedStreamPositionCase()) {
    case ExpectedStreamPositionCase.STREAM_POSITION:
      return Number(options.getStreamPosition())
    case ExpectedStreamPositionCase.NO_STREAM:
      return "noStream"
    case ExpectedStreamPositionCase.ANY:
      return "any"
    case ExpectedStreamPositionCase.STREAM_EXISTS:
      return "streamExists"
    default:
      return undefined
  }
}

/** Bytes of appends that wait to be durable; further requests are read once there are fewer. */
const takenBytesMax = 32 * 1024 * 1024

/** An append whose events come in several messages. */
interface Pending {
  readonly stream: string
  readonly expected: Expected
  readonly events: Array<WireEvent>
  bytes: number
}

type Answer = messages.BatchAppendResp
type Outcome = messages.BatchAppendResp.Success | ReturnType<typeof statuses.unknown>

const answerOf = (correlation: shared.UUID | undefined, stream: string, outcome: Outcome) => {
  const answer = new messages.BatchAppendResp()
  answer.setCorrelationId(correlation)
  answer.setStreamIdentifier(identifierOf(stream))
  if (outcome instanceof messages.BatchAppendResp.Success) answer.setSuccess(outcome)
  else answer.setError(outcome)
  return answer
}

const outcomeOf = (stream: string, expected: Expected, outcome: AppendOutcome): Outcome => {
  switch (outcome._tag) {
    case "Appended": {
      const success = new messages.BatchAppendResp.Success()
      if (outcome.revision < 0) success.setNoStream(new empty.Empty())
      else success.setCurrentRevision(String(outcome.revision))
      if (outcome.position < 0) success.setNoPosition(new empty.Empty())
      else {
        success.setPosition(
          new shared.AllStreamPosition()
            .setCommitPosition(String(outcome.position))
            .setPreparePosition(String(outcome.position)),
        )
      }
      return success
    }
    case "WrongExpectedVersion":
      return statuses.wrongExpectedVersion(expected, outcome.current)
    case "StreamDeleted":
      return statuses.streamDeleted(stream)
    case "InvalidTransaction":
      return statuses.unknown()
  }
}

const begun = async (
  { door }: Serving,
  { user }: Caller,
  options: messages.BatchAppendReq.Options,
): Promise<Pending | ReturnType<typeof statuses.unknown>> => {
  const stream = nameOf(options.getStreamIdentifier())
  try {
    await door.access.check(user, stream, "write")
  } catch (cause) {
    if (cause instanceof Refused) return statuses.accessDenied()
    throw cause
  }
  if (!options.hasStreamIdentifier()) {
    return statuses.badRequest("Required field StreamIdentifier not set.")
  }
  const until = options.getDeadline()
  if (until !== undefined && until.toDate().getTime() <= Date.now()) return statuses.timeout()
  const expected = expectedOf(options)
  if (expected === undefined) return statuses.badRequest("An expected stream position is needed.")
  return { stream, expected, events: [], bytes: 0 }
}

const serve = async (
  serving: Serving,
  requests: AsyncIterable<messages.BatchAppendReq>,
  send: Send<Answer>,
  caller: Caller,
) => {
  const pending = new Map<string, Pending>()
  const going = new Set<Promise<void>>()
  const failed = new AbortController()
  let taken = 0
  for await (const request of requests) {
    if (failed.signal.aborted) throw failed.signal.reason
    const correlation = request.getCorrelationId()
    const key = idOf(correlation)
    const options = request.getOptions()
    let append = pending.get(key)
    if (options !== undefined && append === undefined) {
      const first = await begun(serving, caller, options)
      if (!("events" in first)) {
        await send(answerOf(correlation, nameOf(options.getStreamIdentifier()), first))
        continue
      }
      pending.set(key, append = first)
    }
    if (append === undefined) continue
    const { stream, expected, events } = append
    try {
      for (const message of request.getProposedMessagesList()) {
        const event = proposed(message)
        append.bytes += bytesOf(event)
        events.push(event)
      }
    } catch (cause) {
      if (!(cause instanceof Refused)) throw cause
      pending.delete(key)
      await send(answerOf(correlation, stream, statuses.badRequest(cause.message)))
      continue
    }
    if (append.bytes > appendBytesMax) {
      pending.delete(key)
      const status = statuses.maximumAppendSizeExceeded(appendBytesMax)
      await send(answerOf(correlation, stream, status))
      continue
    }
    if (!request.getIsFinal()) continue
    pending.delete(key)
    taken += append.bytes
    const done = serving.door.append(stream, expected, events).then(
      (outcome) => send(answerOf(correlation, stream, outcomeOf(stream, expected, outcome))),
    ).catch((cause) => failed.abort(cause)).then(() => {
      going.delete(done)
      taken -= append.bytes
    })
    going.add(done)
    while (taken > takenBytesMax) await Promise.race(going)
  }
  await Promise.all(going)
  if (failed.signal.aborted) throw failed.signal.reason
}

export const batchAppend = (serving: Serving) =>
  conversing<messages.BatchAppendReq, Answer>(
    serving,
    (requests, send, caller) => serve(serving, requests, send, caller),
  )
