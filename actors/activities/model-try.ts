/**
 * One try with a model, for whoever has something else to fall back on: its answer, or plain reasons why
 * there is none. Nothing fails here. Where no model is meant to be asked there are no reasons either.
 * Whoever can wait is told where the model is only away.
 */
import { Effect, Option } from "effect"
import {
  LanguageModel,
  type ModelAnswer,
  type ModelRequest,
  type ModelUnavailable,
} from "../language-model.ts"

const graceMillis = 2_000
/** For its turn at the model it waits so long, where it does not say otherwise. */
const waitMillisDefault = 60_000
/** Reasons that are kept. */
const reasonsMax = 6

export interface Try<A> {
  readonly answered: ModelAnswer<A> | undefined
  /** A line each, nothing personal. Empty where it answered, or where none was to be asked. */
  readonly refused: ReadonlyArray<string>
  /** The same may succeed later, without anybody doing anything. */
  readonly away?: ModelUnavailable
}

/** What went wrong; nothing where the rules are what is wanted here. */
const plain: { readonly [reason in ModelUnavailable["reason"]]: string | undefined } = {
  absent: undefined,
  operator: undefined,
  failed: "the model failed",
  timedOut: "the model took too long",
  misfit: "the model's answer did not fit the shape",
  budget: "the model's budget of the day is spent",
  noTurn: "the model had no time for it",
  circuitOpen: "the model failed too often lately and was not asked",
}

/**
 * `judge` says what is wrong with an answer: the model is told so once, and it is kept where it does no
 * better, by `inPlain` without anything personal. `millisMax` bounds all of it from its turn at the model on.
 */
export const modelTry = <A>(
  request: ModelRequest<A> & { readonly judge: (answer: A) => ReadonlyArray<string> },
  millisMax: number,
  inPlain: (reason: string) => string = (reason) => reason,
): Effect.Effect<Try<A>, never, LanguageModel> =>
  Effect.suspend(() => {
    const waitMillis = request.waitMillis ?? waitMillisDefault
    let found: ReadonlyArray<string> = []
    const judge = (answer: A) => {
      found = request.judge(answer)
      return found
    }
    const refusedFor = (reasons: ReadonlyArray<string>): Try<A> => ({
      answered: undefined,
      refused: [...new Set(reasons.map(inPlain))].slice(0, reasonsMax),
    })
    const none = (reason: string | undefined): Try<A> => ({
      answered: undefined,
      refused: reason === undefined ? [] : [reason],
    })
    return Effect.flatMap(LanguageModel, (model) =>
      model.complete({ ...request, judge, timeoutMillis: millisMax, waitMillis }))
      .pipe(
        // The desk keeps the time itself, and tells what was late; this is for what it cannot end.
        Effect.timeoutOption(waitMillis + millisMax + graceMillis),
        Effect.map(Option.match({
          onNone: () =>
            none(plain.timedOut),
          // Whatever let it through: what does not stand is not used.
          onSome: (answered): Try<A> => {
            const wrong = request.judge(answered.answer)
            return wrong.length === 0 ? { answered, refused: [] } : refusedFor(wrong)
          },
        })),
        Effect.catch((failure) => {
          const { reason, retryable } = failure
          const without = reason === "misfit" && found.length > 0
            ? refusedFor(found)
            : none(plain[reason])
          const isAway = retryable && (reason === "circuitOpen" || reason === "failed")
          return Effect.succeed<Try<A>>(isAway ? { ...without, away: failure } : without)
        }),
      )
  })
