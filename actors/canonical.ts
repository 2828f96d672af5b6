/**
 * Canonical JSON (keys sorted by code unit, no spaces) and the 64-bit hash that states are compared by:
 * the first eight bytes of MurmurHash3 x86 128 over its UTF-8. It guards against accidents, not
 * against an adversary, who would need to rewrite the log to gain anything; SHA-256 costs ten times as much.
 */

/** What a walk met that JSON does not keep as it is: the value must go through JSON before it is kept. */
export interface Impurity {
  found: boolean
}

/** A stand-in for another actor inside a state: written as its address. */
export interface Addressed {
  toJSON(): unknown
  readonly isActorAddress: true
}
const isAddressed = (value: object): value is Addressed => "isActorAddress" in value

/**
 * Canonical JSON of what `JSON.stringify` would keep of `value`; `undefined` counts as absent. With
 * `impurity` it is a state that is looked at, and what JSON would lose altogether throws.
 */
export const canonical = (value: unknown, impurity?: Impurity): string => {
  if (typeof value === "string") return JSON.stringify(value)
  if (typeof value === "number") {
    if (Number.isFinite(value) && !Object.is(value, -0)) return String(value)
    impure(impurity)
    return value === 0 ? "0" : "null"
  }
  if (typeof value === "boolean") return value ? "true" : "false"
  if (typeof value === "bigint") {
    throw new TypeError("A BigInt cannot be kept in a state: use a string or a number")
  }
  if (typeof value !== "object") {
    if (value !== undefined) lost(typeof value, impurity)
    return "null"
  }
  if (value === null) return "null"
  if (Array.isArray(value)) {
    let text = "["
    for (let n = 0; n < value.length; n++) {
      const item: unknown = value[n]
      if (item === undefined) impure(impurity)
      text += n === 0 ? canonical(item, impurity) : "," + canonical(item, impurity)
    }
    return text + "]"
  }
  if (value instanceof Error) {
    impure(impurity)
    return canonical(plainError(value))
  }
  if ("toJSON" in value && typeof value.toJSON === "function") {
    if (!isAddressed(value)) impure(impurity)
    return canonical(value.toJSON(), impurity)
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    if (keepsNothing.some((kind) => value instanceof kind)) lost(value.constructor.name, impurity)
    impure(impurity)
  }
  const record = value as Record<string, unknown>
  const keys = Object.keys(record)
  if (keys.length > 1) keys.sort()
  let text = "{"
  for (const key of keys) {
    const item = record[key]
    if (item === undefined) {
      impure(impurity)
      continue
    }
    if (typeof item === "function" || typeof item === "symbol") {
      lost(typeof item, impurity)
      continue
    }
    text += (text.length === 1 ? "" : ",") + keyText(key) + canonical(item, impurity)
  }
  return text + "}"
}

/** Keys are few and come again: as they are written, with the colon. */
const keyTexts = new Map<string, string>()
const keyTextsMax = 4096
const keyText = (key: string): string => {
  let text = keyTexts.get(key)
  if (text === undefined) {
    text = JSON.stringify(key) + ":"
    if (keyTexts.size === keyTextsMax) keyTexts.clear()
    keyTexts.set(key, text)
  }
  return text
}

/** JSON makes `{}` of these. */
const keepsNothing = [Map, Set, WeakMap, WeakSet, RegExp, Promise, ArrayBuffer]
const lost = (what: string, impurity: Impurity | undefined) => {
  if (impurity === undefined) return
  throw new TypeError(
    `A ${what} cannot be kept in a state, because JSON loses it: use plain objects, arrays and text`,
  )
}
const impure = (impurity: Impurity | undefined) => {
  if (impurity !== undefined) impurity.found = true
}

export interface PlainError {
  readonly name: string
  readonly message: string
}
/** What was plain already stays as it is; anything else that was thrown becomes the message. */
export const plainError = (error: unknown): PlainError =>
  error instanceof Error || isPlainError(error)
    ? { name: error.name, message: error.message }
    : { name: "Error", message: typeof error === "string" ? error : canonical(error) }
export const isPlainError = (value: unknown): value is PlainError =>
  typeof value === "object" && value !== null && "name" in value && "message" in value &&
  typeof value.name === "string" && typeof value.message === "string" &&
  Object.keys(value).length === 2

/** An `Error` again, with a stack that does not depend on where. */
export const errorOf = (plainError: { name: string; message: string }) => {
  const error = new Error(plainError.message)
  error.name = plainError.name
  error.stack = `${plainError.name}: ${plainError.message}`
  return error
}

const encoder = new TextEncoder()
/** Grows to the largest text hashed so far. */
let bytes = new Uint8Array(8192)
let words = new Int32Array(bytes.buffer)

/** 16 hex digits: the first 64 bits of MurmurHash3 x86 128 (seed 0) over the UTF-8 of `text`. */
export const hash64 = (text: string): string => {
  if (text.length * 3 > bytes.length) {
    bytes = new Uint8Array(1 << (32 - Math.clz32(text.length * 3 + 16)))
    words = new Int32Array(bytes.buffer)
  }
  const length = encoder.encodeInto(text, bytes).written
  const c1 = 0x239b961b, c2 = 0xab0e9789, c3 = 0x38b34ae5, c4 = 0xa1e38b93
  let h1 = 0, h2 = 0, h3 = 0, h4 = 0
  const blocks = length >>> 4
  for (let n = 0, w = 0; n < blocks; n++, w += 4) {
    let k = Math.imul(words[w]!, c1)
    h1 ^= Math.imul((k << 15) | (k >>> 17), c2)
    h1 = (Math.imul(((h1 << 19) | (h1 >>> 13)) + h2, 5) + 0x561ccd1b) | 0
    k = Math.imul(words[w + 1]!, c2)
    h2 ^= Math.imul((k << 16) | (k >>> 16), c3)
    h2 = (Math.imul(((h2 << 17) | (h2 >>> 15)) + h3, 5) + 0x0bcaa747) | 0
    k = Math.imul(words[w + 2]!, c3)
    h3 ^= Math.imul((k << 17) | (k >>> 15), c4)
    h3 = (Math.imul(((h3 << 15) | (h3 >>> 17)) + h4, 5) + 0x96cd1c35) | 0
    k = Math.imul(words[w + 3]!, c4)
    h4 ^= Math.imul((k << 18) | (k >>> 14), c1)
    h4 = (Math.imul(((h4 << 13) | (h4 >>> 19)) + h1, 5) + 0x32ac3b17) | 0
  }
  const tail = length & 15
  if (tail > 0) {
    const start = blocks << 4
    bytes.fill(0, length, start + 16)
    const w = start >>> 2
    let k = Math.imul(words[w + 3]!, c4)
    if (tail > 12) h4 ^= Math.imul((k << 18) | (k >>> 14), c1)
    k = Math.imul(words[w + 2]!, c3)
    if (tail > 8) h3 ^= Math.imul((k << 17) | (k >>> 15), c4)
    k = Math.imul(words[w + 1]!, c2)
    if (tail > 4) h2 ^= Math.imul((k << 16) | (k >>> 16), c3)
    k = Math.imul(words[w]!, c1)
    h1 ^= Math.imul((k << 15) | (k >>> 17), c2)
  }
  h1 ^= length
  h2 ^= length
  h3 ^= length
  h4 ^= length
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  h1 = mix(h1)
  h2 = mix(h2)
  h3 = mix(h3)
  h4 = mix(h4)
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  return hex32(h1) + hex32(h2)
}

const mix = (h: number) => {
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

const hexBytes = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"))
const hex32 = (h: number) =>
  hexBytes[h >>> 24]! + hexBytes[(h >>> 16) & 255]! + hexBytes[(h >>> 8) & 255]! +
  hexBytes[h & 255]!
