/**
 * What every model server behind the port promises: answers piece by piece that end once, shape and length
 * kept, failures that say what is missing, and a request given up is work given up.
 */
import { Effect, Fiber, type Layer, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { Inference, type InferencePiece, type InferenceRequest } from "../../actors/inference.ts"
import { dot } from "../../actors/vectors.ts"

/** How long a server may take to notice that nobody waits any more, and to serve the next: on a machine
 * that is busy. The work given up would take it minutes. */
const noticedMillisMax = 15_000

export interface InferenceSuite {
  readonly layer: Layer.Layer<Inference>
  readonly chatModel: string
  readonly embeddingModel: string
  /** Of the scripted one: answers so long and so slowly that it must be given up. */
  readonly endless: string
}

const ask = (model: string, content: string, more: Partial<InferenceRequest> = {}) =>
  ({
    model,
    messages: [{ role: "user", content }],
    tokensMax: 48,
    temperature: 0,
    seed: 1,
    // The same for all: a server loads the model anew for another.
    contextTokens: 4_096,
    ...more,
  }) satisfies InferenceRequest

const textOf = (pieces: ReadonlyArray<InferencePiece>) =>
  pieces.map((piece) => "text" in piece ? piece.text : "").join("")
const endOf = (pieces: ReadonlyArray<InferencePiece>) => {
  const ends = pieces.flatMap((piece) => "done" in piece ? [piece] : [])
  expect(ends.length).toBe(1)
  expect(pieces.at(-1)).toBe(ends[0])
  return ends[0]!
}

export const inferenceContract = (name: string, suite: InferenceSuite) => {
  const on = <A>(test: (inference: Inference["Service"]) => Effect.Effect<A, unknown>) => () =>
    Effect.runPromise(Effect.provide(Effect.flatMap(Inference, test), suite.layer))
  const { chatModel, embeddingModel } = suite

  describe(name, () => {
    it(
      "answers in pieces that end once, with tokens counted",
      on((inference) =>
        Effect.gen(function* () {
          const request = ask(chatModel, "Write three sentences about the sea.")
          const pieces = yield* Stream.runCollect(inference.chat(request))
          const end = endOf(pieces)
          expect(pieces.length).toBeGreaterThan(2)
          expect(textOf(pieces).trim()).not.toBe("")
          expect(end.tokensIn).toBeGreaterThan(3)
          expect(end.tokensOut).toBeGreaterThan(3)
          expect(end.tokensOut).toBeLessThanOrEqual(48)
          expect(end.millis).toBeGreaterThanOrEqual(0)
        })
      ),
    )
    it(
      "the same seed gives the same answer",
      on((inference) =>
        Effect.gen(function* () {
          const request = ask(chatModel, "Name a city.", {
            tokensMax: 16,
            temperature: 0.9,
            seed: 7,
          })
          const once = textOf(yield* Stream.runCollect(inference.chat(request)))
          const again = textOf(yield* Stream.runCollect(inference.chat(request)))
          expect(again).toBe(once)
        })
      ),
    )
    it(
      "says when it was cut off",
      on((inference) =>
        Effect.gen(function* () {
          const request = ask(chatModel, suite.endless, { tokensMax: 5 })
          const end = endOf(yield* Stream.runCollect(inference.chat(request)))
          expect(end.because).toBe("length")
          expect(end.tokensOut).toBeLessThanOrEqual(5)
        })
      ),
    )
    it(
      "keeps to the shape",
      on((inference) =>
        Effect.gen(function* () {
          const request = ask(chatModel, "How warm is it? Answer in JSON.", {
            tokensMax: 64,
            format: {
              type: "object",
              properties: { warm: { type: "boolean" }, degrees: { enum: ["cold", "mild", "hot"] } },
              required: ["warm", "degrees"],
            },
          })
          const pieces = yield* Stream.runCollect(inference.chat(request))
          const answer = JSON.parse(textOf(pieces))
          expect(typeof answer.warm).toBe("boolean")
          expect(["cold", "mild", "hot"]).toContain(answer.degrees)
        })
      ),
    )
    it(
      "work that nobody waits for is given up at once: the next one is served",
      on((inference) =>
        Effect.gen(function* () {
          const short = ask(chatModel, "Name a colour.", { tokensMax: 4 })
          yield* Stream.runDrain(inference.chat(short))
          let pieces = 0
          const long = ask(chatModel, suite.endless, { tokensMax: 4_000 })
          const fiber = yield* Effect.forkChild(
            Stream.runForEach(inference.chat(long), () => Effect.sync(() => pieces++)),
          )
          while (pieces < 3) yield* Effect.sleep(20)
          const began = performance.now()
          yield* Fiber.interrupt(fiber)
          expect(performance.now() - began).toBeLessThan(500)
          const seen = pieces
          yield* Stream.runDrain(inference.chat(short))
          expect(performance.now() - began).toBeLessThan(noticedMillisMax)
          expect(pieces).toBe(seen)
        })
      ),
    )
    it(
      "who stops reading has given up too",
      on((inference) =>
        Effect.gen(function* () {
          const long = ask(chatModel, suite.endless, { tokensMax: 4_000 })
          const first = yield* inference.chat(long).pipe(Stream.take(2), Stream.runCollect)
          expect(first.length).toBe(2)
          const began = performance.now()
          yield* Stream.runDrain(inference.chat(ask(chatModel, "Name a fruit.", { tokensMax: 4 })))
          expect(performance.now() - began).toBeLessThan(noticedMillisMax)
        })
      ),
    )
    it(
      "an unknown model is named as such",
      on((inference) =>
        Effect.gen(function* () {
          const request = ask("no-such-model:1b", "Hello")
          const chat = yield* Effect.flip(Stream.runDrain(inference.chat(request)))
          expect(chat.reason).toBe("noModel")
          expect(chat.message).toContain("no-such-model:1b")
          const embed = yield* Effect.flip(inference.embed("no-such-model:1b", ["Hello"]))
          expect(embed.reason).toBe("noModel")
        })
      ),
    )
    it(
      "lists what it has",
      on((inference) =>
        Effect.gen(function* () {
          const models = yield* inference.models
          const chat = models.find(({ name }) => name === chatModel)
          expect(chat?.bytes).toBeGreaterThan(0)
          expect(chat?.digest).not.toBe("")
        })
      ),
    )
    it(
      "makes vectors, one per text, in order",
      on((inference) =>
        Effect.gen(function* () {
          const texts = ["The weather is nice.", "Invoice 1042", "The weather is nice."]
          const [one, other, same] = yield* inference.embed(embeddingModel, texts)
          expect(dot(one!, same!)).toBeGreaterThan(0.999)
          expect(dot(one!, other!)).toBeLessThan(0.9)
          expect(yield* inference.embed(embeddingModel, [])).toEqual([])
        })
      ),
    )
  })
}
