/** Takes an approved mail back out of the outbox: the key it was handed over under was its ask's id. */
import { Effect } from "effect"
import { recallMail as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { Mailer } from "../mailer.ts"

export const recallMail = implement(
  declaration,
  ({ ask }) => Effect.flatMap(Mailer, (mailer) => mailer.recall(ask)),
)
