/**
 * One projection on its way through the log: it takes pages of events, keeps what they change in memory
 * and commits rows and checkpoint together. When a handler or the store throws, everything since the
 * last commit is forgotten, so the rows are always those of the checkpoint.
 */
import { isBookkeeping, isOurs, type RecordedEvent } from "../actors/event-log.ts"
import type { Handler, Projection } from "./projection.ts"
import { type Checkpoint, type ReadStore, ReadStoreUnavailable } from "./read-store.ts"
import { overlay } from "./rows.ts"

/** Changed rows that wait for a commit; also a bound on memory. */
const rowsPerCommitMax = 20_000
/** Events that changed nothing are folded again after a restart, at the most this many. */
const eventsPerCheckpointMax = 10_000

/** Rows are kept by name and version, so a new version is built beside the old. */
export const tableOf = (projection: Projection): string =>
  `${projection.name}@${projection.version}`

/** A handler threw. The projection stands still until its handler is mended (with a new version). */
export interface Parked {
  readonly event: string
  readonly type: string
  readonly position: number
  readonly cause: unknown
}

const start: Checkpoint = { position: -1, id: "", events: 0 }

export interface Fold {
  readonly projection: Projection
  /** Where it stands in the log; its rows may still wait for a commit. */
  readonly position: number
  /** What a reader of the store sees: all up to here. */
  readonly seen: number
  readonly events: number
  readonly parked: Parked | undefined
  /** Applies the events it has not seen. Parks where a handler throws; throws what the store throws. */
  feed(page: ReadonlyArray<RecordedEvent>): void
  /** Commits if enough waits, or if `all`, whatever changed. Throws what the store throws. */
  commit(all: boolean): void
  /** Starts over from what the store holds. */
  reload(): void
}

export const makeFold = (
  projection: Projection,
  store: ReadStore["Service"],
  table: string,
): Fold => {
  const rows = overlay({
    get: (key) => store.get(table, key),
    scan: (options) => store.scan(table, options),
  })
  const handlers = new Map<string, Handler>(Object.entries(projection.on))
  const every = handlers.get("*")
  const seesAll = projection.bookkeeping === true
  handlers.delete("*")
  let stored = store.checkpoint(table)
  let { position, id, events } = stored ?? start
  let seen = position
  let parked: Parked | undefined

  const back = () => {
    rows.discard()
    ;({ position, id, events } = stored ?? start)
    seen = position
  }

  return {
    projection,
    get position() {
      return position
    },
    get seen() {
      return seen
    },
    get events() {
      return events
    },
    get parked() {
      return parked
    },
    feed(page) {
      if (parked !== undefined) return
      for (const event of page) {
        if (event.position <= position) continue
        try {
          if (isOurs(event) && (seesAll || !isBookkeeping(event.stream))) {
            handlers.get(event.type)?.(event, rows)
            every?.(event, rows)
          }
        } catch (cause) {
          if (cause instanceof ReadStoreUnavailable) {
            back()
            throw cause
          }
          parked = { event: event.id, type: event.type, position: event.position, cause }
          return back()
        }
        position = event.position
        id = event.id
        events++
      }
      if (rows.pending === 0) seen = position
    },
    commit(all) {
      const since = events - (stored?.events ?? 0)
      const due = stored === undefined || since >= eventsPerCheckpointMax ||
        rows.pending >= (all ? 1 : rowsPerCommitMax)
      if (!due) return
      const checkpoint = { position, id, events }
      try {
        store.commit(table, checkpoint, rows.changes)
      } catch (cause) {
        back()
        throw cause
      }
      rows.committed()
      stored = checkpoint
      seen = position
    },
    reload() {
      stored = store.checkpoint(table)
      parked = undefined
      back()
    },
  }
}
