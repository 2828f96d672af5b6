/** Enters a payment that the founder told of with the payments adapter, once. */
import { Effect } from "effect"
import { recordPayment as declaration } from "../../machines/invoice.ts"
import { implement } from "../activity.ts"
import { Payments } from "../payments.ts"

export const recordPayment = implement(
  declaration,
  ({ number, payment, amount, at }, run) =>
    Effect.gen(function* () {
      const payments = yield* Payments
      const { where } = yield* payments.recordPayment(
        { number, payment, amount },
        { key: run.askId, at },
      )
      return { where }
    }),
)
