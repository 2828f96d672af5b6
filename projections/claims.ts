/**
 * Who works on what, where several processes share a log: a row per claim that is held, by the ask. A claim
 * whose outcome is about to be recorded, or that was given up, has none.
 */
import { Clock, Effect } from "effect"
import { askOfClaim } from "../actors/claims.ts"
import type { RecordedEvent } from "../actors/event-log.ts"
import type { Check } from "./aios.ts"
import { numberOf, objectOf, textOf } from "./fields.ts"
import { activitiesToDo, isToBeDone } from "./open-asks.ts"
import { defineProjection, type Rows } from "./projection.ts"
import { ReadStore } from "./read-store.ts"
import { tableOf } from "./runner.ts"

/** `aios doctor` names so many workers. */
const workersMax = 20
/** What nobody extended for so long was of an ask that nobody waits for any more. */
const silentMillisMax = 24 * 60 * 60 * 1000

const held = ({ data, metadata, stream }: RecordedEvent, rows: Rows) => {
  const { by, lease, millis } = objectOf(data)
  rows.set(askOfClaim(stream), {
    by: textOf(by),
    lease: numberOf(lease),
    millis: numberOf(millis),
    at: metadata.at,
  })
}
const over = ({ stream }: RecordedEvent, rows: Rows) => rows.delete(askOfClaim(stream))

export const claims = defineProjection({
  name: "claims",
  version: 1,
  bookkeeping: true,
  on: { AskClaimed: held, ClaimRenewed: held, ClaimConfirmed: over, ClaimReleased: over },
})

/** `left`: pieces of work that no lane of this process takes. */
const leftTo = (left: number): ReadonlyArray<Check> =>
  left <= 0 ? [] : [{
    name: "workers",
    ok: true,
    detail: `${left} ${left === 1 ? "piece" : "pieces"} of work left to workers, and none is at ` +
      "work: if that stays so, start aios work (docs/workers.md)",
    fix: "",
  }]

/**
 * A check per worker that holds claims of what is still to be done, and one where there is none for what is not
 * done here. One that is silent is no fault: others take over what it had. `here`: pieces that this process does.
 */
export const workerChecks = Effect.fnUntraced(function* (here: number) {
  const store = yield* ReadStore
  const now = yield* Clock.currentTimeMillis
  const workers = new Map<string, { pieces: number; at: number; isSilent: boolean }>()
  for (const [ask, row] of store.scan(tableOf(claims))) {
    // Its worker may have been killed before it could give the claim up.
    if (!isToBeDone(store, ask)) continue
    const { at, by, millis } = objectOf(row)
    if (now - numberOf(at) > silentMillisMax) continue
    const name = textOf(by)
    const known = workers.get(name) ?? { pieces: 0, at: 0, isSilent: true }
    workers.set(name, {
      pieces: known.pieces + 1,
      at: Math.max(known.at, numberOf(at)),
      isSilent: known.isSilent && now - numberOf(at) > numberOf(millis),
    })
  }
  if (workers.size === 0) return leftTo(activitiesToDo(store) - here)
  return [...workers].slice(0, workersMax).map(([name, { at, isSilent, pieces }]): Check => {
    const seconds = Math.max(0, Math.round((now - at) / 1000))
    const has = `has ${pieces} ${pieces === 1 ? "piece" : "pieces"} of work`
    return {
      name: `worker ${name}`,
      ok: true,
      detail: `${has}, heard of ${seconds} s ago` +
        (isSilent ? "; silent for longer than its lease: what it has is taken over by others" : ""),
      fix: "",
    }
  })
})
