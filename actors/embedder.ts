/**
 * Port: texts as vectors, by which they are found by meaning. Vectors of different models cannot be
 * compared: `model` names the space. Absent or slow, recall is by words alone and says so.
 */
import { Context, Effect, Layer, Schema } from "effect"

export class EmbedderUnavailable
  extends Schema.TaggedError<EmbedderUnavailable>()("EmbedderUnavailable", {
    /** `absent`: nothing is installed that could; `noModel`: its files are missing. */
    reason: Schema.Literals(["absent", "noModel", "failed", "timedOut"]),
    message: Schema.String,
    retryable: Schema.Boolean,
  }) {}

export class Embedder extends Context.Service<Embedder, {
  /** `Xenova/all-MiniLM-L6-v2` or an Ollama model's name: names the space the vectors are in. */
  readonly model: string
  /** One unit vector per text, in order. Texts beyond the model's window are cut by it. */
  embed(
    texts: ReadonlyArray<string>,
  ): Effect.Effect<ReadonlyArray<Float32Array>, EmbedderUnavailable>
}>()("actors/Embedder") {}

export const absent: Layer.Layer<Embedder> = Layer.succeed(
  Embedder,
  Embedder.of({
    model: "none",
    embed: () =>
      Effect.fail(
        new EmbedderUnavailable({
          reason: "absent",
          message: "Nothing here makes vectors of texts: recall is by words. aios models pull",
          retryable: false,
        }),
      ),
  }),
)
