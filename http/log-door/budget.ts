/**
 * The memory that callers together may hold: pages that were read for them and answers they have not
 * taken. Who wants a page when it is used up waits, in order; so slow readers, however many, do not fill
 * the memory of the process that owns the log.
 */
import type { RecordedEvent } from "../../actors/event-log.ts"

/** What all callers hold together. A caller that reads nothing of large events holds three or four times their size. */
const heldBytesMax = 224 * 1024 * 1024
/** Content of one page, roughly; one event always fits, however large. */
export const pageBytesMax = 256 * 1024
/** Counted for a page before its size is known: the largest event others may append, in base64. */
const pageReserve = 1.5 * 1024 * 1024
/** What an event takes beside its content, roughly. */
const recordBytes = 300

export interface Budget {
  /** Counts `bytes`, now or once they fit. Rejects when `left` aborts. */
  take(bytes: number, left: AbortSignal): Promise<void>
  /** Counts `bytes` that are there already, or with a negative number are gone. */
  add(bytes: number): void
  readonly held: () => number
}

export const budget = (max = heldBytesMax): Budget => {
  let held = 0
  const waiting = new Set<() => boolean>()
  const fits = (bytes: number) => held === 0 || held + bytes <= max
  return {
    take: async (bytes, left) => {
      left.throwIfAborted()
      if (waiting.size === 0 && fits(bytes)) {
        held += bytes
        return
      }
      await new Promise<void>((resolve, reject) => {
        const leave = () => {
          waiting.delete(enter)
          reject(left.reason)
        }
        const enter = () => {
          if (!fits(bytes)) return false
          held += bytes
          waiting.delete(enter)
          left.removeEventListener("abort", leave)
          resolve()
          return true
        }
        waiting.add(enter)
        left.addEventListener("abort", leave)
      })
    },
    add: (bytes) => {
      held += bytes
      if (bytes >= 0) return
      for (const enter of [...waiting]) if (!enter()) break
    },
    held: () => held,
  }
}

const bytesIn = (value: unknown): number => {
  if (typeof value === "string") return value.length
  if (typeof value !== "object" || value === null) return 8
  let bytes = 16
  for (const [key, held] of Object.entries(value)) bytes += key.length + bytesIn(held)
  return bytes
}

/** Roughly, in memory. */
export const bytesOf = ({ data, metadata: { asks, foreign } }: RecordedEvent): number =>
  recordBytes + bytesIn(data) + (asks === undefined ? 0 : bytesIn(asks)) +
  (foreign?.data?.length ?? 0) + (foreign?.metadata?.length ?? 0)

export const bytesOfAll = (events: ReadonlyArray<RecordedEvent>): number =>
  events.reduce((sum, event) => sum + bytesOf(event), 0)

/** Reads a page and uses it; while it is used, it is counted. */
export const withPage = async <P, A>(
  { held, left, read, eventsOf, use }: {
    readonly held: Budget
    readonly left: AbortSignal
    readonly read: () => Promise<P>
    readonly eventsOf: (page: P) => ReadonlyArray<RecordedEvent>
    readonly use: (page: P) => Promise<A>
  },
): Promise<A> => {
  await held.take(pageReserve, left)
  let counted = pageReserve
  try {
    const page = await read()
    const bytes = bytesOfAll(eventsOf(page))
    held.add(bytes - counted)
    counted = bytes
    return await use(page)
  } finally {
    held.add(-counted)
  }
}
