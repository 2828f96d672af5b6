/** Occurrences of calendar entries, by ical.js within bounds. */
import { Effect, Layer } from "effect"
import ICAL from "ical.js"
import {
  type CalendarEntry,
  type Occurrence,
  type OccurrenceOf,
  Recurrences,
} from "../projections/recurrences.ts"
import { naiveTime, observancesOf, runRule } from "./records-calendar-rules.ts"
import { ianaName, utc, type Zone, zoneFrom, zoneOf } from "./records-calendar-zones.ts"

const dayMillis = 24 * 60 * 60 * 1000
/** Rules, added and left-out dates of one entry. */
const rulesMax = 4
const datesMax = 10_000
/** An entry that claims to last longer is cut: nothing that lasts a year is a meeting. */
const lengthMillisMax = 366 * dayMillis
/** Entries whose text is longer were not stored by this version, or by nobody. */
const icsCharsMax = 256 * 1024

/** One entry, read. Times are epoch ms. */
interface Series {
  readonly uid: string
  /** The occurrence it changes. */
  readonly recurrenceId: number | undefined
  readonly cancelled: boolean
  readonly occurrences: (from: number, to: number, max: number) => ReadonlyArray<Occurrence>
}

/** The zone a time is written in. Floating times and dates are meant in the founder's. */
export const zoneOfProperty = (
  property: ICAL.Property,
  time: ICAL.Time,
  own: Zone,
  zones: ReadonlyMap<string, Zone>,
): Zone => {
  if (time.isDate) return own
  if (time.zone === ICAL.Timezone.utcTimezone) return utc
  const tzid = property.getFirstParameter("tzid") ?? ""
  if (tzid === "") return own
  const name = ianaName(tzid)
  return name === "" ? zones.get(tzid) ?? own : zoneOf(name)
}

/** Times of a property with several values; of periods their start. */
const timesOf = (property: ICAL.Property): ReadonlyArray<ICAL.Time> =>
  property.getValues().slice(0, datesMax).flatMap((value: unknown) =>
    value instanceof ICAL.Time
      ? [value]
      : value instanceof ICAL.Period && value.start instanceof ICAL.Time
      ? [value.start]
      : []
  )

/** Zones by TZID, of the VTIMEZONEs of a calendar whose name is no place. */
export const zonesOf = (calendar: ICAL.Component): ReadonlyMap<string, Zone> => {
  const zones = new Map<string, Zone>()
  for (const part of calendar.getAllSubcomponents("vtimezone")) {
    const tzid = String(part.getFirstPropertyValue("tzid") ?? "")
    if (tzid !== "" && ianaName(tzid) === "") zones.set(tzid, zoneFrom(observancesOf(part)))
  }
  return zones
}

/** How long an event lasts by the wall clock, and whether that is by its days. */
const lengthOf = (
  event: ICAL.Component,
  start: ICAL.Time,
  startsAt: number,
  own: Zone,
  zones: ReadonlyMap<string, Zone>,
): number => {
  const end = event.getFirstProperty("dtend")
  const value: unknown = end?.getFirstValue()
  if (end !== null && end !== undefined && value instanceof ICAL.Time) {
    const length = start.isDate && value.isDate
      ? naiveTime(value) - naiveTime(start)
      : zoneOfProperty(end, value, own, zones).instant(naiveTime(value)) - startsAt
    if (length > 0) return Math.min(length, lengthMillisMax)
    return start.isDate ? dayMillis : 0
  }
  const duration: unknown = event.getFirstPropertyValue("duration")
  if (duration instanceof ICAL.Duration) {
    const length = duration.toSeconds() * 1000
    if (length > 0) return Math.min(length, lengthMillisMax)
  }
  return start.isDate ? dayMillis : 0
}

const seriesOf = (entry: CalendarEntry): Series | undefined => {
  if (entry.ics.length > icsCharsMax) return undefined
  const calendar = ICAL.Component.fromString(entry.ics)
  const event = calendar.name === "vevent" ? calendar : calendar.getFirstSubcomponent("vevent")
  const property = event?.getFirstProperty("dtstart")
  const start: unknown = property?.getFirstValue()
  if (!event || !property || !(start instanceof ICAL.Time)) return undefined
  const own = zoneOf(ianaName(entry.timeZone))
  const zones = zonesOf(calendar)
  const instantOf = (of: ICAL.Property, time: ICAL.Time) =>
    zoneOfProperty(of, time, own, zones).instant(naiveTime(time))
  const zone = zoneOfProperty(property, start, own, zones)
  const startsAt = instantOf(property, start)
  const length = lengthOf(event, start, startsAt, own, zones)
  /** Whole days end with their day, also where that has 23 hours. */
  const endOf = (instant: number) =>
    start.isDate ? zone.instant(zone.naive(instant) + length) : instant + length

  const recurrence = event.getFirstProperty("recurrence-id")
  const recurrenceTime: unknown = recurrence?.getFirstValue()
  const rules = event.getAllProperties("rrule").slice(0, rulesMax)
  const added = event.getAllProperties("rdate").slice(0, datesMax)
  const single = recurrence !== null && recurrence !== undefined

  const occurrences = (from: number, to: number, max: number): ReadonlyArray<Occurrence> => {
    const starts = new Set<number>()
    const keep = (instant: number) => {
      if (instant < to && (endOf(instant) > from || instant === from)) starts.add(instant)
    }
    const left = new Set<number>()
    for (const exdate of event.getAllProperties("exdate").slice(0, datesMax)) {
      for (const time of timesOf(exdate)) left.add(instantOf(exdate, time))
    }
    if (rules.length === 0 || single) keep(startsAt)
    if (!single) {
      for (const rdate of added) {
        for (const time of timesOf(rdate)) keep(instantOf(rdate, time))
      }
      for (const rule of rules) {
        const value: unknown = rule.getFirstValue()
        if (!(value instanceof ICAL.Recur)) continue
        const until = value.until
        const last = until === null || until === undefined
          ? Infinity
          : until.isDate
          ? zone.instant(naiveTime(until) + dayMillis) - 1
          : until.zone === ICAL.Timezone.utcTimezone
          ? naiveTime(until)
          : zone.instant(naiveTime(until))
        // Instants are looked up only near the window: a day and a half covers every zone.
        const near = from - length - 1.5 * dayMillis
        let found = 0
        for (const naive of runRule(value.toString(), start, to + 1.5 * dayMillis).times) {
          if (naive < near) continue
          const instant = zone.instant(naive)
          if (instant > last || instant >= to) break
          const before = starts.size
          if (!left.has(instant)) keep(instant)
          found += starts.size - before
          if (found >= max) break
        }
      }
    }
    return [...starts].filter((instant) => !left.has(instant)).sort((a, b) => a - b)
      .slice(0, max).map((instant) => ({ startsAt: instant, endsAt: endOf(instant) }))
  }
  return {
    uid: String(event.getFirstPropertyValue("uid") ?? ""),
    recurrenceId: single && recurrenceTime instanceof ICAL.Time
      ? instantOf(recurrence, recurrenceTime)
      : undefined,
    cancelled: String(event.getFirstPropertyValue("status") ?? "").toUpperCase() === "CANCELLED",
    occurrences,
  }
}

/** What cannot be understood has no occurrences: its importer has said so. */
const read = (entry: CalendarEntry): Series | undefined => {
  try {
    return seriesOf(entry)
  } catch {
    return undefined
  }
}

const listed = (series: Series, from: number, to: number, max: number) => {
  try {
    return series.occurrences(from, to, max)
  } catch {
    return []
  }
}

export const layer = Layer.succeed(
  Recurrences,
  Recurrences.of({
    between: (entry, from, to, max) =>
      Effect.sync(() => {
        const series = read(entry)
        return series === undefined || series.cancelled ? [] : listed(series, from, to, max)
      }),
    betweenAll: <Entry extends CalendarEntry>(
      entries: ReadonlyArray<Entry>,
      from: number,
      to: number,
      max: number,
    ) =>
      Effect.sync((): ReadonlyArray<OccurrenceOf<Entry>> => {
        const all = entries.flatMap((entry) => {
          const series = read(entry)
          return series === undefined ? [] : [{ entry, series }]
        })
        const changed = new Set(
          all.flatMap(({ series: { uid, recurrenceId } }) =>
            recurrenceId === undefined || uid === "" ? [] : [`${recurrenceId} ${uid}`]
          ),
        )
        const off = new Set(
          all.flatMap(({ series: { uid, recurrenceId, cancelled } }) =>
            cancelled && recurrenceId === undefined && uid !== "" ? [uid] : []
          ),
        )
        return all.filter(({ series }) => !series.cancelled && !off.has(series.uid)).flatMap((
          { entry, series },
        ) => {
          const exceptions = series.recurrenceId === undefined ? changed.size : 0
          return listed(series, from, to, max + exceptions)
            .filter(({ startsAt }) =>
              series.recurrenceId !== undefined || !changed.has(`${startsAt} ${series.uid}`)
            )
            .map((one) => ({ ...one, entry }))
        }).sort((a, b) => a.startsAt - b.startsAt || a.endsAt - b.endsAt).slice(0, max)
      }),
  }),
)
