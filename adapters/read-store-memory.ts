/**
 * Read models in memory, for tests and for histories small enough to be folded at every start. Rows are
 * kept as JSON text like everywhere else, so a handler that changes a row it was given changes nothing.
 */
import { createHash } from "node:crypto"
import { Layer } from "effect"
import { canonical } from "../actors/canonical.ts"
import type { Json } from "../machines/agent.ts"
import { type Checkpoint, ReadStore, ReadStoreUnavailable } from "../projections/read-store.ts"
import { compareKeys, inRange } from "../projections/rows.ts"

/**
 * The first 64 bits of SHA-256 over one line per row in key order: the key as JSON, then the row as
 * canonical JSON. Neither holds a line feed, so no two tables give the same lines.
 */
export const checksumOf = (rows: Iterable<readonly [key: string, text: string]>): string => {
  const hash = createHash("sha256")
  for (const [key, text] of rows) {
    hash.update(`${JSON.stringify(key)} ${canonical(JSON.parse(text))}\n`)
  }
  return hash.digest("hex").slice(0, 16)
}

interface Table {
  checkpoint: Checkpoint
  readonly rows: Map<string, string>
}

const makeStore = () => {
  const tables = new Map<string, Table>()
  const sorted = (table: string) =>
    [...(tables.get(table)?.rows ?? [])].sort(([a], [b]) => compareKeys(a, b))
  const parse = (text: string): Json => JSON.parse(text)

  return ReadStore.of({
    checkpoint: (table) => tables.get(table)?.checkpoint,
    get: (table, key) => {
      const text = tables.get(table)?.rows.get(key)
      return text === undefined ? undefined : parse(text)
    },
    scan: (table, options = {}) => {
      const found = sorted(table).filter(([key]) => inRange(key, options))
      if (options.backwards === true) found.reverse()
      return found.slice(0, options.limit).map(([key, text]) => [key, parse(text)])
    },
    commit: (table, checkpoint, rows) => {
      // All of them first: if taking one throws, nothing was written.
      const changes = [...rows]
      let entry = tables.get(table)
      if (entry === undefined) tables.set(table, entry = { checkpoint, rows: new Map() })
      entry.checkpoint = checkpoint
      for (const [key, row] of changes) {
        if (row === undefined) entry.rows.delete(key)
        else entry.rows.set(key, JSON.stringify(row))
      }
    },
    swap: (from, to) => {
      const entry = tables.get(from)
      if (entry === undefined) {
        throw new ReadStoreUnavailable({ message: `There is no table ${from} to swap in` })
      }
      tables.set(to, entry)
      tables.delete(from)
    },
    drop: (table) => {
      tables.delete(table)
    },
    tables: () => [...tables.keys()].sort(compareKeys),
    checksum: (table) => checksumOf(sorted(table)),
  })
}

export const layer = Layer.sync(ReadStore, makeStore)
