/**
 * Who is told what about invoices, payments and notes: pure rules. A credit note cancels the invoice it
 * names and is no invoice of its own; a payment that names no invoice is only a record.
 */
import type { InvoiceRecorded, NoteRecorded, PaymentRecorded } from "../machines/record.ts"
import type { Proposal } from "./actor-system.ts"
import { endOfDay } from "./cadence.ts"
import type { Route } from "./routes.ts"

/** When an invoice is due that does not say: so long after it was issued, at the end of that day. */
export const termMillisDefault = 14 * 24 * 60 * 60 * 1000

const invoiceOf = (invoice: string) => `invoice-${invoice}`

interface Party {
  readonly name: string
  readonly address: string
}

export const routesOfInvoice = (
  stream: string,
  invoice: typeof InvoiceRecorded.Type,
  customer: Party,
  /** Epoch ms since when it stands so. */
  at: number,
  timeZone: string,
): ReadonlyArray<Route> => {
  const { cancels, dueAt, dueOnIssue, issuedAt, number, paid, person, status, total } = invoice
  const base = { person, record: stream, at }
  if (cancels !== undefined) {
    return status === "draft" || status === "void" ? [] : [{
      to: invoiceOf(cancels),
      event: { type: "InvoiceCancelled", ...base, invoice: cancels, by: invoice.invoice },
      occurredAt: at,
      onlyIfKnown: false,
      startsNow: true,
    }]
  }
  return [{
    to: invoiceOf(invoice.invoice),
    event: {
      type: "InvoiceIssued",
      ...base,
      invoice: invoice.invoice,
      number,
      status,
      contact: { name: customer.name, address: customer.address },
      total: { ...total },
      paid: { ...paid },
      dueAt: dueAt ??
        endOfDay(issuedAt + (dueOnIssue === true ? 0 : termMillisDefault), timeZone),
      ...(dueAt !== undefined ? {} : { assumed: dueOnIssue === true ? "issue" : "term" }),
    },
    occurredAt: at,
    onlyIfKnown: false,
    startsNow: true,
  }]
}

const paymentEvent = (
  payment: typeof PaymentRecorded.Type,
  base: {
    readonly person: string
    readonly invoice: string
    readonly record: string
    readonly at: number
  },
): Proposal | undefined => {
  const { amount, kind, of, status } = payment
  const money = { ...base, payment: payment.payment, amount: { ...amount } }
  if (kind === "charge") {
    return status === "succeeded"
      ? { type: "PaymentReceived", ...money }
      : status === "failed"
      ? { type: "PaymentFailed", ...base, payment: payment.payment }
      : undefined
  }
  if (kind === "refund") {
    return status === "succeeded"
      ? { type: "PaymentRefunded", ...money, ...(of === undefined ? {} : { of }) }
      : undefined
  }
  return status === "won" || status === "lost"
    ? { type: "DisputeSettled", ...base, outcome: status }
    : { type: "InvoiceDisputed", ...base, by: "bank" }
}

/** What is still pending says nothing yet. */
export const routesOfPayment = (
  stream: string,
  payment: typeof PaymentRecorded.Type,
): ReadonlyArray<Route> => {
  const { invoice, paidAt, person } = payment
  if (invoice === undefined) return []
  const event = paymentEvent(payment, { person, invoice, record: stream, at: paidAt })
  return event === undefined
    ? []
    : [{ to: invoiceOf(invoice), event, occurredAt: paidAt, onlyIfKnown: false, startsNow: true }]
}

/** Names under which front matter says what a note belongs to. */
const topicFields = ["topic", "newsletter", "issue", "article", "for"]
const namesTopic = (matter: unknown): boolean =>
  typeof matter === "object" && matter !== null &&
  topicFields.some((field) => field in matter)

export interface NoteContent {
  readonly title: string
  readonly text: string
  readonly tags: ReadonlyArray<string>
  readonly matter: unknown
}

export const routesOfNote = (
  stream: string,
  note: typeof NoteRecorded.Type,
  content: NoteContent,
  keys: { readonly article: string; readonly note: string },
  occurredAt: number | undefined,
): ReadonlyArray<Route> => {
  const { dueAt, kind, topic, writtenAt } = note
  const base = {
    topic,
    record: stream,
    title: content.title,
    ...(dueAt === undefined ? {} : { dueAt }),
    at: writtenAt,
  }
  const event: Proposal = kind === "note"
    ? { type: "NoteCollected", ...base, tags: [...content.tags], note: keys.note }
    : kind === "draft"
    // Which notes it covers is told once it is known which there are.
    ? { type: "DraftWritten", ...base, text: content.text, covers: [] }
    : { type: "ArticleFinished", ...base, text: content.text }
  return [{
    to: `article-${keys.article}`,
    event,
    ...(occurredAt === undefined ? {} : { occurredAt }),
    // A note that belongs to nothing is only a record.
    onlyIfKnown: kind === "note" && !namesTopic(content.matter),
  }]
}

/** Words too common to show that a note is covered. */
const commonWords = new Set(
  ("about,after,again,also,been,before,from,have,here,into,just,like,more,much,only,other,over,some,such,than," +
    "that,their,them,then,there,these,they,this,those,what,when,where,which,while,will,with,your,aber,auch,dass," +
    "dein,dem,den,der,des,die,dies,doch,eine,einen,einer,fall,ihre,kann,mehr,nach,nicht,noch,oder,sein,sich,sind," +
    "und,unter,viel,wenn,werden,wie,wird,costs").split(","),
)
const wordCharsMin = 4
const textCharsMax = 100_000
/** So much of a note's title has to stand in a draft. */
const coveredShareMin = 0.6

/** Words by their beginning, so that `photograph` and `photographs` are one. */
const stemOf = (word: string) => word.slice(0, 6)
const wordsOf = (text: string): ReadonlyArray<string> =>
  (text.slice(0, textCharsMax).toLowerCase().match(/\p{L}{2,40}/gu) ?? [])
    .filter((word) => word.length >= wordCharsMin && !commonWords.has(word)).map(stemOf)

/** Whether a draft speaks of what a note is about, as far as the words of the note's title show it. */
export const covers = (
  text: string,
  note: { readonly title: string; readonly tags: ReadonlyArray<string> },
): boolean => {
  const plain = text.slice(0, textCharsMax).toLowerCase().replace(/\s+/g, " ")
  const title = note.title.trim().toLowerCase().replace(/\s+/g, " ")
  if (title !== "" && plain.includes(title)) return true
  const said = new Set(wordsOf(text))
  const named = [...new Set(wordsOf(note.title))]
  if (named.length >= 2) {
    return named.filter((word) => said.has(word)).length / named.length >= coveredShareMin
  }
  const keywords = [...new Set([...named, ...note.tags.flatMap(wordsOf)])]
  return keywords.length > 0 && keywords.every((word) => said.has(word))
}
