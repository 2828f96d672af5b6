/**
 * Ollama as a model server, its client loaded by the first question: most commands ask no model, and
 * should not wait for what they do not use. Where no server answers, the supervisor is asked to start the one
 * that is installed, and the question is put again.
 */
import { Effect, Layer, Stream } from "effect"
import { Inference, InferenceFailed } from "../actors/inference.ts"
import { Helpers } from "./helpers.ts"

/** `host`: as `OLLAMA_HOST` has it; empty: where Ollama usually is. */
export const layer = (host: string): Layer.Layer<Inference, never, Helpers> =>
  Layer.effect(
    Inference,
    Effect.gen(function* () {
      const helpers = yield* Helpers
      const loaded = yield* Effect.cached(Effect.gen(function* () {
        const ollama = yield* Effect.promise(() => import("./inference-ollama.ts"))
        return yield* Effect.provide(Inference, ollama.layer({ host }))
      }))
      /** Why there is none, and what to do, the supervisor knows better than who was not answered. */
      const start = helpers.start("ollama").pipe(
        Effect.mapError(({ reason, message, retryable }) =>
          new InferenceFailed({ reason, message, retryable })
        ),
      )
      const nobodyThere = ({ reason }: InferenceFailed) => reason === "absent"
      const asked = <A>(ask: (one: Inference["Service"]) => Effect.Effect<A, InferenceFailed>) =>
        Effect.flatMap(loaded, (one) =>
          ask(one).pipe(
            Effect.catch((failure) =>
              nobodyThere(failure) ? Effect.andThen(start, ask(one)) : Effect.fail(failure)
            ),
          ))
      return Inference.of({
        system: "ollama",
        chat: (request) =>
          Stream.unwrap(Effect.map(loaded, (one) =>
            one.chat(request).pipe(
              // Only a request that never reached a server fails with it: nothing was said yet.
              Stream.catch((failure) =>
                nobodyThere(failure)
                  ? Stream.unwrap(Effect.as(start, one.chat(request)))
                  : Stream.fail(failure)
              ),
            ))),
        embed: (...words) => asked((one) => one.embed(...words)),
        models: asked((one) => one.models),
        pull: (...words) => asked((one) => one.pull(...words)),
      })
    }),
  )
