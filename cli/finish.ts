/** The end of a command that worked: lets what is runnable run, and says what remains and until when. */
import { Clock, Effect } from "effect"
import type { Remaining } from "../actors/actor-system.ts"
import { coordinatorStream } from "../actors/cadence.ts"
import type { StateValue } from "../machines/agent.ts"
import type { Aios } from "../projections/aios.ts"
import { settleMillisMax } from "./access.ts"
import { count, Output, span } from "./output.ts"

const due = (at: number, now: number): string => {
  if (at <= now) return "now"
  const when = new Date(at).toISOString().slice(0, 16).replace("T", " ")
  return `in ${span(at - now)} (${when} UTC)`
}

/** `awaiting`: the decisions that wait now; what else is held at the gate was put off. */
export const remainingText = (remaining: Remaining, awaiting: number, now: number): string => {
  const putOff = Math.max(0, remaining.gated - awaiting)
  const open = [
    ...(remaining.interactive > 0 ? [`${count(remaining.interactive, "task")} still to run`] : []),
    ...(remaining.batch > 0 ? [`${count(remaining.batch, "batch task")}`] : []),
    ...(awaiting > 0 ? [`${count(awaiting, "decision")} for you (aios approvals)`] : []),
    ...(putOff > 0 ? [`${count(putOff, "decision")} put off`] : []),
    ...(remaining.quarantined > 0
      ? [`${count(remaining.quarantined, "outcome")} unknown (aios doctor)`]
      : []),
    ...(remaining.parked > 0 ? [`${count(remaining.parked, "agent")} parked (aios doctor)`] : []),
  ]
  const timer = remaining.nextDue === undefined ? [] : [`next timer ${due(remaining.nextDue, now)}`]
  return [...open, ...timer].join("; ")
}

/** Decisions that wait now, of all that is held at the gate. */
export const awaitingOf = (aios: Aios["Service"], remaining: Remaining) =>
  remaining.gated === 0
    ? Effect.succeed(0)
    : Effect.map(aios.approvals, (all) => Math.min(all.length, remaining.gated))

/** Documents are made behind everything else; a command waits for them so long and no longer. */
const documentsMillisMax = 5_000
const pollMillis = 20

const makesDocuments = (state: StateValue): boolean =>
  typeof state !== "string" && state["reports"] !== undefined && state["reports"] !== "idle"

/** The documents of slots that just came are made before this process ends: the next one may be far. */
const documentsMade = (aios: Aios["Service"]) =>
  aios.view(coordinatorStream).pipe(
    Effect.map(({ state }) => makesDocuments(state)),
    // Before the first slot nobody makes any.
    Effect.catch(() => Effect.succeed(false)),
    Effect.tap((busy) => busy ? Effect.sleep(pollMillis) : Effect.void),
    Effect.repeat({ while: (busy) => busy }),
    Effect.timeoutOption(documentsMillisMax),
    Effect.asVoid,
  )

/** Works until nothing interactive is runnable; what is left is said on stderr. */
export const finish = Effect.fnUntraced(function* (aios: Aios["Service"]) {
  const output = yield* Output
  const remaining = yield* aios.settle(settleMillisMax)
  const awaiting = yield* awaitingOf(aios, remaining)
  const text = remainingText(remaining, awaiting, yield* Clock.currentTimeMillis)
  if (text !== "") yield* output.log(`Waiting: ${text}`)
})

/** The end of a brief: its document, and those of the slots that came with it, are there as well. */
export const finishDay = (aios: Aios["Service"]) =>
  Effect.andThen(documentsMade(aios), finish(aios))
