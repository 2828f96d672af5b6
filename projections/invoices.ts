/**
 * Every invoice as its actor knows it: what is owed, what came in for it, and what stands in the way.
 * Rows by `timeline.ts`: `invoice:<key>` is `{ person, number, status, total, currency, paid, dueAt,
 * state, payments, refunds, disputed, reminders, contact, events }`, amounts in the smallest unit.
 */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import { listOf, namesIn, numberOf, objectOf, sealedOf, sealedRow, textOf } from "./fields.ts"
import { textsOf } from "./fields.ts"
import { defineProjection, type Handler } from "./projection.ts"
import { turn } from "./timeline.ts"

/** Payments and events a row remembers; further ones are in the log. */
const paymentsMax = 20
const eventsMax = 12

/** States that say most about an invoice come first; a chart may be in several at once. */
const telling = [
  "disputed",
  "void",
  "cancelled",
  "writtenOff",
  "uncollectible",
  "overpaid",
  "paid",
  "settled",
  "refunded",
  "overdue",
  "due",
  "notDue",
  "open",
  "draft",
]

const stateOf = (names: ReadonlyArray<string>, before: Json | undefined): string =>
  telling.find((one) => names.includes(one)) ?? names.at(-1) ?? textOf(before)

/** States in which a chart leaves an invoice alone though something is open. */
const rests = new Set(["dormant", "surplusKept", "refundGiven"])

const change = (
  more: (data: JsonObject, row: JsonObject, event: RecordedEvent) => JsonObject,
): Handler =>
(event, rows) => {
  if (!event.stream.startsWith("invoice-")) return
  const names = namesIn(event.metadata.value, "standing")
  turn(rows, "invoice", keyOf(event.stream), event, (row) => ({
    ...row,
    ...more(objectOf(event.data), row, event),
    state: stateOf(names, row["state"]),
    /** History, or the founder's will: nothing is to be done about it. */
    resting: names.length === 0 ? row["resting"] === true : names.some((one) => rests.has(one)),
    events: [...textsOf(row["events"]), event.id].slice(-eventsMax),
  }))
}

const moneyIn = (value: Json | undefined) => numberOf(objectOf(value)["minor"])

const withPayment = (list: "payments" | "refunds") =>
  change((data, row) => {
    const known = listOf(row[list])
    const payment = textOf(data["payment"])
    if (known.some((one) => objectOf(one)["payment"] === payment)) return {}
    const { amount, at, by, of, record } = data
    return {
      person: textOf(data["person"]) || textOf(row["person"]),
      currency: textOf(row["currency"]) || textOf(objectOf(amount)["currency"]),
      [list]: [...known, {
        payment,
        minor: moneyIn(amount),
        at: numberOf(at),
        record: textOf(record),
        ...(by === undefined ? {} : { by }),
        ...(of === undefined ? {} : { of }),
      }].slice(-paymentsMax),
    }
  })

export const invoices = defineProjection({
  name: "invoices",
  version: 1,
  on: {
    InvoiceIssued: change((data) => {
      const contact = sealedOf(data["contact"])
      return {
        person: textOf(data["person"]),
        number: textOf(data["number"]),
        status: textOf(data["status"]),
        total: moneyIn(data["total"]),
        currency: textOf(objectOf(data["total"])["currency"]),
        paid: moneyIn(data["paid"]),
        dueAt: numberOf(data["dueAt"]),
        ...(contact === undefined ? {} : { contact: sealedRow(contact) }),
      }
    }),
    PaymentReceived: withPayment("payments"),
    PaymentRefunded: withPayment("refunds"),
    PaymentFailed: change((data) => ({ failed: textOf(data["payment"]) })),
    InvoiceDisputed: change((data, row) => ({
      disputed: textOf(data["by"]) || "mail",
      disputedAt: numberOf(row["disputedAt"]) || numberOf(data["at"]),
    })),
    DisputeSettled: change(() => ({ disputed: "" })),
    InvoiceCancelled: change((data) => ({ cancelledBy: textOf(data["by"]) })),
    WorkCarriedOut: change((data, row) =>
      data["kind"] === "mail" ? { reminders: numberOf(row["reminders"]) + 1 } : {}
    ),
    WorkRejected: change(() => ({})),
    WorkTakenBack: change((data, row) =>
      data["kind"] === "mail" ? { reminders: Math.max(0, numberOf(row["reminders"]) - 1) } : {}
    ),
    WorkFailed: change(() => ({})),
    // The day it is due passes by a timer.
    TimerFired: change(() => ({})),
  },
})

/** States and statuses in which nothing is owed. */
const nothingOwed = new Set([
  "void",
  "cancelled",
  "uncollectible",
  "writtenOff",
  "draft",
  "paid",
  "settled",
  "refunded",
])

export interface InvoiceRow {
  readonly key: string
  readonly person: string
  readonly number: string
  readonly state: string
  readonly currency: string
  /** All in the smallest unit. */
  readonly total: number
  readonly received: number
  readonly open: number
  /** Charged beyond what is owed. */
  readonly overpaid: number
  readonly dueAt: number
  readonly disputed: string
  readonly disputedAt: number
  readonly resting: boolean
  readonly failed: boolean
  readonly reminders: number
  readonly payments: ReadonlyArray<
    { readonly payment: string; readonly minor: number; readonly at: number }
  >
  readonly events: ReadonlyArray<string>
  readonly contact: Json
}

/** What the row amounts to. What a billing system says was paid and what was seen to come in are one. */
export const invoiceOf = (key: string, row: JsonObject): InvoiceRow => {
  const paymentsOf = (list: string) =>
    listOf(row[list]).map(objectOf).map((one) => ({
      payment: textOf(one["payment"]),
      of: textOf(one["of"]),
      minor: numberOf(one["minor"]),
      at: numberOf(one["at"]),
    }))
  const refunds = paymentsOf("refunds")
  const payments = paymentsOf("payments").map((one) => ({
    ...one,
    minor: one.minor -
      refunds.reduce((sum, back) => sum + (back.of === one.payment ? back.minor : 0), 0),
  }))
  const seen = payments.reduce((sum, one) => sum + one.minor, 0) -
    refunds.reduce((sum, one) => sum + (one.of === "" ? one.minor : 0), 0)
  const total = numberOf(row["total"])
  const received = Math.max(numberOf(row["paid"]), seen)
  const state = textOf(row["state"])
  const closed = nothingOwed.has(state) || nothingOwed.has(textOf(row["status"])) ||
    textOf(row["cancelledBy"]) !== ""
  return {
    key,
    person: textOf(row["person"]),
    number: textOf(row["number"]),
    state: state || textOf(row["status"]),
    currency: textOf(row["currency"]) || "EUR",
    total,
    received,
    open: closed ? 0 : Math.max(0, total - received),
    overpaid: total > 0 ? Math.max(0, seen - total) : 0,
    dueAt: numberOf(row["dueAt"]),
    disputed: textOf(row["disputed"]),
    disputedAt: numberOf(row["disputedAt"]),
    resting: row["resting"] === true,
    failed: textOf(row["failed"]) !== "",
    reminders: numberOf(row["reminders"]),
    payments: payments.filter((one) => one.minor > 0).sort((a, b) => a.at - b.at),
    events: textsOf(row["events"]),
    contact: row["contact"] ?? null,
  }
}
