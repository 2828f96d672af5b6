/**
 * All groups of the log: made, changed and removed one at a time, each change first in the log; woken by
 * what is appended; ended with the door. They load with the first call that needs them.
 */
import { clearInterval, setInterval } from "node:timers"
import type { RecordedEvent } from "../../actors/event-log.ts"
import type { Door } from "./door.ts"
import {
  persistentDoesNotExist,
  persistentExists,
  persistentFailed,
  unavailable,
} from "./errors.ts"
import { type Group, makeGroup } from "./persistent-group.ts"
import { makeMemory } from "./persistent-memory.ts"
import { flawIn, type GroupEntry, groupsMax, keyOf } from "./persistent-settings.ts"
import { openStore, readConfiguration, sourceOf, writeConfiguration } from "./persistent-store.ts"

/** How often groups look for messages that were not acknowledged in time, and for due checkpoints. */
const tickMillis = 200
/** All groups together, as the log keeps them: an event has its limit. */
const configurationBytesMax = 600 * 1024
/** After the log failed to say what comes next, it is asked again. */
const followAgainMillis = 1_000

export interface Groups {
  /** Throws where there is no such group. */
  readonly group: (stream: string, group: string) => Promise<Group>
  readonly all: () => Promise<ReadonlyArray<Group>>
  /** Those of a stream; throws where it has none. */
  readonly of: (stream: string) => Promise<ReadonlyArray<Group>>
  readonly create: (entry: GroupEntry, by: string) => Promise<void>
  /** A filter stays as it was made. */
  readonly update: (entry: GroupEntry, by: string) => Promise<void>
  readonly remove: (stream: string, group: string, by: string) => Promise<void>
  /** Drops everybody and loads what the log says. */
  readonly restart: () => Promise<void>
  readonly close: () => Promise<void>
}

export const makeGroups = (door: Door, now: () => number = Date.now): Groups => {
  const memory = makeMemory()
  let groups = new Map<string, Group>()
  /** Groups by the stream they read. */
  let bySource = new Map<string, Set<Group>>()
  let loaded: Promise<void> | undefined
  let closed = false
  let changing: Promise<unknown> = Promise.resolve()
  let ticking: ReturnType<typeof setInterval> | undefined
  const closing = new AbortController()
  let following: Promise<void> | undefined

  const open = async (entry: GroupEntry) => {
    const source = sourceOf(door, entry)
    const store = await openStore(door, entry, now)
    const { startFrom } = entry.settings
    const start = startFrom >= 0 ? startFrom : entry.origin ?? await source.end()
    return makeGroup({
      entry,
      source,
      store,
      memory: memory.share(),
      now,
      checkpoint: store.checkpoint,
      next: store.checkpoint === undefined ? start : store.checkpoint + 1,
    })
  }

  const put = (group: Group) => {
    const { stream } = group.entry
    groups.set(keyOf(stream, group.entry.group), group)
    bySource.set(stream, (bySource.get(stream) ?? new Set()).add(group))
  }
  const drop = (group: Group) => {
    const { stream } = group.entry
    groups.delete(keyOf(stream, group.entry.group))
    bySource.get(stream)?.delete(group)
    group.close()
  }

  const wake = (page: ReadonlyArray<RecordedEvent>) => {
    const streams = new Set(page.map(({ stream }) => stream))
    for (const [source, those] of bySource) {
      // What a system stream has may come from any other, as a category's does.
      if (!source.startsWith("$") && !streams.has(source)) continue
      for (const group of those) group.wake()
    }
  }
  const wakeAll = () => {
    for (const group of groups.values()) group.wake()
  }

  const follow = async () => {
    while (!closed) {
      try {
        let position = await door.head()
        wakeAll()
        while (!closed) {
          const page = await door.tail.after(position, closing.signal)
          position = page.at(-1)?.position ?? position
          wake(page)
        }
      } catch {
        if (!closed) await new Promise((resolve) => setTimeout(resolve, followAgainMillis))
      }
    }
  }

  const load = async () => {
    for (const entry of await readConfiguration(door)) {
      if (!groups.has(keyOf(entry.stream, entry.group))) put(await open(entry))
    }
    if (closed) throw unavailable("Server Is Not Ready")
    ticking ??= setInterval(() => {
      for (const group of groups.values()) group.tick()
    }, tickMillis)
    following ??= follow()
  }
  const ready = async () => {
    if (closed) throw unavailable("Server Is Not Ready")
    loaded ??= load().catch((cause) => {
      loaded = undefined
      throw cause
    })
    await loaded
  }

  /** One change after the other. */
  const change = <A>(make: () => Promise<A>): Promise<A> => {
    const made = changing.then(ready).then(make)
    changing = made.catch(() => {})
    return made
  }

  const save = (
    by: string,
    changed: { readonly with?: GroupEntry; readonly without?: GroupEntry },
  ) => {
    const kept = [...groups.values()].map(({ entry }) => entry)
      .filter((entry) => entry !== changed.without)
    const entries = changed.with === undefined ? kept : [...kept, changed.with]
    // All groups stand in one event, and names may be long.
    const fits = entries.length <= groupsMax &&
      new TextEncoder().encode(JSON.stringify(entries)).length <= configurationBytesMax
    if (changed.with !== undefined && !fits) {
      throw persistentFailed(
        changed.with.stream,
        changed.with.group,
        `There are ${kept.length} groups already, and no room for more. Delete those nobody uses.`,
      )
    }
    return writeConfiguration(door, entries, by, now())
  }

  /** A group that starts at the end remembers which one that was. */
  const begun = async (entry: GroupEntry): Promise<GroupEntry> =>
    entry.settings.startFrom >= 0 ? entry : { ...entry, origin: await sourceOf(door, entry).end() }

  const checked = async (entry: GroupEntry) => {
    const { stream, group } = entry
    if (stream === "") throw persistentFailed(stream, group, "Bad stream name.")
    if (group === "") throw persistentFailed(stream, group, "Bad group name.")
    const flaw = flawIn(entry, await door.head())
    if (flaw !== undefined) throw persistentFailed(stream, group, flaw)
  }

  const found = (stream: string, group: string): Group => {
    const known = groups.get(keyOf(stream, group))
    if (known === undefined) throw persistentDoesNotExist(stream, group)
    return known
  }

  return {
    group: async (stream, group) => {
      await ready()
      return found(stream, group)
    },
    all: async () => {
      await ready()
      return [...groups.values()]
    },
    of: async (stream) => {
      await ready()
      const those = [...bySource.get(stream) ?? []]
      if (those.length === 0) throw persistentDoesNotExist(stream, "")
      return those
    },
    create: (entry, by) =>
      change(async () => {
        const { stream, group } = entry
        await checked(entry)
        if (groups.has(keyOf(stream, group))) throw persistentExists(stream, group)
        const made = await begun(entry)
        await save(by, { with: made })
        put(await open(made))
      }),
    update: (entry, by) =>
      change(async () => {
        const old = found(entry.stream, entry.group)
        await checked(entry)
        const filter = old.entry.filter
        const kept: GroupEntry = { ...entry, ...(filter === undefined ? {} : { filter }) }
        const made = kept.settings.startFrom < 0 && old.entry.origin !== undefined
          ? { ...kept, origin: old.entry.origin }
          : await begun(kept)
        await save(by, { with: made, without: old.entry })
        const group = await open(made)
        drop(old)
        put(group)
      }),
    remove: (stream, group, by) =>
      change(async () => {
        const old = found(stream, group)
        await save(by, { without: old.entry })
        drop(old)
        await (await openStore(door, old.entry, now)).remove()
      }),
    restart: () =>
      change(async () => {
        const old = [...groups.values()]
        groups = new Map()
        bySource = new Map()
        for (const group of old) group.close()
        loaded = undefined
        await ready()
      }),
    close: async () => {
      closed = true
      clearInterval(ticking)
      closing.abort(new Error("The door closes."))
      for (const group of groups.values()) group.close()
      await Promise.all([changing, following])
    },
  }
}
