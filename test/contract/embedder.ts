/** What every embedder promises: one unit vector per text, in order, and near texts near each other. */
import { Effect, type Layer } from "effect"
import { describe, expect, it } from "vitest"
import { Embedder } from "../../actors/embedder.ts"
import { dot } from "../../actors/vectors.ts"

const weather = "The weather is lovely today."
const sunny = "The weather is so sunny today!"
const stadium = "He drove to the stadium."
const odd = ["", " ", "\n", "🙂", "ß ﬁ", "\u0000", '"}\n{"id":9}', "a".repeat(20_000)]

export const embedderContract = (name: string, layer: Layer.Layer<Embedder, unknown>) => {
  const embed = (texts: ReadonlyArray<string>) =>
    Effect.runPromise(
      Effect.provide(Effect.flatMap(Embedder, (embedder) => embedder.embed(texts)), layer),
    )

  describe(name, () => {
    it("gives one unit vector per text, all of the same length", async () => {
      const vectors = await embed([weather, stadium, ...odd])
      expect(vectors.length).toBe(2 + odd.length)
      for (const vector of vectors) {
        expect(vector.length).toBe(vectors[0]!.length)
        expect(dot(vector, vector)).toBeCloseTo(1, 4)
      }
    })
    it("gives none for none", async () => {
      expect(await embed([])).toEqual([])
    })
    it("near texts are nearer than far ones", async () => {
      const [one, near, far] = await embed([weather, sunny, stadium])
      expect(dot(one!, near!)).toBeGreaterThan(dot(one!, far!) + 0.2)
    })
    it("a text has the same vector whatever stands beside it, in order", async () => {
      const [alone] = await embed([stadium])
      const many = await embed([
        ...Array.from({ length: 70 }, (_, n) => `${weather} Number ${n}. `.repeat(1 + n % 5)),
        stadium,
      ])
      expect(many.length).toBe(71)
      expect(dot(many[70]!, alone!)).toBeGreaterThan(0.9999)
      expect(dot(many[69]!, alone!)).toBeLessThan(0.9)
    })
  })
}
