/**
 * Port: a server that runs language models, as it is: one request, one answer, piece by piece. What makes
 * it fit for use (shape, judgement, lanes, budgets, cache, metering) is `LanguageModel`, which is built on
 * this and is all that activities see.
 */
import { Context, Effect, Layer, Schema, Stream } from "effect"
import type { JsonObject } from "../machines/agent.ts"

export class InferenceFailed extends Schema.TaggedError<InferenceFailed>()("InferenceFailed", {
  /** `absent`: no server answers; `noModel`: it does not have this model. */
  reason: Schema.Literals(["absent", "noModel", "failed", "timedOut"]),
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

export interface InferenceRequest {
  readonly model: string
  readonly messages: ReadonlyArray<
    { readonly role: "system" | "user" | "assistant"; readonly content: string }
  >
  /** JSON Schema that fixes the answer's shape, not its sense. */
  readonly format?: JsonObject
  /** Hard limit of the answer, tokens. */
  readonly tokensMax: number
  readonly temperature: number
  readonly seed: number
  /** What prompt and answer may fill together, tokens. */
  readonly contextTokens: number
}

export type InferencePiece =
  | { readonly text: string }
  | {
    readonly done: true
    /** `length`: it was cut off at `tokensMax`. */
    readonly because: "stop" | "length"
    readonly tokensIn: number
    readonly tokensOut: number
    readonly millis: number
    readonly loadMillis: number
    /** The server stopped without saying that it was done: it is cut off, and tokens are a guess by length. */
    readonly estimated?: true
  }

export interface InstalledModel {
  readonly name: string
  /** On disk. */
  readonly bytes: number
  readonly digest: string
  /** `268M`, as the server says it. */
  readonly parameters: string
}

export class Inference extends Context.Service<Inference, {
  /** `ollama`: for spans and metering. */
  readonly system: string
  /** Ends with one `done`. Interrupting it ends the work on the server at once. */
  chat(request: InferenceRequest): Stream.Stream<InferencePiece, InferenceFailed>
  embed(
    model: string,
    texts: ReadonlyArray<string>,
  ): Effect.Effect<ReadonlyArray<Float32Array>, InferenceFailed>
  /** Also tells whether the server answers at all. */
  readonly models: Effect.Effect<ReadonlyArray<InstalledModel>, InferenceFailed>
  /** Fetches a model; `done` and `total` are bytes. */
  pull(
    model: string,
    progress: (
      step: { readonly what: string; readonly done: number; readonly total: number },
    ) => void,
  ): Effect.Effect<void, InferenceFailed>
}>()("actors/Inference") {}

const nobody = new InferenceFailed({
  reason: "absent",
  message: "No model server is set up here",
  retryable: false,
})
export const absent: Layer.Layer<Inference> = Layer.succeed(
  Inference,
  Inference.of({
    system: "none",
    chat: () => Stream.fail(nobody),
    embed: () => Effect.fail(nobody),
    models: Effect.fail(nobody),
    pull: () => Effect.fail(nobody),
  }),
)
