/**
 * Reads calendars (iCalendar, RFC 5545), entry by entry: a file of any size is cut at its components, and
 * ical.js sees one of them at a time. Entries wait only for a VTIMEZONE that stands below them.
 */
import ICAL from "ical.js"
import { normaliseAddress } from "../actors/addresses.ts"
import type { ParsedMailbox, ParsedMeeting } from "../actors/intake.ts"
import type { ReadItem } from "../actors/record-reader.ts"
import { naiveTime, wrongRule } from "./records-calendar-rules.ts"
import { ianaName, utc, type Zone, zoneFrom, zoneOf } from "./records-calendar-zones.ts"
import { observancesOf } from "./records-calendar-rules.ts"
import { cutBytes } from "./records-messages-csv.ts"

/** A component longer than this is left out and named. */
const componentCharsMax = 1024 * 1024
/** What a record keeps of an entry. */
const icsBytesMax = 64 * 1024
const notesBytesMax = 32 * 1024
const lineCharsMax = 500
const attendeesMax = 100
const alarmsMax = 20
const zonesMax = 200
/** Entries that wait for their zone. */
const waitingMax = 5_000
const instantMin = Date.UTC(1900, 0)
const instantMax = Date.UTC(2200, 0)
const dayMillis = 24 * 60 * 60 * 1000

export const startsLikeCalendar = (head: string): boolean =>
  /^\s*BEGIN:VCALENDAR\s/i.test(head.slice(0, 4096))

interface Component {
  readonly name: string
  readonly line: number
  readonly lines: ReadonlyArray<string>
}

type Piece = Component | { readonly line: number; readonly reason: string }

/** Cuts a calendar into the components below VCALENDAR, with the number of each one's first line. */
async function* cutCalendar(texts: AsyncIterable<string>): AsyncGenerator<Piece> {
  let rest = ""
  let number = 0
  let name = ""
  let start = 0
  let depth = 0
  let size = 0
  let lines: Array<string> = []
  const take = function* (line: string): Generator<Piece> {
    number++
    const mark = /^(BEGIN|END):([A-Za-z0-9-]{1,64})\s*$/i.exec(line)
    const [verb, what] = [mark?.[1]?.toUpperCase(), mark?.[2]?.toUpperCase() ?? ""]
    if (depth === 0) {
      if (verb !== "BEGIN" || what === "VCALENDAR") return
      name = what
      start = number
      lines = []
      size = 0
      depth = 1
    } else if (verb === "BEGIN" && what === "VCALENDAR") {
      yield { line: start, reason: `the ${name} has no end` }
      depth = 0
      return
    } else if (verb === "BEGIN" && what === name) {
      yield { line: start, reason: `the ${name} has no end` }
      start = number
      lines = []
      size = 0
      depth = 1
    } else if (verb === "BEGIN") depth++
    else if (verb === "END" && what === name) depth = 0
    else if (verb === "END" && what === "VCALENDAR") {
      yield { line: start, reason: `the ${name} has no end` }
      depth = 0
      return
    } else if (verb === "END") depth = Math.max(1, depth - 1)
    size += line.length + 2
    if (size <= componentCharsMax) lines.push(line)
    else lines = []
    if (depth > 0) return
    if (size > componentCharsMax) {
      yield { line: start, reason: `the ${name} has more than ${componentCharsMax} characters` }
    } else yield { name, line: start, lines }
  }
  for await (const text of texts) {
    const pieces = (rest + text).split(/\r\n|\n|\r(?!$|\n)/)
    rest = pieces.pop() ?? ""
    for (const piece of pieces) yield* take(piece)
    if (rest.length > componentCharsMax) rest = rest.slice(0, componentCharsMax + 1)
  }
  if (rest.trim() !== "") yield* take(rest.replace(/\r$/, ""))
  if (depth > 0) yield { line: start, reason: `the ${name} has no end: export the calendar again` }
}

const unfold = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const whole: Array<string> = []
  for (const line of lines) {
    const last = whole.length - 1
    if (/^[ \t]/.test(line) && last >= 0) whole[last] += line.slice(1)
    else if (line !== "") whole.push(line)
  }
  return whole
}

/** Dates that are not said to be dates. */
const bareDate = /^(DTSTART|DTEND|RECURRENCE-ID|EXDATE|RDATE)((?:;[^:]*)?):(\d{8}(?:,\d{8})*)\s*$/i

/** Lines that ical.js cannot take apart cost themselves, not the entry. */
const repaired = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  unfold(lines).filter((line) => /^[A-Za-z0-9-]+(?:;[^\n]*)?:/.test(line)).map((line) => {
    const date = bareDate.exec(line)
    return date === null || /;VALUE=/i.test(date[2]!) ? line : `${date[1]};VALUE=DATE:${date[3]}`
  })

const wrapped = (
  parts: ReadonlyArray<ReadonlyArray<string>>,
): string =>
  ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//AIOS//EN", ...parts.flat(), "END:VCALENDAR", ""]
    .join("\r\n")

const text = (component: ICAL.Component, name: string): string => {
  const value: unknown = component.getFirstPropertyValue(name)
  return value === null || value === undefined ? "" : String(value)
}
const line = (value: string) =>
  value.replace(/\s+/g, " ").trim().slice(0, lineCharsMax).toWellFormed()

const person = (property: ICAL.Property | null | undefined): ParsedMailbox => {
  if (property === null || property === undefined) return { name: "", address: "" }
  const value: unknown = property.getFirstValue()
  const email = property.getFirstParameter("email") ?? ""
  const address = normaliseAddress(String(value ?? "")) || normaliseAddress(email)
  const name = line(property.getFirstParameter("cn") ?? "")
  return { name: name.replace(/^"|"$/g, ""), address }
}

interface Timed {
  readonly at: number
  readonly zone: string
  readonly allDay: boolean
}

/** Where no zone is said, the wall clock as if it were UTC. */
const timed = (
  property: ICAL.Property,
  zones: ReadonlyMap<string, Zone>,
  calendarZone: string,
): Timed | undefined => {
  const time: unknown = property.getFirstValue()
  if (!(time instanceof ICAL.Time)) return undefined
  const naive = naiveTime(time)
  if (!Number.isFinite(naive)) return undefined
  if (time.isDate) return { at: naive, zone: "", allDay: true }
  if (time.zone === ICAL.Timezone.utcTimezone) return { at: naive, zone: "UTC", allDay: false }
  const tzid = property.getFirstParameter("tzid") ?? ""
  const name = ianaName(tzid)
  if (name !== "") return { at: zoneOf(name).instant(naive), zone: name, allDay: false }
  const zone = zones.get(tzid)
  if (zone !== undefined) return { at: zone.instant(naive), zone: "UTC", allDay: false }
  // A zone that nobody describes: the calendar's own, or the founder's.
  return calendarZone === "" || tzid === ""
    ? { at: naive, zone: "", allDay: false }
    : { at: zoneOf(calendarZone).instant(naive), zone: calendarZone, allDay: false }
}

/** Minutes before the start. */
const alarmsOf = (event: ICAL.Component, start: Timed, end: number): ReadonlyArray<number> => {
  const found = new Set<number>()
  for (const alarm of event.getAllSubcomponents("valarm").slice(0, alarmsMax)) {
    const trigger = alarm.getFirstProperty("trigger")
    const value: unknown = trigger?.getFirstValue()
    if (!trigger) continue
    if (value instanceof ICAL.Duration) {
      const fromEnd = (trigger.getFirstParameter("related") ?? "").toUpperCase() === "END"
      const before = -value.toSeconds() / 60 - (fromEnd ? (end - start.at) / 60_000 : 0)
      if (Number.isFinite(before)) found.add(Math.round(before))
    } else if (value instanceof ICAL.Time && start.zone !== "") {
      const before = (start.at - naiveTime(value)) / 60_000
      if (Number.isFinite(before)) found.add(Math.round(before))
    }
  }
  return [...found].filter((minutes) => Math.abs(minutes) <= 366 * 24 * 60).sort((a, b) => a - b)
}

interface Calendar {
  readonly zones: Map<string, Zone>
  readonly zoneLines: Map<string, ReadonlyArray<string>>
  zone: string
}

const tzidsOf = (lines: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set(lines.flatMap((one) => {
    const tzid = /^[A-Za-z-]+;(?:[^:"]*;)?TZID=(?:"([^"]*)"|([^;:]*))/i.exec(one)
    return tzid === null ? [] : [tzid[1] ?? tzid[2] ?? ""]
  })),
]

const meetingOf = (
  component: Component,
  calendar: Calendar,
  file: string,
): ReadonlyArray<ReadItem> => {
  const at = `line ${component.line}`
  const fault = (reason: string): ReadItem => ({ fault: { at, reason } })
  const written = repaired(component.lines)
  // A rule that cannot be is not kept: whoever reads it later would make of it what it does not say.
  const wrong = written.flatMap((one) => {
    const reason = /^RRULE[;:]/i.test(one) ? wrongRule(one.slice(one.indexOf(":") + 1)) : undefined
    return reason === undefined ? [] : [{ one, reason }]
  })
  const lines = written.filter((one) => !wrong.some((rule) => rule.one === one))
  const event = ICAL.Component.fromString(lines.join("\r\n"))
  const title = line(text(event, "summary"))
  const named = title === "" ? "the entry" : `the entry ${JSON.stringify(title.slice(0, 60))}`
  const startProperty = event.getFirstProperty("dtstart")
  if (startProperty === null || startProperty === undefined) {
    return [fault(`${named} has no start (DTSTART)`)]
  }
  const start = timed(startProperty, calendar.zones, calendar.zone)
  if (start === undefined || start.at < instantMin || start.at > instantMax) {
    return [fault(`${named} has no start that is a date: correct its DTSTART`)]
  }
  const endProperty = event.getFirstProperty("dtend")
  const ends = endProperty ? timed(endProperty, calendar.zones, calendar.zone) : undefined
  const duration: unknown = event.getFirstPropertyValue("duration")
  const seconds = duration instanceof ICAL.Duration ? duration.toSeconds() : 0
  const least = start.at + (start.allDay ? dayMillis : 0)
  const end = Math.min(
    Math.max(
      least,
      ends !== undefined && ends.zone === start.zone || ends?.zone !== "" && ends
        ? ends.at
        : start.at + (Number.isFinite(seconds) ? seconds * 1000 : 0),
    ),
    instantMax,
  )
  const faults: Array<ReadItem> = []
  const rules = event.getAllProperties("rrule")
  const rdates = event.getAllProperties("rdate")
  for (const { reason } of wrong) {
    faults.push(
      fault(`${named} repeats by a rule that cannot be (${reason}): it is kept as happening once`),
    )
  }
  for (const tzid of tzidsOf(lines)) {
    if (tzid === "" || ianaName(tzid) !== "" || calendar.zones.has(tzid)) continue
    faults.push(
      fault(
        `${named} is in the time zone ${JSON.stringify(line(tzid).slice(0, 60))}, which nobody ` +
          "describes: its times are taken as your local time",
      ),
    )
  }
  const recurrenceProperty = event.getFirstProperty("recurrence-id")
  const recurrence = recurrenceProperty === null || recurrenceProperty === undefined ? "" : line(
    lines.find((one) => /^RECURRENCE-ID[;:]/i.test(one))?.replace(/^RECURRENCE-ID[;:]/i, "") ??
      "",
  )
  const status = text(event, "status").toUpperCase()
  const zoneParts = tzidsOf(lines).flatMap((tzid) => {
    const found = calendar.zoneLines.get(tzid)
    return found === undefined ? [] : [found]
  })
  const slim = lines.filter((one) => !/^(?:ATTACH|X-[A-Z0-9-]+)[;:]/i.test(one))
  const bare = slim.filter((one) => !/^(?:ATTENDEE|DESCRIPTION|COMMENT|EXDATE)[;:]/i.test(one))
  // What is too long to be kept whole loses attachments first, then guests and notes, which stand apart.
  const ics = [[...zoneParts, lines], [...zoneParts, slim], [...zoneParts, bare], [bare]]
    .map(wrapped).find((one) => new TextEncoder().encode(one).length <= icsBytesMax)
  if (ics === undefined) return [fault(`${named} is too long to be kept`)]
  const uid = line(text(event, "uid"))
  const meeting: ParsedMeeting = {
    record: "meeting",
    // Without a UID, what and when is what tells entries apart.
    uid: uid === "" ? `${title} ${start.at}` : uid,
    recurrence,
    sequence: Math.max(0, Math.trunc(Number(text(event, "sequence"))) || 0),
    status: status === "CANCELLED"
      ? "cancelled"
      : status === "TENTATIVE"
      ? "tentative"
      : "confirmed",
    title,
    location: line(text(event, "location")),
    notes: cutBytes(text(event, "description").toWellFormed(), notesBytesMax),
    organiser: person(event.getFirstProperty("organizer")),
    attendees: event.getAllProperties("attendee").slice(0, attendeesMax).map(person)
      .filter(({ name, address }) => name !== "" || address !== ""),
    ics,
    startsAt: start.at,
    endsAt: end,
    allDay: start.allDay,
    timeZone: start.zone,
    repeats: recurrence === "" && (rules.length > 0 || rdates.length > 0),
    alarms: alarmsOf(event, start, end),
    source: { file, at },
  }
  return [{ record: meeting }, ...faults]
}

const because = (cause: unknown) =>
  (cause instanceof Error ? cause.message : String(cause)).slice(0, 200)

export async function* readCalendar(
  texts: AsyncIterable<string>,
  file: string,
): AsyncGenerator<ReadItem> {
  const calendar: Calendar = { zones: new Map(), zoneLines: new Map(), zone: "" }
  const left = new Map<string, { readonly line: number; count: number }>()
  let waiting: Array<Component> = []
  let entries = 0
  const read = function* (component: Component): Generator<ReadItem> {
    const at = `line ${component.line}`
    try {
      yield* meetingOf(component, calendar, file)
    } catch (cause) {
      yield { fault: { at, reason: `this entry cannot be read: ${because(cause)}` } }
    }
  }
  for await (const piece of cutCalendar(texts)) {
    const at = `line ${piece.line}`
    if ("reason" in piece) {
      yield { fault: { at, reason: piece.reason } }
      continue
    }
    switch (piece.name) {
      case "VTIMEZONE": {
        const lines = repaired(piece.lines)
        const tzid = lines.find((one) => /^TZID[;:]/i.test(one))?.replace(/^TZID[^:]*:/i, "") ?? ""
        if (tzid === "" || calendar.zones.size >= zonesMax) break
        try {
          if (lines.join("").length < icsBytesMax / 2) calendar.zoneLines.set(tzid, lines)
          calendar.zones.set(
            tzid,
            ianaName(tzid) === ""
              ? zoneFrom(observancesOf(ICAL.Component.fromString(lines.join("\r\n"))))
              : utc,
          )
        } catch (cause) {
          yield {
            fault: { at, reason: `the zone ${line(tzid)} cannot be read: ${because(cause)}` },
          }
        }
        break
      }
      case "VEVENT": {
        entries++
        const unknown = tzidsOf(piece.lines).some((tzid) =>
          ianaName(tzid) === "" && !calendar.zones.has(tzid)
        )
        if (unknown && waiting.length < waitingMax) waiting.push(piece)
        else yield* read(piece)
        break
      }
      default: {
        const before = left.get(piece.name)
        if (before !== undefined) before.count++
        else if (left.size < zonesMax) left.set(piece.name, { line: piece.line, count: 1 })
      }
    }
  }
  for (const component of waiting) yield* read(component)
  waiting = []
  for (const [name, { line, count }] of left) {
    const what = name === "VTODO"
      ? "tasks are"
      : name === "VJOURNAL"
      ? "journals are"
      : `${name} is`
    yield {
      fault: {
        at: `line ${line}`,
        reason: `${what} not read: ${count} left out, from this line on`,
      },
    }
  }
  if (entries === 0 && left.size === 0) {
    yield { fault: { at: "", reason: "the calendar has no entries" } }
  }
}
