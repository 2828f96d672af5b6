/**
 * What groups keep in the log, in the system streams of the server: the list of all groups in
 * `$persistentSubscriptionConfig`, and of each the checkpoint (`$persistentsubscription-<stream>::<group>-checkpoint`)
 * and the parked messages (`…-parked`, links). And where they read from.
 */
import { randomUUID } from "node:crypto"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { sent, type WireEvent } from "../../actors/foreign-events.ts"
import type { Door } from "./door.ts"
import { streamDeleted } from "./errors.ts"
import { inAll, matching, type Wanted } from "./filters.ts"
import {
  allStream,
  configurationOf,
  entriesIn,
  type GroupEntry,
  type GroupFilter,
  keyOf,
  placeIn,
  placeText,
} from "./persistent-settings.ts"
import { linkType, pageSize } from "./reads.ts"
import { metadataType, metastreamOf } from "./states.ts"
import { jsonEvent, type Resolved } from "./terms.ts"

export const configurationStream = "$persistentSubscriptionConfig"
const configurationType = "$PersistentConfig"
const checkpointType = "$SubscriptionCheckpoint"
/** What a stream of this kind shows: the last and, for who looks, the one before. */
const shownMax = 2
/** Events of `$all` that are looked at for one page of a filter. */
const windowMax = 500

const adminsOnly = { $r: "$admins", $w: "$admins", $d: "$admins", $mr: "$admins", $mw: "$admins" }

export interface Placed {
  readonly resolved: Resolved
  readonly place: number
  /** Roughly, in memory. */
  readonly bytes: number
}

export interface Page {
  readonly events: ReadonlyArray<Placed>
  /** How many were looked at that count, also those that are not for this group. */
  readonly counted: number
  /** Place of the last that was looked at. */
  readonly last: number | undefined
  /** Where the next page begins. */
  readonly next: number
  /** There was nothing more. */
  readonly isEnd: boolean
}

export interface Source {
  /** Rejects with a refusal where the source is gone for good. */
  readonly read: (from: number, limit: number) => Promise<Page>
  /** The place the next event will have, or a later one. */
  readonly end: () => Promise<number>
}

export interface ParkedNow {
  readonly resolved: Resolved
  readonly place: number
  readonly reason: string
}

export interface GroupStore {
  /** What was done when it was opened. */
  readonly checkpoint: number | undefined
  /** Revisions of what was parked when it was opened: the first, and the one the next will have. */
  readonly parked: { readonly first: number; readonly next: number }
  readonly saveCheckpoint: (place: number) => Promise<void>
  /** The revision the next one will have. */
  readonly park: (messages: ReadonlyArray<ParkedNow>) => Promise<number>
  /** The revision the next one will have. */
  readonly parkedEnd: () => Promise<number>
  readonly parkedPage: (from: number, limit: number) => Promise<ReadonlyArray<Placed>>
  readonly truncateParked: (before: number) => Promise<void>
  readonly remove: () => Promise<void>
}

const decoder = new TextDecoder()
const jsonIn = (event: RecordedEvent): unknown => {
  try {
    return JSON.parse(decoder.decode(sent(event).data))
  } catch {
    return undefined
  }
}

const written = async (door: Door, stream: string, events: ReadonlyArray<WireEvent>) => {
  const outcome = await door.append(stream, "any", events)
  if (outcome._tag !== "Appended") {
    throw new Error(`Nothing can be written to ${stream} (${outcome._tag}).`)
  }
  return outcome.revision
}

const setMetadata = (door: Door, stream: string, metadata: unknown) =>
  written(door, metastreamOf(stream), [jsonEvent(randomUUID(), metadataType, metadata)])

const lastOf = async (door: Door, stream: string): Promise<RecordedEvent | undefined> => {
  const read = await door.read(stream, { limit: 1, backwards: true })
  return read._tag === "Page" ? read.events[0] : undefined
}

/** What an event takes beside its content, roughly. */
const recordBytes = 300
const bytesOf = (record: RecordedEvent | undefined): number =>
  record === undefined ? 0 : recordBytes + (record.metadata.foreign?.data?.length ?? 0) +
    (record.metadata.foreign?.metadata?.length ?? 0) +
    (record.data === null ? 0 : JSON.stringify(record.data).length)

const placed = async (
  door: Door,
  event: RecordedEvent,
  place: number,
  resolves: boolean,
): Promise<Placed> => {
  const resolved = resolves ? await door.resolve(event) : { event, link: undefined }
  return { resolved, place, bytes: bytesOf(resolved.event) + bytesOf(resolved.link) }
}

const truncatedBefore = async (door: Door, stream: string): Promise<number> =>
  (await door.states.of(stream)).metadata.truncateBefore ?? 0

export const readConfiguration = async (door: Door): Promise<ReadonlyArray<GroupEntry>> => {
  const last = await lastOf(door, configurationStream)
  return last === undefined ? [] : entriesIn(jsonIn(last))
}

export const writeConfiguration = async (
  door: Door,
  entries: ReadonlyArray<GroupEntry>,
  by: string,
  at: number,
): Promise<void> => {
  const { metadataRevision } = await door.states.of(configurationStream)
  if (metadataRevision < 0) await setMetadata(door, configurationStream, { $maxCount: shownMax })
  await written(door, configurationStream, [
    jsonEvent(randomUUID(), configurationType, configurationOf(entries, by, at)),
  ])
}

/** What a parked link names: the event itself, or what a link that leads nowhere says. */
const linkTo = ({ event, link }: Resolved): string =>
  event !== undefined
    ? `${event.revision}@${event.stream}`
    : link === undefined
    ? ""
    : decoder.decode(sent(link).data)

export const openStore = async (
  door: Door,
  { stream, group }: GroupEntry,
  now: () => number,
): Promise<GroupStore> => {
  const name = `$persistentsubscription-${keyOf(stream, group)}`
  const [checkpoints, parkedStream] = [`${name}-checkpoint`, `${name}-parked`]
  const saved = await lastOf(door, checkpoints)
  // What a group of the same name left behind is not of this one.
  const isOwn = saved !== undefined && saved.revision >= await truncatedBefore(door, checkpoints)
  const text = isOwn ? jsonIn(saved) : undefined
  const next = await door.lastOf(parkedStream) + 1
  return {
    checkpoint: text === undefined ? undefined : placeIn(String(text))?.place,
    parked: { first: Math.min(next, await truncatedBefore(door, parkedStream)), next },
    saveCheckpoint: async (place) => {
      const { metadataRevision } = await door.states.of(checkpoints)
      if (metadataRevision < 0) {
        await setMetadata(door, checkpoints, {
          $maxCount: shownMax,
          $acl: { ...adminsOnly, $mr: "$all" },
        })
      }
      await written(door, checkpoints, [
        jsonEvent(randomUUID(), checkpointType, placeText(stream, place)),
      ])
    },
    park: async (messages) => {
      const { metadataRevision } = await door.states.of(parkedStream)
      if (metadataRevision < 0) await setMetadata(door, parkedStream, { $acl: adminsOnly })
      const events = messages.map(({ resolved, place, reason }): WireEvent => ({
        ...jsonEvent(randomUUID(), linkType, null, {
          added: new Date(now()).toISOString(),
          reason,
          subscriptionEventNumber: (resolved.link ?? resolved.event)?.revision ?? place,
        }),
        json: false,
        data: new TextEncoder().encode(linkTo(resolved)),
      }))
      return await written(door, parkedStream, events) + 1
    },
    parkedEnd: async () => await door.lastOf(parkedStream) + 1,
    parkedPage: async (from, limit) => {
      const read = await door.read(parkedStream, { from, limit })
      if (read._tag !== "Page") return []
      return await Promise.all(
        read.events.map((event) => placed(door, event, event.revision, true)),
      )
    },
    truncateParked: (before) =>
      setMetadata(door, parkedStream, { $tb: before, $acl: adminsOnly }).then(() => {}),
    remove: async () => {
      // They may never have been written to, and then there is nothing to delete.
      for (const own of [checkpoints, parkedStream]) await door.delete(own, "any")
    },
  }
}

const wantedBy = (filter: GroupFilter | undefined): Wanted => {
  if (filter === undefined) return () => true
  const matches = matching({
    getRegex: () => filter.regex ?? "",
    getPrefixList: () => filter.prefixes ?? [],
  })
  return ({ stream, type }) => matches(filter.on === "stream" ? stream : type)
}

const ofAll = (door: Door, { filter, settings }: GroupEntry): Source => {
  const isWanted = wantedBy(filter)
  const size = pageSize(windowMax)
  return {
    read: async (from, limit) => {
      const window = size.limit(filter === undefined ? limit : windowMax)
      const page = await door.readAll({ from, limit: window })
      const events: Array<Placed> = []
      let counted = 0
      let bytes = 0
      let last: number | undefined
      for (const event of page) {
        if (events.length >= limit) break
        last = event.position
        bytes += bytesOf(event)
        // What groups of the whole log write themselves would never end.
        if (!inAll(event)) continue
        counted++
        if (!isWanted(event)) continue
        events.push(await placed(door, event, event.position, settings.resolveLinks))
      }
      size.read(bytes)
      const isEnd = page.length < window && last === page.at(-1)?.position
      return { events, counted, last, next: last === undefined ? from : last + 1, isEnd }
    },
    end: async () => await door.head() + 1,
  }
}

const ofStream = (door: Door, { stream, settings }: GroupEntry): Source => {
  const size = pageSize(windowMax)
  return {
    read: async (from, limit) => {
      const read = await door.read(stream, { from, limit: size.limit(limit) })
      if (read._tag === "StreamDeleted") throw streamDeleted(stream)
      if (read._tag === "NoStream") {
        return { events: [], counted: 0, last: undefined, next: from, isEnd: true }
      }
      const events = await Promise.all(
        read.events.map((event) => placed(door, event, event.revision, settings.resolveLinks)),
      )
      size.read(events.reduce((sum, { bytes }) => sum + bytes, 0))
      const last = events.at(-1)?.place
      return {
        events,
        counted: events.length,
        last,
        next: read.next ?? (last === undefined ? from : last + 1),
        isEnd: read.next === undefined,
      }
    },
    end: async () => await door.lastOf(stream) + 1,
  }
}

export const sourceOf = (door: Door, entry: GroupEntry): Source =>
  entry.stream === allStream ? ofAll(door, entry) : ofStream(door, entry)
