/**
 * Words per second of work that nobody waits for: through `LanguageModel`, in lane `batch`, with fences, shape,
 * judgement, transcripts and metering. The limit is the same prompts at the same server by Ollama's own client,
 * one after the other. They take turns, and no prompt is asked twice, so that neither profits of the other's.
 */
import { Effect, Layer, Schema } from "effect"
import { Ollama } from "ollama"
import { closed } from "../actors/circuits.ts"
import type { Inference, InferenceRequest } from "../actors/inference.ts"
import { LanguageModel, type ModelRequest } from "../actors/language-model.ts"
import * as desk from "../actors/model-desk.ts"
import { empty } from "../actors/model-ledger.ts"
import { Payer } from "../actors/usage.ts"
import * as blobs from "../adapters/blob-store-memory.ts"
import * as log from "../adapters/event-log-memory.ts"
import * as ollama from "../adapters/inference-ollama.ts"
import { scripted } from "../adapters/inference-scripted.ts"
import * as vault from "../adapters/vault-memory.ts"
import { chatModel, modelServer, skipped } from "./real-models.ts"
import { rate, type Result } from "./result.ts"

/** Requests of one turn, and turns. */
const requests = 3
const turns = 2
/** Requests that stand in line together, as activities of the batch lane do. */
const inLine = 3
/** Words of each answer: the shape allows no fewer and no more, so all answers are alike. */
const words = 8

const Moods = Schema.Struct({
  moods: Schema.Array(Schema.Literals(["warm", "cold", "mild"])).check(
    Schema.isMinLength(words),
    Schema.isMaxLength(words),
  ),
})

const question = (n: number): ModelRequest<typeof Moods.Type> => ({
  template: { name: "moods", instructions: "Say how each of the mails sounds." },
  material: [{
    label: "mails of the customer",
    text: Array.from({ length: words }, (_, i) => `${i + 1}. We thought about offer ${n}-${i}.`)
      .join("\n"),
  }],
  shape: Moods,
  tokensMax: 80,
  subject: "founder",
})
const answer = JSON.stringify({ moods: Array.from({ length: words }, () => "mild") })

const house = (server: Layer.Layer<Inference>) =>
  desk.layer({ model: chatModel }).pipe(
    Layer.provide(server),
    Layer.provide(empty),
    Layer.provide(closed),
    Layer.provide(Layer.mergeAll(log.layer, blobs.layer).pipe(Layer.provideMerge(vault.layer))),
  )

export const batchLane = async (): Promise<ReadonlyArray<Result>> => {
  const found = await modelServer()
  if ("why" in found) return skipped("batch-lane", found.why)
  const { host } = found

  /** The prompts, as the desk puts them together. */
  const prompts = async (from: number): Promise<ReadonlyArray<InferenceRequest>> => {
    const server = scripted(() => answer, { models: [chatModel] })
    await Effect.runPromise(Effect.provide(asked(from, () => {}), house(server.layer)))
    return server.requests
  }
  const asked = (from: number, count: (tokens: number) => void) =>
    Effect.flatMap(LanguageModel, (model) =>
      Effect.forEach(
        Array.from({ length: requests }, (_, n) => question(from + n)),
        // What a small model answers may be of no use; it was made all the same.
        (one) => Effect.exit(model.complete(one)),
        { concurrency: inLine, discard: true },
      )).pipe(Effect.provideService(Payer, {
        agent: "analyst",
        activity: "bench",
        lane: "batch",
        ask: "analyst-1/1.0",
        note: ({ tokensOut }) => count(tokensOut),
      }))

  const bare = async ({ messages, format, ...request }: InferenceRequest) => {
    const pieces = await new Ollama({ host }).chat({
      model: request.model,
      messages: messages.map(({ role, content }) => ({ role, content })),
      stream: true,
      ...(format === undefined ? {} : { format }),
      options: {
        num_predict: request.tokensMax,
        num_ctx: request.contextTokens,
        temperature: request.temperature,
        seed: request.seed,
      },
    })
    let tokens = 0
    for await (const piece of pieces) if (piece.done) tokens = piece.eval_count
    return tokens
  }

  const [warm] = await prompts(-requests)
  await bare(warm!)
  const ours = { tokens: 0, millis: 0 }
  const limit = { tokens: 0, millis: 0 }
  const measured = Effect.gen(function* () {
    for (let turn = 0; turn < turns; turn++) {
      const from = turn * 2 * requests
      const others = yield* Effect.promise(() => prompts(from + requests))
      const started = performance.now()
      yield* asked(from, (tokens) => {
        ours.tokens += tokens
      })
      const between = performance.now()
      ours.millis += between - started
      for (const prompt of others) limit.tokens += yield* Effect.promise(() => bare(prompt))
      limit.millis += performance.now() - between
    }
  })
  await Effect.runPromise(Effect.provide(measured, house(ollama.layer({ host }))))
  const perSecond = ({ tokens, millis }: typeof ours) => tokens / millis * 1000
  return [rate(
    "batch-lane",
    "tokens/s",
    perSecond(ours),
    perSecond(limit),
    `the same prompts by the npm client, one after the other, ${chatModel}`,
  )]
}
