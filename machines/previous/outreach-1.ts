/** The chart of an outreach up to version 1: it drafted and sent by itself. Its stored histories fold by it. */
import { Schema } from "effect"
import { assign, type OutputFrom, setup } from "xstate"
import { activity, personal, staleAfterMillisDefault, tell } from "../agent.ts"
import type { OutreachRequested, OutreachRetried, OutreachWithdrawn } from "../outreach.ts"
import { Mailbox, PersonKey } from "../record.ts"

/** Writes the draft. Fails with `MissingSettings` where a fact is missing: there are no placeholders. */
export const draftOutreach1 = activity({
  name: "draftOutreach",
  input: Schema.Struct({
    person: PersonKey,
    intents: Schema.Array(Schema.String),
    contact: personal(Mailbox),
    subject: personal(Schema.String),
    quotes: personal(Schema.Array(Schema.String)),
  }),
  output: Schema.Struct({
    person: PersonKey,
    from: personal(Mailbox),
    to: personal(Mailbox),
    subject: personal(Schema.String),
    text: personal(Schema.String),
    /** What made it, such as `template-1`. */
    made: Schema.String,
  }),
  timeoutMillis: 10_000,
  staleAfterMillis: staleAfterMillisDefault,
})

/** Hands the mail over. Its input is what the founder approves. */
export const sendMail1 = activity({
  name: "sendMail",
  input: Schema.Struct({
    person: PersonKey,
    from: personal(Mailbox),
    to: personal(Mailbox),
    subject: personal(Schema.String),
    text: personal(Schema.String),
    /** Message-ID of the mail this answers. */
    inReplyTo: personal(Schema.String),
  }),
  output: Schema.Struct({
    messageId: Schema.String,
    /** Where the mail now is. */
    where: Schema.String,
  }),
  risk: "outward",
  idempotency: "keyed",
  adapter: "mailer",
  retriesMax: 8,
  retryDelayMillisMax: 60_000,
})

/** A draft with a gap is tried again after this long, if nobody asks sooner. */
const blockedMillisMax = 24 * 60 * 60 * 1000

type Request = Omit<typeof OutreachRequested.Type, "type">
type Draft = OutputFrom<typeof draftOutreach1>

interface OutreachContext {
  /** The part of its stream's name after `outreach-`. */
  readonly key: string
  /** What is answered; null before the first request. */
  readonly request: Request | null
  readonly draft: Draft | null
  /** Name and message of what stands in the way. */
  readonly problem: { readonly name: string; readonly message: string } | null
}

type OutreachEvent =
  | typeof OutreachRequested.Type
  | typeof OutreachWithdrawn.Type
  | typeof OutreachRetried.Type

/** `Rejected`, `Skipped`, `NotPermitted` come from the actor system, the others from the activity. */
const problemOf = (event: object) => {
  const error = "error" in event ? event.error : undefined
  return error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Unknown", message: String(error) }
}
const failedWith = (name: string) => ({ event }: { readonly event: object }) =>
  problemOf(event).name === name

/** Tells the lead what became of the mail that was to be answered. */
const tellLead = (type: string, more: (context: OutreachContext) => object = () => ({})) =>
  tell<OutreachContext, OutreachEvent>(
    ({ context }) => `lead-${context.request?.person}`,
    ({ context }) => ({
      type,
      person: context.request?.person,
      outreach: `outreach-${context.key}`,
      answers: context.request?.answers,
      ...more(context),
    }),
  )
const tellLeadItFailed = tellLead("LeadOutreachFailed", (context) => ({
  problem: context.problem?.name ?? "Unknown",
}))

/** The mail to draft an answer to. Drafting is entered by a request only, so there is one. */
const requestOf = (context: OutreachContext): Request => {
  if (context.request === null) throw new Error("An outreach is drafted that nobody asked for")
  return context.request
}
const draftOf = (context: OutreachContext): Draft => {
  if (context.draft === null) throw new Error("A mail is to be sent that nobody drafted")
  return context.draft
}

export const outreach1 = setup({
  types: {
    context: {} as OutreachContext,
    events: {} as OutreachEvent,
    input: {} as { readonly key: string },
  },
  actors: { draftOutreach: draftOutreach1, sendMail: sendMail1 },
  delays: { aDay: blockedMillisMax },
  guards: {
    /** An older mail than the one being answered changes nothing. */
    isNewer: ({ context, event }) =>
      event.type === "OutreachRequested" && event.answers > (context.request?.answers ?? 0),
  },
  actions: {
    take: assign(({ event }) => {
      if (event.type !== "OutreachRequested") return {}
      const { type: _, ...request } = event
      return { request, draft: null, problem: null }
    }),
    /** The event is taken as a fact and changes nothing. */
    note: assign({}),
    keepProblem: assign(({ event }) => ({ problem: problemOf(event) })),
  },
}).createMachine({
  id: "outreach",
  context: ({ input }) => ({ key: input.key, request: null, draft: null, problem: null }),
  initial: "new",
  states: {
    new: {},
    drafting: {
      invoke: {
        id: "draft",
        src: "draftOutreach",
        input: ({ context }) => {
          const { person, intents, contact, subject, quotes } = requestOf(context)
          return { person, intents, contact, subject, quotes }
        },
        onDone: {
          target: "awaitingApproval",
          actions: assign(({ event }) => ({ draft: event.output, problem: null })),
        },
        onError: [
          { guard: failedWith("MissingSettings"), target: "blocked", actions: "keepProblem" },
          { guard: failedWith("Skipped"), target: "stale", actions: "keepProblem" },
          { target: "failed", actions: "keepProblem" },
        ],
      },
    },
    /** A fact is missing that only the founder knows; `problem` names it. */
    blocked: {
      after: { aDay: "drafting" },
      on: { OutreachRetried: "drafting" },
    },
    awaitingApproval: {
      invoke: {
        id: "send",
        src: "sendMail",
        input: ({ context }) => {
          const { person, from, to, subject, text } = draftOf(context)
          return { person, from, to, subject, text, inReplyTo: requestOf(context).messageId }
        },
        onDone: "sent",
        onError: [
          { guard: failedWith("Rejected"), target: "rejected", actions: "keepProblem" },
          { guard: failedWith("Skipped"), target: "stale", actions: "keepProblem" },
          { target: "failed", actions: "keepProblem" },
        ],
      },
    },
    sent: {
      entry: tellLead("LeadContacted"),
      on: { OutreachWithdrawn: { actions: "note" } },
    },
    rejected: {
      entry: tellLead("LeadOutreachRejected"),
      on: { OutreachWithdrawn: { actions: "note" } },
    },
    failed: {
      entry: tellLeadItFailed,
      on: { OutreachRetried: "drafting" },
    },
    /** It would have come too late: history stays history. */
    stale: {
      entry: tellLeadItFailed,
      on: { OutreachWithdrawn: { actions: "note" } },
    },
    withdrawn: {
      on: { OutreachWithdrawn: { actions: "note" } },
    },
  },
  on: {
    // Also where the last mail was sent a moment ago: a newer one begins it again.
    OutreachRequested: [
      { guard: "isNewer", target: ".drafting", actions: "take" },
      { actions: "note" },
    ],
    OutreachWithdrawn: ".withdrawn",
  },
})
