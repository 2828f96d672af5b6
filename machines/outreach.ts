/**
 * One outreach: what a lead wrote is answered, and after some days of silence followed up once. It does
 * not write itself: each mail is the work of an executor of its own, which drafts it, waits for the
 * founder and tells how it ended.
 */
import { Schema } from "effect"
import { and, assign, enqueueActions, setup } from "xstate"
import { defineAgent, event, isObject, personal, tell } from "./agent.ts"
import {
  type Purpose,
  WorkCarriedOut,
  WorkFailed,
  WorkRejected,
  WorkTakenBack,
} from "./executor.ts"
import { draftOutreach1, outreach1, sendMail1 } from "./previous/outreach-1.ts"
import { Instant, Language, Mailbox, PersonKey } from "./record.ts"

/** A mail to answer. Asked again, the newer mail is answered. */
export const OutreachRequested = event("OutreachRequested", {
  person: PersonKey,
  /** When the mail was sent. */
  answers: Instant,
  intents: Schema.Array(Schema.String),
  /** Streams of the records that led here, oldest first. */
  records: Schema.Array(Schema.String),
  contact: personal(Mailbox),
  subject: personal(Schema.String),
  messageId: personal(Schema.String),
  /** What the person wrote, word for word, that the intents were read from. */
  quotes: personal(Schema.Array(Schema.String)),
  /** What the person wrote in. */
  language: Schema.optionalKey(Language),
})

/** There is nothing to answer any more, or nobody to write to. */
export const OutreachWithdrawn = event("OutreachWithdrawn", {
  person: PersonKey,
  /** Type of the event that made it so. */
  because: Schema.String,
})

/** What was missing is there now, or what was broken is mended: try again. */
export const OutreachRetried = event("OutreachRetried", {})

const day = 24 * 60 * 60 * 1000
/** After so long a silence the answer is followed up, once. */
export const followUpMillis = 5 * day

type Request = Omit<typeof OutreachRequested.Type, "type">

interface OutreachContext {
  /** The part of its stream's name after `outreach-`. */
  readonly key: string
  /** What is answered; null before the first request. */
  readonly request: Request | null
  /** Executors asked so far, and the stream of the one that works for it last. */
  readonly works: number
  readonly work: string | null
  /** The work came to its end. */
  readonly ended: boolean
  /** Name of what stood in the way. */
  readonly problem: string | null
}

type OutreachEvent =
  | typeof OutreachRequested.Type
  | typeof OutreachWithdrawn.Type
  | typeof OutreachRetried.Type
  | typeof WorkCarriedOut.Type
  | typeof WorkRejected.Type
  | typeof WorkFailed.Type
  | typeof WorkTakenBack.Type
  | OfVersion1

/** What an outreach of version 1 had asked for itself may still come back to it. */
type OfVersion1 =
  | { readonly type: "xstate.done.actor.draft" | "xstate.done.actor.send" }
  | {
    readonly type: "xstate.error.actor.draft" | "xstate.error.actor.send"
    readonly error: { readonly name: string }
  }
  | { readonly type: "xstate.after.aDay.outreach.blocked" }

/** It is entered by a request only, so there is one. */
const requestOf = (context: OutreachContext): Request => {
  if (context.request === null) throw new Error("An outreach is made that nobody asked for")
  return context.request
}

/** Tells the lead what became of the mail that was to be answered. */
const toLead = (context: OutreachContext, type: string, answers: number, more: object = {}) => {
  const { person } = requestOf(context)
  const outreach = `outreach-${context.key}`
  return tell(`lead-${person}`, { type, person, outreach, answers, ...more })
}

/** Streams are opaque: of `<person>~1` the third executor is `<person>~o1~3`. */
const executorOf = (key: string, works: number) => `executor-${key.replace("~", "~o")}~${works}`

const mailFor = (context: OutreachContext, purpose: Purpose, answers: number) => {
  const { contact, intents, language, messageId, person, quotes, records, subject } = requestOf(
    context,
  )
  return {
    type: "MailRequested",
    requester: `outreach-${context.key}`,
    ...{ person, records, purpose, answers, intents, contact, subject, messageId, quotes },
    ...(language === undefined ? {} : { language }),
  }
}

const chart = setup({
  types: {
    context: {} as OutreachContext,
    events: {} as OutreachEvent,
    input: {} as { readonly key: string },
  },
  actors: { draftOutreach: draftOutreach1, sendMail: sendMail1 },
  delays: { silence: followUpMillis },
  guards: {
    /** An older mail than the one being answered changes nothing. */
    isNewer: ({ context, event }) =>
      event.type === "OutreachRequested" && event.answers > (context.request?.answers ?? 0),
    isOfItsWork: ({ context, event }) => "work" in event && event.work === context.work,
    /** Of its work, and of the newest mail. */
    isLatest: ({ context, event }) =>
      "work" in event && event.work === context.work &&
      event.answers >= (context.request?.answers ?? 0),
    /** The next step is ours, or it was a yes: silence is no reason to write again. */
    asksNothing: ({ context, event }) =>
      event.type === "WorkCarriedOut" &&
      (event.asks === false || requestOf(context).intents.includes("accepts")),
    hasNoWork: ({ context }) => context.work === null,
    wasRejected: ({ event }) => "error" in event && event.error.name === "Rejected",
  },
  actions: {
    take: assign(({ event }) => {
      if (event.type !== "OutreachRequested") return {}
      const { type: _, ...request } = event
      return { request, problem: null }
    }),
    /** The event is taken as a fact and changes nothing. */
    note: assign({}),
    end: assign({ ended: true }),
    keepProblem: assign(({ event }) => ({
      ended: true,
      problem: event.type === "WorkFailed"
        ? event.problem
        : "error" in event
        ? event.error.name
        : "Unknown",
    })),
    /** The executor under way takes the newer mail; one that is done is followed by another. */
    haveItAnswered: enqueueActions(({ context, enqueue }) => {
      const goesOn = context.work !== null && !context.ended
      const works = context.works + (goesOn ? 0 : 1)
      const work = goesOn && context.work !== null ? context.work : executorOf(context.key, works)
      enqueue.assign({ works, work, ended: false })
      enqueue(tell(work, mailFor(context, "answer", requestOf(context).answers)))
    }),
    haveItFollowedUp: enqueueActions(({ context, enqueue }) => {
      const works = context.works + 1
      const work = executorOf(context.key, works)
      enqueue.assign({ works, work, ended: false })
      enqueue(tell(work, mailFor(context, "followUp", Date.now())))
    }),
    withdrawWork: enqueueActions(({ context, event, enqueue }) => {
      if (context.work === null || context.ended) return
      enqueue.assign({ ended: true })
      enqueue(tell(context.work, {
        type: "WorkWithdrawn",
        because: event.type === "OutreachWithdrawn" ? event.because : event.type,
      }))
    }),
    tellContacted: enqueueActions(({ context, event, enqueue }) => {
      const { answers, messageId } = event.type === "WorkCarriedOut" ? event : requestOf(context)
      const sent = event.type !== "WorkCarriedOut" || messageId === undefined ? {} : { messageId }
      enqueue(toLead(context, "LeadContacted", answers, sent))
    }),
    tellRejected: enqueueActions(({ context, enqueue }) =>
      enqueue(toLead(context, "LeadOutreachRejected", requestOf(context).answers))
    ),
    tellFailed: enqueueActions(({ context, enqueue }) =>
      enqueue(toLead(context, "LeadOutreachFailed", requestOf(context).answers, {
        problem: context.problem ?? "Unknown",
      }))
    ),
  },
}).createMachine({
  id: "outreach",
  context: ({ input }) => ({
    key: input.key,
    request: null,
    works: 0,
    work: null,
    ended: false,
    problem: null,
  }),
  initial: "new",
  states: {
    new: {},
    answering: {
      entry: "haveItAnswered",
      on: {
        WorkCarriedOut: [
          { guard: and(["isLatest", "asksNothing"]), target: "answered", actions: "end" },
          { guard: "isLatest", target: "contacted", actions: "end" },
          // A newer mail came while the answer to the one before went out.
          {
            guard: "isOfItsWork",
            target: "answering",
            reenter: true,
            actions: ["end", "tellContacted"],
          },
        ],
        WorkRejected: { guard: "isLatest", target: "rejected", actions: "end" },
        WorkFailed: { guard: "isLatest", target: "failed", actions: "keepProblem" },
        OutreachRetried: { guard: "hasNoWork", target: "answering", reenter: true },
        "xstate.after.aDay.outreach.blocked": {
          guard: "hasNoWork",
          target: "answering",
          reenter: true,
        },
        "xstate.done.actor.draft": { guard: "hasNoWork", target: "answering", reenter: true },
        "xstate.error.actor.draft": { guard: "hasNoWork", target: "answering", reenter: true },
        "xstate.done.actor.send": { guard: "hasNoWork", target: "contacted", actions: "end" },
        "xstate.error.actor.send": [
          { guard: "wasRejected", target: "rejected", actions: "end" },
          { target: "failed", actions: "keepProblem" },
        ],
      },
    },
    contacted: {
      entry: "tellContacted",
      after: { silence: "followingUp" },
      on: {
        WorkTakenBack: { guard: "isOfItsWork", target: "rejected" },
        OutreachWithdrawn: "concluded",
      },
    },
    /** Nothing was asked of the person, so nothing is followed up. */
    answered: {
      entry: "tellContacted",
      on: {
        WorkTakenBack: { guard: "isOfItsWork", target: "rejected" },
        OutreachWithdrawn: "concluded",
      },
    },
    followingUp: {
      entry: "haveItFollowedUp",
      on: {
        WorkCarriedOut: { guard: "isOfItsWork", target: "concluded", actions: "end" },
        WorkRejected: { guard: "isOfItsWork", target: "concluded", actions: "end" },
        WorkFailed: { guard: "isOfItsWork", target: "concluded", actions: "keepProblem" },
        OutreachRequested: [
          { guard: "isNewer", target: "answering", actions: ["withdrawWork", "take"] },
          { actions: "note" },
        ],
        OutreachWithdrawn: { target: "concluded", actions: "withdrawWork" },
      },
    },
    /** Answered, and followed up where that was needed. */
    concluded: { on: { OutreachWithdrawn: { actions: "note" } } },
    rejected: {
      entry: "tellRejected",
      on: {
        // The founder decided once more.
        WorkCarriedOut: [
          { guard: and(["isOfItsWork", "asksNothing"]), target: "answered" },
          { guard: "isOfItsWork", target: "contacted" },
        ],
        OutreachWithdrawn: { actions: "note" },
      },
    },
    failed: {
      entry: "tellFailed",
      on: {
        OutreachRetried: "answering",
        WorkCarriedOut: [
          { guard: and(["isOfItsWork", "asksNothing"]), target: "answered" },
          { guard: "isOfItsWork", target: "contacted" },
        ],
        WorkRejected: { guard: "isOfItsWork", target: "rejected" },
      },
    },
    withdrawn: { on: { OutreachWithdrawn: { actions: "note" } } },
  },
  on: {
    OutreachRequested: [
      { guard: "isNewer", target: ".answering", actions: "take" },
      { actions: "note" },
    ],
    OutreachWithdrawn: { target: ".withdrawn", actions: "withdrawWork" },
    // Of work that something newer has taken the place of.
    WorkCarriedOut: { actions: "note" },
    WorkRejected: { actions: "note" },
    WorkFailed: { actions: "note" },
    WorkTakenBack: { actions: "note" },
  },
})

/** Where an outreach of version 1 goes on. What it drafted and sent itself comes back to `answering`. */
const since1: { readonly [state: string]: string } = {
  drafting: "answering",
  blocked: "answering",
  awaitingApproval: "answering",
  sent: "concluded",
  stale: "failed",
}

export const outreach = defineAgent({
  name: "outreach",
  version: 2,
  events: [
    OutreachRequested,
    OutreachWithdrawn,
    OutreachRetried,
    WorkCarriedOut,
    WorkRejected,
    WorkFailed,
    WorkTakenBack,
  ],
  machine: chart,
  previous: { 1: outreach1 },
  upgrade: (_, { context, value }) => {
    const { key = "", problem = null, request = null } = isObject(context) ? context : {}
    const name = isObject(problem) ? problem["name"] ?? null : null
    return {
      value: typeof value === "string" ? since1[value] ?? value : value,
      context: { key, request, works: 0, work: null, ended: false, problem: name },
    }
  },
})
