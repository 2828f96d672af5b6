/** The chart of a lead up to version 2: what it wrote while an answer was open changed nothing, unless it asked. */
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
} from "../lead-events.ts"
import type { Money } from "../record.ts"

const day = 24 * 60 * 60 * 1000
/** So long a lead may be silent, since it wrote or was answered, before it cools down by one step. */
const silenceMillisMax = 14 * day
/** A mail that is told of so much later is history: whoever wrote it has cooled down since. */
const pastMillis = 2 * silenceMillisMax
/** Mails older than this before the newest one do not count for the score. */
const scoreWindowMillis = 90 * day
/** How many mails a lead remembers; older ones are in the log. */
const historyMax = 10
/** How many lists a lead remembers standing in. */
const listsMax = 10
/** How many answers of AIOS a lead remembers. */
const sentMax = 10
/** How many accepted amounts a lead remembers. */
const billedMax = 10
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
  /** Stream of the outreach that wrote last: it follows up, unless it hears that the person wrote. */
  readonly contacted: string | null
  /** Message-IDs of the answers that AIOS wrote, newest last: among the founder's sent mail they are no news. */
  readonly sent: ReadonlyArray<string>
  /** Amounts that were accepted and an invoice was asked for, newest last. */
  readonly billed: ReadonlyArray<Money>
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

/** The one amount that was accepted; undefined where none or several are named. */
const acceptedIn = (event: Wrote): Money | undefined => {
  const [amount, ...others] = event.amounts ?? []
  return says(event, "accepts") && !says(event, "complains") && others.length === 0
    ? amount
    : undefined
}

/** What an outreach can answer. Another question is for the founder: the analyst keeps track of it. */
const answerable = ["asksPrice", "asksMeeting", "namesBudget", "accepts"]

const withdrawal = (person: string, outreach: string, because: string) =>
  tell(outreach, { type: "OutreachWithdrawn", person, because })

export const lead2 = setup({
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
      if (!says(event, ...answerable)) {
        if (context.contacted === null) return
        enqueue.assign({ contacted: null })
        enqueue(withdrawal(context.person, context.contacted, event.type))
        return
      }
      const known = context.open?.outreach ?? context.contacted
      const outreaches = context.outreaches + (known === null ? 1 : 0)
      const outreach = known ?? `outreach-${context.person}~${outreaches}`
      enqueue.assign({ outreaches, open: { outreach, answers: event.sentAt }, contacted: null })
      const { language } = event.signals
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
        ...(language === undefined ? {} : { language }),
      }))
    }),
    /** Who accepts one price gets the invoice for it, once: the founder approves it like all that is money. */
    bill: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== "LeadWrote" || (event.channel ?? "mail") !== "mail") return
      const amount = acceptedIn(event)
      if (amount === undefined || amount.minor <= 0) return
      const isThis = (one: Money) => one.minor === amount.minor && one.currency === amount.currency
      if (context.billed.some(isThis)) return
      const billed = [...context.billed, amount].slice(-billedMax)
      enqueue.assign({ billed })
      enqueue(tell(`executor-${context.person}~i${event.sentAt}`, {
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
