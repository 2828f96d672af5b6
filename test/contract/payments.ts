/**
 * What every payments adapter promises: one entry per key whatever is repeated, numbers without gaps, and
 * a clear refusal of what cannot be.
 */
import { Effect, type Layer } from "effect"
import { describe, expect, it } from "vitest"
import { Payments, type PaymentsCall } from "../../actors/payments.ts"

const at = Date.UTC(2026, 10, 24, 9)
const to = { name: "Ada Weiss", address: "ada@lumen.example" }
const amount = { minor: 120_000, currency: "EUR" }
const call = (key: string, more: Partial<PaymentsCall> = {}): PaymentsCall => ({ key, at, ...more })

export const invoice = { to, amount, description: "Two sponsorships" }
const refund = { number: "1042", payment: "ch_2", amount, reason: "Charged twice", to }

/** `layer` must give an empty book each time. */
export const paymentsContract = (name: string, layer: () => Layer.Layer<Payments>) => {
  const on = (test: (payments: Payments["Service"]) => Effect.Effect<void, unknown>) => () =>
    Effect.runPromise(Effect.provide(Effect.flatMap(Payments, test), layer()))

  describe(name, () => {
    it(
      "numbers count up without gaps, year by year",
      on((payments) =>
        Effect.gen(function* () {
          const numbers: Array<string> = []
          for (const [n, year] of [2026, 2026, 2027, 2026, 2027].entries()) {
            const when = Date.UTC(year, 5, 1)
            const { number } = yield* payments.draftInvoice(invoice, call(`k${n}`, { at: when }))
            numbers.push(number)
          }
          expect(numbers).toEqual(["2026-0001", "2026-0002", "2027-0001", "2026-0003", "2027-0002"])
        })
      ),
    )
    it(
      "the same key is the same invoice, also later and at the same time",
      on((payments) =>
        Effect.gen(function* () {
          const first = yield* payments.draftInvoice(invoice, call("k"))
          yield* payments.draftInvoice(invoice, call("other"))
          const again = yield* Effect.all(
            Array.from({ length: 8 }, () =>
              payments.draftInvoice(invoice, call("k", { at: at + 1 }))),
            { concurrency: "unbounded" },
          )
          for (const one of again) {
            expect(one).toEqual(first)
          }
          const third = yield* payments.draftInvoice(invoice, call("third"))
          expect(third.number).toBe("2026-0003")
        })
      ),
    )
    it(
      "invoices drafted at the same time have numbers of their own",
      on((payments) =>
        Effect.gen(function* () {
          const all = yield* Effect.all(
            Array.from({ length: 20 }, (_, n) => payments.draftInvoice(invoice, call(`k${n}`))),
            { concurrency: "unbounded" },
          )
          expect(all.map((one) => one.number).toSorted()).toEqual(
            Array.from({ length: 20 }, (_, n) => `2026-${String(n + 1).padStart(4, "0")}`),
          )
        })
      ),
    )
    it(
      "other content under a known key is refused, and changes nothing",
      on((payments) =>
        Effect.gen(function* () {
          const first = yield* payments.draftInvoice(invoice, call("k"))
          const failure = yield* Effect.flip(
            payments.draftInvoice({ ...invoice, description: "Other" }, call("k")),
          )
          expect(failure).toMatchObject({ _tag: "PaymentRefused", retryable: false })
          expect(yield* payments.draftInvoice(invoice, call("k"))).toEqual(first)
          const crossed = yield* Effect.flip(payments.refund(refund, call("k")))
          expect(crossed._tag).toBe("PaymentRefused")
        })
      ),
    )
    it(
      "a dry run says what would be and changes nothing",
      on((payments) =>
        Effect.gen(function* () {
          const dry = call("k", { dryRun: true })
          expect(yield* payments.draftInvoice(invoice, dry)).toMatchObject({
            number: "2026-0001",
            dryRun: true,
          })
          expect(yield* payments.refund(refund, dry)).toMatchObject({ dryRun: true })
          expect(yield* payments.remind({ number: "1", amount }, dry)).toMatchObject({
            dryRun: true,
          })
          expect(yield* payments.recordPayment({ number: "1", payment: "p", amount }, dry))
            .toMatchObject({ dryRun: true })
          expect(yield* payments.draftInvoice(invoice, call("other"))).toMatchObject({
            number: "2026-0001",
            dryRun: false,
          })
          const refused = yield* Effect.flip(payments.voidInvoice("k", { ...dry, key: "v" }))
          expect(refused._tag).toBe("PaymentRefused")
        })
      ),
    )
    it(
      "a void invoice keeps its number; voiding it twice is success",
      on((payments) =>
        Effect.gen(function* () {
          yield* payments.draftInvoice(invoice, call("k"))
          const done = yield* payments.voidInvoice("k", call("v"))
          expect(yield* payments.voidInvoice("k", call("v"))).toEqual(done)
          expect(yield* payments.voidInvoice("k", call("w"))).toEqual(done)
          expect((yield* payments.draftInvoice(invoice, call("l"))).number).toBe("2026-0002")
          const late = { number: "2026-0001", payment: "p", amount }
          expect((yield* Effect.flip(payments.recordPayment(late, call("p"))))._tag)
            .toBe("PaymentRefused")
          expect((yield* Effect.flip(payments.voidInvoice("unknown", call("x"))))._tag)
            .toBe("PaymentRefused")
        })
      ),
    )
    it(
      "a payment told of twice is one; with other facts it is refused",
      on((payments) =>
        Effect.gen(function* () {
          const paid = { number: "1042", payment: "ch_1", amount }
          const done = yield* payments.recordPayment(paid, call("k"))
          expect(yield* payments.recordPayment(paid, call("k"))).toEqual(done)
          expect(yield* payments.recordPayment(paid, call("l"))).toEqual(done)
          const other = { ...paid, amount: { minor: 1, currency: "EUR" } }
          expect((yield* Effect.flip(payments.recordPayment(other, call("m"))))._tag)
            .toBe("PaymentRefused")
        })
      ),
    )
    it(
      "nothing more is given back than was paid; a cancelled refund does not count",
      on((payments) =>
        Effect.gen(function* () {
          yield* payments.recordPayment({ number: "1042", payment: "ch_2", amount }, call("p"))
          const half = { ...refund, amount: { minor: 60_000, currency: "EUR" } }
          expect((yield* payments.refund(half, call("a"))).refund).toBe("R-2026-0001")
          expect((yield* payments.refund(half, call("b"))).refund).toBe("R-2026-0002")
          expect((yield* Effect.flip(payments.refund(half, call("c"))))._tag).toBe("PaymentRefused")
          const gone = yield* payments.cancelRefund("b", call("x"))
          expect(yield* payments.cancelRefund("b", call("y"))).toEqual(gone)
          expect((yield* payments.refund(half, call("d"))).refund).toBe("R-2026-0003")
          expect((yield* payments.refund(half, call("a"))).refund).toBe("R-2026-0001")
          expect((yield* Effect.flip(payments.cancelRefund("zz", call("z"))))._tag)
            .toBe("PaymentRefused")
        })
      ),
    )
    it.each([0, -1, 0.5, Number.NaN])(
      "%s is no amount",
      (minor) =>
        on((payments) =>
          Effect.gen(function* () {
            const wrong = { ...invoice, amount: { minor, currency: "EUR" } }
            expect((yield* Effect.flip(payments.draftInvoice(wrong, call("k"))))._tag)
              .toBe("PaymentRefused")
            expect((yield* payments.draftInvoice(invoice, call("k"))).number).toBe("2026-0001")
          })
        )(),
    )
    it(
      "reminders are entered once per key",
      on((payments) =>
        Effect.gen(function* () {
          const done = yield* payments.remind({ number: "1042", amount }, call("k"))
          expect(yield* payments.remind({ number: "1042", amount }, call("k"))).toEqual(done)
          expect(done.where).not.toBe("")
        })
      ),
    )
  })
}
