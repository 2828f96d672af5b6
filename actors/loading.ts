/**
 * Brings an actor back: from its snapshot where that fits, then from its events. What comes out was
 * verified against the state hash of the last event; what cannot be verified is parked, never guessed.
 */
import { Effect } from "effect"
import type { JsonObject } from "../machines/agent.ts"
import { EventLog, type LogUnavailable, type RecordedEvent } from "./event-log.ts"
import { type ActorState, type Chart, fold, persist, restore, startAtUpgrade } from "./kernel.ts"
import { type AgentEntry, previousOf } from "./registry.ts"
import { SnapshotStore, type StoredSnapshot } from "./snapshot-store.ts"

const pageEvents = 1_000
/** So short a history is folded in less time than a snapshot is looked up and restored. */
const shortHistory = 32

export interface Loaded {
  /** Undefined: no such actor yet. */
  readonly state: ActorState | undefined
  readonly lastEvent: RecordedEvent | undefined
  /** Revision of the snapshot it came from, -1 without. */
  readonly snapshotRevision: number
  /** Its last event is of an older chart: `ChartUpgraded` goes in front of the next one. */
  readonly upgradeFrom?: number
  /** Why it cannot be trusted. */
  readonly problem?: string
}

/** Writes what `restore` reads. */
export const snapshotOf = (state: ActorState, chart: Chart): StoredSnapshot => ({
  revision: state.revision,
  chartHash: chart.ref.hash,
  text: JSON.stringify(persist(state)),
})

export const loadActor = Effect.fnUntraced(function* (
  entry: AgentEntry,
  chart: Chart,
  stream: string,
): Effect.fn.Return<Loaded, LogUnavailable, EventLog | SnapshotStore> {
  const log = yield* EventLog
  const snapshots = yield* SnapshotStore
  const first = yield* log.readPage(stream, { limit: shortHistory })
  if (first.length === 0) return { state: undefined, lastEvent: undefined, snapshotRevision: -1 }
  if (first.length === shortHistory) {
    const saved = yield* snapshots.get(stream)
    const start = saved?.chartHash === chart.ref.hash ? restored(chart, saved) : undefined
    if (start !== undefined) {
      const loaded = yield* foldFrom(entry, chart, stream, start)
      // A snapshot is a cache: whatever is wrong with it, the log decides.
      if (loaded.problem === undefined && loaded.lastEvent !== undefined) return loaded
    }
  }
  const loaded = yield* foldFrom(entry, chart, stream, undefined, first)
  if (loaded.problem === undefined) return loaded
  const saved = yield* snapshots.get(stream)
  return saved === undefined ? loaded : upgradedFromSnapshot(entry, chart, saved, loaded)
})

const restored = (chart: Chart, saved: StoredSnapshot): ActorState | undefined => {
  try {
    return restore(chart, JSON.parse(saved.text))
  } catch {
    return undefined
  }
}

const foldFrom = Effect.fnUntraced(function* (
  entry: AgentEntry,
  chart: Chart,
  stream: string,
  start: ActorState | undefined,
  /** The first page, where it was read already. */
  first?: ReadonlyArray<RecordedEvent>,
): Effect.fn.Return<Loaded, LogUnavailable, EventLog> {
  const log = yield* EventLog
  let state = start
  let lastEvent: RecordedEvent | undefined
  let broken: string | undefined
  // The event the snapshot stands for is read too: it tells whether this is still the same history.
  let from = Math.max(0, start?.revision ?? 0)
  for (let n = 0;; n++) {
    const limit = n === 0 && first !== undefined ? shortHistory : pageEvents
    const page = limit === shortHistory ? first! : yield* log.readPage(stream, { from, limit })
    for (const event of page) {
      lastEvent = event
      if (start !== undefined && event.revision === start.revision) {
        if (event.metadata.state !== start.hash) broken = "its snapshot is of another history"
        continue
      }
      const version = event.metadata.chart?.version ?? chart.ref.version
      try {
        if (event.type === "ChartUpgraded" && version === chart.ref.version) {
          state = startAtUpgrade(chart, event)
          broken = undefined
          continue
        }
        if (broken !== undefined) continue
        const own = version === chart.ref.version
          ? chart
          : previousOf(entry, chart, version) ?? chart
        const step = fold(own, state, event, stream)
        if (!step.accepted || step.defect !== undefined) {
          broken = `its chart does not take event ${event.revision} (${event.type}) any more`
          continue
        }
        state = step.state
      } catch (cause) {
        broken = `folding event ${event.revision} (${event.type}) failed: ${String(cause)}`
      }
    }
    if (page.length < limit) break
    from = page[page.length - 1]!.revision + 1
  }
  if (lastEvent === undefined) return { state: undefined, lastEvent, snapshotRevision: -1 }
  const recorded = lastEvent.metadata
  const version = recorded.chart?.version ?? chart.ref.version
  if (broken === undefined && state?.hash !== recorded.state) {
    broken =
      `its state after event ${lastEvent.revision} is ${state?.hash}, the log says ${recorded.state}`
  }
  const found = { state, lastEvent, snapshotRevision: start?.revision ?? -1 }
  if (version > chart.ref.version) {
    return {
      ...found,
      problem:
        `${stream} was written by version ${version} of its chart, this is version ${chart.ref.version}: run the newer AIOS`,
    }
  }
  if (broken !== undefined) {
    return { ...found, problem: `${stream} diverged: ${broken}. ${remedy(version, chart)}` }
  }
  if (version === chart.ref.version) return found
  return mapped(entry, chart, found, version, persist(state!))
})

const remedy = (version: number, chart: Chart) =>
  version < chart.ref.version
    ? `Keep the chart of version ${version} in its agent's \`previous\`, or give \`upgrade\``
    : `Give the changed chart a new version number (this is ${chart.ref.version})`

/** The old chart's own snapshot of the last event is as good as a fold by the old chart. */
const upgradedFromSnapshot = (
  entry: AgentEntry,
  chart: Chart,
  saved: StoredSnapshot,
  loaded: Loaded,
): Loaded => {
  const { lastEvent } = loaded
  const version = lastEvent?.metadata.chart?.version ?? chart.ref.version
  if (
    lastEvent === undefined || saved.revision !== lastEvent.revision ||
    saved.chartHash !== lastEvent.metadata.chart?.hash || version >= chart.ref.version
  ) return loaded
  return mapped(entry, chart, { ...loaded, state: undefined }, version, JSON.parse(saved.text))
}

/** Maps an older version's state to this chart: by the agent's `upgrade`, by default unchanged where it fits. */
const mapped = (
  entry: AgentEntry,
  chart: Chart,
  found: Omit<Loaded, "problem">,
  from: number,
  persisted: JsonObject,
): Loaded => {
  try {
    const { value, context } = persisted as { value: never; context: never }
    const next = entry.agent.upgrade && chart === entry.chart
      ? entry.agent.upgrade(from, { value, context })
      : { value, context }
    const { problem: _, ...rest } = found as Loaded
    // Regions of the new chart may not be among those that took turns in the old one.
    const { nodes: __, ...fitting } = persisted
    return { ...rest, state: restore(chart, { ...fitting, ...next }), upgradeFrom: from }
  } catch (cause) {
    return {
      ...found,
      problem:
        `${found.lastEvent?.stream} cannot move from version ${from} of its chart to ${chart.ref.version}: ${
          String(cause)
        }. Give its agent an \`upgrade\``,
    }
  }
}
