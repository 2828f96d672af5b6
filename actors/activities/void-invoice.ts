/** Makes a drafted invoice void. It was drafted under the ask that asked for it, and keeps its number. */
import { Clock, Effect } from "effect"
import { voidInvoice as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { Payments } from "../payments.ts"

export const voidInvoice = implement(declaration, (done, run) =>
  Effect.gen(function* () {
    const payments = yield* Payments
    const at = yield* Clock.currentTimeMillis
    const { where } = yield* payments.voidInvoice(done.ask, { key: run.askId, at })
    return { where }
  }))
