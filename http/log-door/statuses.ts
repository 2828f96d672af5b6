/** How a batch append says what became of an append: a status with its detail, within the stream. */
import codes from "@eventstore/db-client/generated/code_pb.js"
import shared from "@eventstore/db-client/generated/shared_pb.js"
import messages from "@eventstore/db-client/generated/status_pb.js"
import any from "google-protobuf/google/protobuf/any_pb.js"
import empty from "google-protobuf/google/protobuf/empty_pb.js"
import { identifierOf } from "./names.ts"
import type { Expected } from "./terms.ts"

const { Code } = codes

interface Detail {
  serializeBinary(): Uint8Array
}

const status = (code: number, message: string, name: string, detail: Detail): messages.Status => {
  const details = new any.Any()
  details.pack(detail.serializeBinary(), name)
  return new messages.Status().setCode(code).setMessage(message).setDetails(details)
}

const ours = (code: number, name: string, detail: Detail, message = name) =>
  status(code, message, `event_store.client.${name}`, detail)

/** `current` is -1 where there is no stream. */
export const wrongExpectedVersion = (expected: Expected, current: number): messages.Status => {
  const detail = new shared.WrongExpectedVersion()
  const nothing = new empty.Empty()
  if (current < 0) detail.setCurrentNoStream(nothing)
  else detail.setCurrentStreamRevision(String(current))
  if (expected === "any") detail.setExpectedAny(nothing)
  else if (expected === "noStream") detail.setExpectedNoStream(nothing)
  else if (expected === "streamExists") detail.setExpectedStreamExists(nothing)
  else detail.setExpectedStreamPosition(String(expected))
  return ours(Code.ALREADY_EXISTS, "WrongExpectedVersion", detail)
}

export const streamDeleted = (stream: string): messages.Status =>
  ours(
    Code.NOT_FOUND,
    "StreamDeleted",
    new shared.StreamDeleted().setStreamIdentifier(identifierOf(stream)),
  )

export const accessDenied = (): messages.Status =>
  ours(Code.PERMISSION_DENIED, "AccessDenied", new shared.AccessDenied())

export const timeout = (): messages.Status =>
  ours(Code.DEADLINE_EXCEEDED, "Timeout", new shared.Timeout())

export const unknown = (): messages.Status => ours(Code.UNKNOWN, "Unknown", new shared.Unknown())

export const maximumAppendSizeExceeded = (bytes: number): messages.Status =>
  ours(
    Code.INVALID_ARGUMENT,
    "MaximumAppendSizeExceeded",
    new shared.MaximumAppendSizeExceeded().setMaxappendsize(bytes),
  )

export const badRequest = (message: string): messages.Status =>
  ours(Code.INVALID_ARGUMENT, "BadRequest", new shared.BadRequest().setMessage(message))

export const internalError = (message: string): messages.Status =>
  status(Code.INTERNAL, message, "google.protobuf.Empty", new empty.Empty())
