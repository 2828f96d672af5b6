/** A desk for tests: `LanguageModel` over a scripted server, with a log, a vault and blobs in memory. */
import { Effect, Layer, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as circuits from "../../actors/circuits.ts"
import { EventLog } from "../../actors/event-log.ts"
import { LanguageModel, type ModelRequest } from "../../actors/language-model.ts"
import * as desk from "../../actors/model-desk.ts"
import * as ledger from "../../actors/model-ledger.ts"
import { Payer, type Usage } from "../../actors/usage.ts"
import * as memoryBlobs from "../../adapters/blob-store-memory.ts"
import * as memoryLog from "../log-memory.ts"
import { type ScriptedInference } from "../../adapters/inference-scripted.ts"
import * as memoryVault from "../../adapters/vault-memory.ts"
import { policyStream } from "../../machines/model-policy.ts"

export const Weather = Schema.Struct({
  warmth: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10 })),
  because: Schema.String.check(Schema.isMaxLength(200)),
})
export type Weather = typeof Weather.Type

export const fits = '{"warmth":7,"because":"she named a budget"}'

export const question = (
  more: Partial<ModelRequest<Weather>> & { readonly text?: string } = {},
): ModelRequest<Weather> => {
  const { text = "We would like two sponsorships.", ...rest } = more
  return {
    template: { name: "weigh", instructions: "Say how warm the customer is." },
    material: [{ label: "mail from the customer", text }],
    shape: Weather,
    tokensMax: 100,
    subject: "founder",
    ...rest,
  }
}

export interface DeskOf {
  readonly server: ScriptedInference
  readonly options?: desk.DeskOptions
  readonly ledger?: Layer.Layer<ledger.ModelLedger>
  readonly circuits?: Layer.Layer<circuits.Circuits>
  readonly policy?: { readonly [name: string]: unknown }
}

/** Runs with a desk of its own, on a clock that the test moves. */
export const atDesk = <A>(
  of: DeskOf,
  use: Effect.Effect<A, unknown, LanguageModel | EventLog>,
): Promise<A> => {
  const stored = Layer.mergeAll(memoryLog.layer, memoryBlobs.layer).pipe(
    Layer.provideMerge(memoryVault.layer),
  )
  const told = Layer.effectDiscard(Effect.gen(function* () {
    if (of.policy === undefined) return
    const log = yield* EventLog
    const id = "0198c0de-0000-7000-8000-000000000001"
    yield* log.append(policyStream, -1, [{
      id,
      type: "ModelPolicyChosen",
      data: of.policy as never,
      metadata: { at: 0, actor: "operator", $correlationId: id } as never,
    }])
  }))
  const all = desk.layer(of.options).pipe(
    Layer.provide(of.server.layer),
    Layer.provide(of.ledger ?? ledger.empty),
    Layer.provide(of.circuits ?? circuits.closed),
    Layer.provideMerge(told),
    Layer.provideMerge(stored),
    Layer.provideMerge(TestClock.layer()),
  )
  return Effect.runPromise(
    use.pipe(Effect.provide(all), Effect.scoped) as Effect.Effect<A, unknown>,
  )
}

export const completing = (request: ModelRequest<Weather> = question()) =>
  Effect.flatMap(LanguageModel, (model) => model.complete(request))

/** Asks as a run would, and keeps what it is to pay. */
export const payingAs = (
  lane: Payer["lane"],
  usages: Array<Usage>,
  more: Partial<Payer> = {},
) =>
<A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(effect, Payer, {
    agent: "executor",
    activity: "draftMail",
    lane,
    ask: "executor-1/1.0",
    note: (usage: Usage) => usages.push(usage),
    ...more,
  })
