/** What every store of vectors promises. `layer` may give the same store each time: each test has its own space. */
import { Effect, type Layer } from "effect"
import { describe, expect, it } from "vitest"
import { MemoryStore, type MemoryVector } from "../../projections/memory-store.ts"
import { type Dice, seeded } from "../seeded.ts"

const dims = 384

/** A vector of length 1 in some direction. */
const direction = (dice: Dice): Float32Array => {
  const vector = Float32Array.from({ length: dims }, () => dice.below(2_001) / 1_000 - 1)
  const length = Math.hypot(...vector)
  return vector.map((x) => x / length)
}
/** Between the first two axes: cosine of the angle between two is what is expected. */
const at = (degrees: number): Float32Array => {
  const vector = new Float32Array(dims)
  vector[0] = Math.cos(degrees * Math.PI / 180)
  vector[1] = Math.sin(degrees * Math.PI / 180)
  return vector
}
const item = (
  id: string,
  vector: Float32Array,
  more: Partial<MemoryVector> = {},
): MemoryVector => ({
  id,
  vector,
  kind: "person",
  tier: "hot",
  at: 1_795_000_000_000,
  position: 1,
  ...more,
})

export const memoryStoreContract = (name: string, layer: () => Layer.Layer<MemoryStore>) => {
  let spaces = 0
  const on =
    <A, E>(test: (store: MemoryStore["Service"], space: string) => Effect.Effect<A, E>) => () =>
      Effect.runPromise(
        Effect.provide(
          Effect.flatMap(MemoryStore, (store) => test(store, `Model/of ${name} №${spaces++}`)),
          layer(),
        ),
      )

  describe(name, () => {
    it(
      "has nothing in a space nobody wrote to",
      on((store, space) =>
        Effect.gen(function* () {
          expect(yield* store.count(space)).toBe(0)
          expect(yield* store.ids(space)).toEqual([])
          expect(yield* store.query(space, { vector: at(0), limit: 5 })).toEqual([])
          yield* store.remove(space, ["nobody"])
          yield* store.upsert(space, [])
          yield* store.clear(space)
          expect(yield* store.count(space)).toBe(0)
        })
      ),
    )

    it(
      "gives the nearest first, with their cosine",
      on((store, space) =>
        Effect.gen(function* () {
          const degrees = [0, 30, 60, 90, 120, 180]
          yield* store.upsert(space, degrees.map((one) => item(`at ${one}`, at(one))))
          const found = yield* store.query(space, { vector: at(10), limit: 4 })
          expect(found.map(({ id }) => id)).toEqual(["at 0", "at 30", "at 60", "at 90"])
          for (const [i, angle] of [10, 20, 50, 80].entries()) {
            expect(found[i]!.similarity).toBeCloseTo(Math.cos(angle * Math.PI / 180), 4)
          }
          const all = yield* store.query(space, { vector: at(10), limit: 100 })
          expect(all).toHaveLength(6)
          expect(all.at(-1)).toMatchObject({ id: "at 180" })
          expect(all.at(-1)!.similarity).toBeCloseTo(Math.cos(170 * Math.PI / 180), 4)
          expect(yield* store.query(space, { vector: at(10), limit: 0 })).toEqual([])
        })
      ),
    )

    it(
      "compares directions, not lengths",
      on((store, space) =>
        Effect.gen(function* () {
          yield* store.upsert(space, [
            item("long", at(40).map((x) => x * 9)),
            item("short", at(20).map((x) => x / 9)),
          ])
          const found = yield* store.query(space, { vector: at(0).map((x) => x * 3), limit: 2 })
          expect(found.map(({ id }) => id)).toEqual(["short", "long"])
          expect(found[0]!.similarity).toBeCloseTo(Math.cos(20 * Math.PI / 180), 4)
        })
      ),
    )

    it(
      "replaces what has the same id, also within one call",
      on((store, space) =>
        Effect.gen(function* () {
          yield* store.upsert(space, [item("a", at(0), { person: "ada" }), item("b", at(90))])
          yield* store.upsert(space, [item("a", at(45)), item("a", at(90), { position: 7 })])
          expect(yield* store.count(space)).toBe(2)
          const found = yield* store.query(space, { vector: at(90), limit: 9 })
          expect(found.map(({ similarity }) => similarity)).toEqual(
            [1, 1].map((one) => expect.closeTo(one, 4)),
          )
          // Nothing of the older one is left.
          expect(yield* store.query(space, { vector: at(0), limit: 9, person: "ada" })).toEqual([])
          const early = yield* store.query(space, { vector: at(90), limit: 9, positionMax: 6 })
          expect(early.map(({ id }) => id)).toEqual(["b"])
        })
      ),
    )

    it(
      "finds by person and by what was known up to a position",
      on((store, space) =>
        Effect.gen(function* () {
          yield* store.upsert(space, [
            item("ada 1", at(10), { person: "ada", position: 10 }),
            item("ada 2", at(20), { person: "ada", position: 20, tier: "warm" }),
            item("bob 1", at(5), { person: "bob", position: 15 }),
            item("nobody", at(0), { position: 5_000_000_000 }),
          ])
          const ids = (more: { readonly person?: string; readonly positionMax?: number }) =>
            Effect.map(
              store.query(space, { vector: at(0), limit: 9, ...more }),
              (found) => found.map(({ id }) => id),
            )
          expect(yield* ids({ person: "ada" })).toEqual(["ada 1", "ada 2"])
          expect(yield* ids({ person: "eve" })).toEqual([])
          expect(yield* ids({ positionMax: 15 })).toEqual(["bob 1", "ada 1"])
          expect(yield* ids({ positionMax: -1 })).toEqual([])
          expect(yield* ids({ person: "ada", positionMax: 15 })).toEqual(["ada 1"])
          expect(yield* ids({})).toEqual(["nobody", "bob 1", "ada 1", "ada 2"])
        })
      ),
    )

    it(
      "takes any id, and gives it back as it was",
      on((store, space) =>
        Effect.gen(function* () {
          const ids = ["ä", "日本 🎈", "a b/c#2", "'\"; DROP", "e\u0301", "\u00e9", "x".repeat(400)]
          yield* store.upsert(space, ids.map((id, i) => item(id, at(i))))
          expect((yield* store.ids(space)).toSorted()).toEqual(ids.toSorted())
          yield* store.remove(space, [ids[1]!, "e\u0301", "not there"])
          const left = ids.filter((_, i) => i !== 1 && i !== 4)
          expect((yield* store.ids(space)).toSorted()).toEqual(left.toSorted())
          const found = yield* store.query(space, { vector: at(0), limit: 99 })
          expect(found.map(({ id }) => id)).toEqual(left)
        })
      ),
    )

    it(
      "keeps spaces apart, also of other dimensions, and clears one of them",
      on((store, space) =>
        Effect.gen(function* () {
          const other = `${space} (other)`
          yield* store.upsert(space, [item("a", at(0))])
          yield* store.upsert(other, [item("b", Float32Array.of(1, 0, 0))])
          expect(yield* store.ids(space)).toEqual(["a"])
          expect(yield* store.ids(other)).toEqual(["b"])
          yield* store.clear(space)
          expect([yield* store.count(space), yield* store.count(other)]).toEqual([0, 1])
          yield* store.upsert(space, [item("c", at(0))])
          expect(yield* store.ids(space)).toEqual(["c"])
        })
      ),
    )

    it(
      "takes 10,000 at once, finds the right ones among them, and removes half",
      on((store, space) =>
        Effect.gen(function* () {
          const dice = seeded()
          const all = Array.from({ length: 10_000 }, (_, i) =>
            item(`item ${i}`, direction(dice), {
              person: `person ${i % 50}`,
              position: i,
            }))
          yield* store.upsert(space, all)
          expect(yield* store.count(space)).toBe(all.length)
          const ids = yield* store.ids(space)
          expect([ids.length, new Set(ids).size]).toEqual([all.length, all.length])
          const asked = all.filter((_, i) => i % 500 === 0)
          for (const { id, person, position, vector } of asked) {
            const plain = yield* store.query(space, { vector, limit: 10 })
            expect(plain[0]).toMatchObject({ id, similarity: expect.closeTo(1, 3) })
            const filtered = yield* store.query(space, {
              vector,
              limit: 10,
              person: person!,
              positionMax: position,
            })
            expect(filtered[0]?.id).toBe(id)
            const whose = filtered.map((one) => all[Number(one.id.slice(5))]!)
            expect(whose.every((one) => one.person === person && one.position <= position)).toBe(
              true,
            )
          }
          const many = yield* store.query(space, { vector: all[0]!.vector, limit: 200 })
          expect(many).toHaveLength(200)
          yield* store.remove(space, all.filter((_, i) => i % 2 === 1).map(({ id }) => id))
          expect(yield* store.count(space)).toBe(all.length / 2)
          const left = yield* store.query(space, { vector: all[1]!.vector, limit: 10 })
          expect(left.every(({ id }) => Number(id.slice(5)) % 2 === 0)).toBe(true)
        })
      ),
    )

    it(
      "several may write and ask at the same time",
      on((store, space) =>
        Effect.gen(function* () {
          yield* Effect.all(
            Array.from({ length: 20 }, (_, i) =>
              Effect.andThen(
                store.upsert(space, [item(`a${i}`, at(i)), item("both", at(90))]),
                store.query(space, { vector: at(i), limit: 1 }),
              )),
            { concurrency: "unbounded" },
          )
          expect(yield* store.count(space)).toBe(21)
        })
      ),
    )
  })
}
