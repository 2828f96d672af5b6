/**
 * Spans around calls of models, as OpenTelemetry's conventions for generative AI name their attributes
 * (`gen_ai.*`), with what they cost (`aios.cost.*`). No text goes into a span: prompts and answers are
 * personal, and lie sealed in their transcripts. Effect's own helper (`effect/ai` Telemetry) writes the same names,
 * but brings all of that unstable package with it, so the few names are written here.
 */
import { Effect } from "effect"
import type { InferenceRequest } from "./inference.ts"
import type { Payer } from "./usage.ts"

type Attributes = { readonly [name: string]: string | number | boolean | ReadonlyArray<string> }

/** One call of a model, from the request to its last token. */
export const chatSpan = (
  system: string,
  request: InferenceRequest,
  payer: Payer,
  more: { readonly template: string; readonly prompt: string },
) =>
<A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.withSpan(call, `chat ${request.model}`, {
    kind: "client",
    attributes: {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": system,
      "gen_ai.request.model": request.model,
      "gen_ai.request.max_tokens": request.tokensMax,
      "gen_ai.request.temperature": request.temperature,
      "gen_ai.request.seed": request.seed,
      "gen_ai.output.type": request.format === undefined ? "text" : "json",
      "aios.agent": payer.agent,
      "aios.activity": payer.activity,
      "aios.lane": payer.lane,
      "aios.ask": payer.ask,
      "aios.template": more.template,
      "aios.prompt": more.prompt,
    },
  })

export const noteAnswer = (answer: {
  readonly model: string
  readonly cutOff: boolean
  readonly tokensIn: number
  readonly tokensOut: number
  readonly millis: number
  readonly micros: number
}): Effect.Effect<void> =>
  annotate({
    "gen_ai.response.model": answer.model,
    "gen_ai.response.finish_reasons": [answer.cutOff ? "length" : "stop"],
    "gen_ai.usage.input_tokens": answer.tokensIn,
    "gen_ai.usage.output_tokens": answer.tokensOut,
    "aios.cost.tokens": answer.tokensIn + answer.tokensOut,
    "aios.cost.millis": answer.millis,
    "aios.cost.micros": answer.micros,
  })

export const noteFailure = (reason: string): Effect.Effect<void> =>
  annotate({ "error.type": reason })

const annotate = (attributes: Attributes): Effect.Effect<void> =>
  Effect.annotateCurrentSpan({ ...attributes })
