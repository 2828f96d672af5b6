/**
 * What an invoice hears, and what follows from it: who paid how much, what is owed, what was charged
 * beyond that. The chart is in `invoice.ts`. Currencies are never mixed: money in another currency is
 * remembered and pays nothing.
 */
import { Schema } from "effect"
import { activity, event, personal } from "./agent.ts"
import { Instant, InvoiceKey, Mailbox, Money, PersonKey } from "./record.ts"

const base = {
  person: PersonKey,
  invoice: InvoiceKey,
  /** Stream of the imported record. */
  record: Schema.String,
  at: Instant,
}

/** The invoice as a billing system has it now: issued, changed, or written off. */
export const InvoiceIssued = event("InvoiceIssued", {
  ...base,
  number: Schema.String,
  status: Schema.Literals(["draft", "open", "paid", "void", "uncollectible"]),
  contact: personal(Mailbox),
  total: Money,
  paid: Money,
  dueAt: Instant,
  /** Nobody named that day: it is due when issued (`issue`), or after the usual term (`term`). */
  assumed: Schema.optionalKey(Schema.Literals(["issue", "term"])),
})
export const PaymentReceived = event("PaymentReceived", {
  ...base,
  payment: Schema.String,
  amount: Money,
  /** `operator`: the founder said so (`aios paid`), and it is recorded with the payments adapter. */
  by: Schema.optionalKey(Schema.Literal("operator")),
})
export const PaymentFailed = event("PaymentFailed", { ...base, payment: Schema.String })
export const PaymentRefunded = event("PaymentRefunded", {
  ...base,
  payment: Schema.String,
  /** The charge that was given back. */
  of: Schema.optionalKey(Schema.String),
  amount: Money,
})
/** The customer disputes it: with the bank, or by complaining in a mail about this invoice. */
export const InvoiceDisputed = event("InvoiceDisputed", {
  ...base,
  by: Schema.Literals(["bank", "mail"]),
})
export const DisputeSettled = event("DisputeSettled", {
  ...base,
  outcome: Schema.Literals(["won", "lost", "settled"]),
})
/** Another document cancels it. */
export const InvoiceCancelled = event("InvoiceCancelled", { ...base, by: InvoiceKey })

/** Records a payment that the founder told of with the payments adapter, once. */
export const recordPayment = activity({
  name: "recordPayment",
  input: Schema.Struct({
    person: PersonKey,
    invoice: InvoiceKey,
    number: Schema.String,
    payment: Schema.String,
    amount: Money,
    at: Instant,
  }),
  output: Schema.Struct({ where: Schema.String }),
  idempotency: "keyed",
  adapter: "payments",
})

const day = 24 * 60 * 60 * 1000
/** How many payments an invoice remembers. */
export const paymentsMax = 20
/** What happened so long ago is history: nobody is reminded of it, nothing is paid back by itself. */
export const historyMillis = 180 * day

type Issued = typeof InvoiceIssued.Type
export type InvoiceEvent =
  | Issued
  | typeof PaymentReceived.Type
  | typeof PaymentFailed.Type
  | typeof PaymentRefunded.Type
  | typeof InvoiceDisputed.Type
  | typeof DisputeSettled.Type
  | typeof InvoiceCancelled.Type

interface Payment {
  readonly payment: string
  readonly amount: Money
  readonly at: number
  readonly record: string
}

export interface Books {
  readonly person: string
  readonly number: string
  readonly status: Issued["status"] | "unknown"
  readonly contact: Issued["contact"] | null
  readonly total: Money | null
  /** What the billing system says was paid. */
  readonly paid: number
  /** Epoch ms. */
  readonly dueAt: number
  /** Nobody named that day, so nobody is told of it. */
  readonly isDueAssumed: boolean
  readonly records: ReadonlyArray<string>
  readonly payments: ReadonlyArray<Payment>
  readonly refunds: ReadonlyArray<Payment & { readonly of: string }>
  /** Payments that failed, newest last. */
  readonly failures: ReadonlyArray<string>
  readonly cancelledBy: string | null
}

export const noBooks: Books = {
  person: "",
  number: "",
  status: "unknown",
  contact: null,
  total: null,
  paid: 0,
  dueAt: 0,
  isDueAssumed: false,
  records: [],
  payments: [],
  refunds: [],
  failures: [],
  cancelledBy: null,
}

/** A billing system never goes back from a later status to an earlier one: exports come in any order. */
const ranks = { unknown: 0, draft: 1, open: 2, uncollectible: 3, void: 4, paid: 4 }

/** Whether the event says something that was not known. */
export const isNews = (books: Books, event: InvoiceEvent): boolean => {
  switch (event.type) {
    case "InvoiceIssued":
      return ranks[event.status] >= ranks[books.status]
    case "PaymentReceived":
      return !books.payments.some(({ payment }) => payment === event.payment)
    case "PaymentRefunded":
      return !books.refunds.some(({ payment }) => payment === event.payment)
    case "PaymentFailed":
      return !books.failures.includes(event.payment)
    default:
      return true
  }
}

/** The books once this is entered. What is known already changes nothing. */
export const entered = (books: Books, event: InvoiceEvent): Books => {
  if (!isNews(books, event)) return books
  const records = [...books.records.filter((one) => one !== event.record), event.record]
    .slice(-paymentsMax)
  const known = { ...books, person: books.person === "" ? event.person : books.person, records }
  const { at, record } = event
  switch (event.type) {
    case "InvoiceIssued": {
      const { contact, dueAt, number, person, status, total } = event
      const paid = event.paid.currency === total.currency ? event.paid.minor : 0
      return {
        ...{ ...known, person, number, status, contact, total, dueAt },
        isDueAssumed: event.assumed !== undefined,
        paid: Math.max(paid, 0),
      }
    }
    case "PaymentReceived": {
      const { amount, payment } = event
      const payments = [...books.payments, { payment, amount, at, record }]
        .sort((a, b) => a.at - b.at).slice(-paymentsMax)
      return { ...known, payments }
    }
    case "PaymentRefunded": {
      const { amount, payment, of = "" } = event
      return {
        ...known,
        refunds: [...books.refunds, { payment, amount, at, record, of }].slice(-paymentsMax),
      }
    }
    case "PaymentFailed":
      return { ...known, failures: [...books.failures, event.payment].slice(-paymentsMax) }
    case "InvoiceCancelled":
      return { ...known, cancelledBy: event.by }
    case "DisputeSettled": {
      if (event.outcome !== "lost" || known.total === null) return known
      // The bank took it back; where nothing had been paid, nothing will be.
      const minor = netOf(known)
      if (minor <= 0) return { ...known, status: "uncollectible" }
      const amount = { minor, currency: known.total.currency }
      return {
        ...known,
        refunds: [...known.refunds, { payment: `dispute:${record}`, amount, at, record, of: "" }],
      }
    }
    default:
      return known
  }
}

const sumIn = (currency: string, moneys: ReadonlyArray<{ readonly amount: Money }>) =>
  moneys.reduce((sum, { amount }) => amount.currency === currency ? sum + amount.minor : sum, 0)

/** Payment id of what a charge says was given back of it in all, where it does not say by which refunds. */
export const runningRefund = (charge: string, minor: number): string =>
  `${charge}:refunded:${minor}`
export const isRunning = (
  { of, payment }: { readonly of: string; readonly payment: string },
): boolean => of !== "" && payment.startsWith(runningRefund(of, 0).slice(0, -1))

/** A charge's running total and the refunds that it is made of are the same money. */
const givenBackIn = (currency: string, refunds: Books["refunds"]): number => {
  const single = refunds.filter((one) => !isRunning(one))
  const running = Map.groupBy(refunds.filter(isRunning), ({ of }) => of)
  let sum = sumIn(currency, single)
  for (const [of, totals] of running) {
    const known = sumIn(currency, single.filter((one) => one.of === of))
    sum += Math.max(0, ...totals.map((one) => sumIn(currency, [one]) - known))
  }
  return sum
}

/** What came in and was not given back, in the invoice's currency. */
export const netOf = ({ paid, payments, refunds, total }: Books): number =>
  total === null
    ? 0
    : Math.max(paid, sumIn(total.currency, payments)) - givenBackIn(total.currency, refunds)

/** What is still to be paid, where a part was paid; undefined where nothing was, or all. */
export const owedIn = (books: Books): Money | undefined => {
  const { total } = books
  const net = netOf(books)
  return total === null || net <= 0 || net >= total.minor
    ? undefined
    : { minor: total.minor - net, currency: total.currency }
}

/** How the invoice stands by its books alone. */
export type Standing =
  | "unbilled"
  | "draft"
  | "open"
  | "paid"
  | "overpaid"
  | "refunded"
  | "cancelled"
  | "void"
  | "writtenOff"
export const standingOf = (books: Books): Standing => {
  const { cancelledBy, refunds, status, total } = books
  if (cancelledBy !== null) return "cancelled"
  if (total === null) return "unbilled"
  if (status === "void") return "void"
  const net = netOf(books)
  if (sumIn(total.currency, refunds) > 0 && net <= 0) return "refunded"
  if (net > Math.max(total.minor, 0)) return "overpaid"
  if (net >= total.minor || status === "paid") return "paid"
  if (status === "uncollectible") return "writtenOff"
  return status === "draft" ? "draft" : "open"
}

/** Charges beyond what is owed, newest first: what would have to be given back of each. */
export const surplusOf = (books: Books): ReadonlyArray<Payment> => {
  const { payments, refunds, total } = books
  if (total === null) return []
  let surplus = netOf(books) - Math.max(total.minor, 0)
  const extra: Array<Payment> = []
  for (const one of [...payments].reverse()) {
    if (surplus <= 0) break
    if (one.amount.currency !== total.currency) continue
    const given = givenBackIn(total.currency, refunds.filter(({ of }) => of === one.payment))
    const minor = Math.min(surplus, one.amount.minor - given)
    if (minor <= 0) continue
    surplus -= minor
    extra.push({ ...one, amount: { minor, currency: total.currency } })
  }
  return extra
}
