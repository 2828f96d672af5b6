/** What every publisher promises: an article is public once per key, under a name of its own, and can be taken back. */
import { Effect, type Layer } from "effect"
import { describe, expect, it } from "vitest"
import { Publisher } from "../../actors/publisher.ts"

export interface Shelf {
  readonly layer: Layer.Layer<Publisher>
  /** What is public now: text by name. */
  readonly seen: () => ReadonlyMap<string, string>
}

export const article = {
  topic: "newsletter-47",
  title: "Pricing, honestly",
  text: "One paragraph.\n\nAnother.\n",
  publishAt: Date.UTC(2026, 10, 26, 8),
}

export const publisherContract = (name: string, open: () => Shelf) => {
  const on = (
    test: (
      publisher: Publisher["Service"],
      seen: Shelf["seen"],
    ) => Effect.Effect<void, unknown>,
  ) =>
  () => {
    const { layer, seen } = open()
    return Effect.runPromise(
      Effect.provide(Effect.flatMap(Publisher, (publisher) => test(publisher, seen)), layer),
    )
  }

  describe(name, () => {
    it(
      "the same key is the same article, made public once",
      on((publisher, seen) =>
        Effect.gen(function* () {
          const first = yield* publisher.publish(article, "k")
          const before = [...seen()]
          expect(before).toHaveLength(1)
          expect(before[0]?.[1]).toContain("Another.")
          const again = yield* Effect.all(
            Array.from({ length: 8 }, () => publisher.publish({ ...article, text: "Other" }, "k")),
            { concurrency: "unbounded" },
          )
          for (const one of again) expect(one).toEqual(first)
          expect([...seen()]).toEqual(before)
        })
      ),
    )
    it(
      "articles of the same day and title have names of their own",
      on((publisher, seen) =>
        Effect.gen(function* () {
          yield* publisher.publish(article, "a")
          yield* publisher.publish(article, "b")
          yield* publisher.unpublish("a")
          yield* publisher.publish(article, "c")
          expect([...seen().keys()].toSorted()).toEqual([
            "2026-11-26-pricing-honestly-2.md",
            "2026-11-26-pricing-honestly-3.md",
          ])
        })
      ),
    )
    it(
      "taken back twice is success, and a late repeat does not bring it back",
      on((publisher, seen) =>
        Effect.gen(function* () {
          const { where } = yield* publisher.publish(article, "k")
          expect(yield* publisher.unpublish("k")).toEqual({ where })
          expect(yield* publisher.unpublish("k")).toEqual({ where })
          expect(yield* publisher.publish(article, "k")).toEqual({ where })
          expect(seen().size).toBe(0)
        })
      ),
    )
    it(
      "what was never public cannot be taken back",
      on((publisher) =>
        Effect.gen(function* () {
          const failure = yield* Effect.flip(publisher.unpublish("unknown"))
          expect(failure).toMatchObject({ _tag: "PublisherUnavailable", retryable: false })
        })
      ),
    )
    it.each([
      ["../../etc/passwd", "2026-11-26-etc-passwd.md"],
      ["Größe & Maß: äöü!", "2026-11-26-grosse-mass-aou.md"],
      ["", "2026-11-26-newsletter-47.md"],
      ["こんにちは", "2026-11-26-untitled.md"],
      ["a\0b\nc", "2026-11-26-a-b-c.md"],
      ["x".repeat(500), `2026-11-26-${"x".repeat(60)}.md`],
      ["CON", "2026-11-26-con.md"],
    ])(
      "the title %j is the name %j",
      (title, expected) =>
        on((publisher, seen) =>
          Effect.gen(function* () {
            yield* publisher.publish({ ...article, title }, "k")
            expect([...seen().keys()]).toEqual([expected])
          })
        )(),
    )
  })
}
