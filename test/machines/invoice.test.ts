/** The rules of an invoice: when it is due, who is reminded, what was paid twice, and what a dispute stops. */
import { describe, expect, it } from "vitest"
import { historyMillis, runningRefund, surplusOf } from "../../machines/billing.ts"
import {
  firstReminderMillis,
  graceMillis,
  invoice,
  reminderMillis,
  remindersMax,
} from "../../machines/invoice.ts"
import { after, day, done, epoch, failed, givenActor } from "../given.ts"

const key = "fedcba9876543210fedcba9876543210"
const person = "0123456789abcdef0123456789abcdef"
const envelope = { $sealed: [person, "k1", "n", "t"] } as const
const eur = (minor: number) => ({ minor, currency: "EUR" })
const base = (at: number) => ({
  person,
  invoice: key,
  record: `record-${at}`,
  at: epoch + at * day,
})

const issued = (
  fields: { due?: number; status?: string; paid?: number; total?: number; at?: number } = {},
) => ({
  type: "InvoiceIssued",
  ...base(fields.at ?? 0),
  number: "1042",
  status: fields.status ?? "open",
  contact: envelope,
  total: eur(fields.total ?? 8900),
  paid: eur(fields.paid ?? 0),
  dueAt: epoch + (fields.due ?? 14) * day,
})
const paid = (payment: string, minor = 8900, more: object = {}, at = 1) => ({
  type: "PaymentReceived",
  ...base(at),
  payment,
  amount: eur(minor),
  ...more,
})
const refunded = (payment: string, of: string, minor = 8900) => ({
  type: "PaymentRefunded",
  ...base(3),
  payment,
  of,
  amount: eur(minor),
})
const disputed = (by: "mail" | "bank") => ({ type: "InvoiceDisputed", ...base(2), by })
const settled = (outcome: string) => ({ type: "DisputeSettled", ...base(5), outcome })
const cancelled = { type: "InvoiceCancelled", ...base(2), by: person }
const ended = (type: string, work: number, kind = "mail") => ({
  type,
  work: `executor-${key}~${work}`,
  kind,
  answers: epoch,
  ...(type === "WorkFailed" ? { problem: "Skipped" } : {}),
})
const given = (...steps: Parameters<typeof givenActor>[2][]) => givenActor(invoice, key, ...steps)
const stands = (standing: unknown, recording = "upToDate") => ({ standing, recording }) as never
const open = (inner: unknown) => stands({ open: inner })
/** Due so many days ago when it came here. */
const late = (days: number) => issued({ due: -days })
const reminder = (n: number) => `executor-${key}~${n}`

describe("an invoice", () => {
  it("is a draft, then open, then due, then overdue", () =>
    void given(issued({ status: "draft" })).is(stands("draft")).when(issued())
      .is(open("notDue")).when(after(14 * day)).is(open("due")).when(after(graceMillis))
      .is(open({ overdue: "unreminded" })))
  it("is paid by what the billing system says, or by what came in", () => {
    given(issued({ status: "paid", paid: 8900 })).is(stands("paid"))
    given(issued(), paid("ch_1")).is(stands("paid"))
    given(issued(), paid("ch_1", 4000)).is(open("notDue")).when(paid("ch_2", 4900)).is(
      stands("paid"),
    )
  })
  it("is paid by no other currency", () =>
    void given(issued(), paid("ch_1", 8900, { amount: { minor: 8900, currency: "USD" } })).is(
      open("notDue"),
    ))
  it("does not become open again by an older export", () =>
    void given(issued({ status: "paid", paid: 8900 }), issued({ at: 1 })).is(stands("paid")))
  it("may hear of money before it is shown itself", () =>
    void given(paid("ch_1")).is(stands("unbilled")).when(issued()).is(stands("paid")))
  it("ends when it is cancelled, void, written off or given back", () => {
    given(issued(), cancelled).is(stands("cancelled"))
    given(issued(), issued({ status: "void" })).is(stands("void"))
    given(issued(), issued({ status: "uncollectible" })).is(stands("writtenOff"))
    given(issued(), paid("ch_1"), refunded("re_1", "ch_1")).is(stands("refunded"))
  })
  it("goes on where it was when part of it is paid", () =>
    void given(late(9), after(10), paid("ch_1", 100)).is(open({ overdue: "reminderAsked" })))
  it("has a new term when another day is named", () =>
    void given(late(9), after(10), issued({ due: 40, at: 1 })).is(open("notDue")))
})

describe("a reminder", () => {
  it("is asked for three days after the day it was due", () =>
    void given(issued(), after(14 * day + firstReminderMillis - 5 * 60_000)).is(
      open({ overdue: "unreminded" }),
    ).when(after(5 * 60_000)).is(open({ overdue: "reminderAsked" })).tells(
      reminder(1),
      {
        type: "MailRequested",
        requester: `invoice-${key}`,
        purpose: "reminder",
        answers: epoch + 14 * day,
        invoice: { number: "1042", total: eur(8900), reminders: 0 },
      },
    ))
  it("is asked for today where the invoice is 31 days late when it comes here", () =>
    void given(late(31)).when(after(10)).is(open({ overdue: "reminderAsked" })))
  it("is not asked for where the invoice is history", () =>
    void given().when(late(historyMillis / day + 1)).is(open({ overdue: "dormant" })).tellsNobody()
      .when(after(100 * day)).tellsNobody())
  it("comes again after ten days, three times at most", () => {
    let story = given(late(9), after(10))
    for (let n = 1; n < remindersMax; n++) {
      story = story.when(ended("WorkCarriedOut", n)).is(open({ overdue: "reminded" }))
        .when(after(reminderMillis)).is(open({ overdue: "reminderAsked" }))
    }
    story.when(ended("WorkCarriedOut", remindersMax)).is(open({ overdue: "exhausted" }))
      .when(after(100 * day)).tellsNobody()
  })
  it("is withdrawn when the money comes", () =>
    void given(late(9), after(10), paid("ch_1")).is(stands("paid")).knows({ reminder: null }))
  it("names what is still owed, anew for each part that is paid", () =>
    void given(late(9), after(10)).when(paid("ch_1", 4000)).is(open({ overdue: "reminderAsked" }))
      .tellsAll(
        [reminder(1), { type: "WorkWithdrawn", because: "PaymentReceived" }],
        [reminder(2), { type: "MailRequested", invoice: { total: eur(8900), owed: eur(4900) } }],
      ).when(paid("ch_1", 4000)).tellsNobody()
      .when(paid("x", 5000, { amount: { minor: 5000, currency: "USD" } }))
      .tellsNobody().knows({ reminder: reminder(2) }))
  it("is not sent where the founder rejects it", () =>
    void given(late(9), after(10), ended("WorkRejected", 1)).is(open({ overdue: "exhausted" }))
      .when(after(100 * day)).tellsNobody())
  it("that could not be sent is tried again", () =>
    void given(late(9), after(10), ended("WorkFailed", 1)).is(open({ overdue: "postponed" }))
      .when(after(reminderMillis)).is(open({ overdue: "reminderAsked" })))
  it("that was taken back does not count, and may be asked for again some days later", () => {
    const takenBack = ended("WorkTakenBack", 1)
    given(late(9), after(10), ended("WorkCarriedOut", 1)).when(takenBack).is(
      open({ overdue: "unreminded" }),
    ).knows({ reminders: 0 }).when(after(firstReminderMillis - 1)).tellsNobody().when(after(1))
      .tells(reminder(2), { type: "MailRequested", invoice: { reminders: 0 } })
    given(late(9), after(10), ended("WorkCarriedOut", 1), paid("ch_1")).when(takenBack).is(
      stands("paid"),
    ).knows({ reminders: 0 })
    given(late(9), after(10), ended("WorkCarriedOut", 1)).when(ended("WorkTakenBack", 7)).is(
      open({ overdue: "reminded" }),
    )
  })
  it("is not ended by another's work", () =>
    void given(late(9), after(10), ended("WorkCarriedOut", 7)).is(
      open({ overdue: "reminderAsked" }),
    ))
})

describe("a double charge", () => {
  const twice = [issued({ status: "paid", paid: 8900 }), paid("ch_1"), paid("ch_2", 8900, {}, 2)]
  it("is to be given back, once", () =>
    void given(...twice).is(stands({ overpaid: "refundAsked" })).knows({
      refund: { work: reminder(1), payment: "ch_2" },
      refundsAsked: ["ch_2"],
      works: 1,
    }))
  it("is none where the same charge is seen as object and as event", () =>
    void given(issued(), paid("ch_1"), paid("ch_1", 8900, {}, 2)).is(stands("paid")))
  it("is not given back twice, whatever comes again", () =>
    void given(...twice, ended("WorkCarriedOut", 1, "refund")).is(
      stands({ overpaid: "refundGiven" }),
    )
      .when(issued({ status: "paid", paid: 8900, at: 3 })).is(stands({ overpaid: "refundGiven" }))
      .tellsNobody())
  it("takes its refund back when the payment system has given it back already", () =>
    void given(...twice).when(refunded("re_1", "ch_2")).is(stands("paid")).knows({ refund: null }))
  it("stays where the founder took the refund back", () =>
    void given(...twice, ended("WorkCarriedOut", 1, "refund"), ended("WorkTakenBack", 1, "refund"))
      .is(stands({ overpaid: "surplusKept" })))
  it("stays where the founder wants it to", () =>
    void given(...twice, ended("WorkRejected", 1, "refund")).is(
      stands({ overpaid: "surplusKept" }),
    ))
  it("of long ago is history", () =>
    void given(issued({ status: "paid", paid: 8900 }), after(400 * day), paid("ch_1"), paid("ch_2"))
      .is(stands({ overpaid: "surplusKept" })))
  it("names what is owed back of each charge", () => {
    const books = given(issued({ total: 10_000 }), paid("a", 6_000), paid("b", 6_000, {}, 2))
      .state.snapshot.context.books
    expect(surplusOf(books)).toMatchObject([{ payment: "b", amount: eur(2_000) }])
  })
})

describe("a dispute", () => {
  it("stops the reminders, and they go on where they were", () =>
    void given(late(9), after(10), ended("WorkCarriedOut", 1), disputed("mail")).is(
      stands("disputed"),
    )
      .when(after(100 * day)).tellsNobody().when(settled("settled")).is(
        open({ overdue: "reminded" }),
      ))
  it("withdraws the reminder under way", () =>
    void given(late(9), after(10), disputed("mail")).is(stands("disputed")).knows({
      reminder: null,
    }))
  it("that is settled leaves three days before a reminder that was under way is asked for again", () =>
    void given(late(9), after(10), disputed("mail"), settled("settled")).is(
      open({ overdue: "unreminded" }),
    ).when(after(firstReminderMillis - 1)).tellsNobody().when(after(1)).is(
      open({ overdue: "reminderAsked" }),
    ).tells(reminder(2), { type: "MailRequested" }))
  it("that is settled before anybody was reminded does so as well", () =>
    void given(issued(), disputed("mail"), after(40 * day)).when(settled("settled")).is(
      open("notDue"),
    ).when(after(10)).is(open({ overdue: "unreminded" })).when(after(firstReminderMillis)).is(
      open({ overdue: "reminderAsked" }),
    ))
  it("with the bank is not settled by an answer to a mail", () =>
    void given(issued(), disputed("mail"), disputed("bank"), settled("settled")).is(
      stands("disputed"),
    ))
  it("leaves a refund where it was", () => {
    const twice = [issued(), paid("ch_1"), paid("ch_2"), disputed("mail")]
    given(...twice, settled("settled")).is(stands({ overpaid: "refundAsked" }))
      .when(ended("WorkCarriedOut", 1, "refund")).is(stands({ overpaid: "refundGiven" }))
    given(...twice, ended("WorkCarriedOut", 1, "refund"), settled("settled")).is(
      stands({ overpaid: "refundGiven" }),
    )
    given(...twice, ended("WorkRejected", 1, "refund"), settled("settled")).is(
      stands({ overpaid: "surplusKept" }),
    )
  })
  it("by mail is none where all is paid", () =>
    void given(issued(), paid("ch_1"), disputed("mail")).is(stands("paid")))
  it("by the bank holds what was paid until it is won or lost", () => {
    const story = given(issued(), paid("ch_1"), disputed("bank")).is(stands("disputed"))
      .when(issued({ status: "paid", paid: 8900, at: 3 })).is(stands("disputed"))
    story.when(settled("won")).is(stands("paid"))
    story.when(settled("lost")).is(stands("refunded"))
  })
  it("ends when what was charged twice is given back", () =>
    void given(issued(), paid("ch_1"), paid("ch_2"), disputed("mail")).is(stands("disputed"))
      .when(refunded("re_1", "ch_2")).is(stands("paid")))
  it("is the same, whether the charge says it in all or its refunds one by one", () => {
    const twicePaid = [issued(), paid("ch_1"), paid("ch_2", 8900, {}, 2)]
    const charge = (minor: number) => refunded(runningRefund("ch_2", minor), "ch_2", minor)
    const [some, rest] = [refunded("re_1", "ch_2", 3000), refunded("re_2", "ch_2", 5900)]
    given(...twicePaid, charge(8900)).is(stands("paid"))
    given(...twicePaid, some, charge(8900), rest).is(stands("paid"))
    given(...twicePaid, charge(3000), charge(8900), some, rest).is(stands("paid"))
    given(...twicePaid, charge(8900), refunded("re_3", "ch_1")).is(stands("refunded"))
  })
  it("ends with the invoice", () =>
    void given(issued(), disputed("mail"), cancelled).is(stands("cancelled")))
})

describe("a payment the founder tells of", () => {
  const told = paid("operator-1", 8900, { by: "operator" })
  it("is recorded with the payments adapter", () =>
    void given(issued()).when(told).asks("recordPayment").is(stands("paid", "recording"))
      .when(done("record", { where: "payments.csv" })).is(stands("paid")))
  it("is recorded once", () =>
    void given(issued(), told, done("record", { where: "x" })).when(told).asks().is(stands("paid")))
  it("waits for the one before", () =>
    void given(
      issued(),
      paid("operator-1", 100, { by: "operator" }),
      paid("operator-2", 200, { by: "operator" }),
    )
      .is(stands({ open: "notDue" }, "recording")).when(done("record", { where: "x" }))
      .asks("recordPayment").when(done("record", { where: "x" })).is(open("notDue")))
  it("is tried again where the adapter could not take it", () =>
    void given(issued(), told).when(failed("record", "PaymentsUnavailable")).is(
      stands("paid", "unrecorded"),
    ).when(after(day)).asks("recordPayment"))
  it("is not recorded where it was imported", () => void given(issued()).when(paid("ch_1")).asks())
})
