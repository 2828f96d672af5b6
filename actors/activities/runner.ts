/**
 * Runs the activities that charts ask for. An ask is its own idempotency key; its outcome returns as an
 * event of the actor that asked. Nothing is kept here that the log does not say: after a crash the open
 * asks are taken up again, and what may have happened outside without a trace is left to the operator.
 */
import { Clock, Effect, Exit, Fiber, Layer, Schedule } from "effect"
import { activityOf, type JsonObject, type Lane } from "../../machines/agent.ts"
import { Activities, type Implementation } from "../activity.ts"
import { ActorSystem, InvalidEvent, type Proposal } from "../actor-system.ts"
import { Claims } from "../claims.ts"
import * as claimsOnLog from "../claims-on-log.ts"
import { Contacts } from "../contacts.ts"
import { type Ask, askId, categoryOf, EventLog, isOurs, type RecordedEvent } from "../event-log.ts"
import { derivedId, outcomeId } from "../ids.ts"
import { OpenAsks } from "../open-asks.ts"
import type { Committed } from "../engine.ts"
import { ActorEngine } from "../system.ts"
import { toldOnce } from "../told-once.ts"
import { Vault } from "../vault.ts"
import { tellHappened } from "./after-all.ts"
import { makeBreakers } from "./breakers.ts"
import { makeClaiming } from "./claiming.ts"
import { askGate, isUndecided, waitsAt } from "./gate.ts"
import {
  type Happening,
  type Job,
  messageOf,
  personOf,
  placeOf,
  sealOutput,
  undeclared,
  whatOf,
} from "./job.ts"
import { makeKeysHere } from "./keys-here.ts"
import { makeMeter, tellCutOff } from "./metering.ts"
import { makePlaces } from "./places.ts"

/** Activities of a lane that run at the same time. Batch work waits in line at the model, grouped there. */
const runningMax: Record<Lane, number> = { interactive: 8, batch: 8 }
/** Asks kept in memory; the rest waits in the index of open asks. */
const jobsMax = 10_000
const pageAsks = 1_000
/** While an adapter's circuit is open, and while the gate cannot be asked. */
const pauseMillis = 1_000
/** A pause longer than this is not worth waiting for at the end of a one-shot command. */
const shortPauseMillis = 2_000
/** Where others write the log too, open asks are looked at again so often. */
const lookMillisDefault = 60_000
/** Asks settled here that may be heard of once more. */
const endedMax = 10_000
/** What a graceful stop leaves running activities. */
const stopMillisMax = 8_000

export interface RunnerOptions {
  /** False: asks are counted but not run; for commands that only read. Default true. */
  readonly dispatch?: boolean
  /** Work of other lanes is left to other processes. Default: both. */
  readonly lanes?: ReadonlyArray<Lane>
  /** The name under which this process claims work where others work too; see `Claims`. Default `main`. */
  readonly worker?: string
  readonly leaseMillis?: number
  /** Where others write the log too: what nobody told of is found within this. Default a minute. */
  readonly lookMillis?: number
  /** Is told of each run. */
  readonly note?: (happening: Happening) => void
}

export const layer = (options: RunnerOptions = {}) =>
  claimingRunner(options).pipe(
    Layer.provide(claimsOnLog.layer({
      name: options.worker ?? "main",
      ...(options.leaseMillis === undefined ? {} : { leaseMillis: options.leaseMillis }),
    })),
  )

const claimingRunner = (options: RunnerOptions) =>
  Layer.effectDiscard(Effect.gen(function* () {
    const { engine, registry, attach, isHeld, isShared, report } = yield* ActorEngine
    const system = yield* ActorSystem
    const openAsks = yield* OpenAsks
    const log = yield* EventLog
    const activities = yield* Activities
    const contacts = yield* Contacts
    const claims = yield* Claims
    const vault = yield* Vault
    const clock = yield* Clock.Clock
    const breakers = yield* makeBreakers
    const context = yield* Effect.context<ActorSystem | EventLog | Vault>()
    const fork = Effect.runForkWith(context)
    const jobs = new Map<string, Job>()
    const places = makePlaces<Job>(runningMax)
    const byApproval = new Map<string, Job>()
    let overflowed = false
    const told = toldOnce()
    /** Settled or stopped while open asks are being read: what was read of them is old. */
    let settledMeanwhile: Set<string> | undefined
    const dispatch = options.dispatch ?? true
    const lookMillis = options.lookMillis ?? lookMillisDefault
    const lanes = options.lanes ?? ["interactive", "batch"]
    /** Settled here, latest last. */
    const ended = new Set<string>()
    const note = (job: Job, what: Happening["what"], message?: string) =>
      options.note?.({
        what,
        ask: job.id,
        activity: job.declaration.name,
        lane: job.declaration.lane,
        ...(job.lease === undefined ? {} : { lease: job.lease.number }),
        ...(message === undefined ? {} : { message }),
      })
    /** Nothing runs before the open asks of an earlier process are known. */
    let stopping = true

    const declarationOf = (stream: string, src: string) => {
      const source = registry.find(stream)?.chart.sources.get(src)
      const declared = source?.kind === "activity" ? activityOf(source.logic) : undefined
      const implementation = activities.get(declared?.name ?? src)
      return {
        implementation,
        declaration: declared ?? implementation?.declaration ?? undeclared(src),
      }
    }

    const add = (open: {
      readonly id: string
      readonly stream: string
      readonly ask: Extract<Ask, { ask: "activity" }>
      readonly causation: string
      readonly correlation: string
      readonly clock: number
      readonly started?: boolean
      readonly quarantined?: boolean
      readonly approval?: string
    }) => {
      if (jobs.has(open.id) || settledMeanwhile?.has(open.id) || ended.has(open.id)) return
      // What waits for a decision may wait for weeks: it must not keep the rest from running.
      if (jobs.size - byApproval.size >= jobsMax) {
        overflowed = true
        return
      }
      const { declaration, implementation } = declarationOf(open.stream, open.ask.src)
      // What the founder is to tell can be told wherever it waits.
      if (!lanes.includes(declaration.lane) && open.quarantined !== true) return
      const job: Job = {
        id: open.id,
        stream: open.stream,
        ask: open.ask,
        causation: open.causation,
        correlation: open.correlation,
        clock: open.clock,
        declaration,
        implementation,
        state: open.quarantined
          ? "quarantined"
          : !dispatch && open.approval !== undefined
          ? "gated"
          : "queued",
        fiber: undefined,
        approval: open.approval,
        performing: false,
        stopped: false,
        resume: undefined,
        holdsPlace: false,
        lease: undefined,
        confirmed: false,
        lost: false,
      }
      jobs.set(job.id, job)
      if (job.state !== "queued") return
      // Where others work too, it may be under way with one of them: its claim tells.
      const isLeft = open.started && declaration.idempotency === "unsafe" && dispatch
      if (isLeft && !isShared()) return quarantine(job)
      enqueue(job)
    }

    const enqueue = (job: Job) => {
      job.state = "queued"
      places.enter(job)
      pump()
    }

    const isQueued = (job: Job) => jobs.get(job.id) === job && job.state === "queued"
    const pump = () => {
      for (;;) {
        if (stopping || isHeld()) return
        const job = places.next(isQueued)
        if (job === undefined) return
        job.holdsPlace = true
        job.state = "running"
        const { resume } = job
        job.resume = undefined
        if (resume !== undefined) {
          resume()
          continue
        }
        const fiber = fork(Effect.asVoid(run(job)))
        job.fiber = fiber
        fiber.addObserver(() => {
          // Else it was sent back to the gate, and may run again already.
          if (job.fiber !== fiber) return
          job.fiber = undefined
          if (job.lost && job.state !== "quarantined") job.state = "elsewhere"
          givePlace(job)
        })
      }
    }

    const givePlace = (job: Job) => {
      if (!job.holdsPlace) return
      job.holdsPlace = false
      places.leave(job)
      pump()
    }

    /** Who was tried and waited since gets in line again. Nobody waits for what was stopped meanwhile. */
    const takePlace = (job: Job) =>
      Effect.callback<void>((resume) => {
        if (job.holdsPlace) return resume(Effect.void)
        if (jobs.get(job.id) !== job) return resume(Effect.interrupt)
        job.resume = () => resume(Effect.void)
        enqueue(job)
      })

    const claiming = makeClaiming<Job>({
      claims,
      isShared,
      jobs,
      freed: (job) => enqueue(job),
      lost: (job) => {
        note(job, "lost")
        job.resume = undefined
        endRun(job)
      },
    })

    const keys = makeKeysHere<Job>({
      vault,
      isWorker: options.worker !== undefined,
      leaseMillis: claims.leaseMillis,
      fork: (effect) => void fork(effect),
      again: (job) => {
        if (jobs.get(job.id) === job && job.state === "elsewhere") enqueue(job)
      },
    })
    /** Done by whoever has its keys. */
    const leave = (job: Job) => {
      job.performing = false
      job.state = "elsewhere"
      return claiming.release(job)
    }

    /** Nobody waits for it here. What may be happening outside comes to its end. False: it goes on. */
    const endRun = (job: Job): boolean => {
      if (job.performing && job.state === "running" && job.declaration.risk !== "none") return false
      if (job.fiber !== undefined) fork(Fiber.interrupt(job.fiber))
      return true
    }

    const forget = (job: Job) => {
      jobs.delete(job.id)
      settledMeanwhile?.add(job.id)
      claiming.forget(job)
      keys.forget(job)
      if (isShared()) {
        ended.add(job.id)
        const [oldest] = ended
        if (ended.size > endedMax && oldest !== undefined) ended.delete(oldest)
      }
      if (job.approval !== undefined) byApproval.delete(job.approval)
      if (overflowed && jobs.size - byApproval.size < jobsMax / 2) takeUpAgain()
    }

    /** Records an outcome; only then the ask is settled and the job gone. Not where somebody else has it. */
    const settle = (job: Job, event: Proposal, attempt = 1) =>
      Effect.flatMap(
        claiming.confirm(job),
        (isOurs) => isOurs ? recordOutcome(job, of(job, event), attempt) : Effect.void,
      )
    const recordOutcome = (job: Job, event: Proposal, attempt: number) =>
      report(job.stream, event, {
        id: outcomeId(job.id, attempt),
        // What is skipped is settled when it was asked: the present has nothing to do with it.
        ...(event.type === "ActivitySkipped" ? { occurredAt: job.clock } : {}),
        actor: "activity",
        causation: job.causation,
        correlation: job.correlation,
      }).pipe(
        Effect.catchTag("EventTooLarge", ({ bytes }) =>
          report(
            job.stream,
            of(
              job,
              failed(
                "OutputTooLarge",
                `${job.declaration.name} gave ${bytes} bytes; put large content in a blob`,
              ),
            ),
            {
              id: outcomeId(job.id, attempt),
              actor: "activity",
              causation: job.causation,
              correlation: job.correlation,
            },
          )),
        Effect.catchTag(
          ["ActorParked", "NotAccepted", "SystemClosed"],
          (refusal) =>
            Effect.logWarning(`The outcome of ${job.id} is not recorded: ${refusal.message}`),
        ),
        Effect.tap(() =>
          Effect.sync(() => {
            note(job, whatOf(event.type), messageOf(event))
            forget(job)
          })
        ),
      )

    const failed = (name: string, message: string, more: JsonObject = {}): Proposal => ({
      type: "ActivityFailed",
      error: { name, message },
      ...more,
    })
    const of = (job: Job, event: Proposal): Proposal => ({
      ...event,
      ask: placeOf(job.id),
      ...(job.lease === undefined ? {} : { lease: job.lease.number }),
    })

    const quarantine = (job: Job) => {
      const event = of(job, {
        type: "ActivityQuarantined",
        reason:
          `${job.declaration.name} was started and its outcome is not known; only you can tell whether it happened`,
      })
      job.state = "quarantined"
      note(job, "quarantined")
      job.lease = undefined
      fork(report(job.stream, event, {
        id: derivedId(`quarantine:${job.id}`),
        actor: "activity",
        causation: job.causation,
        correlation: job.correlation,
      }))
    }

    const carriedOut = (job: Job, outcome: "succeeded" | "failed") =>
      job.approval === undefined ? Effect.void : report(job.approval, {
        type: "ApprovalCarriedOut",
        outcome,
      }, {
        id: derivedId(`carried-out:${job.approval}`),
        actor: job.stream,
        causation: job.causation,
        correlation: job.correlation,
      }).pipe(Effect.ignore)

    const ageOf = ({ clock: asked }: Job) => clock.currentTimeMillisUnsafe() - asked
    const isStale = (job: Job) => ageOf(job) > (job.declaration.staleAfterMillis ?? Infinity)

    /** Money owed is given back to whoever it is; written to is only who may be. */
    const permissionOf = ({ ask, declaration }: Job) => {
      const person = declaration.risk === "outward" ? personOf(ask.input ?? null) : undefined
      return person === undefined
        ? Effect.succeed({ allowed: true } as const)
        : contacts.mayWrite(person)
    }

    const waitAtGate = Effect.fnUntraced(function* (job: Job, approval: string) {
      job.state = "gated"
      job.approval = approval
      byApproval.set(approval, job)
      // Whoever hears the decision first does it.
      yield* claiming.release(job)
      // The decision may have come between the look and this line.
      const now = yield* system.view(approval)
      if (job.state === "gated" && !isUndecided(now?.value)) enqueue(job)
    })

    /** Where nothing but the founder's decision is missing, others see that too: no claim is needed. */
    const waitingFor = Effect.fnUntraced(function* (job: Job) {
      const { ask, declaration: { idempotency, risk }, id, implementation } = job
      // What is left of an unsafe one only its claim tells.
      if (!isShared() || risk === "none" || idempotency === "unsafe") return undefined
      if (implementation === undefined || isStale(job)) return undefined
      const approval = yield* waitsAt({ id, input: ask.input ?? null })
      return approval !== undefined && (yield* permissionOf(job)).allowed ? approval : undefined
    })

    const run = (job: Job) =>
      Effect.gen(function* () {
        const { declaration, implementation, ask } = job
        if (keys.isLeft(job)) return yield* leave(job)
        const waitsFor = yield* waitingFor(job)
        if (waitsFor !== undefined) return yield* waitAtGate(job, waitsFor)
        if (!(yield* claiming.take(job))) {
          job.state = "elsewhere"
          return
        }
        // Whoever had it may have carried it out.
        if (job.lease?.inherited && declaration.idempotency === "unsafe") return quarantine(job)
        const age = ageOf(job)
        if (isStale(job)) {
          return yield* settle(job, {
            type: "ActivitySkipped",
            reason: `Asked ${
              Math.floor(age / 86_400_000)
            } days ago by the actor's clock: history stays history`,
          })
        }
        if (implementation === undefined) {
          return yield* settle(
            job,
            failed(
              "NotImplemented",
              `There is no implementation of ${declaration.name} in actors/activities/mod.ts`,
            ),
          )
        }
        if (declaration.risk !== "none") {
          const permission = yield* permissionOf(job)
          if (!permission.allowed) {
            yield* carriedOut(job, "failed")
            return yield* settle(job, failed("NotPermitted", permission.reason))
          }
          const verdict = yield* askGate({
            id: job.id,
            stream: job.stream,
            activity: declaration.name,
            risk: declaration.risk,
            input: ask.input ?? null,
            causation: job.causation,
            correlation: job.correlation,
          })
          if (verdict.is === "closed") {
            return yield* settle(job, failed(verdict.name, verdict.reason))
          }
          job.approval = verdict.approval
          if (verdict.is === "waits") return yield* waitAtGate(job, verdict.approval)
        }
        if (declaration.idempotency === "unsafe") {
          const mark = yield* report(job.stream, of(job, { type: "ActivityStarted" }), {
            id: derivedId(`started:${job.id}`),
            actor: "activity",
            causation: job.causation,
            correlation: job.correlation,
          })
          // Somebody else's mark: it may have happened.
          const { lease } = mark.event.data as JsonObject
          if (lease !== job.lease?.number) return quarantine(job)
          // Whoever fell silent before this point lost it, and the founder is asked already.
          if (!(yield* claiming.holds(job))) return
        }
        job.performing = true
        note(job, "started")
        yield* perform(job, implementation)
      }).pipe(
        // The log, the vault or the gate could not be asked: the ask stays open and is tried again.
        Effect.catch((refusal) =>
          Effect.logWarning(`${job.id} waits: ${refusal.message}`).pipe(
            Effect.andThen(Effect.sync(() => {
              if (job.performing && job.declaration.idempotency === "unsafe") {
                // It was run, and its outcome could not be recorded.
                return quarantine(job)
              }
              job.state = "waiting"
              job.performing = false
              setTimeout(
                () => jobs.get(job.id) === job && job.state === "waiting" && enqueue(job),
                pauseMillis,
              )
            })),
          )
        ),
        // Ours, and it would be the same every time.
        Effect.catchDefect((defect) => settle(job, failed("Defect", String(defect)))),
        Effect.ignore,
      )

    const perform = (job: Job, implementation: Implementation) =>
      Effect.gen(function* () {
        const { declaration, ask } = job
        const meter = makeMeter(job)
        let attempt = 0
        const once = Effect.suspend(() => {
          attempt++
          job.state = "running"
          return meter.paid(
            implementation.run(ask.input ?? null, { askId: job.id, attempt, clock: job.clock })
              .pipe(Effect.provideService(Contacts, contacts), (run) => keys.noting(job, run)),
          )
        })
        const inPlace = takePlace(job)
        const guarded = declaration.adapter === undefined
          ? Effect.andThen(inPlace, once)
          : Effect.andThen(inPlace, breakers.guard(declaration.adapter, once)).pipe(
            Effect.tapError((failure) =>
              Effect.sync(() => {
                if (failure._tag !== "CircuitOpen") return
                job.state = "waiting"
                givePlace(job)
              })
            ),
            // An open circuit is no attempt: wait until it lets one through.
            Effect.retry({
              while: (failure) => failure._tag === "CircuitOpen",
              schedule: Schedule.spaced(pauseMillis),
            }),
          )
        const delays = Schedule.min([
          Schedule.exponential(declaration.retryDelayMillisMin),
          Schedule.spaced(declaration.retryDelayMillisMax),
        ]).pipe(Schedule.jittered, Schedule.upTo({ times: declaration.retriesMax }))
        const exit = yield* guarded.pipe(
          Effect.tapError(() =>
            Effect.sync(() => {
              const pause = declaration.retryDelayMillisMin * 2 ** (attempt - 1)
              job.state = pause > shortPauseMillis ? "waiting" : "pausing"
              givePlace(job)
            })
          ),
          Effect.retry({
            while: (failure) => "retryable" in failure && failure.retryable,
            schedule: delays,
          }),
          Effect.onInterrupt(() => tellCutOff(system, meter)),
          Effect.exit,
        )
        // What left the house has left it; all else is better done by who can read everything.
        const isRepeatable = declaration.risk === "none" && declaration.idempotency !== "unsafe"
        if (isRepeatable && !Exit.hasInterrupts(exit) && keys.isVoid(job)) {
          yield* tellCutOff(system, meter)
          return yield* leave(job)
        }
        const metered = meter.told(attempt)
        if (!Exit.hasInterrupts(exit) && !(yield* claiming.confirm(job))) return
        if (Exit.isSuccess(exit)) {
          yield* carriedOut(job, "succeeded")
          const output = sealOutput(vault, declaration, exit.value, ask.input ?? null)
          yield* settle(job, { type: "ActivitySucceeded", output, ...metered })
          return yield* job.stopped ? tellHappened(job) : Effect.void
        }
        // Interrupted: the ask was stopped, or AIOS stops. Either way nothing is recorded here.
        if (Exit.hasInterrupts(exit)) return
        const found = Exit.findErrorOption(exit)
        if (found._tag === "None") {
          return yield* settle(job, failed("Defect", String(exit.cause), metered))
        }
        const failure = found.value
        if (failure._tag === "TimedOut" && declaration.idempotency === "unsafe") {
          return yield* Effect.sync(() => quarantine(job))
        }
        yield* carriedOut(job, "failed")
        const message = "message" in failure ? failure.message : failure._tag
        return yield* settle(job, failed(failure._tag, message, metered))
      })

    /** The asking state was left: nobody waits for it any more. Gives the approval it waited for. */
    const stop = (id: string): string | undefined => {
      settledMeanwhile?.add(id)
      const job = jobs.get(id)
      if (job === undefined) return undefined
      forget(job)
      // What goes on outside has its outcome recorded all the same.
      if (!endRun(job)) {
        job.stopped = true
        return undefined
      }
      fork(claiming.release(job))
      return job.approval
    }

    /** Approved, taken back, and no attempt is under way: it waits for the founder again. */
    const backToTheGate = (job: Job) => {
      const { fiber, state } = job
      if (fiber === undefined || state === "running" || state === "gated") return
      job.fiber = undefined
      job.resume = undefined
      job.performing = false
      fork(Fiber.interrupt(fiber))
      enqueue(job)
    }

    /** One at a time: what one has read would be old to the other. Without the log it is tried again. */
    const takeUpAgain = () => {
      if (settledMeanwhile !== undefined) return
      overflowed = false
      fork(takeUp.pipe(Effect.catch(takeUpLater), Effect.catchDefect(takeUpLater)))
    }
    const takeUpLater = (problem: unknown) => {
      settledMeanwhile = undefined
      setTimeout(takeUpAgain, pauseMillis)
      return told.trouble(`Open asks wait: ${String(problem)}`)
    }

    const takeUp = Effect.gen(function* () {
      settledMeanwhile = new Set()
      yield* openAsks.caughtUp(yield* log.head)
      yield* told.well
      let after: string | undefined
      for (;;) {
        const page = yield* openAsks.page(after, pageAsks)
        for (const open of page) {
          if (open.ask.ask === "activity") add({ ...open, ask: open.ask })
          else if (open.approval !== undefined && dispatch) engine.deliver(open)
        }
        if (page.length < pageAsks || overflowed) break
        after = page[page.length - 1]!.id
      }
      settledMeanwhile = undefined
      // All of what was left out may have been settled while this was reading.
      if (overflowed && jobs.size - byApproval.size < jobsMax / 2) takeUpAgain()
    })

    const counts = () => {
      const found = { interactive: 0, batch: 0, gated: 0, quarantined: 0 }
      for (const { state, declaration } of jobs.values()) {
        if (state === "gated") found.gated++
        else if (state === "quarantined") found.quarantined++
        else found[declaration.lane]++
      }
      return found
    }

    /** What another process recorded of an ask. */
    const heardElsewhere = ({ data, stream, type }: RecordedEvent) => {
      const { ask } = data as JsonObject
      if (typeof ask !== "string" || !/^Activity[A-Z]/.test(type)) return
      const id = `${stream}/${ask}`
      const job = jobs.get(id)
      switch (type) {
        case "ActivitySucceeded":
        case "ActivityFailed":
        case "ActivitySkipped": {
          settledMeanwhile?.add(id)
          if (job === undefined) return
          job.lost = true
          forget(job)
          return void endRun(job)
        }
        case "ActivityQuarantined":
          if (job === undefined) return takeUpAgain()
          if (!job.performing) job.state = "quarantined"
          return
        case "ActivityReleased":
          if (job?.state === "quarantined") enqueue(job)
      }
    }

    const heard = ({ clock, event, foreign }: Committed) => {
      if (!isOurs(event)) return
      const category = categoryOf(event.stream)
      if (category === "claim") return claiming.heard(event)
      if (category === "gatekeeper") {
        const job = byApproval.get(event.stream)
        if (job?.state === "gated" && event.type !== "ApprovalRequested") enqueue(job)
        else if (event.type === "ApprovalWithdrawn") {
          for (const one of jobs.values()) {
            if (one.approval === event.stream) backToTheGate(one)
          }
        }
      }
      if (foreign) heardElsewhere(event)
      const { asks } = event.metadata
      if (asks === undefined) return
      const of = { causation: event.id, correlation: event.metadata.$correlationId, clock }
      // What is asked for and taken back in one step never starts.
      const takenBack = new Set(asks.flatMap((ask) => (ask.ask === "stop" ? ask.of : [])))
      for (const [place, ask] of asks.entries()) {
        if (takenBack.has(`${event.revision}.${place}`)) continue
        const id = askId(event.stream, event.revision, place)
        if (ask.ask === "activity") add({ ...of, id, stream: event.stream, ask })
        else if (ask.ask === "stop" && ask.to === undefined) {
          const approval = stop(`${event.stream}/${ask.of}`)
          if (approval !== undefined) {
            engine.deliver({ ...of, id, stream: event.stream, ask, approval })
          }
        }
      }
    }
    if (dispatch) engine.listeners.add((committed) => committed.forEach(heard))

    attach({
      counts,
      resume: pump,
      busy: () => {
        if (stopping) return false
        for (const { state, declaration } of jobs.values()) {
          if (
            declaration.lane === "interactive" &&
            /^(queued|running|pausing|elsewhere)$/.test(state)
          ) return true
        }
        return false
      },
      resolveQuarantine: (id, outcome) =>
        Effect.suspend(() => {
          const job = jobs.get(id)
          if (job?.state !== "quarantined") {
            return Effect.fail(
              new InvalidEvent({
                stream: id,
                type: "ActivityQuarantined",
                message: `${id} is not quarantined; see aios brief or aios doctor for what is`,
              }),
            )
          }
          if (!outcome.happened && job.declaration.idempotency !== "unsafe") {
            // It was held back before it ran (after a restore): it goes on as if it had not been.
            return report(job.stream, of(job, { type: "ActivityReleased", by: "operator" }), {
              actor: "operator",
              causation: job.causation,
              correlation: job.correlation,
            }).pipe(Effect.tap(() => Effect.sync(() => enqueue(job))))
          }
          const event = outcome.happened
            ? {
              type: "ActivitySucceeded",
              output: sealOutput(vault, job.declaration, outcome.output, job.ask.input ?? null),
              by: "operator",
            }
            : failed("DidNotHappen", "The operator says that it did not happen", { by: "operator" })
          return report(job.stream, of(job, event), {
            id: outcomeId(id, 2),
            actor: "operator",
            causation: job.causation,
            correlation: job.correlation,
          }).pipe(Effect.tap(() => Effect.sync(() => forget(job))))
        }),
      stop: Effect.suspend(() => {
        stopping = true
        const fibers = [...jobs.values()].flatMap(({ declaration, fiber, state }) => {
          // Batch work without effects is done anew at the next start; nobody waits for it now.
          const { lane, risk, idempotency } = declaration
          const waits = lane === "interactive" || risk !== "none" || idempotency === "unsafe"
          return fiber === undefined
            ? []
            : state === "running" && waits
            ? [Fiber.await(fiber)]
            : [Fiber.interrupt(fiber)]
        })
        return Effect.all(fibers, { concurrency: "unbounded", discard: true }).pipe(
          Effect.timeoutOption(stopMillisMax),
          Effect.andThen(Effect.suspend(() => {
            // What still goes on keeps its claim, until that runs out.
            const ended = [...jobs.values()].filter(({ fiber }) => fiber === undefined)
            return Effect.forEach(ended, claiming.release, {
              concurrency: "unbounded",
              discard: true,
            })
          })),
        )
      }),
      shared: Effect.suspend(() => {
        keepOn()
        return claiming.claimRunning
      }),
    })
    /** As long as others work on the same log; a wake-up that was missed is made up for. */
    const scope = yield* Effect.scope
    const keepOn = () =>
      Effect.all([
        claiming.keep,
        Effect.forever(Effect.andThen(Effect.sleep(lookMillis), Effect.sync(takeUpAgain))),
      ], { concurrency: "unbounded", discard: true }).pipe(Effect.forkIn(scope), fork)
    yield* takeUp
    stopping = !dispatch
    if (dispatch && isShared()) keepOn()
    pump()
  }))
