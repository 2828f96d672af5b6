/**
 * Slots of the company's clock: each once, missed ones collapsed, local times through daylight saving.
 * The properties compare with an oracle that walks the zone minute by minute. `SEED=n` repeats a run.
 */
import { describe, expect, it } from "vitest"
import { type CadenceSettings, instantOf, nextSlotAt, slotsDue } from "../../actors/cadence.ts"
import { slots } from "../../machines/coordinator.ts"

const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000)
console.log(`cadence: SEED=${seed}`)
/** A small generator of numbers from 0 to 1 that anyone can repeat. */
const dice = (state = seed) => () => {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
}
const hour = 3_600_000
const minute = 60_000
const day = 24 * hour

const berlin: CadenceSettings = { timeZone: "Europe/Berlin", briefAt: "06:00", nightlyAt: "02:00" }
const utc = (text: string) => Date.parse(`${text}Z`)

const formats = new Map<string, Intl.DateTimeFormat>()
/** `2026-11-24 06:00`: what the clock on the wall shows. */
const wall = (millis: number, timeZone: string) => {
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat("sv-SE", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  })
  formats.set(timeZone, format)
  return format.format(millis)
}
/** The first minute at which the wall shows `date time` or later. */
const oracle = (date: string, time: string, timeZone: string) => {
  const around = Date.parse(`${date}T${time}:00Z`)
  for (let millis = around - 16 * hour; millis < around + 16 * hour; millis += minute) {
    if (wall(millis, timeZone) >= `${date} ${time}`) return millis
  }
  throw new Error("never")
}

describe("a local minute", () => {
  it.each([
    ["on a plain day", "2026-11-24", "06:00", "Europe/Berlin", "2026-11-24T05:00"],
    ["skipped: the first one after", "2026-03-29", "02:30", "Europe/Berlin", "2026-03-29T01:00"],
    ["doubled: the first of both", "2026-10-25", "02:30", "Europe/Berlin", "2026-10-25T00:30"],
    ["skipped in New York", "2026-03-08", "02:15", "America/New_York", "2026-03-08T07:00"],
    ["doubled in New York", "2026-11-01", "01:30", "America/New_York", "2026-11-01T05:30"],
    ["skipped at midnight", "2018-11-04", "00:00", "America/Sao_Paulo", "2018-11-04T03:00"],
    ["half an hour skipped", "2026-10-04", "02:15", "Australia/Lord_Howe", "2026-10-03T15:30"],
    ["half an hour doubled", "2026-04-05", "01:45", "Australia/Lord_Howe", "2026-04-04T14:45"],
    ["half an hour off", "2026-11-24", "06:00", "Asia/Kolkata", "2026-11-24T00:30"],
    ["in a zone nobody knows", "2026-11-24", "06:00", "Mars/Olympus", "2026-11-24T06:00"],
  ])("%s", (_, date, time, timeZone, expected) => {
    expect(instantOf(date, time, timeZone)).toBe(utc(expected))
  })

  it("agrees with the wall clock, most of all around changes of it", () => {
    const next = dice()
    const pick = <A>(list: ReadonlyArray<A>) => list[Math.floor(next() * list.length)]!
    const changes = {
      "Europe/Berlin": ["2026-03-29", "2026-10-25", "1980-04-06"],
      "America/New_York": ["2026-03-08", "2026-11-01", "2006-04-02"],
      "America/Sao_Paulo": ["2018-11-04", "2018-02-18", "2017-10-15"],
      "Australia/Lord_Howe": ["2026-10-04", "2026-04-05"],
      "Asia/Kolkata": ["2026-11-24", "2026-01-01"],
      "Africa/Casablanca": ["2026-02-15", "2026-03-22"],
    } as const
    for (let n = 0; n < 120; n++) {
      const zone = pick(Object.keys(changes) as Array<keyof typeof changes>)
      const near = Date.parse(`${pick(changes[zone])}T00:00:00Z`)
      const shift = Math.floor(next() * 3) - 1
      const date = new Date(near + shift * day).toISOString().slice(0, 10)
      const time = new Date(Math.floor(next() * 5 * 60) * minute).toISOString().slice(11, 16)
      expect(`${zone} ${date} ${time} ${instantOf(date, time, zone)}`)
        .toBe(`${zone} ${date} ${time} ${oracle(date, time, zone)}`)
    }
  })
})

describe("what is due", () => {
  const installedAt = utc("2026-11-20T09:00")
  const upToDate = {
    daily: "2026-11-23",
    nightly: "2026-11-24",
    weekly: "2026-11-23",
    monthly: "2026-11-01",
    quarterly: "2026-10-01",
  }

  it("a fresh installation has missed nothing: only today's brief, once its hour has passed", () => {
    const now = utc("2026-11-24T07:00")
    expect(slotsDue({ reached: {}, installedAt: now }, now, berlin)).toEqual([
      { slot: "daily", date: "2026-11-24", at: utc("2026-11-24T05:00"), missed: 0 },
    ])
    const early = utc("2026-11-24T04:00")
    expect(slotsDue({ reached: {}, installedAt: early }, early, berlin)).toEqual([])
  })
  it("nothing a millisecond before its time, the slot on time", () => {
    const at = utc("2026-11-24T05:00")
    expect(slotsDue({ reached: upToDate, installedAt }, at - 1, berlin)).toEqual([])
    expect(slotsDue({ reached: upToDate, installedAt }, at, berlin)).toEqual([
      { slot: "daily", date: "2026-11-24", at, missed: 0 },
    ])
  })
  it("nothing twice", () => {
    const reached = { ...upToDate, daily: "2026-11-24" }
    expect(slotsDue({ reached, installedAt }, utc("2026-11-24T22:00"), berlin)).toEqual([])
  })
  it("missed slots collapse into the latest, which says how many there were", () => {
    const due = slotsDue({ reached: upToDate, installedAt }, utc("2027-01-05T12:00"), berlin)
    expect(due.map(({ slot, date, missed }) => [slot, date, missed])).toEqual([
      ["monthly", "2027-01-01", 1],
      ["quarterly", "2027-01-01", 0],
      ["weekly", "2027-01-04", 5],
      ["nightly", "2027-01-05", 41],
      ["daily", "2027-01-05", 42],
    ])
  })
  it("weeks begin on Monday, quarters in January, April, July and October", () => {
    const from = (now: string) =>
      slotsDue({ reached: {}, installedAt: utc("2025-01-01T00:00") }, utc(now), berlin)
        .map(({ slot, date }) => `${slot} ${date}`)
    expect(from("2026-07-01T12:00")).toEqual(expect.arrayContaining([
      "weekly 2026-06-29",
      "monthly 2026-07-01",
      "quarterly 2026-07-01",
    ]))
    expect(from("2026-06-30T12:00")).toContain("quarterly 2026-04-01")
  })
  it("moving to another zone never goes back a day", () => {
    const now = utc("2026-11-24T20:00")
    const reached = { ...upToDate, daily: "2026-11-25", nightly: "2026-11-25" }
    const west = { ...berlin, timeZone: "America/New_York" }
    expect(slotsDue({ reached, installedAt }, now, west)).toEqual([])
  })
  it("waking at random times loses no slot, doubles none, and counts those missed", () => {
    const next = dice(seed + 1)
    for (const timeZone of ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]) {
      const settings = { ...berlin, timeZone, nightlyAt: "02:15" }
      const start = utc("2026-01-15T12:00")
      let since = { reached: {} as Record<string, string>, installedAt: start }
      const seen = new Map<string, number>(slots.map((slot) => [slot, 0]))
      let now = start
      while (now < start + 400 * day) {
        for (const due of slotsDue(since, now, settings)) {
          expect(due.at).toBeLessThanOrEqual(now)
          expect(due.date > (since.reached[due.slot] ?? "")).toBe(true)
          since = { ...since, reached: { ...since.reached, [due.slot]: due.date } }
          seen.set(due.slot, seen.get(due.slot)! + 1 + due.missed)
        }
        now += next() < 0.1 ? next() * 20 * day : next() * day
      }
      const last = wall(now, timeZone).slice(0, 10)
      const days = (Date.parse(last) - Date.parse(wall(start, timeZone).slice(0, 10))) / day
      // Up to the last look, which lies within 20 days before the end.
      expect(seen.get("daily")!).toBeGreaterThan(days - 21)
      expect(seen.get("daily")!).toBeLessThanOrEqual(days + 1)
      expect(seen.get("nightly")!).toBeLessThanOrEqual(days)
      const reachedDays = (Date.parse(since.reached["nightly"]!) -
        Date.parse(wall(start, timeZone).slice(0, 10))) / day
      expect(seen.get("nightly")).toBe(reachedDays)
      expect(seen.get("quarterly")).toBe(
        { "2027-01-01": 4, "2026-10-01": 3, "2027-04-01": 5 }[since.reached["quarterly"]!],
      )
    }
  })
  it("nothing is due until the next slot, and then something is", () => {
    const next = dice(seed + 2)
    for (let n = 0; n < 50; n++) {
      const now = utc("2026-01-01T00:00") + Math.floor(next() * 400 * day)
      const reached: Record<string, string> = {}
      for (const due of slotsDue({ reached, installedAt: now - 200 * day }, now, berlin)) {
        reached[due.slot] = due.date
      }
      const at = nextSlotAt(now, berlin)
      expect(at).toBeGreaterThan(now)
      expect(slotsDue({ reached, installedAt: 0 }, at - 1, berlin)).toEqual([])
      expect(slotsDue({ reached, installedAt: 0 }, at, berlin)[0]?.at).toBe(at)
    }
  })
})
