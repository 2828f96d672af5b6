/** The brief as text: one screen, at the width of the terminal, nothing that is not in it. */
import { describe, expect, it } from "vitest"
import { briefText, toldAt } from "../../cli/brief.ts"
import type { Brief, BriefItem } from "../../projections/aios.ts"

const hour = 3_600_000
const day = 24 * hour
const at = Date.UTC(2026, 10, 24, 7)
const same = (text: string) => text
const bare = { bold: same, dim: same, accent: same, wrong: same }

const empty: Brief = {
  date: "2026-11-24",
  timeZone: "Europe/Berlin",
  now: [],
  week: [],
  leads: [],
  approvals: [],
  invoices: [],
  money: { overdue: [], overdueCount: 0, expected: [], accepted: [], received: [] },
  replies: [],
  content: [],
  meetings: [],
  news: {
    mails: 0,
    messages: 0,
    people: 0,
    leads: 0,
    payments: 0,
    since: at - 13 * hour,
    takenIn: { records: 0 },
    known: false,
  },
  decided: [],
  done: [],
  held: [],
  unknown: [],
  checklist: [],
}

const item = (n: number): BriefItem => ({
  what:
    `Person ${n} of a company with a rather long name accepts 1,200 EUR: “please send us the contract by Tuesday evening, if you can”`,
  short: `Person ${n} accepts 1,200 EUR, due 18:00`,
  prepared: "reply drafted",
  action: `aios approve 7f3a1${n}`,
  more: [{
    prepared: "the refund of 89 EUR is money, so it waits for you",
    action: `aios approve 9c2e4${n}`,
  }],
  why: ["named a budget", "“within the hour and not a minute later”", "4 mails since 3 Nov"],
  since: at - 2 * day,
  dueAt: at + 10 * hour,
  kind: "approval",
  person: `Person ${n}`,
  key: "a".repeat(32),
  approvals: [`7f3a1${n}`],
  events: [],
  rank: 100 - n,
})

const full: Brief = {
  ...empty,
  now: Array.from({ length: 12 }, (_, n) => item(n)),
  week: [{ ...item(20), kind: "content", action: "aios why-not article/47" }],
  money: {
    overdue: [{ minor: 432_000, currency: "EUR" }],
    overdueCount: 2,
    oldest: { person: "Brightside", days: 31 },
    expected: [{ minor: 120_000, currency: "EUR" }, { minor: 8_950, currency: "USD" }],
    accepted: [],
    received: [],
  },
  meetings: [{
    title: "Call",
    startsAt: at + 3 * hour,
    endsAt: at + 4 * hour,
    allDay: false,
    with: "Ada",
    events: [],
  }],
  news: {
    mails: 41,
    messages: 0,
    people: 4,
    leads: 3,
    payments: 2,
    since: at - 13 * hour,
    takenIn: { records: 163, oldest: Date.UTC(2026, 8, 24) },
    known: true,
  },
  done: [
    { what: "9 mails filed", count: 9, each: [], events: [] },
    { what: "2 duplicates merged", count: 2, each: [], events: [] },
  ],
  held: Array.from({ length: 6 }, (_, n) => ({
    what: `a mail of somebody ${n} tells its reader's AI what to do; nothing in it was followed`,
    action: "aios why 91c4e2aa",
    events: [],
  })),
  unknown: ["the calendar was last imported 6 days ago; meetings may be missing"],
  checklist: [{ what: "missing in the settings: name", fix: "aios settings" }],
}

const lines = (text: string) => text.trimEnd().split("\n")

describe("the brief as text", () => {
  it.each([60, 80, 100, 120])("keeps to %i columns", (columns) => {
    for (const line of lines(briefText(full, columns, bare, at))) {
      expect([...line].length, line).toBeLessThanOrEqual(columns)
      // A command is never broken: it is there to be copied.
      expect(line).not.toMatch(/aios( approve| why)?$/)
    }
  })

  it("fits on one screen, and counts what it leaves out with the command that shows it", () => {
    const text = briefText(full, 100, bare, at)
    expect(lines(text).length).toBeLessThanOrEqual(40)
    // The first in full, the others in a line each.
    expect(text.match(/why: named a budget/g)?.length).toBeGreaterThanOrEqual(2)
    for (const count of [4, 12, 50]) {
      const many = { ...full, now: Array.from({ length: count }, (_, n) => item(n)) }
      const crowded = briefText(many, 80, bare, at)
      expect(lines(crowded).length).toBeLessThanOrEqual(40)
      const [, hidden = "0"] = /and (\d+) more: aios brief --all\nTHIS/.exec(crowded) ?? []
      expect((crowded.match(/aios approve 7f/g)?.length ?? 0) + Number(hidden)).toBe(count)
    }
    expect(briefText(full, 100, bare, at, true).match(/aios approve 7f/g)?.length).toBe(12)
  })

  it("an item that needs several decisions has a command for each", () => {
    const text = briefText({ ...full, now: [item(1)], week: [] }, 80, bare, at)
    expect(text).toMatch(/due 18:00 · reply drafted · waits 2 days +aios approve 7f3a11\n/)
    expect(text).toMatch(
      /the refund of 89 EUR is money, so it waits for you +aios approve 9c2e41\n/,
    )
  })

  it("an item in one line says who, what and how much, and is cut at a word", () => {
    const many = { ...full, now: Array.from({ length: 30 }, (_, n) => item(n)) }
    expect(briefText(many, 80, bare, at)).toMatch(
      /^ 5 {2}Person 4 accepts 1,200 EUR, due 18:00 +aios approve 7f3a14$/m,
    )
    const long = "Jonas Weber (Hafenwerk) asks for a price, names 18,000 EUR, asks to meet soon"
    const cut = { ...many, now: many.now.map((one) => ({ ...one, short: long })) }
    expect(briefText(cut, 80, bare, at)).toMatch(
      /^ 5 {2}Jonas Weber \(Hafenwerk\) asks for a price, names… +aios approve 7f3a14$/m,
    )
  })

  it("an import of old mail is said apart from what came, and recent mail is not said twice", () => {
    expect(lines(briefText(full, 160, bare, at))[0]).toMatch(
      /2 payments · no decisions · taken in today: 163 records back to 24 Sep$/,
    )
    const recent = {
      ...full,
      news: { ...full.news, takenIn: { records: 5, oldest: full.news.since } },
    }
    expect(briefText(recent, 160, bare, at)).not.toContain("taken in")
  })

  it("says it in the founder's zone, with age, money and what is not known", () => {
    const text = briefText(full, 100, bare, at)
    expect(text).toMatch(
      /^Tuesday 24 November · since yesterday 19:00: 41 mails, 3 new leads, 2 payments/,
    )
    expect(text).toContain("due 18:00 · reply drafted")
    expect(text).toContain("waits 2 days")
    expect(text).toContain("TODAY    11:00 Call with Ada")
    expect(text).toContain(
      "MONEY    2 overdue, 4,320 EUR (oldest 31 days: Brightside) · expected this week 1,200 EUR + 89.50",
    )
    expect(text).toContain("DONE     11 without you: 9 mails filed, 2 duplicates merged")
    expect(text).toContain("UNKNOWN  the calendar")
    expect(text).toMatch(/FIX {6}missing in the settings: name +aios settings\n$/)
  })

  it("what came in since the last brief has no age", () => {
    const fresh = { ...full, now: [{ ...item(1), since: at - hour }], week: [] }
    expect(briefText(fresh, 100, bare, at)).not.toContain("· waits")
  })

  it("a quiet day says so in one line, and an empty house what to do", () => {
    const quiet = { ...empty, news: { ...empty.news, mails: 3, known: true } }
    expect(lines(briefText(quiet, 80, bare, at))).toEqual([
      "Tuesday 24 November · since yesterday 19:00: 3 mails · no decisions",
      "",
      "A quiet day: nothing waits for you.",
    ])
    expect(briefText(empty, 80, bare, at)).toContain("aios import")
  })

  it("control characters of strangers do not reach the terminal, and colour does only when asked", () => {
    const text = briefText({ ...full, now: [{ ...item(1), what: "a\u001b[31mb" }] }, 80, bare, at)
    expect(text).not.toContain("\u001b")
    const wrong = (one: string) => `<${one}>`
    const late = { ...full, now: [{ ...item(1), dueAt: at - 2 * day }] }
    expect(briefText(late, 80, { ...bare, wrong }, at)).toContain("<was due 2 days ago>")
  })

  it("since says which day it was, after a weekend too", () => {
    const head = (since: number) =>
      lines(briefText({ ...full, news: { ...full.news, since } }, 160, bare, at))[0]
    expect(head(Date.UTC(2026, 10, 24, 5))).toContain("since today 06:00:")
    expect(head(Date.UTC(2026, 10, 20, 5))).toContain("since Friday 06:00:")
    expect(head(Date.UTC(2026, 10, 3, 5))).toContain("since 3 Nov 06:00:")
    const nothing = { ...full.news, mails: 0, leads: 0, payments: 0 }
    expect(lines(briefText({ ...full, news: nothing }, 160, bare, at))[0])
      .toContain("since yesterday 19:00: nothing new ·")
  })

  it("a past day is told at its end", () => {
    expect(toldAt({ ...empty, date: "2026-11-20" }, at)).toBe(Date.UTC(2026, 10, 20, 23) - 1)
    expect(toldAt(empty, at)).toBe(at)
  })
})
