/**
 * What is known of streams without reading them: the last revision, whether it was closed for ever, and
 * what its metadata stream `$$name` says. Kept for the streams used last; who appends tells it.
 */
import { Effect } from "effect"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { sent } from "../../actors/foreign-events.ts"
import { recent } from "../../actors/recent.ts"
import type { Log } from "./terms.ts"

/** Streams whose state is kept (up to twice as many). */
const statesMax = 20_000

/** The revision that stands for a deleted stream: no event has it. */
export const deletedRevision = 9_223_372_036_854_775_807n
export const metadataType = "$metadata"
export const tombstoneType = "$streamDeleted"

/** A tombstone is the door's own: an event of that type that somebody appended closes nothing. */
export const tombstoneActor = "tombstone"
export const isTombstone = (event: Pick<RecordedEvent, "type" | "metadata">): boolean =>
  event.type === tombstoneType && event.metadata.actor === tombstoneActor

export const isMetastream = (stream: string): boolean => stream.startsWith("$$")
export const metastreamOf = (stream: string): string => `$$${stream}`
export const streamOfMeta = (metastream: string): string => metastream.slice(2)

/** Who may do what; absent where it does not say. */
export interface Acl {
  readonly $r?: ReadonlyArray<string>
  readonly $w?: ReadonlyArray<string>
  readonly $d?: ReadonlyArray<string>
  readonly $mr?: ReadonlyArray<string>
  readonly $mw?: ReadonlyArray<string>
}

export interface StreamMetadata {
  readonly maxCount?: number
  readonly maxAgeSeconds?: number
  /** First revision that is shown; `Infinity` for a deleted stream. */
  readonly truncateBefore?: number
  readonly cacheControlSeconds?: number
  readonly acl?: Acl
}

export interface StreamState {
  /** Last revision, -1 where there are no events. */
  readonly last: number
  /** It has a tombstone: nothing can be appended any more. */
  readonly tombstoned: boolean
  readonly metadata: StreamMetadata
  /** Revision of the metadata, -1 where there is none. */
  readonly metadataRevision: number
}

export interface States {
  of(stream: string): Promise<StreamState>
  /** As far as it is kept. */
  known(stream: string): StreamState | undefined
  /** To be told of whatever was appended. */
  appended(stream: string, events: ReadonlyArray<RecordedLike>, last: number): void
  forget(stream: string): void
}

/** As much of an event as a state depends on. */
export type RecordedLike = Pick<RecordedEvent, "id" | "type" | "data" | "metadata">

const wholeNumber = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined

const namesIn = (value: unknown): ReadonlyArray<string> | undefined =>
  typeof value === "string"
    ? [value]
    : Array.isArray(value)
    ? value.filter((name) => typeof name === "string")
    : undefined

export const aclIn = (value: unknown): Acl | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  const acl: { -readonly [K in keyof Acl]: Acl[K] } = {}
  for (const key of ["$r", "$w", "$d", "$mr", "$mw"] as const) {
    const names = namesIn(Reflect.get(value, key))
    if (names !== undefined) acl[key] = names
  }
  return acl
}

/** What a `$metadata` event says; what does not read says nothing. */
export const metadataIn = (event: RecordedLike): StreamMetadata => {
  let said: unknown
  try {
    said = JSON.parse(new TextDecoder().decode(sent(event).data))
  } catch {
    return {}
  }
  if (typeof said !== "object" || said === null) return {}
  const of = (key: string): unknown => Reflect.get(said, key)
  const maxCount = wholeNumber(of("$maxCount"))
  const maxAgeSeconds = wholeNumber(of("$maxAge"))
  const before = wholeNumber(of("$tb"))
  const cacheControlSeconds = wholeNumber(of("$cacheControl"))
  const acl = aclIn(of("$acl"))
  return {
    ...(maxCount === undefined || maxCount < 1 ? {} : { maxCount }),
    ...(maxAgeSeconds === undefined || maxAgeSeconds < 1 ? {} : { maxAgeSeconds }),
    ...(before === undefined || before < 0
      ? {}
      : { truncateBefore: before >= Number(deletedRevision) ? Infinity : before }),
    ...(cacheControlSeconds === undefined ? {} : { cacheControlSeconds }),
    ...(acl === undefined ? {} : { acl }),
  }
}

export const states = (log: Log): States => {
  const kept = recent<string, StreamState>(statesMax)
  const lastOf = async (stream: string) =>
    (await Effect.runPromise(log.readPage(stream, { backwards: true, limit: 1 }))).at(0)

  const read = async (stream: string): Promise<StreamState> => {
    const last = await lastOf(stream)
    const said = isMetastream(stream) ? undefined : await lastOf(metastreamOf(stream))
    return {
      last: last?.revision ?? -1,
      tombstoned: last !== undefined && isTombstone(last),
      metadata: said === undefined ? {} : metadataIn(said),
      metadataRevision: said?.revision ?? -1,
    }
  }

  return {
    known: (stream) => kept.get(stream),
    of: async (stream) => {
      const state = kept.get(stream)
      if (state !== undefined) return state
      const found = await read(stream)
      // What was told meanwhile is newer.
      const told = kept.get(stream)
      if (told !== undefined) return told
      kept.set(stream, found)
      return found
    },
    appended: (stream, events, last) => {
      const state = kept.get(stream)
      const event = events.at(-1)
      if (event === undefined) return
      if (state !== undefined && last > state.last) {
        kept.set(stream, { ...state, last, tombstoned: isTombstone(event) })
      }
      if (!isMetastream(stream)) return
      const owner = kept.get(streamOfMeta(stream))
      if (owner !== undefined && last > owner.metadataRevision) {
        kept.set(streamOfMeta(stream), {
          ...owner,
          metadata: metadataIn(event),
          metadataRevision: last,
        })
      }
    },
    forget: (stream) => kept.delete(stream),
  }
}
