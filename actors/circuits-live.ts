/**
 * The circuits, kept in this process and told to the log.
 *
 * What opens one: so many failures or late answers in a row, one that a probe confirms, or so many answers in a row that whoever asked had to throw away. While it is open nobody is let through:
 * a probe finds out, after pauses that double, and the first that succeeds closes it. The pauses go on
 * doubling if it fails again soon after, so a service that comes and goes makes ever fewer events. One that
 * was late or talked nonsense has to do a piece of its work in a probe. Where nothing can be probed, callers
 * are let through again after a pause, and an answer of use closes the circuit.
 *
 * What is told: changes only, to `integration-<service>`, under ids derived from the count of its outages,
 * so a repetition changes nothing. What the log says is compared first and brought in line: a process that
 * was killed in between leaves nothing to mend. A process that only reads tells nothing.
 *
 * A service that was never there is no outage. Its first answer ever is told once (`ServiceAnswered`); before
 * that a circuit that opens, for whatever reason, is known in this process only, as `absent`. So a machine
 * without Ollama has no event about it, however many commands run, and the brief advises from just that.
 * A process that starts in an outage begins with an open circuit and a probe, not with failures of its own.
 *
 * Effect's CircuitBreaker (in `activities/breakers.ts`) is for activities: it lets the next caller be the
 * probe, which here could be a mail of a minute's thinking, and it cannot be told by a judge that an answer
 * which came was nonsense.
 */
import { Clock, Effect, Fiber, Layer } from "effect"
import { Service, type Trouble } from "../machines/integration-events.ts"
import type { ActorSystem } from "./actor-system.ts"
import {
  type Circuit,
  isOutage,
  limits,
  names,
  pauseMillisMin,
  reasons,
  stateOf,
  unopened,
} from "./circuit.ts"
import { CircuitOpen, Circuits, type ProbeFailure } from "./circuits.ts"
import { loggedCircuits } from "./circuits-told.ts"

/** Pauses between probes double up to this. */
const pauseMillisMax = 60_000
/** After a probe, so many answers of no use open it again. */
const uselessTrialMax = 3
/** A probe cannot see that answers are nonsense, so that is left alone for longer. */
const uselessPauseMillisMin = 60_000
const uselessPauseMillisMax = 60 * 60 * 1000
const probeMillisMax = 2_000
const thoroughMillisMax = 20_000
const reasonCharsMax = 160

const late: ProbeFailure = { message: `no answer within ${probeMillisMax / 1000} seconds` }
const tooLate: ProbeFailure = {
  message: `no answer within ${thoroughMillisMax / 1000} seconds`,
  trouble: "slow",
}

const within = (probe: Effect.Effect<void, ProbeFailure>, duration: number, or: ProbeFailure) =>
  Effect.timeoutOrElse(probe, { duration, orElse: () => Effect.fail(or) })

const monotonicMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

export interface CircuitsOptions {
  /** False: nothing is told to the log; for commands that only read. Default true. */
  readonly dispatch?: boolean
  /**
   * Whoever started this process, and its helpers, is gone: services end with it, and so does this process. What
   * it sees of them is no news. Asked before something is told.
   */
  readonly isEnding?: Effect.Effect<boolean>
}

const make = (options: CircuitsOptions) =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const dispatch = options.dispatch ?? true
    const circuits = new Map<Service, Circuit>()
    for (const service of Service.literals) circuits.set(service, yield* unopened(service))
    const of = (service: Service) => circuits.get(service)!

    const { load, tell } = yield* loggedCircuits({
      dispatch,
      isEnding: options.isEnding ?? Effect.succeed(false),
    })

    /** What a change brings with it is not for whoever happened to cause it: batch work is interrupted at any time. */
    const ofItsOwn = (effect: Effect.Effect<void>) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          Effect.forkIn(Effect.interruptible(effect), scope),
          (fiber) => restore(Fiber.join(fiber)),
        )
      )

    const change = (circuit: Circuit, open: boolean): Effect.Effect<void> =>
      ofItsOwn(changed(circuit, open))
    const changed: (circuit: Circuit, open: boolean) => Effect.Effect<void> = Effect.fnUntraced(
      function* (
        circuit,
        open,
      ) {
        // Somebody else found the same.
        if (circuit.open === open && !circuit.onTrial) return
        const now = yield* monotonicMillis
        if (open) {
          const calm = now - circuit.changedAt
          const [least, most] = circuit.trouble === "garbage"
            ? [uselessPauseMillisMin, uselessPauseMillisMax]
            : [pauseMillisMin, pauseMillisMax]
          circuit.pauseMillis = circuit.pauseMillis === 0 || calm > circuit.outageMillis
            ? least
            : Math.min(most, Math.max(least, circuit.pauseMillis * 2))
          circuit.probes = 0
        } else {
          circuit.outageMillis = now - circuit.changedAt
          circuit.failures = 0
          circuit.useless = 0
          circuit.trouble = undefined
          circuit.reason = ""
        }
        circuit.open = open
        circuit.proven = !open
        circuit.onTrial = false
        circuit.untold = dispatch
        circuit.since = yield* Clock.currentTimeMillis
        circuit.changedAt = now
        circuit.met ||= !open
        yield* Effect.logInfo(
          open
            ? `${names[circuit.service]}: ${circuit.reason}; it is left alone for a while`
            : `${names[circuit.service]} works again`,
        ).pipe(Effect.when(Effect.succeed(!open || isOutage(circuit))))
        yield* tell(circuit)
        if (open) yield* keepProbing(circuit)
      },
    )

    const tryOut = (circuit: Circuit) => {
      circuit.open = false
      circuit.onTrial = true
      circuit.unjudged = false
      circuit.failures = limits[circuit.service].failuresMax - 1
      circuit.useless = limits[circuit.service].uselessMax - uselessTrialMax
    }

    /** One probe at a time; whoever comes meanwhile takes its result. */
    const probeOnce = (circuit: Circuit): Effect.Effect<boolean> =>
      Effect.suspend(() => {
        const { probe, probes, trouble } = circuit
        if (probe === undefined) return Effect.succeed(false)
        const thorough = circuit.open && trouble !== "absent" && trouble !== "noModel"
          ? circuit.thorough
          : undefined
        return circuit.lock.withPermits(1)(Effect.gen(function* () {
          if (circuit.probes > probes) return !circuit.open
          const refusal = yield* within(probe, probeMillisMax, late).pipe(
            Effect.andThen(
              thorough === undefined ? Effect.void : within(thorough, thoroughMillisMax, tooLate),
            ),
            Effect.match({ onFailure: (failure) => failure, onSuccess: () => undefined }),
            // Whoever asks how things stand is not to break down because a service's adapter does.
            Effect.catchDefect((defect): Effect.Effect<ProbeFailure> =>
              Effect.succeed({ message: `its adapter broke down: ${defect}`, trouble: "failed" })
            ),
          )
          circuit.probes++
          circuit.refusal = refusal
          if (refusal === undefined) return true
          if (circuit.open) {
            circuit.reason = refusal.message.slice(0, reasonCharsMax)
            circuit.trouble = refusal.trouble ?? circuit.trouble
          }
          return false
        }))
      })

    const probeAndClose: (circuit: Circuit) => Effect.Effect<boolean> = Effect.fnUntraced(
      function* (
        circuit,
      ) {
        const works = yield* probeOnce(circuit)
        if (!circuit.open) return true
        if (works) yield* change(circuit, false)
        else if (circuit.probes === 1 || circuit.untold) yield* tell(circuit)
        return works
      },
    )

    const keepProbing = (circuit: Circuit): Effect.Effect<void> =>
      Effect.suspend(() => {
        if (circuit.probing || circuit.probe === undefined) return Effect.void
        circuit.probing = true
        return Effect.gen(function* () {
          while (circuit.open) {
            yield* Effect.sleep(circuit.pauseMillis)
            if (!circuit.open || (yield* probeAndClose(circuit))) break
            const most = circuit.trouble === "garbage" ? uselessPauseMillisMax : pauseMillisMax
            circuit.pauseMillis = Math.min(most, Math.max(pauseMillisMin, circuit.pauseMillis * 2))
          }
        }).pipe(
          Effect.ensuring(Effect.sync(() => void (circuit.probing = false))),
          Effect.interruptible,
          Effect.forkIn(scope),
          Effect.asVoid,
        )
      }).pipe(Effect.uninterruptible)

    /** One that the log says is down is tried once before anybody is sent away. */
    const ready = Effect.fnUntraced(function* (circuit: Circuit) {
      yield* load(circuit)
      if (!circuit.open || !circuit.inherited || circuit.probe === undefined) return
      yield* probeAndClose(circuit)
      yield* Effect.uninterruptible(Effect.suspend(() => {
        circuit.inherited = false
        return keepProbing(circuit)
      }))
    })

    const open = (circuit: Circuit, trouble: Trouble, reason: string) =>
      Effect.suspend(() => {
        if (circuit.open) return Effect.void
        circuit.trouble = trouble
        circuit.reason = reason.slice(0, reasonCharsMax)
        return change(circuit, true)
      })

    const fail = Effect.fnUntraced(function* (circuit: Circuit, trouble: Trouble) {
      if (circuit.open) return
      // One model may be missing where another is there: that alone is no failure of the service.
      if (trouble !== "noModel") circuit.failures++
      // One that does not even answer a probe need not fail again and again.
      const isConfirmed = circuit.probe !== undefined && !(yield* probeOnce(circuit))
      if (isConfirmed) {
        const isLate = circuit.refusal === late && trouble !== "absent"
        const found = circuit.refusal?.trouble ?? (isLate ? "slow" : trouble)
        // What it refuses with says more than that it does.
        const said = found === "failed" ? circuit.refusal?.message : undefined
        yield* open(circuit, found, said ?? reasons[found])
      } else if (circuit.failures >= limits[circuit.service].failuresMax) {
        yield* open(circuit, trouble, reasons[trouble])
      }
    })

    const complain = Effect.fnUntraced(function* (
      circuit: Circuit,
      trouble: Trouble,
      reason: string,
    ) {
      if (trouble !== "garbage") return yield* fail(circuit, trouble)
      if (circuit.open) return
      circuit.unjudged = false
      circuit.useless++
      if (circuit.useless >= limits[circuit.service].uselessMax) {
        yield* open(circuit, trouble, reason)
      }
    })

    /** An answer that nobody complained of before the next one came was of use. */
    const succeed = Effect.fnUntraced(function* (circuit: Circuit, millis: number) {
      // It began before the circuit opened: a probe will tell.
      if (circuit.open) return
      circuit.met = true
      const { answerMillisMax } = limits[circuit.service]
      if (answerMillisMax !== undefined && millis > answerMillisMax) {
        return yield* fail(circuit, "slow")
      }
      const isOfUse = circuit.unjudged || circuit.trouble !== "garbage"
      if (circuit.onTrial && isOfUse) return yield* change(circuit, false)
      circuit.failures = 0
      if (circuit.unjudged) circuit.useless = 0
      circuit.unjudged = true
      if (circuit.onTrial) return
      if (circuit.proven && !circuit.untold) return
      circuit.proven = true
      yield* tell(circuit)
    })

    const guard: Circuits["Service"]["guard"] = (service, effect, trouble) =>
      Effect.gen(function* () {
        const circuit = of(service)
        yield* ready(circuit)
        if (
          circuit.open && circuit.probe === undefined &&
          (yield* monotonicMillis) - circuit.changedAt > circuit.pauseMillis
        ) tryOut(circuit)
        if (circuit.open) {
          return yield* new CircuitOpen({
            service,
            message: isOutage(circuit)
              ? `${names[service]} is left alone for a while: ${circuit.reason}`
              : `${names[service]} is not there: ${circuit.reason}`,
            ...(circuit.trouble === undefined ? {} : { trouble: circuit.trouble }),
            // What was never there is not back by itself.
            retryable: isOutage(circuit),
          })
        }
        const started = yield* monotonicMillis
        const answer = yield* Effect.tapError(effect, (failure) => {
          const found = trouble(failure)
          return found === undefined ? Effect.void : complain(circuit, found, reasons[found])
        })
        yield* succeed(circuit, (yield* monotonicMillis) - started)
        return answer
      })

    const look = Effect.fnUntraced(function* (
      circuit: Circuit,
      which: "down" | "untried" | "all",
    ) {
      yield* load(circuit)
      if (circuit.open) {
        const probing = yield* Effect.forkIn(probeAndClose(circuit), scope)
        return yield* Effect.asVoid(Effect.timeoutOption(Fiber.join(probing), probeMillisMax))
      }
      if (which === "down" || circuit.probe === undefined) return
      if (which === "untried" && circuit.met) return
      if (yield* probeOnce(circuit)) return yield* succeed(circuit, 0)
      const { message, trouble = "absent" } = circuit.refusal ?? late
      // What was never there may only be starting.
      if (circuit.refusal !== late || circuit.met) yield* open(circuit, trouble, message)
    })

    // What was down when the last process ended is looked after from the start.
    if (dispatch) {
      yield* Effect.forEach(circuits.values(), ready, { discard: true }).pipe(
        Effect.forkIn(scope),
      )
    }

    return Circuits.of({
      guard,
      complain: (service, trouble, reason) => complain(of(service), trouble, reason),
      probe: (service, effect, thorough) =>
        Effect.suspend(() => {
          const circuit = of(service)
          circuit.probe = effect
          circuit.thorough = thorough
          return circuit.open && dispatch
            ? Effect.asVoid(Effect.forkIn(ready(circuit), scope))
            : Effect.void
        }),
      look: (which) =>
        Effect.forEach(circuits.values(), (circuit) => look(circuit, which), {
          concurrency: "unbounded",
          discard: true,
        }),
      states: Effect.sync(() => [...circuits.values()].map(stateOf)),
    })
  })

export const layer = (
  options: CircuitsOptions = {},
): Layer.Layer<Circuits, never, ActorSystem> => Layer.effect(Circuits, make(options))
