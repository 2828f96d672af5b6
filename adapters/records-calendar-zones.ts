/**
 * Wall-clock times of calendars as instants. A zone is taken by its IANA name where the text holds one
 * (also `/mozilla.org/…/Europe/Berlin` and Outlook's `W. Europe Standard Time`), since such a name is
 * right for every year; only else by the VTIMEZONE that came with it, read in bounded time.
 */
import { naiveOf, type Observance } from "./records-calendar-rules.ts"

const dayMillis = 24 * 60 * 60 * 1000
/** Zones kept ready; a calendar that names more is slower, not larger. */
const zonesMax = 500

/** Outlook's names, as far as they are common. */
const windowsZones: Readonly<Record<string, string>> = {
  "Dateline Standard Time": "Etc/GMT+12",
  "Hawaiian Standard Time": "Pacific/Honolulu",
  "Alaskan Standard Time": "America/Anchorage",
  "Pacific Standard Time": "America/Los_Angeles",
  "US Mountain Standard Time": "America/Phoenix",
  "Mountain Standard Time": "America/Denver",
  "Central Standard Time": "America/Chicago",
  "Central America Standard Time": "America/Guatemala",
  "Canada Central Standard Time": "America/Regina",
  "Central Standard Time (Mexico)": "America/Mexico_City",
  "Eastern Standard Time": "America/New_York",
  "US Eastern Standard Time": "America/Indiana/Indianapolis",
  "SA Pacific Standard Time": "America/Bogota",
  "Atlantic Standard Time": "America/Halifax",
  "Newfoundland Standard Time": "America/St_Johns",
  "E. South America Standard Time": "America/Sao_Paulo",
  "Argentina Standard Time": "America/Buenos_Aires",
  "GMT Standard Time": "Europe/London",
  "Greenwich Standard Time": "Atlantic/Reykjavik",
  "W. Europe Standard Time": "Europe/Berlin",
  "Central Europe Standard Time": "Europe/Budapest",
  "Romance Standard Time": "Europe/Paris",
  "Central European Standard Time": "Europe/Warsaw",
  "E. Europe Standard Time": "Europe/Chisinau",
  "FLE Standard Time": "Europe/Kiev",
  "GTB Standard Time": "Europe/Bucharest",
  "Russian Standard Time": "Europe/Moscow",
  "Turkey Standard Time": "Europe/Istanbul",
  "Israel Standard Time": "Asia/Jerusalem",
  "Egypt Standard Time": "Africa/Cairo",
  "South Africa Standard Time": "Africa/Johannesburg",
  "W. Central Africa Standard Time": "Africa/Lagos",
  "E. Africa Standard Time": "Africa/Nairobi",
  "Arabian Standard Time": "Asia/Dubai",
  "Arab Standard Time": "Asia/Riyadh",
  "Pakistan Standard Time": "Asia/Karachi",
  "India Standard Time": "Asia/Calcutta",
  "SE Asia Standard Time": "Asia/Bangkok",
  "China Standard Time": "Asia/Shanghai",
  "Singapore Standard Time": "Asia/Singapore",
  "Taipei Standard Time": "Asia/Taipei",
  "Tokyo Standard Time": "Asia/Tokyo",
  "Korea Standard Time": "Asia/Seoul",
  "W. Australia Standard Time": "Australia/Perth",
  "Cen. Australia Standard Time": "Australia/Adelaide",
  "E. Australia Standard Time": "Australia/Brisbane",
  "AUS Eastern Standard Time": "Australia/Sydney",
  "New Zealand Standard Time": "Pacific/Auckland",
  "Customized Time Zone": "",
}

/** Offsets of one zone: milliseconds that its clocks are ahead of UTC. */
export interface Zone {
  /** IANA name; empty where a VTIMEZONE of no known name says it. */
  readonly name: string
  /** Epoch ms of a wall-clock time that is given as if it were UTC. */
  instant(naive: number): number
  /** Wall-clock time of an instant, as if it were UTC. */
  naive(instant: number): number
}

const formats = new Map<string, Intl.DateTimeFormat | undefined>()

const formatOf = (name: string): Intl.DateTimeFormat | undefined => {
  if (formats.has(name)) return formats.get(name)
  let format: Intl.DateTimeFormat | undefined
  try {
    format = new Intl.DateTimeFormat("en-GB-u-ca-gregory", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    })
  } catch {
    format = undefined
  }
  if (formats.size < zonesMax) formats.set(name, format)
  return format
}

/** IANA name that a TZID stands for; empty where it is none. */
export const ianaName = (tzid: string): string => {
  const text = tzid.trim().replace(/^["']|["']$/g, "").slice(0, 200)
  if (text === "") return ""
  if (windowsZones[text] !== undefined) return windowsZones[text]
  // A bare offset would be accepted as a zone; it is no place.
  if (/^[A-Za-z]/.test(text) && formatOf(text) !== undefined) return text
  const tail = /([A-Za-z_]+(?:\/[A-Za-z0-9_+-]+){1,2})$/.exec(text)?.[1]
  if (tail === undefined) return ""
  if (formatOf(tail) !== undefined) return tail
  const short = tail.slice(tail.indexOf("/") + 1)
  return short.includes("/") && formatOf(short) !== undefined ? short : ""
}

const zoneBy = (name: string, offsetAt: (instant: number) => number): Zone => ({
  name,
  naive: (instant) => instant + offsetAt(instant),
  instant: (naive) => {
    // Twice in autumn: the first. Never in spring: by the clock before the change (RFC 5545).
    const before = offsetAt(naive - dayMillis)
    const first = naive - before
    if (offsetAt(first) === before) return first
    const after = offsetAt(naive + dayMillis)
    return offsetAt(naive - after) === after ? naive - after : first
  },
})

export const utc: Zone = { name: "UTC", instant: (naive) => naive, naive: (instant) => instant }

/** A zone by its IANA name; UTC where there is none of that name. */
export const zoneOf = (name: string): Zone => {
  const format = name === "" ? undefined : formatOf(name)
  if (format === undefined || name === "UTC") return utc
  return zoneBy(name, (instant) => {
    if (!Number.isFinite(instant) || Math.abs(instant) > 8.6e15) return 0
    const part: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(instant)) part[type] = Number(value)
    const shown = naiveOf(
      part["year"]!,
      part["month"]!,
      part["day"]!,
      part["hour"]!,
      part["minute"]!,
      part["second"]!,
    )
    return shown - Math.floor(instant / 1000) * 1000
  })
}

/** A zone by what a VTIMEZONE says. */
export const zoneFrom = (observances: ReadonlyArray<Observance>): Zone => {
  const onsets = observances.flatMap(({ onsets, offsetFrom, offsetTo }) =>
    onsets.map((naive) => ({ instant: naive - offsetFrom, offsetTo }))
  ).sort((a, b) => a.instant - b.instant)
  if (onsets.length === 0) return utc
  const first = observances.find((one) => one.onsets.length > 0)
  return zoneBy("", (instant) => {
    let [low, high] = [0, onsets.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (onsets[middle]!.instant <= instant) low = middle + 1
      else high = middle
    }
    return low === 0 ? first?.offsetFrom ?? 0 : onsets[low - 1]!.offsetTo
  })
}
