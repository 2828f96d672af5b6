/**
 * What happened in a stretch of time, as reports count it: runs of activities, words of the founder,
 * records that came in. All from rows, so the same stretch always gives the same figures.
 */
import type { Json, JsonObject } from "../machines/agent.ts"
import { approvals } from "./approvals.ts"
import { brief } from "./brief.ts"
import { numberOf, objectOf, padded, textOf } from "./fields.ts"
import { tableOf } from "./fold.ts"
import type { ReadStore } from "./read-store.ts"
import { runs } from "./runs.ts"

export interface Run {
  readonly activity: string
  readonly agent: string
  readonly status: string
  readonly askedAt: number
  readonly settledAt: number
  readonly attempts: number
  readonly millis: number
  readonly cost: Json
  readonly problem: string
  /** Rules, template or model that made it; empty where it says none. */
  readonly made: string
}

/** A gate that stays closed ends an ask before anything is tried: a decision, and no failure. */
const notAllowed = new Set(["Rejected", "NotApproved", "PersonForgotten"])

/** Something was tried, so it took time and may have failed. */
export const wasTried = (run: Run): boolean =>
  run.status !== "skipped" && (run.attempts > 0 || run.status === "done")

/** It did not work. What nobody allowed did not fail. */
export const hasFailed = (run: Run): boolean =>
  run.status === "failed" && !notAllowed.has(run.problem)

/** An approval with all that became of it. */
export interface Judged {
  readonly id: string
  readonly activity: string
  readonly grade: string
  readonly rule: string
  readonly state: string
  readonly requestedAt: number
  readonly decidedAt?: number
  readonly decision: string
  readonly by: string
  readonly edited: boolean
  readonly isEdit: boolean
  readonly regretted: boolean
  readonly became: string
  readonly dueAt?: number
}

export interface Period {
  /** Epoch ms, [from, to): the slot before and this one. */
  readonly from: number
  readonly to: number
  readonly timeZone: string
  /** Slots of this kind that went by before `from` without a document. */
  readonly missed: number
  readonly runs: ReadonlyArray<Run>
  readonly breakers: ReadonlyArray<
    { readonly adapter: string; readonly at: number; readonly reason: string }
  >
  /** Asked in the period. */
  readonly asked: ReadonlyArray<Judged>
  /** Decided, by whomever, in the period. */
  readonly decided: ReadonlyArray<Judged>
  /** Each word of the founder. */
  readonly words: ReadonlyArray<
    { readonly decision: string; readonly at: number; readonly approval: string }
  >
  /** Records that came in, by kind, and what was refused or left alone. */
  readonly counted: (counter: string) => number
  /** What was done without the founder, by kind. */
  readonly done: ReadonlyMap<string, number>
}

const judged = (row: JsonObject): Judged => ({
  id: textOf(row["id"]),
  activity: textOf(row["activity"]),
  grade: textOf(row["grade"]) || "normal",
  rule: textOf(row["rule"]) || "no rule is recorded",
  state: textOf(row["state"]),
  requestedAt: numberOf(row["requestedAt"]),
  decision: textOf(row["decision"]),
  by: textOf(row["by"]),
  edited: textOf(row["editedBy"]) !== "",
  isEdit: textOf(row["edits"]) !== "",
  regretted: numberOf(row["regrettedAt"]) > 0,
  became: textOf(row["became"]) || textOf(row["outcome"]),
  ...(typeof row["decidedAt"] === "number" ? { decidedAt: row["decidedAt"] } : {}),
  ...(typeof row["dueAt"] === "number" ? { dueAt: row["dueAt"] } : {}),
})

export const periodOf = (
  store: ReadStore["Service"],
  from: number,
  to: number,
  timeZone: string,
  missed: number,
): Period => {
  const between = (table: string, name: string) =>
    store.scan(table, { after: `${name}:${padded(from)}`, before: `${name}:${padded(to)}` })
  const all = store.scan(tableOf(approvals), { prefix: "id:" }).map(([, row]) =>
    judged(objectOf(row))
  )
  const news = store.scan(tableOf(brief), {
    // Each quarter of an hour belongs to the period in which it begins.
    after: `news:${padded(from - 1)}`,
    before: `news:${padded(to)}`,
    prefix: "news:",
  }).map(([, row]) => objectOf(row))
  const done = new Map<string, number>()
  for (const [, row] of between(tableOf(brief), "done")) {
    const what = textOf(objectOf(row)["what"])
    done.set(what, (done.get(what) ?? 0) + 1)
  }
  return {
    from,
    to,
    timeZone,
    missed,
    runs: between(tableOf(runs), "run").map(([key, value]): Run => {
      const row = objectOf(value)
      return {
        activity: textOf(row["activity"]),
        agent: textOf(row["agent"]),
        status: textOf(row["status"]),
        askedAt: numberOf(row["askedAt"]),
        settledAt: Number(key.split(":")[1]),
        attempts: numberOf(row["attempts"]),
        millis: numberOf(row["millis"]),
        cost: row["cost"] ?? null,
        problem: textOf(row["problem"]),
        made: textOf(row["made"]),
      }
    }),
    breakers: between(tableOf(runs), "breaker").map(([key, value]) => ({
      at: Number(key.split(":")[1]),
      adapter: textOf(objectOf(value)["adapter"]),
      reason: textOf(objectOf(value)["reason"]),
    })),
    asked: all.filter((one) => one.requestedAt >= from && one.requestedAt < to),
    decided: all.filter((one) =>
      one.decidedAt !== undefined && one.decidedAt >= from && one.decidedAt < to
    ),
    words: between(tableOf(approvals), "decided").map(([, value]) => {
      const row = objectOf(value)
      return {
        decision: textOf(row["decision"]),
        at: numberOf(row["at"]),
        approval: textOf(row["id"]),
      }
    }),
    counted: (counter) => news.reduce((sum, row) => sum + numberOf(row[counter]), 0),
    done,
  }
}

/** The value below which so much of a list lies: 0.5 is the median. 0 of an empty list. */
export const quantile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0
}

/** Sums what runs cost: numbers add up, objects add up name by name. */
export const costOf = (costs: ReadonlyArray<Json>): { readonly [unit: string]: number } => {
  const total: { [unit: string]: number } = {}
  for (const cost of costs) {
    const parts = typeof cost === "number" ? { units: cost } : objectOf(cost)
    for (const [unit, n] of Object.entries(parts)) {
      if (typeof n === "number") total[unit] = (total[unit] ?? 0) + n
    }
  }
  return total
}
