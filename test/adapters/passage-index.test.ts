/** Every PassageIndex against the one contract, and what only a file can suffer. */
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as memory from "../../adapters/passage-index-memory.ts"
import * as sqlite from "../../adapters/passage-index-sqlite.ts"
import { PassageIndex } from "../../projections/passage-index.ts"
import { passage, passageIndexContract } from "../contract/passage-index.ts"

const folder = mkdtempSync(join(tmpdir(), "aios-passages-"))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const fresh = () => join(folder, `memory-${files++}.db`)

passageIndexContract("memory", () => memory.layer)
passageIndexContract("SQLite", () => sqlite.layer(fresh()))

describe("a file of passages", () => {
  const use = <A>(file: string, body: (index: PassageIndex["Service"]) => A) =>
    PassageIndex.pipe(Effect.map(body), Effect.provide(sqlite.layer(file)))
  const fill = (index: PassageIndex["Service"]) =>
    index.apply({
      put: Array.from({ length: 400 }, (_, n) =>
        passage(`i${n}`, `common text number${n} `.repeat(9))),
      drop: [],
      checkpoint: { position: 9, id: "nine" },
    })

  it.effect("keeps what is in it, for its owner's eyes only", () =>
    Effect.gen(function* () {
      const file = fresh()
      yield* use(file, fill)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(yield* use(file, (index) => [index.count(), index.checkpoint()]))
        .toEqual([400, { position: 9, id: "nine" }])
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
        yield* use(file, fill)
        damage(file)
        expect(yield* use(file, (index) => [index.count(), index.checkpoint()]))
          .toEqual([0, undefined])
      }))
  }

  it.effect("that proves damaged in use says so, and is empty and usable at once", () =>
    Effect.gen(function* () {
      const file = fresh()
      yield* use(file, fill)
      // Everything but the pages read at the start is rubbish.
      const handle = openSync(file, "r+")
      const size = fstatSync(handle).size
      const from = 4096 * 12
      writeSync(handle, new Uint8Array(size - from).fill(7), 0, size - from, from)
      closeSync(handle)
      yield* use(file, (index) => {
        expect(() => index.passagesOf(["i1", "i399", "i200"])).toThrow("made anew")
        expect(index.checkpoint()).toBeUndefined()
        fill(index)
        expect(index.search({ words: "number399", limit: 1 })).toHaveLength(1)
      })
    }))

  it.effect("in a folder that is not there is refused with what to do", () =>
    Effect.gen(function* () {
      const problem = yield* Effect.flip(use(join(folder, "none", "memory.db"), () => 0))
      expect(problem.message).toContain("made anew")
    }))
})
