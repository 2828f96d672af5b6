/**
 * A night over the sample company: it goes through, everything it accepts passes the recall test, and what
 * was done once is not done again. The model server is scripted; all else is real.
 */
import { Effect, Layer, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { Circuits } from "../../actors/circuits.ts"
import { Inference, InferenceFailed } from "../../actors/inference.ts"
import { scripted, type ScriptedInference } from "../../adapters/inference-scripted.ts"
import { memoryStream } from "../../machines/memory.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import type { Aios } from "../../projections/aios.ts"
import { inMemory } from "./house.ts"
import { nightHouse } from "./night.ts"

/** In the shape that is asked for, and nothing true: it is refused, and no examiner is asked. */
const babble = JSON.stringify({
  sentences: [{ text: "The weather in Lisbon is lovely.", from: [1] }],
})
const babbling = scripted(() => babble)
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
      for (
        const said of [
          "melden uns Anfang Dezember",
          "to Jonas from Hafenwerk.” “He is looking for somebody.”",
          "“I will call you.”",
          "Wednesday at 14:00 is fine",
          "I have passed it on to our accounts department",
          "two free sponsor places.” “Would Langhaus like one?”",
        ]
      ) expect(texts).toContain(said)
      expect(rows.map(({ about }) => about).join()).not.toContain("forgotten")
      // An invoice that was recorded twice is told as it stands now.
      expect(texts).toContain("Invoice 1041 to Papierhaus Winter: 600 EUR, paid.")
      expect(texts).not.toContain("Invoice 1041 to Papierhaus Winter: 600 EUR, open")
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

  it("asked for in an outage that the log knows of is made by rules, and nothing is skipped", () => {
    const failure = new InferenceFailed({
      ...{ reason: "failed", message: "Its supervisor is gone", retryable: true },
    })
    const failing = Layer.succeed(
      Inference,
      Inference.of({
        system: "ollama",
        chat: () => Stream.fail(failure),
        embed: () => Effect.fail(failure),
        models: Effect.fail(failure),
        pull: () => Effect.fail(failure),
      }),
    )
    const { house, open } = nightHouse(failing)
    return Effect.gen(function* () {
      const system = yield* ActorSystem
      const circuits = yield* Circuits
      const aios = yield* open
      yield* circuits.probe("ollama", Effect.fail({ message: "gone", trouble: "failed" }))
      yield* system.propose("integration-ollama", {
        ...{ type: "CircuitOpened", trouble: "failed", reason: "gone", failures: 1 },
      })
      yield* aios.settle(20_000)
      const { night, state, summaries } = yield* aios.summarise(() => {})
      expect(state).toMatchObject({ night: "idle", services: "degraded" })
      expect(night).toMatchObject({ left: 0, skipped: 0, refused: 0, problem: "" })
      expect(summaries.accepted).toBeGreaterThan(20)
      for (const { made } of yield* aios.summaries()) expect(made).toBe("extract-1")
    }).pipe(Effect.provide(house), Effect.scoped, Effect.orDie, Effect.runPromise)
  })

  it("that is interrupted goes on where it was: nothing is lost, and nothing made twice", async () => {
    const storage = inMemory()
    const opening = <A>(
      server: ScriptedInference,
      use: (aios: Aios["Service"]) => Effect.Effect<A, unknown, ActorSystem>,
    ) => {
      const { house, open } = nightHouse(server.layer, "babbler", storage)
      return Effect.flatMap(open, use).pipe(
        Effect.provide(house),
        Effect.scoped,
        Effect.orDie,
        Effect.runPromise,
      )
    }
    // The sixth question is never answered: there the night is when it is interrupted.
    const stuck = scripted((_, call) => ({ text: babble, delayMillis: call < 5 ? 0 : 3_600_000 }))
    await opening(stuck, () =>
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.propose(memoryStream, { type: "SummariesRequested", by: "operator" } as never)
        while (stuck.requests.length < 6) yield* Effect.sleep(10)
      }))
    const quick = scripted(() => babble)
    const { ended, keys, night } = await opening(quick, (aios) =>
      Effect.gen(function* () {
        let { night } = yield* aios.memory
        for (let n = 0; n < 500 && night?.endedAt === undefined; n++) {
          yield* Effect.sleep(20)
          night = (yield* aios.memory).night
        }
        const rows = yield* aios.summaries()
        return { night, ended: rows.length, keys: rows.map(({ about, of }) => `${of} ${about}`) }
      }))
    expect(night).toMatchObject({ left: 0, skipped: 0, problem: "" })
    // What was done before the interruption is not asked for again.
    const asked = ({ requests }: ScriptedInference) =>
      requests.map(({ messages }) => JSON.stringify(messages))
    expect(asked(quick)).not.toContain(asked(stuck)[0])
    expect(quick.requests.length).toBeGreaterThan(ended)
    expect(new Set(keys).size).toBe(keys.length)
    expect(ended).toBe((night?.accepted ?? 0) + (night?.refused ?? 0))
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
      // What is shorter than a summary would be is not summarised by a model; nor does this one examine.
      const told = rows.filter(({ refused }) => refused.join().includes("babbler "))
      expect(told.length).toBeGreaterThan(5)
      for (const { refused } of told) expect(refused.join("\n")).toContain("the name Lisbon")
      const calls = babbling.requests.length
      expect(calls).toBeGreaterThan(20)
      yield* aios.summarise(() => {})
      expect(babbling.requests.length).toBe(calls)
    }).pipe(Effect.provide(house), Effect.scoped, Effect.orDie, Effect.runPromise)
  })
})
