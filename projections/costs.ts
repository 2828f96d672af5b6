/**
 * What models cost, by agent, activity and model, in steps of a quarter of an hour: fine enough for the
 * local day of any time zone. It adds up what the outcomes say; nothing that replay would ask again.
 *
 * Rows: `cost:<start of the quarter>:<agent>:<activity>:<model>`.
 */
import { categoryOf, type RecordedEvent } from "../actors/event-log.ts"
import type { Json } from "../machines/agent.ts"
import { listOf, numberOf, objectOf, padded, textOf } from "./fields.ts"
import { defineProjection, type Rows } from "./projection.ts"

export const quarterMillis = 15 * 60 * 1000

/** Key of the first row of the quarter that `at` is in. */
export const costsFrom = (at: number): string =>
  `cost:${padded(Math.floor(at / quarterMillis) * quarterMillis)}`

export interface CostEntry {
  readonly agent: string
  readonly activity: string
  readonly model: string
  /** Asked at the model. */
  readonly calls: number
  /** Answers that were there already. */
  readonly cached: number
  readonly tokensIn: number
  readonly tokensOut: number
  readonly millis: number
  /** Calls without an answer of use, and those refused for the budget. */
  readonly failures: number
  readonly micros: number
}

export const costEntryOf = (row: Json): CostEntry => {
  const { activity, agent, cached, calls, failures, micros, millis, model, tokensIn, tokensOut } =
    objectOf(row)
  return {
    agent: textOf(agent),
    activity: textOf(activity),
    model: textOf(model),
    calls: numberOf(calls),
    cached: numberOf(cached),
    tokensIn: numberOf(tokensIn),
    tokensOut: numberOf(tokensOut),
    millis: numberOf(millis),
    failures: numberOf(failures),
    micros: numberOf(micros),
  }
}

/** Those that made room or were cut off are asked again and no failure. */
const failed = new Set(["misfit", "failed", "timedOut", "refused"])

const add = (event: RecordedEvent, rows: Rows) => {
  const { activity, agent: by, usage } = objectOf(event.data)
  for (const one of listOf(usage)) {
    const { cached, micros, millis, model, outcome, tokensIn, tokensOut } = objectOf(one)
    const agent = event.type === "RunCutOff" ? textOf(by) : categoryOf(event.stream)
    const key = `${costsFrom(event.metadata.at)}:${agent}:${textOf(activity)}:${textOf(model)}`
    const before = costEntryOf(rows.get(key) ?? null)
    const asked = cached !== true
    const used = (value: Json | undefined) => asked ? numberOf(value) : 0
    rows.set(key, {
      agent,
      activity: textOf(activity),
      model: textOf(model),
      calls: before.calls + (asked && outcome !== "refused" ? 1 : 0),
      cached: before.cached + (asked ? 0 : 1),
      tokensIn: before.tokensIn + used(tokensIn),
      tokensOut: before.tokensOut + used(tokensOut),
      millis: before.millis + used(millis),
      failures: before.failures + (asked && failed.has(textOf(outcome)) ? 1 : 0),
      micros: before.micros + used(micros),
    })
  }
}

export const costs = defineProjection({
  name: "costs",
  version: 1,
  on: { ActivitySucceeded: add, ActivityFailed: add, RunCutOff: add },
})
