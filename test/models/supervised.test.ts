/** Real embeddings as AIOS asks for them: by the supervisor of its helper processes. */
import process from "node:process"
import { Effect, Layer, Schedule } from "effect"
import { afterEach, expect, it } from "vitest"
import { Embedder } from "../../actors/embedder.ts"
import { dot } from "../../actors/vectors.ts"
import * as chosen from "../../adapters/embedder-chosen.ts"
import { Helpers } from "../../adapters/helpers.ts"
import { scripted } from "../../adapters/inference-scripted.ts"
import { endAll, superviseHere } from "../supervised.ts"
import { realFolder, withFiles } from "./real.ts"

const pause = Schedule.spaced("200 millis")

withFiles("the embedder under its supervisor", () => {
  afterEach(endAll)

  it("is started when first asked, and started again after it was killed", async () => {
    const one = await superviseHere({ modelsDir: realFolder })
    const layer = chosen.layer("local").pipe(
      Layer.provideMerge(one.layer),
      Layer.provide(scripted(() => "").layer),
    )
    await Effect.runPromise(
      Effect.gen(function* () {
        const embedder = yield* Embedder
        const helpers = yield* Helpers
        const state = Effect.map(
          helpers.states,
          (all) => all.find(({ name }) => name === "embedder")!,
        )
        expect((yield* state).state).toBe("off")
        const [first] = yield* embedder.embed(["Ada asked for the price."])
        const { pid, state: up } = yield* state
        expect(up).toBe("up")
        process.kill(pid!, "SIGKILL")
        const again = embedder.embed(["Ada asked for the price."]).pipe(
          Effect.retry({
            times: 100,
            while: ({ retryable }) => retryable,
            schedule: pause,
          }),
        )
        expect(dot((yield* again)[0]!, first!)).toBeGreaterThan(0.9999)
        expect((yield* state).pid).not.toBe(pid)
      }).pipe(Effect.provide(layer)),
    )
  })

  it("without the model's files says so, and how to get them", async () => {
    const one = await superviseHere({})
    const layer = chosen.layer("local").pipe(
      Layer.provide(one.layer),
      Layer.provide(scripted(() => "").layer),
    )
    const failure = await Effect.runPromise(
      Effect.flip(Effect.provide(Effect.flatMap(Embedder, ({ embed }) => embed(["Ada"])), layer)),
    )
    expect(failure.reason).toBe("noModel")
    expect(failure.message).toContain("aios models pull")
  })
})
