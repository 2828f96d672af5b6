/**
 * One issue of the newsletter, or one article: from notes to a draft, a review, a date and a file in
 * the publisher's folder. Publishing leaves the house, so the executor does it and the gate holds it.
 */
import { Schema } from "effect"
import { and, assign, enqueueActions, or, setup, stateIn } from "xstate"
import { activity, defineAgent, personal, staleAfterMillisDefault, tell } from "./agent.ts"
import {
  ArticleFinished,
  DraftWritten,
  NoteCollected,
  ReviewFailed,
  ReviewPassed,
} from "./article-events.ts"
import { WorkCarriedOut, WorkFailed, WorkRejected, WorkTakenBack } from "./executor.ts"

export {
  ArticleFinished,
  DraftWritten,
  NoteCollected,
  ReviewFailed,
  ReviewPassed,
} from "./article-events.ts"

/** Makes a draft from the notes: by a template, with an introduction and an order by a model where there is one. */
export const draftArticle = activity({
  name: "draftArticle",
  input: Schema.Struct({ topic: Schema.String, records: Schema.Array(Schema.String) }),
  output: Schema.Struct({
    title: personal(Schema.String),
    text: personal(Schema.String),
    covers: Schema.Array(Schema.String),
    made: Schema.String,
    /** Why a model's part was not taken, a line each. Absent where none was tried. */
    refusedModel: Schema.optionalKey(Schema.Array(Schema.String)),
  }),
  lane: "batch",
  timeoutMillis: 330_000,
  retriesMax: 1,
  staleAfterMillis: staleAfterMillisDefault,
})

const day = 24 * 60 * 60 * 1000
/** So long before its day an article is due soon; without a draft by then, one is made from the notes. */
export const dueSoonMillis = 3 * day
/** Notes without a day rest so long after the last one before a draft is made of them. */
export const restMillis = 3 * day
/** So many notes make an article, where no day is named. */
export const notesMin = 3
/** Nobody reviews any more what waits longer, or publishes what was due so long ago. */
export const patienceMillis = 30 * day
/** An article without a day is published so long after its approval: time to take that back. */
export const secondThoughtMillis = 60 * 60 * 1000
const notesMax = 50
/** No timer is set further ahead: ten years. */
const delayMillisMax = 3650 * day

type Collected = typeof NoteCollected.Type
type Written = typeof DraftWritten.Type | typeof ArticleFinished.Type
type Event =
  | Collected
  | Written
  | typeof ReviewPassed.Type
  | typeof ReviewFailed.Type
  | typeof WorkCarriedOut.Type
  | typeof WorkRejected.Type
  | typeof WorkFailed.Type
  | typeof WorkTakenBack.Type

interface Draft {
  readonly title: Written["title"]
  readonly text: Written["text"]
  readonly covers: ReadonlyArray<string>
  /** `founder`, or what made it of the notes: `template-1`. */
  readonly made: string
  /** Of the founder's. */
  readonly record: string | null
  /** Epoch ms. */
  readonly at: number
}

interface ArticleContext {
  readonly key: string
  readonly topic: string
  /** In the order they were written. */
  readonly notes: ReadonlyArray<Pick<Collected, "record" | "title" | "tags" | "at" | "note">>
  readonly draft: Draft | null
  /** Epoch ms of the day it is to be published. */
  readonly dueAt: number | null
  /** Publications asked for so far, and the one under way. */
  readonly works: number
  readonly work: string | null
  /** Name of what stands in the way. */
  readonly problem: string | null
}

const isText = (event: Event): event is Collected | Written => "topic" in event

/** The day the event names, else the one known. */
const dueAfter = (context: ArticleContext, event: Event) =>
  isText(event) && event.dueAt !== undefined ? event.dueAt : context.dueAt
const notesAfter = (context: ArticleContext, event: Event) => {
  if (event.type !== "NoteCollected") return context.notes
  const { at, note, record, tags, title } = event
  const others = context.notes.filter((one) =>
    one.record !== record && (note === undefined || one.note !== note)
  )
  const kept = { record, title, tags, at, ...(note === undefined ? {} : { note }) }
  return [...others, kept].sort((a, b) => a.at - b.at).slice(-notesMax)
}

const delay = (until: number) => Math.max(1, Math.min(until - Date.now(), delayMillisMax))

const nameOf = (error: unknown) => error instanceof Error ? error.name : "Unknown"

/** How the day an event names moves the deadline. A published article has met it. */
const dayMoves = [
  { guard: or(["isSameDay", stateIn({ text: "published" })]) },
  { guard: "isLongPast", target: ".over" },
  { target: ".ahead" },
] as const

const chart = setup({
  types: {
    context: {} as ArticleContext,
    events: {} as Event,
    input: {} as { readonly key: string },
  },
  actors: { draftArticle },
  delays: {
    untilDraft: ({ context }) =>
      context.dueAt === null ? restMillis : delay(context.dueAt - dueSoonMillis),
    untilDraftAgain: day,
    patience: patienceMillis,
    secondThought: secondThoughtMillis,
    untilDueSoon: ({ context }) => delay((context.dueAt ?? 0) - dueSoonMillis),
    untilDue: ({ context }) => delay(context.dueAt ?? 0),
  },
  guards: {
    /** Enough to make a draft of, once it is time. */
    suffices: ({ context, event }) =>
      dueAfter(context, event) !== null || notesAfter(context, event).length >= notesMin,
    /** An older version of the text changes nothing. */
    isOld: ({ context, event }) =>
      (event.type === "DraftWritten" || event.type === "ArticleFinished") &&
      context.draft?.made === "founder" && event.at < context.draft.at,
    isLongPast: ({ context, event }) => {
      const dueAt = dueAfter(context, event)
      return dueAt !== null && Date.now() - dueAt > patienceMillis
    },
    isSameDay: ({ context, event }) => dueAfter(context, event) === context.dueAt,
    hasDraft: ({ context }) => context.draft !== null,
    hasNoDay: ({ context }) => context.dueAt === null,
    isAhead: ({ context }) => (context.dueAt ?? 0) > Date.now(),
    /** The founder took back what was published last. */
    wasPublication: ({ context, event }) =>
      event.type === "WorkTakenBack" && event.work === `executor-${context.key}~${context.works}`,
    isOwnWork: ({ context, event }) => "work" in event && event.work === context.work,
    failedAsHistory: ({ event }) => "error" in event && nameOf(event.error) === "Skipped",
  },
  actions: {
    /** The event is taken as a fact and changes nothing. */
    note: assign({}),
    collect: assign(({ context, event }) =>
      isText(event)
        ? {
          topic: event.topic,
          notes: notesAfter(context, event),
          dueAt: dueAfter(context, event),
        }
        : {}
    ),
    /** The founder's own text replaces whatever was there. */
    write: assign(({ context, event }) => {
      if (event.type !== "DraftWritten" && event.type !== "ArticleFinished") return {}
      const { at, record, text, title, topic } = event
      const covers = event.type === "DraftWritten" ? [...event.covers] : context.draft?.covers ?? []
      return {
        topic,
        dueAt: dueAfter(context, event),
        draft: { title, text, covers, made: "founder", record, at },
        problem: null,
      }
    }),
    askForPublication: enqueueActions(({ context, enqueue }) => {
      const { draft, topic } = context
      if (draft === null) throw new Error("An article is published that nobody wrote")
      const works = context.works + 1
      const work = `executor-${context.key}~${works}`
      enqueue.assign({ works, work, problem: null })
      enqueue(tell(work, {
        type: "PublicationRequested",
        requester: `article-${context.key}`,
        topic,
        title: draft.title,
        text: draft.text,
        publishAt: context.dueAt ?? Date.now(),
      }))
    }),
    /** Not where the executor itself says that it has ended. */
    withdraw: enqueueActions(({ context, event, enqueue }) => {
      if (context.work === null) return
      enqueue.assign({ work: null })
      if ("work" in event) return
      enqueue(tell(context.work, { type: "WorkWithdrawn", because: event.type }))
    }),
    keepProblem: assign(({ event }) => ({
      problem: event.type === "WorkFailed"
        ? event.problem
        : "error" in event
        ? nameOf(event.error)
        : null,
    })),
  },
}).createMachine({
  id: "article",
  context: ({ input }) => ({
    key: input.key,
    topic: "",
    notes: [],
    draft: null,
    dueAt: null,
    works: 0,
    work: null,
    problem: null,
  }),
  type: "parallel",
  states: {
    text: {
      initial: "collecting",
      states: {
        collecting: {
          initial: "few",
          states: {
            few: {},
            /** A draft is made of them when it is time. */
            enough: { after: { untilDraft: "#article.text.drafting" } },
          },
          on: {
            NoteCollected: [
              { guard: "isLongPast", target: "shelved", actions: "collect" },
              { guard: "suffices", target: ".enough", actions: "collect" },
              { target: ".few", actions: "collect" },
            ],
          },
        },
        drafting: {
          invoke: {
            id: "draft",
            src: "draftArticle",
            input: ({ context }) => ({
              topic: context.topic,
              records: context.notes.map(({ record }) => record),
            }),
            onDone: {
              target: "inReview",
              actions: assign(({ event }) => {
                const { covers, made, text, title } = event.output
                return {
                  draft: { title, text, covers: [...covers], made, record: null, at: Date.now() },
                  problem: null,
                }
              }),
            },
            onError: [
              { guard: "failedAsHistory", target: "shelved", actions: "keepProblem" },
              { target: "undrafted", actions: "keepProblem" },
            ],
          },
          on: { NoteCollected: { target: "drafting", reenter: true, actions: "collect" } },
        },
        /** No draft could be made. It is tried again. */
        undrafted: {
          after: { untilDraftAgain: "drafting" },
          on: { NoteCollected: { target: "drafting", actions: "collect" } },
        },
        /** The founder writes. */
        writing: {},
        inReview: {
          after: { patience: "shelved" },
          on: {
            ReviewPassed: [
              { guard: "hasNoDay", target: "approved" },
              { guard: "isAhead", target: "scheduled" },
              { target: "publishing" },
            ],
            ReviewFailed: "writing",
          },
        },
        /** No day is named: it is published soon, and can be taken back until then. */
        approved: {
          after: { secondThought: "publishing" },
          on: { ReviewFailed: "writing" },
        },
        scheduled: {
          after: { untilDue: "publishing" },
          on: {
            ReviewFailed: "writing",
            // It may name another day: it waits for that one.
            NoteCollected: { target: "scheduled", reenter: true, actions: "collect" },
          },
        },
        /** The executor has it; the founder decides there. */
        publishing: {
          entry: "askForPublication",
          exit: "withdraw",
          on: {
            ReviewFailed: "writing",
            WorkCarriedOut: { guard: "isOwnWork", target: "published" },
            WorkRejected: { guard: "isOwnWork", target: "withdrawn" },
            WorkFailed: { guard: "isOwnWork", target: "inReview", actions: "keepProblem" },
          },
        },
        published: {
          on: {
            WorkTakenBack: { guard: "wasPublication", target: "withdrawn" },
            DraftWritten: { actions: "note" },
            ArticleFinished: { actions: "note" },
          },
        },
        /** The founder did not want it out. */
        withdrawn: { on: { ReviewPassed: "publishing" } },
        /** Nobody takes it up any more by itself. */
        shelved: {
          on: { ReviewPassed: { guard: "hasDraft", target: "publishing" } },
        },
      },
      on: {
        NoteCollected: { actions: "collect" },
        DraftWritten: [
          { guard: "isOld", actions: "note" },
          { guard: "isLongPast", target: ".shelved", actions: "write" },
          { target: ".writing", actions: "write" },
        ],
        ArticleFinished: [
          { guard: "isOld", actions: "note" },
          { guard: "isLongPast", target: ".shelved", actions: "write" },
          { target: ".inReview", actions: "write" },
        ],
        ReviewPassed: { actions: "note" },
        ReviewFailed: { actions: "note" },
        WorkCarriedOut: { actions: "note" },
        WorkRejected: { actions: "note" },
        WorkFailed: { actions: "note" },
        WorkTakenBack: { actions: "note" },
      },
    },
    /** How near its day is. */
    deadline: {
      initial: "none",
      states: {
        none: {},
        ahead: { after: { untilDueSoon: "dueSoon" } },
        dueSoon: { after: { untilDue: "late" } },
        late: { after: { patience: "over" } },
        over: {},
        met: {
          on: {
            WorkTakenBack: [
              { guard: and(["wasPublication", "hasNoDay"]), target: "none" },
              { guard: "wasPublication", target: "ahead" },
            ],
          },
        },
      },
      on: {
        NoteCollected: [...dayMoves],
        DraftWritten: [...dayMoves],
        ArticleFinished: [...dayMoves],
        WorkCarriedOut: { guard: "isOwnWork", target: ".met" },
      },
    },
  },
})

export const article = defineAgent({
  name: "article",
  version: 1,
  events: [
    NoteCollected,
    DraftWritten,
    ArticleFinished,
    ReviewPassed,
    ReviewFailed,
    WorkCarriedOut,
    WorkRejected,
    WorkFailed,
    WorkTakenBack,
  ],
  machine: chart,
})
