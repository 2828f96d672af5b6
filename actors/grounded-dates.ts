/**
 * Dates in a text as days, whether they lie ahead or behind: `24 November`, `November 24th, 2026`,
 * `24.11.2026`, `2026-11-24`, `24/11/2026` (either way round). A date without a year has the year that
 * fits the day it was written, as `reading-dates.ts` has it. What is said of days without a date
 * (`Tuesday`, `tomorrow`, `in March`) is told in groups of words that mean the same.
 */
import { DateTime, Option } from "effect"
import { datesIn } from "./reading-dates.ts"
import { allSentencesOf } from "./reading-text.ts"

const dayMillis = 24 * 60 * 60 * 1000
/** Text beyond is not read for dates. */
const charsMax = 60_000
const datesMax = 400
/** A day and month without a year that lie so shortly back are past; further back, next year's are meant. */
const pastDaysMax = 120
const lastMinute = "23:59"

const monthNames: ReadonlyArray<ReadonlyArray<string>> = [
  ["january", "januar", "jänner", "janvier", "enero", "jan"],
  ["february", "februar", "février", "febrero", "feb"],
  ["march", "märz", "mars", "marzo", "mar", "mär"],
  ["april", "avril", "abril", "apr"],
  ["may", "mai", "mayo"],
  ["june", "juni", "juin", "junio", "jun"],
  ["july", "juli", "juillet", "julio", "jul"],
  ["august", "août", "agosto", "aug"],
  ["september", "septembre", "septiembre", "sept", "sep"],
  ["october", "oktober", "octobre", "octubre", "oct", "okt"],
  ["november", "novembre", "noviembre", "nov"],
  ["december", "dezember", "décembre", "diciembre", "dec", "dez"],
]
const monthWords = monthNames.flat().sort((a, b) => b.length - a.length).join("|")
const monthOf = (name: string) =>
  monthNames.findIndex((names) => names.includes(name.toLowerCase().replace(/\.$/, "")))

const word = (pattern: string, flags = "giu") =>
  new RegExp(`(?<![\\p{L}\\d])(?:${pattern})(?![\\p{L}\\d])`, flags)

/** `YYYY-MM-DD`, or `MM-DD` where the year is not said and cannot be told. */
export type Day = string

export interface DayFound {
  readonly start: number
  readonly end: number
  /** All days it may mean: `3/4/2026` is two. */
  readonly days: ReadonlyArray<Day>
}

const pad = (number: number, width = 2) => String(number).padStart(width, "0")
const exists = (year: number, month: number, day: number) => {
  const date = new Date(Date.UTC(year, month - 1, day))
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}
const isoOf = (year: number, month: number, day: number): ReadonlyArray<Day> =>
  exists(year, month, day) ? [`${pad(year, 4)}-${pad(month)}-${pad(day)}`] : []

const yearOf = (text: string) => Number(text.length === 2 ? `20${text}` : text)

/** The local day of an instant. */
export const localDay = (millis: number, timeZone: string): Day => {
  const zone = Option.getOrElse(
    DateTime.zoneFromString(timeZone),
    () => DateTime.zoneMakeOffset(0),
  )
  const { day, month, year } = DateTime.toParts(
    DateTime.makeZonedUnsafe(millis, { timeZone: zone }),
  )
  return `${pad(year, 4)}-${pad(month)}-${pad(day)}`
}

const monthsShort = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")
/** `27 Nov 2026`. */
export const dayWords = (day: Day): string => {
  const [year, month, date] = day.split("-")
  return date === undefined
    ? `${Number(month)} ${monthsShort[Number(year) - 1]}`
    : `${Number(date)} ${monthsShort[Number(month) - 1]} ${year}`
}

/** A day and month as it is meant by who writes on `written`. */
const withYear = (month: number, day: number, written: Day | undefined): ReadonlyArray<Day> => {
  // 2028 has every day there is.
  if (!exists(2028, month, day)) return []
  if (written === undefined) return [`${pad(month)}-${pad(day)}`]
  const year = Number(written.slice(0, 4))
  const behind = (Date.parse(written) - Date.UTC(year, month - 1, day)) / dayMillis
  return isoOf(behind > pastDaysMax ? year + 1 : year, month, day)
}

type Reader = readonly [
  RegExp,
  (hit: RegExpMatchArray, written: Day | undefined) => ReadonlyArray<Day>,
]
const readers: ReadonlyArray<Reader> = [
  [
    /(?<![\d-])((?:19|20)\d{2})-(\d{2})-(\d{2})(?!\d)/g,
    ([, year, month, day]) => isoOf(Number(year), Number(month), Number(day)),
  ],
  [
    /(?<![\d/])(\d{1,2})\/(\d{1,2})\/((?:19|20)?\d{2})(?![\d/])/g,
    ([, a, b, year]) => [
      ...isoOf(yearOf(year!), Number(b), Number(a)),
      ...isoOf(yearOf(year!), Number(a), Number(b)),
    ],
  ],
  [
    /(?<![\d.,])(\d{1,2})\.\s?(\d{1,2})\.(?:\s?((?:19|20)\d{2}|\d{2})(?![\d:]))?(?!\d)/g,
    ([, day, month, year], written) =>
      year === undefined
        ? withYear(Number(month), Number(day), written)
        : isoOf(yearOf(year), Number(month), Number(day)),
  ],
  [
    word(
      `(\\d{1,2})(?:st|nd|rd|th|\\.)?\\s(?:of |de )?(${monthWords})\\.?(?:,?\\s((?:19|20)\\d{2}))?`,
    ),
    ([, day, month, year], written) =>
      year === undefined
        ? withYear(monthOf(month!) + 1, Number(day), written)
        : isoOf(Number(year), monthOf(month!) + 1, Number(day)),
  ],
  [
    word(`(${monthWords})\\.?\\s(\\d{1,2})(?:st|nd|rd|th)?(?:,?\\s((?:19|20)\\d{2}))?`),
    ([, month, day, year], written) =>
      year === undefined
        ? withYear(monthOf(month!) + 1, Number(day), written)
        : isoOf(Number(year), monthOf(month!) + 1, Number(day)),
  ],
]

/** The dates that are written out, in order; `written` is the day the text was written. */
export const daysIn = (text: string, written?: Day): ReadonlyArray<DayFound> => {
  const found: Array<DayFound> = []
  for (const [pattern, read] of readers) {
    for (const hit of text.slice(0, charsMax).matchAll(pattern)) {
      const [start, end] = [hit.index, hit.index + hit[0].length]
      if (found.some((one) => start < one.end && one.start < end)) continue
      const days = read(hit, written)
      if (days.length > 0) found.push({ start, end, days })
      if (found.length >= datesMax) break
    }
  }
  return found.sort((a, b) => a.start - b.start)
}

/** Sentences, and the clauses they are made of: of each way to name a day, a sentence is read for one. */
const piecesOf = (text: string): ReadonlyArray<string> =>
  text.slice(0, charsMax).split(/\n[ \t]*\n/).flatMap((paragraph) =>
    allSentencesOf(paragraph).flatMap((sentence) => {
      const clauses = sentence.split(/[,;:“”"()[\]]|(?<=[.!?]) (?=[\p{Lu}“"])/u)
      return clauses.length > 1 ? [sentence, ...clauses] : [sentence]
    })
  )

/** The days a text names that was written at `sentAt`, in digits or as seen from there: `by Friday`. */
export const daysSaid = (
  text: string,
  sentAt: number | undefined,
  timeZone: string,
): ReadonlyArray<Day> => {
  const written = sentAt === undefined ? undefined : localDay(sentAt, timeZone)
  const named = daysIn(text, written).flatMap(({ days }) => days)
  if (sentAt === undefined) return [...new Set(named)]
  const ahead = piecesOf(text).flatMap((piece) =>
    datesIn(piece, { sentAt, timeZone, dayEndsAt: lastMinute }).map(({ dueAt }) =>
      localDay(dueAt, timeZone)
    )
  )
  return [...new Set([...named, ...ahead])]
}

/** With the day it was written. */
export const daysMeant = (
  text: string,
  sentAt: number | undefined,
  timeZone: string,
): ReadonlyArray<Day> =>
  sentAt === undefined
    ? daysSaid(text, sentAt, timeZone)
    : [...new Set([localDay(sentAt, timeZone), ...daysSaid(text, sentAt, timeZone)])]

const weekdays: ReadonlyArray<string> = [
  "monday|montags?|lundi|lunes",
  "tuesday|dienstags?|mardi|martes",
  "wednesday|mittwochs?|mercredi|miércoles",
  "thursday|donnerstags?|jeudi|jueves",
  "friday|freitags?|vendredi|viernes",
  "saturday|samstags?|sonnabend|samedi|sábado",
  "sunday|sonntags?|dimanche|domingo",
]
const weekdayWords = weekdays.map((names) => word(names, "iu"))
/** Monday is 0. */
const weekdayOf = (day: Day) => (Math.floor(Date.parse(`${day}T00:00:00Z`) / dayMillis) + 3) % 7

const relative: ReadonlyArray<readonly [name: string, RegExp]> = [
  ["yesterday", word("yesterday|gestern|hier soir|ayer", "iu")],
  ["today", word("today|tonight|this (?:morning|afternoon|evening)|heute|aujourd'hui|hoy", "iu")],
  ["tomorrow", word("tomorrow|(?<!guten |jeden |am )morgen|demain|mañana", "iu")],
  ["this week", word("this week|end of (?:the |this )?week|diese[rn]? woche|ende der woche", "iu")],
  ["next week", word("next week|(?:nächste|kommende)[rn]? woche", "iu")],
  ["last week", word("last week|(?:letzte|vergangene|vorige)[rn]? woche", "iu")],
  [
    "the end of the month",
    word("end of (?:the |this )?month|month[- ]end|monatsende|ende (?:des|dieses) monats", "iu"),
  ],
  ["next month", word("next month|(?:nächste|kommende)[nrs]{0,2} monats?", "iu")],
  ["next year", word("next year|(?:nächste|kommende)[ns]? jahr(?:es)?", "iu")],
]

/** Words of days without a date. `may` and `mar` alone are other words. */
const monthAlone = monthNames.map((names) =>
  new RegExp(
    `(?<![\\p{L}\\d])(?:${
      names.filter((name) => name.length > 3).map((name) =>
        `${name[0]!.toUpperCase()}${name.slice(1)}`
      ).concat(names.includes("may") ? ["(?<=(?:in|by|of|until|since|from) )May", "Mai"] : [])
        .join("|")
    })(?![\\p{L}\\d])`,
    "u",
  )
)

/** The days of a text that have no date: what they are called, and whether known days hold them. */
export const looseDays = (
  text: string,
): ReadonlyArray<
  { readonly words: string; readonly says: RegExp; readonly fits: (day: Day) => boolean }
> => [
  ...weekdayWords.flatMap((says, n) => {
    const hit = says.exec(text)
    return hit === null
      ? []
      : [{ words: hit[0], says, fits: (day: Day) => day.length === 10 && weekdayOf(day) === n }]
  }),
  ...monthAlone.flatMap((says, n) => {
    const hit = says.exec(text)
    return hit === null
      ? []
      : [{ words: hit[0], says, fits: (day: Day) => Number(day.slice(-5, -3)) === n + 1 }]
  }),
  ...relative.flatMap(([words, says]) =>
    says.test(text) ? [{ words, says, fits: () => false }] : []
  ),
]
