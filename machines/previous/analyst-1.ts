/** The chart of a conversation up to version 1: rules alone read it. */
import { and, assign, enqueueActions, not, setup, stateIn } from "xstate"
import { tell } from "../agent.ts"
import {
  type AnalystContext,
  type AnswerHandedOver,
  type AnswerTakenBack,
  brokenMillisMax,
  brokenWith,
  commitmentsMax,
  complaintReply,
  type ConversationClosed,
  type ConversationDealtWith,
  disputedIn,
  dueSoonMillis,
  invoiceMeant,
  type InvoiceNoted,
  invoicesMax,
  isHeldBack,
  isHistory,
  isNewest,
  lapseMillis,
  pendingWith,
  type Read,
  replyMillisMax,
  wantsAnswer,
  weighConversation,
  withMail,
} from "../conversation.ts"
import type { WorkCarriedOut, WorkFailed, WorkRejected } from "../executor.ts"

/** No timer is set further ahead: ten years. */
const delayMillisMax = 3650 * 24 * 60 * 60 * 1000

type AnalystEvent =
  | Read
  | typeof InvoiceNoted.Type
  | typeof ConversationClosed.Type
  | typeof ConversationDealtWith.Type
  | typeof AnswerHandedOver.Type
  | typeof AnswerTakenBack.Type
  | typeof WorkCarriedOut.Type
  | typeof WorkRejected.Type
  | typeof WorkFailed.Type

const delay = (until: number) => Math.max(1, Math.min(until - Date.now(), delayMillisMax))
const earliest = (context: AnalystContext) => context.pending[0]?.dueAt ?? Date.now()

const recordOf = ({ latest, person }: AnalystContext) => latest?.record ?? `analyst-${person}`
const disputeBy = (context: AnalystContext, invoice: string) =>
  tell(`invoice-${invoice}`, {
    type: "InvoiceDisputed",
    ...{ person: context.person, invoice, record: recordOf(context) },
    at: context.latest?.sentAt ?? Date.now(),
    by: "mail",
  })

const chartSetup = setup({
  types: {
    context: {} as AnalystContext,
    events: {} as AnalystEvent,
    input: {} as { readonly key: string },
  },
  actors: { weighConversation },
  delays: {
    replyDue: ({ context }) => delay(context.unansweredSince + replyMillisMax),
    lapse: ({ context }) => delay(context.lastInwardAt + lapseMillis),
    dueSoon: ({ context }) => delay(earliest(context) - dueSoonMillis),
    due: ({ context }) => delay(earliest(context)),
    afterBroken: ({ context }) =>
      context.pending.length > 0 ? delay(earliest(context)) : brokenMillisMax,
  },
  guards: {
    /** The person wrote last, and it is the founder's turn. */
    takesTurn: ({ context, event }) =>
      event.type === "MailRead" && event.direction === "inward" && isNewest(context, event) &&
      !isHeldBack(event) && wantsAnswer(event.findings),
    isHistory: ({ event }) => event.type === "MailRead" && isHistory(event),
    endsQuietly: ({ context, event }) =>
      event.type === "MailRead" && event.direction === "inward" && isNewest(context, event) &&
      !isHeldBack(event),
    answers: ({ context, event }) =>
      event.type === "MailRead" && event.direction === "outward" && isNewest(context, event),
    answersAll: ({ context, event }) =>
      event.type === "AnswerHandedOver" && event.answers >= context.lastInwardAt,
    /** Nobody wrote since: it is as it was before. */
    leavesOpen: ({ context, event }) =>
      event.type === "AnswerTakenBack" && event.work === context.answered?.work &&
      context.lastOutwardAt <= context.lastInwardAt,
    answersComplaint: ({ context, event }) =>
      event.type === "AnswerHandedOver" && event.work === context.open?.work,
    isOwnWork: ({ context, event }) => "work" in event && event.work === context.open?.work,
    leavesPending: ({ context, event }) =>
      event.type === "MailRead" && pendingWith(context, event).length > 0,
    leavesBroken: ({ context, event }) =>
      event.type === "MailRead" && brokenWith(context, event).length > 0,
    hadCommitments: ({ context }) => context.pending.length + context.broken.length > 0,
    hasMore: ({ context }) => context.pending.length > 0,
    /** A complaint waits, and this invoice says more about it than was known. */
    explains: ({ context, event }) =>
      event.type === "InvoiceNoted" && context.open !== null && event.overpaid.length >
        (context.invoices.find(({ invoice }) => invoice === event.invoice)?.overpaid.length ?? 0),
  },
  actions: {
    note: assign({}),
    remember: assign(({ context, event }) => {
      if (event.type !== "MailRead") return {}
      const { findings: _, type: __, ...latest } = event
      const mails = withMail(context.mails, event)
      if (event.direction === "outward") {
        return { mails, lastOutwardAt: Math.max(context.lastOutwardAt, event.sentAt) }
      }
      if (isHeldBack(event)) return { mails }
      const waited = context.mails.some((mail) =>
        mail.direction === "inward" && mail.sentAt > context.lastOutwardAt &&
        !isHeldBack(mail) && wantsAnswer(mail.findings)
      )
      return {
        mails,
        lastInwardAt: Math.max(context.lastInwardAt, event.sentAt),
        unansweredSince: waited ? context.unansweredSince : event.sentAt,
        latest: event.sentAt >= (context.latest?.sentAt ?? 0) ? latest : context.latest,
      }
    }),
    commit: assign(({ context, event }) =>
      event.type === "MailRead"
        ? { pending: pendingWith(context, event), broken: brokenWith(context, event) }
        : {}
    ),
    breakDue: assign(({ context }) => ({
      pending: context.pending.slice(1),
      broken: [...context.broken, ...context.pending.slice(0, 1)].slice(-commitmentsMax),
    })),
    forgetBroken: assign({ broken: [] }),
    forgetCommitments: assign({ pending: [], broken: [] }),
    keepInvoice: assign(({ context, event }) => {
      if (event.type !== "InvoiceNoted") return {}
      const { person: _, type: __, ...noted } = event
      const before = context.invoices.find(({ invoice }) => invoice === noted.invoice)
      const others = context.invoices.filter(({ invoice }) => invoice !== noted.invoice)
      const disputed = before?.disputed === true && noted.standing !== "settled"
      return { invoices: [...others, { ...noted, disputed }].slice(-invoicesMax) }
    }),
    /** A complaint that waits for the founder is answered once, with what is known of its invoice. */
    askForAnswer: enqueueActions(({ context, enqueue }) => {
      const { latest, person, weighed } = context
      if (weighed?.about !== "complaint" || latest === null) return
      if (latest.sentAt <= Math.max(context.lastOutwardAt, context.dealtWithUntil)) return
      const meant = invoiceMeant(context)
      const works = context.works + (context.open === null ? 1 : 0)
      const work = context.open?.work ?? `executor-${person}~c${works}`
      enqueue.assign({ works, open: { work, answers: latest.sentAt } })
      enqueue(tell(work, complaintReply(context, latest, weighed.dueAt)))
      if (meant === undefined || meant.disputed) return
      enqueue.assign({
        invoices: context.invoices.map((one) =>
          one.invoice === meant.invoice ? { ...one, disputed: true } : one
        ),
      })
      enqueue(disputeBy(context, meant.invoice))
    }),
    /** Who complained has an answer: the terms of what they disputed by mail go on. */
    settleDisputes: enqueueActions(({ context, enqueue }) => {
      const settled = disputedIn(context)
      if (settled.length === 0) return
      const { answered, person } = context
      enqueue.assign({
        invoices: context.invoices.map((one) => ({ ...one, disputed: false })),
        answered: answered === null ? null : { ...answered, settled },
      })
      settled.forEach((invoice) =>
        enqueue(tell(`invoice-${invoice}`, {
          type: "DisputeSettled",
          ...{ person, invoice, record: recordOf(context), at: Date.now() },
          outcome: "settled",
        }))
      )
    }),
    /** The founder answered, or nothing is owed any more. */
    withdraw: enqueueActions(({ context, event, enqueue }) => {
      if (context.open === null) return
      enqueue.assign({ open: null, dealtWithUntil: context.open.answers })
      enqueue(tell(context.open.work, { type: "WorkWithdrawn", because: event.type }))
    }),
    noteAnswer: assign(({ context, event }) =>
      event.type !== "AnswerHandedOver" ? {} : {
        lastOutwardAt: Math.max(context.lastOutwardAt, event.answers),
        answered: {
          work: event.work,
          lastOutwardAt: context.lastOutwardAt,
          dealtWithUntil: context.dealtWithUntil,
          settled: [],
        },
      }
    ),
    dealWith: assign(({ context }) => ({
      lastOutwardAt: Math.max(context.lastOutwardAt, context.lastInwardAt),
      dealtWithUntil: Math.max(context.dealtWithUntil, context.lastInwardAt),
    })),
    takeBack: enqueueActions(({ context, enqueue }) => {
      const { answered } = context
      if (answered === null) return
      const { dealtWithUntil, lastOutwardAt, settled } = answered
      const again = context.invoices.filter((one) =>
        settled.includes(one.invoice) && one.standing !== "settled"
      ).map(({ invoice }) => invoice)
      enqueue.assign({
        ...{ dealtWithUntil, lastOutwardAt, answered: null },
        invoices: context.invoices.map((one) =>
          again.includes(one.invoice) ? { ...one, disputed: true } : one
        ),
      })
      again.forEach((invoice) => enqueue(disputeBy(context, invoice)))
    }),
    endWork: assign(({ context, event }) => ({
      open: null,
      dealtWithUntil: event.type === "WorkFailed"
        ? context.dealtWithUntil
        : Math.max(context.dealtWithUntil, context.open?.answers ?? 0),
    })),
  },
})

/** Somebody who closed the conversation is not weighed and owes nothing. */
const isOpen = not(stateIn({ turn: "closed" }))

export const analyst1 = chartSetup.createMachine({
  id: "analyst",
  context: ({ input }) => ({
    person: input.key,
    mails: [],
    lastInwardAt: 0,
    lastOutwardAt: 0,
    unansweredSince: 0,
    latest: null,
    weighed: null,
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
