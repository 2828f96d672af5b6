/**
 * How amounts, days and counts are said to the founder: exact, in their zone, and the same everywhere.
 * All are pure; the zone is given.
 */
import { DateTime } from "effect"

const dayMillis = 24 * 60 * 60 * 1000

/** Currencies whose smallest unit is not a hundredth (ISO 4217). */
const digitsOf: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ")
      .map((one) => [one, 0]),
  ),
  ...Object.fromEntries("BHD IQD JOD KWD LYD OMR TND".split(" ").map((one) => [one, 3])),
}

/** In whole units of the currency, for comparing sizes. */
export const majorOf = (minor: number, currency: string): number =>
  minor / 10 ** (digitsOf[currency] ?? 2)

/** `1,200 EUR`, `89.50 EUR`. */
export const moneyWords = (
  { currency, minor }: { readonly minor: number; readonly currency: string },
): string => {
  const digits = digitsOf[currency] ?? 2
  const [whole = "0", part = ""] = (Math.abs(minor) / 10 ** digits).toFixed(digits).split(".")
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",")
  const fraction = /^0*$/.test(part) ? "" : `.${part}`
  return `${minor < 0 ? "-" : ""}${grouped}${fraction} ${currency}`
}

/** Sums by currency, greatest first. */
export const sums = (
  amounts: ReadonlyArray<{ readonly minor: number; readonly currency: string }>,
): ReadonlyArray<{ readonly minor: number; readonly currency: string }> => {
  const by = new Map<string, number>()
  for (const { currency, minor } of amounts) by.set(currency, (by.get(currency) ?? 0) + minor)
  return [...by].map(([currency, minor]) => ({ minor, currency }))
    .filter(({ minor }) => minor !== 0)
    .sort((a, b) => majorOf(b.minor, b.currency) - majorOf(a.minor, a.currency))
}

export const sumWords = (
  amounts: ReadonlyArray<{ readonly minor: number; readonly currency: string }>,
): string => amounts.map(moneyWords).join(" + ")

export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`

const ordinals = ["", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]
export const ordinal = (n: number): string => ordinals[n] ?? `${n}th`

const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")

const partsIn = (at: number, timeZone: string) =>
  DateTime.toParts(DateTime.makeZonedUnsafe(at, { timeZone }))

/** Days since 1970 of the local date: what `days apart` counts. */
export const localDay = (at: number, timeZone: string): number => {
  const { day, month, year } = partsIn(at, timeZone)
  return Date.UTC(year, month - 1, day) / dayMillis
}

export const daysBetween = (from: number, to: number, timeZone: string): number =>
  localDay(to, timeZone) - localDay(from, timeZone)

/** When the local day began. */
export const startOfDay = (at: number, timeZone: string): number =>
  DateTime.toEpochMillis(DateTime.startOf(DateTime.makeZonedUnsafe(at, { timeZone }), "day"))

/**
 * Until when something is due. A day without a time, midnight as importers write it or as the founder's
 * clock shows it, counts until it ends in the founder's zone.
 */
export const dueUntil = (at: number, timeZone: string): number => {
  if (at % dayMillis !== 0 && startOfDay(at, timeZone) !== at) return at
  const { day, month, year } = at % dayMillis === 0 ? partsIn(at, "UTC") : partsIn(at, timeZone)
  const morning = DateTime.makeZonedUnsafe({ year, month, day }, {
    timeZone,
    adjustForTimeZone: true,
  })
  return DateTime.toEpochMillis(DateTime.add(morning, { days: 1 })) - 60_000
}

const two = (n: number) => String(n).padStart(2, "0")
export const clockWords = (at: number, timeZone: string): string => {
  const { hour, minute } = partsIn(at, timeZone)
  return `${two(hour)}:${two(minute)}`
}

/** `3 Nov`, with the year where it is another one than that of `now`. */
export const dateWords = (at: number, now: number, timeZone: string): string => {
  const then = partsIn(at, timeZone)
  const year = then.year === partsIn(now, timeZone).year ? "" : ` ${then.year}`
  return `${then.day} ${months[then.month - 1]}${year}`
}

/** `today`, `yesterday`, `Thursday` within a week, else `3 Nov`. */
export const dayWords = (at: number, now: number, timeZone: string): string => {
  const days = daysBetween(now, at, timeZone)
  if (days === 0) return "today"
  if (days === -1) return "yesterday"
  if (days === 1) return "tomorrow"
  const weekday = weekdays[new Date(localDay(at, timeZone) * dayMillis).getUTCDay()]!
  return days > 1 && days < 7 ? weekday : dateWords(at, now, timeZone)
}

/** Of a day that is over: `yesterday`, `Friday` within a week, else `3 Nov`. */
export const pastDayWords = (at: number, now: number, timeZone: string): string => {
  const days = daysBetween(at, now, timeZone)
  return days > 1 && days < 7
    ? weekdays[new Date(localDay(at, timeZone) * dayMillis).getUTCDay()]!
    : dayWords(at, now, timeZone)
}

/** When something is due: `17:00` today, `Thursday`, `3 days ago`. The end of a day has no hour. */
export const dueWords = (due: number, now: number, timeZone: string): string => {
  const at = dueUntil(due, timeZone)
  const days = daysBetween(now, at, timeZone)
  const { hour, minute } = partsIn(at, timeZone)
  const endOfDay = hour === 23 && minute === 59
  if (days === -1) return "was due yesterday"
  if (days < 0) return `was due ${counted(-days, "day")} ago`
  const when = days === 0 ? "" : `${dayWords(at, now, timeZone)}`
  if (endOfDay) return `due ${when === "" ? "today" : when}`
  const time = clockWords(at, timeZone)
  if (days === 0 && at < now) return `was due ${time}`
  return `due ${when === "" ? time : `${when} ${time}`}`
}

/** How long something waits: `6 days`, `3 h`; empty below an hour. */
export const waitWords = (from: number, now: number, timeZone: string): string => {
  const days = daysBetween(from, now, timeZone)
  if (days >= 1) return counted(days, "day")
  const hours = Math.floor((now - from) / 3_600_000)
  return hours >= 1 ? `${hours} h` : ""
}

/** Words of a stranger in one line, cut at a word. */
export const quoted = (text: string, charsMax = 90): string => {
  const line = text.replace(/\s+/g, " ").trim().replace(/[“”"]/g, "'")
  if (line.length <= charsMax) return `“${line}”`
  const shorter = line.slice(0, charsMax)
  const end = shorter.lastIndexOf(" ")
  return `“${shorter.slice(0, end > charsMax / 2 ? end : charsMax)}…”`
}
