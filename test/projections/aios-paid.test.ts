/** The founder says that money arrived: once per amount and day, in the invoice's own currency. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Vault } from "../../actors/vault.ts"
import { implement } from "../../actors/activity.ts"
import { recordPayment } from "../../machines/invoice.ts"
import { Aios } from "../../projections/aios.ts"
import { aiosHouse, refusalOf } from "./aios-house.ts"

const day = 24 * 60 * 60 * 1000
const invoice = "a".repeat(32)
const eur = (minor: number) => ({ minor, currency: "EUR" })

/** Where payments are recorded: one line per key. */
const book = () => {
  const lines = new Map<string, number>()
  const activity = implement(recordPayment, (payment, { askId }) =>
    Effect.sync(() => {
      lines.set(askId, payment.amount.minor)
      return { where: "book" }
    }))
  return { lines, activity }
}

const issued = (status: "open" | "void") =>
  Effect.gen(function* () {
    const aios = yield* Aios
    const now = Date.now()
    yield* aios.propose(`invoice-${invoice}`, {
      type: "InvoiceIssued",
      person: (yield* Vault).personKey("ada@client.example"),
      invoice,
      record: "record-1",
      at: now - 10 * day,
      number: "1042",
      status,
      contact: { name: "Ada", address: "ada@client.example" },
      total: eur(100_000),
      paid: eur(0),
      dueAt: now + 10 * day,
    }, {})
    yield* aios.settle(5_000)
    return aios
  })

describe("paid", () => {
  it.live("in parts, each recorded once, until nothing is open", () => {
    const { activity, lines } = book()
    return Effect.gen(function* () {
      const aios = yield* issued("open")
      const half = { amount: eur(50_000) }
      const first = yield* aios.paid("1042", half)
      expect(first.outcome).toContain("500.00 EUR is still open")
      const again = yield* aios.paid("1042", half)
      expect(again.outcome).toContain("recorded before; nothing changed")
      expect([...lines.values()]).toEqual([50_000])
      // Another day is another payment; by the beginning of the key.
      const second = yield* aios.paid(invoice.slice(0, 8), { at: Date.now() - 2 * day })
      expect(second.outcome).toContain("Nothing is open any more")
      expect(second.state).toContain("paid")
      expect((yield* aios.paid("1042", {})).outcome).toContain("was paid before")
      expect([...lines.values()]).toEqual([50_000, 50_000])
    }).pipe(Effect.provide(aiosHouse({ activities: [activity] })))
  })

  it.live("not more than is open, unless it did arrive", () => {
    const { activity, lines } = book()
    return Effect.gen(function* () {
      const aios = yield* issued("open")
      yield* aios.paid("1042", { amount: eur(16_000) })
      const typo = yield* refusalOf(aios.paid("1042", { amount: eur(840_000) }))
      expect([typo.error, typo.message]).toEqual([
        "MoreThanOpen",
        expect.stringContaining("840.00 EUR is open on invoice 1042, not 8,400.00 EUR"),
      ])
      expect([...lines.values()]).toEqual([16_000])
      const more = yield* aios.paid("1042", { amount: eur(84_001), force: true })
      expect(more.outcome).toContain("0.01 EUR more than is owed")
      expect([...lines.values()]).toEqual([16_000, 84_001])
    }).pipe(Effect.provide(aiosHouse({ activities: [activity] })))
  })

  it.live("nothing that cannot be: other money, a day to come, an unknown number, a void invoice", () => {
    const { activity, lines } = book()
    return Effect.gen(function* () {
      const aios = yield* issued("void")
      const error = (operation: ReturnType<typeof aios.paid>) =>
        Effect.map(refusalOf(operation), (failure) => failure.error)
      expect(yield* error(aios.paid("1042", {}))).toBe("NothingOwed")
      expect(yield* error(aios.paid("1043", {}))).toBe("InvoiceNotFound")
      const dollars = { amount: { minor: 1, currency: "USD" } }
      expect(yield* error(aios.paid("1042", dollars))).toBe("InvalidValue")
      const tomorrow = { amount: eur(1), at: Date.now() + 2 * day }
      expect(yield* error(aios.paid("1042", tomorrow))).toBe("InvalidValue")
      expect(lines.size).toBe(0)
    }).pipe(Effect.provide(aiosHouse({ activities: [activity] })))
  })
})
