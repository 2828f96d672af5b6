/**
 * What an invoice decides by and what it does: its guards, its actions and how long it waits. Where they
 * stand in its life is drawn in `invoice.ts`.
 */
import { assign, enqueueActions, setup } from "xstate"
import { tell } from "./agent.ts"
import {
  historyMillis,
  isNews,
  netOf,
  recordPayment,
  type Standing,
  standingOf,
  surplusOf,
} from "./billing.ts"
import {
  booksAfter,
  type Event,
  type InvoiceContext,
  isFact,
  refundable,
  tellConversation,
  tellRefund,
  tellReminder,
  workOf,
} from "./invoice-work.ts"

const day = 24 * 60 * 60 * 1000
/** So long after the day it was due an invoice counts as overdue. */
export const graceMillis = day
/** So long after that day the first reminder is asked for, and each further one after the last. */
export const firstReminderMillis = 3 * day
export const reminderMillis = 10 * day
export const remindersMax = 3
/** No timer is set further ahead: ten years. */
const delayMillisMax = 3650 * day
const recordAgainMillis = day

const delay = (until: number) => Math.max(1, Math.min(until - Date.now(), delayMillisMax))

/** The chart itself is made in `invoice.ts`. */
export const chartSetup = setup({
  types: {
    context: {} as InvoiceContext,
    events: {} as Event,
    input: {} as { readonly key: string },
  },
  actors: { recordPayment },
  delays: {
    untilDue: ({ context }) => delay(context.books.dueAt),
    untilOverdue: ({ context }) => delay(context.books.dueAt + graceMillis),
    untilFirstReminder: ({ context }) =>
      delay(Math.max(context.books.dueAt + firstReminderMillis, context.restsUntil)),
    untilNextReminder: reminderMillis,
    untilRecordedAgain: recordAgainMillis,
  },
  guards: {
    isKnown: ({ context, event }) => isFact(event) && !isNews(context.books, event),
    becomes: ({ context, event }, { standing }: { readonly standing: Standing }) =>
      standingOf(booksAfter(context, event)) === standing,
    /** Still owed, and due on the same day: where it stands in that stays. */
    staysOpen: ({ context, event }) => {
      const books = booksAfter(context, event)
      return standingOf(books) === "open" && books.dueAt === context.books.dueAt
    },
    /** Due so long ago that it is history: nobody is reminded by itself. */
    isHistory: ({ context, event }) =>
      Date.now() - booksAfter(context, event).dueAt > historyMillis,
    hasRefundable: ({ context, event }) =>
      refundable({ ...context, books: booksAfter(context, event) }) !== undefined,
    /** Nothing about the dispute has changed: what is owed still is, or what was paid. */
    leavesDisputed: ({ context, event }) => {
      const standing = standingOf(booksAfter(context, event))
      return ["open", "overpaid", "draft", "unbilled"].includes(standing) ||
        (standing === "paid" && standingOf(context.books) === "paid")
    },
    rests: ({ context }) => Date.now() < context.restsUntil,
    /** An answer to a mail settles nothing with the bank. */
    isBanks: ({ context, event }) =>
      event.type === "DisputeSettled" && event.outcome === "settled" &&
      context.disputedBy === "bank",
    wasGiven: ({ context }) => context.refund?.isGiven === true,
    isBeingGiven: ({ context }) => context.refund !== null,
    isDisputable: ({ context, event }) =>
      event.type === "InvoiceDisputed" &&
      (event.by === "bank" || ["open", "overpaid"].includes(standingOf(context.books))),
    /** A part of it was paid, or given back: what a reminder would ask for is another sum now. */
    owesOther: ({ context, event }) => netOf(booksAfter(context, event)) !== netOf(context.books),
    isReminder: ({ context, event }) => "work" in event && event.work === context.reminder,
    wasReminder: ({ context, event }) => "work" in event && event.work === context.reminded,
    isOfRefund: ({ event }) => "kind" in event && event.kind === "refund",
    wasLastReminder: ({ context }) => context.reminders + 1 >= remindersMax,
    isRefund: ({ context, event }) => "work" in event && event.work === context.refund?.work,
    isTold: ({ context, event }) =>
      event.type === "PaymentReceived" && event.by === "operator" && isNews(context.books, event),
    hasMoreToRecord: ({ context }) => context.toRecord.length > 1,
  },
  actions: {
    /** The event is taken as a fact and changes nothing. */
    note: assign({}),
    /** Into the books. A refund that is not needed any more is taken back. */
    enter: enqueueActions(({ context, event, enqueue }) => {
      const books = booksAfter(context, event)
      enqueue.assign({ books })
      const { refund } = context
      if (refund === null) return
      if (surplusOf(books).some(({ payment }) => payment === refund.payment)) return
      enqueue.assign({ refund: null })
      enqueue(tell(refund.work, { type: "WorkWithdrawn", because: event.type }))
    }),
    /** The conversation hears of it, so that a complaint finds its invoice. */
    noteOpen: enqueueActions(({ context, enqueue }) => {
      if (Date.now() - context.books.dueAt > historyMillis) return
      enqueue.assign({ isNoted: true })
      enqueue(tellConversation(context, "open"))
    }),
    noteOverdue: enqueueActions(({ context, enqueue }) => {
      if (context.isNoted) enqueue(tellConversation(context, "overdue"))
    }),
    noteOverpaid: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ isNoted: true })
      enqueue(tellConversation(context, "overpaid"))
    }),
    noteDisputed: enqueueActions(({ context, enqueue }) => {
      if (context.isNoted) enqueue(tellConversation(context, "disputed"))
    }),
    noteSettled: enqueueActions(({ context, enqueue }) => {
      if (!context.isNoted) return
      enqueue.assign({ isNoted: false })
      enqueue(tellConversation(context, "settled"))
    }),
    /** While it rests nobody is asked: see `reminderAsked`. */
    askForReminder: enqueueActions(({ context, enqueue }) => {
      if (Date.now() < context.restsUntil) return
      const work = workOf(context)
      enqueue.assign({ works: context.works + 1, reminder: work })
      enqueue(tellReminder(context, work))
    }),
    /** Not where the executor itself says that it has ended. */
    withdrawReminder: enqueueActions(({ context, event, enqueue }) => {
      if (context.reminder === null) return
      enqueue.assign({ reminder: null })
      if ("work" in event) return
      enqueue(tell(context.reminder, { type: "WorkWithdrawn", because: event.type }))
    }),
    countReminder: assign(({ context, event }) => ({
      reminders: context.reminders + 1,
      reminded: "work" in event ? event.work : null,
    })),
    uncountReminder: assign(({ context }) => ({
      reminders: Math.max(0, context.reminders - 1),
      reminded: null,
    })),
    askForRefund: enqueueActions(({ context, enqueue }) => {
      const extra = refundable(context)
      if (extra === undefined) return
      const work = workOf(context)
      enqueue.assign({
        works: context.works + 1,
        refund: { work, payment: extra.payment },
        refundsAsked: [...context.refundsAsked, extra.payment],
      })
      enqueue(tellRefund(context, work, extra))
    }),
    endRefund: assign({ refund: null }),
    keepGiven: assign(({ context: { refund } }) => ({
      refund: refund === null ? null : { ...refund, isGiven: true },
    })),
    dispute: assign(({ context, event }) =>
      event.type === "InvoiceDisputed"
        ? { disputedBy: context.disputedBy === "bank" ? "bank" : event.by }
        : {}
    ),
    endDispute: assign({ disputedBy: null }),
    /** Who was just answered, or what was just taken back, leaves some days before a reminder. */
    rest: assign({ restsUntil: () => Date.now() + firstReminderMillis }),
    queue: assign(({ context, event }) =>
      event.type === "PaymentReceived"
        ? {
          toRecord: [
            ...context.toRecord,
            { payment: event.payment, amount: event.amount, at: event.at },
          ],
        }
        : {}
    ),
    recorded: assign(({ context }) => ({ toRecord: context.toRecord.slice(1) })),
  },
})

export const becomes = (standing: Standing) => ({ type: "becomes", params: { standing } } as const)
