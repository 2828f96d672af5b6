/** The model server of the tests, against the one contract; the real one is in `test/models/`. */
import { Effect, Fiber, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { Inference, InferenceFailed, type InferenceRequest } from "../../actors/inference.ts"
import { type Script, scripted } from "../../adapters/inference-scripted.ts"
import { inferenceContract } from "../contract/inference.ts"

const script: Script = ({ messages, format }) => {
  if (format !== undefined) return JSON.stringify({ warm: true, degrees: "mild" })
  if (messages[0]!.content !== "Go on") return "The sea is wide, and it is cold in the morning."
  return { text: "and on ".repeat(10_000), pieceMillis: 5 }
}

inferenceContract("scripted", {
  layer: scripted(script, { models: ["small", "vectors"] }).layer,
  chatModel: "small",
  embeddingModel: "vectors",
  endless: "Go on",
})

const request: InferenceRequest = {
  model: "any",
  messages: [{ role: "user", content: "Go on" }],
  tokensMax: 1000,
  temperature: 0,
  seed: 1,
  contextTokens: 1024,
}

describe("a scripted model server", () => {
  it("counts what was given up, and what was not", async () => {
    const server = scripted(script)
    await Effect.runPromise(
      Effect.gen(function* () {
        const { chat } = yield* Inference
        yield* Stream.runDrain(chat({ ...request, tokensMax: 3 }))
        const fiber = yield* Effect.forkChild(Stream.runDrain(chat(request)))
        yield* Effect.sleep(30)
        yield* Fiber.interrupt(fiber)
        yield* chat(request).pipe(Stream.take(1), Stream.runDrain)
      }).pipe(Effect.provide(server.layer)),
    )
    expect(server.ended()).toEqual({ finished: 1, interrupted: 2 })
    expect(server.requests.length).toBe(3)
  })
  it("fails as written, also in the middle, and when it is stopped", async () => {
    const failure = new InferenceFailed({
      reason: "failed",
      message: "out of memory",
      retryable: true,
    })
    const server = scripted((_, call) =>
      call === 0 ? failure : { text: "x".repeat(100), breaksAfter: [2, failure] }
    )
    await Effect.runPromise(
      Effect.gen(function* () {
        const { chat, models } = yield* Inference
        expect(yield* Effect.flip(Stream.runDrain(chat(request)))).toBe(failure)
        let pieces = 0
        const count = Stream.runForEach(chat(request), () => Effect.sync(() => pieces++))
        expect(yield* Effect.flip(count)).toBe(failure)
        expect(pieces).toBe(2)
        server.answers(false)
        expect((yield* Effect.flip(models)).reason).toBe("absent")
      }).pipe(Effect.provide(server.layer)),
    )
    expect(server.ended()).toEqual({ finished: 0, interrupted: 0 })
  })
})
