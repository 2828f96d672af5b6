/** The memory's agent at work: asked for a night's summaries now, and watched until it rests. */
import { Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { memoryStream } from "../machines/memory.ts"
import type { Progress } from "./aios.ts"
import { memoryState } from "./aios-memory-state.ts"
import { door } from "./aios-failures.ts"
import { listOf, namesIn, numberOf, objectOf, textOf } from "./fields.ts"

const pollMillis = 100
/** What is interactive goes first, for so long at a time. */
const settleMillisMax = 1_000

/** States in which nothing more happens by itself now. */
const rests: { readonly [region in "tiers" | "night"]: ReadonlyArray<string> } = {
  tiers: ["settled"],
  night: ["idle", "paused", "outOfBudget"],
}

/** Works until the agent rests: `night` includes what the night leaves for the tiers. */
export const untilRested = (region: "tiers" | "night", progress: Progress) =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    for (;;) {
      yield* door(system.settle(settleMillisMax))
      const view = yield* door(system.view(memoryStream))
      if (view === undefined || view.status !== "active") return
      const context = objectOf(view.context)
      const night = objectOf(context["night"])
      const waiting = listOf(context["queue"])
      const handled = numberOf(night["accepted"]) + numberOf(night["refused"]) +
        numberOf(night["skipped"])
      const [first] = waiting.map(objectOf)
      progress({
        what: first === undefined ? "looking what there is" : `${textOf(first["of"])} summaries`,
        done: handled,
        total: handled + waiting.length,
      })
      const isAt = (one: "tiers" | "night") =>
        rests[one].some((state) => namesIn(view.value, one).includes(state))
      if (isAt("tiers") && (region === "tiers" || isAt("night"))) return
      yield* Effect.sleep(pollMillis)
    }
  })

/** The night's work now, to its end or until it has to wait. */
export const summarise = Effect.fnUntraced(function* (progress: Progress) {
  const system = yield* ActorSystem
  yield* door(
    system.propose(memoryStream, { type: "SummariesRequested", by: "operator" }, {
      actor: "operator",
    }),
  )
  yield* untilRested("night", progress)
  return yield* memoryState
})
