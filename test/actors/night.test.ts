/**
 * A night over the sample company: it goes through, everything it accepts passes the recall test, and what
 * was done once is not done again. The model server is scripted; all else is real.
 */
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { InferenceFailed } from "../../actors/inference.ts"
import { scripted } from "../../adapters/inference-scripted.ts"
import { memoryStream } from "../../machines/memory.ts"
import { nightHouse } from "./night.ts"

const isSummary = (prompt: string) => /summar/i.test(prompt)
/** Answers in the shape, and says nothing true. */
const babbling = scripted(({ messages }) =>
  isSummary(messages[0]?.content ?? "")
    ? JSON.stringify({ sentences: [{ text: "The weather in Lisbon is lovely.", from: [1] }] })
    : JSON.stringify({ answers: [] })
)
const gone = scripted(() =>
  new InferenceFailed({ reason: "absent", message: "There is no server", retryable: true })
)
gone.answers(false)

describe("a night over the sample company", () => {
  it("without a model is made by rules, once", () => {
    const { house, open } = nightHouse(gone.layer)
    return Effect.gen(function* () {
      const aios = yield* open
      const { night, summaries } = yield* aios.summarise(() => {})
      expect(night).toMatchObject({ left: 0, skipped: 0, problem: "" })
      expect(summaries.accepted).toBeGreaterThan(20)
      expect(summaries.refused).toBe(0)
      const rows = yield* aios.summaries()
      for (const { facts, made, text } of rows) {
        expect(made).toBe("extract-1")
        expect(facts.kept).toBe(facts.found)
        expect(text.length).toBeGreaterThan(40)
      }
      const texts = rows.map(({ text }) => text).join("\n\n")
      expect(texts).toContain("1,200 EUR for the two sponsorships in issues 48 and 49")
      // Spam, and a bill's new bank account from an address that imitates a known one.
      expect(texts).not.toContain("4,000,000 EUR")
      expect(texts).not.toContain("neues Konto")
      const before = (yield* aios.events({ stream: memoryStream, limit: 10_000 })).length
      yield* aios.summarise(() => {})
      const after = yield* aios.events({ stream: memoryStream, limit: 10_000 })
      expect(after.slice(before).filter(({ type }) => type === "ActivitySucceeded").length)
        .toBeLessThanOrEqual(2)
      expect((yield* aios.summaries()).length).toBe(rows.length)
    }).pipe(Effect.provide(house), Effect.scoped, Effect.orDie, Effect.runPromise)
  })

  it("with a model that babbles refuses what it wrote, says why, and asks it nothing twice", () => {
    const { house, open } = nightHouse(babbling.layer, "babbler")
    return Effect.gen(function* () {
      const aios = yield* open
      const { night, summaries } = yield* aios.summarise(() => {})
      expect(night).toMatchObject({ left: 0, skipped: 0 })
      expect(night?.tokens).toBeGreaterThan(0)
      expect(summaries.accepted).toBeGreaterThan(20)
      const rows = yield* aios.summaries("accepted")
      for (const { refused } of rows) expect(refused.join("\n")).toContain("the name Lisbon")
      const calls = babbling.requests.length
      expect(calls).toBeGreaterThan(20)
      yield* aios.summarise(() => {})
      expect(babbling.requests.length).toBe(calls)
    }).pipe(Effect.provide(house), Effect.scoped, Effect.orDie, Effect.runPromise)
  })
})
