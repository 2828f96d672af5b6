/**
 * A model server whose answers are written by a test: what is asked is given to a function, which answers,
 * takes its time, or fails. It streams, cuts off at the token limit, and is interrupted as the real one is.
 */
import { Clock, Effect, Layer, Stream } from "effect"
import {
  Inference,
  InferenceFailed,
  type InferencePiece,
  type InferenceRequest,
  type InstalledModel,
} from "../actors/inference.ts"
import { hashed } from "./embedder-hashing.ts"

/** What this server takes for a token. */
const tokenChars = 4
/** Tokens of one piece of the stream. */
const pieceTokens = 4
const modelBytes = 1_000_000

export interface ScriptedAnswer {
  readonly text: string
  /** Before the first piece. */
  readonly delayMillis?: number
  /** Before each further piece. */
  readonly pieceMillis?: number
  /** What the end says otherwise than it should. */
  readonly end?: {
    readonly tokensIn?: number
    readonly tokensOut?: number
    readonly estimated?: true
  }
  /** After so many pieces the server fails with this. */
  readonly breaksAfter?: readonly [pieces: number, failure: InferenceFailed]
}

/** `call` counts from 0 over all requests. */
export type Script = (
  request: InferenceRequest,
  call: number,
) => string | ScriptedAnswer | InferenceFailed

export interface ScriptedInference {
  readonly layer: Layer.Layer<Inference>
  /** What was asked so far, in order. */
  readonly requests: ReadonlyArray<InferenceRequest>
  /** Requests that were answered to the end, and those given up by who asked. */
  readonly ended: () => { readonly finished: number; readonly interrupted: number }
  /** As if the server was stopped, or started again. */
  readonly answers: (yes: boolean) => void
}

const tokensOf = (text: string) => Math.ceil(text.length / tokenChars)

const named = (name: string): InstalledModel => ({
  name,
  bytes: modelBytes,
  digest: name,
  parameters: "1M",
})

const gone = new InferenceFailed({
  reason: "absent",
  message: "The scripted server is stopped",
  retryable: true,
})

/** Without `models` every model that is asked for is there. */
export const scripted = (
  script: Script,
  options: { readonly models?: ReadonlyArray<string> } = {},
): ScriptedInference => {
  const requests: Array<InferenceRequest> = []
  const installed = new Set(options.models ?? ["scripted"])
  let up = true
  let finished = 0
  let interrupted = 0

  const serving = <A>(model: string | undefined, work: Effect.Effect<A, InferenceFailed>) =>
    Effect.suspend(() => {
      if (!up) return Effect.fail(gone)
      if (model === undefined || options.models === undefined || installed.has(model)) return work
      return Effect.fail(
        new InferenceFailed({
          reason: "noModel",
          message: `The scripted server has no ${model}`,
          retryable: false,
        }),
      )
    })

  const answering = (request: InferenceRequest) =>
    Effect.gen(function* () {
      const given = script(request, requests.push(request) - 1)
      if (given instanceof InferenceFailed) return yield* given
      const answer = typeof given === "string" ? { text: given } : given
      const began = yield* Clock.currentTimeMillis
      if (answer.delayMillis !== undefined) yield* Effect.sleep(answer.delayMillis)
      const cut = tokensOf(answer.text) > request.tokensMax
      const text = cut ? answer.text.slice(0, request.tokensMax * tokenChars) : answer.text
      const chars = pieceTokens * tokenChars
      const pieces = Array.from(
        { length: Math.ceil(text.length / chars) },
        (_, n) => text.slice(n * chars, (n + 1) * chars),
      )
      const texts = Stream.fromIterable(pieces.entries()).pipe(
        Stream.rechunk(1),
        Stream.mapEffect(([n, text]) =>
          Effect.gen(function* () {
            if (n > 0 && answer.pieceMillis !== undefined) yield* Effect.sleep(answer.pieceMillis)
            if (!up) return yield* gone
            if (answer.breaksAfter?.[0] === n) return yield* answer.breaksAfter[1]
            return { text } satisfies InferencePiece
          })
        ),
      )
      const end = Effect.map(Clock.currentTimeMillis, (now): InferencePiece => {
        finished++
        return {
          done: true,
          because: cut ? "length" : "stop",
          tokensIn: tokensOf(request.messages.map(({ content }) => content).join("\n")),
          tokensOut: tokensOf(text),
          millis: now - began,
          loadMillis: 0,
          ...answer.end,
        }
      })
      return Stream.concat(texts, Stream.fromEffect(end))
    })

  const service = Inference.of({
    system: "scripted",
    chat: (request) =>
      Stream.suspend(() => {
        let open = true
        const closed = () => {
          open = false
        }
        return Stream.unwrap(serving(request.model, answering(request))).pipe(
          Stream.tap((piece) => "done" in piece ? Effect.sync(closed) : Effect.void),
          Stream.tapError(() => Effect.sync(closed)),
          Stream.ensuring(Effect.sync(() => {
            if (open) interrupted++
          })),
        )
      }),
    embed: (model, texts) => serving(model, Effect.sync(() => texts.map(hashed))),
    models: serving(undefined, Effect.sync(() => [...installed].map(named))),
    pull: (model, progress) =>
      serving(
        undefined,
        Effect.sync(() => {
          for (const part of [0, 0.5, 1]) {
            progress({ what: model, done: modelBytes * part, total: modelBytes })
          }
          installed.add(model)
        }),
      ),
  })

  return {
    layer: Layer.succeed(Inference, service),
    requests,
    ended: () => ({ finished, interrupted }),
    answers: (yes) => {
      up = yes
    },
  }
}
