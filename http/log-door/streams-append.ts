/** `Append`: one append per call, answered once all its events have come. */
import shared from "@eventstore/db-client/generated/shared_pb.js"
import messages from "@eventstore/db-client/generated/streams_pb.js"
import { collecting, type Serving } from "./calls.ts"
import {
  accessDenied,
  appendBytesMax,
  invalidArgument,
  invalidTransaction,
  maximumAppendSizeExceeded,
  streamDeleted,
} from "./errors.ts"
import { isNoName, nameOf } from "./names.ts"
import { bytesOf, proposed } from "./proposed.ts"
import type { AppendOutcome, Expected } from "./terms.ts"
import type { WireEvent } from "../../actors/foreign-events.ts"

const { ExpectedStreamRevisionCase } = messages.AppendReq.Options

/** Appends, deletions and tombstones say it the same way, under the same numbers. */
export const expectedOf = (options: {
  getExpectedStreamRevisionCase(): number
  getRevision(): string | number
}): Expected => {
  const number: number = options.getExpectedStreamRevisionCase()
  switch (number) {
    case ExpectedStreamRevisionCase.REVISION:
      return Number(options.getRevision())
    case ExpectedStreamRevisionCase.NO_STREAM:
      return "noStream"
    case ExpectedStreamRevisionCase.ANY:
      return "any"
    case ExpectedStreamRevisionCase.STREAM_EXISTS:
      return "streamExists"
    default:
      throw invalidArgument("'None' is not a valid ExpectedStreamRevisionOneofCase")
  }
}

/** What old and new clients read as the revision that was expected, and the one there is. */
const wrongExpectedVersion = (expected: Expected, current: number) => {
  const nothing = new shared.Empty()
  const wrong = new messages.AppendResp.WrongExpectedVersion()
  if (expected === "any") wrong.setExpectedAny(nothing).setAny2060(nothing)
  else if (expected === "streamExists") {
    wrong.setExpectedStreamExists(nothing).setStreamExists2060(nothing)
  } else if (expected === "noStream") wrong.setExpectedNoStream(nothing)
  else wrong.setExpectedRevision(String(expected)).setExpectedRevision2060(expected)
  if (current < 0) wrong.setCurrentNoStream(nothing).setNoStream2060(nothing)
  else wrong.setCurrentRevision(String(current)).setCurrentRevision2060(current)
  return wrong
}

const answerOf = (stream: string, expected: Expected, outcome: AppendOutcome) => {
  const answer = new messages.AppendResp()
  switch (outcome._tag) {
    case "Appended": {
      const success = new messages.AppendResp.Success()
      if (outcome.revision < 0) success.setNoStream(new shared.Empty())
      else success.setCurrentRevision(String(outcome.revision))
      if (outcome.position < 0) success.setNoPosition(new shared.Empty())
      else {
        success.setPosition(
          new messages.AppendResp.Position()
            .setCommitPosition(String(outcome.position))
            .setPreparePosition(String(outcome.position)),
        )
      }
      return answer.setSuccess(success)
    }
    case "WrongExpectedVersion":
      return answer.setWrongExpectedVersion(wrongExpectedVersion(expected, outcome.current))
    case "StreamDeleted":
      throw streamDeleted(stream)
    case "InvalidTransaction":
      throw invalidTransaction()
  }
}

export const append = (serving: Serving) =>
  collecting<messages.AppendReq, messages.AppendResp>(serving, async (requests, { user }) => {
    let options: messages.AppendReq.Options | undefined
    const events: Array<WireEvent> = []
    let bytes = 0
    for await (const request of requests) {
      if (options === undefined) {
        options = request.getOptions()
        if (options === undefined) throw invalidArgument("The first message must have options.")
        const stream = nameOf(options.getStreamIdentifier())
        if (isNoName(stream)) throw invalidArgument("A stream must have a name.")
        if (stream === "$all") throw accessDenied()
        await serving.door.access.check(user, stream, "write")
        continue
      }
      const message = request.getProposedMessage()
      if (message === undefined) throw invalidArgument("Messages after the first hold an event.")
      const event = proposed(message)
      bytes += bytesOf(event)
      if (bytes > appendBytesMax) throw maximumAppendSizeExceeded(appendBytesMax)
      events.push(event)
    }
    if (options === undefined) throw invalidArgument("The first message must have options.")
    const stream = nameOf(options.getStreamIdentifier())
    const expected = expectedOf(options)
    return answerOf(stream, expected, await serving.door.append(stream, expected, events))
  })
