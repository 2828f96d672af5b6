/** The memory's agent at work: asked for a night's summaries now, and watched until it rests. */
import { Effect, Option } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { OpenAsks } from "../actors/open-asks.ts"
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

const asksLooked = 1_000
/** Others' work by activity, in words; what is not told here is a task. */
const works: { readonly [activity: string]: readonly [string, string] } = {
  readConversation: ["reading of a conversation", "readings of conversations"],
  weighConversation: ["weighing of a conversation", "weighings of conversations"],
  draftMail: ["draft of a mail", "drafts of mails"],
  draftArticle: ["draft of an article", "drafts of articles"],
  composeReport: ["report", "reports"],
}

/** What others ask for and is not done yet: `21 readings of conversations`; empty where there is nothing. */
const others = Effect.gen(function* () {
  const asks = Option.getOrUndefined(yield* Effect.serviceOption(OpenAsks))
  const open = asks === undefined ? [] : yield* asks.page(undefined, asksLooked)
  const counts = new Map<string, number>()
  for (const { approval, ask, quarantined, stream } of open) {
    if (ask.ask !== "activity" || stream === memoryStream) continue
    // What waits for the founder holds nobody up.
    if (approval !== undefined || quarantined === true) continue
    const name = ask.src in works ? ask.src : ""
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, n]) => {
    const [one, more] = works[name] ?? ["task", "tasks"]
    return `${n} ${n === 1 ? one : more}`
  }).join(" and ")
})

/** Works until the agent rests: `night` includes what the night leaves for the tiers. */
export const untilRested = (region: "tiers" | "night", progress: Progress) =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    let before = -1
    for (;;) {
      const { interactive } = yield* door(system.settle(settleMillisMax))
      const view = yield* door(system.view(memoryStream))
      if (view === undefined || view.status !== "active") return
      const context = objectOf(view.context)
      const night = objectOf(context["night"])
      const waiting = listOf(context["queue"])
      const handled = numberOf(night["accepted"]) + numberOf(night["refused"]) +
        numberOf(night["skipped"])
      const [first] = waiting.map(objectOf)
      // It goes before routine work, but not before what the founder may be waiting for, nor does it cut off
      // what is at the model already.
      const beside = handled > before ? "" : yield* others
      before = handled
      progress({
        what: `${
          first === undefined ? "looking what there is" : `${textOf(first["of"])} summaries`
        }${beside === "" ? "" : interactive > 0 ? `, waits for ${beside}` : `, before ${beside}`}`,
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
