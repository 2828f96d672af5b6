/**
 * Events as an event store's protocol has them (a type, bytes of content, bytes of metadata), and as our
 * record has them. What AIOS wrote comes back as it was; what somebody else wrote is kept byte for byte
 * in `metadata.foreign`. Bytes from outside may say anything, so metadata counts as ours only where all
 * of it has our shape.
 */
import { Result, Schema } from "effect"
import { decode, encode } from "effect/encoding/Base64"
import type { Json, JsonObject } from "../machines/agent.ts"
import type { Foreign, Metadata, NewEvent } from "./event-log.ts"

/** An event as it is on the wire. */
export interface WireEvent {
  readonly id: string
  readonly type: string
  /** The content is said to be JSON (`application/json`); else it is bytes. */
  readonly json: boolean
  readonly data: Uint8Array
  readonly metadata: Uint8Array
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const optional = Schema.optionalKey
const Value: Schema.Codec<NonNullable<Metadata["value"]>> = Schema.Union([
  Schema.String,
  Schema.Record(Schema.String, Schema.suspend(() => Value)),
])
const AskShape = Schema.Union([
  Schema.Struct({
    ask: Schema.Literal("activity"),
    child: Schema.String,
    src: Schema.String,
    input: optional(Schema.Json),
  }),
  Schema.Struct({
    ask: Schema.Literal("spawn"),
    child: Schema.String,
    src: Schema.String,
    to: Schema.String,
    input: optional(Schema.Json),
  }),
  Schema.Struct({
    ask: Schema.Literal("stop"),
    child: Schema.String,
    of: Schema.String,
    to: optional(Schema.String),
  }),
  Schema.Struct({
    ask: Schema.Literal("timer"),
    name: Schema.String,
    due: Schema.Finite,
    event: Schema.Json,
    to: optional(Schema.String),
  }),
  Schema.Struct({ ask: Schema.Literal("cancel"), name: Schema.String, of: Schema.String }),
  Schema.Struct({ ask: Schema.Literal("tell"), to: Schema.String, event: Schema.Json }),
])
/** Without `foreign`: that never goes over the wire, and whoever says so there is somebody else. */
const MetadataShape = Schema.Struct({
  at: Schema.Finite,
  occurredAt: optional(Schema.Finite),
  $correlationId: Schema.String,
  $causationId: optional(Schema.String),
  chart: optional(
    Schema.Struct({ name: Schema.String, version: Schema.Int, hash: Schema.String }),
  ),
  asks: optional(Schema.Array(AskShape)),
  state: optional(Schema.String),
  value: optional(Value),
  status: optional(Schema.Literals(["done", "error", "stopped"])),
  actor: optional(Schema.String),
  ask: optional(Schema.String),
  traceparent: optional(Schema.String),
})
const isMetadata = Schema.is(MetadataShape)

/** Ours, if all of it has our shape and there is nothing besides. */
export const metadataOf = (parsed: unknown): Metadata | undefined =>
  isMetadata(parsed) && Object.keys(parsed).every((key) => key in MetadataShape.fields)
    ? parsed
    : undefined

const jsonIn = (
  bytes: Uint8Array,
): { readonly json: Json; readonly isOurs: boolean } | undefined => {
  try {
    const text = decoder.decode(bytes)
    const json: Json = JSON.parse(text)
    return { json, isOurs: JSON.stringify(json) === text }
  } catch {
    return undefined
  }
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const idIn = (from: Json | undefined, key: string): string | undefined => {
  const found = typeof from === "object" && from !== null && !Array.isArray(from)
    ? (from as JsonObject)[key]
    : undefined
  return typeof found === "string" && uuid.test(found) ? found : undefined
}

/** Our record of an event that came over the wire at `now` (epoch ms). */
export const received = (event: WireEvent, now: number): NewEvent => {
  const { id, type } = event
  const content = event.json ? jsonIn(event.data) : undefined
  const said = event.metadata.length === 0 ? undefined : jsonIn(event.metadata)
  const ours = said?.isOurs ? metadataOf(said.json) : undefined
  if (ours !== undefined && content?.isOurs) {
    return { id, type, data: content.json, metadata: ours }
  }
  const foreign: Foreign = {
    ...(event.json ? { json: true } : {}),
    ...(content?.isOurs ? {} : { data: encode(event.data) }),
    ...(event.metadata.length === 0 ? {} : { metadata: encode(event.metadata) }),
  }
  const cause = idIn(said?.json, "$causationId")
  return {
    id,
    type,
    data: content?.json ?? null,
    metadata: {
      at: now,
      $correlationId: idIn(said?.json, "$correlationId") ?? id,
      ...(cause === undefined ? {} : { $causationId: cause }),
      foreign,
    },
  }
}

/** The event under another id: readers of the protocol see its own. */
export const aliased = (event: NewEvent, id: string): NewEvent => {
  const { at, $correlationId, $causationId, foreign } = event.metadata
  return {
    ...event,
    id,
    metadata: {
      at,
      $correlationId,
      ...($causationId === undefined ? {} : { $causationId }),
      foreign: {
        ...(foreign ?? { json: true, metadata: encode(JSON.stringify(event.metadata)) }),
        id: event.id,
      },
    },
  }
}

const bytesOf = (base64: string): Uint8Array => {
  const decoded = decode(base64)
  return Result.isSuccess(decoded) ? decoded.success : encoder.encode(base64)
}

/** The event as it goes over the wire: what AIOS wrote with all its metadata, what others wrote as it came. */
export const sent = (event: NewEvent): WireEvent => {
  const { type, data, metadata } = event
  const { foreign } = metadata
  const id = foreign?.id ?? event.id
  const json = () => encoder.encode(JSON.stringify(data))
  if (foreign === undefined) {
    return {
      id,
      type,
      json: true,
      data: json(),
      metadata: encoder.encode(JSON.stringify(metadata)),
    }
  }
  return {
    id,
    type,
    json: foreign.json === true,
    data: foreign.data === undefined ? json() : bytesOf(foreign.data),
    metadata: foreign.metadata === undefined ? new Uint8Array() : bytesOf(foreign.metadata),
  }
}
