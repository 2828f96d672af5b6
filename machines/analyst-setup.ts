/**
 * What a conversation decides by and what it does: the guards, actions and delays of the analyst, whose
 * chart is drawn in `analyst.ts`.
 */
import { assign, enqueueActions, type OutputFrom, setup } from "xstate"
import { tell } from "./agent.ts"
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
} from "./conversation.ts"
import { readConversation } from "./conversation-reading.ts"
import type { WorkCarriedOut, WorkFailed, WorkRejected } from "./executor.ts"

/** No timer is set further ahead: ten years. */
const delayMillisMax = 3650 * 24 * 60 * 60 * 1000

/** With how a model, or else the rules, read what the person wants. */
type ReadingContext = AnalystContext & {
  readonly read: OutputFrom<typeof readConversation> | null
}

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

/** The chart itself is made in `analyst.ts`. */
export const chartSetup = setup({
  types: {
    context: {} as ReadingContext,
    events: {} as AnalystEvent,
    input: {} as { readonly key: string },
  },
  actors: { readConversation, weighConversation },
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
    /** Nothing newer waits for an answer. */
    answersAll: ({ context, event }) =>
      event.type === "AnswerHandedOver" && event.answers >= context.lastInwardAt,
    /** Nobody wrote since: it is as it was before. */
    leavesOpen: ({ context, event }) =>
      event.type === "AnswerTakenBack" && event.work === context.answered?.work &&
      context.lastOutwardAt <= context.lastInwardAt,
    answersComplaint: ({ context, event }) =>
      event.type === "AnswerHandedOver" && event.work === context.open?.work,
    isOwnWork: ({ context, event }) => "work" in event && event.work === context.open?.work,
    /** A mail of today says something new about what the person wants. */
    saysMore: ({ context, event }) =>
      event.type === "MailRead" && event.direction === "inward" && isNewest(context, event) &&
      !isHeldBack(event) && !isHistory(event),
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
    /** The event is taken as a fact and changes nothing. */
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
    forgetReading: assign({ read: null }),
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
    /** The complaint stands again. */
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
