/**
 * Messages of the protocol as fields, read by hand: what is appended most is not built as objects first.
 * Contents are parts of the message's own bytes, not copies.
 */
import type { Buffer } from "node:buffer"

/** A field of a message: its number, and its bytes or its value. */
export interface Field {
  readonly number: number
  /** Empty where the field is a number. */
  readonly bytes: Buffer
  /** 0 where the field holds bytes; of numbers beyond 2^53 the nearest. */
  readonly value: number
}

const broken = () => new RangeError("A message breaks off.")

/** Calls `take` with each field, in order; unknown kinds of fields are skipped. */
export const eachField = (message: Buffer, take: (field: Field) => void): void => {
  const none = message.subarray(0, 0)
  let at = 0
  const varint = (): number => {
    let value = 0, factor = 1
    for (let n = 0; n < 10; n++) {
      const byte = message[at++]
      if (byte === undefined) throw broken()
      value += (byte & 127) * factor
      if (byte < 128) return value
      factor *= 128
    }
    throw broken()
  }
  while (at < message.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    switch (tag % 8) {
      case 0:
        take({ number, bytes: none, value: varint() })
        break
      case 1:
        at += 8
        break
      case 2: {
        const length = varint()
        if (at + length > message.length) throw broken()
        take({ number, bytes: message.subarray(at, at + length), value: 0 })
        at += length
        break
      }
      case 5:
        at += 4
        break
      default:
        throw broken()
    }
  }
}

/** As a signed number of 64 bits. */
const signed = (bytes: Buffer, number: number): bigint => {
  let found = 0n
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n;; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw broken()
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const value = varint()
    if (tag === number * 8) found = value
  }
  return BigInt.asUintN(64, found)
}

/** The text of an id, in either of its forms, as whoever sent it wrote it. */
export const idText = (message: Buffer): string => {
  let text = ""
  eachField(message, ({ number, bytes }) => {
    if (number === 2) text = bytes.toString("latin1")
    else if (number === 1) {
      const hex = (half: bigint) => half.toString(16).padStart(16, "0")
      text = hex(signed(bytes, 1)) + hex(signed(bytes, 2))
    }
  })
  return text
}
