/** How memory stands: its tiers, its policy, the last night, and what waits for what. */
import { Effect, Option } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { currentSettings } from "../actors/settings.ts"
import { memoryStream } from "../machines/memory.ts"
import type { MemoryState } from "./aios-memory.ts"
import { door } from "./aios-failures.ts"
import { momentText } from "./aios-words.ts"
import { reading } from "./aios-views.ts"
import { listOf, namesIn, numberOf, objectOf, textOf } from "./fields.ts"
import { MemoryIndex } from "./memory-index.ts"
import { countsOf, policyNow } from "./memory-rows.ts"
import { ReadStore } from "./read-store.ts"
import { Projections } from "./runner.ts"

const counted = (n: number, one: string, many = `${one}s`) =>
  `${n.toLocaleString("en-US")} ${n === 1 ? one : many}`

type Night = NonNullable<MemoryState["night"]>

const nightOf = (context: unknown): Night | undefined => {
  const row = objectOf(objectOf(context)["night"])
  if (numberOf(row["startedAt"]) === 0) return undefined
  const endedAt = numberOf(row["endedAt"])
  return {
    startedAt: numberOf(row["startedAt"]),
    ...(endedAt === 0 ? {} : { endedAt }),
    accepted: numberOf(row["accepted"]),
    refused: numberOf(row["refused"]),
    skipped: numberOf(row["skipped"]),
    left: numberOf(row["left"]) + listOf(objectOf(context)["queue"]).length,
    tokens: numberOf(row["tokens"]),
    problem: textOf(row["problem"]),
  }
}

const nightText = (night: Night | undefined, timeZone: string): string => {
  if (night === undefined) return "no night yet"
  const { accepted, left, problem, refused, skipped, startedAt, tokens } = night
  return [
    momentText(startedAt, timeZone),
    accepted + refused + skipped === 0
      ? "nothing summarised"
      : `${counted(accepted, "summary", "summaries")} accepted, ${refused} refused` +
        (skipped === 0 ? "" : `, ${skipped} skipped`),
    ...(tokens === 0 ? [] : [counted(tokens, "token")]),
    ...(left === 0 ? [] : [`${left} left`]),
    ...(problem === "" ? [] : [problem]),
  ].join(" · ")
}

/** What keeps the agent from going on, and what would move it. */
const waitsOf = (
  state: MemoryState["state"],
  context: unknown,
  night: Night | undefined,
): ReadonlyArray<string> => {
  const fields = objectOf(context)
  const states = namesIn(state, "night")
  const down = listOf(fields["degraded"]).map(objectOf)
  const n = night?.left ?? 0
  const left = `${counted(n, "subject")} ${n === 1 ? "waits" : "wait"}`
  const plan = objectOf(fields["lastPlan"])
  const problem = textOf(plan["problem"])
  return [
    ...(states.includes("paused")
      ? [
        `${left} for the model (${night?.problem || "it failed again and again"}); ` +
        "it goes on by itself (aios memory night goes on at once, aios doctor says what to mend)",
      ]
      : []),
    ...(states.includes("outOfBudget")
      ? [
        `${left} for the next night: this one's tokens are spent ` +
        "(aios memory night begins another; aios memory policy changes summaries.tokensMax)",
      ]
      : []),
    ...(states.includes("idle") && (night?.left ?? 0) > 0
      ? [`${left} for the next night; aios memory night does them now`]
      : []),
    ...down.map((one) => `${textOf(one["service"])} is down: ${textOf(one["reason"])}`),
    ...(problem === "" ? [] : [`The tiers could not be looked at: ${problem}`]),
  ]
}

export const memoryState = Effect.gen(function* () {
  const system = yield* ActorSystem
  const projections = yield* Projections
  const store = yield* ReadStore
  yield* door(projections.catchUp)
  const view = yield* door(system.view(memoryStream))
  const { timeZone } = yield* door(currentSettings)
  const { accepted, archived, cold, hot, kinds, refused, warm, withdrawn } = yield* reading(() =>
    countsOf(store)
  )
  // Looking indexes nothing: what waits is told as it stands.
  const index = yield* MemoryIndex
  const indexed = index === undefined
    ? undefined
    : Option.getOrUndefined(yield* Effect.option(index.state))
  const night = nightOf(view?.context)
  const state = view?.value ?? { tiers: "settled", night: "idle", services: "healthy" }
  return {
    tiers: {
      hot: { items: hot, vectors: indexed?.vectors ?? 0, waiting: indexed?.waiting ?? 0 },
      warm: { items: warm },
      cold: { items: cold, archived },
    },
    kinds,
    policy: yield* reading(() => policyNow(store)),
    summaries: { accepted, refused, withdrawn },
    state,
    lastNight: nightText(night, timeZone),
    ...(night === undefined ? {} : { night }),
    waits: [
      ...waitsOf(state, view?.context, night),
      ...(indexed?.problem === undefined || indexed.waiting === 0
        ? []
        : [`${counted(indexed.waiting, "item")} without vectors: ${indexed.problem}`]),
    ],
  } satisfies MemoryState
})
