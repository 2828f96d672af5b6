/**
 * One invoice from the day it is issued to the day it is settled: what is owed, whether that day is
 * past, who was reminded, and what stands in the way. It never moves money: it asks the executor, and
 * what was asked is taken back when the money comes.
 */
import { and, assign, enqueueActions, setup, stateIn } from "xstate"
import { defineAgent, tell } from "./agent.ts"
import {
  DisputeSettled,
  historyMillis,
  InvoiceCancelled,
  InvoiceDisputed,
  InvoiceIssued,
  isNews,
  noBooks,
  PaymentFailed,
  PaymentReceived,
  PaymentRefunded,
  recordPayment,
  type Standing,
  standingOf,
  surplusOf,
} from "./billing.ts"
import { WorkCarriedOut, WorkFailed, WorkRejected } from "./executor.ts"
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

export {
  DisputeSettled,
  InvoiceCancelled,
  InvoiceDisputed,
  InvoiceIssued,
  PaymentFailed,
  PaymentReceived,
  PaymentRefunded,
  recordPayment,
} from "./billing.ts"

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

const chartSetup = setup({
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
    isReminder: ({ context, event }) => "work" in event && event.work === context.reminder,
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
    countReminder: assign(({ context }) => ({ reminders: context.reminders + 1 })),
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
    /** Who was just answered is not reminded on the same day. */
    settle: assign({ restsUntil: () => Date.now() + firstReminderMillis }),
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

const becomes = (standing: Standing) => ({ type: "becomes", params: { standing } } as const)
/** Facts that move the invoice, wherever it stands. */
const moves = [
  { guard: "isKnown", actions: "note" },
  { guard: becomes("cancelled"), target: ".cancelled", actions: "enter" },
  { guard: becomes("void"), target: ".void", actions: "enter" },
  { guard: becomes("refunded"), target: ".refunded", actions: "enter" },
  {
    guard: and([becomes("overpaid"), "hasRefundable"]),
    target: ".overpaid.refundAsked",
    actions: ["enter", "askForRefund"],
  },
  { guard: and([becomes("overpaid"), stateIn({ standing: "overpaid" })]), actions: "enter" },
  { guard: becomes("overpaid"), target: ".overpaid", actions: "enter" },
  { guard: becomes("paid"), target: ".paid", actions: "enter" },
  { guard: becomes("writtenOff"), target: ".writtenOff", actions: "enter" },
  { guard: becomes("draft"), target: ".draft", actions: "enter" },
  { guard: and([becomes("open"), "isHistory"]), target: ".open.overdue.dormant", actions: "enter" },
  { guard: becomes("open"), target: ".open", actions: "enter" },
  { actions: "enter" },
] as const

const chart = chartSetup.createMachine({
  id: "invoice",
  context: ({ input }) => ({
    invoice: input.key,
    books: noBooks,
    reminders: 0,
    works: 0,
    reminder: null,
    refund: null,
    refundsAsked: [],
    toRecord: [],
    disputedBy: null,
    restsUntil: 0,
    isNoted: false,
  }),
  type: "parallel",
  states: {
    standing: {
      initial: "unbilled",
      states: {
        /** Money came for an invoice that nobody has shown yet. */
        unbilled: {},
        draft: {},
        open: {
          id: "open",
          initial: "notDue",
          entry: "noteOpen",
          states: {
            notDue: { after: { untilDue: "due" } },
            due: { after: { untilOverdue: "overdue" } },
            overdue: {
              initial: "unreminded",
              entry: "noteOverdue",
              states: {
                unreminded: { after: { untilFirstReminder: "reminderAsked" } },
                reminderAsked: {
                  entry: "askForReminder",
                  exit: "withdrawReminder",
                  always: { guard: "rests", target: "unreminded" },
                  on: {
                    WorkCarriedOut: [
                      {
                        guard: and(["isReminder", "wasLastReminder"]),
                        target: "exhausted",
                        actions: "countReminder",
                      },
                      { guard: "isReminder", target: "reminded", actions: "countReminder" },
                    ],
                    WorkRejected: { guard: "isReminder", target: "exhausted" },
                    WorkFailed: { guard: "isReminder", target: "postponed" },
                  },
                },
                reminded: { after: { untilNextReminder: "reminderAsked" } },
                /** The reminder could not be sent; it is tried again. */
                postponed: { after: { untilNextReminder: "reminderAsked" } },
                /** Reminded as often as is decent, or the founder wants no more: what now is the founder's to say. */
                exhausted: {},
                /** History when it came here. */
                dormant: {},
              },
            },
            remembered: { type: "history", history: "deep" },
          },
          on: {
            InvoiceIssued: { guard: "staysOpen", actions: "enter" },
            PaymentReceived: { guard: "staysOpen", actions: "enter" },
            PaymentRefunded: { guard: "staysOpen", actions: "enter" },
            PaymentFailed: { guard: "staysOpen", actions: "enter" },
            DisputeSettled: { guard: "staysOpen", actions: "enter" },
          },
        },
        /** It rests until the dispute is settled, and then goes on where it was. */
        disputed: {
          entry: "noteDisputed",
          exit: "endDispute",
          on: {
            InvoiceIssued: { guard: "leavesDisputed", actions: "enter" },
            PaymentReceived: { guard: "leavesDisputed", actions: "enter" },
            PaymentRefunded: { guard: "leavesDisputed", actions: "enter" },
            PaymentFailed: { guard: "leavesDisputed", actions: "enter" },
            InvoiceDisputed: { actions: ["enter", "dispute"] },
            DisputeSettled: [
              { guard: "isBanks", actions: "note" },
              {
                guard: { type: "becomes", params: { standing: "open" } },
                target: "#open.remembered",
                actions: ["enter", "settle"],
              },
              {
                guard: and([becomes("overpaid"), "wasGiven"]),
                target: "overpaid.refundGiven",
                actions: ["enter", "endRefund", "settle"],
              },
              {
                guard: and([becomes("overpaid"), "isBeingGiven"]),
                target: "overpaid.refundAsked",
                actions: ["enter", "settle"],
              },
            ],
            WorkCarriedOut: { guard: "isRefund", actions: "keepGiven" },
            WorkRejected: { guard: "isRefund", actions: "endRefund" },
            WorkFailed: { guard: "isRefund", actions: "endRefund" },
          },
        },
        paid: { entry: "noteSettled" },
        /** Paid beyond what is owed: charged twice, say. */
        overpaid: {
          initial: "surplusKept",
          entry: "noteOverpaid",
          states: {
            refundAsked: {
              on: {
                WorkCarriedOut: { guard: "isRefund", target: "refundGiven", actions: "endRefund" },
                WorkRejected: { guard: "isRefund", target: "surplusKept", actions: "endRefund" },
                WorkFailed: { guard: "isRefund", target: "surplusKept", actions: "endRefund" },
              },
            },
            /** Handed over; the payment system will say when it has moved. */
            refundGiven: {},
            /** History, or the founder wants it so, or it could not be given back. */
            surplusKept: {},
          },
        },
        refunded: { entry: "noteSettled" },
        cancelled: { entry: "noteSettled" },
        void: { entry: "noteSettled" },
        writtenOff: { entry: "noteSettled" },
      },
      on: {
        InvoiceIssued: [...moves],
        PaymentReceived: [...moves],
        PaymentRefunded: [...moves],
        PaymentFailed: [...moves],
        InvoiceCancelled: [...moves],
        DisputeSettled: [...moves],
        InvoiceDisputed: [
          { guard: "isDisputable", target: ".disputed", actions: ["enter", "dispute"] },
          { actions: "enter" },
        ],
      },
    },
    /** Payments the founder told of go to the payments adapter as well, each once. */
    recording: {
      initial: "upToDate",
      states: {
        upToDate: {
          on: { PaymentReceived: { guard: "isTold", target: "recording", actions: "queue" } },
        },
        recording: {
          invoke: {
            id: "record",
            src: "recordPayment",
            input: ({ context }) => {
              const [first] = context.toRecord
              if (first === undefined) throw new Error("A payment is recorded that nobody told of")
              const { books, invoice } = context
              return { person: books.person, invoice, number: books.number, ...first }
            },
            onDone: [
              {
                guard: "hasMoreToRecord",
                target: "recording",
                reenter: true,
                actions: "recorded",
              },
              { target: "upToDate", actions: "recorded" },
            ],
            onError: "unrecorded",
          },
          on: { PaymentReceived: { guard: "isTold", actions: "queue" } },
        },
        /** The adapter could not take it. It is tried again. */
        unrecorded: {
          after: { untilRecordedAgain: "recording" },
          on: { PaymentReceived: { guard: "isTold", target: "recording", actions: "queue" } },
        },
      },
    },
  },
  on: {
    WorkCarriedOut: { actions: "note" },
    WorkRejected: { actions: "note" },
    WorkFailed: { actions: "note" },
  },
})

export const invoice = defineAgent({
  name: "invoice",
  version: 1,
  events: [
    InvoiceIssued,
    PaymentReceived,
    PaymentFailed,
    PaymentRefunded,
    InvoiceDisputed,
    DisputeSettled,
    InvoiceCancelled,
    WorkCarriedOut,
    WorkRejected,
    WorkFailed,
  ],
  machine: chart,
})
