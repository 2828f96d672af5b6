/**
 * Finds dates in a sentence and says which instant is meant, seen from the day the mail was sent in the
 * founder's zone: "by Tuesday evening", "bis Freitag", "3 December", "until end of month". Days that lie
 * before the mail are no dates to keep. Every pattern is bounded.
 */
import { DateTime, Option } from "effect"
import { instantOf } from "./cadence.ts"

/** From where a mail's dates are seen. */
export interface Reckoning {
  /** Epoch ms. */
  readonly sentAt: number
  /** IANA name. */
  readonly timeZone: string
  /** When the founder's working day ends, `17:00`: what "this evening" and "end of business" mean. */
  readonly dayEndsAt: string
}

export interface DateFound {
  /** Where in the sentence. */
  readonly start: number
  readonly end: number
  /** Epoch ms: the minute that was named, or the last minute of the day. */
  readonly dueAt: number
  /** It is named as the latest time: `by`, `until`, `bis`. */
  readonly isDeadline: boolean
}

const dayMillis = 24 * 60 * 60 * 1000
/** A day and month without a year that lie so shortly back are past; further back, next year's are meant. */
const pastDaysMax = 120
const datesPerSentenceMax = 6
const lastMinute = "23:59"

const months =
  "jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|mar(?:ch|s)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|" +
  "aug(?:ust)?|sep(?:t|tember)?|oct(?:ober)?|okt(?:ober)?|nov(?:ember)?|dec(?:ember)?|dez(?:ember)?"
const monthStarts: ReadonlyArray<ReadonlyArray<string>> = [
  ["jan"],
  ["feb"],
  ["mar", "mär"],
  ["apr"],
  ["may", "mai"],
  ["jun"],
  ["jul"],
  ["aug"],
  ["sep"],
  ["oct", "okt"],
  ["nov"],
  ["dec", "dez"],
]
const monthOf = (name: string) =>
  monthStarts.findIndex((starts) => starts.includes(name.slice(0, 3).toLowerCase()))

const weekdays =
  "monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|mittwoch|donnerstag|freitag|" +
  "samstag|sonntag|lundi|mardi|mercredi|jeudi|vendredi|lunes|martes|miércoles|jueves|viernes"
/** By their first two letters, in the four languages. Monday is 0. */
const weekdayNames: ReadonlyArray<ReadonlyArray<string>> = [
  ["monday", "montag", "lundi", "lunes"],
  ["tuesday", "dienstag", "mardi", "martes"],
  ["wednesday", "mittwoch", "mercredi", "miércoles"],
  ["thursday", "donnerstag", "jeudi", "jueves"],
  ["friday", "freitag", "vendredi", "viernes"],
  ["saturday", "samstag"],
  ["sunday", "sonntag"],
]
const weekdayOf = (name: string) =>
  weekdayNames.findIndex((names) => names.includes(name.toLowerCase()))

const counts: Readonly<Record<string, number>> = {
  a: 1,
  one: 1,
  ein: 1,
  einem: 1,
  einer: 1,
  two: 2,
  zwei: 2,
  deux: 2,
  dos: 2,
  three: 3,
  drei: 3,
  trois: 3,
  tres: 3,
  four: 4,
  vier: 4,
  five: 5,
  fünf: 5,
  six: 6,
  sechs: 6,
  seven: 7,
  sieben: 7,
  ten: 10,
  zehn: 10,
}
const countWords = Object.keys(counts).join("|")

/** A word is not part of a longer one. `\b` knows no umlauts. */
const words = (pattern: string) => new RegExp(`(?<![\\p{L}\\d])(?:${pattern})(?![\\p{L}\\d])`, "iu")

/** A day as a number: days since 1970-01-01, in no zone. */
const dayNumber = (year: number, month: number, day: number): number | undefined => {
  const millis = Date.UTC(year, month, day)
  const date = new Date(millis)
  return date.getUTCMonth() === month && date.getUTCDate() === day ? millis / dayMillis : undefined
}
const civil = (day: number) => {
  const date = new Date(day * dayMillis)
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() }
}
/** The last day of a month; `month` may lie outside 0 to 11. */
const lastDayOf = (year: number, month: number) => Date.UTC(year, month + 1, 0) / dayMillis
const weekdayOfDay = (day: number) => (((day + 3) % 7) + 7) % 7
/** Friday of the week so many weeks on; Saturday and Sunday count to the next. */
const fridayAfter = (today: number, weeks: number) => {
  const weekday = weekdayOfDay(today)
  return today - weekday + 4 + 7 * (weeks + (weekday > 4 && weeks === 0 ? 1 : 0))
}

const withYear = (
  today: number,
  month: number,
  day: number,
  named: string | undefined,
): number | undefined => {
  if (named !== undefined) {
    return dayNumber(Number(named.length === 2 ? `20${named}` : named), month, day)
  }
  const { year } = civil(today)
  const thisYear = dayNumber(year, month, day)
  if (thisYear === undefined) return undefined
  if (thisYear >= today) return thisYear
  return today - thisYear <= pastDaysMax ? undefined : dayNumber(year + 1, month, day)
}
/** The end of the last day of a month that is still ahead. */
const endOfMonth = (today: number, month: number, named: string | undefined) => {
  const { year } = civil(today)
  if (named !== undefined) return lastDayOf(Number(named), month)
  const last = lastDayOf(year, month)
  return last >= today ? last : lastDayOf(year + 1, month)
}

interface Rule {
  readonly finds: RegExp
  readonly day: (found: RegExpExecArray, today: number) => number | undefined
  /** Always a latest time. */
  readonly isDeadline?: boolean
  /** Counts only where the sentence names no day. */
  readonly isTimeAlone?: boolean
}

const rules: ReadonlyArray<Rule> = [
  {
    finds: /(?<!\d)(20\d{2})-(\d{2})-(\d{2})(?!\d)/,
    day: ([, year, month, day]) => dayNumber(Number(year), Number(month) - 1, Number(day)),
  },
  {
    finds: /(?<![\d.,])(\d{1,2})\.\s?(\d{1,2})\.(?:\s?(20\d{2}|\d{2})(?!\d))?(?!\d)/,
    day: ([, day, month, year], today) => withYear(today, Number(month) - 1, Number(day), year),
  },
  {
    finds: words(
      `(\\d{1,2})(?:st|nd|rd|th|\\.)?\\s(?:of |de )?(${months})\\.?(?:,?\\s(20\\d{2}))?`,
    ),
    day: ([, day, month, year], today) => withYear(today, monthOf(month!), Number(day), year),
  },
  {
    finds: words(`(${months})\\.?\\s(\\d{1,2})(?:st|nd|rd|th)?(?:,?\\s(20\\d{2}))?`),
    day: ([, month, day, year], today) => withYear(today, monthOf(month!), Number(day), year),
  },
  { finds: words("day after tomorrow|übermorgen"), day: (_, today) => today + 2 },
  {
    finds: words(
      "tomorrow|(?:bis|schon|gleich|erst) morgen|morgen (?:früh|vormittag|mittag|nachmittag|abend)|" +
        "demain|para mañana",
    ),
    day: (_, today) => today + 1,
  },
  {
    finds: words("today|tonight|this (?:afternoon|evening)|heute|aujourd'hui|ce soir|hoy"),
    day: (_, today) => today,
  },
  {
    finds: words(
      "(?:(next|nächste[nrm]?|kommende[nrm]?|this|diese[nrm]?) )?" + `(${weekdays})(?:s abend)?`,
    ),
    day: ([, which, name], today) => {
      const ahead = (weekdayOf(name!) - weekdayOfDay(today) + 7) % 7
      return today + (ahead === 0 && which !== undefined && /^(?:n|k)/i.test(which) ? 7 : ahead)
    },
  },
  {
    finds: words(
      "(?:the )?end of (?:the |this )?month|month[- ]end|monatsende|ende (?:des|dieses) monats|" +
        "fin (?:du|de) mois|fin de mes",
    ),
    day: (_, today) => endOfMonth(today, civil(today).month, undefined),
  },
  {
    finds: words("(?:the )?end of next month|ende nächsten monats|next month|nächsten monats?"),
    day: (_, today) => lastDayOf(civil(today).year, civil(today).month + 1),
  },
  {
    finds: words(
      "(?:the )?end of next week|ende nächster woche|next week|nächster? woche|kommende woche",
    ),
    day: (_, today) => fridayAfter(today, 1),
  },
  {
    finds: words(
      "(?:the )?end of (?:the |this )?week|eow|ende (?:der|dieser) woche|this week|diese woche|" +
        "fin de semaine",
    ),
    day: (_, today) => fridayAfter(today, 0),
  },
  {
    finds: words("(?:the )?end of (?:the |this )?year|year[- ]end|jahresende|ende des jahres"),
    day: (_, today) => lastDayOf(civil(today).year, 11),
  },
  {
    finds: words("(?:the )?end of (?:the |this )?quarter|quartalsende|ende des quartals"),
    day: (_, today) => {
      const { month, year } = civil(today)
      return lastDayOf(year, Math.floor(month / 3) * 3 + 2)
    },
  },
  {
    finds: words(`(?:end of|late|ende|fin) (${months})(?:\\s(20\\d{2}))?`),
    day: ([, month, year], today) => endOfMonth(today, monthOf(month!), year),
  },
  {
    // A month alone is a latest time only: before it begins.
    finds: words(
      `(?:by|before|until|till|vor|bis)(?: the)?(?: early| beginning of| start of| anfang)? ` +
        `(${months})(?:\\s(20\\d{2}))?(?! ?\\d)`,
    ),
    day: ([, month, year], today) => {
      const last = monthOf(month!)
      const now = civil(today)
      const from = year !== undefined ? Number(year) : last <= now.month ? now.year + 1 : now.year
      return lastDayOf(from, last - 1)
    },
    isDeadline: true,
  },
  {
    finds: words(
      `(?:in|within|innerhalb von|binnen|dans|en) (?:the next )?(\\d{1,2}|${countWords}) ` +
        "(days?|weeks?|tag(?:en)?|wochen?|jours?|semaines?|días?|semanas?)",
    ),
    day: ([, count, unit], today) => {
      const many = counts[count!.toLowerCase()] ?? Number(count)
      return today + many * (/^[ws]/i.test(unit!) ? 7 : 1)
    },
  },
  {
    // A time alone is today's.
    finds:
      /(?<![\p{L}\d])(?:by|before|until|till|bis|no later than|spätestens)(?: um)? (?:\d{1,2}(?::\d{2})? ?(?:am|pm|uhr)|\d{1,2}:\d{2}|noon|mittag|eod|cob|close of business|(?:the )?end of (?:the )?(?:business )?day)(?![\p{L}\d])/iu,
    day: (_, today) => today,
    isDeadline: true,
    isTimeAlone: true,
  },
]

/** Whether a sentence may hold a date at all: most do not. */
const mayHold =
  /\d|day|tag|woch|week|month|monat|year|jahr|quart|morrow|morgen|heute|night|evening|abend|noon|eo[dw]|cob|business|di\b|mittwoch|lunes|martes|jueves|viernes|demain|hoy|mañana|mois|mes\b|semaine|(?:in|by|before|until|till|vor|bis|ende?(?: of)?|late|fin) \p{L}{3}/iu

const beforeDeadline =
  /(?<![\p{L}\d])(?:by|until|till|before|no later than|not later than|(?:at the )?latest(?: on| by)?|due(?: on| by)?|deadline(?: is| on)?|bis(?: spätestens| zum| zu| am)?|spätestens(?: bis| am| zum)?|vor(?: dem)?|avant(?: le)?|d'ici|antes del?|para el)(?: the)?(?: next| this| the end of| end of)?(?: \d{1,2}(?::\d{2})? ?(?:am|pm|uhr)?(?: on| am)?)? {0,2}$/iu
const afterDeadline = /^.{0,20}(?:at the latest|spätestens|au plus tard|a más tardar)/iu
/** So many characters around a date say whether it is a latest time, and at what hour. */
const aroundCharsMax = 40

const pad = (number: number) => String(number).padStart(2, "0")
const clockTime =
  /(?<![\d.,:])(?:(\d{1,2})(?::(\d{2}))? ?(am|pm|a\.m\.|p\.m\.|uhr|h)(?![\p{L}\d])|(\d{1,2}):(\d{2})(?!\d))/iu

/** The minute that is named near a date. */
const timeNear = (before: string, after: string, dayEndsAt: string): string | undefined => {
  const hit = clockTime.exec(after) ?? clockTime.exec(before)
  if (hit !== null) {
    const [, hour = hit[4], minute = hit[5] ?? "00", half] = hit
    const noon = half?.toLowerCase().startsWith("p") && Number(hour) < 12 ? 12 : 0
    const hours = Number(hour) + noon
    if (hours < 24 && Number(minute) < 60) return `${pad(hours)}:${minute}`
  }
  const near = `${before} ${after}`
  if (
    /(?<!\p{L})(?:evening|abends?|tonight|eod|cob|close of business|end of (?:the )?(?:business )?day|afternoon|nachmittags?|ce soir|tarde)(?!\p{L})/iu
      .test(near)
  ) {
    return dayEndsAt
  }
  if (
    /(?<!\p{L})(?:noon|midday|mittags?|morning|vormittags?|früh|lunch|midi|mediodía)(?!\p{L})/iu
      .test(near)
  ) {
    return "12:00"
  }
  return undefined
}

const localDayOf = (millis: number, timeZone: string): number => {
  const zone = Option.getOrElse(
    DateTime.zoneFromString(timeZone),
    () => DateTime.zoneMakeOffset(0),
  )
  const { day, month, year } = DateTime.toParts(
    DateTime.makeZonedUnsafe(millis, { timeZone: zone }),
  )
  return Date.UTC(year, month - 1, day) / dayMillis
}
const dateText = (day: number) => new Date(day * dayMillis).toISOString().slice(0, 10)

/** The dates of a sentence that lie ahead of the mail, in the order they stand there. */
export const datesIn = (sentence: string, reckoning: Reckoning): ReadonlyArray<DateFound> => {
  if (!mayHold.test(sentence)) return []
  const { dayEndsAt, sentAt, timeZone } = reckoning
  const hits = rules.flatMap((rule, rank) => {
    const match = rule.finds.exec(sentence)
    return match === null
      ? []
      : [{ rule, rank, match, start: match.index, end: match.index + match[0].length }]
  })
  if (hits.length === 0) return []
  // Earlier rules say more: what overlaps with them is a part of the same date.
  const kept: Array<(typeof hits)[number]> = []
  for (const hit of hits) {
    const isPart = hit.rule.isTimeAlone === true
      ? kept.length > 0
      : kept.some((one) => hit.start < one.end && one.start < hit.end)
    if (!isPart) kept.push(hit)
  }
  kept.sort((a, b) => a.start - b.start)
  const today = localDayOf(sentAt, timeZone)
  const found: Array<DateFound> = []
  for (const [n, { end, match, rule, start }] of kept.slice(0, datesPerSentenceMax).entries()) {
    const before = sentence.slice(Math.max(kept[n - 1]?.end ?? 0, start - aroundCharsMax), start)
    const after = sentence.slice(
      end,
      Math.min(kept[n + 1]?.start ?? Infinity, end + aroundCharsMax),
    )
    let day = rule.day(match, today)
    if (day === undefined) continue
    const time = timeNear(before.slice(-12), match[0] + after.slice(0, 24), dayEndsAt)
    let dueAt = instantOf(dateText(day), time ?? lastMinute, timeZone)
    const isDeadline = rule.isDeadline === true || beforeDeadline.test(before) ||
      afterDeadline.test(after)
    // A weekday that is today is next week's where its hour has passed, or where it is a latest day without an
    // hour: `by Tuesday`, written on a Tuesday.
    const isThis = /^(?:this|diese)/i.test(match[1] ?? "")
    if (
      day === today && weekdayOf(match[2] ?? "") >= 0 &&
      (dueAt <= sentAt || (isDeadline && time === undefined && !isThis))
    ) {
      day += 7
      dueAt = instantOf(dateText(day), time ?? lastMinute, timeZone)
    }
    if (dueAt <= sentAt) continue
    found.push({ start, end, dueAt, isDeadline })
  }
  return found
}
