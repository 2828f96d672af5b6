/** Drafts an invoice with the payments adapter, once: the ask's id is its key, whatever crashes in between. */
import { Clock, Effect } from "effect"
import { draftInvoice as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { Payments } from "../payments.ts"
import { opened } from "./opened.ts"

export const draftInvoice = implement(declaration, (invoice, run) =>
  Effect.gen(function* () {
    const payments = yield* Payments
    const to = yield* opened(invoice.to)
    const description = yield* opened(invoice.description)
    const at = yield* Clock.currentTimeMillis
    const { number, where } = yield* payments.draftInvoice(
      { to, amount: invoice.amount, description },
      { key: run.askId, at },
    )
    return { number, where }
  }))
