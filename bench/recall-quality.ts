/**
 * How often recall has a source of the answer among its first five, over the sample company: by words and
 * meaning together, beside words alone. The real embedding model where AIOS_MODELS_DIR names its files.
 */
import { Effect, Layer } from "effect"
import { Embedder } from "../actors/embedder.ts"
import { over } from "../adapters/embedder-local.ts"
import { relayOf, started } from "../test/models/embedder-process.ts"
import { memoryHouse, sampleImported } from "../test/projections/memory-world.ts"
import { measured } from "../test/projections/recall-questions.ts"
import { modelFiles } from "./real-models.ts"
import { rate, type Result } from "./result.ts"

const realEmbedder = (folder: string) =>
  Layer.effect(
    Embedder,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => started(folder)),
        ({ child, exited }) =>
          Effect.promise(() => {
            child.kill()
            return exited
          }),
      ),
      (process) => over(relayOf(process)),
    ),
  )

export const recallQuality = (): Promise<ReadonlyArray<Result>> => {
  const found = modelFiles()
  const real = "folder" in found
  const house = real ? memoryHouse({ embedder: realEmbedder(found.folder) }) : memoryHouse()
  const model = real ? "MiniLM" : "hashed words"
  return Effect.runPromise(
    Effect.gen(function* () {
      yield* sampleImported
      const { hybrid, lexical, vector } = yield* measured
      return [
        rate("recall-quality", "hit rate at 5", hybrid.rate, lexical.rate, "words alone"),
        rate("recall-first", "1/place", hybrid.first, lexical.first, "words alone"),
        rate("recall-vector", "hit rate at 5", vector.rate, lexical.rate, `words alone; ${model}`),
      ]
    }).pipe(Effect.provide(house), Effect.scoped),
  )
}
