/**
 * Cuts a JSON file of any size into the values it holds: the lines of a JSON-lines file, the elements of
 * an array, or the members of the list that an export wraps around them (`data`, `records`,
 * `resources`). Only one value is in memory at a time, and one that is broken costs itself.
 */
import { Buffer } from "node:buffer"

/** A value larger than this is left out and named. */
export const valueBytesMax = 8 * 1024 * 1024
/** Deeper nesting is nobody's data. */
const depthMax = 200
/** Lines of a file's start that tell whether each line is a value of its own. */
const linesLooked = 20

export type JsonCut = { readonly at: string; readonly value: unknown } | {
  readonly at: string
  readonly reason: string
}

/** Lists that an object at the top may be the wrapping of. */
const wrappings = new Map([
  ["data", 0x5b],
  ["records", 0x5b],
  ["results", 0x5b],
  ["resources", 0x7b],
])

const [LF, CR, TAB, SPACE, QUOTE, BACKSLASH, COMMA] = [10, 13, 9, 32, 0x22, 0x5c, 0x2c]
const [OPEN, CLOSE, OPEN_LIST, CLOSE_LIST, COLON] = [0x7b, 0x7d, 0x5b, 0x5d, 0x3a]

const contentOf = (bytes: Buffer) =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes

const isObject = (text: string): boolean => {
  if (!text.startsWith("{") || !text.endsWith("}")) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Whether each line of a file that starts so is a value of its own. */
export const startsLikeLines = (head: string): boolean => {
  const lines = head.split("\n", linesLooked + 1).map((line) => line.trim())
    .filter((line) => line !== "")
  const whole = head.length > lines.join("").length + linesLooked * 4 ? lines : lines.slice(0, -1)
  return lines.length > 1 && lines[0]!.startsWith("{") && lines[0]!.length > 1 &&
    (whole.some(isObject) || isObject(lines.at(-1)!))
}

/** Whether a text that starts so may be JSON at all. */
export const startsLikeJson = (head: string): boolean =>
  /^\s*(?:\{\s*(?:"|\}|$)|\[\s*(?:\{|\[\s*[{["\]\d]|\]\s*$))/.test(head.slice(0, 4096))

const parsed = (at: string, bytes: Buffer): JsonCut => {
  try {
    return { at, value: JSON.parse(bytes.toString("utf8")) }
  } catch (cause) {
    const detail = cause instanceof Error
      ? cause.message.replace(/ in JSON at .*| \(line .*/s, "").slice(0, 120)
      : ""
    return { at, reason: `this is no JSON (${detail}): export it again or correct it` }
  }
}
const tooLarge = (at: string): JsonCut => ({
  at,
  reason: `the value has more than ${valueBytesMax} bytes`,
})

async function* cutLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<JsonCut> {
  let rest: Array<Buffer> = []
  let size = 0
  let line = 1
  const finish = function* (): Generator<JsonCut> {
    const bytes = Buffer.concat(rest)
    const whole = size
    rest = []
    size = 0
    if (whole > valueBytesMax) yield tooLarge(`line ${line}`)
    else {
      const content = line === 1 ? contentOf(bytes) : bytes
      if (content.toString("utf8", 0, 64).trim() === "" && content.toString("utf8").trim() === "") {
        return
      }
      if (deepest(content) > depthMax) {
        yield { at: `line ${line}`, reason: `it is nested deeper than ${depthMax} levels` }
      } else yield parsed(`line ${line}`, content)
    }
  }
  for await (const chunk of chunks) {
    const data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let from = 0
    while (true) {
      const end = data.indexOf(LF, from)
      const part = data.subarray(from, end < 0 ? data.length : end)
      size += part.length
      // The buffer is the stream's: what is kept over it is a copy.
      if (size <= valueBytesMax && part.length > 0) rest.push(end < 0 ? Buffer.from(part) : part)
      if (end < 0) break
      yield* finish()
      line++
      from = end + 1
    }
  }
  yield* finish()
}

/** Levels of nesting, without regard to what stands in quotes: at most that deep. */
const deepest = (bytes: Buffer): number => {
  let [depth, most] = [0, 0]
  for (const byte of bytes) {
    if (byte === OPEN || byte === OPEN_LIST) most = Math.max(most, ++depth)
    else if (byte === CLOSE || byte === CLOSE_LIST) depth--
  }
  return most
}

/** Takes bytes, piece by piece, and gives the values that end in them. */
const cutter = () => {
  /** What is open around the current byte: `{` and `[`. */
  let depth = 0
  let inString = false
  let escaped = false
  /** Depth at which values stand: 0 until a list or a wrapping is found. */
  let level = 0
  let levelIsMembers = false
  let line = 1
  /** Line of the value before: what follows on the same line is told apart by its byte. */
  let lineTold = 0
  let byte = 0
  /** The value being read. */
  let parts: Array<Buffer> = []
  let size = 0
  let at = ""
  let deep = false
  let reading = false
  let scalar = false
  /** At the top: the last string, and whether a colon followed it. */
  let key = ""
  let keyBytes: Array<number> | undefined
  let colon = false
  /** The wrapping's own members, until its list is found: they are no value. */
  let top = false

  const keep = (part: Buffer) => {
    size += part.length
    if (size > valueBytesMax) parts = []
    else parts.push(Buffer.from(part))
  }

  const end = function* (data: Buffer, start: number, stop: number): Generator<JsonCut> {
    const part = data.subarray(Math.max(0, start), stop)
    size += part.length
    const whole = size
    const bytes = parts.length === 0 ? part : Buffer.concat([...parts, part])
    parts = []
    size = 0
    reading = false
    scalar = false
    top = false
    if (whole > valueBytesMax) yield tooLarge(at)
    else if (deep) {
      yield { at: at, reason: `it is nested deeper than ${depthMax} levels` }
    } else yield parsed(at, bytes)
  }
  const take = function* (data: Buffer): Generator<JsonCut> {
    let start = reading ? 0 : -1
    for (let i = 0; i < data.length; i++) {
      const byte = data[i]!
      if (inString) {
        if (escaped) escaped = false
        else if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) {
          inString = false
          if (keyBytes !== undefined) {
            key = Buffer.from(keyBytes).toString("utf8")
            keyBytes = undefined
          }
        } else if (keyBytes !== undefined && keyBytes.length < 64) {
          keyBytes.push(byte)
        }
        continue
      }
      if (byte === LF) {
        line++
        if (scalar) yield* end(data, start, i)
        continue
      }
      if (byte === SPACE || byte === CR || byte === TAB) continue
      const here = (): string => {
        const told = lineTold === line
        lineTold = line
        return told ? `byte ${byte + i}` : `line ${line}`
      }
      switch (byte) {
        case QUOTE:
          inString = true
          if (top && depth === 1 && !colon) keyBytes = []
          break
        case OPEN:
        case OPEN_LIST: {
          if (top && depth === 1 && colon && wrappings.get(key) === byte) {
            // The object at the top only wraps a list: what was read of it is no value.
            reading = false
            parts = []
            size = 0
            start = -1
            top = false
            level = 2
            levelIsMembers = byte === OPEN
            depth++
            break
          }
          if (depth === 0 && byte === OPEN_LIST) {
            level = 1
            levelIsMembers = false
            depth++
            break
          }
          if (!reading && depth === level) {
            reading = true
            at = here()
            deep = false
            top = depth === 0
            colon = false
            start = i
          }
          depth++
          if (depth - level > depthMax) deep = true
          break
        }
        case CLOSE:
        case CLOSE_LIST:
          if (scalar) yield* end(data, start, i)
          depth = Math.max(0, depth - 1)
          if (reading && depth === level) {
            yield* end(data, start, i + 1)
            start = -1
          } else if (depth < level) {
            level = 0
            levelIsMembers = false
          }
          break
        case COLON:
          if (top && depth === 1) colon = true
          break
        case COMMA:
          if (top && depth === 1) colon = false
          if (scalar) yield* end(data, start, i)
          break
        default:
          // A number or word where a value is expected: no record, but it must be named.
          if (!reading && depth === level && !levelIsMembers) {
            reading = true
            scalar = true
            at = here()
            start = i
          }
      }
    }
    if (reading) keep(data.subarray(Math.max(0, start)))
    byte += data.length
  }

  const finish = function* (): Generator<JsonCut> {
    if (!reading) return
    if (scalar) yield* end(Buffer.alloc(0), 0, 0)
    else {
      yield { at: at, reason: "the file ends within this value: export it again" }
    }
  }

  return { take, finish }
}

async function* cutWhole(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<JsonCut> {
  const { take, finish } = cutter()
  let first = true
  for await (const chunk of chunks) {
    const data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    yield* take(first ? contentOf(data) : data)
    first = false
  }
  yield* finish()
}

/** Values in order. `lines`: each line is one (see `startsLikeLines`). */
export const cutJson = (
  chunks: AsyncIterable<Uint8Array>,
  lines: boolean,
): AsyncGenerator<JsonCut> => lines ? cutLines(chunks) : cutWhole(chunks)

/** A member of whatever it is; undefined where there is none. */
export const member = (value: unknown, ...path: ReadonlyArray<string | number>): unknown => {
  let at: unknown = value
  for (const key of path) {
    if (typeof at !== "object" || at === null) return undefined
    at = Object.getOwnPropertyDescriptor(at, key)?.value
  }
  return at
}
export const textAt = (value: unknown, ...path: ReadonlyArray<string | number>): string => {
  const found = member(value, ...path)
  return typeof found === "string" ? found : typeof found === "number" ? String(found) : ""
}
export const numberAt = (
  value: unknown,
  ...path: ReadonlyArray<string | number>
): number | undefined => {
  const found = member(value, ...path)
  return typeof found === "number" && Number.isFinite(found) ? found : undefined
}
