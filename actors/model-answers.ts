/**
 * Answers that were given before, by the hash of their prompt: those of runs that are still under way, then
 * those that the log knows. Only names are kept here; the text is read from its sealed blob each time, so
 * that what was forgotten is not known here either. Requests that are the same at the same time share one call.
 */
import { Clock, Deferred, Effect, Exit, Option, Schema } from "effect"
import type { Lane } from "../machines/agent.ts"
import type { BlobRef, BlobStore } from "./blob-store.ts"
import { NoTurn } from "./model-lanes.ts"
import type { ModelLedger } from "./model-ledger.ts"

/** Answers of this process kept by name. */
const answersMax = 2_000
/** An answer that was of no use is not asked for again for so long: the same question gives the same answer. */
const misfitMillisMax = 24 * 60 * 60 * 1000

/** What a model said, wherever it is from. */
export interface Said {
  readonly model: string
  readonly text: string
  readonly cutOff: boolean
  readonly tokensIn: number
  readonly tokensOut: number
  readonly millis: number
  readonly cached: boolean
  /** It broke off: tokens are a guess by length. */
  readonly estimated?: boolean
  /** The server counts what cannot be: nothing that it says is trusted. */
  readonly garbled?: boolean
  readonly transcript: BlobRef | undefined
}

/** Request and answer as they were. */
export const Transcript = Schema.Struct({
  request: Schema.Json,
  answer: Schema.String,
  model: Schema.String,
  digest: Schema.optionalKey(Schema.String),
  cutOff: Schema.Boolean,
  millis: Schema.Int,
  tokensIn: Schema.Int,
  tokensOut: Schema.Int,
  estimated: Schema.optionalKey(Schema.Boolean),
})
export type Transcript = typeof Transcript.Type
const decodeTranscript = Schema.decodeUnknownOption(Schema.fromJsonString(Transcript))

/** The transcript in a blob; undefined where its subject was forgotten or it is none. */
export const readTranscript = (blobs: typeof BlobStore.Service, ref: BlobRef) =>
  Effect.map(
    blobs.get(ref),
    (bytes) =>
      bytes === undefined
        ? undefined
        : Option.getOrUndefined(decodeTranscript(new TextDecoder().decode(bytes))),
  )

interface Kept {
  readonly transcript: BlobRef
  readonly useful: boolean
  readonly at: number
}

/** Whoever waits for this call has to call itself. */
const unanswered = (exit: Exit.Exit<unknown, unknown>) => {
  if (!Exit.isFailure(exit)) return false
  const error = Exit.findErrorOption(exit)
  return Exit.hasInterrupts(exit) || (error._tag === "Some" && error.value instanceof NoTurn)
}

export const makeAnswers = (
  blobs: typeof BlobStore.Service,
  ledger: typeof ModelLedger.Service,
) => {
  const own = new Map<string, Kept>()
  const underWay = new Map<string, Deferred.Deferred<Exit.Exit<unknown, unknown> | undefined>>()

  const opened = (kept: Kept) =>
    Effect.gen(function* () {
      if (!kept.useful) {
        const now = yield* Clock.currentTimeMillis
        if (now - kept.at > misfitMillisMax) return undefined
      }
      // A blob that cannot be read is asked for again.
      const read = yield* Effect.orElseSucceed(
        readTranscript(blobs, kept.transcript),
        () => undefined,
      )
      if (read === undefined) return undefined
      return {
        model: read.model,
        text: read.answer,
        cutOff: read.cutOff,
        tokensIn: read.tokensIn,
        tokensOut: read.tokensOut,
        millis: read.millis,
        cached: true,
        transcript: kept.transcript,
      } satisfies Said
    })

  const find = (prompt: string): Effect.Effect<Said | undefined> =>
    Effect.gen(function* () {
      const kept = own.get(prompt)
      if (kept !== undefined) return yield* opened(kept)
      const found = yield* ledger.answered(prompt)
      return found === undefined ? undefined : yield* opened(found)
    })

  const keep = (prompt: string, kept: Kept): void => {
    own.delete(prompt)
    own.set(prompt, kept)
    const [oldest] = own.keys()
    if (own.size > answersMax && oldest !== undefined) own.delete(oldest)
  }

  /**
   * Runs `call`, or waits for the same one that is under way. Whoever is interactive does not wait for
   * batch work. Where the one it waits for is given up, or had no turn, it calls itself.
   */
  const shared = <A, E, R>(
    lane: Lane,
    prompt: string,
    call: Effect.Effect<A, E, R>,
    waits: (on: boolean) => void = () => {},
  ): Effect.Effect<{ readonly result: A; readonly shared: boolean }, E, R> =>
    Effect.gen(function* () {
      for (;;) {
        const other = underWay.get(`interactive ${prompt}`) ??
          (lane === "batch" ? underWay.get(`batch ${prompt}`) : undefined)
        if (other === undefined) break
        waits(true)
        const ended = yield* Effect.ensuring(
          Deferred.await(other),
          Effect.sync(() => waits(false)),
        )
        // The same prompt: the same call, with the same kind of outcome.
        const exit = ended as Exit.Exit<A, E> | undefined
        if (exit !== undefined) return { result: yield* exit, shared: true }
      }
      const mine = Deferred.makeUnsafe<Exit.Exit<unknown, unknown> | undefined>()
      const key = `${lane} ${prompt}`
      underWay.set(key, mine)
      const result = yield* Effect.onExit(call, (exit) =>
        Effect.sync(() => {
          underWay.delete(key)
          Deferred.doneUnsafe(
            mine,
            Effect.succeed(unanswered(exit) ? undefined : exit),
          )
        }))
      return { result, shared: false }
    })

  return {
    find,
    keep,
    shared,
  }
}
export type Answers = ReturnType<typeof makeAnswers>
