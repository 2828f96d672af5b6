/**
 * How each service is tried while nothing else may call it: the smallest question that shows that it can do
 * its work. What is switched off is not tried.
 */
import { Effect, Layer, Stream } from "effect"
import { Circuits, type ProbeFailure } from "../actors/circuits.ts"
import { Embedder } from "../actors/embedder.ts"
import { Inference } from "../actors/inference.ts"
import { generates } from "../actors/model-routes.ts"
import type { Trouble } from "../machines/integration-events.ts"
import { MemoryStore } from "./memory-store.ts"

/** What every port calls its failures. `garbage`: whoever sees that it is none. */
const troubles: { readonly [reason: string]: Trouble } = {
  absent: "absent",
  noModel: "noModel",
  timedOut: "slow",
  failed: "failed",
}
export const troubleOf = ({ reason }: { readonly reason: string }): Trouble | undefined =>
  troubles[reason]

const asProbe = <A, R>(
  effect: Effect.Effect<A, { readonly reason: string; readonly message: string }, R>,
): Effect.Effect<A, ProbeFailure, R> =>
  Effect.mapError(effect, (failure) => {
    const trouble = troubleOf(failure)
    return { message: failure.message, ...(trouble === undefined ? {} : { trouble }) }
  })

/** A word or two. */
const wordTokensMax = 2
/** As the desk asks: with another size the server would load the model anew, after what it is at. */
const contextTokens = 4_096

const noModel: ProbeFailure = {
  message: "no model that could answer is installed",
  trouble: "noModel",
}

/** It says a word or two: whoever can do that can answer. In a given shape a small model may pad for long. */
const answer = (inference: Inference["Service"]) =>
  Effect.gen(function* () {
    const installed = (yield* asProbe(inference.models)).filter(generates)
      .toSorted((one, other) => one.bytes - other.bytes)
    const [smallest] = installed
    if (smallest === undefined) return yield* Effect.fail(noModel)
    const pieces = yield* asProbe(Stream.runCollect(inference.chat({
      model: smallest.name,
      messages: [{ role: "user", content: "Answer yes." }],
      tokensMax: wordTokensMax,
      temperature: 0,
      seed: 1,
      contextTokens,
    })))
    if (!pieces.some((piece) => "done" in piece && piece.tokensOut > 0)) {
      return yield* Effect.fail<ProbeFailure>({ message: "it says nothing", trouble: "garbage" })
    }
  })

/** The language model's server and the embedder. */
export const models = Layer.effectDiscard(Effect.gen(function* () {
  const circuits = yield* Circuits
  const inference = yield* Inference
  const embedder = yield* Embedder
  if (inference.system !== "none") {
    yield* circuits.probe(
      "ollama",
      asProbe(inference.models).pipe(
        Effect.flatMap((installed) =>
          installed.some(generates) ? Effect.void : Effect.fail(noModel)
        ),
      ),
      answer(inference),
    )
  }
  if (embedder.model !== "none") {
    yield* circuits.probe("embedder", Effect.asVoid(asProbe(embedder.embed(["probe"]))))
  }
}))

/** Where the vectors are. */
export const memory = Layer.effectDiscard(Effect.gen(function* () {
  const circuits = yield* Circuits
  const store = yield* MemoryStore
  const { model } = yield* Embedder
  yield* circuits.probe("chroma", Effect.asVoid(asProbe(store.count(model))))
}))
