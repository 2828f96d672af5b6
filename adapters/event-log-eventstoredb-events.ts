/**
 * Events of an event store as our records. What AIOS wrote comes back as it was; what others wrote is
 * kept in `metadata.foreign`, JSON as the client writes it, since the client has parsed it already.
 * System events (their type or their stream begins with `$`) are none of ours and never given.
 */
import type { NewEvent, RecordedEvent } from "../actors/event-log.ts"
import { metadataOf, received } from "../actors/foreign-events.ts"
import type { Json } from "../machines/agent.ts"
import type { StoredEvent } from "./event-log-eventstoredb-seam.ts"

const encoder = new TextEncoder()

export const isVisible = ({ stream, type }: StoredEvent): boolean =>
  !stream.startsWith("$") && !type.startsWith("$")

const bytesOf = (content: unknown): Uint8Array =>
  content instanceof Uint8Array
    ? content
    : content === undefined
    ? new Uint8Array()
    : encoder.encode(JSON.stringify(content))

const isJson = (content: unknown): content is Json =>
  content !== undefined && !(content instanceof Uint8Array)

const contentOf = (event: StoredEvent): NewEvent => {
  const { data, id, type } = event
  const metadata = event.json ? metadataOf(event.metadata) : undefined
  if (metadata !== undefined && isJson(data)) return { id, type, data, metadata }
  return received({
    id,
    type,
    json: event.json,
    data: bytesOf(data),
    metadata: bytesOf(event.metadata),
  }, event.created)
}

export const recordOf = (event: StoredEvent, position: number): RecordedEvent => {
  const { stream, revision } = event
  return { ...contentOf(event), stream, revision, position }
}

/** Roughly what JSON takes in memory and on the wire: exact enough to keep pages small. */
const roughBytes = (content: unknown): number => {
  if (typeof content === "string") return content.length + 2
  if (typeof content !== "object" || content === null) return 8
  if (content instanceof Uint8Array) return content.length
  let bytes = 2
  for (const key in content) {
    bytes += key.length + 3 + roughBytes(Reflect.get(content, key))
  }
  return bytes
}

export const sizeOf = ({ data, metadata }: { data: unknown; metadata: unknown }): number =>
  roughBytes(data) + roughBytes(metadata)

const decoder = new TextDecoder()
/** Undefined where it is no JSON. */
export const parsed = (bytes: Uint8Array): { readonly json: Json } | undefined => {
  try {
    return { json: JSON.parse(decoder.decode(bytes)) }
  } catch {
    return undefined
  }
}
