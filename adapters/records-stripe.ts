/**
 * Reads what Stripe exports: objects and events of old and new API versions. A file is read twice: first
 * for what its objects say about each other, then for the records, so that an invoice is named right
 * wherever its customer stands in the file.
 */
import { decimalsOf } from "../actors/currencies.ts"
import { stripeCustomerUrl } from "../actors/intake-events.ts"
import type { ParsedCustomer, ParsedPayment, ParsedRecord } from "../actors/intake.ts"
import type { ReadItem } from "../actors/record-reader.ts"
import { runningRefund } from "../machines/billing.ts"
import { type JsonCut, member, numberAt, textAt } from "./records-json.ts"
import {
  customerFields,
  idAt,
  millis,
  short,
  type StripeReferences,
  unwrap,
  type Unwrapped,
} from "./records-stripe-references.ts"

const linesMax = 50

/** What is read; other objects are counted, not listed one by one. */
const kinds = new Set([
  "invoice",
  "charge",
  "payment_intent",
  "refund",
  "dispute",
  "customer",
  "invoice_payment",
  "credit_note",
])

/** Stripe writes these with other decimals than they have. */
const currencyOf = (object: unknown) => {
  const text = textAt(object, "currency").toUpperCase()
  return /^[A-Z]{3}$/.test(text) ? text : ""
}
const moneyOf = (minor: number, currency: string) => ({
  minor: Math.round(
    currency === "ISK" || currency === "UGX"
      ? minor / 100
      : currency === "MGA"
      ? minor * 10 ** decimalsOf(currency)
      : minor,
  ),
  currency,
})

const invoiceStatus = (object: unknown): "draft" | "open" | "paid" | "void" | "uncollectible" => {
  const status = textAt(object, "status")
  switch (status) {
    case "draft":
    case "open":
    case "paid":
    case "void":
    case "uncollectible":
      return status
    case "deleted":
      return "void"
    default:
      // Before 2018 an invoice had flags.
      return member(object, "paid") === true
        ? "paid"
        : member(object, "forgiven") === true
        ? "uncollectible"
        : member(object, "closed") === true
        ? "void"
        : "open"
  }
}

const disputeStatus = (status: string): ParsedPayment["status"] =>
  status === "won" || status === "warning_closed" ? "won" : status === "lost" ? "lost" : "open"
const movedStatus = (status: string): ParsedPayment["status"] =>
  status === "succeeded"
    ? "succeeded"
    : status === "failed" || status === "canceled" || status === "cancelled"
    ? "failed"
    : "pending"

type Given = { readonly [field: string]: number | string | undefined }
/** Without what is not said. */
const given = <T extends Given>(fields: T) => {
  const said: { [K in keyof T]?: Exclude<T[K], undefined> } = {}
  for (const key in fields) {
    const value = fields[key]
    if (value !== undefined && value !== "") Object.assign(said, { [key]: value })
  }
  return said
}

/** A field that is there and no amount: another field's must not stand in for it. */
const wrongAmount = (
  object: unknown,
  what: string,
  ...fields: ReadonlyArray<string>
): string | undefined => {
  const field = fields.find((one) => {
    const value = member(object, one)
    return value !== undefined && value !== null && numberAt(object, one) === undefined
  })
  if (field === undefined) return undefined
  const value = (JSON.stringify(member(object, field)) ?? "").slice(0, 40)
  const id = textAt(object, "id")
  return `the ${what}${id === "" ? "" : ` ${short(id).slice(0, 60)}`} is left out: ` +
    `its ${field} is ${value} and no amount`
}

const invoiceOf = (
  { object, at }: Unwrapped,
  customer: ParsedCustomer,
  source: ParsedRecord["source"],
): ParsedRecord | string => {
  const id = textAt(object, "id")
  const currency = currencyOf(object)
  const total = numberAt(object, "total") ?? numberAt(object, "amount_due")
  const wrong = wrongAmount(object, "invoice", "total", "amount_due", "amount_paid")
  if (id === "") return "the invoice has no id"
  if (wrong !== undefined) return wrong
  if (total === undefined || currency === "") return "the invoice has no total with a currency"
  const status = invoiceStatus(object)
  const rows = member(object, "lines", "data")
  const lines = Array.isArray(rows) ? rows : []
  const counted = numberAt(object, "lines", "total_count") ?? lines.length
  const paid = numberAt(object, "amount_paid") ??
    (status === "paid" ? numberAt(object, "amount_due") ?? total : 0)
  const paidAt = status === "paid"
    ? millis(numberAt(object, "status_transitions", "paid_at")) ?? at
    : undefined
  return {
    record: "invoice",
    system: "stripe",
    id,
    number: short(textAt(object, "number")) || id,
    status,
    customer,
    total: moneyOf(total, currency),
    paid: moneyOf(paid, currency),
    ...given({
      issuedAt: millis(
        numberAt(object, "status_transitions", "finalized_at") ??
          numberAt(object, "effective_at") ??
          numberAt(object, "created") ?? numberAt(object, "date"),
      ),
      dueAt: millis(numberAt(object, "due_date")),
      paidAt,
      at,
    }),
    ...(textAt(object, "collection_method") === "charge_automatically" ||
        textAt(object, "billing") === "charge_automatically"
      ? { dueOnIssue: true }
      : {}),
    lines: lines.slice(0, linesMax).map((line) => ({
      description: short(textAt(line, "description") || textAt(line, "plan", "nickname")),
      quantity: numberAt(line, "quantity") ?? 1,
      minor: moneyOf(numberAt(line, "amount") ?? 0, currency).minor,
    })),
    more: Math.max(0, counted - Math.min(lines.length, linesMax)),
    source,
  }
}

/** A credit note is an invoice of its own that takes back another. */
const creditNoteOf = (
  { object, at }: Unwrapped,
  customer: ParsedCustomer,
  known: StripeReferences,
  source: ParsedRecord["source"],
): ParsedRecord | string => {
  const id = textAt(object, "id")
  // Older versions, and previews, say it as `amount`.
  const total = numberAt(object, "total") ?? numberAt(object, "amount") ??
    numberAt(object, "subtotal")
  const of = idAt(object, "invoice")
  const currency = currencyOf(object) || known.currencies.get(of) || ""
  const wrong = wrongAmount(object, "credit note", "total", "amount")
  if (wrong !== undefined) return wrong
  const missing = [
    ...(id === "" ? ["id"] : []),
    ...(total === undefined ? ["total"] : []),
    ...(currency === "" ? ["currency"] : []),
  ]
  if (total === undefined || missing.length > 0) {
    return `the credit note${
      id === "" ? "" : ` ${short(id).slice(0, 60)}`
    } is left out: it has no ${missing.join(" and no ")}`
  }
  const amount = moneyOf(-Math.abs(total), currency)
  const rows = member(object, "lines", "data")
  const lines = Array.isArray(rows) ? rows : []
  return {
    record: "invoice",
    system: "stripe",
    id,
    number: short(textAt(object, "number")) || id,
    status: textAt(object, "status") === "void" ? "void" : "paid",
    customer,
    total: amount,
    paid: amount,
    ...given({
      issuedAt: millis(numberAt(object, "effective_at") ?? numberAt(object, "created")),
      at,
      cancels: of,
    }),
    lines: lines.slice(0, linesMax).map((line) => ({
      description: short(textAt(line, "description")),
      quantity: numberAt(line, "quantity") ?? 1,
      minor: -Math.abs(moneyOf(numberAt(line, "amount") ?? 0, currency).minor),
    })),
    more: Math.max(0, lines.length - linesMax),
    source,
  }
}

const paymentOf = (
  { object, kind }: Unwrapped,
  customer: ParsedCustomer,
  known: StripeReferences,
  source: ParsedRecord["source"],
): ParsedRecord | string | undefined => {
  const id = textAt(object, "id")
  const currency = currencyOf(object)
  const amount = numberAt(object, "amount")
  const what = kind === "payment_intent" ? "payment" : kind
  if (id === "") return `the ${what} has no id`
  if (amount === undefined || currency === "") return `the ${what} has no amount with a currency`
  const status = textAt(object, "status")
  const charge = idAt(object, "charge")
  const intent = idAt(object, "payment_intent") || known.charges.get(charge)?.intent || ""
  if (kind === "payment_intent") {
    // Its charge says the same and more; and one that never was tried is no payment.
    if (known.charged.has(id) || !/^(?:succeeded|processing)$/.test(status)) return undefined
  }
  const of = charge ||
    (kind === "charge" || kind === "payment_intent" ? "" : known.charged.get(intent) ?? intent)
  const invoice = idAt(object, "invoice") || known.invoices.get(id) || known.invoices.get(intent) ||
    (of === "" ? "" : known.charges.get(of)?.invoice || known.invoices.get(of) || "")
  const reason = kind === "refund" || kind === "dispute"
    ? short(textAt(object, "reason")).replaceAll("_", " ")
    : ""
  const failure = short(textAt(object, "failure_message"))
  return {
    record: "payment",
    system: "stripe",
    id,
    kind: kind === "refund" || kind === "dispute" ? kind : "charge",
    status: kind === "dispute"
      ? disputeStatus(status)
      : status === "" && kind === "charge"
      ? member(object, "paid") === true ? "succeeded" : "failed"
      : status === ""
      ? "succeeded"
      : movedStatus(status),
    amount: moneyOf(
      kind === "payment_intent" && status === "succeeded"
        ? numberAt(object, "amount_received") ?? amount
        : amount,
      currency,
    ),
    ...given({ invoice, of, paidAt: millis(numberAt(object, "created")) }),
    customer,
    description: [short(textAt(object, "description")), reason, failure].filter((one) => one !== "")
      .join(": "),
    source,
  }
}

/**
 * What a charge says was given back of it, where the file has not all of its refunds: newer versions do not
 * list them. It is a running total, so refunds that come later are not counted twice.
 */
const runningOf = (
  { object, at }: Unwrapped,
  charge: ParsedRecord | string | undefined,
  known: StripeReferences,
): ParsedRecord | undefined => {
  if (typeof charge !== "object" || charge.record !== "payment") return undefined
  const minor = numberAt(object, "amount_refunded") ??
    (member(object, "refunded") === true ? numberAt(object, "amount") ?? 0 : 0)
  if (minor <= (known.givenBack.get(charge.id) ?? 0)) return undefined
  const { paidAt: _, ...rest } = charge
  return {
    ...rest,
    id: runningRefund(charge.id, minor),
    kind: "refund",
    status: "succeeded",
    amount: moneyOf(minor, charge.amount.currency),
    of: charge.id,
    description: "Given back of the charge in all, as the charge says",
    // The charge's day is not that of the refund: where nobody says when, nobody knows.
    ...given({ paidAt: at }),
  }
}

const customerOf = (
  object: unknown,
  known: StripeReferences,
  source: ParsedRecord["source"],
): ParsedRecord | string => {
  const id = textAt(object, "id")
  const { name = "", address = "" } = known.customers.get(id) ?? {}
  if (id === "" || (name === "" && address === "")) {
    return "the customer has neither name nor mail address"
  }
  return {
    record: "person",
    list: "people",
    name,
    address,
    company: short(textAt(object, "business_name")),
    position: "",
    phone: short(textAt(object, "phone")),
    url: stripeCustomerUrl(id),
    ...given({ since: millis(numberAt(object, "created")) }),
    source,
  }
}

/** Second reading. Refunds inside a charge are records of their own. */
export async function* readStripe(
  cuts: AsyncIterable<JsonCut>,
  known: StripeReferences,
  file: string,
): AsyncGenerator<ReadItem> {
  const left = new Map<string, number>()
  let records = 0
  for await (const cut of cuts) {
    if ("reason" in cut) {
      yield { fault: cut }
      continue
    }
    const source = { file, at: cut.at }
    const unwrapped = unwrap(cut.value)
    const { object, kind } = unwrapped
    if (kind === "list") {
      yield { fault: { at: cut.at, reason: "a list within a list: give its objects one by one" } }
      continue
    }
    if (!kinds.has(kind) || member(object, "deleted") === true) {
      const name = /^[a-z][a-z_.]{0,40}$/.test(kind) ? kind : "without a known `object`"
      if (left.size < 200 || left.has(name)) left.set(name, (left.get(name) ?? 0) + 1)
      continue
    }
    const own = customerFields(object)
    const charge = known.charges.get(idAt(object, "charge")) ??
      known.charges.get(known.charged.get(idAt(object, "payment_intent")) ?? "")
    const id = own.id || charge?.customer.id || ""
    const named = known.customers.get(id)
    const customer: ParsedCustomer = {
      id,
      name: named?.name || own.name || charge?.customer.name || "",
      address: named?.address || own.address || charge?.customer.address || "",
    }
    const found: Array<ParsedRecord | string | undefined> = []
    switch (kind) {
      case "invoice":
        found.push(invoiceOf(unwrapped, customer, source))
        break
      case "credit_note":
        found.push(creditNoteOf(unwrapped, customer, known, source))
        break
      case "customer":
        found.push(customerOf(object, known, source))
        break
      case "invoice_payment":
        break
      default: {
        const payment = paymentOf(unwrapped, customer, known, source)
        found.push(payment)
        const refunds = kind === "charge" ? member(object, "refunds", "data") : undefined
        for (const refund of Array.isArray(refunds) ? refunds : []) {
          found.push(
            paymentOf({ object: refund, kind: "refund", at: undefined }, customer, known, source),
          )
        }
        if (kind === "charge") found.push(runningOf(unwrapped, payment, known))
      }
    }
    for (const one of found) {
      if (one === undefined) continue
      if (typeof one === "string") yield { fault: { at: cut.at, reason: one } }
      else {
        records++
        yield { record: one }
      }
    }
  }
  if (left.size > 0 && records === 0) {
    const names = [...left].slice(0, 10).map(([name, count]) => `${count} ${name}`).join(", ")
    yield {
      fault: {
        at: "",
        reason: `nothing in it is an invoice, payment, refund, dispute or customer (${names})`,
      },
    }
  }
}
