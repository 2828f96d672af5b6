/**
 * A lead is a person who may become a client. It warms up by what the person writes and cools down by
 * silence; who unsubscribed or cannot be reached is never written to again.
 */
import { assign, enqueueActions, setup } from "xstate"
import { defineAgent, isObject, tell } from "./agent.ts"
import {
  LeadAnswered,
  LeadBounced,
  LeadContacted,
  LeadListed,
  LeadOutreachFailed,
  LeadOutreachRejected,
  LeadUnsubscribed,
  LeadWrote,
} from "./lead-events.ts"
import {
  acceptedIn,
  answerable,
  changesFacts,
  correctedIn,
  type Mail,
  says,
  scoreOf,
  withMail,
  type Wrote,
} from "./lead-mails.ts"
import { lead1 } from "./previous/lead-1.ts"
import { lead2 } from "./previous/lead-2.ts"
import type { Money } from "./record.ts"

export {
  LeadAnswered,
  LeadBounced,
  LeadContacted,
  LeadListed,
  LeadOutreachFailed,
  LeadOutreachRejected,
  LeadUnsubscribed,
  LeadWrote,
  Signals,
} from "./lead-events.ts"
export { historyMax, scoreOf, scoreWindowMillis } from "./lead-mails.ts"

const day = 24 * 60 * 60 * 1000
/** So long a lead may be silent, since it wrote or was answered, before it cools down by one step. */
export const silenceMillisMax = 14 * day
/** A mail that is told of so much later is history: whoever wrote it has cooled down since. */
export const pastMillis = 2 * silenceMillisMax
/** How many lists a lead remembers standing in. */
export const listsMax = 10
/** How many answers of AIOS a lead remembers. */
const sentMax = 10
/** How many accepted amounts a lead remembers. */
const billedMax = 10
/** Scores, 0 to 100, from which a lead is called so. */
export const hotFrom = 60
export const warmFrom = 15

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
  readonly open: {
    readonly outreach: string
    readonly answers: number
    /** What it answers; absent where version 2 asked for it. */
    readonly intents?: ReadonlyArray<string>
  } | null
  /** Stream of the outreach that wrote last: it follows up, unless it hears that the person wrote. */
  readonly contacted: string | null
  /** Message-IDs of the answers that AIOS wrote, newest last: among the founder's sent mail they are no news. */
  readonly sent: ReadonlyArray<string>
  /** Amounts that were accepted and an invoice was asked for, newest last. */
  readonly billed: ReadonlyArray<Money>
  /** Stream of the executor that was asked for the last of them. */
  readonly bill: string | null
}

type LeadEvent =
  | typeof LeadListed.Type
  | Wrote
  | typeof LeadAnswered.Type
  | typeof LeadUnsubscribed.Type
  | typeof LeadBounced.Type
  | typeof LeadContacted.Type
  | typeof LeadOutreachRejected.Type
  | typeof LeadOutreachFailed.Type

const scoreWith = (context: LeadContext, event: Wrote) => scoreOf(withMail(context.history, event))

const withdrawal = (person: string, outreach: string, because: string) =>
  tell(outreach, { type: "OutreachWithdrawn", person, because })

const chart = setup({
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
    isOwnMail: ({ context, event }) =>
      event.type === "LeadAnswered" && event.messageId !== undefined &&
      context.sent.includes(event.messageId),
    /** It is newer than what the person wrote, and not of long ago: from here on they are silent. */
    isLastWord: ({ context, event }) =>
      event.type === "LeadAnswered" && event.sentAt >= context.lastWroteAt &&
      Date.now() - event.sentAt < silenceMillisMax,
    /** Their silence is none while they wait for us; who has waited for so long has given up. */
    isOurTurn: ({ context }) =>
      context.open !== null && Date.now() - context.lastWroteAt < pastMillis,
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
     * founder has answered meanwhile, or nothing is asked; who complains is left to the analyst, and a
     * message of a network cannot be answered by mail.
     */
    reachOut: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== "LeadWrote" || event.sentAt <= context.answeredUntil) return
      if (says(event, "complains") || (event.channel ?? "mail") !== "mail") {
        const writing = context.open?.outreach ?? context.contacted
        if (writing === null) return
        enqueue.assign({ open: null, contacted: null })
        enqueue(withdrawal(context.person, writing, event.type))
        return
      }
      const isAsked = says(event, ...answerable)
      const renews = !isAsked && context.open !== null && changesFacts(event)
      if (!isAsked && !renews) {
        if (context.contacted === null) return
        enqueue.assign({ contacted: null })
        enqueue(withdrawal(context.person, context.contacted, event.type))
        return
      }
      const known = context.open?.outreach ?? context.contacted
      const outreaches = context.outreaches + (known === null ? 1 : 0)
      const outreach = known ?? `outreach-${context.person}~${outreaches}`
      // A newer day or amount is of what was asked before it.
      const before = renews ? context.open?.intents ?? [] : []
      const intents = [...new Set([...before, ...event.signals.intents])]
      enqueue.assign({
        outreaches,
        open: { outreach, answers: event.sentAt, intents },
        contacted: null,
      })
      const { language } = event.signals
      enqueue(tell(outreach, {
        type: "OutreachRequested",
        person: context.person,
        answers: event.sentAt,
        intents,
        records: context.history.map((mail) => mail.record),
        contact: event.contact,
        subject: event.subject,
        messageId: event.messageId,
        quotes: event.quotes,
        ...(language === undefined ? {} : { language }),
      }))
    }),
    /**
     * Who accepts one price gets the invoice for it, once: the founder approves it like all that is money.
     * While the yes is not answered, a newer amount takes the place of the one before: of a newer yes by
     * an invoice of its own, else in the same work, so nothing is billed twice that was billed already.
     */
    bill: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== "LeadWrote" || (event.channel ?? "mail") !== "mail") return
      const accepted = acceptedIn(event)
      const waiting = context.open === null || event.sentAt <= context.answeredUntil
        ? null
        : context.bill
      const amount = accepted ?? (waiting === null ? undefined : correctedIn(event))
      if (amount === undefined || amount.minor <= 0) return
      const isThis = (one: Money) => one.minor === amount.minor && one.currency === amount.currency
      if (
        accepted === undefined ? context.billed.slice(-1).some(isThis) : context.billed.some(isThis)
      ) return
      const billed = [...context.billed, amount].slice(-billedMax)
      const isNew = accepted !== undefined || waiting === null
      const bill = isNew ? `executor-${context.person}~i${event.sentAt}` : waiting
      if (isNew && waiting !== null) {
        enqueue(tell(waiting, { type: "WorkWithdrawn", because: event.type }))
      }
      enqueue.assign({ billed, bill })
      enqueue(tell(bill, {
        type: "InvoiceRequested",
        requester: `lead-${context.person}`,
        person: context.person,
        records: [event.record],
        amount,
        contact: event.contact,
        description: event.subject,
      }))
    }),
    /** Nothing is left to answer, or nobody to write to. An answer older than the mail leaves it open. */
    withdraw: enqueueActions(({ context, event, enqueue }) => {
      const writing = context.open?.outreach ?? context.contacted
      if (writing === null) return
      if (event.type === "LeadAnswered" && event.sentAt < (context.open?.answers ?? 0)) return
      enqueue.assign({ open: null, contacted: null })
      enqueue(withdrawal(context.person, writing, event.type))
    }),
    /** The person wrote again, and be it only thanks: nothing is to be followed up. */
    followUpNoMore: enqueueActions(({ context, event, enqueue }) => {
      if (context.contacted === null) return
      enqueue.assign({ contacted: null })
      enqueue(withdrawal(context.person, context.contacted, event.type))
    }),
    /** The outreach ended. If a newer mail was passed on to it meanwhile, it goes on with that one. */
    close: assign(({ context, event }) => {
      if (!("outreach" in event)) return {}
      const { messageId } = event.type === "LeadContacted" ? event : {}
      const dealtWith = event.type === "LeadOutreachFailed" ? 0 : event.answers
      const ended = context.open?.outreach === event.outreach &&
        context.open.answers <= event.answers
      return {
        answeredUntil: Math.max(context.answeredUntil, dealtWith),
        sent: messageId === undefined ? context.sent : [...context.sent, messageId].slice(-sentMax),
        open: ended ? null : context.open,
        contacted: event.type === "LeadContacted" && ended
          ? event.outreach
          : context.contacted === event.outreach
          ? null
          : context.contacted,
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
    contacted: null,
    sent: [],
    billed: [],
    bill: null,
  }),
  initial: "new",
  states: {
    /** Known, and nothing says yet whether there is interest. */
    new: {},
    warm: {
      after: {
        silence: [{ guard: "isOurTurn", target: "warm", reenter: true }, { target: "cold" }],
      },
      on: {
        LeadContacted: { target: "warm", reenter: true, actions: "close" },
        LeadAnswered: [
          { guard: "isOwnMail", actions: "note" },
          {
            guard: "isLastWord",
            target: "warm",
            reenter: true,
            actions: ["noteAnswer", "withdraw"],
          },
          { actions: ["noteAnswer", "withdraw"] },
        ],
      },
    },
    hot: {
      after: {
        silence: [{ guard: "isOurTurn", target: "hot", reenter: true }, { target: "warm" }],
      },
      on: {
        LeadContacted: { target: "hot", reenter: true, actions: "close" },
        LeadAnswered: [
          { guard: "isOwnMail", actions: "note" },
          {
            guard: "isLastWord",
            target: "hot",
            reenter: true,
            actions: ["noteAnswer", "withdraw"],
          },
          { actions: ["noteAnswer", "withdraw"] },
        ],
      },
    },
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
      { guard: "makesHot", target: ".hot", actions: ["remember", "bill", "reachOut"] },
      { guard: "makesWarm", target: ".warm", actions: ["remember", "bill", "reachOut"] },
      { guard: "chills", target: ".cold", actions: ["remember", "withdraw"] },
      { actions: ["remember", "followUpNoMore"] },
    ],
    LeadAnswered: [
      { guard: "isOwnMail", actions: "note" },
      { actions: ["noteAnswer", "withdraw"] },
    ],
    LeadUnsubscribed: { target: ".unsubscribed", actions: "withdraw" },
    LeadBounced: { target: ".unreachable", actions: "withdraw" },
    LeadContacted: { actions: "close" },
    LeadOutreachRejected: { actions: "close" },
    LeadOutreachFailed: { actions: "close" },
  },
})

export const lead = defineAgent({
  name: "lead",
  version: 3,
  events: [
    LeadListed,
    LeadWrote,
    LeadAnswered,
    LeadUnsubscribed,
    LeadBounced,
    LeadContacted,
    LeadOutreachRejected,
    LeadOutreachFailed,
  ],
  machine: chart,
  previous: { 1: lead1, 2: lead2 },
  upgrade: (_, { context, value }) => ({
    value,
    context: {
      contacted: null,
      sent: [],
      billed: [],
      bill: null,
      ...(isObject(context) ? context : {}),
    },
  }),
})
