/** Every ReadStore against the one contract, and what only a file can suffer. */
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as memory from "../../adapters/read-store-memory.ts"
import * as sqlite from "../../adapters/read-store-sqlite.ts"
import { ReadStore } from "../../projections/read-store.ts"
import { readStoreContract } from "../contract/read-store.ts"

const folder = mkdtempSync(join(tmpdir(), "aios-read-store-"))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const fresh = () => join(folder, `read-${files++}.db`)

readStoreContract("memory", () => memory.layer)
readStoreContract("SQLite", () => sqlite.layer(fresh()))

describe("a file of read models", () => {
  const use = <A>(file: string, body: (store: ReadStore["Service"]) => A) =>
    ReadStore.pipe(Effect.map(body), Effect.provide(sqlite.layer(file)))
  const checkpoint = { position: 1, id: "one", events: 2 }
  const filled = Array.from({ length: 500 }, (_, n) => [`key ${n}`, { n }] as const)

  it.effect("keeps its rows when it is opened again", () =>
    Effect.gen(function* () {
      const file = fresh()
      yield* use(file, (store) => store.commit("t@1", checkpoint, [["a", 1]]))
      expect(yield* use(file, (store) => [store.get("t@1", "a"), store.checkpoint("t@1")]))
        .toEqual([1, checkpoint])
    }))

  const damages: ReadonlyArray<readonly [string, (file: string) => void]> = [
    ["overwritten", (file) => writeFileSync(file, "no database at all ".repeat(1000))],
    ["cut to a part of its header", (file) => truncateSync(file, 50)],
    ["of another layout", (file) => {
      const db = new DatabaseSync(file)
      db.exec("PRAGMA user_version=99")
      db.close()
    }],
  ]
  for (const [what, damage] of damages) {
    it.effect(`is made anew when it was ${what}`, () =>
      Effect.gen(function* () {
        const file = fresh()
        yield* use(file, (store) => store.commit("t@1", checkpoint, filled))
        damage(file)
        expect(yield* use(file, (store) => store.checkpoint("t@1"))).toBeUndefined()
        yield* use(file, (store) => store.commit("t@1", checkpoint, filled))
        expect(yield* use(file, (store) => store.scan("t@1").length)).toBe(filled.length)
      }))
  }

  it.effect("that proves damaged in use says so, and the next start makes it anew", () =>
    Effect.gen(function* () {
      const file = fresh()
      yield* use(file, (store) => store.commit("t@1", checkpoint, filled))
      // Everything but the pages read at the start is rubbish.
      const handle = openSync(file, "r+")
      const size = fstatSync(handle).size
      const from = 4096 * 3
      writeSync(handle, Buffer.alloc(size - from, 7), 0, size - from, from)
      closeSync(handle)
      const message = yield* use(file, (store) => {
        try {
          return `read ${store.scan("t@1").length} rows`
        } catch (problem) {
          return `${problem instanceof Error ? problem.message : problem}`
        }
      })
      expect(message).toContain("made anew")
      expect(yield* use(file, (store) => store.scan("t@1").length)).toBe(0)
      expect(readdirSync(folder).filter((name) => name.endsWith(".damaged"))).toEqual([])
    }))

  it.effect("in a folder that is not there is refused with what to do", () =>
    Effect.gen(function* () {
      const problem = yield* Effect.flip(use(join(folder, "none", "read.db"), () => 0))
      expect(problem.message).toContain("Check that its folder exists")
    }))
})
