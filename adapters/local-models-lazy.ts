/** The models of this machine, looked at by the first question: only `aios models` asks. */
import { Effect, Layer } from "effect"
import { Inference } from "../actors/inference.ts"
import { LocalModels } from "../projections/local-models.ts"
import * as inference from "./inference-lazy.ts"
import * as helpers from "./helpers.ts"
import type { Options } from "./local-models-machine.ts"

/** `socket`: of the launcher's supervisor. */
export const layer = (
  options: Options,
  socket: string | undefined,
): Layer.Layer<LocalModels> =>
  Layer.effect(
    LocalModels,
    Effect.gen(function* () {
      const server = yield* Inference
      const loaded = yield* Effect.cached(Effect.gen(function* () {
        const machine = yield* Effect.promise(() => import("./local-models-machine.ts"))
        return yield* Effect.provide(
          LocalModels,
          machine.layer(options).pipe(Layer.provide(Layer.succeed(Inference, server))),
        )
      }))
      return LocalModels.of({
        status: (choice) => Effect.flatMap(loaded, (one) => one.status(choice)),
        source: Effect.flatMap(loaded, (one) => one.source),
        pullEmbedding: (progress) => Effect.flatMap(loaded, (one) => one.pullEmbedding(progress)),
        pullChat: (...asked) => Effect.flatMap(loaded, (one) => one.pullChat(...asked)),
      })
    }),
  ).pipe(
    Layer.provide(inference.layer(options.ollama)),
    Layer.provide(helpers.supervised(socket)),
  )
