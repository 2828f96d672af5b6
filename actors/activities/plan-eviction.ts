/**
 * Plans what leaves the hot tier and what comes back. Items are old by the clock of the actor that asks, so
 * the same ask gives the same plan; what it names is moved by whoever reads its outcome.
 */
import { Effect } from "effect"
import { planEviction as declaration } from "../../machines/memory.ts"
import { implement } from "../activity.ts"
import { Tiers } from "../tiers.ts"

export const planEviction = implement(
  declaration,
  ({ policy }, { clock }) =>
    Effect.gen(function* () {
      const tiers = yield* Tiers
      const { because, evict, kept, more, recall, spared } = yield* tiers.plan(policy, clock)
      return {
        evict: [...evict],
        recall: [...recall],
        because: { ...because },
        ...{ kept, spared, more, policy: policy.version },
      }
    }),
)
