/** Port: what of memory is where, for the plan which items leave the hot tier and which come back. */
import { Context, Effect, Layer, Schema } from "effect"
import type { MemoryPolicy } from "../machines/memory.ts"

export class TiersUnavailable extends Schema.TaggedError<TiersUnavailable>()("TiersUnavailable", {
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

export class Tiers extends Context.Service<Tiers, {
  /** As of all that is recorded; `now`: epoch ms by which items are old. At most 5,000 items in both lists. */
  plan(policy: MemoryPolicy, now: number): Effect.Effect<{
    readonly evict: ReadonlyArray<string>
    readonly recall: ReadonlyArray<string>
    readonly because: { readonly [reason: string]: number }
    readonly kept: number
    readonly spared: number
    readonly more: boolean
  }, TiersUnavailable>
}>()("actors/Tiers") {}

/** Where there are no read models: nothing is planned. */
export const absent: Layer.Layer<Tiers> = Layer.succeed(
  Tiers,
  Tiers.of({
    plan: () =>
      Effect.fail(new TiersUnavailable({ message: "No memory is kept here", retryable: false })),
  }),
)
