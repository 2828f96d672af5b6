/**
 * Rows that remember what they were, so that a past day can be told. `<name>:<key>` is the row as it is
 * now; what it was before lies at `<name>@:<key>:<since when>:<position>`. Times never run backwards.
 */
import type { RecordedEvent } from "../actors/event-log.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import { numberOf, objectOf, padded } from "./fields.ts"
import type { Rows } from "./projection.ts"
import type { ReadStore } from "./read-store.ts"

/** When it happened in the world, as far as is known. */
export const worldTime = (event: RecordedEvent): number =>
  event.metadata.occurredAt ?? event.metadata.at

const wasKey = (name: string, key: string, at: number, position: number) =>
  `${name}@:${key}:${padded(at)}:${padded(position)}`

/** Changes a row and keeps what it was. `change` is given an empty row where there is none. */
export const turn = (
  rows: Rows,
  name: string,
  key: string,
  event: RecordedEvent,
  change: (row: JsonObject) => JsonObject,
  time: number = worldTime(event),
): void => {
  const before = rows.get(`${name}:${key}`)
  const row = objectOf(before)
  const at = Math.max(numberOf(row["at"]), time)
  // Several events of one instant are one change.
  if (before !== undefined && numberOf(row["at"]) < at) {
    rows.set(wasKey(name, key, numberOf(row["at"]), numberOf(row["position"])), row)
  }
  rows.set(`${name}:${key}`, { ...change(row), at, position: event.position })
}

/** The row as it was right before `to`; undefined where there was none yet. */
export const asOf = (
  store: ReadStore["Service"],
  table: string,
  name: string,
  key: string,
  row: Json,
  to: number,
): JsonObject | undefined => {
  if (numberOf(objectOf(row)["at"]) < to) return objectOf(row)
  const prefix = `${name}@:${key}:`
  const [found] = store.scan(table, {
    prefix,
    before: prefix + padded(to),
    backwards: true,
    limit: 1,
  })
  return found === undefined ? undefined : objectOf(found[1])
}

/** All rows of a name as they were right before `to`, with their keys. */
export const allAsOf = (
  store: ReadStore["Service"],
  table: string,
  name: string,
  to: number,
): ReadonlyArray<readonly [key: string, row: JsonObject]> =>
  store.scan(table, { prefix: `${name}:` }).flatMap(([whole, row]) => {
    const key = whole.slice(name.length + 1)
    const then = asOf(store, table, name, key, row, to)
    return then === undefined ? [] : [[key, then] as const]
  })
