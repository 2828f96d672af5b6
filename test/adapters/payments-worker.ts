/**
 * A process that drafts invoices and records payments in a folder, key by key, until it is killed. It
 * prints `did <key> <number>` for what was acknowledged. Started again it begins anew with the same keys.
 */
import { Effect } from "effect"
import { writeSync } from "node:fs"
import process from "node:process"
import { Payments } from "../../actors/payments.ts"
import { layer } from "../../adapters/payments-folder.ts"
import { invoice } from "../contract/payments.ts"

const [folder = "", from = "0", count = "0"] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const payments = yield* Payments
  for (let n = Number(from); n < Number(count); n++) {
    const call = { key: `invoice-${n}`, at: Date.UTC(2026, 10, 24) }
    const { number } = yield* payments.draftInvoice(
      { ...invoice, description: `Number ${n}` },
      call,
    )
    writeSync(1, `did ${call.key} ${number}\n`)
    const paid = { number, payment: `ch_${n}`, amount: invoice.amount }
    yield* payments.recordPayment(paid, { ...call, key: `payment-${n}` })
    writeSync(1, `did payment-${n} ${number}\n`)
  }
  writeSync(1, "end\n")
})

await Effect.runPromise(Effect.provide(program, layer(folder)))
