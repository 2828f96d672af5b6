/** What every blob store promises. `layer` must give an empty store each time it is called. */
import { createHash } from "node:crypto"
import { Effect, type Layer } from "effect"
import { describe, expect, it } from "vitest"
import { BlobStore } from "../../actors/blob-store.ts"

export const blobStoreContract = (name: string, layer: () => Layer.Layer<BlobStore>) => {
  const on = <A, E>(test: (blobs: BlobStore["Service"]) => Effect.Effect<A, E>) => () =>
    Effect.runPromise(Effect.provide(Effect.flatMap(BlobStore, test), layer()))

  describe(name, () => {
    it(
      "gives back what it was given",
      on((blobs) =>
        Effect.gen(function* () {
          for (const length of [0, 1, 65_537, 3_000_000]) {
            const content = new Uint8Array(length).map((_, n) => n * 7)
            const ref = yield* blobs.put("p1", content)
            expect(ref).toMatchObject({ subject: "p1", bytes: length })
            expect(ref.sha256).toMatch(/^[0-9a-f]{64}$/)
            // The name is not the hash of the plain content, which would tell who has the same file.
            expect(ref.sha256).not.toBe(createHash("sha256").update(content).digest("hex"))
            expect(yield* blobs.get(ref)).toEqual(content)
          }
        })
      ),
    )
    it(
      "put twice is stored once",
      on((blobs) =>
        Effect.gen(function* () {
          const content = new TextEncoder().encode("invoice 17")
          const both = yield* Effect.all(
            [blobs.put("p1", content), blobs.put("p1", content), blobs.put("p2", content)],
            { concurrency: "unbounded" },
          )
          expect(both[0]).toEqual(both[1])
          expect(both[2].sha256).not.toBe(both[0].sha256)
          expect(yield* blobs.get(both[0])).toEqual(content)
        })
      ),
    )
    it(
      "has nothing under a name that it never gave, or for another subject",
      on((blobs) =>
        Effect.gen(function* () {
          const ref = yield* blobs.put("p1", Uint8Array.of(1, 2, 3))
          expect(yield* blobs.get({ ...ref, sha256: "0".repeat(64) })).toBeUndefined()
          expect(yield* blobs.get({ ...ref, sha256: "../../secret" })).toBeUndefined()
          expect(yield* blobs.get({ ...ref, subject: "p2" })).toBeUndefined()
        })
      ),
    )
  })
}
