/**
 * What an invoice remembers and what it asks others for: a reminder, a refund, and that a complaint
 * about it finds it. The chart is in `invoice.ts`.
 */
import { tell } from "./agent.ts"
import {
  type Books,
  entered,
  historyMillis,
  type InvoiceEvent,
  owedIn,
  surplusOf,
} from "./billing.ts"
import type {
  InvoiceFacts,
  WorkCarriedOut,
  WorkFailed,
  WorkRejected,
  WorkTakenBack,
} from "./executor.ts"
import type { Money } from "./record.ts"

export interface InvoiceContext {
  readonly invoice: string
  readonly books: Books
  /** Reminders sent. */
  readonly reminders: number
  /** Stream of the last one that was sent: it may be taken back. */
  readonly reminded: string | null
  /** Works asked for so far: reminders and refunds. */
  readonly works: number
  /** Stream of the reminder under way. */
  readonly reminder: string | null
  /** The refund under way, and of which charge; `isGiven`: it was handed over while there was a dispute. */
  readonly refund: {
    readonly work: string
    readonly payment: string
    readonly isGiven?: boolean
  } | null
  /** Charges whose refund was asked for: never twice. */
  readonly refundsAsked: ReadonlyArray<string>
  /** Payments the founder told of that are still to be recorded with the payments adapter. */
  readonly toRecord: ReadonlyArray<
    { readonly payment: string; readonly amount: Money; readonly at: number }
  >
  /** Who disputes it; the bank's word goes before a mail. */
  readonly disputedBy: "bank" | "mail" | null
  /** Nobody is reminded before this, epoch ms: there was just another reason to write. */
  readonly restsUntil: number
  /** The conversation was told of this invoice. */
  readonly isNoted: boolean
}

export type Event =
  | InvoiceEvent
  | typeof WorkCarriedOut.Type
  | typeof WorkRejected.Type
  | typeof WorkFailed.Type
  | typeof WorkTakenBack.Type

export const isFact = (event: Event): event is InvoiceEvent => "invoice" in event
export const booksAfter = ({ books }: InvoiceContext, event: Event) =>
  isFact(event) ? entered(books, event) : books

const factsOf = ({ books, invoice, reminders }: InvoiceContext): InvoiceFacts => {
  const owed = owedIn(books)
  const overpaid = surplusOf(books).map(({ amount, payment }) => ({ payment, amount }))
  return {
    invoice,
    number: books.number,
    total: books.total ?? { minor: 0, currency: "XXX" },
    ...(books.isDueAssumed ? {} : { dueAt: books.dueAt }),
    reminders,
    ...(owed === undefined ? {} : { owed }),
    ...(overpaid.length === 0 ? {} : { overpaid }),
  }
}

/** The newest charge beyond what is owed, if nobody was asked to give it back and it is no history. */
export const refundable = ({ books, refundsAsked }: InvoiceContext) =>
  surplusOf(books).find(({ at, payment }) =>
    !refundsAsked.includes(payment) && Date.now() - at <= historyMillis
  )

export const workOf = (context: InvoiceContext) =>
  `executor-${context.invoice}~${context.works + 1}`

export const tellConversation = (
  context: InvoiceContext,
  standing: "open" | "overdue" | "disputed" | "overpaid" | "settled",
) => {
  const { number, overpaid = [], total } = factsOf(context)
  const { dueAt, person } = context.books
  return tell(`analyst-${person}`, {
    type: "InvoiceNoted",
    person,
    invoice: context.invoice,
    number,
    standing,
    total,
    dueAt,
    overpaid,
  })
}

export const tellReminder = (context: InvoiceContext, work: string) => {
  const { books, invoice } = context
  return tell(work, {
    type: "MailRequested",
    requester: `invoice-${invoice}`,
    person: books.person,
    records: books.records,
    purpose: "reminder",
    answers: books.dueAt,
    intents: [],
    contact: books.contact,
    subject: "",
    messageId: "",
    quotes: [],
    invoice: factsOf(context),
  })
}

export const tellRefund = (
  context: InvoiceContext,
  work: string,
  extra: { readonly payment: string; readonly amount: Money },
) => {
  const { books, invoice } = context
  return tell(work, {
    type: "RefundRequested",
    requester: `invoice-${invoice}`,
    person: books.person,
    records: books.records,
    invoice: factsOf(context),
    payment: extra.payment,
    amount: extra.amount,
    reason: "charged beyond what is owed",
    contact: books.contact,
  })
}
