/** What `BatchAppend` takes and answers, as bytes of the protocol. */
import { Buffer } from "node:buffer"
import type { WireEvent } from "../../actors/foreign-events.ts"
import { eachField, idText } from "./decoding.ts"
import { field, numberField, textField } from "./encoding.ts"
import { canonicalId } from "./names.ts"
import { eventOf } from "./proposed.ts"
import type { AppendOutcome, Expected } from "./terms.ts"

export interface BatchOptions {
  /** Absent where the request names no stream. */
  readonly stream: string | undefined
  readonly expected: Expected | undefined
  /** Epoch milliseconds. */
  readonly until: number
}

export interface BatchRequest {
  /** The correlation id as it came: it goes back the same. */
  readonly correlation: Buffer
  readonly options: BatchOptions | undefined
  readonly messages: ReadonlyArray<Buffer>
  readonly isFinal: boolean
}

const secondsOf = (message: Buffer): number => {
  let millis = 0
  eachField(message, ({ number, value }) => {
    // A negative duration is a number of 64 bits: it is over.
    if (value > Number.MAX_SAFE_INTEGER) millis = -Infinity
    else if (number === 1) millis += value * 1000
    else if (number === 2) millis += value / 1e6
  })
  return millis
}

const optionsOf = (message: Buffer, now: number): BatchOptions => {
  let stream: string | undefined
  let expected: Expected | undefined
  let until = Infinity
  eachField(message, ({ number, bytes, value }) => {
    switch (number) {
      case 1:
        stream = ""
        eachField(bytes, (name) => {
          if (name.number === 3) stream = name.bytes.toString("utf8")
        })
        break
      case 2:
        expected = value
        break
      case 3:
        expected = "noStream"
        break
      case 4:
        expected = "any"
        break
      case 5:
        expected = "streamExists"
        break
      case 6:
        until = secondsOf(bytes)
        break
      case 7:
        until = now + secondsOf(bytes)
    }
  })
  return { stream, expected, until }
}

export const batchRequest = (message: Buffer): BatchRequest => {
  let correlation = message.subarray(0, 0)
  let options: BatchOptions | undefined
  let isFinal = false
  const messages: Array<Buffer> = []
  eachField(message, ({ number, bytes, value }) => {
    if (number === 1) correlation = bytes
    else if (number === 2) options = optionsOf(bytes, Date.now())
    else if (number === 3) messages.push(bytes)
    else if (number === 4) isFinal = value !== 0
  })
  return { correlation, options, messages, isFinal }
}

/** Throws where a property that every event needs is missing. */
export const proposedIn = (message: Buffer): WireEvent => {
  const none = message.subarray(0, 0)
  let id = ""
  let type: string | undefined
  let contentType: string | undefined
  let metadata = none
  let data = none
  eachField(message, ({ number, bytes }) => {
    switch (number) {
      case 1:
        id = idText(bytes)
        break
      case 2: {
        let key = "", value = ""
        eachField(bytes, (part) => {
          if (part.number === 1) key = part.bytes.toString("utf8")
          else if (part.number === 2) value = part.bytes.toString("utf8")
        })
        if (key === "type") type = value
        else if (key === "content-type") contentType = value
        break
      }
      case 3:
        metadata = bytes
        break
      case 4:
        data = bytes
    }
  })
  return eventOf(canonicalId(id), type, contentType, data, metadata)
}

/** An outcome as a field of the answer. */
export const successField = (
  { revision, position }: Extract<AppendOutcome, { readonly _tag: "Appended" }>,
): Buffer => {
  const nothing = Buffer.alloc(0)
  return field(
    3,
    Buffer.concat([
      revision < 0 ? field(2, nothing) : numberField(1, revision),
      position < 0
        ? field(4, nothing)
        : field(3, Buffer.concat([numberField(1, position), numberField(2, position)])),
    ]),
  )
}

export const errorField = (status: { serializeBinary(): Uint8Array }): Buffer =>
  field(2, status.serializeBinary())

export const batchAnswer = (correlation: Buffer, stream: string, outcome: Buffer): Buffer =>
  Buffer.concat([field(1, correlation), outcome, field(4, textField(3, stream))])
