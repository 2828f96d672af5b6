/** What every PassageIndex does, whatever keeps the passages. `layer` gives an empty index each time. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import {
  type Passage,
  PassageIndex,
  type PassageIndexUnavailable,
} from "../../projections/passage-index.ts"
import { seeded } from "../seeded.ts"

const at = (position: number) => ({ position, id: `id-${position}` })
export const passage = (id: string, text: string, more: Partial<Passage> = {}): Passage => ({
  id,
  item: id.split("#")[0] ?? id,
  text,
  kind: "person",
  at: 1_000,
  position: 1,
  hash: `hash of ${text}`,
  ...more,
})

export const passageIndexContract = (
  name: string,
  layer: () => Layer.Layer<PassageIndex, PassageIndexUnavailable>,
) =>
  describe(name, () => {
    const test = (title: string, body: (index: PassageIndex["Service"]) => void) =>
      it.effect(title, () => PassageIndex.pipe(Effect.map(body), Effect.provide(layer())))
    const filled = (
      index: PassageIndex["Service"],
      ...texts: ReadonlyArray<readonly [string, string, Partial<Passage>?]>
    ) =>
      index.apply({
        put: texts.map(([id, text, more]) => passage(id, text, more)),
        drop: [],
        checkpoint: at(1),
      })
    const found = (index: PassageIndex["Service"], words: string) =>
      index.search({ words, limit: 10 }).map(({ id }) => id)

    test("is empty at first", (index) => {
      expect(index.checkpoint()).toBeUndefined()
      expect(index.count()).toBe(0)
      expect(found(index, "anything")).toEqual([])
      expect(index.get(["a"])).toEqual([])
      expect(index.note("a")).toBeUndefined()
    })

    test("what is put is found, best first, until it is dropped", (index) => {
      filled(
        index,
        ["a", "The price of a shop is 9,000 EUR"],
        ["b", "A shop window with flowers"],
        ["b#2", "The flowers cost a price: price on request"],
        ["c", "Nothing of the kind"],
      )
      expect(index.checkpoint()).toEqual(at(1))
      expect(found(index, "price")).toEqual(["b#2", "a"])
      expect(new Set(found(index, "shop flowers"))).toEqual(new Set(["a", "b", "b#2"]))
      expect(index.passagesOf(["b"]).map(({ id }) => id)).toEqual(["b", "b#2"])
      index.apply({ put: [passage("a", "Other words")], drop: ["b"], checkpoint: at(2) })
      expect(found(index, "price flowers shop")).toEqual([])
      expect(found(index, "other words")).toEqual(["a"])
      expect(index.count()).toBe(2)
      expect(index.checkpoint()).toEqual(at(2))
      expect(index.get(["a"])).toEqual([passage("a", "Other words")])
    })

    test("umlauts, accents, cases and endings do not count", (index) => {
      filled(
        index,
        ["a", "Grüße von Jürgen Müller aus der Straße"],
        ["b", "Unsere Rechnungen für die Öffnungszeiten"],
        ["c", "Their pricing, and many prices"],
      )
      for (const word of ["gruesse", "GRÜSSE", "Mueller", "muller", "strasse", "Jurgen"]) {
        expect(found(index, `${word} x`), word).toEqual(["a"])
      }
      for (const word of ["Rechnung", "Öffnungszeit"]) {
        expect(found(index, `${word} x`), word).toEqual(["b"])
      }
      expect(found(index, "price")).toEqual(["c"])
    })

    test("the last word may be the beginning of one; words that say nothing do not count", (index) => {
      filled(index, ["a", "a museum for ferries"], ["b", "the what and the where of it"])
      expect(found(index, "muse")).toEqual(["a"])
      expect(found(index, "muse ferry")).toEqual(["a"])
      expect(found(index, "what is the")).toEqual([])
      expect(found(index, "was ist mit der Fähre")).toEqual([])
    })

    test("no question is a mistake of syntax", (index) => {
      filled(index, ["a", 'she said "yes" (twice) AND left'])
      const random = seeded()
      const awkward = [
        '"',
        "'",
        "*",
        "(",
        "NEAR(",
        "a AND",
        "OR",
        "-x",
        "^y",
        "text:z",
        "\0",
        "%",
        "",
      ]
      for (const one of [...awkward, ...Array.from({ length: 100 }, () => random.text())]) {
        expect(() => index.search({ words: one, limit: 3 })).not.toThrow()
        expect(() => index.search({ words: `said ${one} twice`, limit: 3 })).not.toThrow()
      }
      expect(found(index, '"yes" AND (')).toEqual(["a"])
    })

    test("of one person, and only up to a position", (index) => {
      filled(
        index,
        ["a", "a website", { person: "p", position: 5 }],
        ["b", "a website", { person: "q", position: 6 }],
        ["c", "a website", { position: 7 }],
      )
      const ids = (more: { person?: string; positionMax?: number }) =>
        index.search({ words: "website", limit: 9, ...more }).map(({ id }) => id).sort()
      expect(ids({ person: "p" })).toEqual(["a"])
      expect(ids({ positionMax: 6 })).toEqual(["a", "b"])
      expect(ids({ person: "q", positionMax: 5 })).toEqual([])
      expect(index.search({ words: "website", limit: 2 })).toHaveLength(2)
    })

    test("keeps vectors by model and hash, also when it is cleared", (index) => {
      const vectors = new Map([["h1", new Float32Array([0.5, -1])], [
        "h2",
        new Float32Array([1, 0]),
      ]])
      index.keepVectors("m", vectors)
      filled(index, ["a", "text"])
      index.setNote("answer", "42")
      expect(index.note("answer")).toBe("42")
      expect(index.vectors("m", ["h1", "h2", "h3"])).toEqual(vectors)
      expect(index.vectors("other", ["h1"]).size).toBe(0)
      index.clear()
      expect([index.count(), index.checkpoint(), index.note("answer")]).toEqual([
        0,
        undefined,
        undefined,
      ])
      expect(found(index, "text")).toEqual([])
      expect(index.vectors("m", ["h1"]).get("h1")).toEqual(new Float32Array([0.5, -1]))
    })

    test("takes many at once", (index) => {
      const many = Array.from(
        { length: 1_500 },
        (_, n) => [`i${n}`, `word${n} common`] as const,
      )
      filled(index, ...many)
      expect(index.get(many.map(([id]) => id))).toHaveLength(1_500)
      expect(found(index, "word1499")).toEqual(["i1499"])
      index.setNote("a", "1")
      index.setNote("a", undefined)
      expect(index.note("a")).toBeUndefined()
    })
  })
