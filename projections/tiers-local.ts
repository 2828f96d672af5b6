/**
 * `Tiers` over the read model of memories: the plan is made by `tier-plan.ts`, of all that is recorded when
 * it is asked for. Reading a hundred thousand places takes a moment, so it lets others in between pages.
 */
import { Effect, Layer } from "effect"
import { Tiers, TiersUnavailable } from "../actors/tiers.ts"
import type { MemoryPolicy } from "../machines/memory.ts"
import { placesInTier } from "./memory-rows.ts"
import type { Tier } from "./memory-items.ts"
import { ReadStore, ReadStoreUnavailable } from "./read-store.ts"
import { Projections } from "./runner.ts"
import { type Placed, planTiers } from "./tier-plan.ts"

const pagePlaces = 5_000

/** Every item of a tier that is in the index. The read models are at the log's head. */
export const placed = Effect.fnUntraced(function* (store: ReadStore["Service"], tier: Tier) {
  const all: Array<Placed> = []
  let after: string | undefined
  for (;;) {
    const page = yield* Effect.try({
      try: () =>
        placesInTier(store, tier, {
          limit: pagePlaces,
          ...(after === undefined ? {} : { after }),
        }),
      catch: (cause) => {
        if (cause instanceof ReadStoreUnavailable) return cause
        throw cause
      },
    })
    all.push(...page)
    after = page.at(-1)?.key
    if (page.length < pagePlaces || after === undefined) return all
    yield* Effect.yieldNow
  }
})

/** What `policy` would do now; without a limit all of it. */
export const planned = Effect.fnUntraced(
  function* (policy: MemoryPolicy, now: number, limit?: number) {
    const projections = yield* Projections
    const store = yield* ReadStore
    yield* projections.catchUp
    return planTiers({
      hot: yield* placed(store, "hot"),
      cold: yield* placed(store, "cold"),
      ...{ policy, now },
      ...(limit === undefined ? {} : { limit }),
    })
  },
)

export const layer = Layer.effect(
  Tiers,
  Effect.gen(function* () {
    const services = yield* Effect.context<Projections | ReadStore>()
    return Tiers.of({
      plan: (policy, now) =>
        planned(policy, now).pipe(
          Effect.provideContext(services),
          Effect.mapError(({ message }) => new TiersUnavailable({ message, retryable: true })),
        ),
    })
  }),
)
