/**
 * `ModelLedger` over the read models of this process. Where they cannot be read nothing was answered and
 * nothing spent: a model is asked once more than need be, and nobody stands still for it.
 */
import { Effect, Layer } from "effect"
import { type Answered, ModelLedger } from "../actors/model-ledger.ts"
import { costEntryOf, costs, costsFrom } from "./costs.ts"
import { numberOf, objectOf, textOf } from "./fields.ts"
import { tableOf } from "./fold.ts"
import { inferences } from "./inferences.ts"
import { ReadStore } from "./read-store.ts"
import { Projections } from "./runner.ts"

const make = Effect.gen(function* () {
  const store = yield* ReadStore
  const projections = yield* Projections

  const answered = (prompt: string): Answered | undefined => {
    const row = store.get(tableOf(inferences), prompt)
    if (row === undefined) return undefined
    const { at, model, tokensIn, tokensOut, transcript, useful } = objectOf(row)
    const { bytes, sha256, subject } = objectOf(transcript)
    return {
      model: textOf(model),
      tokensIn: numberOf(tokensIn),
      tokensOut: numberOf(tokensOut),
      transcript: { sha256: textOf(sha256), subject: textOf(subject), bytes: numberOf(bytes) },
      useful: useful === true,
      at: numberOf(at),
    }
  }
  const spent = (agent: string, since: number) => {
    const sum = { tokens: 0, millis: 0, micros: 0 }
    for (
      const [, row] of store.scan(tableOf(costs), { prefix: "cost:", after: costsFrom(since) })
    ) {
      const one = costEntryOf(row)
      if (one.agent !== agent) continue
      sum.tokens += one.tokensIn + one.tokensOut
      sum.millis += one.millis
      sum.micros += one.micros
    }
    return sum
  }
  const nothing = { tokens: 0, millis: 0, micros: 0 }

  return ModelLedger.of({
    answered: (prompt) =>
      Effect.orElseSucceed(
        Effect.try({ try: () => answered(prompt), catch: (cause) => cause }),
        () => undefined,
      ),
    // Asked once a day and agent: it may take the moment to read all there is.
    spent: (agent, since) =>
      projections.catchUp.pipe(
        Effect.andThen(Effect.try({ try: () => spent(agent, since), catch: (cause) => cause })),
        Effect.orElseSucceed(() => nothing),
      ),
  })
})

export const layer = Layer.effect(ModelLedger, make)
