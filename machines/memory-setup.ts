/**
 * What the memory agent knows and decides by: its context, guards, actions and how long it waits. Where
 * they stand in its life is drawn in `memory-chart.ts`.
 */
import { assign, setup } from "xstate"
import {
  EvictionRequested,
  gatherSubjects,
  ItemsRecalled,
  ItemsReleased,
  type MemoryPolicy,
  MemoryPolicyChosen,
  NightReached,
  planEviction,
  SegmentArchived,
  SegmentRestored,
  ServiceDegraded,
  ServiceRecovered,
  type Subject,
  SummariesRequested,
  summarise,
  SummaryWithdrawn,
} from "./memory.ts"

/** A night waits for it where it is down, until the next one; whoever asks gets summaries by rules. */
export const modelService = "ollama"
/** Subjects in the context at a time; a longer night gathers again. */
export const subjectsPerRoundMax = 50
/** So many failures in a row are the model's, not the subjects': the night pauses, and nothing is skipped. */
export const failuresMax = 3
/** So long until a paused night tries again by itself; it doubles with each further pause of the night. */
export const pauseMillisMin = 15 * 60 * 1000
export const pauseMillisMax = 6 * 60 * 60 * 1000
/** Services that are known to be down, and subjects that were skipped, in the context. */
const degradedMax = 20
const skipsMax = 50
const reasonCharsMax = 200

/** Subjects of one kind in a row: what the model is told first stays the same. */
const kinds: ReadonlyArray<Subject["of"]> = ["thread", "person", "campaign", "day"]
export const inOrder = (subjects: ReadonlyArray<Subject>): ReadonlyArray<Subject> =>
  kinds.flatMap((kind) => subjects.filter(({ of }) => of === kind))

interface Skipped {
  readonly of: Subject["of"]
  readonly key: string
  readonly reason: string
}

/** The night's work, from its beginning to its end. */
export interface Night {
  /** `night`, or who asked for it. */
  readonly by: string
  readonly startedAt: number
  readonly endedAt: number | null
  readonly accepted: number
  readonly refused: number
  /** Could not be asked for; the newest of them, newest last. */
  readonly skipped: number
  readonly skips: ReadonlyArray<Skipped>
  readonly tokens: number
  /** Subjects that are left for another night, as far as that is known. */
  readonly left: number
  readonly pauses: number
  /** The model is down and not waited for: it was asked for all the same, or a night has waited already. */
  readonly byRules: boolean
  /** Why it ended early, or waits. */
  readonly problem: string
}

export interface MemoryContext {
  readonly policy: MemoryPolicy
  /** Services that are down, with the reason. */
  readonly degraded: ReadonlyArray<{ readonly service: string; readonly reason: string }>
  /** The last nightly slot: one counts once, and never backwards. */
  readonly reached: string
  readonly night: Night | null
  /** Waiting to be summarised, in order; the first one is being asked for. */
  readonly queue: ReadonlyArray<Subject>
  /** Something came of the subjects gathered last: it is worth gathering again. */
  readonly isFruitful: boolean
  /** Failed one after the other since the last that did not. */
  readonly failing: ReadonlyArray<{ readonly subject: Subject; readonly reason: string }>
  /** Something happened that may move items. */
  readonly isPlanDue: boolean
  readonly lastPlan: {
    readonly at: number
    readonly evicted: number
    readonly recalled: number
    readonly kept: number
    readonly spared: number
    readonly problem: string
  } | null
}

type MemoryEvent =
  | typeof NightReached.Type
  | typeof SummariesRequested.Type
  | typeof EvictionRequested.Type
  | typeof MemoryPolicyChosen.Type
  | typeof ServiceDegraded.Type
  | typeof ServiceRecovered.Type
  | typeof SummaryWithdrawn.Type
  | typeof ItemsRecalled.Type
  | typeof ItemsReleased.Type
  | typeof SegmentArchived.Type
  | typeof SegmentRestored.Type

const handledIn = ({ accepted, refused, skipped }: Night) => accepted + refused + skipped

const begun = (by: string, byRules = false): Night => ({
  by,
  byRules,
  startedAt: Date.now(),
  endedAt: null,
  accepted: 0,
  refused: 0,
  skipped: 0,
  skips: [],
  tokens: 0,
  left: 0,
  pauses: 0,
  problem: "",
})

const reasonOf = (event: object): string => {
  const error = "error" in event ? event.error : undefined
  return (error instanceof Error ? error.message : "it failed").slice(0, reasonCharsMax)
}

/** What was learned of the night so far, with those that failed counted as skipped. */
const withSkipped = ({ failing, night }: MemoryContext): Night | null =>
  night === null ? null : {
    ...night,
    skipped: night.skipped + failing.length,
    skips: [
      ...night.skips,
      ...failing.map(({ reason, subject: { key, of } }) => ({ of, key, reason })),
    ].slice(-skipsMax),
  }

const without = (degraded: MemoryContext["degraded"], service: string) =>
  degraded.filter((one) => one.service !== service)

const isModelDown = ({ degraded }: MemoryContext) =>
  degraded.some(({ service }) => service === modelService)

/** A night waits for the model; not the one after it, nor any further as long as it is down. */
const hasWaited = ({ night }: MemoryContext) =>
  night !== null && (night.endedAt === null || night.byRules)

/** Subjects this night may still take in one round. */
export const roomOf = ({ night, policy }: MemoryContext) =>
  Math.max(
    0,
    Math.min(
      subjectsPerRoundMax,
      policy.summaries.perNightMax - (night === null ? 0 : handledIn(night)),
    ),
  )

/** The chart itself is made in `memory-chart.ts`. */
export const chartSetup = setup({
  types: { context: {} as MemoryContext, events: {} as MemoryEvent },
  actors: { planEviction, gatherSubjects, summarise },
  delays: {
    untilTriedAgain: ({ context: { night } }) =>
      Math.min(pauseMillisMax, pauseMillisMin * 2 ** Math.max(0, (night?.pauses ?? 1) - 1)),
  },
  guards: {
    isNextNight: ({ context, event }) =>
      event.type === "NightReached" && event.date > context.reached,
    isNextPolicy: ({ context, event }) =>
      event.type === "MemoryPolicyChosen" && event.policy.version > context.policy.version,
    isPlanDue: ({ context }) => context.isPlanDue,
    isModel: ({ event }) => "service" in event && event.service === modelService,
    waitsForModel: ({ context }) => isModelDown(context) && context.night?.byRules !== true,
    isKnownDown: ({ context, event }) =>
      event.type === "ServiceRecovered" &&
      context.degraded.some(({ service }) => service === event.service),
    isOnlyOneDown: ({ context, event }) =>
      event.type === "ServiceRecovered" && context.degraded.length === 1 &&
      context.degraded[0]?.service === event.service,
    subjectWaits: ({ context }) => context.queue.length > 0,
    tokensAreSpent: ({ context: { night, policy } }) =>
      night !== null && night.tokens >= policy.summaries.tokensMax,
    failsAgainAndAgain: ({ context }) => context.failing.length >= failuresMax,
    /** A whole round went through, some are left, and the night may take more. */
    moreAreLeft: ({ context }) =>
      context.night !== null && context.night.endedAt === null && context.night.left > 0 &&
      context.isFruitful && roomOf(context) > 0,
    isNotEnded: ({ context }) => context.night !== null && context.night.endedAt === null,
  },
  actions: {
    /** The event is taken as a fact and changes nothing here; read models do the rest. */
    note: assign({}),
    wantPlan: assign({ isPlanDue: true }),
    beginPlan: assign({ isPlanDue: false }),
    choosePolicy: assign(({ event }) =>
      event.type === "MemoryPolicyChosen" ? { policy: event.policy } : {}
    ),
    keepProblemOfPlan: assign(({ context, event }) => ({
      lastPlan: {
        ...{ evicted: 0, recalled: 0, kept: context.lastPlan?.kept ?? 0, spared: 0 },
        at: Date.now(),
        problem: reasonOf(event),
      },
    })),
    beginNight: assign(({ context, event }) => ({
      reached: event.type === "NightReached" ? event.date : context.reached,
      night: event.type === "SummariesRequested"
        ? begun(event.by, isModelDown(context))
        : begun("night", isModelDown(context) && hasWaited(context)),
      queue: [],
      failing: [],
    })),
    /** A night that still goes on when the next one comes: its tokens count anew. */
    renewNight: assign(({ context, event }) => ({
      reached: event.type === "NightReached" ? event.date : context.reached,
      night: context.night === null ? begun("night") : { ...context.night, tokens: 0 },
    })),
    /** Asked for while a night is on, that is what is asked for; it only stops waiting for the model. */
    insist: assign(({ context }) =>
      context.night === null || context.night.endedAt !== null
        ? {}
        : { night: { ...context.night, byRules: isModelDown(context) } }
    ),
    keepFailing: assign(({ context, event }) => ({
      queue: context.queue.slice(1),
      failing: [
        ...context.failing,
        ...context.queue.slice(0, 1).map((subject) => ({ subject, reason: reasonOf(event) })),
      ],
    })),
    keepProblemOfNight: assign(({ context, event }) => ({
      night: context.night === null
        ? null
        : { ...context.night, problem: reasonOf(event), left: 0 },
    })),
    /** What failed was the model's doing: it is asked for again. */
    pause: assign(({ context }) => ({
      queue: [...context.failing.map(({ subject }) => subject), ...context.queue],
      failing: [],
      night: context.night === null ? null : {
        ...context.night,
        pauses: context.night.pauses + 1,
        problem: context.degraded.find(({ service }) => service === modelService)?.reason ??
          context.failing.at(-1)?.reason ?? "",
      },
    })),
    goOn: assign(({ context }) => ({
      night: context.night === null ? null : { ...context.night, problem: "" },
    })),
    skipFailing: assign(({ context }) => ({ night: withSkipped(context), failing: [] })),
    /** What is not done is gathered again another night. */
    endNight: assign(({ context }) => {
      const night = withSkipped(context)
      return {
        night: night === null ? null : {
          ...night,
          endedAt: Date.now(),
          left: night.left + context.queue.length,
        },
        queue: [],
        failing: [],
        isPlanDue: true,
      }
    }),
    addDegraded: assign(({ context, event }) =>
      event.type === "ServiceDegraded"
        ? {
          degraded: [
            ...without(context.degraded, event.service),
            { service: event.service, reason: event.reason },
          ].slice(-degradedMax),
        }
        : {}
    ),
    removeDegraded: assign(({ context, event }) =>
      event.type === "ServiceRecovered"
        ? {
          degraded: without(context.degraded, event.service),
          // Should it go down again it is waited for again.
          ...(event.service === modelService && context.night !== null
            ? { night: { ...context.night, byRules: false } }
            : {}),
        }
        : {}
    ),
  },
})
