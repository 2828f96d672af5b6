/** Takes a refund back. It was recorded under the ask that asked for it. */
import { Clock, Effect } from "effect"
import { cancelRefund as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { Payments } from "../payments.ts"

export const cancelRefund = implement(declaration, (done, run) =>
  Effect.gen(function* () {
    const payments = yield* Payments
    const at = yield* Clock.currentTimeMillis
    const { where } = yield* payments.cancelRefund(done.ask, { key: run.askId, at })
    return { where }
  }))
