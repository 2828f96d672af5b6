/**
 * The agent that keeps memory in order: what stays in the hot tier, what is summarised at night, what is
 * archived. One actor, `memory-main`. It moves only pointers: every event stays in the log, and what it
 * did is undone by another event. Its chart is in `memory-chart.ts`.
 */
import { Schema } from "effect"
import { activity, event, personal } from "./agent.ts"
import { PersonKey } from "./record.ts"

export const memoryStream = "memory-main"

/** A hundred years. */
const daysLimit = 36_500
/** Least and greatest of each number of the policy, by the name under which it is set. */
export const policyLimits = {
  "hot.itemsMax": [0, 1_000_000],
  "hot.daysMax": [1, daysLimit],
  "hot.importanceMin": [0, 1],
  "summaries.perNightMax": [0, 10_000],
  "summaries.tokensMax": [0, 1_000_000_000],
  "summaries.quietDaysMin": [0, daysLimit],
  "archive.daysMin": [1, daysLimit],
} as const
export type PolicyField = keyof typeof policyLimits

const within = (field: PolicyField) => {
  const [minimum, maximum] = policyLimits[field]
  return Schema.isBetween({ minimum, maximum })
}
const whole = (field: PolicyField) => Schema.Int.check(within(field))

/** The policy: data, not code. Each choice has a greater version number. */
export const MemoryPolicy = Schema.Struct({
  version: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })),
  hot: Schema.Struct({
    /** Items kept as vectors; the least important, then the oldest leave first. */
    itemsMax: whole("hot.itemsMax"),
    /** Older ones leave, if a summary stands for them or they are worth little. */
    daysMax: whole("hot.daysMax"),
    /** Items of less importance are never hot, 0 to 1. */
    importanceMin: Schema.Finite.check(within("hot.importanceMin")),
  }),
  summaries: Schema.Struct({
    /** Subjects summarised in one night. */
    perNightMax: whole("summaries.perNightMax"),
    /** Tokens a night may cost; what is left is taken up the next night. */
    tokensMax: whole("summaries.tokensMax"),
    /** Days a thread has to be quiet. */
    quietDaysMin: whole("summaries.quietDaysMin"),
  }),
  archive: Schema.Struct({
    /** Cold items older than this go into segments when `aios archive` is asked for. */
    daysMin: whole("archive.daysMin"),
  }),
})
export type MemoryPolicy = typeof MemoryPolicy.Type

export const memoryPolicyDefault: MemoryPolicy = {
  version: 1,
  hot: { itemsMax: 20_000, daysMax: 400, importanceMin: 0 },
  summaries: { perNightMax: 50, tokensMax: 200_000, quietDaysMin: 2 },
  archive: { daysMin: 730 },
}

/** What a summary is about. */
export const Subject = Schema.Struct({
  of: Schema.Literals(["thread", "person", "campaign", "day"]),
  /** Opaque: a thread's or topic's key, a person's key, a local date. */
  key: Schema.String,
  person: Schema.optionalKey(PersonKey),
  /** Ids of the events it would stand for, oldest first, at most 200. */
  events: Schema.Array(Schema.String),
  /** Position of the newest of them: with new events it is another subject to summarise. */
  upTo: Schema.Int,
})
export type Subject = typeof Subject.Type

/** Told by the coordinator when the nightly slot is reached. */
export const NightReached = event("NightReached", { date: Schema.String })
/** Told by the coordinator: a service that the memory needs does not work, or works again. */
export const ServiceDegraded = event("ServiceDegraded", {
  service: Schema.String,
  reason: Schema.String,
})
export const ServiceRecovered = event("ServiceRecovered", { service: Schema.String })
/** The founder, or the index that finds the hot tier over its cap, wants the tiers looked at now. */
export const EvictionRequested = event("EvictionRequested", { by: Schema.String })
/** The founder wants summaries now. */
export const SummariesRequested = event("SummariesRequested", { by: Schema.String })
/** The founder's policy, of a greater version than the one before; takes effect at once by an eviction. */
export const MemoryPolicyChosen = event("MemoryPolicyChosen", { policy: MemoryPolicy })
/** A summary is taken back: it is not recalled any more, and what it stood for is hot again where the policy lets it. */
export const SummaryWithdrawn = event("SummaryWithdrawn", {
  /** Id of the summary's item: of the event that accepted it. */
  summary: Schema.String,
  events: Schema.Array(Schema.String),
  reason: Schema.String,
})
/** Items the founder wants back in the hot tier, whatever the policy says. */
export const ItemsRecalled = event("ItemsRecalled", { items: Schema.Array(Schema.String) })
/** The policy counts for these again. */
export const ItemsReleased = event("ItemsReleased", { items: Schema.Array(Schema.String) })
/** A segment was written and checked; its items leave the index. */
export const SegmentArchived = event("SegmentArchived", {
  /** Name of its file. */
  segment: Schema.String,
  sha256: Schema.String,
  bytes: Schema.Int,
  items: Schema.Array(Schema.String),
  /** Positions of the first and the last event in it. */
  from: Schema.Int,
  to: Schema.Int,
})
/** A segment's items are back in the index. */
export const SegmentRestored = event("SegmentRestored", {
  segment: Schema.String,
  items: Schema.Array(Schema.String),
})

/**
 * Before the routine readings of conversations: the founder may wait for it, and the first two need no model.
 */
const priorities = { planEviction: 20, gatherSubjects: 20, summarise: 10 }

/**
 * Which items leave the hot tier under the policy, and which of those that left fit again; at most 5,000 at
 * a time, `more` says that some are left.
 */
export const planEviction = activity({
  name: "planEviction",
  input: Schema.Struct({ policy: MemoryPolicy }),
  output: Schema.Struct({
    evict: Schema.Array(Schema.String),
    /** Left once, and fit again: the policy allows more, or the summary that stood for them was withdrawn. */
    recall: Schema.Array(Schema.String),
    /** By reason: `age`, `count`, `importance`, `summarised`. */
    because: Schema.Record(Schema.String, Schema.Int),
    kept: Schema.Int,
    /** Not evicted though the policy would, since no summary stands for them yet. */
    spared: Schema.Int,
    more: Schema.Boolean,
    policy: Schema.Int,
  }),
  lane: "batch",
  priority: priorities.planEviction,
  timeoutMillis: 120_000,
})

/** What there is to summarise: threads, people, campaigns and days with events that no accepted summary stands for. */
export const gatherSubjects = activity({
  name: "gatherSubjects",
  input: Schema.Struct({
    policy: MemoryPolicy,
    /** At most so many subjects. */
    limit: Schema.Int,
  }),
  output: Schema.Struct({ subjects: Schema.Array(Subject), left: Schema.Int }),
  lane: "batch",
  priority: priorities.gatherSubjects,
  timeoutMillis: 120_000,
})

/** Summarises one subject and tests what came out. Fails only where the model cannot be asked at all. */
export const summarise = activity({
  name: "summarise",
  input: Schema.Struct({ subject: Subject, policy: MemoryPolicy }),
  output: Schema.Struct({
    of: Subject.fields.of,
    key: Schema.String,
    person: Schema.optionalKey(PersonKey),
    /** Everybody it is about or who wrote in it: forgetting one of them takes it away. */
    persons: Schema.Array(PersonKey),
    /** Those it rests on and stands for; what is not to be trusted is left out. */
    events: Schema.Array(Schema.String),
    upTo: Schema.Int,
    /** It passed the recall test, and stands for its events from now on. */
    accepted: Schema.Boolean,
    text: personal(Schema.String),
    /** `gemma3:270m summariseThread@1f2e3d4c`, or `extract-1` for the one made by rules. */
    made: Schema.String,
    /** Key facts (names, dates, amounts, promises) found in the events and in the summary. */
    facts: Schema.Struct({ found: Schema.Int, kept: Schema.Int }),
    /** Questions made from the events, and those the model answered rightly from the summary alone; 0 without a model. */
    questions: Schema.Struct({ asked: Schema.Int, answered: Schema.Int }),
    /**
     * Why texts were refused, a line each: `lost the amount 1,200 EUR`. Where the model's was and an extract
     * by rules stands in its place, its lines begin with who made it.
     */
    refused: personal(Schema.Array(Schema.String)),
    /** Every text that was tried, in order; the last one is `text`. */
    attempts: personal(Schema.Array(Schema.Struct({
      made: Schema.String,
      accepted: Schema.Boolean,
      text: Schema.String,
      refused: Schema.Array(Schema.String),
    }))),
    tokens: Schema.Int,
  }),
  lane: "batch",
  priority: priorities.summarise,
  idempotency: "pure",
  timeoutMillis: 600_000,
  retriesMax: 1,
  adapter: "model",
})
