/**
 * One invoice from the day it is issued to the day it is settled: what is owed, whether that day is
 * past, who was reminded, and what stands in the way. It never moves money: it asks the executor, and
 * what was asked is taken back when the money comes.
 */
import { and, stateIn } from "xstate"
import { defineAgent } from "./agent.ts"
import {
  DisputeSettled,
  InvoiceCancelled,
  InvoiceDisputed,
  InvoiceIssued,
  noBooks,
  PaymentFailed,
  PaymentReceived,
  PaymentRefunded,
} from "./billing.ts"
import { WorkCarriedOut, WorkFailed, WorkRejected, WorkTakenBack } from "./executor.ts"
import { becomes, chartSetup } from "./invoice-setup.ts"

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
export { firstReminderMillis, graceMillis, reminderMillis, remindersMax } from "./invoice-setup.ts"

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

/** The reminder that waits names the wrong sum: another takes its place. */
const asksAnew = {
  guard: and(["staysOpen", "owesOther"]),
  target: "reminderAsked",
  reenter: true,
  actions: "enter",
} as const

const chart = chartSetup.createMachine({
  id: "invoice",
  context: ({ input }) => ({
    invoice: input.key,
    books: noBooks,
    reminders: 0,
    reminded: null,
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
              on: {
                WorkTakenBack: {
                  guard: "wasReminder",
                  target: ".unreminded",
                  actions: ["uncountReminder", "rest"],
                },
              },
              states: {
                unreminded: { after: { untilFirstReminder: "reminderAsked" } },
                reminderAsked: {
                  entry: "askForReminder",
                  exit: "withdrawReminder",
                  always: { guard: "rests", target: "unreminded" },
                  on: {
                    InvoiceIssued: asksAnew,
                    PaymentReceived: asksAnew,
                    PaymentRefunded: asksAnew,
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
                actions: ["enter", "rest"],
              },
              {
                guard: and([becomes("overpaid"), "wasGiven"]),
                target: "overpaid.refundGiven",
                actions: ["enter", "endRefund", "rest"],
              },
              {
                guard: and([becomes("overpaid"), "isBeingGiven"]),
                target: "overpaid.refundAsked",
                actions: ["enter", "rest"],
              },
            ],
            WorkCarriedOut: { guard: "isRefund", actions: "keepGiven" },
            WorkTakenBack: [
              { guard: "isRefund", actions: "endRefund" },
              { guard: "wasReminder", actions: "uncountReminder" },
            ],
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
            refundGiven: { on: { WorkTakenBack: { guard: "isOfRefund", target: "surplusKept" } } },
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
    WorkTakenBack: [
      { guard: "wasReminder", actions: "uncountReminder" },
      { actions: "note" },
    ],
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
    WorkTakenBack,
  ],
  machine: chart,
})
