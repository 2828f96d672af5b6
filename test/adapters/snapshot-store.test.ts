/** Snapshots may be lost at any time, and never be the reason why something fails. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Layer } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { SnapshotStore, type StoredSnapshot } from "../../actors/snapshot-store.ts"
import * as memory from "../../adapters/snapshot-store-memory.ts"
import * as sqlite from "../../adapters/snapshot-store-sqlite.ts"

const root = mkdtempSync(join(tmpdir(), "aios-cache-"))
afterAll(() => rmSync(root, { recursive: true }))
let files = 0
const newFile = () => join(root, `${files++}.db`)
const on = <A>(
  layer: Layer.Layer<SnapshotStore>,
  use: (store: SnapshotStore["Service"]) => Effect.Effect<A>,
) => Effect.runPromise(Effect.provide(Effect.flatMap(SnapshotStore, use), layer))
const snapshot: StoredSnapshot = { revision: 3, chartHash: "00ff", text: '{"value":"wärm"}' }

describe.each([["memory", () => memory.layer], [
  "SQLite",
  () => sqlite.layer({ file: newFile() }),
]])(
  "snapshots in %s",
  (_, layer) => {
    it("are what was put last", () =>
      on(layer(), (store) =>
        Effect.gen(function* () {
          expect(yield* store.get("lead-1")).toBeUndefined()
          yield* store.put([["lead-1", snapshot], ["lead-2", { ...snapshot, revision: 9 }]])
          yield* store.put([["lead-2", { ...snapshot, revision: 10 }]])
          expect(yield* store.get("lead-1")).toEqual(snapshot)
          expect((yield* store.get("lead-2"))?.revision).toBe(10)
        })))
  },
)

describe("snapshots in SQLite", () => {
  const put = (store: SnapshotStore["Service"]) =>
    Effect.andThen(store.put([["lead-1", snapshot]]), store.get("lead-1"))
  const get = (store: SnapshotStore["Service"]) => store.get("lead-1")

  it("are there after a restart", async () => {
    const layer = sqlite.layer({ file: newFile() })
    await on(layer, put)
    expect(await on(layer, get)).toEqual(snapshot)
  })

  it.each([
    ["garbage", (bytes: Buffer) => bytes.fill("x")],
    ["half a file", (bytes: Buffer) => bytes.subarray(0, 5000)],
    ["nothing", () => Buffer.alloc(0)],
    ["damaged inside", (bytes: Buffer) => bytes.fill(0xa5, 4096)],
  ])("after %s the cache is empty and works", async (_, damage) => {
    const file = newFile()
    const layer = sqlite.layer({ file })
    await on(layer, put)
    writeFileSync(file, damage(readFileSync(file)))
    expect(await on(layer, get)).toBeUndefined()
    expect(await on(layer, put)).toEqual(snapshot)
    expect(await on(layer, get)).toEqual(snapshot)
  })

  it("without a place to write there is just no cache", async () => {
    const file = newFile()
    writeFileSync(file, "in the way")
    expect(await on(sqlite.layer({ file: join(file, "cache.db") }), put)).toBeUndefined()
  })
})
