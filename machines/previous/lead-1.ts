/** The chart of a lead up to version 1: all who accepted and all who wrote by a network were answered by mail. */
import { assign, enqueueActions, setup } from "xstate"
import { tell } from "../agent.ts"
import type {
  LeadAnswered,
  LeadBounced,
  LeadContacted,
  LeadListed,
  LeadOutreachFailed,
  LeadOutreachRejected,
  LeadUnsubscribed,
  LeadWrote,
} from "../lead.ts"

const day = 24 * 60 * 60 * 1000
/** So long a lead may be silent before it cools down by one step. */
const silenceMillisMax = 14 * day
/** A mail that is told of so much later is history: whoever wrote it has cooled down since. */
const pastMillis = 2 * silenceMillisMax
/** Mails older than this before the newest one do not count for the score. */
const scoreWindowMillis = 90 * day
/** How many mails a lead remembers; older ones are in the log. */
const historyMax = 10
/** How many lists a lead remembers standing in. */
const listsMax = 10
/** Scores, 0 to 100, from which a lead is called so. */
const hotFrom = 60
const warmFrom = 15

interface Mail {
  readonly record: string
  readonly sentAt: number
  readonly warmth: number
}

interface LeadContext {
  readonly person: string
  readonly lists: ReadonlyArray<string>
  readonly mails: number
  /** The newest ones, oldest first. */
  readonly history: ReadonlyArray<Mail>
  /** 0 to 100: warmth of the remembered mails within the window, summed. */
  readonly score: number
  /** Epoch ms of the newest mail; 0 where there is none. */
  readonly lastWroteAt: number
  /** What the person wrote up to here was answered or otherwise dealt with. */
  readonly answeredUntil: number
  /** Outreaches asked for so far. */
  readonly outreaches: number
  /** Stream of the one under way, and when the mail was sent that it answers. */
  readonly open: { readonly outreach: string; readonly answers: number } | null
}

type Wrote = typeof LeadWrote.Type
type LeadEvent =
  | typeof LeadListed.Type
  | Wrote
  | typeof LeadAnswered.Type
  | typeof LeadUnsubscribed.Type
  | typeof LeadBounced.Type
  | typeof LeadContacted.Type
  | typeof LeadOutreachRejected.Type
  | typeof LeadOutreachFailed.Type

const says = (event: Wrote, ...intents: ReadonlyArray<string>) =>
  event.signals.intents.some((intent) => intents.includes(intent))

/** What a mail adds. One that instructs its reader's AI adds nothing, whatever the rules read in it. */
const warmthOf = (event: Wrote) => event.signals.instructsReader ? 0 : event.signals.warmth

/** The mails remembered once this one is. In the order they were sent, whatever order they come in. */
const withMail = (history: ReadonlyArray<Mail>, event: Wrote): ReadonlyArray<Mail> => {
  const after = history.findLastIndex((mail) => mail.sentAt <= event.sentAt) + 1
  const mail = { record: event.record, sentAt: event.sentAt, warmth: warmthOf(event) }
  return [...history.slice(0, after), mail, ...history.slice(after)].slice(-historyMax)
}

const scoreOf = (history: ReadonlyArray<Mail>): number => {
  const from = (history.at(-1)?.sentAt ?? 0) - scoreWindowMillis
  const sum = history.reduce((sum, mail) => mail.sentAt < from ? sum : sum + mail.warmth, 0)
  return Math.max(0, Math.min(100, sum))
}

const scoreWith = (context: LeadContext, event: Wrote) => scoreOf(withMail(context.history, event))

const withdrawal = (person: string, outreach: string, because: string) =>
  tell(outreach, { type: "OutreachWithdrawn", person, because })

export const lead1 = setup({
  types: {
    context: {} as LeadContext,
    events: {} as LeadEvent,
    input: {} as { readonly key: string },
  },
  delays: { silence: silenceMillisMax },
  guards: {
    /** Older than what is known, long past, or addressed to an AI: remembered, and nothing follows from it. */
    warmsNothing: ({ context, event }) =>
      event.type === "LeadWrote" &&
      (event.sentAt < context.lastWroteAt || Date.now() - event.sentAt > pastMillis ||
        event.signals.instructsReader),
    declines: ({ event }) => event.type === "LeadWrote" && says(event, "declines"),
    makesHot: ({ context, event }) =>
      event.type === "LeadWrote" && scoreWith(context, event) >= hotFrom,
    makesWarm: ({ context, event }) =>
      event.type === "LeadWrote" && scoreWith(context, event) >= warmFrom,
    chills: ({ event }) => event.type === "LeadWrote" && event.signals.warmth < 0,
  },
  actions: {
    /** The event is taken as a fact and changes nothing. */
    note: assign({}),
    remember: assign(({ context, event }) => {
      if (event.type !== "LeadWrote") return {}
      const history = withMail(context.history, event)
      return {
        history,
        score: scoreOf(history),
        mails: context.mails + 1,
        lastWroteAt: Math.max(context.lastWroteAt, event.sentAt),
      }
    }),
    list: assign(({ context, event }) =>
      event.type !== "LeadListed" || context.lists.includes(event.list)
        ? {}
        : { lists: [...context.lists, event.list].slice(-listsMax) }
    ),
    noteAnswer: assign(({ context, event }) =>
      event.type === "LeadAnswered"
        ? { answeredUntil: Math.max(context.answeredUntil, event.sentAt) }
        : {}
    ),
    /**
     * Asks for an outreach, or has the one under way answer this mail instead. Nothing where the
     * founder has answered meanwhile; and who complains is left to the founder alone.
     */
    reachOut: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== "LeadWrote" || event.sentAt <= context.answeredUntil) return
      if (says(event, "complains")) {
        if (context.open === null) return
        enqueue.assign({ open: null })
        enqueue(withdrawal(context.person, context.open.outreach, event.type))
        return
      }
      const fresh = context.open === null
      const outreaches = context.outreaches + (fresh ? 1 : 0)
      const outreach = context.open?.outreach ?? `outreach-${context.person}~${outreaches}`
      enqueue.assign({ outreaches, open: { outreach, answers: event.sentAt } })
      enqueue(tell(outreach, {
        type: "OutreachRequested",
        person: context.person,
        answers: event.sentAt,
        intents: event.signals.intents,
        records: context.history.map((mail) => mail.record),
        contact: event.contact,
        subject: event.subject,
        messageId: event.messageId,
        quotes: event.quotes,
      }))
    }),
    /** Nothing is left to answer, or nobody to write to. An answer older than the mail leaves it open. */
    withdraw: enqueueActions(({ context, event, enqueue }) => {
      if (context.open === null) return
      if (event.type === "LeadAnswered" && event.sentAt < context.open.answers) return
      enqueue.assign({ open: null })
      enqueue(withdrawal(context.person, context.open.outreach, event.type))
    }),
    /** The outreach ended. If a newer mail was passed on to it meanwhile, it goes on with that one. */
    close: assign(({ context, event }) => {
      if (!("outreach" in event)) return {}
      const dealtWith = event.type === "LeadOutreachFailed" ? 0 : event.answers
      const ended = context.open?.outreach === event.outreach &&
        context.open.answers <= event.answers
      return {
        answeredUntil: Math.max(context.answeredUntil, dealtWith),
        open: ended ? null : context.open,
      }
    }),
  },
}).createMachine({
  id: "lead",
  context: ({ input }) => ({
    person: input.key,
    lists: [],
    mails: 0,
    history: [],
    score: 0,
    lastWroteAt: 0,
    answeredUntil: 0,
    outreaches: 0,
    open: null,
  }),
  initial: "new",
  states: {
    /** Known, and nothing says yet whether there is interest. */
    new: {},
    warm: { after: { silence: "cold" } },
    hot: { after: { silence: "warm" } },
    cold: {},
    /** For good: mails are still recorded, but nobody writes to the person. */
    unsubscribed: {
      on: {
        LeadWrote: { actions: "remember" },
        LeadUnsubscribed: { actions: "note" },
        LeadBounced: { actions: "note" },
      },
    },
    /** For good as well, save that the person may still unsubscribe. */
    unreachable: {
      on: {
        LeadWrote: { actions: "remember" },
        LeadBounced: { actions: "note" },
      },
    },
  },
  on: {
    LeadListed: { actions: "list" },
    // Entering a state again starts its silence anew.
    LeadWrote: [
      { guard: "warmsNothing", actions: "remember" },
      { guard: "declines", target: ".cold", actions: ["remember", "withdraw"] },
      { guard: "makesHot", target: ".hot", actions: ["remember", "reachOut"] },
      { guard: "makesWarm", target: ".warm", actions: ["remember", "reachOut"] },
      { guard: "chills", target: ".cold", actions: ["remember", "withdraw"] },
      { actions: "remember" },
    ],
    LeadAnswered: { actions: ["noteAnswer", "withdraw"] },
    LeadUnsubscribed: { target: ".unsubscribed", actions: "withdraw" },
    LeadBounced: { target: ".unreachable", actions: "withdraw" },
    LeadContacted: { actions: "close" },
    LeadOutreachRejected: { actions: "close" },
    LeadOutreachFailed: { actions: "close" },
  },
})
