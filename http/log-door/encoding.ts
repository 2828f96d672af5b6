/**
 * Events as bytes of the protocol, written by hand: what is read most is not built as objects first. The
 * field numbers are those of the protocol's `ReadResp` and of what persistent subscriptions send, which
 * are the same.
 */
import { Buffer } from "node:buffer"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { sent } from "../../actors/foreign-events.ts"
import { halvesOf } from "./names.ts"
import { recent } from "../../actors/recent.ts"
import { deletedRevision, isTombstone } from "./states.ts"
import type { Resolved } from "./terms.ts"

/** Names and types whose bytes are kept (up to twice as many). */
const textsMax = 10_000

export const varintBytes = (value: number): number => {
  let bytes = 1
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

export const putVarint = (target: Buffer, at: number, value: number): number => {
  let rest = value
  while (rest > 127) {
    target[at++] = (rest % 128) | 128
    rest = Math.floor(rest / 128)
  }
  target[at++] = rest
  return at
}

const bigVarint = (value: bigint): Buffer => {
  const bytes: Array<number> = []
  let rest = BigInt.asUintN(64, value)
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

/** What comes before the content of a field that holds bytes. */
const headOf = (number: number, length: number): Buffer => {
  const bytes = Buffer.allocUnsafe(1 + varintBytes(length))
  bytes[0] = (number << 3) | 2
  putVarint(bytes, 1, length)
  return bytes
}

/** A field that holds bytes: text, a message or a blob. Numbers above 15 are not used here. */
export const field = (number: number, content: Uint8Array): Buffer => {
  const head = 1 + varintBytes(content.length)
  const bytes = Buffer.allocUnsafe(head + content.length)
  bytes[0] = (number << 3) | 2
  putVarint(bytes, 1, content.length)
  bytes.set(content, head)
  return bytes
}
export const textField = (number: number, text: string): Buffer => field(number, Buffer.from(text))
export const numberField = (number: number, value: number | bigint): Buffer =>
  typeof value === "bigint"
    ? Buffer.concat([Buffer.of(number << 3), bigVarint(value)])
    : putNumberField(number, value)
const putNumberField = (number: number, value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(1 + varintBytes(value))
  bytes[0] = number << 3
  putVarint(bytes, 1, value)
  return bytes
}

const streamFields = recent<string, Buffer>(textsMax)
const streamField = (stream: string): Buffer => {
  let bytes = streamFields.get(stream)
  if (bytes === undefined) streamFields.set(stream, bytes = field(2, textField(3, stream)))
  return bytes
}

const property = (name: string, value: string): Buffer =>
  field(6, Buffer.concat([textField(1, name), textField(2, value)]))
const typeFields = recent<string, Buffer>(textsMax)
const typeField = (type: string, json: boolean): Buffer => {
  const key = json ? `j${type}` : `b${type}`
  let bytes = typeFields.get(key)
  if (bytes === undefined) {
    const content = json ? "application/json" : "application/octet-stream"
    bytes = Buffer.concat([property("type", type), property("content-type", content)])
    typeFields.set(key, bytes)
  }
  return bytes
}

/** How ids are written: as text, or as two numbers. */
export type IdForm = "string" | "structured"

const idField = (id: string, form: IdForm): Buffer => {
  if (form === "string") {
    const bytes = Buffer.allocUnsafe(40)
    bytes[0] = 0x0a
    bytes[1] = 38
    bytes[2] = 0x12
    bytes[3] = 36
    bytes.write(id, 4, 36, "latin1")
    return bytes
  }
  const [most, least] = halvesOf(id)
  return field(1, field(1, Buffer.concat([numberField(1, most), numberField(2, least)])))
}

/** 2 + 7 bytes of `created`, and its digits: ticks of 100 nanoseconds since 1970. */
const createdField = (at: number): Buffer =>
  property("created", `${Math.max(0, Math.trunc(at))}0000`)

/** `RecordedEvent` of the protocol. */
export const recorded = (event: RecordedEvent, form: IdForm): Buffer => {
  const wire = sent(event)
  const id = idField(wire.id, form)
  const stream = streamField(event.stream)
  const created = createdField(event.metadata.at)
  const type = typeField(wire.type, wire.json)
  const { revision, position } = event
  const tombstone = isTombstone(event) ? numberField(3, deletedRevision) : undefined
  const { data, metadata } = wire
  const bytes = Buffer.allocUnsafe(
    id.length + stream.length + (tombstone?.length ?? 1 + varintBytes(revision)) +
      2 * (1 + varintBytes(position)) + created.length + type.length +
      1 + varintBytes(metadata.length) + metadata.length + 1 + varintBytes(data.length) +
      data.length,
  )
  let at = 0
  const put = (part: Uint8Array) => {
    bytes.set(part, at)
    at += part.length
  }
  const putNumber = (number: number, value: number) => {
    bytes[at++] = number << 3
    at = putVarint(bytes, at, value)
  }
  const putBytes = (number: number, content: Uint8Array) => {
    bytes[at++] = (number << 3) | 2
    at = putVarint(bytes, at, content.length)
    put(content)
  }
  put(id)
  put(stream)
  if (tombstone === undefined) putNumber(3, revision)
  else put(tombstone)
  putNumber(4, position)
  putNumber(5, position)
  put(created)
  put(type)
  putBytes(7, metadata)
  putBytes(8, data)
  return bytes
}

/** `ReadEvent` in parts: large content is copied once, when they are put together. */
const readEventParts = ({ event, link }: Resolved, form: IdForm): ReadonlyArray<Buffer> => {
  const parts: Array<Buffer> = []
  for (const [number, one] of [[1, event], [2, link]] as const) {
    if (one === undefined) continue
    const bytes = recorded(one, form)
    parts.push(headOf(number, bytes.length), bytes)
  }
  parts.push(numberField(3, (link ?? event)?.position ?? 0))
  return parts
}

/** `ReadEvent` of the protocol: the event, the link that led to it, and where in the log it was met. */
export const readEvent = (resolved: Resolved, form: IdForm): Buffer =>
  Buffer.concat(readEventParts(resolved, form))

const nothing = Buffer.alloc(0)

/** The answers of `Read`. */
export const readAnswers = {
  event: (resolved: Resolved, form: IdForm): Buffer => {
    const parts = readEventParts(resolved, form)
    return Buffer.concat([headOf(1, parts.reduce((sum, { length }) => sum + length, 0)), ...parts])
  },
  confirmation: (id: string): Buffer => field(2, textField(1, id)),
  checkpoint: (position: number): Buffer =>
    field(3, Buffer.concat([numberField(1, position), numberField(2, position)])),
  streamNotFound: (stream: string): Buffer => field(4, field(1, textField(3, stream))),
  firstStreamPosition: (revision: number): Buffer => numberField(5, revision),
  lastStreamPosition: (revision: number): Buffer => numberField(6, revision),
  caughtUp: (): Buffer => field(8, nothing),
}
