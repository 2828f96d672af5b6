/**
 * The memory's policy: shown, changed and simulated. A change is said by the names of its numbers,
 * `{ "hot.itemsMax": 5000 }`; what it would do is told by the same plan that does it.
 */
import { Clock, Effect, Option, Schema } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import {
  MemoryPolicy,
  memoryPolicyDefault,
  memoryStream,
  type PolicyField,
  policyLimits,
} from "../machines/memory.ts"
import type { PolicyEffect } from "./aios-memory.ts"
import { door, refuse } from "./aios-failures.ts"
import { untilRested } from "./aios-night.ts"
import { objectOf } from "./fields.ts"
import { planned } from "./tiers-local.ts"

/** What a policy does is waited for so long; it goes on by itself. */
const evictMillisMax = 60_000

const decodePolicy = Schema.decodeUnknownOption(MemoryPolicy)

/** The policy that counts now: the agent's own, not a read model's. */
export const policyInForce = Effect.gen(function* () {
  const system = yield* ActorSystem
  const view = yield* door(system.view(memoryStream))
  const found = decodePolicy(objectOf(view?.context)["policy"])
  return Option.getOrElse(found, () => memoryPolicyDefault)
})

const isField = (name: string): name is PolicyField => Object.hasOwn(policyLimits, name)

/** Names as they are set, also where the change came nested: `{ hot: { itemsMax: 5000 } }`. */
const flat = (
  patch: { readonly [name: string]: Json },
  prefix = "",
): ReadonlyArray<readonly [string, Json]> =>
  Object.entries(patch).flatMap(([name, value]) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? flat(objectOf(value), `${prefix}${name}.`)
      : [[prefix + name, value] as const]
  )

const written = (n: number) => n.toLocaleString("en-US")

/** `hot.itemsMax (20,000)`. */
const fieldsText = (policy: MemoryPolicy) => {
  const now = Object.fromEntries(flat(asJson(policy)))
  return Object.keys(policyLimits).map((name) => `${name} (now ${written(Number(now[name]))})`)
    .join(", ")
}
const asJson = (policy: MemoryPolicy): JsonObject => ({
  version: policy.version,
  hot: { ...policy.hot },
  summaries: { ...policy.summaries },
  archive: { ...policy.archive },
})

const changed = Effect.fnUntraced(
  function* (now: MemoryPolicy, patch: { readonly [name: string]: Json }) {
    const next: { [field in PolicyField]?: number } = {}
    for (const [name, value] of flat(patch)) {
      if (!isField(name)) {
        return yield* refuse(
          "usage",
          "InvalidValue",
          `The policy has no ${name}. It has ${fieldsText(now)}.`,
        )
      }
      const [least, most] = policyLimits[name]
      const fraction = name === "hot.importanceMin"
      if (
        typeof value !== "number" || !Number.isFinite(value) || value < least || value > most ||
        (!fraction && !Number.isInteger(value))
      ) {
        return yield* refuse(
          "usage",
          "InvalidValue",
          `${name} must be a ${fraction ? "" : "whole "}number from ${written(least)} to ` +
            `${written(most)}, not ${JSON.stringify(value)}.`,
        )
      }
      next[name] = value
    }
    const { archive, hot, summaries } = now
    const policy: MemoryPolicy = {
      version: now.version,
      hot: {
        itemsMax: next["hot.itemsMax"] ?? hot.itemsMax,
        daysMax: next["hot.daysMax"] ?? hot.daysMax,
        importanceMin: next["hot.importanceMin"] ?? hot.importanceMin,
      },
      summaries: {
        perNightMax: next["summaries.perNightMax"] ?? summaries.perNightMax,
        tokensMax: next["summaries.tokensMax"] ?? summaries.tokensMax,
        quietDaysMin: next["summaries.quietDaysMin"] ?? summaries.quietDaysMin,
      },
      archive: { daysMin: next["archive.daysMin"] ?? archive.daysMin },
    }
    const same = JSON.stringify(policy) === JSON.stringify({
      version: now.version,
      hot: { ...policy.hot, ...hot },
      summaries: { ...policy.summaries, ...summaries },
      archive: { ...policy.archive, ...archive },
    })
    return same ? now : { ...policy, version: now.version + 1 }
  },
)

export const memoryPolicy = Effect.fnUntraced(
  function* (patch: { readonly [name: string]: Json }, apply: boolean) {
    const system = yield* ActorSystem
    const now = yield* policyInForce
    const policy = yield* changed(now, patch)
    const plan = yield* door(
      planned(policy, yield* Clock.currentTimeMillis, Number.MAX_SAFE_INTEGER),
    )
    if (apply && policy.version !== now.version) {
      yield* door(
        system.propose(memoryStream, { type: "MemoryPolicyChosen", policy: asJson(policy) }, {
          actor: "operator",
        }),
      )
      yield* untilRested("tiers", () => {}).pipe(Effect.timeoutOption(evictMillisMax))
    }
    return {
      policy,
      applied: apply,
      evict: plan.evict.length,
      recall: plan.recall.length,
      keep: plan.kept,
      spared: plan.spared,
      because: { ...plan.because },
    } satisfies PolicyEffect
  },
)
