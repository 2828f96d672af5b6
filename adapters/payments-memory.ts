/** Payments in memory: the rules of the book without files, for tests and trials. */
import { Layer } from "effect"
import { Payments, PaymentsUnavailable } from "../actors/payments.ts"
import { inMemory } from "./keyed-journal.ts"
import { bookOver } from "./payments-book.ts"

export const layer: Layer.Layer<Payments> = Layer.sync(
  Payments,
  () =>
    Payments.of(bookOver(inMemory(), {
      show: () => {},
      where: (line) => `memory:${line.refund === "" ? line.number : line.refund}`,
      trouble: (cause) =>
        new PaymentsUnavailable({ message: String(cause), retryable: false, cause }),
    })),
)
