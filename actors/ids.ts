/**
 * Ids. Version 7 UUIDs are minted for what happens now and sort by time; version 8 UUIDs are derived
 * from what they identify (truncated SHA-256), so doing the same thing again gives the same id.
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"

/** Random bytes are drawn in blocks: one draw per id costs more than the id. */
const poolBytes = 4096
const pool = new Uint8Array(poolBytes)
let used = poolBytes

const hexPairs = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, "0"))

/** A version 7 UUID for the instant `at` (epoch ms). */
export const mintId = (at: number): string => {
  if (used + 10 > poolBytes) {
    crypto.getRandomValues(pool)
    used = 0
  }
  const r = used
  used += 10
  const time = Math.trunc(at).toString(16).padStart(12, "0")
  const h = (n: number) => hexPairs[pool[r + n]!]!
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${h(0)[1]}${h(1)}-${
    hexPairs[(pool[r + 2]! & 0x3f) | 0x80]
  }${h(3)}-${h(4)}${h(5)}${h(6)}${h(7)}${h(8)}${h(9)}`
}

/** A version 8 UUID that stands for `text`. */
export const derivedId = (text: string): string => {
  const hex = sha256Hex(text)
  const variant = hexPairs[(parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${
    hex.slice(18, 20)
  }-${hex.slice(20, 32)}`
}

export const sha256Hex = (content: string | Uint8Array): string =>
  bytesToHex(sha256(typeof content === "string" ? utf8ToBytes(content) : content))

/** A charge at a payment system, whose records find each other by it. `key`: the vault's, so that nobody guesses it. */
interface ChargeIds {
  /** Of the first record that says which invoice the charge pays. */
  readonly charge: string
  /** Of the first record that does not. */
  readonly payer: string
  /** Of the refunds and disputes that were there before it; `place` counts from 1. */
  readonly waiting: (place: number) => string
}
export const chargeIds = (
  key: (text: string) => string,
  system: string,
  charge: string,
): ChargeIds => {
  const base = key(`charge:${system}:${charge}`)
  return {
    charge: derivedId(`charge:${base}`),
    payer: derivedId(`payer:${base}`),
    waiting: (place) => derivedId(`waiting:${base}:${place}`),
  }
}
/** So many refunds and disputes wait for one charge to be imported; further ones are only records. */
export const waitingMax = 50

/** Event id of the outcome of an ask; `attempt` counts outcomes of the same ask, from 1. */
export const outcomeId = (ask: string, attempt = 1): string =>
  derivedId(`outcome:${ask}:${attempt}`)
/** Event id under which what ask `ask` tells is recorded by its receiver. */
export const tellId = (ask: string): string => derivedId(`tell:${ask}`)
