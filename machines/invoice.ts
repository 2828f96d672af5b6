/**
 * One invoice from the day it is issued to the day it is settled: what is owed, whether that day is
 * past, who was reminded, and what stands in the way. It never moves money: it asks the executor.
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
})
export const PaymentReceived = event("PaymentReceived", {
  ...base,
  payment: Schema.String,
  amount: Money,
  /** `operator`: the founder said so (`aios paid`), and it is recorded with the payments adapter. */
  by: Schema.optionalKey(Schema.String),
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
