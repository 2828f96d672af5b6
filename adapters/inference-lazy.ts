/**
 * Ollama as a model server, its client loaded by the first question: most commands ask no model, and
 * should not wait for what they do not use.
 */
import { Effect, Layer, Stream } from "effect"
import { Inference } from "../actors/inference.ts"

/** `host`: as `OLLAMA_HOST` has it; empty: where Ollama usually is. */
export const layer = (host: string): Layer.Layer<Inference> =>
  Layer.effect(
    Inference,
    Effect.gen(function* () {
      const loaded = yield* Effect.cached(Effect.gen(function* () {
        const ollama = yield* Effect.promise(() => import("./inference-ollama.ts"))
        return yield* Effect.provide(Inference, ollama.layer({ host }))
      }))
      return Inference.of({
        system: "ollama",
        chat: (request) => Stream.unwrap(Effect.map(loaded, (one) => one.chat(request))),
        embed: (...asked) => Effect.flatMap(loaded, (one) => one.embed(...asked)),
        models: Effect.flatMap(loaded, (one) => one.models),
        pull: (...asked) => Effect.flatMap(loaded, (one) => one.pull(...asked)),
      })
    }),
  )
