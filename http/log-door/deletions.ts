/**
 * The events by which streams are deleted, closed for ever and brought back. They are events like any
 * other, in the stream `$$name` or (the tombstone) in the stream itself.
 */
import { Effect } from "effect"
import { randomUUID } from "node:crypto"
import type { NewEvent } from "../../actors/event-log.ts"
import { received, sent } from "../../actors/foreign-events.ts"
import {
  deletedRevision,
  metadataType,
  metastreamOf,
  tombstoneActor,
  tombstoneType,
} from "./states.ts"
import type { Log } from "./terms.ts"

const encoder = new TextEncoder()

export const metadataEvent = (json: string, now: number): NewEvent =>
  received({
    id: randomUUID(),
    type: metadataType,
    json: true,
    data: encoder.encode(json),
    metadata: new Uint8Array(),
  }, now)

/** All that was said of the stream is replaced: a deleted stream has no other metadata. */
export const deletionOf = (now: number): NewEvent =>
  metadataEvent(`{"$tb":${deletedRevision}}`, now)

export const tombstoneOf = (now: number): NewEvent => {
  const event = received({
    id: randomUUID(),
    type: tombstoneType,
    json: false,
    data: new Uint8Array(),
    metadata: new Uint8Array(),
  }, now)
  return { ...event, metadata: { ...event.metadata, actor: tombstoneActor } }
}

const rawMetadata = async (log: Log, stream: string): Promise<object> => {
  const [last] = await Effect.runPromise(
    log.readPage(metastreamOf(stream), { backwards: true, limit: 1 }),
  )
  if (last === undefined) return {}
  try {
    const said: unknown = JSON.parse(new TextDecoder().decode(sent(last).data))
    return typeof said === "object" && said !== null && !Array.isArray(said) ? said : {}
  } catch {
    return {}
  }
}

/** What the metadata says, but for what is shown: from revision `first` on. */
export const recreationOf = async (
  log: Log,
  stream: string,
  first: number,
  now: number,
): Promise<NewEvent> =>
  metadataEvent(JSON.stringify({ ...await rawMetadata(log, stream), $tb: first }), now)
