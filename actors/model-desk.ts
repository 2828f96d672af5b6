/**
 * `LanguageModel` over a model server: puts the prompt together, goes the activity's route from model to
 * model, reads each answer strictly, has it judged and repaired once, and says who pays. Where the route
 * ends without an answer that is of use, it fails with the reason, and rules do the work.
 */
import { Clock, Effect, Layer, Stream } from "effect"
import { BlobStore } from "./blob-store.ts"
import { Circuits } from "./circuits.ts"
import { EventLog } from "./event-log.ts"
import { Inference, type InferenceRequest, type InstalledModel } from "./inference.ts"
import {
  LanguageModel,
  type ModelAnswer,
  type ModelRequest,
  ModelUnavailable,
} from "./language-model.ts"
import { makeAnswers, type Said } from "./model-answers.ts"
import {
  ask,
  type Desk,
  endOf,
  keepTranscript,
  type Matter,
  monotonicMillis,
  note,
  troubleOf,
  unavailable,
  usageOf,
} from "./model-call.ts"
import { makeLanes } from "./model-lanes.ts"
import { ModelLedger } from "./model-ledger.ts"
import { promptOf, repairOf, templateVersion } from "./model-prompt.ts"
import { chooseModels, currentModelPolicy, routeOf, sameModel } from "./model-routes.ts"
import { formatOf, type Read, readAnswer } from "./model-shape.ts"
import { makeSpending } from "./model-spending.ts"
import { currentSettings } from "./settings.ts"
import { Payer, type Usage } from "./usage.ts"
import { Vault } from "./vault.ts"

/** What prompt and answer may fill together. The same for all: with another window a server loads the model anew. */
const contextTokensDefault = 4_096
const placesDefault = 1
/** Of all attempts of one request together, from their turn at the server on. */
const timeoutMillisDefault = { interactive: 60_000, batch: 300_000 }
/** An interactive request that had no turn for so long is given up: whoever asked has something else. */
const waitMillisDefault = 60_000
/** What is installed is asked for again after this. */
const installedMillisMax = 60_000
const temperatureDefault = 0
const seedDefault = 1

export interface DeskOptions {
  /** The small model, where the founder chose none. */
  readonly model?: string
  /** Requests that the server works on at the same time. Default 1. */
  readonly places?: number
  readonly contextTokens?: number
}

const none = new ModelUnavailable({
  reason: "absent",
  message: "No model that could answer is installed. aios models pull",
  retryable: false,
})

const make = (options: DeskOptions) =>
  Effect.gen(function* () {
    const inference = yield* Inference
    const circuits = yield* Circuits
    const blobs = yield* BlobStore
    const ledger = yield* ModelLedger
    const stored = yield* Effect.context<EventLog | Vault>()
    const contextTokens = options.contextTokens ?? contextTokensDefault

    let installed: ReadonlyArray<InstalledModel> = []
    let installedUntil = Number.NEGATIVE_INFINITY
    /** What is installed; where the server cannot be asked, what was. */
    const look = Effect.gen(function* () {
      const now = Number((yield* Clock.monotonicTimeNanos) / 1_000_000n)
      if (now < installedUntil && installed.length > 0) return undefined
      // Not through the circuit: that a list comes says nothing about answers.
      const found = yield* Effect.result(inference.models)
      if (found._tag === "Failure") {
        const trouble = troubleOf(found.failure)
        if (trouble !== undefined) {
          yield* circuits.complain("ollama", trouble, found.failure.message)
        }
        const isLeftAlone = (yield* circuits.states).some(({ open, service }) =>
          open && service === "ollama"
        )
        // Trying again does not help now.
        if (isLeftAlone && trouble === "failed") {
          const { message, retryable } = found.failure
          return new ModelUnavailable({ reason: "circuitOpen", message, retryable })
        }
        return unavailable(found.failure)
      }
      installed = found.success
      installedUntil = now + installedMillisMax
      return undefined
    })

    const desk: Desk = {
      inference,
      circuits,
      blobs,
      answers: makeAnswers(blobs, ledger),
      lanes: yield* makeLanes(options.places ?? placesDefault),
      spending: makeSpending(ledger),
      digestOf: (model) => installed.find(({ name }) => sameModel(name, model))?.digest,
      missing: () => {
        installedUntil = Number.NEGATIVE_INFINITY
      },
    }

    /** One that was there and is gone is only away: whoever can wait for it is told so. */
    const told = (failure: ModelUnavailable) =>
      Effect.flatMap(circuits.states, (states) => {
        const isOut = states.some(({ absent, open, service }) =>
          service === "ollama" && open && !absent
        )
        const { message, reason } = failure
        return Effect.fail(
          isOut && (reason === "absent" || reason === "failed")
            ? new ModelUnavailable({ reason: "circuitOpen", message, retryable: true })
            : failure,
        )
      })

    /** Whose request it is, and the models of its route in order; fails where there are none. */
    const begun = (request: Omit<ModelRequest<never>, "shape" | "judge">) =>
      Effect.gen(function* () {
        const payer = yield* Payer
        const { policy, timeZone } = yield* Effect.all({
          policy: currentModelPolicy,
          timeZone: Effect.map(currentSettings, (settings) => settings.timeZone),
        }).pipe(
          Effect.provideContext(stored),
          Effect.mapError(({ message }) =>
            new ModelUnavailable({ reason: "failed", message, retryable: true })
          ),
        )
        const matter: Matter = {
          payer,
          policy,
          timeZone,
          template: templateVersion(request.template),
          subject: request.subject,
          left: request.timeoutMillis ?? timeoutMillisDefault[payer.lane],
          patience: payer.lane === "batch" ? undefined : request.waitMillis ?? waitMillisDefault,
        }
        const route = routeOf(policy, payer.activity)
        const end = route.findIndex((step) => step === "rules" || step === "operator")
        const steps = end < 0 ? route : route.slice(0, end)
        if (route[end] === "operator" && steps.length === 0) {
          return yield* toOperator(payer.activity)
        }
        if (steps.length === 0) {
          return yield* new ModelUnavailable({
            reason: "absent",
            message: `${payer.activity} is done by rules: aios costs policy shows its route`,
            retryable: false,
          })
        }
        const problem = yield* look
        const names = chooseModels(policy, options.model, installed)
        const models = [
          ...new Set(steps.map((step) => step === "large" ? names.large : names.small)),
        ]
          .filter((name) => name !== undefined)
        if (models.length === 0) {
          // The server answers: what is missing is told, so that somebody fetches it.
          if (problem === undefined) {
            // Whoever fetches one is not told "none" for another minute.
            installedUntil = Number.NEGATIVE_INFINITY
            yield* circuits.complain("ollama", "noModel", none.message)
          }
          return yield* told(problem ?? none)
        }
        return { matter, models, last: route[end] }
      })

    const asInference = (
      request: Omit<ModelRequest<never>, "shape" | "judge">,
      format: InferenceRequest["format"],
      model: string,
    ) =>
      promptOf({
        template: request.template,
        material: request.material,
        format,
        tokensMax: request.tokensMax,
        temperature: request.temperature ?? temperatureDefault,
        seed: request.seed ?? seedDefault,
        contextTokens,
      }, model)

    /** One model: its answer, and where that is of no use one repair. Undefined: neither was of use. */
    const tried = <A>(request: ModelRequest<A>, matter: Matter, model: string) =>
      Effect.gen(function* () {
        let prompt = asInference(request, formatOf(request.shape), model)
        for (const attempt of ["first", "repair"] as const) {
          const said = yield* ask(desk, matter, prompt)
          const found = readSaid(said, request)
          const useful = found.is === "answer"
          const outcome = useful ? "ok" : found.garbage ? "failed" : "misfit"
          const usage = usageOf(matter, prompt, outcome, said)
          note(desk, matter, usage)
          if (!said.cached) yield* heardOf(desk, usage, said)
          if (found.is === "answer") {
            return {
              answer: found.answer,
              model,
              made: `${model} ${matter.template}`,
              tokensIn: said.tokensIn,
              tokensOut: said.tokensOut,
              millis: said.millis,
              cached: said.cached,
              transcript: said.transcript,
            } satisfies ModelAnswer<A>
          }
          // No words put right what a server does wrong.
          if (said.garbled === true) return undefined
          if (attempt === "first") prompt = repairOf(prompt, said.text, found.problems)
        }
        return undefined
      })

    const complete = <A>(request: ModelRequest<A>) =>
      Effect.gen(function* () {
        const { last, matter, models } = yield* begun(request)
        let failure = new ModelUnavailable({
          reason: "misfit",
          message: `What ${models.join(" and ")} answered to ${matter.template} is of no use`,
          retryable: false,
        })
        for (const model of models) {
          const found = yield* Effect.result(tried(request, matter, model))
          if (found._tag === "Failure") failure = found.failure
          else if (found.success !== undefined) return found.success
          // A larger model helps against a poor answer, or where only this one is missing.
          if (found._tag === "Failure" && !["absent", "failed"].includes(found.failure.reason)) {
            break
          }
        }
        return yield* last === "operator" && ["misfit", "absent"].includes(failure.reason)
          ? toOperator(matter.payer.activity)
          : told(failure)
      })

    const stream = (request: Omit<ModelRequest<string>, "shape" | "judge">) =>
      Stream.unwrap(Effect.gen(function* () {
        const { matter, models } = yield* begun(request)
        const prompt = asInference(request, undefined, models[0]!)
        yield* desk.spending.allow(matter.policy, matter.payer.agent, matter.timeZone).pipe(
          Effect.tapError(() =>
            Effect.sync(() => note(desk, matter, usageOf(matter, prompt, "refused")))
          ),
        )
        return yield* streamed(desk, matter, prompt)
      }))

    return LanguageModel.of({ complete, stream })
  })

/** What is to be made of what a model said. */
const readSaid = <A>(said: Said, request: ModelRequest<A>): Read<A> => {
  const misfit = (garbage: boolean, problem: string): Read<A> => ({
    is: "misfit",
    garbage,
    problems: [problem],
  })
  if (said.garbled === true) return misfit(true, "its server counts what cannot be")
  // The answer stopped in the middle. Another time it may not.
  if (said.estimated === true) return misfit(false, "it broke off before its end")
  return readAnswer(said.text, said.cutOff, request.shape, request.judge)
}

/**
 * A new answer: it is kept by name, unless the server was not itself, which its circuit is told. What broke off
 * is neither: the server may be restarting.
 */
const heardOf = (desk: Desk, { outcome, prompt }: Usage, said: Said) =>
  Effect.gen(function* () {
    const { model, transcript } = said
    if (outcome === "failed") {
      return yield* desk.circuits.complain(
        "ollama",
        "garbage",
        `${model} answers in another form than was asked for`,
      )
    }
    if (transcript === undefined || said.estimated === true) return
    const at = yield* Clock.currentTimeMillis
    desk.answers.keep(prompt, { transcript, useful: outcome === "ok", at })
  })

/** The pieces as they come. The place at the server is held until the last, or until nobody listens. */
const streamed = (desk: Desk, matter: Matter, prompt: InferenceRequest) =>
  Effect.gen(function* () {
    yield* desk.lanes.hold(
      matter.payer.lane,
      `${prompt.model} ${matter.template}`,
      matter.patience === undefined ? {} : { waitMillisMax: matter.patience },
    ).pipe(Effect.mapError(unavailable))
    const circuit = (yield* desk.circuits.states).find(({ service }) => service === "ollama")
    if (circuit?.open === true) {
      return yield* new ModelUnavailable({
        reason: "circuitOpen",
        message: `Ollama is left alone for a while: ${circuit.reason ?? "it failed too often"}`,
        retryable: true,
      })
    }
    let text = ""
    const began = yield* monotonicMillis
    return desk.inference.chat(prompt).pipe(
      Stream.tap((piece) => {
        if ("text" in piece) return Effect.sync(() => void (text += piece.text))
        return Effect.gen(function* () {
          const said: Said = {
            ...endOf(piece, prompt),
            text,
            millis: (yield* monotonicMillis) - began,
            model: prompt.model,
            cached: false,
            transcript: undefined,
          }
          const transcript = yield* keepTranscript(desk, matter.subject, prompt, said)
          const outcome = said.garbled === true ? "failed" : said.estimated ? "misfit" : "ok"
          note(desk, matter, usageOf(matter, prompt, outcome, { ...said, transcript }))
        })
      }),
      Stream.flatMap((piece) => "text" in piece ? Stream.succeed(piece.text) : Stream.empty),
      Stream.tapError((failure) => {
        const trouble = troubleOf(failure)
        note(
          desk,
          matter,
          usageOf(matter, prompt, failure.reason === "timedOut" ? "timedOut" : "failed"),
        )
        return trouble === undefined
          ? Effect.void
          : desk.circuits.complain("ollama", trouble, failure.message)
      }),
      Stream.mapError(unavailable),
    )
  })

const toOperator = (activity: string) =>
  new ModelUnavailable({
    reason: "operator",
    message: `The route of ${activity} ends with you: no model decides it`,
    retryable: false,
  })

/** Needs the log (policy, settings), the vault, blobs, the ledger, circuits and a model server. */
export const layer = (options: DeskOptions = {}) => Layer.effect(LanguageModel, make(options))
