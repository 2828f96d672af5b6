/**
 * Port: a language model that answers in a given shape. Nothing needs it: where it is absent or fails,
 * rules and templates do the work and say so. Prompt and material are kept apart, what comes from outside
 * is fenced and labelled, and it has no tools. Who asks and who pays is in `usage.ts`.
 */
import { Context, Effect, Layer, Schema, Stream } from "effect"
import type { BlobRef } from "./blob-store.ts"

/** No answer, or none that is of use. With `retryable` the same call may succeed later. */
export class ModelUnavailable extends Schema.TaggedError<ModelUnavailable>()("ModelUnavailable", {
  reason: Schema.Literals([
    "absent",
    "failed",
    "timedOut",
    /** It does not fit the shape, or the judge refused it, after the one repair. */
    "misfit",
    /** The agent's budget of the day is spent. */
    "budget",
    /** Others were at the model until it was too late: it was not asked. */
    "noTurn",
    /** It failed too often lately; nothing was tried. */
    "circuitOpen",
    /** The route of this activity ends at the founder. */
    "operator",
  ]),
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

/** Words of ours. Its version is the hash of both, and is recorded with every answer. */
export interface Template {
  readonly name: string
  /** What to do, and how to treat the material. Never contains anything from outside. */
  readonly instructions: string
}

/** Something from outside: data, never instructions. It is fenced, and what looks like a fence in it is defused. */
export interface Material {
  /** `mail from the customer`, `what is remembered`. Ours. */
  readonly label: string
  readonly text: string
}

export interface ModelRequest<A> {
  readonly template: Template
  readonly material: ReadonlyArray<Material>
  /** Every text and number in it bounded: a shape fixes the form, not the sense. */
  readonly shape: Schema.Codec<A, unknown>
  readonly tokensMax: number
  /** Whose key seals the transcript: the person it is about, else `founder`. */
  readonly subject: string
  /** Default 0 and 1: the same question gives the same answer, as far as the server can. */
  readonly temperature?: number
  readonly seed?: number
  /** For all attempts together, from its turn at the server on. Default 60 s interactive, 300 s batch. */
  readonly timeoutMillis?: number
  /** Interactive: for how long it waits for its turn, all attempts together. Default 60 s. Batch work waits. */
  readonly waitMillis?: number
  /** Why an answer that fits the shape is of no use; empty where it is. It is told in the one repair. */
  readonly judge?: (answer: A) => ReadonlyArray<string>
}

export interface ModelAnswer<A> {
  readonly answer: A
  readonly model: string
  /** `gemma3:270m draftMail@1f2e3d4c`: how the output is marked. */
  readonly made: string
  readonly tokensIn: number
  readonly tokensOut: number
  readonly millis: number
  readonly cached: boolean
  /** Request and answer, for `why`. */
  readonly transcript: BlobRef | undefined
}

export class LanguageModel extends Context.Service<LanguageModel, {
  /** Cached, else the small model, else the larger one; one repair each. */
  complete<A>(request: ModelRequest<A>): Effect.Effect<ModelAnswer<A>, ModelUnavailable>
  /** Plain text, piece by piece; not cached. Ending the stream ends the work. */
  stream(
    request: Omit<ModelRequest<string>, "shape" | "judge">,
  ): Stream.Stream<string, ModelUnavailable>
}>()("actors/LanguageModel") {}

const nobody = new ModelUnavailable({
  reason: "absent",
  message: "No language model is set up here",
  retryable: false,
})
export const absent: Layer.Layer<LanguageModel> = Layer.succeed(
  LanguageModel,
  LanguageModel.of({
    complete: () => Effect.fail(nobody),
    stream: () => Stream.fail(nobody),
  }),
)
