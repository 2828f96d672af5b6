/**
 * `--until` as people say it: `tomorrow`, `friday`, `3d`, `17:00`, a date, an instant. Days and hours are
 * the founder's; a day without an hour means the hour of the brief.
 */
import { DateTime, Effect } from "effect"
import { instantOf } from "../actors/cadence.ts"
import { OperationFailed } from "../projections/aios.ts"

const unitMillis: { readonly [unit: string]: number } = {
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
}
const unitDays: { readonly [unit: string]: number } = { d: 1, day: 1, w: 7, week: 7 }
const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
/** Nobody means a longer span by a number and a letter. */
const spanMax = 10_000

const examples =
  "Give a day (tomorrow, friday, 3d, 2026-11-27), an hour (17:00), or both (friday 9:00)."

export interface Moment {
  readonly now: number
  readonly timeZone: string
  /** The hour that a day without one means, `06:00`. */
  readonly dayAt: string
}

const dateIn = (at: number, timeZone: string) =>
  DateTime.formatIsoDate(DateTime.makeZonedUnsafe(at, { timeZone }))
const dayAfter = (date: string, days: number) =>
  DateTime.formatIsoDate(DateTime.add(DateTime.makeUnsafe(`${date}T00:00:00Z`), { days }))

/** `9`, `9:00`, `09:30` as `09:30`; undefined where it is no hour. */
const hourOf = (word: string): string | undefined => {
  const [, hours, minutes] = /^(\d{1,2}):(\d{2})$/.exec(word) ?? []
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined
  return `${hours.padStart(2, "0")}:${minutes}`
}

/** `2026-02-30` is none. */
const isDate = (word: string): boolean => {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(word) ? Date.parse(`${word}T00:00:00Z`) : NaN
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(word)
}

/** The local date a word names, counted from today; undefined where it names none. */
const dayOf = (word: string, today: string): string | undefined => {
  if (word === "today") return today
  if (word === "tomorrow") return dayAfter(today, 1)
  const [, n, unit] = /^(\d+)\s*(d|day|days|w|week|weeks)$/.exec(word) ?? []
  if (n !== undefined && unit !== undefined && Number(n) <= spanMax) {
    return dayAfter(today, Number(n) * (unitDays[unit.replace(/s$/, "")] ?? 1))
  }
  const weekday = word.length < 3 ? -1 : weekdays.findIndex((name) => name.startsWith(word))
  if (weekday >= 0) {
    const now = new Date(`${today}T00:00:00Z`).getUTCDay()
    // The next one: on a Friday, friday is in a week.
    return dayAfter(today, (weekday - now + 6) % 7 + 1)
  }
  return isDate(word) ? word : undefined
}

/** Epoch ms of what was written; undefined where it means nothing. */
const instantIn = (written: string, moment: Moment): number | undefined => {
  const text = written.trim().toLowerCase().replace(/\s+/g, " ")
    .replace(/^in /, "").replace(/^(\d+) (?=[a-z])/, "$1")
  const [, n, unit] = /^(\d+) ?(m|min|h)$/.exec(text) ?? []
  if (n !== undefined && unit !== undefined && Number(n) <= spanMax) {
    return moment.now + Number(n) * unitMillis[unit]!
  }
  if (/^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}(:\d{2}(\.\d+)?)?(z|[+-]\d{2}:?\d{2})$/.test(text)) {
    const at = Date.parse(text.toUpperCase())
    return Number.isFinite(at) ? at : undefined
  }
  const today = dateIn(moment.now, moment.timeZone)
  const words = text.replace(/^(\d{4}-\d{2}-\d{2})t(\d{2}:\d{2})(:\d{2})?$/, "$1 $2").split(" ")
    .filter((word) => word !== "at" && word !== "next")
  const [first = "", second, ...rest] = words
  if (rest.length > 0) return undefined
  const hour = hourOf(first)
  if (hour !== undefined) {
    return second === undefined ? instantOf(today, hour, moment.timeZone) : undefined
  }
  const day = dayOf(first, today)
  if (day === undefined) return undefined
  const at = second === undefined ? moment.dayAt : hourOf(second)
  return at === undefined ? undefined : instantOf(day, at, moment.timeZone)
}

/** What `flag` was given, as epoch ms. */
export const instantOfWords = (
  flag: string,
  written: string,
  moment: Moment,
): Effect.Effect<number, OperationFailed> => {
  const at = instantIn(written, moment)
  return at !== undefined ? Effect.succeed(at) : Effect.fail(
    new OperationFailed({
      kind: "usage",
      error: "InvalidValue",
      message: `--${flag}: ${written} is no time that AIOS knows. ${examples}`,
    }),
  )
}

/** A day of the past, at its noon in the founder's zone. */
export const dayOfWords = (
  flag: string,
  written: string,
  moment: Moment,
): Effect.Effect<number, OperationFailed> => {
  const today = dateIn(moment.now, moment.timeZone)
  const word = written.trim().toLowerCase()
  const day = word === "today"
    ? today
    : word === "yesterday"
    ? dayAfter(today, -1)
    : isDate(word)
    ? word
    : undefined
  return day !== undefined && day <= today
    ? Effect.succeed(Math.min(moment.now, instantOf(day, "12:00", moment.timeZone)))
    : Effect.fail(
      new OperationFailed({
        kind: "usage",
        error: "InvalidValue",
        message:
          `--${flag}: ${written} is no day that has come. Give it as 2026-11-24, or yesterday.`,
      }),
    )
}
