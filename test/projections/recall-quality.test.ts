/**
 * How well recall finds what is known: a change that makes memory worse fails here. By words always; with the
 * real embedding model where its files are. `npm run bench recall-quality` prints the same numbers.
 */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Embedder } from "../../actors/embedder.ts"
import { over } from "../../adapters/embedder-local.ts"
import { relayOf, started } from "../models/embedder-process.ts"
import { realFolder, withFiles } from "../models/real.ts"
import { memoryHouse, sampleImported } from "./memory-world.ts"
import { measured, questions } from "./recall-questions.ts"

/** Parts of the questions with a source among the first five. Lower one only where it is worth it, and say why. */
const foundMin = 0.92
/** How near the first place the first source is. */
const firstMin = { lexical: 0.8, hybrid: 0.83 }

describe("recall over the sample company", () => {
  it("has enough questions to tell", () => {
    expect(questions.length).toBeGreaterThanOrEqual(30)
    expect(new Set(questions.map(({ question }) => question)).size).toBe(questions.length)
  })

  it.live("finds by words what answers", () =>
    Effect.gen(function* () {
      yield* sampleImported
      const { hybrid, lexical } = yield* measured
      expect(lexical.rate, lexical.missed.join("\n")).toBeGreaterThanOrEqual(foundMin)
      expect(lexical.first).toBeGreaterThanOrEqual(firstMin.lexical)
      // Vectors that know no meaning must not make it worse.
      expect(hybrid.rate, hybrid.missed.join("\n")).toBeGreaterThanOrEqual(lexical.rate)
    }).pipe(Effect.provide(memoryHouse())), 60_000)
})

/** The real model in its own process, ended with the test. */
const realEmbedder = Layer.effect(
  Embedder,
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => started(realFolder)),
      ({ child, exited }) =>
        Effect.promise(() => {
          child.kill()
          return exited
        }),
    ),
    (process) => over(relayOf(process)),
  ),
)

withFiles("recall with the real embedding model", () => {
  it.live(
    "has the source nearer the first place than either side alone",
    () =>
      Effect.gen(function* () {
        yield* sampleImported
        const { hybrid, lexical, vector } = yield* measured
        expect(hybrid.rate, hybrid.missed.join("\n")).toBeGreaterThanOrEqual(foundMin)
        expect(hybrid.rate).toBeGreaterThanOrEqual(Math.max(lexical.rate, vector.rate))
        expect(hybrid.first).toBeGreaterThanOrEqual(firstMin.hybrid)
        expect(hybrid.first).toBeGreaterThanOrEqual(Math.max(lexical.first, vector.first))
      }).pipe(Effect.provide(memoryHouse({ embedder: realEmbedder }))),
    180_000,
  )
})
