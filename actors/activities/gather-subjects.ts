/** Finds what there is to summarise, the most worth first. The rule is in `summary-subjects.ts`. */
import { Clock, Effect } from "effect"
import { gatherSubjects as declaration } from "../../machines/memory.ts"
import { implement } from "../activity.ts"
import { normaliseAddress } from "../addresses.ts"
import { currentSettings } from "../settings.ts"
import { candidatesIn, SubjectItems, subjectsOf } from "../summary-subjects.ts"
import { Vault } from "../vault.ts"

export const gatherSubjects = implement(
  declaration,
  ({ limit, policy }) =>
    Effect.gen(function* () {
      const source = yield* SubjectItems
      const vault = yield* Vault
      const { addresses, proposedAddresses, timeZone } = yield* Effect.mapError(
        currentSettings,
        (cause) => ({ _tag: cause._tag, message: cause.message, retryable: cause.retryable }),
      )
      const own = new Set(
        [...addresses, ...proposedAddresses].map((one) => vault.personKey(normaliseAddress(one))),
      )
      const now = yield* Clock.currentTimeMillis
      const candidates = candidatesIn(yield* source.all, { policy, now, timeZone, own })
      const standings = new Map(
        yield* Effect.forEach(candidates, (one) =>
          Effect.map(source.standing(one.of, one.key), (standing) =>
            [one, standing] as const)),
      )
      return subjectsOf(
        candidates,
        (one) =>
          standings.get(one) ?? { upTo: -1, refusedUpTo: -1 },
        Math.min(limit, policy.summaries.perNightMax),
      )
    }),
)
