/**
 * Port: invoices and money. Every call carries a key: the same key again changes nothing and answers
 * the same. With `dryRun` nothing is written and the answer says what would be.
 */
import { Context, type Effect, Schema } from "effect"
import type { Money } from "../machines/record.ts"

export interface Party {
  readonly name: string
  readonly address: string
}

export interface PaymentsCall {
  /** Idempotency key: the ask's id. */
  readonly key: string
  /** Epoch ms for the record's date. */
  readonly at: number
  readonly dryRun?: boolean
}

/** Nothing was recorded, or nobody knows. With `retryable` the same call may succeed later. */
export class PaymentsUnavailable
  extends Schema.TaggedError<PaymentsUnavailable>()("PaymentsUnavailable", {
    message: Schema.String,
    retryable: Schema.Boolean,
    cause: Schema.optionalKey(Schema.Defect()),
  }) {}

/** The call cannot be done as it is: unknown invoice, more than was paid, other content under the same key. */
export class PaymentRefused extends Schema.TaggedError<PaymentRefused>()("PaymentRefused", {
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

type Done<A> = Effect.Effect<
  A & { readonly where: string; readonly dryRun: boolean },
  PaymentsUnavailable | PaymentRefused
>

export class Payments extends Context.Service<Payments, {
  /** Of the adapter's record format; written into each record. */
  readonly version: number
  /** A draft for the founder to send; `number` counts up without gaps: `2026-0001`. */
  draftInvoice(
    invoice: { readonly to: Party; readonly amount: Money; readonly description: string },
    call: PaymentsCall,
  ): Done<{ readonly number: string }>
  voidInvoice(draftKey: string, call: PaymentsCall): Done<object>
  recordPayment(
    payment: { readonly number: string; readonly payment: string; readonly amount: Money },
    call: PaymentsCall,
  ): Done<object>
  refund(
    refund: {
      readonly number: string
      readonly payment: string
      readonly amount: Money
      readonly reason: string
      readonly to: Party
    },
    call: PaymentsCall,
  ): Done<{ readonly refund: string }>
  cancelRefund(refundKey: string, call: PaymentsCall): Done<object>
  remind(
    reminder: { readonly number: string; readonly amount: Money },
    call: PaymentsCall,
  ): Done<object>
}>()("actors/Payments") {}
