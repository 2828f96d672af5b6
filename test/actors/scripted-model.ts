/**
 * A language model that says what a test has it say: each answer is checked against the shape and judged,
 * the next one is its one repair, and then it is a misfit. It keeps what it was asked.
 */
import { Effect, Layer, Result, Schema, Stream } from "effect"
import { LanguageModel, type ModelRequest, ModelUnavailable } from "../../actors/language-model.ts"

/** An answer as JSON, words that are none, or how it fails. `slow`: it never comes back. */
export type Said =
  | { readonly answer: unknown }
  | { readonly text: string }
  | { readonly fails: ModelUnavailable["reason"]; readonly retryable?: boolean }
  | "slow"

const unavailable = (reason: ModelUnavailable["reason"], retryable = false) =>
  new ModelUnavailable({ reason, message: `It is ${reason}`, retryable })

const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export interface Scripted {
  readonly layer: Layer.Layer<LanguageModel>
  readonly asked: ReadonlyArray<ModelRequest<unknown>>
  /** What the judge said of each answer that fitted the shape. */
  readonly verdicts: ReadonlyArray<ReadonlyArray<string>>
}

/** `say` gives what it says for each request, its repair after it; nothing more is said than that. */
export const scripted = (
  say: ReadonlyArray<Said> | ((request: ModelRequest<unknown>) => ReadonlyArray<Said>),
): Scripted => {
  const asked: Array<ModelRequest<unknown>> = []
  const verdicts: Array<ReadonlyArray<string>> = []
  const complete = <A>(request: ModelRequest<A>) =>
    Effect.gen(function* () {
      asked.push(request as unknown as ModelRequest<unknown>)
      const script = typeof say === "function"
        ? say(request as unknown as ModelRequest<unknown>)
        : say
      for (const said of script.slice(0, 2)) {
        if (said === "slow") return yield* Effect.never
        if ("fails" in said) return yield* unavailable(said.fails, said.retryable)
        const raw = "answer" in said ? said.answer : json(said.text)
        const decoded = Schema.decodeUnknownResult(request.shape)(raw)
        if (Result.isFailure(decoded)) continue
        const wrong = request.judge?.(decoded.success) ?? []
        verdicts.push(wrong)
        if (wrong.length > 0) continue
        return {
          answer: decoded.success,
          model: "scripted:1",
          made: `scripted:1 ${request.template.name}@00000000`,
          ...{ tokensIn: 100, tokensOut: 20, millis: 5, cached: false, transcript: undefined },
        }
      }
      return yield* unavailable("misfit")
    })
  return {
    layer: Layer.succeed(
      LanguageModel,
      LanguageModel.of({ complete, stream: () => Stream.fail(unavailable("absent")) }),
    ),
    asked,
    verdicts,
  }
}
