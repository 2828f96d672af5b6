/** Documents of the cadence: each figure is what the log says, and the same slot gives the same document. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { slotId } from "../../actors/cadence.ts"
import { EventLog, type Metadata } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import { Reports } from "../../actors/reports.ts"
import { Vault } from "../../actors/vault.ts"
import * as memoryLog from "../log-memory.ts"
import * as memoryStore from "../../adapters/read-store-memory.ts"
import * as recurrences from "../../adapters/recurrences-ical.ts"
import * as memoryVault from "../../adapters/vault-memory.ts"
import type { Json } from "../../machines/agent.ts"
import { projections } from "../../projections/mod.ts"
import { layer as queries, Queries } from "../../projections/queries.ts"
import { layer as reports } from "../../projections/reports-local.ts"
import { quantile } from "../../projections/reports-period.ts"
import { layer as runner } from "../../projections/runner.ts"

const world = reports.pipe(
  Layer.provideMerge(queries),
  Layer.provideMerge(runner(projections)),
  Layer.provide(recurrences.layer),
  Layer.provideMerge(Layer.mergeAll(memoryLog.layer, memoryStore.layer, memoryVault.layer)),
)
const hour = 3_600_000
const day = 24 * hour
const monday = Date.UTC(2026, 10, 23)

const append = Effect.fnUntraced(function* (
  stream: string,
  type: string,
  data: Json,
  metadata: Partial<Metadata> & { readonly id?: string },
) {
  const log = yield* EventLog
  const revision = (yield* log.readPage(stream)).length
  const { id = derivedId(`${stream}/${revision}`), ...more } = metadata
  const full = { at: monday, $correlationId: derivedId(stream), ...more }
  yield* log.append(stream, revision - 1, [{ id, type, data, metadata: full }])
  return revision
})
const charted = (value: string) => ({ chart: { name: "x", version: 1, hash: "0" }, value })

/** An activity that was asked for and ended. */
const ran = Effect.fnUntraced(function* (
  stream: string,
  src: string,
  at: number,
  outcome: Json,
  type = "ActivitySucceeded",
) {
  const asks = [{ ask: "activity", child: "c", src }] as const
  const revision = yield* append(stream, "Asked", {}, { at, asks, ...charted("x") })
  yield* append(stream, type, { ask: `${revision}.0`, ...(outcome as object) }, {
    at: at + 1000,
    ...charted("x"),
  })
})

const approval = Effect.fnUntraced(function* (
  id: string,
  at: number,
  decision: string,
  more: { readonly [name: string]: Json } = {},
) {
  yield* append(`gatekeeper-${id}`, "ApprovalRequested", {
    ask: `executor-${id}/0.0`,
    stream: `executor-${id}`,
    activity: "sendMail",
    risk: "outward",
    hash: "ff",
    reasons: [],
    content: {},
    events: [],
    grade: "low",
    rule: "answers who wrote first",
    ...more,
  }, { at, ...charted("awaitingApproval") })
  yield* append(`gatekeeper-${id}`, decision, { by: "operator", hash: "ff", reason: "no" }, {
    at: at + 2 * hour,
    ...charted(decision === "ApprovalGranted" ? "approved" : "rejected"),
  })
})

const week = Effect.gen(function* () {
  const mail = { person: "p", kind: "list", sentAt: monday - day }
  yield* append("record-1", "MailReceived", mail, { at: monday - 3 * hour })
  yield* append("record-2", "MailReceived", { ...mail, kind: "personal" }, {
    at: monday - 3 * hour,
  })
  yield* append("record-3", "PaymentRecorded", {
    kind: "charge",
    status: "succeeded",
    payment: "ch_1",
  }, { at: monday - 3 * hour })
  yield* ran("analyst-p", "weighConversation", monday - 2 * hour, { attempts: 1, millis: 20 })
  yield* ran("executor-1", "draftMail", monday - 2 * hour, {
    attempts: 1,
    millis: 40,
    output: { made: "template-2" },
  })
  yield* ran("executor-2", "sendMail", monday - 2 * hour, {
    attempts: 3,
    millis: 900,
    cost: { tokens: 12 },
    error: { name: "MailerUnavailable", message: "no | <b>" },
  }, "ActivityFailed")
  yield* ran("executor-3", "sendMail", monday - 2 * hour, { attempts: 1, millis: 100 })
  yield* append("coordinator-main", "AdapterDegraded", { adapter: "mailer", reason: "refused" }, {
    at: monday - hour,
  })
  yield* approval("aaaaaa01", monday - 2 * day, "ApprovalGranted")
  yield* approval("aaaaaa02", monday - 2 * day, "ApprovalRejected")
  // Of two weeks ago: no figure of this week.
  yield* approval("aaaaaa03", monday - 15 * day, "ApprovalRejected")
})

type SlotName = "daily" | "nightly" | "weekly" | "monthly" | "quarterly"

/** `at`: when it was noticed that the slot's time had come. */
const slot = (name: SlotName, date: string, { at = monday + hour, missed = 0 } = {}) =>
  Effect.gen(function* () {
    yield* append("coordinator-main", "SlotReached", { slot: name, date, missed }, {
      at,
      id: slotId(name, date),
    })
    return yield* Effect.flatMap(Reports, (one) => one.compose(name, date))
  })

describe("reports", () => {
  it.live("the night: what came in, was weighed, drafted, filed, and what failed", () =>
    Effect.gen(function* () {
      yield* week
      const { figures, text, title } = yield* slot("nightly", "2026-11-23")
      expect(title).toBe("Night of 2026-11-23")
      expect(figures).toEqual({
        records: 3,
        weighed: 1,
        drafted: 1,
        filed: 1,
        refused: 0,
        skipped: 0,
        failed: 1,
        runs: 4,
        millis: 1060,
      })
      expect(text).toContain("2 mails, 1 payment.")
      expect(text).toContain("- sendMail: MailerUnavailable, 1 time")
      expect(text).toContain("- mailer stopped working: refused")
      expect(text).toContain("| sendMail | 2 | 4 | 1 | 0 | 1.0 s | 12 tokens |")
    }).pipe(Effect.provide(world)))

  it.live("the week: decided, overridden, late, and what it cost", () =>
    Effect.gen(function* () {
      yield* week
      const { figures, text } = yield* slot("weekly", "2026-11-23")
      expect(figures).toMatchObject({
        approved: 1,
        rejected: 1,
        overridden: 1,
        expired: 0,
        attempts: 6,
        decisionMillisMedian: 2 * hour,
      })
      expect(text).toContain("half of them within 2.0 h")
      // The same slot again is the same document, whatever came later.
      yield* approval("aaaaaa04", monday + 5 * day, "ApprovalRejected")
      const again = yield* Effect.flatMap(Reports, (one) => one.compose("weekly", "2026-11-23"))
      expect(again.figures).toMatchObject({ rejected: 1 })
    }).pipe(Effect.provide(world)))

  it.live("the month: how often each rule of the gate was right", () =>
    Effect.gen(function* () {
      yield* week
      const { figures, text } = yield* slot("monthly", "2026-12-01")
      expect(figures).toMatchObject({ decided: 3, caught: 2, falsePositives: 1, falseNegatives: 0 })
      expect(text).toContain("| answers who wrote first | 3 | 1 | 0 | 2 | 0 | 0 | 0 |")
      expect(text).toContain("stopped what you would not have done as it was: 2 of 3 (67 %)")
      expect(text).toContain("template-2")
    }).pipe(Effect.provide(world)))

  it.live("the quarter: every adapter with its calls, latency and openings", () =>
    Effect.gen(function* () {
      yield* week
      const { figures, text } = yield* slot("quarterly", "2027-01-01")
      expect(figures).toMatchObject({
        calls: 2,
        failed: 1,
        retries: 2,
        breakers: 1,
        "calls.mailer": 2,
      })
      expect(text).toContain("| mailer | not recorded | 2 | 1 | 2 | 100 ms | 100 ms | 1 |")
      expect(text).toMatch(/\| lead \| \d+ \|/)
    }).pipe(Effect.provide(world)))

  it.live("what the gate never let through was not called and did not fail", () =>
    Effect.gen(function* () {
      const closed = { error: { name: "Rejected", message: "The approval is expired" } }
      yield* ran("executor-1", "sendMail", monday - hour, closed, "ActivityFailed")
      yield* ran("executor-2", "createInvoice", monday - hour, closed, "ActivityFailed")
      yield* ran("executor-3", "sendMail", monday - hour, { attempts: 2, millis: 80 })
      // Still waits.
      yield* append("executor-4", "Asked", {}, {
        at: monday - hour,
        asks: [{ ask: "activity", child: "c", src: "sendMail" }],
        ...charted("x"),
      })
      const quarter = yield* slot("quarterly", "2027-01-01")
      expect(quarter.figures).toMatchObject({
        calls: 1,
        failed: 0,
        retries: 1,
        "calls.mailer": 1,
        "calls.payments": 0,
      })
      expect(quarter.text).toContain("| payments | not recorded | 0 | 0 | 0 | none | none | 0 |")
      for (const name of ["nightly", "weekly"] as const) {
        const { figures, text } = yield* slot(name, "2026-11-23")
        expect(figures).toMatchObject({ runs: 1, failed: 0 })
        expect(text).toContain("| sendMail | 1 | 2 | 0 | 0 | 80 ms | none |")
        expect(text).not.toContain("createInvoice")
      }
    }).pipe(Effect.provide(world)))

  it.live("periods meet and never overlap, however late the slots were noticed", () =>
    Effect.gen(function* () {
      const [november, december] = [Date.UTC(2026, 10, 1, 6), Date.UTC(2026, 11, 1, 6)]
      const january = Date.UTC(2027, 0, 1, 6)
      for (const [n, at] of [november - 1, november, december - 1, december, january].entries()) {
        yield* append(`record-${n}`, "MailReceived", { person: "p", kind: "personal" }, { at })
        yield* ran("analyst-p", "weighConversation", at - 1000, { attempts: 1, millis: 20 })
        yield* approval(`aaaaaa0${n}`, at - 2 * hour, "ApprovalRejected")
      }
      const late = { at: december + 22 * day, missed: 2 }
      const first = yield* slot("monthly", "2026-12-01", late)
      expect(first.text).toContain("From 1 Nov 06:00 to 1 Dec 06:00 (UTC).")
      expect(first.text).toContain("2 documents of this kind were missed")
      expect(first.figures).toMatchObject({ decided: 2, records: 2 })
      const second = yield* slot("monthly", "2027-01-01", { at: january + day })
      expect(second.text).toContain("From 1 Dec 2026 06:00 to 1 Jan 06:00 (UTC).")
      expect(second.text).not.toContain("missed")
      expect(second.figures).toMatchObject({ decided: 1, records: 1 })
      const night = yield* slot("nightly", "2026-12-01", late)
      expect(night.text).toContain("From 30 Nov 02:00 to 1 Dec 02:00 (UTC).")
      expect(night.figures).toMatchObject({ weighed: 0, records: 0 })
    }).pipe(Effect.provide(world)))

  it.live("late: promises of the founder, answers, articles and invoices whose day has passed", () =>
    Effect.gen(function* () {
      const vault = yield* Vault
      const mail = (direction: string, sentAt: number, by: string, dueAt: number, words: string) =>
        append("analyst-p", "MailRead", {
          person: "p",
          record: `record-${sentAt}`,
          direction,
          sentAt,
          subject: "The offer",
          quotes: [],
          commitmentWords: { ...vault.seal("p", [words]) },
          findings: { intents: [], asks: false, commitments: [{ by, dueAt, words }] },
        }, { at: sentAt, ...charted("x") })
      yield* mail("outward", monday - 4 * day, "founder", monday - 2 * day, "the offer by Saturday")
      yield* append("article-1", "NoteCollected", {
        topic: "Issue 47",
        record: "n",
        note: "n",
        title: "Pricing",
        dueAt: monday - day,
      }, { at: monday - 5 * day, ...charted("x") })
      yield* append("invoice-1", "InvoiceIssued", {
        person: "p",
        number: "1042",
        status: "open",
        total: { minor: 8900, currency: "EUR" },
        paid: { minor: 0, currency: "EUR" },
        dueAt: monday - 3 * day,
      }, { at: monday - 20 * day, ...charted("overdue") })
      const { figures, text } = yield* slot("weekly", "2026-11-23")
      expect(figures).toMatchObject({ promisesBroken: 1, articlesLate: 1, overdue: 1 })
      expect(text).toContain("- 1 promise of yours not kept by the day you named")
      expect(text).toContain("21 Nov: “the offer by Saturday”")
      expect(text).toContain("Issue 47, due 22 Nov")
      expect(text).toContain("89 EUR, 3 days")
      // Who has written since has kept it, as far as rules can tell; the week before knew nothing of it.
      yield* mail("outward", monday - day, "founder", monday + 30 * day, "more in a month")
      const again = yield* Effect.flatMap(Reports, (one) => one.compose("weekly", "2026-11-23"))
      expect(again.figures).toMatchObject({ promisesBroken: 0 })
      expect((yield* slot("weekly", "2026-11-16")).figures)
        .toMatchObject({ promisesBroken: 0, articlesLate: 0, overdue: 0 })
    }).pipe(Effect.provide(world)))

  it.live("the day: the brief as Markdown, in which strangers' mark-up stays text", () =>
    Effect.gen(function* () {
      yield* week
      yield* append("gatekeeper-bbbbbb01", "ApprovalRequested", {
        ask: "executor-9/0.0",
        stream: "executor-9",
        activity: "<b>pay</b>",
        risk: "outward",
        hash: "ff",
        reasons: [],
        content: {},
        events: [],
      }, { at: monday, ...charted("awaitingApproval") })
      const { figures, text } = yield* slot("daily", "2026-11-23")
      expect(text.startsWith("# Brief of 2026-11-23\n")).toBe(true)
      expect(text).toContain("`aios approve bbbbbb`")
      expect(text).toContain("## Not known")
      expect(text).not.toContain("<b>")
      expect(figures).toMatchObject({ decisions: 1, mails: 2, payments: 1 })
    }).pipe(Effect.provide(world)))

  it.live("documents that were composed can be read again, newest first", () =>
    Effect.gen(function* () {
      const output = { slot: "daily", title: "Brief", text: "# Brief", figures: { now: 1 } }
      for (const date of ["2026-11-22", "2026-11-23"]) {
        yield* ran("coordinator-main", "composeReport", Date.parse(date), {
          output: { ...output, date },
        })
      }
      const ask = yield* Queries
      expect((yield* ask.documents("daily")).map(({ date, text }) => [date, text]))
        .toEqual([["2026-11-23", "# Brief"], ["2026-11-22", "# Brief"]])
      expect(yield* ask.documents("weekly")).toEqual([])
    }).pipe(Effect.provide(world)))

  it("quantiles of nothing are nothing", () => {
    expect([quantile([], 0.5), quantile([3, 1, 2], 0.5), quantile([1, 2], 0.95)]).toEqual([0, 2, 2])
  })
})
