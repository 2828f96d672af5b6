/**
 * Rows in memory over rows in a store: a projection's writes are kept here until they are committed
 * together, and what was read stays at hand. The same key order everywhere is by code point, which is
 * the order of UTF-8 bytes and not JavaScript's own once a key leaves the basic plane.
 */
import type { Json } from "../machines/agent.ts"
import type { Rows } from "./projection.ts"
import type { ScanOptions } from "./read-store.ts"

/** Rows kept at hand after they were read or committed, in two generations of this many. */
const cleanRowsMax = 20_000

const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff

/** Orders keys by code point. */
export const compareKeys = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let n = 0; n < length; n++) {
    const x = a.charCodeAt(n)
    const y = b.charCodeAt(n)
    if (x === y) continue
    return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1
  }
  return a.length - b.length
}

export const inRange = (key: string, options: ScanOptions): boolean =>
  (options.prefix === undefined || key.startsWith(options.prefix)) &&
  (options.after === undefined || compareKeys(key, options.after) > 0) &&
  (options.before === undefined || compareKeys(key, options.before) < 0)

/** What lies under an overlay: a table of a ReadStore. */
export interface RowsBelow {
  get(key: string): Json | undefined
  scan(options: ScanOptions): ReadonlyArray<readonly [key: string, row: Json]>
}

export interface Overlay extends Rows {
  /** How many rows wait to be committed. */
  readonly pending: number
  /** The rows to commit; undefined stands for deleted. */
  readonly changes: Iterable<readonly [key: string, row: Json | undefined]>
  /** The changes are in the store now. */
  committed(): void
  /** Forgets the changes: the store holds what counts. */
  discard(): void
}

export const overlay = (below: RowsBelow): Overlay => {
  const dirty = new Map<string, Json | undefined>()
  let young = new Map<string, Json | undefined>()
  let old = new Map<string, Json | undefined>()
  const keep = (key: string, row: Json | undefined) => {
    if (young.size >= cleanRowsMax) {
      old = young
      young = new Map()
    }
    young.set(key, row)
  }
  return {
    get(key) {
      const changed = dirty.get(key)
      if (changed !== undefined || dirty.has(key)) return changed
      const known = young.get(key)
      if (known !== undefined || young.has(key)) return known
      const row = old.has(key) ? old.get(key) : below.get(key)
      keep(key, row)
      return row
    },
    set(key, row) {
      dirty.set(key, row)
    },
    delete(key) {
      dirty.set(key, undefined)
    },
    scan(options = {}) {
      if (dirty.size === 0) return below.scan(options)
      const changed = [...dirty].filter(([key]) => inRange(key, options))
      const { limit, ...range } = options
      const stored = below.scan(
        limit === undefined ? range : { ...range, limit: limit + changed.length },
      )
      const merged = new Map<string, Json | undefined>(stored)
      for (const [key, row] of changed) merged.set(key, row)
      const rows: Array<readonly [string, Json]> = []
      for (const [key, row] of merged) if (row !== undefined) rows.push([key, row])
      rows.sort(([a], [b]) => options.backwards === true ? compareKeys(b, a) : compareKeys(a, b))
      return limit === undefined ? rows : rows.slice(0, limit)
    },
    get pending() {
      return dirty.size
    },
    get changes() {
      // In order of key neighbours are written together, which halves what a B-tree has to move.
      return [...dirty].sort(([a], [b]) => a < b ? -1 : 1)
    },
    committed() {
      for (const [key, row] of dirty) keep(key, row)
      dirty.clear()
    },
    discard() {
      dirty.clear()
      young.clear()
      old.clear()
    },
  }
}
