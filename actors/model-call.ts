/**
 * One question to one model: from the answers that are there already, else asked at the server in its lane,
 * through its circuit, within its time, and metered. What comes back is what the model said, whatever it is
 * worth.
 */
import { Clock, Effect, Stream } from "effect"
import type { Trouble } from "../machines/integration-events.ts"
import type { BlobRef, BlobStore } from "./blob-store.ts"
import type { CircuitOpen, Circuits } from "./circuits.ts"
import {
  type Inference,
  InferenceFailed,
  type InferencePiece,
  type InferenceRequest,
} from "./inference.ts"
import { ModelUnavailable } from "./language-model.ts"
import type { Answers, Said } from "./model-answers.ts"
import type { Lanes, NoTurn } from "./model-lanes.ts"
import { promptHash } from "./model-prompt.ts"
import { microsOf, type ModelPolicy } from "./model-routes.ts"
import type { Spending } from "./model-spending.ts"
import { chatSpan, noteAnswer, noteFailure } from "./model-telemetry.ts"
import type { Payer, Usage } from "./usage.ts"

/** No request uses more tokens, in or out, than its window so often: another count is none. */
const windowsMax = 2

/** A server's count, as far as it can be one. */
const counted = (count: unknown, most: number) => {
  const sound = typeof count === "number" && Number.isInteger(count) && count >= 0 && count <= most
  const near = typeof count === "number" && count > 0 ? Math.min(Math.round(count), most) : 0
  return { count: sound ? count : near, sound }
}

type End = Exclude<InferencePiece, { readonly text: string }>

/** The end of an answer, with what the server counts looked at. */
export const endOf = (piece: End, request: InferenceRequest) => {
  const most = request.contextTokens * windowsMax
  const tokensIn = counted(piece.tokensIn, most)
  const tokensOut = counted(piece.tokensOut, most)
  return {
    cutOff: piece.because === "length",
    tokensIn: tokensIn.count,
    tokensOut: tokensOut.count,
    ...(tokensIn.sound && tokensOut.sound ? {} : { garbled: true }),
    ...(piece.estimated === true ? { estimated: true } : {}),
  }
}

/** What a failure of the server says about it. Of a missing model a probe tells whether another is there. */
export const troubleOf = (failure: InferenceFailed): Trouble | undefined => {
  switch (failure.reason) {
    case "absent":
      return "absent"
    case "noModel":
      return "noModel"
    case "timedOut":
      return "slow"
    case "failed":
      return "failed"
    default:
      return undefined
  }
}

export interface Desk {
  readonly inference: typeof Inference.Service
  readonly circuits: typeof Circuits.Service
  readonly blobs: typeof BlobStore.Service
  readonly answers: Answers
  readonly lanes: Lanes
  readonly spending: Spending
  /** Of an installed model, where it is known. */
  readonly digestOf: (model: string) => string | undefined
  /** The server does not have a model that it was thought to have. */
  readonly missing: () => void
}

/** Of all calls that one request leads to. */
export interface Matter {
  readonly payer: Payer
  readonly policy: ModelPolicy
  readonly timeZone: string
  /** Name and hash. */
  readonly template: string
  readonly subject: string
  /** What is left of its time. What waited for its turn, or made room, did not use any. */
  left: number
  /** What is left of its patience for a turn; undefined: it waits however long it takes. */
  patience: number | undefined
}

export const monotonicMillis = Effect.map(
  Clock.monotonicTimeNanos,
  (nanos) => Number(nanos / 1_000_000n),
)

/** Notes a usage with who pays, and in the budget. */
export const note = (desk: Desk, matter: Matter, usage: Usage): void => {
  matter.payer.note(usage)
  desk.spending.add(matter.payer.agent, usage)
}

export const usageOf = (
  matter: Matter,
  request: InferenceRequest,
  outcome: Usage["outcome"],
  said: Partial<Said> = {},
): Usage => {
  const used = {
    tokensIn: said.tokensIn ?? 0,
    tokensOut: said.tokensOut ?? 0,
    millis: Math.round(said.millis ?? 0),
  }
  const cached = said.cached ?? false
  const { transcript } = said
  return {
    model: request.model,
    prompt: promptHash(request),
    template: matter.template,
    cached,
    ...used,
    ...(said.estimated === true ? { estimated: true } : {}),
    outcome,
    micros: cached ? 0 : microsOf(matter.policy, request.model, used),
    ...(transcript === undefined ? {} : { transcript: { ...transcript } }),
  }
}

const fellShort = (matter: Matter) =>
  new InferenceFailed({
    reason: "timedOut",
    message: `No answer within ${Math.max(Math.round(matter.left / 1000), 1)} s`,
    retryable: true,
  })

/** How far a call is that is under way; a server says about a token in each piece. */
interface Progress {
  began: number
  pieces: number
}

/** What the server says, whole. */
const heard = (desk: Desk, request: InferenceRequest, under: (way: Progress) => void) =>
  Effect.gen(function* () {
    let text = ""
    let end: ReturnType<typeof endOf> | undefined
    const began = yield* monotonicMillis
    const progress = { began, pieces: 0 }
    under(progress)
    yield* Stream.runForEach(desk.inference.chat(request), (piece) =>
      Effect.sync(() => {
        if ("text" in piece) {
          text += piece.text
          progress.pieces++
        } else end = endOf(piece, request)
      }))
    if (end === undefined) {
      return yield* new InferenceFailed({
        reason: "failed",
        message: "The answer broke off",
        retryable: true,
      })
    }
    const millis = (yield* monotonicMillis) - began
    return {
      ...end,
      // By our clock: the server's does not know of the way.
      millis: Math.round(millis),
      text,
      model: request.model,
      cached: false,
      transcript: undefined,
    } satisfies Said
  })

/** Request and answer as they were, sealed; undefined where it cannot be kept. */
export const keepTranscript = (
  desk: Desk,
  subject: string,
  request: InferenceRequest,
  said: Said,
): Effect.Effect<BlobRef | undefined> => {
  const digest = desk.digestOf(request.model)
  const { cutOff, estimated, millis, text, tokensIn, tokensOut } = said
  return desk.blobs.put(
    subject,
    new TextEncoder().encode(JSON.stringify({
      request,
      answer: text,
      model: request.model,
      ...(digest === undefined ? {} : { digest }),
      cutOff,
      millis: Math.round(millis),
      tokensIn,
      tokensOut,
      ...(estimated === true ? { estimated } : {}),
    })),
  ).pipe(
    Effect.catch((problem) =>
      Effect.as(
        Effect.logWarning(`What a model answered is not kept: ${problem.message}`),
        undefined,
      )
    ),
  )
}

export const unavailable = (failure: InferenceFailed | CircuitOpen | NoTurn): ModelUnavailable =>
  failure._tag === "NoTurn"
    ? new ModelUnavailable({
      reason: "noTurn",
      message:
        `Others were at the model for ${Math.max(Math.round(failure.millis / 1000), 1)} s: ` +
        "it was not asked",
      retryable: true,
    })
    : failure._tag === "CircuitOpen"
    ? new ModelUnavailable({
      reason: "circuitOpen",
      message: failure.message,
      retryable: failure.retryable,
    })
    : new ModelUnavailable({
      reason: failure.reason === "noModel" ? "absent" : failure.reason,
      message: failure.message,
      retryable: failure.retryable,
    })

/** What one model says to one prompt. A failure is noted here, an answer by who has judged it. */
export const ask = (
  desk: Desk,
  matter: Matter,
  request: InferenceRequest,
): Effect.Effect<Said, ModelUnavailable> =>
  Effect.gen(function* () {
    const { payer } = matter
    const prompt = promptHash(request)
    const known = yield* desk.answers.find(prompt)
    if (known !== undefined) return known
    yield* desk.spending.allow(matter.policy, payer.agent, matter.timeZone).pipe(
      Effect.tapError(() =>
        Effect.sync(() => note(desk, matter, usageOf(matter, request, "refused")))
      ),
    )

    let underWay: Progress | undefined
    const call = heard(desk, request, (way) => underWay = way).pipe(
      Effect.timeoutOrElse({
        duration: Math.max(matter.left, 1),
        orElse: () => Effect.fail(fellShort(matter)),
      }),
      Effect.tap((said) =>
        noteAnswer({ ...said, micros: microsOf(matter.policy, request.model, said) })
      ),
      Effect.tapError(({ reason }) => noteFailure(reason)),
      chatSpan(desk.inference.system, request, payer, { template: matter.template, prompt }),
    )
    const asked = Effect.gen(function* () {
      // Somebody else may have asked the same while this waited.
      const meanwhile = yield* desk.answers.find(prompt)
      if (meanwhile !== undefined) return meanwhile
      const said = yield* desk.circuits.guard("ollama", call, troubleOf)
      return { ...said, transcript: yield* keepTranscript(desk, matter.subject, request, said) }
    })

    const began = yield* monotonicMillis
    let idleSince: number | undefined
    let idle = 0
    const waits = (on: boolean) => {
      const at = Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
      if (on) idleSince = at
      else if (idleSince !== undefined) {
        idle += at - idleSince
        idleSince = undefined
      }
      payer.waits?.(on)
    }
    const clock = yield* Clock.Clock
    const group = `${request.model} ${matter.template}`
    const inLane = Effect.suspend(() =>
      desk.lanes.run(payer.lane, group, asked, {
        priority: payer.priority ?? 0,
        waits,
        ...(matter.patience === undefined ? {} : { waitMillisMax: matter.patience - idle }),
        preempted: (millis) => {
          underWay = undefined
          idle += millis
          note(desk, matter, usageOf(matter, request, "preempted", { millis }))
        },
      })
    )
    // Whoever asked ends: what the server worked until then is told all the same.
    const cutOff = Effect.map(monotonicMillis, (now) => {
      if (underWay === undefined) return
      const { began, pieces: tokensOut } = underWay
      const used = { millis: now - began, tokensOut, estimated: true }
      note(desk, matter, usageOf(matter, request, "cutOff", used))
    })
    const outcome = yield* Effect.result(
      desk.answers.shared(payer.lane, prompt, inLane, waits).pipe(
        Effect.onInterrupt(() => cutOff),
      ),
    )
    const took = (yield* monotonicMillis) - began
    // Whoever waits for its turn, or makes room, loses nothing by it.
    matter.left -= took - idle
    if (matter.patience !== undefined) matter.patience = Math.max(matter.patience - idle, 0)
    if (outcome._tag === "Success") {
      const { result, shared } = outcome.success
      return shared ? { ...result, cached: true } : result
    }
    const { failure } = outcome
    // Where it was not asked, nothing failed.
    if (failure._tag === "InferenceFailed") {
      if (failure.reason === "noModel" || failure.reason === "absent") desk.missing()
      note(
        desk,
        matter,
        usageOf(matter, request, failure.reason === "timedOut" ? "timedOut" : "failed", {
          millis: Math.max(took - idle, 0),
        }),
      )
    }
    return yield* unavailable(failure)
  })
