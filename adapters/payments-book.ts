/**
 * The rules of a book of invoices and money over any journal: numbers without gaps, one line per key,
 * and what cannot be is refused. What shows the book (files, or nothing) is given by the adapter.
 */
import { Effect, Schema } from "effect"
import { canonical } from "../actors/canonical.ts"
import { sha256Hex } from "../actors/ids.ts"
import {
  PaymentRefused,
  type Payments,
  type PaymentsCall,
  PaymentsUnavailable,
} from "../actors/payments.ts"
import type { Json } from "../machines/agent.ts"
import { Money } from "../machines/record.ts"
import type { KeyedJournal } from "./keyed-journal.ts"

/** Of the record format. A book that holds a greater one was written by a newer AIOS. */
export const version = 1
const textCharsMax = 2_000

/** One line of the book. What a kind has no use for is empty. */
export const Line = Schema.Struct({
  version: Schema.Int,
  key: Schema.String,
  /** SHA-256 of what was asked for, so that other content under the same key is noticed. */
  content: Schema.String,
  /** Epoch ms. */
  at: Schema.Int,
  kind: Schema.Literals(["invoice", "void", "payment", "refund", "refundCancelled", "reminder"]),
  /** The invoice it is or concerns. */
  number: Schema.String,
  amount: Money,
  party: Schema.Struct({ name: Schema.String, address: Schema.String }),
  /** What for, or why. */
  text: Schema.String,
  /** Id of the payment, and of the refund. */
  payment: Schema.String,
  refund: Schema.String,
})
export type Line = typeof Line.Type

type Book = ReadonlyArray<Line>
type Entry = Omit<Line, "version" | "key" | "content" | "at">
const isLine = (made: Entry | Line): made is Line => "key" in made

const nobody = { name: "", address: "" }
const plain = { party: nobody, text: "", payment: "", refund: "" }

/** On one line and bounded: it goes into tables. */
const tidy = (text: string) =>
  [...text.replace(/[\p{Cc}\s]+/gu, " ").trim()].slice(0, textCharsMax)
    .join("")

const refused = (message: string) => new PaymentRefused({ message, retryable: false })

const yearOf = (at: number) => String(new Date(at).getUTCFullYear())
const counted = (prefix: string, taken: number) => `${prefix}-${String(taken + 1).padStart(4, "0")}`
const nextNumber = (book: Book, at: number) => {
  const year = yearOf(at)
  return counted(
    year,
    book.filter((one) => one.kind === "invoice" && one.number.startsWith(`${year}-`)).length,
  )
}
const nextRefund = (book: Book, at: number) => {
  const prefix = `R-${yearOf(at)}`
  return counted(
    prefix,
    book.filter((one) => one.kind === "refund" && one.refund.startsWith(`${prefix}-`)).length,
  )
}

export const isVoid = (book: Book, number: string): boolean =>
  book.some((one) => one.kind === "void" && one.number === number)
export const isCancelled = (book: Book, refund: string): boolean =>
  book.some((one) => one.kind === "refundCancelled" && one.refund === refund)

const checkAmount = ({ minor, currency }: Money) => {
  if (!Number.isSafeInteger(minor) || minor <= 0) {
    throw refused(
      `The amount must be more than nothing (${minor} ${currency}); nothing was recorded`,
    )
  }
}
/** An invoice of this book must be as it says; others are kept elsewhere, and nothing is known of them. */
const checkInvoice = (book: Book, number: string, currency: string) => {
  const invoice = book.find((one) => one.kind === "invoice" && one.number === number)
  if (invoice === undefined) return
  if (isVoid(book, number)) throw refused(`Invoice ${number} is void; nothing was recorded`)
  if (invoice.amount.currency !== currency) {
    throw refused(
      `Invoice ${number} is in ${invoice.amount.currency}, not in ${currency}; nothing was recorded`,
    )
  }
}

/** What a refund may not exceed, where the payment is in this book. */
const checkRefund = (book: Book, payment: string, amount: Money) => {
  const paid = book.find((one) => one.kind === "payment" && one.payment === payment)
  if (paid === undefined) return
  const back = book.filter((one) =>
    one.kind === "refund" && one.payment === payment && !isCancelled(book, one.refund)
  ).reduce((sum, one) => sum + one.amount.minor, 0)
  if (paid.amount.currency !== amount.currency || back + amount.minor > paid.amount.minor) {
    throw refused(
      `Payment ${payment} was ${paid.amount.minor} ${paid.amount.currency} (smallest units), ` +
        `${back} of it are given back already; nothing was recorded`,
    )
  }
}

export interface Showing {
  /** Makes what a person reads from the book; called after every line, and again when a key repeats. */
  readonly show: (line: Line, book: Book) => void
  /** Where a person finds it. */
  readonly where: (line: Line) => string
  /** What an error of `show` or of the journal means. */
  readonly trouble: (cause: unknown) => PaymentsUnavailable
}

export const bookOver = (
  journal: KeyedJournal<Line>,
  { show, trouble, where }: Showing,
): Payments["Service"] => {
  /** Enters what `make` says under the call's key, once. Nothing in it waits, so calls cannot mix. */
  const enter = (call: PaymentsCall, content: Json, make: (book: Book) => Entry | Line) => {
    const once = (dryRun: boolean) => {
      const fingerprint = sha256Hex(canonical(content))
      const known = journal.find(call.key)
      if (known !== undefined && known.content !== fingerprint) {
        throw refused(
          `${call.key} was recorded with other content before (${where(known)}); it stays as it is`,
        )
      }
      const made = known ?? make(journal.lines())
      const line: Line = isLine(made)
        ? made
        : { version, key: call.key, content: fingerprint, at: call.at, ...made }
      if (!dryRun) {
        if (journal.find(line.key) === undefined) journal.append(line)
        else journal.confirm()
        show(line, journal.lines())
      }
      return { line, where: where(line), dryRun }
    }
    return Effect.try({
      try: () => call.dryRun === true ? once(true) : journal.alone(() => once(false)),
      catch: (cause) =>
        cause instanceof PaymentRefused || cause instanceof PaymentsUnavailable
          ? cause
          : trouble(cause),
    })
  }
  const only = ({ where, dryRun }: { readonly where: string; readonly dryRun: boolean }) => ({
    where,
    dryRun,
  })

  return {
    version,
    draftInvoice: Effect.fn("Payments.draftInvoice")(function* (invoice, call) {
      const { to, amount, description } = invoice
      const content = { to: { ...to }, amount: { ...amount }, description }
      const entered = yield* enter(call, content, (book) => {
        checkAmount(amount)
        return {
          ...plain,
          kind: "invoice",
          number: nextNumber(book, call.at),
          amount,
          party: { name: tidy(to.name), address: tidy(to.address) },
          text: tidy(description),
        }
      })
      return { number: entered.line.number, ...only(entered) }
    }),
    voidInvoice: Effect.fn("Payments.voidInvoice")(function* (draftKey, call) {
      return only(
        yield* enter(call, { void: draftKey }, (book) => {
          const invoice = book.find((one) => one.kind === "invoice" && one.key === draftKey)
          if (invoice === undefined) throw refused(`No invoice was drafted as ${draftKey}`)
          const { number, amount, party } = invoice
          return book.find((one) => one.kind === "void" && one.number === number) ??
            { ...plain, kind: "void", number, amount, party }
        }),
      )
    }),
    recordPayment: Effect.fn("Payments.recordPayment")(function* (given, call) {
      const { number, payment, amount } = given
      return only(
        yield* enter(call, { number, payment, amount: { ...amount } }, (book) => {
          checkAmount(amount)
          const known = book.find((one) => one.kind === "payment" && one.payment === payment)
          if (known !== undefined) {
            // A payment has a name of its own: told of twice, it is still one.
            const same = known.number === number && canonical(known.amount) === canonical(amount)
            if (same) return known
            throw refused(`Payment ${payment} is recorded with other facts (${where(known)})`)
          }
          checkInvoice(book, number, amount.currency)
          return { ...plain, kind: "payment", number, amount, payment }
        }),
      )
    }),
    refund: Effect.fn("Payments.refund")(function* (given, call) {
      const { number, payment, amount, reason, to } = given
      const content = { number, payment, amount: { ...amount }, reason, to: { ...to } }
      const entered = yield* enter(call, content, (book) => {
        checkAmount(amount)
        checkRefund(book, payment, amount)
        return {
          kind: "refund",
          number,
          amount,
          party: { name: tidy(to.name), address: tidy(to.address) },
          text: tidy(reason),
          payment,
          refund: nextRefund(book, call.at),
        }
      })
      return { refund: entered.line.refund, ...only(entered) }
    }),
    cancelRefund: Effect.fn("Payments.cancelRefund")(function* (refundKey, call) {
      return only(
        yield* enter(call, { cancel: refundKey }, (book) => {
          const given = book.find((one) => one.kind === "refund" && one.key === refundKey)
          if (given === undefined) throw refused(`No refund was recorded as ${refundKey}`)
          const { number, amount, party, payment, refund } = given
          return book.find((one) => one.kind === "refundCancelled" && one.refund === refund) ??
            { kind: "refundCancelled", number, amount, party, text: "", payment, refund }
        }),
      )
    }),
    remind: Effect.fn("Payments.remind")(function* ({ number, amount }, call) {
      return only(
        yield* enter(call, { remind: number, amount: { ...amount } }, () => {
          checkAmount(amount)
          return { ...plain, kind: "reminder", number, amount }
        }),
      )
    }),
  }
}
