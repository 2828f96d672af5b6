/** Enters with the payments adapter that a reminder was sent, once. */
import { Effect } from "effect"
import { noteReminder as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { Payments } from "../payments.ts"

export const noteReminder = implement(
  declaration,
  ({ number, amount, at }, run) =>
    Effect.gen(function* () {
      const payments = yield* Payments
      const { where } = yield* payments.remind({ number, amount }, { key: run.askId, at })
      return { where }
    }),
)
