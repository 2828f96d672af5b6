/**
 * What each agent has spent of its budget of the day. What the log knows is asked for once per agent and
 * day; what is spent here since is added at once, so that a hard stop does not wait for a read model.
 */
import { Clock, DateTime, Effect } from "effect"
import type { Budget } from "../machines/model-policy.ts"
import { ModelUnavailable } from "./language-model.ts"
import type { ModelLedger, Spent } from "./model-ledger.ts"
import { budgetOf, type ModelPolicy, partSpent } from "./model-routes.ts"
import type { Usage } from "./usage.ts"

interface Tally {
  readonly day: number
  readonly spent: { tokens: number; millis: number; micros: number }
  warned: boolean
}

/** When the local day began. */
export const dayStart = (at: number, timeZone: string): number =>
  DateTime.toEpochMillis(
    DateTime.startOf(DateTime.makeZonedUnsafe(at, { timeZone }), "day"),
  )

/** `12,000 of 10,000 tokens`. */
const said = (budget: Budget, spent: Spent): string =>
  (["tokens", "millis", "micros"] as const).flatMap((unit) =>
    budget[unit] === undefined ? [] : [`${spent[unit]} of ${budget[unit]} ${unit}`]
  ).join(", ")

export const makeSpending = (ledger: typeof ModelLedger.Service) => {
  const tallies = new Map<string, Tally>()

  const tallyOf = (agent: string, day: number) =>
    Effect.gen(function* () {
      const known = tallies.get(agent)
      if (known?.day === day) return known
      const spent = yield* ledger.spent(agent, day)
      // Somebody may have asked the same meanwhile.
      const now = tallies.get(agent)
      if (now?.day === day) return now
      const tally: Tally = { day, spent: { ...spent }, warned: false }
      tallies.set(agent, tally)
      return tally
    })

  return {
    /** Fails where the day's budget is spent. */
    allow: (policy: ModelPolicy, agent: string, timeZone: string) =>
      Effect.gen(function* () {
        const day = dayStart(yield* Clock.currentTimeMillis, timeZone)
        const tally = yield* tallyOf(agent, day)
        const budget = budgetOf(policy, agent)
        if (budget === undefined) return
        const part = partSpent(budget, tally.spent)
        if (part >= 1) {
          return yield* new ModelUnavailable({
            reason: "budget",
            message: `The budget of ${agent} for today is spent (${said(budget, tally.spent)}). ` +
              "aios costs shows it, aios costs budget changes it",
            retryable: false,
          })
        }
        if (part < policy.softPart || tally.warned) return
        tally.warned = true
        yield* Effect.logWarning(
          `${agent} has spent ${Math.round(part * 100)}% of its budget for models of today: ` +
            said(budget, tally.spent),
        )
      }),
    add: (agent: string, usage: Usage): void => {
      const spent = tallies.get(agent)?.spent
      if (spent === undefined || usage.cached) return
      spent.tokens += usage.tokensIn + usage.tokensOut
      spent.millis += usage.millis
      spent.micros += usage.micros
    },
  }
}
export type Spending = ReturnType<typeof makeSpending>
