/**
 * Port: what was asked of models before, as the log has it. Answers that were given are not paid for
 * twice, and budgets know what was spent. It may lag a moment behind.
 */
import { Context, Effect, Layer } from "effect"
import type { BlobRef } from "./blob-store.ts"

export interface Answered {
  readonly model: string
  readonly tokensIn: number
  readonly tokensOut: number
  readonly transcript: BlobRef
  /** False: it did not fit, and was not used. */
  readonly useful: boolean
  /** When its outcome was recorded, epoch ms. */
  readonly at: number
}

export interface Spent {
  readonly tokens: number
  readonly millis: number
  readonly micros: number
}

export class ModelLedger extends Context.Service<ModelLedger, {
  /** By the hash of the prompt, see `Usage.prompt`. */
  answered(prompt: string): Effect.Effect<Answered | undefined>
  /** Of one agent (category) since then, epoch ms. */
  spent(agent: string, since: number): Effect.Effect<Spent>
}>()("actors/ModelLedger") {}

export const empty: Layer.Layer<ModelLedger> = Layer.succeed(
  ModelLedger,
  ModelLedger.of({
    answered: () => Effect.succeed(undefined),
    spent: () => Effect.succeed({ tokens: 0, millis: 0, micros: 0 }),
  }),
)
