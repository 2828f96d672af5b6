/**
 * After a restore: whatever was asked for and leaves the house may have happened after the backup was
 * made, so it is quarantined, and the founder is asked, before anything may run.
 */
import { Effect } from "effect"
import { activityOf, type Json, type JsonObject } from "../machines/agent.ts"
import { openContent } from "./activities/gate.ts"
import { EventLog } from "./event-log.ts"
import { derivedId } from "./ids.ts"
import { type OpenAsk, OpenAsks } from "./open-asks.ts"
import { ActorEngine } from "./system.ts"
import { Vault } from "./vault.ts"

const pageAsks = 1_000

export interface Quarantined {
  readonly ask: string
  readonly activity: string
  /** Whom and what it is about, as far as that can be opened. */
  readonly about: string
}

const textOf = (value: Json | undefined): string => typeof value === "string" ? value : ""

/** `Ada Weiss <ada@lumen.example>: Re: Sponsorship` */
const aboutOf = (content: Json | undefined): string => {
  if (typeof content !== "object" || content === null || Array.isArray(content)) return ""
  const fields = content as JsonObject
  const to = fields["to"]
  const whom = typeof to === "object" && to !== null && !Array.isArray(to)
    ? `${textOf((to as JsonObject)["name"])} <${textOf((to as JsonObject)["address"])}>`.trim()
    : ""
  const what = ["subject", "title", "description", "number"].map((name) => textOf(fields[name]))
    .find((text) => text !== "") ?? ""
  return [whom, what].filter((text) => text !== "").join(": ")
}

/** In a house that dispatches nothing. `madeAt` is when the backup was made, as a person reads it. */
export const quarantineOpen = Effect.fn("quarantineOpen")(function* (madeAt: string) {
  const { registry, report } = yield* ActorEngine
  const openAsks = yield* OpenAsks
  const log = yield* EventLog
  const vault = yield* Vault
  const head = yield* log.head
  yield* openAsks.caughtUp(head)
  const risky: Array<OpenAsk & { readonly activity: string }> = []
  let after: string | undefined
  for (;;) {
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
      id: derivedId(`quarantine:${open.id}:${head}`),
      actor: "operator",
      causation: open.causation,
      correlation: open.correlation,
    })
    const input = open.ask.ask === "activity" ? open.ask.input ?? null : null
    const about = aboutOf(openContent(input, vault))
    quarantined.push({ ask: open.id, activity: open.activity, about })
  }
  return quarantined
})
