/**
 * Embedder: an embedding model that Ollama serves. Another model is another space: what was stored of one
 * cannot be compared with the other, so its name carries the model's.
 */
import { Effect, Layer } from "effect"
import { Embedder, EmbedderUnavailable } from "../actors/embedder.ts"
import { Inference } from "../actors/inference.ts"

/** MiniLM as Ollama has it. */
export const modelDefault = "all-minilm"

export const layer = (model: string = modelDefault): Layer.Layer<Embedder, never, Inference> =>
  Layer.effect(
    Embedder,
    Effect.map(Inference, (inference) =>
      Embedder.of({
        model: `${inference.system}/${model}`,
        embed: (texts) =>
          texts.length === 0 ? Effect.succeed([]) : Effect.mapError(
            inference.embed(model, texts),
            ({ reason, message, retryable }) =>
              new EmbedderUnavailable({ reason, message, retryable }),
          ),
      })),
  )
