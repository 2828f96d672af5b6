/** Ids and stream names as messages have them. */
import messages from "@eventstore/db-client/generated/shared_pb.js"
import { invalidArgument } from "./errors.ts"

const decoder = new TextDecoder()
const encoder = new TextEncoder()

/** Bytes that are no UTF-8 read as the replacement character, as they do on any server. */
export const nameOf = (identifier: messages.StreamIdentifier | undefined): string =>
  identifier === undefined ? "" : decoder.decode(identifier.getStreamName_asU8())

/** What no stream is called: nothing, and the metadata of nothing. */
export const isNoName = (stream: string): boolean => stream === "" || stream === "$$"

export const identifierOf = (stream: string): messages.StreamIdentifier =>
  new messages.StreamIdentifier().setStreamName(encoder.encode(stream))

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const hex = (bits: string): string =>
  BigInt.asUintN(64, BigInt(bits)).toString(16).padStart(16, "0")
const dashed = (digits: string): string =>
  [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join("-")

/** The id in canonical form, from either form that messages may have. */
export const idOf = (id: messages.UUID | undefined): string => {
  const structured = id?.getStructured()
  if (structured !== undefined) {
    return dashed(
      hex(structured.getMostSignificantBits()) + hex(structured.getLeastSignificantBits()),
    )
  }
  return canonicalId(id?.getString() ?? "")
}

/** The id in canonical form. Throws where it is none. */
export const canonicalId = (said: string): string => {
  if (uuid.test(said)) return said
  const text = said.toLowerCase()
  if (uuid.test(text)) return text
  const digits = text.replace(/^[{(]|[)}]$/g, "").replaceAll("-", "")
  if (/^[0-9a-f]{32}$/.test(digits)) return dashed(digits)
  throw invalidArgument(`'${text}' is not a valid UUID`)
}

export const uuidOf = (id: string): messages.UUID => new messages.UUID().setString(id)

/** The two halves of an id as signed 64-bit numbers. */
export const halvesOf = (id: string): readonly [bigint, bigint] => {
  const digits = id.replaceAll("-", "")
  return [
    BigInt.asIntN(64, BigInt(`0x${digits.slice(0, 16)}`)),
    BigInt.asIntN(64, BigInt(`0x${digits.slice(16)}`)),
  ]
}
