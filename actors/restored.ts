/**
 * After a restore: whatever was asked for and leaves the house may have happened after the backup was
 * made, so it is quarantined, and the founder is asked, before anything may run.
 */
import { Effect } from "effect"
import { activityOf } from "../machines/agent.ts"
import { EventLog } from "./event-log.ts"
import { derivedId } from "./ids.ts"
import { type OpenAsk, OpenAsks } from "./open-asks.ts"
import { ActorEngine } from "./system.ts"

const pageAsks = 1_000

export interface Quarantined {
  readonly ask: string
  readonly activity: string
}

/** In a house that dispatches nothing. `madeAt` is when the backup was made, as a person reads it. */
export const quarantineOpen = Effect.fn("quarantineOpen")(function* (madeAt: string) {
  const { registry, report } = yield* ActorEngine
  const openAsks = yield* OpenAsks
  const log = yield* EventLog
  yield* openAsks.caughtUp(yield* log.head)
  const risky: Array<OpenAsk & { readonly activity: string }> = []
  for (let after: string | undefined;;) {
    const page = yield* openAsks.page(after, pageAsks)
    for (const open of page) {
      if (open.ask.ask !== "activity" || open.quarantined === true) continue
      const source = registry.find(open.stream)?.chart.sources.get(open.ask.src)
      const declared = source?.kind === "activity" ? activityOf(source.logic) : undefined
      const leaves = declared !== undefined &&
        (declared.risk !== "none" || declared.idempotency === "unsafe")
      if (leaves) risky.push({ ...open, activity: declared.name })
    }
    const last = page.at(-1)
    if (page.length < pageAsks || last === undefined) break
    after = last.id
  }
  const quarantined: Array<Quarantined> = []
  for (const open of risky) {
    yield* report(open.stream, {
      type: "ActivityQuarantined",
      ask: open.id.slice(open.id.lastIndexOf("/") + 1),
      reason: `Restored from a backup of ${madeAt}: ${open.activity} may have happened after it ` +
        "was made; only you can tell",
    }, {
      id: derivedId(`quarantine:${open.id}`),
      actor: "operator",
      causation: open.causation,
      correlation: open.correlation,
    })
    quarantined.push({ ask: open.id, activity: open.activity })
  }
  return quarantined
})
