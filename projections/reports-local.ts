/**
 * `Reports` over the read models. A document tells the stretch between its slot and the one before; it
 * ends when the slot's own event was recorded, so composing it again gives the same document.
 */
import { DateTime, Effect, Layer } from "effect"
import { instantOf, slotId } from "../actors/cadence.ts"
import { EventLog } from "../actors/event-log.ts"
import { type ReportDocument, Reports, ReportsUnavailable } from "../actors/reports.ts"
import { currentSettings, type Settings } from "../actors/settings.ts"
import { Vault } from "../actors/vault.ts"
import type { Slot } from "../machines/coordinator.ts"
import { agents } from "../machines/mod.ts"
import type { Brief } from "./aios.ts"
import { Queries } from "./queries.ts"
import { ReadStore } from "./read-store.ts"
import { dailyDocument } from "./reports-daily.ts"
import { periodOf } from "./reports-period.ts"
import {
  monthlyDocument,
  nightlyDocument,
  quarterlyDocument,
  weeklyDocument,
} from "./reports-periods.ts"

/** How far back a slot reaches. */
const reach: { readonly [slot in Slot]: { readonly days?: number; readonly months?: number } } = {
  daily: { days: 1 },
  nightly: { days: 1 },
  weekly: { days: 7 },
  monthly: { months: 1 },
  quarterly: { months: 3 },
}

const before = (date: string, slot: Slot): string =>
  DateTime.formatIsoDate(DateTime.subtract(DateTime.makeUnsafe(`${date}T00:00:00Z`), reach[slot]))

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const queries = yield* Queries
  const store = yield* ReadStore
  const vault = yield* Vault
  const settings = currentSettings.pipe(
    Effect.provideService(EventLog, log),
    Effect.provideService(Vault, vault),
  )

  /** From the slot before to the moment this one was recorded. */
  const stretchOf = Effect.fnUntraced(function* (slot: Slot, date: string, known: Settings) {
    const at = slot === "nightly" ? known.nightlyAt : known.briefAt
    const [reached] = yield* log.byId(slotId(slot, date))
    return {
      from: instantOf(before(date, slot), at, known.timeZone),
      to: (reached?.metadata.at ?? instantOf(date, at, known.timeZone)) + 1,
    }
  })

  const briefAt = (
    date: string,
    known: Settings,
    { from, to }: { readonly from: number; readonly to: number },
  ) =>
    queries.brief({
      date,
      since: from,
      to,
      timeZone: known.timeZone,
      missing: known.missing,
      parked: 0,
      fixes: [],
    })

  const stateOf = (brief: Brief) => ({
    owed: brief.replies.length,
    overdue: brief.money.overdueCount,
    waiting: brief.approvals.length,
  })

  const compose = Effect.fn("Reports.compose")(
    function* (slot: Slot, date: string): Effect.fn.Return<ReportDocument, { message: string }> {
      const known = yield* settings
      const stretch = yield* stretchOf(slot, date, known)
      if (slot === "daily") {
        return dailyDocument(yield* briefAt(date, known, stretch), stretch.to - 1)
      }
      // The read models are at the log's head after this.
      const brief = yield* briefAt(date, known, stretch)
      const period = periodOf(store, stretch.from, stretch.to, known.timeZone)
      switch (slot) {
        case "nightly":
          return nightlyDocument(period, date)
        case "weekly":
          return weeklyDocument(period, date, stateOf(brief))
        case "monthly":
          return monthlyDocument(period, date, { events: (yield* log.head) + 1 })
        case "quarterly":
          return quarterlyDocument(
            period,
            date,
            agents.map(({ name, version }) => [name, version] as const),
          )
      }
    },
  )

  return Reports.of({
    compose: (slot, date) =>
      compose(slot, date).pipe(
        Effect.mapError(({ message }) => new ReportsUnavailable({ message, retryable: true })),
      ),
  })
})

export const layer = Layer.effect(Reports, make)
