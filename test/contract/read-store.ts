/** What every ReadStore does, whatever keeps the rows. `layer` gives an empty store each time. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import type { Json } from "../../machines/agent.ts"
import { ReadStore, type ReadStoreUnavailable } from "../../projections/read-store.ts"
import { compareKeys, inRange } from "../../projections/rows.ts"
import { seeded } from "../seeded.ts"

const at = (position: number) => ({ position, id: `id-${position}`, events: position + 1 })
/** Keys where the order of code points differs from that of code units, and keys SQL might trip over. */
const awkward = ["", "a", "a%", "a_", "a'b", 'a"b', "ä", "z", "\u{ff5e}", "\u{1f600}"]

export const readStoreContract = (
  name: string,
  layer: () => Layer.Layer<ReadStore, ReadStoreUnavailable>,
) =>
  describe(name, () => {
    const test = (
      title: string,
      body: (store: ReadStore["Service"]) => void,
    ) => it.effect(title, () => ReadStore.pipe(Effect.map(body), Effect.provide(layer())))

    test("an unknown table is empty", (store) => {
      expect(store.get("none@1", "a")).toBeUndefined()
      expect(store.scan("none@1")).toEqual([])
      expect(store.checkpoint("none@1")).toBeUndefined()
      expect(store.tables()).toEqual([])
      store.drop("none@1")
    })

    test("rows and checkpoint are written together; undefined deletes", (store) => {
      store.commit("t@1", at(3), [["a", { n: 1 }], ["b", [1, "x", null]]])
      expect(store.checkpoint("t@1")).toEqual(at(3))
      store.commit("t@1", at(4), [["a", undefined], ["c", "text"], ["not there", undefined]])
      expect(store.checkpoint("t@1")).toEqual(at(4))
      expect(store.get("t@1", "a")).toBeUndefined()
      expect(store.scan("t@1")).toEqual([["b", [1, "x", null]], ["c", "text"]])
    })

    test("a commit that fails half-way changes nothing", (store) => {
      store.commit("t@1", at(1), [["a", 1]])
      const rows = function* (): Iterable<readonly [string, Json]> {
        yield ["a", 2]
        throw new Error("half-way")
      }
      expect(() => store.commit("t@1", at(2), rows())).toThrow()
      expect(store.get("t@1", "a")).toBe(1)
      expect(store.checkpoint("t@1")).toEqual(at(1))
      store.commit("t@1", at(3), [["a", 3]])
      expect(store.get("t@1", "a")).toBe(3)
    })

    test("scans any range in order of code points, both ways", (store) => {
      const random = seeded()
      const keys = [...awkward, ...Array.from({ length: 60 }, () => random.text())]
      const sorted = [...new Set(keys)].sort(compareKeys)
      store.commit("t@1", at(0), sorted.map((key) => [key, key.length]))
      for (let n = 0; n < 300; n++) {
        const options = {
          ...(random.chance() ? { prefix: [...random.pick(sorted)].slice(0, 1).join("") } : {}),
          ...(random.chance() ? { after: random.pick(sorted) } : {}),
          ...(random.chance() ? { before: random.pick(sorted) } : {}),
          ...(random.chance() ? { limit: random.below(5) } : {}),
          backwards: random.chance(),
        }
        const wanted = sorted.filter((key) => inRange(key, options))
        if (options.backwards) wanted.reverse()
        expect(store.scan("t@1", options).map(([key]) => key), JSON.stringify(options))
          .toEqual(wanted.slice(0, options.limit))
      }
    })

    test("swap puts one table in the place of another", (store) => {
      store.commit("t@1", at(5), [["old", 1]])
      store.commit("t@1~next", at(7), [["new", 2]])
      store.swap("t@1~next", "t@1")
      expect(store.scan("t@1")).toEqual([["new", 2]])
      expect(store.checkpoint("t@1")).toEqual(at(7))
      expect(store.tables()).toEqual(["t@1"])
      expect(store.checkpoint("t@1~next")).toBeUndefined()
      store.commit("t@1", at(8), [["more", 3]])
      store.commit("t@1~next", at(1), [])
      expect(store.scan("t@1~next")).toEqual([])
      expect(() => store.swap("not there", "t@1")).toThrow()
      expect(store.scan("t@1")).toEqual([["more", 3], ["new", 2]])
      store.drop("t@1")
      expect(store.scan("t@1")).toEqual([])
      expect(store.checkpoint("t@1")).toBeUndefined()
    })

    test("the checksum tells content, not history", (store) => {
      store.commit("a@1", at(1), [["x", { one: 1, two: 2 }], ["y", 1], ["gone", 1]])
      store.commit("a@1", at(2), [["gone", undefined]])
      store.commit("b@1", at(9), [["y", 1]])
      store.commit("b@1", at(10), [["x", { two: 2, one: 1 }]])
      expect(store.checksum("a@1")).toMatch(/^[0-9a-f]{16}$/)
      expect(store.checksum("b@1")).toBe(store.checksum("a@1"))
      store.commit("b@1", at(11), [["y", 2]])
      expect(store.checksum("b@1")).not.toBe(store.checksum("a@1"))
      // The border between key and row counts.
      store.commit("c@1", at(1), [["k1", 2]])
      store.commit("d@1", at(1), [["k", 12]])
      expect(store.checksum("c@1")).not.toBe(store.checksum("d@1"))
      expect(store.checksum("none@1")).toBe(store.checksum("nothing@1"))
    })

    test("what was given out is not what is kept", (store) => {
      const row = { list: [1] }
      store.commit("t@1", at(0), [["a", row]])
      row.list.push(2)
      expect(store.get("t@1", "a")).toEqual({ list: [1] })
    })
  })
