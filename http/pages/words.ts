/** Numbers, money and times as the pages say them: relative where that helps, exact on hover. */
import type { Money } from "../../projections/aios.ts"
import { dueUntil } from "../../projections/words.ts"
import { html, type Markup } from "./html.ts"

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

export const count = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`

/** `6 days`, `3 h`: the largest unit alone. */
export const span = (millis: number): string => {
  const size = Math.abs(millis)
  if (size < minute) return "a moment"
  if (size < 90 * minute) return `${Math.round(size / minute)} min`
  if (size < 36 * hour) return `${Math.round(size / hour)} h`
  return count(Math.round(size / day), "day")
}

const formats = new Map<string, Intl.DateTimeFormat>()
const formatted = (at: number, timeZone: string, options: Intl.DateTimeFormatOptions): string => {
  const name = `${timeZone} ${JSON.stringify(options)}`
  const format = formats.get(name) ?? new Intl.DateTimeFormat("en-GB", { timeZone, ...options })
  formats.set(name, format)
  return format.format(at)
}

export const clockOf = (at: number, timeZone: string): string =>
  formatted(at, timeZone, { hour: "2-digit", minute: "2-digit" })
const dateOf = (at: number, timeZone: string): string =>
  formatted(at, timeZone, { year: "numeric", month: "2-digit", day: "2-digit" })
export const dayOf = (at: number, timeZone: string): string =>
  formatted(at, timeZone, { day: "numeric", month: "short" })
const weekdayOf = (at: number, timeZone: string): string =>
  formatted(at, timeZone, { weekday: "long" })
export const exactOf = (at: number, timeZone: string): string =>
  formatted(at, timeZone, {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  })

/** `Tuesday 24 November`. */
export const titleOf = (date: string): string => {
  const at = Date.parse(`${date}T12:00:00Z`)
  return Number.isNaN(at) ? date : formatted(at, "UTC", {
    weekday: "long",
    day: "numeric",
    month: "long",
  }).replace(",", "")
}

/** A time with its exact form on hover. */
export const timeOf = (at: number, text: string, timeZone: string): Markup => {
  const date = new Date(at)
  if (Number.isNaN(date.getTime())) return html`${text}`
  return html`<time datetime="${date.toISOString()}" title="${
    exactOf(at, timeZone)
  }">${text}</time>`
}

export const ago = (at: number, now: number, timeZone: string): Markup =>
  timeOf(at, at > now ? `in ${span(at - now)}` : `${span(now - at)} ago`, timeZone)

/** `yesterday 18:00`, `Friday 18:00`, `3 Nov 18:00`. */
export const sinceText = (at: number, now: number, timeZone: string): string => {
  const date = dateOf(at, timeZone)
  const name = date === dateOf(now, timeZone)
    ? "today"
    : date === dateOf(now - day, timeZone)
    ? "yesterday"
    : now - at < 6 * day
    ? weekdayOf(at, timeZone)
    : dayOf(at, timeZone)
  return `${name} ${clockOf(at, timeZone)}`
}

/** `due 17:00`, `due Thursday`, `due 3 Dec`, `6 days late`. */
export const dueOf = (due: number, now: number, timeZone: string): Markup => {
  const at = dueUntil(due, timeZone)
  const text = at < now ? `${span(now - at)} late` : dateOf(at, timeZone) === dateOf(now, timeZone)
    // The end of a day has no hour.
    ? clockOf(at, timeZone) === "23:59" ? "due today" : `due ${clockOf(at, timeZone)}`
    : at - now < 6 * day
    ? `due ${weekdayOf(at, timeZone)}`
    : `due ${dayOf(at, timeZone)}`
  return timeOf(at, text, timeZone)
}

/** Digits after the point of a currency: EUR 2, JPY 0. */
const digitsOf = (currency: string): number => {
  try {
    return new Intl.NumberFormat("en-US", { style: "currency", currency })
      .resolvedOptions().maximumFractionDigits ?? 2
  } catch {
    return 2
  }
}

export const moneyOf = ({ currency, minor }: Money): string => {
  const digits = digitsOf(currency)
  const whole = minor % 10 ** digits === 0
  return `${
    (minor / 10 ** digits).toLocaleString("en-US", {
      minimumFractionDigits: whole ? 0 : digits,
      maximumFractionDigits: digits,
    })
  } ${currency}`
}
export const moneysOf = (all: ReadonlyArray<Money>): string =>
  all.length === 0 ? "nothing" : all.map(moneyOf).join(" and ")
