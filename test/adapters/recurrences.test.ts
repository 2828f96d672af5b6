/** Occurrences of calendar entries: rules, exceptions, zones, and rules that must not hang anybody. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as ical from "../../adapters/recurrences-ical.ts"
import { Recurrences } from "../../projections/recurrences.ts"

const entry = (lines: ReadonlyArray<string>, zones: ReadonlyArray<string> = []) => ({
  ics: ["BEGIN:VCALENDAR", ...zones, "BEGIN:VEVENT", ...lines, "END:VEVENT", "END:VCALENDAR"]
    .join("\r\n"),
  timeZone: "Europe/Berlin",
})
const between = (
  lines: ReadonlyArray<string>,
  from: string,
  to: string,
  zones?: ReadonlyArray<string>,
) =>
  Effect.gen(function* () {
    const found = yield* (yield* Recurrences).between(
      entry(lines, zones),
      Date.parse(from),
      Date.parse(to),
      20,
    )
    return found.map((one) => new Date(one.startsAt).toISOString().slice(0, 16))
  }).pipe(Effect.provide(ical.layer))

describe("an entry of a calendar", () => {
  it.effect("keeps its wall clock over the change of daylight saving", () =>
    Effect.gen(function* () {
      const weekly = ["UID:a", "DTSTART;TZID=Europe/Berlin:20260316T090000", "DURATION:PT1H"]
      expect(yield* between([...weekly, "RRULE:FREQ=WEEKLY"], "2026-03-22", "2026-04-07"))
        .toEqual(["2026-03-23T08:00", "2026-03-30T07:00", "2026-04-06T07:00"])
      const outlook = weekly.map((one) => one.replace("Europe/Berlin", "W. Europe Standard Time"))
      expect(yield* between([...outlook, "RRULE:FREQ=WEEKLY"], "2026-03-29", "2026-04-01"))
        .toEqual(["2026-03-30T07:00"])
    }))

  it.effect("knows a zone that only its VTIMEZONE describes", () =>
    Effect.gen(function* () {
      const zone = [
        "BEGIN:VTIMEZONE",
        "TZID:Office",
        "BEGIN:STANDARD",
        "DTSTART:20001029T030000",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "TZOFFSETFROM:-0300",
        "TZOFFSETTO:-0400",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:20000326T020000",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "TZOFFSETFROM:-0400",
        "TZOFFSETTO:-0300",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
      ]
      const at = (day: string) => ["UID:a", `DTSTART;TZID=Office:${day}T120000`]
      expect(yield* between(at("20260110"), "2026-01-01", "2026-02-01", zone))
        .toEqual(["2026-01-10T16:00"])
      expect(yield* between(at("20260710"), "2026-07-01", "2026-08-01", zone))
        .toEqual(["2026-07-10T15:00"])
    }))

  it.effect("leaves out EXDATE, adds RDATE, ends with UNTIL and COUNT", () =>
    Effect.gen(function* () {
      const daily = ["UID:a", "DTSTART:20260601T100000Z", "DTEND:20260601T110000Z"]
      expect(
        yield* between(
          [
            ...daily,
            "RRULE:FREQ=DAILY;UNTIL=20260604T100000Z",
            "EXDATE:20260602T100000Z",
            "RDATE:20260610T070000Z",
          ],
          "2026-01-01",
          "2027-01-01",
        ),
      ).toEqual(["2026-06-01T10:00", "2026-06-03T10:00", "2026-06-04T10:00", "2026-06-10T07:00"])
      expect(yield* between([...daily, "RRULE:FREQ=DAILY;COUNT=3"], "2026-06-02", "2027-01-01"))
        .toEqual(["2026-06-02T10:00", "2026-06-03T10:00"])
    }))

  it.effect("for whole days and without a zone is meant in the founder's", () =>
    Effect.gen(function* () {
      expect(yield* between(["UID:a", "DTSTART;VALUE=DATE:20260601"], "2026-05-01", "2026-07-01"))
        .toEqual(["2026-05-31T22:00"])
      expect(yield* between(["UID:a", "DTSTART:20260601T090000"], "2026-05-01", "2026-07-01"))
        .toEqual(["2026-06-01T07:00"])
    }))

  it.effect("gives way to its changed occurrence", () =>
    Effect.gen(function* () {
      const series = entry(["UID:a", "DTSTART:20260601T100000Z", "RRULE:FREQ=DAILY;COUNT=3"])
      const moved = entry([
        "UID:a",
        "RECURRENCE-ID:20260602T100000Z",
        "DTSTART:20260602T150000Z",
      ])
      const dropped = entry([
        "UID:a",
        "RECURRENCE-ID:20260603T100000Z",
        "DTSTART:20260603T100000Z",
        "STATUS:CANCELLED",
      ])
      const all = yield* (yield* Recurrences).betweenAll(
        [series, moved, dropped],
        0,
        Date.parse("2027-01-01"),
        10,
      )
      expect(all.map((one) => [new Date(one.startsAt).getUTCHours(), one.entry === moved]))
        .toEqual([[10, false], [15, true]])
    }).pipe(Effect.provide(ical.layer)))
})

describe("a rule that would search for ever", () => {
  const rules = [
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY",
    "FREQ=DAILY;INTERVAL=999999999999",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=YEARLY;BYDAY=53MO;BYMONTH=1",
    "FREQ=MONTHLY;BYDAY=9MO",
    "FREQ=WEEKLY;BYWEEKNO=99",
    "FREQ=HOURLY;BYHOUR=25",
    "FREQ=YEARLY;BYYEARDAY=-366;INTERVAL=3",
    `FREQ=SECONDLY;BYSECOND=${Array.from({ length: 60 }, (_, n) => n).join(",")}`,
    `FREQ=DAILY;BYMONTHDAY=${"1,".repeat(3000)}1`,
    "FREQ=NEVER",
    "COUNT=1",
  ]
  for (const rule of rules) {
    it.effect(`ends: ${rule.slice(0, 50)}`, () =>
      Effect.gen(function* () {
        const lines = ["UID:a", "DTSTART:19700101T000000Z", `RRULE:${rule}`]
        const found = yield* between(lines, "2026-01-01", "2026-02-01")
        expect(found.length).toBeLessThanOrEqual(20)
      }), 20_000)
  }
  it.effect("also in a VTIMEZONE", () =>
    Effect.gen(function* () {
      const zone = [
        "BEGIN:VTIMEZONE",
        "TZID:Trap",
        "BEGIN:STANDARD",
        "DTSTART:19700101T000000",
        "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200",
        "END:STANDARD",
        "END:VTIMEZONE",
      ]
      expect(
        yield* between(
          ["UID:a", "DTSTART;TZID=Trap:20260110T120000"],
          "2026-01-01",
          "2026-02-01",
          zone,
        ),
      )
        .toEqual(["2026-01-10T10:00"])
    }), 20_000)
})
