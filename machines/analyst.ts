/**
 * One conversation with one person: who owes whom an answer, what was promised and by when, and how
 * pressing that is. The rules read each mail before it comes here; the analyst weighs them together, and
 * asks for an answer where somebody complains.
 */
import { and, assign, not, stateIn } from "xstate"
import { defineAgent, isObject } from "./agent.ts"
import { chartSetup } from "./analyst-setup.ts"
import {
  AnswerHandedOver,
  AnswerTakenBack,
  ConversationClosed,
  ConversationDealtWith,
  InvoiceNoted,
  MailRead,
} from "./conversation.ts"
import { WorkCarriedOut, WorkFailed, WorkRejected } from "./executor.ts"
import { analyst1 } from "./previous/analyst-1.ts"

export {
  AnswerHandedOver,
  AnswerTakenBack,
  Commitment,
  ConversationClosed,
  ConversationDealtWith,
  Findings,
  InvoiceNoted,
  MailRead,
  weighConversation,
} from "./conversation.ts"
export { readConversation, ReadIntent } from "./conversation-reading.ts"

/** Somebody who closed the conversation is not weighed and owes nothing. */
const isOpen = not(stateIn({ turn: "closed" }))
/** The person wrote while their mails were being read. */
const wroteMeanwhile = stateIn({ reading: { reading: "outdated" } })

const chart = chartSetup.createMachine({
  id: "analyst",
  context: ({ input }) => ({
    person: input.key,
    mails: [],
    lastInwardAt: 0,
    lastOutwardAt: 0,
    unansweredSince: 0,
    latest: null,
    weighed: null,
    read: null,
    pending: [],
    broken: [],
    invoices: [],
    works: 0,
    open: null,
    dealtWithUntil: 0,
    answered: null,
  }),
  type: "parallel",
  states: {
    /** Who owes whom an answer. */
    turn: {
      initial: "quiet",
      states: {
        quiet: {},
        ours: {
          initial: "waiting",
          states: {
            waiting: { after: { replyDue: "overdue" } },
            overdue: { after: { lapse: "lapsed" } },
            /** So old that an answer would only surprise. */
            lapsed: {
              on: {
                MailRead: {
                  guard: and(["takesTurn", not("isHistory")]),
                  target: "waiting",
                  actions: "remember",
                },
              },
            },
          },
          // A further mail does not make the first one younger.
          on: { MailRead: { guard: "takesTurn", actions: "remember" } },
        },
        theirs: {},
        /** For good: nothing is owed to who wants no mail. */
        closed: {
          on: {
            MailRead: { actions: "remember" },
            ConversationClosed: { actions: "note" },
            WorkCarriedOut: { actions: "note" },
            WorkRejected: { actions: "note" },
            WorkFailed: { actions: "note" },
            ConversationDealtWith: { actions: "note" },
            AnswerHandedOver: { actions: "note" },
            AnswerTakenBack: { actions: "note" },
          },
        },
      },
      on: {
        MailRead: [
          {
            guard: and(["takesTurn", "isHistory"]),
            target: ".ours.lapsed",
            actions: "remember",
          },
          { guard: "takesTurn", target: ".ours", actions: "remember" },
          { guard: "endsQuietly", target: ".quiet", actions: "remember" },
          {
            guard: "answers",
            target: ".theirs",
            actions: ["remember", "withdraw", "settleDisputes"],
          },
          { actions: "remember" },
        ],
        ConversationClosed: { target: ".closed", actions: "withdraw" },
        ConversationDealtWith: {
          target: ".quiet",
          actions: ["withdraw", "dealWith", "settleDisputes"],
        },
        WorkCarriedOut: [
          { guard: "isOwnWork", target: ".theirs", actions: "endWork" },
          { actions: "note" },
        ],
        WorkRejected: [
          { guard: "isOwnWork", target: ".quiet", actions: "endWork" },
          { actions: "note" },
        ],
        WorkFailed: [{ guard: "isOwnWork", actions: "endWork" }, { actions: "note" }],
        AnswerHandedOver: [
          {
            guard: and(["answersAll", "answersComplaint"]),
            target: ".theirs",
            actions: ["noteAnswer", "settleDisputes"],
          },
          { guard: "answersAll", target: ".theirs", actions: "noteAnswer" },
          { actions: "noteAnswer" },
        ],
        AnswerTakenBack: [
          { guard: "leavesOpen", target: ".ours", actions: "takeBack" },
          { actions: "note" },
        ],
      },
    },
    /** What it is about and how pressing. */
    weighing: {
      initial: "idle",
      states: {
        idle: {},
        weighing: {
          invoke: {
            id: "weigh",
            src: "weighConversation",
            input: ({ context }) => ({ person: context.person, mails: [...context.mails] }),
            onDone: {
              target: "weighed",
              actions: [assign(({ event }) => ({ weighed: event.output })), "askForAnswer"],
            },
            // `Skipped`: history. Whatever else: the next mail is weighed with all before it.
            onError: { target: "idle", actions: assign({ weighed: null }) },
          },
        },
        weighed: {
          on: { InvoiceNoted: { guard: "explains", target: "weighing", actions: "keepInvoice" } },
        },
      },
      on: {
        MailRead: [
          { guard: and(["takesTurn", not("isHistory"), isOpen]), target: ".weighing" },
          { guard: "answers", target: ".idle" },
        ],
        ConversationClosed: ".idle",
        ConversationDealtWith: ".idle",
      },
    },
    /** What the person wants and how warm they are, as a forecast: nothing follows from it. */
    reading: {
      initial: "unread",
      states: {
        unread: {},
        reading: {
          invoke: {
            id: "read",
            src: "readConversation",
            input: ({ context: { latest, mails, person } }) => ({
              ...{ person, mails: [...mails] },
              ...{ record: latest?.record ?? "", quotes: latest?.quotes ?? [] },
            }),
            onDone: [
              {
                guard: wroteMeanwhile,
                target: "reading",
                reenter: true,
                actions: assign(({ event }) => ({ read: event.output })),
              },
              {
                guard: ({ event }) => event.output.by === "model",
                target: "read",
                actions: assign(({ event }) => ({ read: event.output })),
              },
              { target: "byRules", actions: assign(({ event }) => ({ read: event.output })) },
            ],
            onError: [
              { guard: wroteMeanwhile, target: "reading", reenter: true },
              // What a model read before stands.
              { guard: ({ context }) => context.read?.by === "model", target: "read" },
              { target: "unread" },
            ],
          },
          initial: "current",
          states: {
            current: { on: { MailRead: { guard: and(["saysMore", isOpen]), target: "outdated" } } },
            // However many come, it is read once more.
            outdated: { on: { MailRead: { actions: "note" } } },
          },
        },
        /** A model read it, and its evidence was found in the mails. */
        read: {},
        /** No model could be asked, or what it said did not hold. */
        byRules: {},
      },
      on: {
        MailRead: { guard: and(["saysMore", isOpen]), target: ".reading" },
        ConversationClosed: { target: ".unread", actions: "forgetReading" },
      },
    },
    /** What was promised, by whom and by when. */
    commitments: {
      initial: "none",
      states: {
        none: {},
        pending: { after: { dueSoon: "due" } },
        due: { after: { due: { target: "broken", actions: "breakDue" } } },
        broken: {
          after: {
            afterBroken: [
              { guard: "hasMore", target: "broken", reenter: true, actions: "breakDue" },
              { target: "none", actions: "forgetBroken" },
            ],
          },
        },
        /** Whoever promised has written since: as far as rules can tell. */
        kept: {},
      },
      on: {
        MailRead: [
          {
            guard: and(["leavesBroken", isOpen]),
            target: ".broken",
            actions: "commit",
          },
          {
            guard: and(["leavesPending", isOpen]),
            target: ".pending",
            actions: "commit",
          },
          { guard: "hadCommitments", target: ".kept", actions: "commit" },
        ],
        ConversationClosed: { target: ".none", actions: "forgetCommitments" },
        ConversationDealtWith: [
          { guard: "hadCommitments", target: ".kept", actions: "forgetCommitments" },
          { actions: "note" },
        ],
      },
    },
  },
  on: { InvoiceNoted: { actions: "keepInvoice" } },
})

export const analyst = defineAgent({
  name: "analyst",
  version: 2,
  events: [
    MailRead,
    InvoiceNoted,
    ConversationClosed,
    ConversationDealtWith,
    AnswerHandedOver,
    AnswerTakenBack,
    WorkCarriedOut,
    WorkRejected,
    WorkFailed,
  ],
  machine: chart,
  previous: { 1: analyst1 },
  upgrade: (_, { context, value }) => ({
    value: isObject(value) ? { ...value, reading: "unread" } : value,
    context: { read: null, ...(isObject(context) ? context : {}) },
  }),
})
