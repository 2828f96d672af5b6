/**
 * `Reports` over the read models. A document tells the stretch from the slot before to its own, to the
 * minute and in the founder's zone, however late it is made: so nothing is told twice, and composing it
 * again gives the same document. The brief of the day alone is told at the moment it was asked for.
 */
import { DateTime, Effect, Layer, Option } from "effect"
import { instantOf, slotId } from "../actors/cadence.ts"
import { Crm } from "../actors/crm.ts"
import { EventLog } from "../actors/event-log.ts"
import { Payments } from "../actors/payments.ts"
import { Publisher } from "../actors/publisher.ts"
import { type ReportDocument, Reports, ReportsUnavailable } from "../actors/reports.ts"
import { currentSettings, type Settings } from "../actors/settings.ts"
import { Vault } from "../actors/vault.ts"
import type { Json } from "../machines/agent.ts"
import type { Slot } from "../machines/coordinator.ts"
import { agents } from "../machines/mod.ts"
import type { Brief } from "./aios.ts"
import { brief as briefRows } from "./brief.ts"
import { type BriefDay, unknownPerson } from "./brief-sources.ts"
import { numberOf, objectOf, sealedOf } from "./fields.ts"
import { tableOf } from "./fold.ts"
import { Queries } from "./queries.ts"
import { ReadStore } from "./read-store.ts"
import { dailyDocument } from "./reports-daily.ts"
import { promisesBroken, standingOf } from "./reports-late.ts"
import { periodOf } from "./reports-period.ts"
import { monthlyDocument, nightlyDocument, weeklyDocument } from "./reports-periods.ts"
import { quarterlyDocument } from "./reports-quarter.ts"

/** Read at a time where events are counted. */
const countPageEvents = 1_000

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

const dateAfter = (date: string): string =>
  DateTime.formatIsoDate(DateTime.add(DateTime.makeUnsafe(`${date}T00:00:00Z`), { days: 1 }))

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const queries = yield* Queries
  const store = yield* ReadStore
  const vault = yield* Vault
  /** Of the adapters that are plugged in, by the name that activities know them by. */
  const versionOf = (adapter: Option.Option<{ readonly version: number }>) =>
    Option.toArray(Option.map(adapter, ({ version }) => version))
  const adapterVersions: ReadonlyMap<string, number> = new Map([
    ...versionOf(yield* Effect.serviceOption(Payments)).map((one) => ["payments", one] as const),
    ...versionOf(yield* Effect.serviceOption(Crm)).map((one) => ["crm", one] as const),
    ...versionOf(yield* Effect.serviceOption(Publisher)).map((one) => ["publisher", one] as const),
  ])
  const settings = currentSettings.pipe(
    Effect.provideService(EventLog, log),
    Effect.provideService(Vault, vault),
  )

  /** From the slot before to this one. */
  const stretchOf = Effect.fnUntraced(function* (slot: Slot, date: string, known: Settings) {
    const at = slot === "nightly" ? known.nightlyAt : known.briefAt
    const [reached] = yield* log.byId(slotId(slot, date))
    const slotAt = instantOf(date, at, known.timeZone)
    // A brief that comes late tells the rest of its day too, as the screen does; never of the next.
    const nextDay = instantOf(dateAfter(date), "00:00", known.timeZone)
    return {
      from: instantOf(before(date, slot), at, known.timeZone),
      to: slot === "daily" && reached !== undefined
        ? Math.min(reached.metadata.at + 1, nextDay)
        : slotAt,
      missed: numberOf(objectOf(reached?.data)["missed"]),
      position: reached?.position,
    }
  })

  const dayOf = (
    date: string,
    known: Settings,
    { from, to }: { readonly from: number; readonly to: number },
  ): BriefDay => ({
    date,
    since: from,
    to,
    timeZone: known.timeZone,
    missing: known.missing,
    parked: 0,
    fixes: [],
  })

  const opened = (value: Json | undefined): Json => {
    const sealed = sealedOf(value)
    return sealed === undefined ? value ?? null : vault.open(sealed) ?? null
  }

  /** How things stood at the end of a stretch. */
  const standing = Effect.fnUntraced(function* (
    brief: Brief,
    day: BriefDay,
  ) {
    const promises = promisesBroken(day, store, opened)
    const names = new Map<string, string>()
    for (const { person } of promises) {
      const known = yield* queries.person(person)
      names.set(person, known?.name ?? known?.address ?? unknownPerson)
    }
    return standingOf(brief, promises, (key) => names.get(key) ?? unknownPerson, store, day.to)
  })

  /** How many events there are up to a position. A read model has counted nearly all of them. */
  const eventsUpTo = Effect.fnUntraced(function* (position: number) {
    const counted = store.checkpoint(tableOf(briefRows)) ?? { position: -1, events: 0 }
    const [from, to] = [counted.position, position].toSorted((a, b) => a - b)
    let between = 0
    for (let at = from!;;) {
      const page = yield* log.readAll({ from: at + 1, limit: countPageEvents })
      between += page.filter((event) => event.position <= to!).length
      at = page.at(-1)?.position ?? to!
      if (at >= to!) break
    }
    return counted.events + (position < counted.position ? -between : between)
  })

  const compose = Effect.fn("Reports.compose")(
    function* (slot: Slot, date: string): Effect.fn.Return<ReportDocument, { message: string }> {
      const known = yield* settings
      const stretch = yield* stretchOf(slot, date, known)
      const day = dayOf(date, known, stretch)
      // The read models are at the log's head after this.
      const brief = yield* queries.brief(day)
      if (slot === "daily") return dailyDocument(brief, stretch.to - 1)
      const { from, missed, to } = stretch
      const period = periodOf(store, from, to, known.timeZone, missed)
      switch (slot) {
        case "nightly":
          return nightlyDocument(period, date)
        case "weekly":
          return weeklyDocument(period, date, yield* standing(brief, day))
        case "monthly":
          return monthlyDocument(period, date, {
            events: yield* eventsUpTo(stretch.position ?? (yield* log.head)),
          })
        case "quarterly":
          return quarterlyDocument(
            period,
            date,
            agents.map(({ name, version }) => [name, version] as const),
            adapterVersions,
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
