/**
 * Recurrence rules, run in bounded time. ical.js works a rule out; a rule of a stranger's file may make
 * it search for ever (the 30th of February), so every step it takes is counted and it is stopped.
 */
import ICAL from "ical.js"

/** Steps of one rule: some 50 years of days, or of weeks with several days each. */
const stepsMax = 60_000
const ruleCharsMax = 4_000
const intervalMax = 10_000
/** Onsets of a VTIMEZONE's observance are worked out up to this year. */
const zoneYearMax = 2100
const onsetsMax = 500

/** A wall-clock time as if it were UTC, in epoch ms. */
export const naiveOf = (
  year: number,
  month: number,
  day: number,
  hour = 0,
  minute = 0,
  second = 0,
): number => {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  return date.getTime()
}

export const naiveTime = (time: ICAL.Time): number =>
  naiveOf(time.year, time.month, time.day, time.hour, time.minute, time.second)

const freqs = new Set(["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"])
const within = (least: number, most: number) => (text: string) =>
  /^[+-]?\d{1,3}$/.test(text) && Math.abs(Number(text)) >= least && Math.abs(Number(text)) <= most
const listed: Readonly<Record<string, (text: string) => boolean>> = {
  BYSECOND: within(0, 60),
  BYMINUTE: within(0, 59),
  BYHOUR: within(0, 23),
  BYDAY: (text) => /^(?:[+-]?\d{1,2})?(?:MO|TU|WE|TH|FR|SA|SU)$/.test(text),
  BYMONTHDAY: within(1, 31),
  BYYEARDAY: within(1, 366),
  BYWEEKNO: within(1, 53),
  BYMONTH: within(1, 12),
  BYSETPOS: within(1, 366),
}

/** Why a rule is not followed; undefined where it is sound. */
export const wrongRule = (text: string): string | undefined => {
  if (text.length > ruleCharsMax) return `the rule has more than ${ruleCharsMax} characters`
  const parts = new Map(
    text.toUpperCase().split(";").filter((one) => one.trim() !== "").map((one) => {
      const [name = "", value = ""] = one.split("=")
      return [name.trim(), value.trim()]
    }),
  )
  const freq = parts.get("FREQ")
  if (freq === undefined || !freqs.has(freq)) return `FREQ=${freq ?? ""} is no frequency`
  for (const [name, value] of parts) {
    const check = listed[name]
    if (check !== undefined && !value.split(",").every((one) => check(one.trim()))) {
      return `${name}=${value.slice(0, 60)} is out of range`
    }
    if (name === "INTERVAL" && !(/^\d{1,9}$/.test(value) && Number(value) >= 1)) {
      return `INTERVAL=${value.slice(0, 60)} is no interval`
    }
    if (name === "INTERVAL" && Number(value) > intervalMax) return `INTERVAL=${value} is too large`
    if (name === "COUNT" && !/^\d{1,9}$/.test(value)) {
      return `COUNT=${value.slice(0, 60)} is no count`
    }
  }
  return undefined
}

class StepsSpent extends Error {
  override readonly name = "StepsSpent"
}

/** Steps left to the rule that runs now: one at a time, since nothing in it waits. */
let stepsLeft = 0
const spend = (steps: number) => {
  stepsLeft -= steps
  if (stepsLeft < 0) throw new StepsSpent()
}

/** Every loop of ical.js goes through one of these. */
class CountedIterator extends ICAL.RecurIterator {
  override check_contracting_rules(): boolean {
    spend(1)
    return super.check_contracting_rules()
  }
  override increment_monthday(days: number): void {
    spend(1)
    super.increment_monthday(days)
  }
  override increment_month(): void {
    spend(2)
    super.increment_month()
  }
  override increment_year(years: number): void {
    spend(20)
    super.increment_year(years)
  }
}

export interface RuleRun {
  /** Wall-clock times as if they were UTC, in order. */
  readonly times: Generator<number>
  /** Whether the rule was stopped before its end. */
  spent(): boolean
}

/**
 * Occurrences of a rule from its start (wall clock). UNTIL is left to the caller, who knows the zone:
 * the rule as given must have none. Ends where `until` (wall clock) is passed.
 */
export const runRule = (text: string, start: ICAL.Time, until: number): RuleRun => {
  let spent = false
  const run = function* (): Generator<number> {
    if (wrongRule(text) !== undefined) return
    let left = stepsMax
    const step = (): ICAL.Time | undefined => {
      stepsLeft = left
      try {
        const time = iterator === undefined ? undefined : iterator.next() ?? undefined
        left = stepsLeft
        return time
      } catch (cause) {
        spent = cause instanceof StepsSpent
        return undefined
      }
    }
    let iterator: CountedIterator | undefined
    stepsLeft = left
    try {
      const rule = ICAL.Recur.fromString(
        text.toUpperCase().replace(/;?UNTIL=[^;]*/, "").replace(/^;/, ""),
      )
      const floating = new ICAL.Time({
        year: start.year,
        month: start.month,
        day: start.day,
        hour: start.hour,
        minute: start.minute,
        second: start.second,
        isDate: start.isDate,
      }, ICAL.Timezone.localTimezone)
      iterator = new CountedIterator({ rule, dtstart: floating })
    } catch (cause) {
      spent = cause instanceof StepsSpent
      return
    }
    left = stepsLeft
    for (let time = step(); time !== undefined; time = step()) {
      const naive = naiveTime(time)
      if (naive > until) return
      yield naive
    }
  }
  return { times: run(), spent: () => spent }
}

/** What STANDARD or DAYLIGHT of a VTIMEZONE says. */
export interface Observance {
  /** Wall-clock times (by `offsetFrom`) at which it begins. */
  readonly onsets: ReadonlyArray<number>
  readonly offsetFrom: number
  readonly offsetTo: number
}

const offsetOf = (component: ICAL.Component, name: string): number | undefined => {
  const value: unknown = component.getFirstPropertyValue(name)
  return value instanceof ICAL.UtcOffset ? value.toSeconds() * 1000 : undefined
}

/** Never throws: what cannot be read is left out. */
export const observancesOf = (vtimezone: ICAL.Component): ReadonlyArray<Observance> =>
  vtimezone.getAllSubcomponents().slice(0, 2 * onsetsMax).flatMap((part) => {
    try {
      const offsetFrom = offsetOf(part, "tzoffsetfrom")
      const offsetTo = offsetOf(part, "tzoffsetto")
      const start: unknown = part.getFirstPropertyValue("dtstart")
      if (offsetFrom === undefined || offsetTo === undefined || !(start instanceof ICAL.Time)) {
        return []
      }
      const onsets = [naiveTime(start)]
      for (const rdate of part.getAllProperties("rdate").slice(0, onsetsMax)) {
        const value: unknown = rdate.getFirstValue()
        if (value instanceof ICAL.Time) onsets.push(naiveTime(value))
      }
      for (const rule of part.getAllProperties("rrule").slice(0, 2)) {
        const value: unknown = rule.getFirstValue()
        if (!(value instanceof ICAL.Recur)) continue
        const until = value.until === null || value.until === undefined
          ? naiveOf(zoneYearMax, 1, 1)
          : naiveTime(value.until) + offsetFrom
        let count = 0
        for (const onset of runRule(value.toString(), start, until).times) {
          onsets.push(onset)
          if (++count >= onsetsMax) break
        }
      }
      return [{ onsets, offsetFrom, offsetTo }]
    } catch {
      return []
    }
  })
