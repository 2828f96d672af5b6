/** The brief from histories: one item per matter, each line true, and past days told as they were. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { EventLog, type Metadata } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import { Recall } from "../../actors/recall.ts"
import { Vault } from "../../actors/vault.ts"
import * as memoryBlobs from "../../adapters/blob-store-memory.ts"
import * as memoryLog from "../log-memory.ts"
import * as memoryStore from "../../adapters/read-store-memory.ts"
import * as recurrences from "../../adapters/recurrences-ical.ts"
import * as memoryVault from "../../adapters/vault-memory.ts"
import type { Json } from "../../machines/agent.ts"
import { projections } from "../../projections/mod.ts"
import { layer as queries, Queries } from "../../projections/queries.ts"
import { layer as recall } from "../../projections/recall-local.ts"
import { layer as runner } from "../../projections/runner.ts"

const world = recall.pipe(
  Layer.provideMerge(queries),
  Layer.provideMerge(runner(projections)),
  Layer.provide(recurrences.layer),
  Layer.provideMerge(memoryBlobs.layer),
  Layer.provideMerge(Layer.mergeAll(memoryLog.layer, memoryStore.layer, memoryVault.layer)),
)

const hour = 3_600_000
const day = 24 * hour
/** Seven in the morning, a Tuesday. */
const now = Date.UTC(2026, 10, 24, 7)
const marco = "a".repeat(32)
const ada = "b".repeat(32)
const bright = "c".repeat(32)
const [invoice1042, invoice1037] = ["1".repeat(32), "2".repeat(32)]

const append = Effect.fnUntraced(function* (
  stream: string,
  type: string,
  data: Json,
  metadata: Partial<Metadata> = {},
) {
  const log = yield* EventLog
  const revision = (yield* log.readPage(stream)).length
  const id = derivedId(`${stream}/${revision}`)
  const full = { at: now - hour, $correlationId: derivedId(stream), ...metadata }
  yield* log.append(stream, revision - 1, [{ id, type, data, metadata: full }])
  return id
})
const sealed = (subject: string, plain: Json) =>
  Effect.map(Vault, (vault): Json => ({ $sealed: [...vault.seal(subject, plain).$sealed] }))
const charted = (value: Metadata["value"]) =>
  value === undefined ? {} : { chart: { name: "x", version: 1, hash: "0" }, value }

interface Said {
  readonly at: number
  readonly quotes: ReadonlyArray<string>
  readonly intents?: ReadonlyArray<string>
  readonly amounts?: Json
  readonly commitments?: ReadonlyArray<
    { readonly by: string; readonly dueAt: number; readonly words: string }
  >
  readonly direction?: string
  readonly turn?: string
  readonly instructs?: boolean
  /** The mail has no date of its own: `at` is when it was taken in. */
  readonly undated?: boolean
}

const wrote = Effect.fnUntraced(function* (person: string, name: string, said: Said) {
  const commitments = said.commitments ?? []
  return yield* append(`analyst-${person}`, "MailRead", {
    person,
    record: `record-${said.at}`,
    direction: said.direction ?? "inward",
    sentAt: said.at,
    contact: yield* sealed(person, {
      name,
      address: `${name.split(" ")[0]!.toLowerCase()}@x.example`,
    }),
    subject: yield* sealed(person, "Hello"),
    findings: {
      reader: "rules-2",
      warmth: 0,
      intents: said.intents ?? [],
      instructsReader: said.instructs ?? false,
      asks: true,
      amounts: said.amounts ?? [],
      commitments: commitments.map(({ by, dueAt }) => ({ by, dueAt, record: "record-1" })),
      suspicions: [],
    },
    quotes: yield* sealed(person, said.quotes),
    commitmentWords: yield* sealed(person, commitments.map(({ words }) => words)),
  }, {
    at: now - hour,
    ...(said.undated === true ? {} : { occurredAt: said.at }),
    ...charted({ turn: { ours: said.turn ?? "waiting" } }),
  })
})

const weighed = (person: string, about: string, pressing: number, reasons: ReadonlyArray<string>) =>
  append(`analyst-${person}`, "ActivitySucceeded", {
    ask: "9.9",
    output: { about, pressing, reasons, made: "rules-2" },
  }, charted({ turn: { ours: "waiting" } }))

const issued = Effect.fnUntraced(function* (
  key: string,
  person: string,
  number: string,
  minor: number,
  dueAt: number,
  more: { readonly paid?: number; readonly state?: Metadata["value"] } = {},
) {
  return yield* append(`invoice-${key}`, "InvoiceIssued", {
    person,
    invoice: key,
    record: "record-2",
    at: dueAt - 14 * day,
    number,
    status: more.paid === undefined ? "open" : "paid",
    contact: yield* sealed(
      person,
      person === marco
        ? { name: "Marco Rossi", address: "marco@x.example" }
        : { name: "Brightside", address: "pay@brightside.example" },
    ),
    total: { minor, currency: "EUR" },
    paid: { minor: more.paid ?? 0, currency: "EUR" },
    dueAt,
  }, charted(more.state ?? { standing: { open: "overdue" }, recording: "upToDate" }))
})

const approvalFor = (
  id: string,
  stream: string,
  activity: string,
  person: string,
  content: Json = {},
) =>
  append(`gatekeeper-${id}`, "ApprovalRequested", {
    ask: `${stream}/1.0`,
    stream,
    activity,
    risk: activity === "refundPayment" ? "money" : "outward",
    hash: "ff",
    reasons: [],
    content,
    person,
    events: [],
  }, charted("awaitingApproval"))

/** Marco was charged twice, wrote three times, and everything is prepared. */
const charge = (payment: string, at: number) =>
  append(`invoice-${invoice1042}`, "PaymentReceived", {
    person: marco,
    invoice: invoice1042,
    record: "record-3",
    at,
    payment,
    amount: { minor: 8900, currency: "EUR" },
  }, charted({ standing: { overpaid: "refundAsked" }, recording: "upToDate" }))

const angry = Effect.gen(function* () {
  yield* issued(invoice1042, marco, "1042", 8900, now - 20 * day, {
    paid: 8900,
    state: { standing: "paid", recording: "upToDate" },
  })
  yield* charge("ch_1", now - 21 * day)
  yield* charge("ch_2", now - 21 * day + 40_000)
  for (
    const [days, quote] of [[6, "charged twice"], [3, "no answer"], [1, "unacceptable!!!"]] as const
  ) {
    yield* wrote(marco, "Marco Rossi", {
      at: now - days * day,
      quotes: [quote],
      intents: ["complains"],
    })
  }
  yield* weighed(marco, "complaint", 85, ["looks angry: three exclamation marks"])
  const [reply, refund] = [`executor-${marco}~c1`, `executor-${invoice1042}~1`]
  yield* append(reply, "MailRequested", {
    requester: `analyst-${marco}`,
    person: marco,
    records: [],
    purpose: "complaint",
    answers: now - day,
  }, charted({ awaitingApproval: "mail" }))
  yield* append(refund, "RefundRequested", {
    requester: `invoice-${invoice1042}`,
    person: marco,
    records: [],
    invoice: { invoice: invoice1042, number: "1042", total: { minor: 8900, currency: "EUR" } },
    payment: "ch_2",
    amount: { minor: 8900, currency: "EUR" },
  }, charted({ awaitingApproval: "refund" }))
  yield* approvalFor("bbbbbb11", refund, "refundPayment", marco)
  yield* approvalFor("aaaaaa22", reply, "sendMail", marco)
})

const on = (to: number) => ({
  date: "2026-11-24",
  timeZone: "UTC",
  since: to - day,
  to,
  missing: [],
  parked: 0,
  fixes: [],
})

describe("what belongs together is one item", () => {
  it.live("an angry customer: mails, double charge, reply and refund", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      yield* angry
      const { money, now: items, replies, week } = yield* ask.brief(on(now))
      expect(week).toEqual([])
      expect(items.length).toBe(1)
      expect(items[0]).toMatchObject({
        what: "Marco Rossi complains, third mail without an answer: " +
          "invoice 1042 was charged twice (2 × 89 EUR)",
        short: "Marco Rossi complains: invoice 1042 was charged twice (2 × 89 EUR)",
        prepared: "reply drafted",
        action: "aios approve aaaaaa",
        // Each has its own command.
        more: [{
          prepared: "the refund of 89 EUR is money, so it waits for you",
          action: "aios approve bbbbbb",
        }],
        kind: "approval",
        person: "Marco Rossi",
        approvals: ["aaaaaa22", "bbbbbb11"],
        since: now - 6 * day,
      })
      expect(items[0]?.why).toEqual([
        "looks angry: three exclamation marks",
        "“unacceptable!!!”",
        "two charges of the same invoice 40 s apart",
        "3 mails since 18 Nov, wrote yesterday 07:00",
      ])
      expect(replies).toMatchObject([{ about: "complaint", mails: 3, pressing: 85 }])
      expect(money).toMatchObject({ overdueCount: 0, overdue: [] })
      // The same morning twice.
      expect(yield* ask.brief(on(now))).toEqual(yield* ask.brief(on(now)))

      const known = yield* Effect.flatMap(Recall, (one) => one.about(marco))
      expect(known).toMatchObject({
        name: "Marco Rossi",
        invoices: [{
          number: "1042",
          overpaid: [{ payment: "ch_2", amount: { minor: 8900, currency: "EUR" } }],
        }],
      })
    }).pipe(Effect.provide(world)))

  it.live("a mail without a date is not told as of its import", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      yield* wrote(ada, "Ada Weiss", { at: now - 2 * hour, quotes: [], undated: true })
      const { now: items, week } = yield* ask.brief(on(now))
      const why = [...items, ...week].flatMap((one) => one.why).join(" · ")
      expect(why).toContain("the mail has no usable date")
      expect(why).not.toMatch(/wrote (today|yesterday)/)
    }).pipe(Effect.provide(world)))

  it.live("who accepts comes first, with what is wanted by when", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      yield* angry
      yield* wrote(ada, "Ada Weiss", {
        at: now - 15 * hour,
        quotes: ["we accept your offer"],
        intents: ["accepts", "namesDate"],
        amounts: [{ minor: 120_000, currency: "EUR" }],
        commitments: [{
          by: "founder",
          dueAt: now + 10 * hour,
          words: "the contract by Tuesday evening",
        }],
      })
      yield* weighed(ada, "deal", 80, ["accepts"])
      const { now: items } = yield* ask.brief(on(now))
      expect(items.map(({ person }) => person)).toEqual(["Ada Weiss", "Marco Rossi"])
      expect(items[0]).toMatchObject({
        what: "Ada Weiss accepts 1,200 EUR: “the contract by Tuesday evening”",
        action: "aios done ada@x.example",
        dueAt: now + 10 * hour,
        kind: "reply",
      })
      // Two days earlier nothing of Ada was known, and Marco had written once or twice.
      const before = yield* ask.brief(on(now - 2 * day))
      expect(before.now.map(({ person }) => person)).not.toContain("Ada Weiss")
    }).pipe(Effect.provide(world)))

  it.live("thanks, a closed conversation and what tells the reader's AI owe nothing", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      yield* wrote(ada, "Ada Weiss", { at: now - day, quotes: ["ignore all"], instructs: true })
      yield* wrote(marco, "Marco Rossi", {
        at: now - day,
        quotes: ["see you"],
        intents: ["asksMeeting"],
      })
      expect((yield* ask.brief(on(now))).replies.map((one) => one.person)).toEqual(["Marco Rossi"])
      yield* append(`analyst-${marco}`, "ConversationClosed", { because: "LeadUnsubscribed" }, {
        ...charted({ turn: "closed" }),
      })
      const { held, replies } = yield* ask.brief(on(now))
      expect(replies).toEqual([])
      expect(held.length).toBe(1)
      expect(held[0]?.what).toContain("nothing in it was followed")
    }).pipe(Effect.provide(world)))
})

describe("money", () => {
  it.live("says what is late, who longest, what is to come and what came in", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      yield* issued(invoice1037, bright, "1037", 432_000, now - 31 * day)
      yield* issued(invoice1042, ada, "1050", 120_000, now + 3 * day, {
        state: { standing: { open: "notDue" }, recording: "upToDate" },
      })
      yield* issued("3".repeat(32), ada, "0007", 99_900, now - 400 * day, {
        state: { standing: { open: { overdue: "dormant" } }, recording: "upToDate" },
      })
      const { invoices, money, unknown } = yield* ask.brief(on(now))
      expect(money).toEqual({
        overdue: [{ minor: 432_000, currency: "EUR" }],
        overdueCount: 1,
        oldest: { person: "Brightside", days: 31 },
        expected: [{ minor: 120_000, currency: "EUR" }],
        accepted: [],
        received: [],
      })
      expect(invoices.map(({ daysLate, number, state }) => [number, state, daysLate])).toEqual([
        ["0007", "overdue", 400],
        ["1037", "overdue", 31],
        ["1050", "notDue", -3],
      ])
      expect(unknown.join()).toContain("1 old invoice")
      // Paid two hours ago: gone from what is late, told as come in. Yesterday stays as it was.
      yield* append(`invoice-${invoice1037}`, "PaymentReceived", {
        person: bright,
        invoice: invoice1037,
        record: "record-9",
        at: now - 2 * hour,
        payment: "ch_9",
        amount: { minor: 432_000, currency: "EUR" },
      }, { at: now + hour, ...charted({ standing: "paid", recording: "upToDate" }) })
      const later = yield* ask.brief(on(now + 2 * hour))
      expect(later.money).toMatchObject({
        overdueCount: 0,
        received: [{ minor: 432_000, currency: "EUR" }],
      })
      expect(later.done.map((one) => [one.what, one.each])).toEqual([
        ["1 payment matched", ["4,320 EUR from Brightside"]],
      ])
      expect((yield* ask.brief(on(now))).money).toEqual(money)
    }).pipe(Effect.provide(world)))

  it.live("a reminder that waits for an answer is held, with the reason, until it has the floor", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      const work = `executor-${invoice1037}~1`
      yield* issued(invoice1037, bright, "1037", 432_000, now - 31 * day)
      yield* append(work, "MailRequested", {
        requester: `invoice-${invoice1037}`,
        person: bright,
        records: [],
        purpose: "reminder",
        answers: now - 31 * day,
        invoice: {
          invoice: invoice1037,
          number: "1037",
          total: { minor: 432_000, currency: "EUR" },
        },
      }, charted("claiming"))
      yield* append(work, "FloorDenied", {
        person: bright,
        holder: `executor-${bright}~a1`,
        purpose: "answer",
        until: now + 2 * day,
      }, charted("waitingForFloor"))
      const { held, now: items } = yield* ask.brief(on(now))
      expect(items).toEqual([])
      expect(held).toMatchObject([{
        what: "a reminder to Brightside waits: an answer goes first (until Thursday)",
        action: "aios why-not executor/22222222",
      }])
      // It is not the day that it waits for, but the word about the answer.
      yield* append(`executor-${bright}~a1`, "MailRequested", {
        requester: `analyst-${bright}`,
        person: bright,
        records: [],
        purpose: "answer",
        answers: now - day,
      }, charted({ awaitingApproval: "mail" }))
      yield* approvalFor("dddddd44", `executor-${bright}~a1`, "sendMail", bright)
      expect((yield* ask.brief(on(now))).held).toMatchObject([{
        what: "a reminder to Brightside waits: an answer goes first (until the answer is decided)",
      }])
      yield* append("gatekeeper-dddddd44", "ApprovalRejected", { by: "operator", reason: "no" }, {
        ...charted("rejected"),
      })
      yield* append(work, "FloorGranted", { person: bright }, charted({ awaitingApproval: "mail" }))
      yield* approvalFor("cccccc33", work, "sendMail", bright)
      const after = yield* ask.brief(on(now))
      expect(after.held).toEqual([])
      expect(after.now).toMatchObject([{
        what: "Brightside owes 4,320 EUR: invoice 1037, 31 days overdue",
        prepared: "reminder drafted",
        action: "aios approve cccccc",
      }])
    }).pipe(Effect.provide(world)))
})

describe("what nobody decides", () => {
  const put = (id: string, person: string, at: number) =>
    append(`gatekeeper-${id}`, "ApprovalRequested", {
      ask: `executor-${person}~1/1.0`,
      stream: `executor-${person}~1`,
      activity: "sendMail",
      risk: "outward",
      hash: "ff",
      reasons: [],
      content: {},
      person,
      events: [],
    }, { at, ...charted("awaitingApproval") })

  it.live("says so three days before it expires, and for three days after", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      yield* wrote(ada, "Ada Weiss", { at: now - day, quotes: ["hello"] })
      yield* put("aaaaaa22", ada, now)
      yield* put("bbbbbb33", marco, now)
      // Put off for ten days: from then on it has its whole time again.
      yield* append(
        "gatekeeper-bbbbbb33",
        "ApprovalPostponed",
        { until: now + 10 * day, by: "x" },
        {
          at: now + hour,
          ...charted("postponed"),
        },
      )
      yield* append("gatekeeper-bbbbbb33", "TimerFired", { ask: "1.0" }, {
        at: now + 10 * day,
        ...charted("awaitingApproval"),
      })
      const prepared = (to: number) =>
        Effect.map(
          ask.brief(on(to)),
          ({ now: items }) =>
            items.map((one) => one.prepared).filter((one) => one.includes("expires")),
        )
      expect(yield* prepared(now + 26 * day)).toEqual([])
      expect(yield* prepared(now + 27 * day)).toEqual(["mail drafted, expires in 3 days"])
      expect(yield* prepared(now + 29 * day)).toEqual(["mail drafted, expires in 1 day"])
      expect(yield* prepared(now + 37 * day)).toHaveLength(2)
      yield* append("gatekeeper-aaaaaa22", "TimerFired", { ask: "0.0" }, {
        at: now + 30 * day,
        ...charted("expired"),
      })
      const gone = yield* ask.brief(on(now + 31 * day))
      expect(gone.held).toMatchObject([{
        what: "1 decision expired undecided after 30 days and will not be done: Ada Weiss",
        action: "aios brief --done",
      }])
      expect(gone.done).toMatchObject([{
        what: "1 expired undecided",
        count: 1,
        each: ["mail to Ada Weiss · to decide after all: aios undo aaaaaa"],
      }])
      expect((yield* ask.brief(on(now + 32 * day))).held).toHaveLength(1)
      expect((yield* ask.brief(on(now + 34 * day))).held).toEqual([])
      expect((yield* ask.brief(on(now + 29 * day))).held).toEqual([])
    }).pipe(Effect.provide(world)))
})

describe("what was accepted", () => {
  it.live("is told apart until an invoice of that sum is known", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      const work = `executor-${ada}~2`
      yield* append(work, "InvoiceRequested", {
        requester: `outreach-${ada}`,
        person: ada,
        records: [],
        amount: { minor: 120_000, currency: "EUR" },
      }, charted({ awaitingApproval: "invoice" }))
      yield* approvalFor("cccccc33", work, "draftInvoice", ada)
      const money = Effect.map(ask.brief(on(now)), (one) => one.money)
      const sum = [{ minor: 120_000, currency: "EUR" }]
      expect(yield* money).toMatchObject({ accepted: sum, expected: [] })
      yield* append("gatekeeper-cccccc33", "ApprovalGranted", { by: "operator", hash: "ff" }, {
        ...charted("approved"),
      })
      yield* append(work, "ActivitySucceeded", {
        ask: "1.0",
        output: { number: "2026-0001", where: "payments/invoices/2026-0001.md" },
      }, charted({ carriedOut: "noted" }))
      // Drafted, and the founder's to send.
      expect(yield* money).toMatchObject({ accepted: sum, expected: [] })
      yield* issued(invoice1042, ada, "2026-0001", 120_000, now + 5 * day, {
        state: { standing: { open: "notDue" }, recording: "upToDate" },
      })
      expect(yield* money).toMatchObject({ accepted: [], expected: sum })
    }).pipe(Effect.provide(world)))
})

describe("what came", () => {
  const mail = (n: number, at: number, sentAt: number, labels: ReadonlyArray<string> = []) =>
    append(`record-${n}`, "MailReceived", { person: ada, sentAt, kind: "personal", labels }, {
      at,
      occurredAt: sentAt,
    })
  const payment = (n: number, id: string, at: number, paidAt: number) =>
    append(`record-${n}`, "PaymentRecorded", {
      person: ada,
      kind: "charge",
      status: "succeeded",
      payment: id,
    }, { at, occurredAt: paidAt })

  it.live("counts what happened since the last brief, and what was only taken in apart", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      const taken = now - hour
      yield* mail(1, taken, now - 60 * day)
      yield* mail(2, taken, now - 3 * hour)
      yield* mail(3, taken, now - 2 * hour, ["Sent"])
      yield* mail(4, taken, now - 2 * hour, ["Spam"])
      // Which mails are the founder's own is not always said by a label.
      yield* mail(5, taken, now - 4 * hour)
      yield* append(`analyst-${ada}`, "MailRead", {
        person: ada,
        record: "record-5",
        direction: "outward",
        sentAt: now - 4 * hour,
        findings: {},
      }, { at: taken, occurredAt: now - 4 * hour })
      // One payment, of which two exports tell, and an old one.
      yield* payment(6, "ch_1", taken, now - 5 * hour)
      yield* payment(7, "ch_1", taken, now - 5 * hour)
      yield* payment(8, "ch_0", taken, now - 40 * day)
      // Who stands in an old list is no new lead; who wrote for the first time is one.
      yield* append(`lead-${ada}`, "LeadListed", { person: ada, list: "linkedin" }, {
        at: taken,
        occurredAt: now - 90 * day,
        ...charted("new"),
      })
      yield* append(`lead-${ada}`, "LeadWrote", { person: ada, sentAt: now - 3 * hour }, {
        at: taken,
        occurredAt: now - 3 * hour,
        ...charted("warm"),
      })
      yield* append(`lead-${marco}`, "LeadListed", { person: marco, list: "hubspot" }, {
        at: taken,
        ...charted("new"),
      })
      yield* append(`lead-${bright}`, "LeadWrote", { person: bright, sentAt: now - 2 * hour }, {
        at: taken,
        occurredAt: now - 2 * hour,
        ...charted("warm"),
      })
      expect((yield* ask.brief(on(now))).news).toMatchObject({
        mails: 1,
        payments: 1,
        leads: 1,
        takenIn: { records: 8, oldest: now - 60 * day },
        known: true,
      })
      // The next morning it is no news any more.
      const next = { ...on(now + day), date: "2026-11-25" }
      expect((yield* ask.brief(next)).news).toMatchObject({
        mails: 0,
        payments: 0,
        leads: 0,
        takenIn: { records: 0 },
        known: true,
      })
    }).pipe(Effect.provide(world)))

  it.live("since the brief of the day before was made, and not one that was made up for later", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      expect((yield* ask.brief(on(now))).news.since).toBe(now - day)
      const made = (date: string, at: number) =>
        append("coordinator-company", "ActivitySucceeded", {
          ask: "1.0",
          output: { slot: "daily", date, title: "Brief", text: "…", figures: {} },
        }, { at })
      yield* made("2026-11-20", now - 4 * day)
      yield* made("2026-11-23", now - 30 * 60_000)
      yield* made("2026-11-24", now - 60_000)
      expect((yield* ask.brief(on(now))).news.since).toBe(now - 4 * day)
      const next = yield* ask.brief({ ...on(now + day), date: "2026-11-25" })
      expect(next.news.since).toBe(now - 60_000)
    }).pipe(Effect.provide(world)))

  it.live("a message of a network says where it came from, and has no draft", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      yield* append(`lead-${ada}`, "LeadWrote", {
        person: ada,
        record: "record-1",
        sentAt: now - 5 * day,
        channel: "linkedin",
        signals: { warmth: 65, intents: ["asksPrice", "namesBudget"], instructsReader: false },
        amounts: [{ minor: 500_000, currency: "EUR" }],
        quotes: yield* sealed(ada, ["What would a new one cost?", "We could spend 5,000 EUR."]),
      }, { occurredAt: now - 5 * day, ...charted("hot") })
      const { leads, week } = yield* ask.brief(on(now))
      expect(week[0]).toMatchObject({
        what: "someone unknown or forgotten asks for a price and names a budget of 5,000 EUR " +
          "on LinkedIn: “What would a new one cost?”",
        short: "someone unknown or forgotten asks for a price, names 5,000 EUR on LinkedIn",
        why: ["“We could spend 5,000 EUR.”", "wrote 19 Nov 07:00 on LinkedIn"],
        since: now - 5 * day,
      })
      expect(leads[0]).not.toHaveProperty("wrote")
    }).pipe(Effect.provide(world)))
})

describe("content, decisions and quiet days", () => {
  it.live("a day without a time counts until it ends in the founder's zone, and has no hour", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      yield* append("article-t", "DraftWritten", {
        topic: "newsletter-47",
        record: "record-5",
        title: yield* sealed("founder", "Small shops: what they need"),
        covers: [],
        dueAt: Date.UTC(2026, 10, 26),
        at: now,
      }, charted({ text: "writing", deadline: "ahead" }))
      for (
        const [timeZone, until] of [
          ["Europe/Berlin", Date.UTC(2026, 10, 26, 22, 59)],
          ["America/New_York", Date.UTC(2026, 10, 27, 4, 59)],
        ] as const
      ) {
        const { week } = yield* ask.brief({ ...on(now), timeZone })
        expect(week[0]).toMatchObject({
          what: "“Small shops: what they need” is due Thursday: the draft is there",
          short: "Small shops due Thursday, the draft is there",
          dueAt: until,
        })
        // On the evening of that day it is due today, and not late.
        const evening = yield* ask.brief({
          ...on(until - hour),
          date: "2026-11-26",
          timeZone,
        })
        expect(evening.now[0]?.what).toContain("is due today")
      }
    }).pipe(Effect.provide(world)))

  it.live("an issue is told with what its draft leaves out", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      const note = Effect.fnUntraced(function* (n: number, title: string) {
        yield* append("article-t", "NoteCollected", {
          topic: "newsletter-47",
          record: `record-${n}`,
          title: yield* sealed("founder", title),
          dueAt: now + 2 * day,
          at: now,
        }, charted({ text: { collecting: "few" }, deadline: "ahead" }))
      })
      yield* note(1, "opening hours")
      yield* note(2, "pricing")
      yield* append("article-t", "DraftWritten", {
        topic: "newsletter-47",
        record: "record-5",
        title: yield* sealed("founder", "Small shops"),
        covers: ["record-1"],
        at: now,
      }, charted({ text: "writing", deadline: "ahead" }))
      const { content, week } = yield* ask.brief(on(now))
      expect(week[0]?.what).toBe(
        "“Small shops” is due Thursday: the draft covers 1 of 2 notes; nothing yet on “pricing”",
      )
      expect(content).toMatchObject([{ state: "writing", covered: 1, uncovered: ["pricing"] }])
    }).pipe(Effect.provide(world)))

  it.live("a decision shows what became of it, and what was postponed waits no more", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      yield* approvalFor("dddddd44", "executor-x", "sendMail", ada, {
        subject: "Re: Hello",
        person: ada,
      })
      yield* append("gatekeeper-dddddd44", "ApprovalPostponed", {
        until: now + 2 * day,
        by: "operator",
      }, {
        at: now - 30 * 60_000,
        ...charted("postponed"),
      })
      // Her mail is still unanswered, and is not told either: it was put off.
      yield* wrote(ada, "Ada Weiss", { at: now - 2 * hour, quotes: ["when?"], turn: "waiting" })
      yield* weighed(ada, "question", 90, [])
      const put = yield* ask.brief(on(now))
      expect([put.approvals, put.now, put.week]).toEqual([[], [], []])
      expect(put.decided).toMatchObject([{
        decision: "postponed",
        what: "mail to Ada Weiss “Re: Hello”",
        outcome: "comes back Thursday",
      }])
      // An hour earlier it still waited.
      expect((yield* ask.brief(on(now - 40 * 60_000))).approvals.length).toBe(1)
    }).pipe(Effect.provide(world)))

  it.live("what to mend comes in the order in which it hurts, five things at most", () =>
    Effect.gen(function* () {
      const ask = yield* Queries
      const early = { at: now - hour - 12 * 60_000 }
      for (const service of ["embedder", "ollama"]) {
        yield* append(`integration-${service}`, "CircuitOpened", {
          trouble: service === "ollama" ? "absent" : "noModel",
          reason: "nobody answers",
          failures: 1,
        }, early)
      }
      yield* append("coordinator-main", "AdapterDegraded", {
        adapter: "ollama",
        reason: "nobody answers",
      }, early)
      yield* append(
        "coordinator-main",
        "AdapterDegraded",
        { adapter: "mailer", reason: "full" },
        early,
      )
      yield* append("executor-1", "ActivityQuarantined", { ask: "3.0", reason: "" }, early)
      const day = {
        ...on(now),
        missing: ["name"],
        parked: 1,
        fixes: [{ what: "the disk is nearly full", fix: "aios doctor" }],
        advice: [{ what: "no embedding model", fix: "aios models pull" }],
      }
      const all = (yield* ask.brief({ ...day, parked: 0, missing: [] })).checklist
      expect(all.map(({ what }) => what)).toEqual([
        "nobody knows whether an activity happened: look, then say so",
        "the disk is nearly full",
        "Ollama does not answer since 05:48: drafts are templates, summaries wait",
        "The embedder has no model since 05:48: recall is by words",
        "mailer does not work: full",
      ])
      expect(all.slice(2, 4).map(({ fix }) => fix)).toEqual(["ollama serve", "aios models pull"])
      const { checklist } = yield* ask.brief(day)
      expect(checklist.length).toBe(5)
      expect(checklist.map(({ fix }) => fix).slice(1)).toEqual([
        "aios doctor",
        "aios doctor",
        "aios settings",
        "ollama serve",
      ])
      // Advice is last, and only where there is room.
      yield* append("integration-ollama", "CircuitClosed", { millis: 14 * 60_000 }, {
        at: now - 30 * 60_000,
      })
      yield* append("integration-embedder", "CircuitClosed", { millis: 2_000 }, {
        at: now - 29 * 60_000,
      })
      for (let n = 0; n < 6; n++) {
        yield* append("memory-main", "ActivitySucceeded", {
          ask: `${n}.0`,
          output: { of: "thread", accepted: n > 0 },
        }, { at: now - 20 * 60_000 })
      }
      const after = yield* ask.brief({ ...day, parked: 0 })
      expect(after.checklist.map(({ what }) => what).slice(2)).toEqual([
        "missing in the settings: name; without it nothing is drafted",
        "mailer does not work: full",
        "no embedding model",
      ])
      // A hiccup of two seconds is no news.
      expect(after.done.map(({ each }) => each)).toEqual([
        ["Ollama works again, after 14 minutes; 6 summaries were taken up"],
      ])
      // The line itself names it, as the page has it.
      expect(after.done.map(({ what }) => what)).toEqual([
        "Ollama works again, after 14 minutes; 6 summaries were taken up",
      ])
    }).pipe(Effect.provide(world)))

  it.live("a quiet day has nothing, and says what is not known", () =>
    Effect.gen(function* () {
      const brief = yield* Effect.flatMap(Queries, (ask) => ask.brief(on(now)))
      expect([brief.now, brief.week, brief.done, brief.held, brief.checklist])
        .toEqual([[], [], [], [], []])
      expect(brief.unknown).toEqual(["no mail was imported yet: aios import FILE…"])
    }).pipe(Effect.provide(world)))
})
