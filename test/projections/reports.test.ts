/** Documents of the cadence: each figure is what the log says, and the same slot gives the same document. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { slotId } from "../../actors/cadence.ts"
import { EventLog, type Metadata } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import { Reports } from "../../actors/reports.ts"
import * as memoryLog from "../../adapters/event-log-memory.ts"
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

const slot = (name: "daily" | "nightly" | "weekly" | "monthly" | "quarterly", date: string) =>
  Effect.gen(function* () {
    yield* append("coordinator-main", "SlotReached", { slot: name, date, missed: 0 }, {
      at: monday + hour,
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
      const { figures, text } = yield* slot("monthly", "2026-11-01")
      expect(figures).toMatchObject({ decided: 3, caught: 2, falsePositives: 1, falseNegatives: 0 })
      expect(text).toContain("| answers who wrote first | 3 | 1 | 0 | 2 | 0 | 0 | 0 |")
      expect(text).toContain("stopped what you would not have done as it was: 2 of 3 (67 %)")
      expect(text).toContain("template-2")
    }).pipe(Effect.provide(world)))

  it.live("the quarter: every adapter with its calls, latency and openings", () =>
    Effect.gen(function* () {
      yield* week
      const { figures, text } = yield* slot("quarterly", "2026-10-01")
      expect(figures).toMatchObject({
        calls: 2,
        failed: 1,
        retries: 2,
        breakers: 1,
        "calls.mailer": 2,
      })
      expect(text).toContain("| mailer | 2 | 1 | 2 | 100 ms | 100 ms | 1 |")
      expect(text).toMatch(/\| lead \| \d+ \|/)
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
