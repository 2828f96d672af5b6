/** Money, contacts and publishing as activities, over real folders: sealed input, one effect per ask, and its undoing. */
import { Effect, Layer } from "effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { cancelRefund } from "../../actors/activities/cancel-refund.ts"
import { draftInvoice } from "../../actors/activities/draft-invoice.ts"
import { noteContact } from "../../actors/activities/note-contact.ts"
import { noteReminder } from "../../actors/activities/note-reminder.ts"
import { publishArticle } from "../../actors/activities/publish-article.ts"
import { recordPayment } from "../../actors/activities/record-payment.ts"
import { refundPayment } from "../../actors/activities/refund-payment.ts"
import { unpublishArticle } from "../../actors/activities/unpublish-article.ts"
import { voidInvoice } from "../../actors/activities/void-invoice.ts"
import type { Crm } from "../../actors/crm.ts"
import type { Payments } from "../../actors/payments.ts"
import type { Publisher } from "../../actors/publisher.ts"
import { Vault } from "../../actors/vault.ts"
import * as outside from "../../adapters/outside-folders.ts"
import * as vault from "../../adapters/vault-memory.ts"

const roots: Array<string> = []
afterEach(() => roots.splice(0).forEach((root) => rmSync(root, { recursive: true })))

const within = async <A>(
  test: (root: string) => Effect.Effect<A, unknown, Payments | Crm | Publisher | Vault>,
) => {
  const root = mkdtempSync(join(tmpdir(), "aios-outside-"))
  roots.push(root)
  return await Effect.runPromise(
    Effect.provide(test(root), Layer.mergeAll(outside.layer(root), vault.layer)),
  )
}
const how = (askId: string) => ({ askId, attempt: 1, clock: 0 })
const person = "0123456789abcdef0123456789abcdef"
const amount = { minor: 8_900, currency: "EUR" }
const at = Date.UTC(2026, 10, 24)
const sealed = Effect.map(Vault, ({ seal }) => ({
  contact: seal(person, { name: "Ada Weiss", address: "ada@lumen.example" }),
  text: seal(person, "Two sponsorships"),
}))
const read = (root: string, name: string) => readFileSync(join(root, name), "utf8")

describe("activities that reach folders", () => {
  it("an invoice is drafted once per ask, and made void by the ask that undoes it", () =>
    within((root) =>
      Effect.gen(function* () {
        const { contact, text } = yield* sealed
        const input = { person, to: contact, amount, description: text }
        const output = yield* draftInvoice.run(input, how("executor-1/3.0"))
        expect(output).toMatchObject({ where: "payments/invoices/" + numberOf(output) + ".md" })
        expect(yield* draftInvoice.run(input, how("executor-1/3.0"))).toEqual(output)
        const file = `payments/invoices/${numberOf(output)}.md`
        expect(read(root, file)).toContain("Ada Weiss (ada@lumen.example)")
        const done = { ask: "executor-1/3.0", input: { ...input, to: null }, output }
        yield* voidInvoice.run(done, how("executor-1/9.0"))
        yield* voidInvoice.run(done, how("executor-1/9.0"))
        expect(read(root, file)).toContain("void")
        expect(read(root, "payments/book.ndjson").trimEnd().split("\n")).toHaveLength(2)
      })
    ))
  it("a refund is made once per ask, and cancelled", () =>
    within((root) =>
      Effect.gen(function* () {
        const { contact } = yield* sealed
        const input = {
          person,
          invoice: person,
          number: "1042",
          payment: "ch_2",
          amount,
          reason: "Charged twice",
          to: contact,
        }
        const output = yield* refundPayment.run(input, how("executor-1/3.0"))
        expect(yield* refundPayment.run(input, how("executor-1/3.0"))).toEqual(output)
        yield* cancelRefund.run(
          { ask: "executor-1/3.0", input: null, output },
          how("executor-1/5.0"),
        )
        const [name] = readdirSync(join(root, "payments/refunds"))
        expect(read(root, `payments/refunds/${name}`)).toContain("cancelled")
        const other = yield* Effect.flip(
          cancelRefund.run({ ask: "executor-2/3.0", input: null, output }, how("executor-2/5.0")),
        )
        expect(other).toMatchObject({ _tag: "PaymentRefused", retryable: false })
      })
    ))
  it("a payment and a reminder are entered once", () =>
    within((root) =>
      Effect.gen(function* () {
        const base = { person, invoice: person, number: "1042", amount, at }
        for (let round = 0; round < 2; round++) {
          yield* recordPayment.run({ ...base, payment: "op-1" }, how("invoice-1/4.0"))
          yield* noteReminder.run(base, how("executor-1/4.0"))
        }
        const lines = read(root, "payments/ledger.csv").trimEnd().split("\r\n")
        expect(lines).toEqual([
          "Date,Kind,Invoice,Payment,Refund,Amount,Currency,Name,Address,Text,Key",
          "2026-11-24,payment,1042,op-1,,89.00,EUR,,,,invoice-1/4.0",
          "2026-11-24,reminder,1042,,,89.00,EUR,,,,executor-1/4.0",
        ])
      })
    ))
  it("an article is public once, and taken back", () =>
    within((root) =>
      Effect.gen(function* () {
        const { text } = yield* sealed
        const input = { topic: "newsletter-47", title: text, text, publishAt: at }
        const output = yield* publishArticle.run(input, how("executor-1/3.0"))
        expect(yield* publishArticle.run(input, how("executor-1/3.0"))).toEqual(output)
        const names = () =>
          readdirSync(join(root, "published")).filter((name) => name.endsWith("md"))
        expect(names()).toEqual(["2026-11-24-two-sponsorships.md"])
        yield* unpublishArticle.run(
          { ask: "executor-1/3.0", input: null, output },
          how("executor-1/7.0"),
        )
        expect(names()).toEqual([])
      })
    ))
  it("a contact and its note are entered once", () =>
    within((root) =>
      Effect.gen(function* () {
        const { contact, text } = yield* sealed
        for (let round = 0; round < 2; round++) {
          yield* noteContact.run({ person, contact, note: text, at }, how("executor-1/3.0"))
        }
        expect(read(root, "crm/contacts.csv").trimEnd().split("\r\n")).toHaveLength(2)
        expect(read(root, "crm/notes.csv").trimEnd().split("\r\n")).toEqual([
          "Email,Note body,Timestamp",
          "ada@lumen.example,Two sponsorships,2026-11-24T00:00:00.000Z",
        ])
      })
    ))
  it("nothing is done for somebody whose key is gone", () =>
    within((root) =>
      Effect.gen(function* () {
        const lost = { $sealed: [person, "gone", "AAAA", "AAAA"] }
        const input = { person, to: lost, amount, description: lost }
        const failure = yield* Effect.flip(draftInvoice.run(input, how("executor-1/3.0")))
        expect(failure._tag).toBe("PersonForgotten")
        expect(readdirSync(root)).toEqual([])
      })
    ))
})

const numberOf = (output: unknown) =>
  typeof output === "object" && output !== null && "number" in output ? String(output.number) : ""
