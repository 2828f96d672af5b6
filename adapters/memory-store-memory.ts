/** Vectors in this process, all compared with each question: for tests, and the measure for the others. */
import { Effect, Layer } from "effect"
import { MemoryStore, type MemoryVector } from "../projections/memory-store.ts"

const cosine = (a: Float32Array, b: Float32Array): number => {
  let dot = 0
  let left = 0
  let right = 0
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? 0
    dot += x * y
    left += x * x
    right += y * y
  }
  return dot / (Math.sqrt(left * right) || 1)
}

export const layer: Layer.Layer<MemoryStore> = Layer.sync(MemoryStore, () => {
  const spaces = new Map<string, Map<string, MemoryVector>>()
  const of = (space: string): ReadonlyMap<string, MemoryVector> => spaces.get(space) ?? new Map()
  return MemoryStore.of({
    count: (space) => Effect.sync(() => of(space).size),
    upsert: (space, vectors) =>
      Effect.sync(() => {
        const all = spaces.get(space) ?? new Map<string, MemoryVector>()
        spaces.set(space, all)
        for (const one of vectors) all.set(one.id, { ...one, vector: one.vector.slice() })
      }),
    remove: (space, ids) => Effect.sync(() => ids.forEach((id) => spaces.get(space)?.delete(id))),
    query: (space, { limit, person, positionMax, vector }) =>
      Effect.sync(() =>
        [...of(space).values()]
          .filter((one) => person === undefined || one.person === person)
          .filter((one) => positionMax === undefined || one.position <= positionMax)
          .map((one) => ({ id: one.id, similarity: cosine(vector, one.vector) }))
          .sort((a, b) => b.similarity - a.similarity)
          .slice(0, Math.max(0, limit))
      ),
    ids: (space) => Effect.sync(() => [...of(space).keys()]),
    clear: (space) => Effect.sync(() => void spaces.delete(space)),
  })
})
