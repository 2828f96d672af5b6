/** Gives money back through the payments adapter, once: the ask's id is the refund's key. */
import { Clock, Effect } from "effect"
import { refundPayment as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { Payments } from "../payments.ts"
import { opened } from "./opened.ts"

export const refundPayment = implement(declaration, (given, run) =>
  Effect.gen(function* () {
    const payments = yield* Payments
    const { number, payment, amount, reason } = given
    const to = yield* opened(given.to)
    const at = yield* Clock.currentTimeMillis
    const refunded = yield* payments.refund(
      { number, payment, amount, reason, to },
      { key: run.askId, at },
    )
    return { refund: refunded.refund, where: refunded.where }
  }))
