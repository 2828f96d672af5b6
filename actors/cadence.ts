/**
 * The company's clock: which slots (brief of the day, night, week, month, quarter) are due, and a loop
 * that tells the coordinator. Slots are local times in the founder's zone. The id of a slot's event is
 * derived from its name and date, so a slot happens once, whoever proposes it and how often.
 */
import { Clock, DateTime, Effect, Option, Schema } from "effect"
import { coordinatorKey, LocalDate, type Slot, slots } from "../machines/coordinator.ts"
import { ActorSystem, type Refusal } from "./actor-system.ts"
import { EventLog, type LogUnavailable } from "./event-log.ts"
import { derivedId } from "./ids.ts"
import { currentSettings } from "./settings.ts"
import type { Vault } from "./vault.ts"

/** The loop looks again after this long at the latest: clocks jump, machines sleep, settings change. */
const sleepMillisMax = 60_000
const sleepMillisMin = 100
const dayMillis = 24 * 60 * 60 * 1000
const minuteMillis = 60 * 1000

export interface CadenceSettings {
  readonly timeZone: string
  /** `06:00` */
  readonly briefAt: string
  readonly nightlyAt: string
}

/** What happened before. */
export interface Since {
  /** By slot, the date of the last one reached. */
  readonly reached: { readonly [slot in Slot]?: string }
  /** Epoch ms. Of slots never reached, those before it do not count as missed. */
  readonly installedAt: number
}

export interface SlotDue {
  readonly slot: Slot
  /** In the founder's zone. */
  readonly date: string
  /** Epoch ms. */
  readonly at: number
  /** Slots of this kind that went by before this one. */
  readonly missed: number
}

/** A day as a number: days since 1970-01-01, in no zone. */
const dayOf = (date: string) => Date.parse(`${date}T00:00:00Z`) / dayMillis
const dateOf = (day: number) => new Date(day * dayMillis).toISOString().slice(0, 10)
const monthOf = (day: number) => {
  const date = new Date(day * dayMillis)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}
const firstOfMonth = (month: number) =>
  Date.UTC(Math.floor(month / 12), ((month % 12) + 12) % 12, 1) / dayMillis

/** How days fall into a kind's periods, numbered without gaps, and the first day of each: its slot. */
const periods: {
  readonly [slot in Slot]: {
    readonly of: (day: number) => number
    readonly first: (period: number) => number
  }
} = {
  daily: { of: (day) => day, first: (period) => period },
  nightly: { of: (day) => day, first: (period) => period },
  // Day 0 was a Thursday; weeks begin on Monday.
  weekly: { of: (day) => Math.floor((day + 3) / 7), first: (period) => period * 7 - 3 },
  monthly: { of: monthOf, first: firstOfMonth },
  quarterly: {
    of: (day) => Math.floor(monthOf(day) / 3),
    first: (period) => firstOfMonth(period * 3),
  },
}

/** A zone that is not known counts as UTC: a slot at the wrong hour is better than none. */
const zoneOf = (name: string): DateTime.TimeZone =>
  Option.getOrElse(DateTime.zoneFromString(name), () => DateTime.zoneMakeOffset(0))

/**
 * The instant of a local minute. Where daylight saving doubles it, the first; where it skips it, the
 * first minute after the gap.
 */
export const instantOf = (date: string, time: string, timeZone: string): number => {
  const zone = zoneOf(timeZone)
  const civil = new Date(dayOf(date) * dayMillis)
  const [year, month, day] = [civil.getUTCFullYear(), civil.getUTCMonth() + 1, civil.getUTCDate()]
  const [hour, minute] = [Number(time.slice(0, 2)), Number(time.slice(3, 5))]
  const local = { year, month, day, hour, minute }
  const at = (disambiguation: DateTime.Disambiguation) =>
    DateTime.makeZonedUnsafe(local, { timeZone: zone, adjustForTimeZone: true, disambiguation })
  const offsetAt = (millis: number) =>
    DateTime.zonedOffset(DateTime.makeZonedUnsafe(millis, { timeZone: zone }))
  const found = at("compatible")
  const parts = DateTime.toParts(found)
  if (parts.hour === hour && parts.minute === minute && parts.day === day) {
    return DateTime.toEpochMillis(found)
  }
  // A gap. Its end lies between the two readings of the minute that is not there.
  let before = DateTime.toEpochMillis(at("earlier"))
  let after = DateTime.toEpochMillis(found)
  const offset = offsetAt(after)
  while (after - before > minuteMillis) {
    const middle = Math.floor((before + after) / 2 / minuteMillis) * minuteMillis
    if (offsetAt(middle) === offset) after = middle
    else before = middle
  }
  return after
}

const localDayOf = (millis: number, timeZone: string) => {
  const parts = DateTime.toParts(
    DateTime.makeZonedUnsafe(millis, { timeZone: zoneOf(timeZone) }),
  )
  return Date.UTC(parts.year, parts.month - 1, parts.day) / dayMillis
}

/** The last moment of the local day. */
export const endOfDay = (at: number, timeZone: string): number =>
  instantOf(dateOf(localDayOf(at, timeZone)), "23:59", timeZone) + minuteMillis - 1

const slotInstant = (slot: Slot, period: number, settings: CadenceSettings) =>
  instantOf(
    dateOf(periods[slot].first(period)),
    slot === "nightly" ? settings.nightlyAt : settings.briefAt,
    settings.timeZone,
  )

/** The last period of `slot` whose slot is not after `now`. */
const latestPeriod = (slot: Slot, now: number, settings: CadenceSettings) => {
  const period = periods[slot].of(localDayOf(now, settings.timeZone))
  return slotInstant(slot, period, settings) <= now ? period : period - 1
}

/** What is due now, soonest first: of each kind the latest at most, which stands for those missed. */
export const slotsDue = (
  since: Since,
  now: number,
  settings: CadenceSettings,
): ReadonlyArray<SlotDue> =>
  slots.flatMap((slot) => {
    const latest = latestPeriod(slot, now, settings)
    const date = since.reached[slot]
    const last = date !== undefined
      ? periods[slot].of(dayOf(date))
      // The first brief is that of the day of the installation, even where its hour has passed.
      : slot === "daily"
      ? localDayOf(since.installedAt, settings.timeZone) - 1
      : latestPeriod(slot, since.installedAt, settings)
    return latest <= last ? [] : [{
      slot,
      date: dateOf(periods[slot].first(latest)),
      at: slotInstant(slot, latest, settings),
      missed: latest - last - 1,
    }]
  }).sort((one, other) => one.at - other.at)

/** When the next slot of any kind comes after `now`, epoch ms. */
export const nextSlotAt = (now: number, settings: CadenceSettings): number =>
  Math.min(
    ...slots.map((slot) => slotInstant(slot, latestPeriod(slot, now, settings) + 1, settings)),
  )

export const coordinatorStream = `coordinator-${coordinatorKey}`
export const slotId = (slot: Slot, date: string): string => derivedId(`slot:${slot}:${date}`)

const Reached = Schema.Struct({ reached: Schema.Record(Schema.String, LocalDate) })
const decodeReached = Schema.decodeUnknownOption(Reached)

/** What the coordinator and the log know of what happened before. */
const since = Effect.fnUntraced(function* (now: number) {
  const system = yield* ActorSystem
  const log = yield* EventLog
  const view = yield* system.view(coordinatorStream)
  const reached = Option.match(decodeReached(view?.context), {
    onNone: () => ({}),
    onSome: (context) => context.reached,
  })
  const [first] = yield* log.readAll({ limit: 1 })
  return { reached, installedAt: Math.min(now, first?.metadata.at ?? now) }
})

/** Tells the coordinator what is due at `now` (epoch ms). Gives the slots that happened by this call. */
export const catchUp: (
  now: number,
) => Effect.Effect<ReadonlyArray<SlotDue>, Refusal, ActorSystem | EventLog | Vault> = Effect.fn(
  "cadence.catchUp",
)(function* (now) {
  const system = yield* ActorSystem
  const settings = yield* currentSettings
  const due = slotsDue(yield* since(now), now, settings)
  const happened = yield* Effect.forEach(due, (one) =>
    system.propose(coordinatorStream, {
      type: "SlotReached",
      slot: one.slot,
      date: one.date,
      missed: one.missed,
      document: settings.reports.includes(one.slot),
    }, { id: slotId(one.slot, one.date), occurredAt: one.at, actor: "cadence" }).pipe(
      Effect.map(({ duplicate }) => duplicate ? [] : [one]),
      // A later slot was reached meanwhile: this one is among its missed ones.
      Effect.catchTag("NotAccepted", () => Effect.succeed([])),
    ))
  return happened.flat()
})

const sleepUntilNext: Effect.Effect<void, LogUnavailable, EventLog | Vault> = Effect.gen(
  function* () {
    const now = yield* Clock.currentTimeMillis
    const wait = nextSlotAt(now, yield* currentSettings) - now
    yield* Effect.sleep(Math.max(sleepMillisMin, Math.min(wait, sleepMillisMax)))
  },
)

/** Keeps the cadence for ever. What goes wrong is logged and tried again after a pause. */
export const run: Effect.Effect<never, never, ActorSystem | EventLog | Vault> = Effect.gen(
  function* () {
    const happened = yield* catchUp(yield* Clock.currentTimeMillis)
    for (const { slot, date, missed } of happened) {
      yield* Effect.logInfo(`${slot} slot of ${date}${missed > 0 ? `, ${missed} missed` : ""}`)
    }
    yield* sleepUntilNext
  },
).pipe(
  Effect.catch((failure) =>
    Effect.logWarning(`The cadence waits: ${failure.message}`).pipe(
      Effect.andThen(Effect.sleep(sleepMillisMax)),
    )
  ),
  Effect.forever,
)
