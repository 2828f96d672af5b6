/**
 * The dictionary of the SQLite log: event types, charts, states, actors and stream names by small keys.
 * Keys made in a transaction that is rolled back must be forgotten here too: call `settle` after each.
 */
import type { StatementSync } from "node:sqlite"
import { categoryOf, type ChartRef } from "../actors/event-log.ts"
import type { Dictionary, Standing } from "./event-log-packing.ts"
import { recent } from "../actors/recent.ts"
import { rowOf, textIn, textOut } from "./sqlite.ts"

/** Entries in each direction that are kept in memory (up to twice as many). */
const wordsMax = 20_000
const streamsMax = 50_000

export interface Words extends Dictionary {
  addStream(name: string): number
  /** Names of a category in order of first event, after stream key `after`. */
  streamsOf(category: string, after: number, limit: number): ReadonlyArray<string>
  /** Ends a transaction: what was added is kept or forgotten. */
  settle(committed: boolean): void
}

/** `lost` makes the error for a key that the log uses and the dictionary does not have. */
export const dictionary = (sql: (text: string) => StatementSync, lost: () => Error): Words => {
  const wordKey = sql("SELECT key FROM word WHERE text = ?")
  const wordText = sql("SELECT text FROM word WHERE key = ?")
  const wordAdd = sql("INSERT INTO word (text) VALUES (?)")
  const streamKey = sql("SELECT key FROM stream WHERE name = ?")
  const streamName = sql("SELECT name FROM stream WHERE key = ?")
  const streamAdd = sql("INSERT INTO stream (category, name) VALUES (?, ?)")
  const streamList = sql(
    "SELECT name FROM stream WHERE category = ? AND key > ? ORDER BY key LIMIT ?",
  )

  const keys = recent<string, number>(wordsMax)
  const texts = recent<number, string>(wordsMax)
  const streamKeys = recent<string, number>(streamsMax)
  const streamNames = recent<number, string>(streamsMax)
  // Written by the read side only, so never from a transaction that may be rolled back.
  const charts = recent<number, ChartRef>(wordsMax)
  const standings = recent<number, Standing>(wordsMax)
  let undo: Array<() => void> = []

  const knownKeyOf = (text: string): number | undefined => {
    const cached = keys.get(text)
    if (cached !== undefined) return cached
    const row = rowOf<readonly [number]>(wordKey.get(textIn(text)))
    if (row !== undefined) keys.set(text, row[0])
    return row?.[0]
  }
  const keyOf = (text: string): number => {
    const known = knownKeyOf(text)
    if (known !== undefined) return known
    const key = Number(wordAdd.run(textIn(text)).lastInsertRowid)
    keys.set(text, key)
    undo.push(() => keys.delete(text))
    return key
  }
  const textOf = (key: number): string => {
    const cached = texts.get(key)
    if (cached !== undefined) return cached
    const row = rowOf<readonly [string | Uint8Array]>(wordText.get(key))
    if (row === undefined) throw lost()
    const text = textOut(row[0])
    texts.set(key, text)
    return text
  }

  return {
    keyOf,
    textOf,
    chartOf: (key) => {
      const cached = charts.get(key)
      if (cached !== undefined) return cached
      const [name, version, hash] = JSON.parse(textOf(key))
      const chart: ChartRef = Object.freeze({ name, version, hash })
      charts.set(key, chart)
      return chart
    },
    standingOf: (key) => {
      const cached = standings.get(key)
      if (cached !== undefined) return cached
      const [value, status] = JSON.parse(textOf(key))
      const standing: Standing = {
        ...(value === null ? {} : { value }),
        ...(status === null ? {} : { status }),
      }
      standings.set(key, standing)
      return standing
    },
    streamKeyOf: (name) => {
      const cached = streamKeys.get(name)
      if (cached !== undefined) return cached
      const row = rowOf<readonly [number]>(streamKey.get(textIn(name)))
      if (row !== undefined) streamKeys.set(name, row[0])
      return row?.[0]
    },
    streamNameOf: (key) => {
      const cached = streamNames.get(key)
      if (cached !== undefined) return cached
      const row = rowOf<readonly [string | Uint8Array]>(streamName.get(key))
      if (row === undefined) throw lost()
      const name = textOut(row[0])
      streamNames.set(key, name)
      return name
    },
    addStream: (name) => {
      const key = Number(streamAdd.run(keyOf(categoryOf(name)), textIn(name)).lastInsertRowid)
      streamKeys.set(name, key)
      undo.push(() => streamKeys.delete(name))
      return key
    },
    streamsOf: (category, after, limit) => {
      const key = knownKeyOf(category)
      if (key === undefined) return []
      const rows: unknown = streamList.all(key, after, limit)
      return Array.isArray(rows) ? rows.map((row) => textOut(row[0])) : []
    },
    settle: (committed) => {
      if (!committed) { for (const forget of undo) forget() }
      undo = []
    },
  }
}
