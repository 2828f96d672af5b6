/** Real models as AIOS asks for them: by the supervisor of its helper processes, which starts them. */
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import { Effect, Layer, Schedule, Stream } from "effect"
import { afterEach, expect, it } from "vitest"
import { Embedder } from "../../actors/embedder.ts"
import { Inference } from "../../actors/inference.ts"
import { dot } from "../../actors/vectors.ts"
import * as chosen from "../../adapters/embedder-chosen.ts"
import { Helpers } from "../../adapters/helpers.ts"
import * as lazy from "../../adapters/inference-lazy.ts"
import { scripted } from "../../adapters/inference-scripted.ts"
import { endAll, superviseHere } from "../supervised.ts"
import { chatModel, realFolder, withFiles, withModels } from "./real.ts"
import { freePort } from "../free-port.ts"

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

withModels("Ollama under its supervisor", () => {
  afterEach(endAll)
  const programs = join(dirname(realFolder), "bin")

  it("is started by the first question where no server answers, and by the next after it was killed", async () => {
    expect(existsSync(join(programs, "ollama")), `the program is in ${programs}`).toBe(true)
    const host = `http://127.0.0.1:${await freePort()}`
    const one = await superviseHere({
      ollamaHost: host,
      env: { PATH: `${programs}:${process.env["PATH"]}` },
    })
    const layer = lazy.layer(host).pipe(Layer.provideMerge(one.layer))
    await Effect.runPromise(
      Effect.gen(function* () {
        const { chat, models } = yield* Inference
        const helpers = yield* Helpers
        const state = Effect.map(
          helpers.states,
          (all) => all.find(({ name }) => name === "ollama")!,
        )
        expect((yield* state).state).toBe("off")
        const answer = chat({
          model: chatModel,
          messages: [{ role: "user", content: "Name a colour." }],
          tokensMax: 4,
          temperature: 0,
          seed: 1,
          contextTokens: 1_024,
        })
        expect((yield* Stream.runCollect(answer)).at(-1)).toMatchObject({ done: true })
        const { pid } = yield* state
        process.kill(pid!, "SIGKILL")
        const found = models.pipe(
          Effect.retry({ times: 100, while: ({ retryable }) => retryable, schedule: pause }),
        )
        expect((yield* found).map(({ name }) => name)).toContain(chatModel)
      }).pipe(Effect.provide(layer)),
    )
  })

  it("where none is installed, says where to get it", async () => {
    const host = `http://127.0.0.1:${await freePort()}`
    const one = await superviseHere({ ollamaHost: host, env: { PATH: "" } })
    const layer = lazy.layer(host).pipe(Layer.provide(one.layer))
    const failure = await Effect.runPromise(
      Effect.flip(Effect.provide(Effect.flatMap(Inference, ({ models }) => models), layer)),
    )
    expect(failure.reason).toBe("absent")
    expect(failure.message).toMatch(/https:\/\/ollama\.com.*aios models pull/)
  })
})
