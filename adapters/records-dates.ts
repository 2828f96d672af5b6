/**
 * Dates as mail and exported lists write them, as epoch ms. Where a text names no zone it is read as
 * UTC: a list does not say whose clock it was written by.
 */

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
const zones: Readonly<Record<string, number>> = {
  UT: 0,
  UTC: 0,
  GMT: 0,
  Z: 0,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
  BST: 60,
  CET: 60,
  CEST: 120,
  MET: 60,
  MEST: 120,
  EET: 120,
  EEST: 180,
  JST: 540,
}
/** No date is longer; what is, is not looked at. */
const dateCharsMax = 200

interface Parts {
  readonly year: number
  /** 1 to 12. */
  readonly month: number
  readonly day: number
  readonly hour?: number
  readonly minute?: number
  readonly second?: number
  readonly offsetMinutes?: number
}

const instant = (parts: Parts): number | undefined => {
  const { year, month, day, hour = 0, minute = 0, second = 0, offsetMinutes = 0 } = parts
  if (month < 1 || month > 12 || day < 1 || hour > 24 || minute > 59 || second > 60) {
    return undefined
  }
  const millis = Date.UTC(year, month - 1, day, hour, minute, second)
  if (Number.isNaN(millis) || new Date(Date.UTC(year, month - 1, day)).getUTCDate() !== day) {
    return undefined
  }
  return millis - offsetMinutes * 60_000
}

const yearOf = (text: string): number => {
  const year = Number(text)
  return text.length > 2
    ? (text.length === 3 ? year + 1900 : year)
    : year < 50
    ? year + 2000
    : year + 1900
}
const monthOf = (text: string): number => months.indexOf(text.slice(0, 3).toLowerCase()) + 1

const offsetOf = (zone: string | undefined): number => {
  if (zone === undefined) return 0
  const numeric = /^([+-])(\d{2}):?(\d{2})$/.exec(zone)
  if (numeric === null) return zones[zone.toUpperCase()] ?? 0
  const minutes = Number(numeric[2]) * 60 + Number(numeric[3])
  return minutes > 24 * 60 ? 0 : numeric[1] === "-" ? -minutes : minutes
}

const number = (text: string | undefined): number => Number(text ?? 0)

/** `Fri, 21 Nov 1997 09:55:06 -0600` and what real senders make of it. */
export const parseMailDate = (text: string): number | undefined => {
  const clean = text.slice(0, dateCharsMax).replace(/\([^()]*\)/g, " ").replace(/\s+/g, " ")
    .replace(/ ?: ?/g, ":").trim()
  const rfc =
    /(\d{1,2})[ -]([A-Za-z]{3})[a-z]{0,6}\.?[ -](\d{2,4}),? (\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?: ?([+-]\d{4}|[A-Za-z]{1,5})\b)?/
      .exec(clean)
  if (rfc !== null) {
    return instant({
      year: yearOf(rfc[3]!),
      month: monthOf(rfc[2]!),
      day: number(rfc[1]),
      hour: number(rfc[4]),
      minute: number(rfc[5]),
      second: number(rfc[6]),
      offsetMinutes: offsetOf(rfc[7]),
    })
  }
  return parseEnvelopeDate(clean) ?? parseListDate(clean)
}

/** `Tue May 10 11:28:07 2005`, as separators of an mbox have it; also with a zone before the year. */
export const parseEnvelopeDate = (text: string): number | undefined => {
  const asctime =
    /[A-Z][a-z]{2},? ([A-Z][a-z]{2}) {1,2}(\d{1,2}),? (\d{1,2}):(\d{2})(?::(\d{2}))? (?:([+-]\d{4}|[A-Z]{1,5}) )?(\d{4})(?: ([+-]\d{4}))?/
      .exec(text.slice(0, 600))
  if (asctime === null) return undefined
  return instant({
    year: number(asctime[7]),
    month: monthOf(asctime[1]!),
    day: number(asctime[2]),
    hour: number(asctime[3]),
    minute: number(asctime[4]),
    second: number(asctime[5]),
    offsetMinutes: offsetOf(asctime[6] ?? asctime[8]),
  })
}

const clock = /(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?: ?([AaPp])\.?[Mm]\.?)?)?/.source
const zone = / ?(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$/.source
const isoDate = new RegExp(`^(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})${clock}${zone}`)
const numericDate = new RegExp(`^(\\d{1,2})([-/.])(\\d{1,2})[-/.](\\d{2,4})${clock}${zone}`)
const wordDate = new RegExp(`^(\\d{1,2})[. -]+([A-Za-z]{3,9})\\.?[ ,-]+(\\d{2,4})${clock}${zone}`)
const americanDate = new RegExp(`^([A-Za-z]{3,9})\\.? (\\d{1,2}),? (\\d{4})${clock}${zone}`)

/**
 * `12 Mar 2024`, `2023-04-12 09:31`, `15.3.2024`, and `3/15/2024 2:30 PM`: month first, unless it cannot
 * be or the list is known to have the day first.
 */
export const parseListDate = (text: string, daysFirst = false): number | undefined => {
  const clean = text.slice(0, dateCharsMax).replace(/\s+/g, " ").trim()
  const build = (
    year: string,
    month: number,
    day: number,
    rest: ReadonlyArray<string | undefined>,
  ) => {
    const half = rest[3]?.toLowerCase()
    const hour = number(rest[0])
    return instant({
      year: yearOf(year),
      month,
      day,
      hour: half === undefined ? hour : (hour % 12) + (half === "p" ? 12 : 0),
      minute: number(rest[1]),
      second: number(rest[2]),
      offsetMinutes: offsetOf(rest[4]),
    })
  }
  const iso = isoDate.exec(clean)
  if (iso !== null) return build(iso[1]!, number(iso[2]), number(iso[3]), iso.slice(4))
  const numeric = numericDate.exec(clean)
  if (numeric !== null) {
    const [first, second] = [number(numeric[1]), number(numeric[3])]
    const dayFirst = numeric[2] === "." || first > 12 || (daysFirst && second <= 12)
    const [month, day] = dayFirst ? [second, first] : [first, second]
    return build(numeric[4]!, month, day, numeric.slice(5))
  }
  const word = wordDate.exec(clean)
  if (word !== null) return build(word[3]!, monthOf(word[2]!), number(word[1]), word.slice(4))
  const american = americanDate.exec(clean)
  if (american !== null) {
    return build(american[3]!, monthOf(american[1]!), number(american[2]), american.slice(4))
  }
  return undefined
}
