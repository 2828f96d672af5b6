/** `Delete` and `Tombstone`: what is there is hidden, or the stream is closed for ever. */
import { expectedOf } from "./streams-append.ts"
import shared from "@eventstore/db-client/generated/shared_pb.js"
import messages from "@eventstore/db-client/generated/streams_pb.js"
import { type Serving, unary } from "./calls.ts"
import {
  accessDenied,
  invalidArgument,
  invalidTransaction,
  streamDeleted,
  wrongExpectedVersion,
} from "./errors.ts"
import { isNoName, nameOf } from "./names.ts"
import type { AppendOutcome, Expected } from "./terms.ts"

type Options = messages.DeleteReq.Options | messages.TombstoneReq.Options

/** As numbers of trailers have it. */
const numberOf = (expected: Expected): number =>
  expected === "noStream"
    ? -1
    : expected === "any"
    ? -2
    : expected === "streamExists"
    ? -4
    : expected

const positionOf = (stream: string, expected: Expected, outcome: AppendOutcome): number => {
  switch (outcome._tag) {
    case "Appended":
      return outcome.position
    case "WrongExpectedVersion":
      throw wrongExpectedVersion("Delete", stream, numberOf(expected), outcome.current)
    case "StreamDeleted":
      throw streamDeleted(stream)
    case "InvalidTransaction":
      throw invalidTransaction()
  }
}

const asked = (options: Options | undefined) => {
  if (options === undefined) throw invalidArgument("Options are needed.")
  const stream = nameOf(options.getStreamIdentifier())
  if (isNoName(stream)) throw invalidArgument("A stream must have a name.")
  if (stream === "$all") throw accessDenied()
  return { stream, expected: expectedOf(options) }
}

export const deleteStream = (serving: Serving) =>
  unary<messages.DeleteReq, messages.DeleteResp>(serving, async (request, { user }) => {
    const { stream, expected } = asked(request.getOptions())
    await serving.door.access.check(user, stream, "delete")
    const position = positionOf(stream, expected, await serving.door.delete(stream, expected))
    const answer = new messages.DeleteResp()
    if (position < 0) return answer.setNoPosition(new shared.Empty())
    return answer.setPosition(
      new messages.DeleteResp.Position()
        .setCommitPosition(String(position))
        .setPreparePosition(String(position)),
    )
  })

export const tombstone = (serving: Serving) =>
  unary<messages.TombstoneReq, messages.TombstoneResp>(serving, async (request, { user }) => {
    const { stream, expected } = asked(request.getOptions())
    await serving.door.access.check(user, stream, "delete")
    const position = positionOf(stream, expected, await serving.door.tombstone(stream, expected))
    const answer = new messages.TombstoneResp()
    if (position < 0) return answer.setNoPosition(new shared.Empty())
    return answer.setPosition(
      new messages.TombstoneResp.Position()
        .setCommitPosition(String(position))
        .setPreparePosition(String(position)),
    )
  })
