/**
 * The packed form of an event's type and metadata: one blob of about 50 bytes, where names are keys of
 * a dictionary and ids, hashes and times are bytes. What does not have the usual shape (an id that is
 * no UUID, a time before 1970) is stored as JSON text instead, so nothing is ever changed by storing it.
 */
import { Buffer } from "node:buffer"
import type { ChartRef, Metadata, NewEvent } from "../actors/event-log.ts"
import type { StateValue } from "../machines/agent.ts"
import { textOut } from "./sqlite.ts"

/** State value and status, which nearly always come in few combinations. */
export interface Standing {
  readonly value?: StateValue
  readonly status?: NonNullable<Metadata["status"]>
}

/** Dictionary of the log: text and what was parsed from it, by small keys that are never reused. */
export interface Dictionary {
  keyOf(text: string): number
  textOf(key: number): string
  chartOf(key: number): ChartRef
  standingOf(key: number): Standing
  /** Key of a stream that exists. Streams have keys of their own. */
  streamKeyOf(name: string): number | undefined
  streamNameOf(key: number): string
}

const causation = 1, ownStory = 2, chart = 4, state = 8
const standing = 16, actor = 32, occurredAt = 64, traceparent = 128

const dash = 45
/** Value of a lower-case hex digit by character code; 255 for all other characters. */
const nibbles = new Uint8Array(65536).fill(255)
const high = new Uint8Array(256), low = new Uint8Array(256)
for (let n = 0; n < 16; n++) nibbles[n.toString(16).charCodeAt(0)] = n
for (let n = 0; n < 256; n++) {
  const [a, b] = n.toString(16).padStart(2, "0")
  high[n] = a!.charCodeAt(0)
  low[n] = b!.charCodeAt(0)
}

/** Room for the longest packed form: flags, five keys, two times, two UUIDs, a hash, a trace. */
const scratch = new Uint8Array(192)

/** Writes hex digits as bytes. False where one is not a lower-case hex digit. */
const putHex = (text: string, from: number, to: number, target: Uint8Array, at: number) => {
  let seen = 0
  for (let n = from; n < to; n += 2) {
    const a = nibbles[text.charCodeAt(n)]!, b = nibbles[text.charCodeAt(n + 1)]!
    seen |= a | b
    target[at++] = (a << 4) | b
  }
  return seen < 16
}

/** Writes a UUID as 16 bytes. False where it is not one in canonical form. */
export const putUuid = (text: string, target: Uint8Array, at: number): boolean =>
  text.length === 36 && text.charCodeAt(8) === dash && text.charCodeAt(13) === dash &&
  text.charCodeAt(18) === dash && text.charCodeAt(23) === dash &&
  putHex(text, 0, 8, target, at) && putHex(text, 9, 13, target, at + 4) &&
  putHex(text, 14, 18, target, at + 6) && putHex(text, 19, 23, target, at + 8) &&
  putHex(text, 24, 36, target, at + 10)

const putKey = (key: number, at: number): number => {
  while (key > 127) {
    scratch[at++] = (key & 127) | 128
    key = Math.floor(key / 128)
  }
  scratch[at++] = key
  return at
}

const isTime = (time: number) => Number.isInteger(time) && time >= 0 && time < 2 ** 48

const putTime = (time: number, at: number): number => {
  const upper = Math.floor(time / 2 ** 32)
  scratch[at] = upper >> 8
  scratch[at + 1] = upper
  scratch[at + 2] = time >>> 24
  scratch[at + 3] = time >>> 16
  scratch[at + 4] = time >>> 8
  scratch[at + 5] = time
  return at + 6
}

const loose = (event: NewEvent): string =>
  JSON.stringify({ type: event.type, metadata: event.metadata })

/**
 * The packed form, all but the asks; or JSON text of type and metadata (with the asks). The bytes are
 * overwritten by the next call: bind them at once.
 */
export const pack = (event: NewEvent, words: Dictionary): Uint8Array | string => {
  const m = event.metadata
  if (!isTime(m.at)) return loose(event)
  let flags = 0, keys = 2
  let at = putTime(m.at, putKey(words.keyOf(event.type), 1))
  if (m.$correlationId === event.id) flags |= ownStory
  else if (putUuid(m.$correlationId, scratch, at)) at += 16
  else return loose(event)
  if (m.asks !== undefined) keys++
  if (m.$causationId !== undefined) {
    if (!putUuid(m.$causationId, scratch, at)) return loose(event)
    flags |= causation
    keys++
    at += 16
  }
  if (m.chart !== undefined) {
    const { name, version, hash } = m.chart
    flags |= chart
    keys++
    at = putKey(words.keyOf(JSON.stringify([name, version, hash])), at)
  }
  if (m.state !== undefined) {
    if (m.state.length !== 16 || !putHex(m.state, 0, 16, scratch, at)) return loose(event)
    flags |= state
    keys++
    at += 8
  }
  if (m.value !== undefined || m.status !== undefined) {
    flags |= standing
    if (m.value !== undefined) keys++
    if (m.status !== undefined) keys++
    at = putKey(words.keyOf(JSON.stringify([m.value ?? null, m.status ?? null])), at)
  }
  if (m.actor !== undefined) {
    const stream = m.actor.includes("-") ? words.streamKeyOf(m.actor) : undefined
    flags |= actor
    keys++
    at = putKey(stream === undefined ? words.keyOf(m.actor) * 2 : stream * 2 + 1, at)
  }
  if (m.occurredAt !== undefined) {
    if (!isTime(m.occurredAt)) return loose(event)
    flags |= occurredAt
    keys++
    at = putTime(m.occurredAt, at)
  }
  if (m.traceparent !== undefined) {
    const t = m.traceparent
    if (
      t.length !== 55 || t.charCodeAt(2) !== dash || t.charCodeAt(35) !== dash ||
      t.charCodeAt(52) !== dash || !putHex(t, 0, 2, scratch, at) ||
      !putHex(t, 3, 35, scratch, at + 1) || !putHex(t, 36, 52, scratch, at + 17) ||
      !putHex(t, 53, 55, scratch, at + 25)
    ) return loose(event)
    flags |= traceparent
    keys++
    at += 26
  }
  // A key that is none of these, or is there without a value.
  if (Object.keys(m).length !== keys) return loose(event)
  scratch[0] = flags
  return scratch.subarray(0, at)
}

/** Text is decoded once per row: one call for many ids is faster than one each. */
const letters = Buffer.alloc(256)
const hexOut = (bytes: Uint8Array, from: number, to: number, at: number): number => {
  for (let n = from; n < to; n++) {
    const byte = bytes[n]!
    letters[at++] = high[byte]!
    letters[at++] = low[byte]!
  }
  return at
}
const uuidOut = (bytes: Uint8Array, from: number, at: number): number => {
  at = hexOut(bytes, from, from + 4, at)
  letters[at++] = dash
  at = hexOut(bytes, from + 4, from + 6, at)
  letters[at++] = dash
  at = hexOut(bytes, from + 6, from + 8, at)
  letters[at++] = dash
  at = hexOut(bytes, from + 8, from + 10, at)
  letters[at++] = dash
  return hexOut(bytes, from + 10, from + 16, at)
}

const timeOf = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! * 256 + bytes[at + 1]!) * 2 ** 32 +
  (((bytes[at + 2]! << 24) | (bytes[at + 3]! << 16) | (bytes[at + 4]! << 8) | bytes[at + 5]!) >>> 0)

/** Where the last key that was read ended. */
let cursor = 0
const keyAt = (bytes: Uint8Array, at: number): number => {
  let key = 0, factor = 1
  while (bytes[at]! > 127) {
    key += (bytes[at++]! & 127) * factor
    factor *= 128
  }
  key += (bytes[at++] ?? 0) * factor
  cursor = at
  return key
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** The opposite of `pack`. `asks` is JSON text or null. */
export const unpack = (
  idStored: Uint8Array | string,
  packed: Uint8Array | string,
  asks: string | null,
  words: Dictionary,
): { readonly id: string; readonly type: string; readonly metadata: Metadata } => {
  if (typeof packed === "string") {
    const { type, metadata } = JSON.parse(packed)
    const id = isUuid(idStored) ? uuidText(idStored) : textOut(idStored)
    return { id, type, metadata }
  }
  const flags = packed[0]!
  const type = words.textOf(keyAt(packed, 1))
  const time = timeOf(packed, cursor)
  let at = cursor + 6, end = 0
  if (isUuid(idStored)) end = uuidOut(idStored, 0, 0)
  if ((flags & ownStory) === 0) {
    end = uuidOut(packed, at, end)
    at += 16
  }
  if (flags & causation) {
    end = uuidOut(packed, at, end)
    at += 16
  }
  const text = letters.toString("latin1", 0, end)
  let from = 0
  const next = () => text.slice(from, from += 36)
  const id = isUuid(idStored) ? next() : textOut(idStored)
  const metadata: Writable<Metadata> = {
    at: time,
    $correlationId: flags & ownStory ? id : next(),
  }
  if (flags & causation) metadata.$causationId = next()
  if (flags & chart) {
    metadata.chart = words.chartOf(keyAt(packed, at))
    at = cursor
  }
  if (asks !== null) metadata.asks = JSON.parse(asks)
  if (flags & state) {
    metadata.state = letters.toString("latin1", 0, hexOut(packed, at, at + 8, 0))
    at += 8
  }
  if (flags & standing) {
    const { value, status } = words.standingOf(keyAt(packed, at))
    if (value !== undefined) metadata.value = value
    if (status !== undefined) metadata.status = status
    at = cursor
  }
  if (flags & actor) {
    const key = keyAt(packed, at)
    metadata.actor = key % 2 === 0 ? words.textOf(key / 2) : words.streamNameOf((key - 1) / 2)
    at = cursor
  }
  if (flags & occurredAt) {
    metadata.occurredAt = timeOf(packed, at)
    at += 6
  }
  if (flags & traceparent) metadata.traceparent = traceText(packed, at)
  return { id, type, metadata }
}

const isUuid = (stored: Uint8Array | string): stored is Uint8Array =>
  typeof stored !== "string" && stored.length === 16
const uuidText = (bytes: Uint8Array): string => letters.toString("latin1", 0, uuidOut(bytes, 0, 0))

const traceText = (bytes: Uint8Array, at: number): string => {
  const hex = letters.toString("latin1", 0, hexOut(bytes, at, at + 26, 0))
  return `${hex.slice(0, 2)}-${hex.slice(2, 34)}-${hex.slice(34, 50)}-${hex.slice(50)}`
}
