/**
 * A host in memory: runs a chart and its child machines through `fold`, one stream each, in virtual time.
 * Asks are carried out at once and depth first, as XState's mailboxes would, so that what comes out can be
 * compared with `createActor`. Activities wait until the test settles them.
 */
import type { Ask } from "../../actors/event-log.ts"
import {
  type ActorState,
  type Chart,
  chartNamed,
  fold,
  type FoldEvent,
  type Step,
} from "../../actors/kernel.ts"
import type { Json, JsonObject } from "../../machines/agent.ts"

/** An event as a log would keep it, with what came of it. */
export interface Recorded extends FoldEvent {
  readonly asks: ReadonlyArray<Ask>
  readonly hash: string | undefined
}
export interface PendingActivity {
  readonly stream: string
  /** `<revision>.<place>` */
  readonly ask: string
  readonly src: string
  readonly input: Json | undefined
  settled: boolean
}
interface Timer {
  readonly stream: string
  readonly ask: string
  readonly due: number
}
interface Stream {
  readonly chart: Chart
  state: ActorState | undefined
  readonly events: Array<Recorded>
  /** What arrived while it was busy. */
  readonly waiting: Array<() => void>
  busy: boolean
}

export const createHost = (chart: Chart, name = `${chart.ref.name}-1`) => {
  const streams = new Map<string, Stream>()
  const activities: Array<PendingActivity> = []
  const emitted: Array<JsonObject> = []
  /** Events for actors that are not here. */
  const outbox: Array<{ readonly to: string; readonly event: JsonObject }> = []
  let timers: Array<Timer> = []
  let now = 0
  let ids = 0

  const chartOf = (stream: string): Chart | undefined =>
    stream === name ? chart : chartNamed(chart, stream.slice(0, Math.max(stream.indexOf("-"), 0)))
  const streamOf = (stream: string): Stream | undefined => {
    const found = streams.get(stream)
    if (found !== undefined) return found
    const its = chartOf(stream)
    if (its === undefined) return undefined
    const made: Stream = { chart: its, state: undefined, events: [], waiting: [], busy: false }
    streams.set(stream, made)
    return made
  }

  /** Gives an event to a stream; false where it was refused. Waits its turn while the stream is busy. */
  const give = (
    stream: string,
    type: string,
    data: JsonObject,
    metadata: Partial<FoldEvent["metadata"]> = {},
  ): boolean => {
    const actor = streamOf(stream)
    if (actor === undefined) {
      outbox.push({ to: stream, event: { ...data, type } })
      return true
    }
    const event: FoldEvent = JSON.parse(JSON.stringify({
      id: `0198c0de-0000-7000-8000-${(ids++).toString(16).padStart(12, "0")}`,
      type,
      data,
      metadata: { at: now, ...metadata },
    }))
    if (actor.busy) {
      actor.waiting.push(() => take(stream, actor, event))
      return true
    }
    actor.busy = true
    const accepted = take(stream, actor, event)
    for (let next = actor.waiting.shift(); next !== undefined; next = actor.waiting.shift()) next()
    actor.busy = false
    return accepted
  }

  const take = (stream: string, actor: Stream, event: FoldEvent): boolean => {
    const step: Step = fold(actor.chart, actor.state, event, stream)
    if (!step.accepted) return false
    actor.state = step.state
    actor.events.push({ ...event, asks: step.asks, hash: step.state?.hash })
    if (stream === name) emitted.push(...step.emitted)
    carryOut(stream, actor.events.length - 1, step.asks)
    return true
  }

  const carryOut = (stream: string, revision: number, asks: ReadonlyArray<Ask>) => {
    /** What this same event took back again is not begun. */
    const withdrawn = new Set(
      asks.flatMap((one) => one.ask === "stop" || one.ask === "cancel" ? [one.of] : []),
    )
    asks.forEach((one, place) => {
      const ask = `${revision}.${place}`
      switch (one.ask) {
        case "activity":
          if (withdrawn.has(ask)) return
          activities.push({ stream, ask, src: one.src, input: one.input, settled: false })
          return
        case "spawn":
          if (withdrawn.has(ask)) return
          give(one.to, "ActorStarted", {
            ...(one.input === undefined ? {} : { input: one.input }),
            parent: { stream, child: one.child, of: ask },
          })
          return
        case "timer":
          if (!withdrawn.has(ask)) timers.push({ stream, ask, due: one.due })
          return
        case "stop":
          if (one.to !== undefined && streams.has(one.to)) give(one.to, "ActorStopped", {})
          return
        case "cancel":
          timers = timers.filter((timer) => timer.stream !== stream || timer.ask !== one.of)
          return
        case "tell": {
          const { type, ...data } = one.event as JsonObject & { type: string }
          give(one.to, type, data, { actor: stream, ask })
        }
      }
    })
  }

  /** Fires the timers due at the earliest moment that is not after `until`; false where none is. */
  const fireNext = (until: number): boolean => {
    const due = Math.min(...timers.map((timer) => timer.due))
    if (timers.length === 0 || due > until) return false
    now = Math.max(now, due)
    const timer = timers.find((one) => one.due === due)!
    timers = timers.filter((one) => one !== timer)
    give(timer.stream, "TimerFired", { ask: timer.ask }, { at: now, occurredAt: timer.due })
    return true
  }

  return {
    name,
    streams,
    activities,
    emitted,
    outbox,
    chartOf,
    get state(): ActorState {
      return streams.get(name)!.state!
    },
    nextDue: () => Math.min(Infinity, ...timers.map((timer) => timer.due)),
    start: (input?: Json) => give(name, "ActorStarted", input === undefined ? {} : { input }),
    send: ({ type, ...data }: { type: string }) => give(name, type, data as JsonObject),
    fireDue: (until: number) => {
      while (fireNext(until)) { /* until none is due */ }
      now = Math.max(now, until)
    },
    /** Settles an activity, also one that was stopped: its outcome may come late. */
    settle: (activity: PendingActivity, outcome: { output?: Json } | { error: Error }) => {
      activity.settled = true
      const ask = activity.ask
      if ("error" in outcome) {
        const { name, message } = outcome.error
        give(activity.stream, "ActivityFailed", { ask, error: { name, message } })
      } else give(activity.stream, "ActivitySucceeded", { ask, ...outcome })
    },
  }
}
export type Host = ReturnType<typeof createHost>
