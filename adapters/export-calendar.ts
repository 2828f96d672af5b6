/** Meetings as one calendar: each entry as it came, with the time zones that the entries name, once. */

interface Block {
  readonly zones: ReadonlyArray<string>
  readonly events: ReadonlyArray<string>
}

/** Components at the top of a VCALENDAR, as written, nested ones inside. */
const blocksOf = (ics: string): Block => {
  const zones: Array<string> = []
  const events: Array<string> = []
  let name: string | undefined
  let lines: Array<string> = []
  for (const line of ics.split(/\r\n|\n|\r/)) {
    const begins = /^BEGIN:(VEVENT|VTIMEZONE)\s*$/i.exec(line)?.[1]?.toUpperCase()
    if (name === undefined) {
      if (begins === undefined) continue
      name = begins
      lines = []
    }
    lines.push(line)
    if (new RegExp(`^END:${name}\\s*$`, "i").test(line)) {
      const text = `${lines.join("\r\n")}\r\n`
      if (name === "VEVENT") events.push(text)
      else zones.push(text)
      name = undefined
    }
  }
  return { zones, events }
}

const zoneName = (zone: string) => /^TZID[^:]*:(.*)$/im.exec(zone)?.[1]?.trim() ?? zone

/** The calendar's parts in order, so that it can be written without being held whole. */
export function* calendarOf(entries: Iterable<string>): Generator<string> {
  yield "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//AIOS//export//EN\r\nCALSCALE:GREGORIAN\r\n"
  const written = new Set<string>()
  for (const ics of entries) {
    const { events, zones } = blocksOf(ics)
    for (const zone of zones) {
      const name = zoneName(zone)
      if (written.has(name)) continue
      written.add(name)
      yield zone
    }
    yield* events
  }
  yield "END:VCALENDAR\r\n"
}
