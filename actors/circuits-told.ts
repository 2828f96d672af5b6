/**
 * What the log knows of the circuits: read when a process begins, and brought in line with every change.
 * Ids are derived from the count of outages, so telling again changes nothing.
 */
import { Clock, Effect, Schema } from "effect"
import type { Trouble } from "../machines/integration-events.ts"
import { ActorSystem, type Proposal } from "./actor-system.ts"
import { type Circuit, isOutage, names, pauseMillisMin, reasons } from "./circuit.ts"
import { derivedId } from "./ids.ts"

/** What the log may take; a change that could not be told is told with the next one. */
const tellMillisMax = 5_000

/** What is read of the chart's context. */
const Known = Schema.Struct({
  since: Schema.Int,
  outages: Schema.Int,
  trouble: Schema.NullOr(Schema.String),
  reason: Schema.String,
})
const knownOf = Schema.decodeUnknownOption(Known)
const isTrouble = (trouble: string | null): trouble is Trouble =>
  trouble !== null && trouble in reasons

/** `dispatch` false: the log is read and told nothing. An ending process tells nothing either. */
export const loggedCircuits = (
  { dispatch, isEnding }: { readonly dispatch: boolean; readonly isEnding: Effect.Effect<boolean> },
) =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const streamOf = (circuit: Circuit) => `integration-${circuit.service}`
    const logged = Effect.fnUntraced(function* (circuit: Circuit) {
      const view = yield* system.view(streamOf(circuit))
      const known = knownOf(view?.context)
      return {
        state: typeof view?.value === "string" ? view.value : undefined,
        isDown: view?.value === "open" || view?.value === "probing",
        since: known._tag === "Some" ? known.value.since : 0,
        outages: known._tag === "Some" ? known.value.outages : 0,
        trouble: known._tag === "Some" ? known.value.trouble : null,
        reason: known._tag === "Some" ? known.value.reason : "",
      }
    })

    /** How it stood when the process before this one ended. */
    const load = (circuit: Circuit) =>
      circuit.loaded ? Effect.void : logged(circuit).pipe(
        Effect.map((known) => {
          if (circuit.loaded) return
          circuit.loaded = true
          circuit.met ||= known.state !== undefined
          if (!known.isDown || circuit.open || circuit.proven) return
          circuit.open = true
          circuit.inherited = true
          circuit.pauseMillis = pauseMillisMin
          circuit.since = known.since
          circuit.trouble = isTrouble(known.trouble) ? known.trouble : "failed"
          circuit.reason = known.reason
        }),
        // Without the log it is taken for well: what fails will show.
        Effect.ignore,
      )

    const propose = Effect.fnUntraced(
      function* (circuit: Circuit, change: string, event: Proposal) {
        if (yield* isEnding) return
        yield* system.propose(streamOf(circuit), event, {
          id: derivedId(`circuit:${circuit.service}:${change}`),
          actor: "circuits",
        })
      },
    )

    /** Brings the log in line with what is known here. */
    const tell = (circuit: Circuit): Effect.Effect<void> =>
      dispatch
        ? circuit.telling.withPermits(1)(Effect.gen(function* () {
          const known = yield* logged(circuit)
          if (circuit.open && isOutage(circuit)) {
            if (!known.isDown) {
              yield* propose(circuit, `${known.outages}:opened`, {
                type: "CircuitOpened",
                trouble: circuit.trouble ?? "failed",
                reason: circuit.reason,
                failures: circuit.failures + circuit.useless,
              })
            } else if (known.state === "open" && circuit.probes > 0) {
              yield* propose(circuit, `${known.outages}:probed`, {
                type: "ProbeFailed",
                reason: circuit.reason,
              })
            }
          } else if (!circuit.open && circuit.proven) {
            if (known.isDown) {
              const now = yield* Clock.currentTimeMillis
              yield* propose(circuit, `${known.outages}:closed`, {
                type: "CircuitClosed",
                millis: Math.max(0, now - known.since),
              })
            } else if (known.state === undefined) {
              yield* propose(circuit, "answered", { type: "ServiceAnswered" })
            }
          }
          circuit.untold = false
        })).pipe(
          Effect.timeoutOption(tellMillisMax),
          Effect.catch((refusal) =>
            Effect.sync(() => void (circuit.untold = true)).pipe(
              Effect.andThen(
                Effect.logWarning(`How ${names[circuit.service]} is waits: ${refusal.message}`),
              ),
            )
          ),
          Effect.asVoid,
        )
        : Effect.void

    return { load, tell }
  })
