/**
 * A night over the sample company with the real small model: it goes through to its end, whatever the model
 * writes. What was accepted passes the recall test, what was refused says why.
 */
import process from "node:process"
import { Effect, Layer, Ref } from "effect"
import { expect, it } from "vitest"
import { Inference } from "../../actors/inference.ts"
import { sourcesOf } from "../../actors/summary-sources.ts"
import { factsIn, importantOf } from "../../actors/summary-facts.ts"
import { frameOf } from "../../actors/summary-extract.ts"
import { checked } from "../../actors/summary-test.ts"
import * as ollama from "../../adapters/inference-ollama.ts"
import { nightHouse } from "../actors/night.ts"
import { chatModel, realHost, withOllama } from "./real.ts"

/** Subjects of this night; the model takes some twenty seconds for each on two cores. */
const subjectsMax = Number(process.env["AIOS_NIGHT_SUBJECTS"] ?? "2")

withOllama("a night with the real small model", () => {
  it("goes through; what it accepts passes the test, what it refuses says why", () => {
    const calls = Ref.makeUnsafe(0)
    const counting = Layer.effect(
      Inference,
      Effect.map(Inference, (inner) =>
        Inference.of({
          ...inner,
          chat: (request) => {
            Effect.runSync(Ref.update(calls, (n) => n + 1))
            return inner.chat(request)
          },
        })),
    ).pipe(Layer.provide(ollama.layer({ host: realHost })))
    const { house, open } = nightHouse(counting, chatModel)
    return Effect.gen(function* () {
      const aios = yield* open
      yield* aios.memoryPolicy({ "summaries.perNightMax": subjectsMax }, true)
      const { night, summaries } = yield* aios.summarise(() => {})
      expect(night).toMatchObject({ skipped: 0, problem: "" })
      expect(summaries.accepted + summaries.refused).toBe(subjectsMax)
      expect(night?.tokens).toBeGreaterThan(0)
      const rows = yield* aios.summaries()
      for (const row of rows) {
        process.stderr.write(
          `\n${row.about} · ${row.state} · ${row.made} · ${
            JSON.stringify(row.questions)
          }\n${row.text}\n${row.refused.map((one) => `  - ${one}`).join("\n")}\n`,
        )
        if (row.state !== "accepted") {
          expect(row.refused.length).toBeGreaterThan(0)
          continue
        }
        const { timeZone, used } = yield* sourcesOf(row.events)
        const important = importantOf(factsIn(used, timeZone))
        const frame = row.made === "extract-1" ? frameOf({ of: "thread", key: "" }, used) : ""
        expect(checked(row.text, important, used, timeZone, frame).reasons).toEqual([])
      }
      expect(yield* Ref.get(calls)).toBeGreaterThanOrEqual(subjectsMax)
    }).pipe(Effect.provide(house), Effect.scoped, Effect.orDie, Effect.runPromise)
  }, 900_000)
})
