/**
 * What a run of an activity costs: its attempts, its time, and the models it asked. All of it is stored
 * with the run's outcome, so that replay and read models know it without asking anybody.
 */
import { Effect } from "effect"
import type { ActivityDeclaration, JsonObject } from "../../machines/agent.ts"
import { spendingStream } from "../../machines/spending.ts"
import type { ActivityFailure } from "../activity.ts"
import type { ActorSystem } from "../actor-system.ts"
import { categoryOf } from "../event-log.ts"
import { Payer, type Usage } from "../usage.ts"

/** Calls of models told one by one in an outcome; of more, those that gave no answer are left out first. */
const usagesMax = 60

/** An interactive attempt that waited longer than this for turns at the model is on its own time again. */
const waitMillisMax = 120_000

/** A run that waits for its turn at the model is looked at again after this. */
const lookMillis = 1_000

const timedOut = ({ idempotency, name, timeoutMillis }: ActivityDeclaration): ActivityFailure => ({
  _tag: "TimedOut",
  message: `${name} took longer than ${timeoutMillis} ms`,
  retryable: idempotency !== "unsafe",
})

/** Who pays for a run, over all its attempts. */
export const makeMeter = (
  job: { readonly id: string; readonly stream: string; readonly declaration: ActivityDeclaration },
) => {
  const { declaration } = job
  const usages: Array<Usage> = []
  const began = performance.now()
  let waiting = 0
  let waitingSince: number | undefined
  let waited = 0

  const payer: Payer = {
    agent: categoryOf(job.stream),
    activity: declaration.name,
    lane: declaration.lane,
    priority: declaration.priority,
    ask: job.id,
    note: (usage) => usages.push(usage),
    waits: (on) => {
      waiting += on ? 1 : -1
      if (waiting === 1 && on) waitingSince = performance.now()
      if (waiting > 0 || waitingSince === undefined) return
      waited += performance.now() - waitingSince
      waitingSince = undefined
    },
  }
  const waitedSoFar = () =>
    waited + (waitingSince === undefined ? 0 : performance.now() - waitingSince)

  /** Of waiting so much is not its own time: batch work may wait for ever, others have somebody waiting. */
  const excused = (millis: number) =>
    declaration.lane === "batch" ? millis : Math.min(millis, waitMillisMax)

  /** Ends an attempt that takes too long. What it waits for others does not count. */
  const inTime = <A, R>(attempt: Effect.Effect<A, ActivityFailure, R>) =>
    Effect.raceFirst(
      attempt,
      Effect.gen(function* () {
        const before = waitedSoFar()
        const start = performance.now()
        for (;;) {
          const own = performance.now() - start - excused(waitedSoFar() - before)
          const left = declaration.timeoutMillis - own
          if (left <= 0) return yield* Effect.fail(timedOut(declaration))
          yield* Effect.sleep(Math.max(left, waitingSince === undefined ? 1 : lookMillis))
        }
      }),
    )

  return {
    /** Runs one attempt, paid for by this run. */
    paid: <A, R>(attempt: Effect.Effect<A, ActivityFailure, R>) =>
      Effect.provideService(inTime(attempt), Payer, payer),
    /** What is stored of a run that has no outcome; undefined where no model was asked. */
    cutOff: () =>
      usages.length === 0 ? undefined : {
        ...{ type: "RunCutOff", agent: payer.agent, activity: declaration.name, ask: job.id },
        usage: told(usages),
      },
    /** What is stored beside the outcome. */
    told: (attempts: number): JsonObject => ({
      attempts,
      millis: Math.round(performance.now() - began),
      ...(usages.length === 0 ? {} : { activity: declaration.name, usage: told(usages) }),
    }),
  }
}

/** A run that is cut off has no outcome, and what its models cost is recorded all the same. */
export const tellCutOff = (
  system: typeof ActorSystem.Service,
  meter: ReturnType<typeof makeMeter>,
): Effect.Effect<void> => {
  const event = meter.cutOff()
  return event === undefined
    ? Effect.void
    : Effect.ignore(system.record(spendingStream(event.agent), event))
}

const told = (usages: ReadonlyArray<Usage>): ReadonlyArray<JsonObject> => {
  const useful = usages.length <= usagesMax ? usages : [
    ...usages.filter(({ outcome }) => outcome === "ok"),
    ...usages.filter(({ outcome }) => outcome !== "ok"),
  ]
  const rest = useful.slice(usagesMax)
  const [first] = rest
  const sum = (of: (usage: Usage) => number) => rest.reduce((all, one) => all + of(one), 0)
  const kept: ReadonlyArray<Usage> = first === undefined ? useful : [
    ...useful.slice(0, usagesMax),
    // The sums stay right: the rest is one, and its answers are not found again.
    {
      model: first.model,
      prompt: first.prompt,
      template: first.template,
      cached: false,
      tokensIn: sum(paidFor(({ tokensIn }) => tokensIn)),
      tokensOut: sum(paidFor(({ tokensOut }) => tokensOut)),
      millis: sum(paidFor(({ millis }) => millis)),
      outcome: first.outcome,
      micros: sum(({ micros }) => micros),
    },
  ]
  return kept.map(({ transcript, ...one }) => ({
    ...one,
    ...(transcript === undefined ? {} : { transcript: { ...transcript } }),
  }))
}
const paidFor = (of: (usage: Usage) => number) => (usage: Usage) => usage.cached ? 0 : of(usage)
