/**
 * Appends with any expected revision. Those that arrive in one turn share one commit. A revision that
 * only this process believed in is tried again as long as somebody else was first.
 */
import { Effect } from "effect"
import { setImmediate } from "node:timers"
import type { Append } from "../../actors/event-log.ts"
import { received, type WireEvent } from "../../actors/foreign-events.ts"
import type { AppendOutcome, Expected, Log } from "./door.ts"
import type { States, StreamState } from "./states.ts"

/** Appends in one commit. */
const groupMax = 1000

export interface Appends {
  append(
    stream: string,
    expected: Expected,
    events: ReadonlyArray<WireEvent>,
  ): Promise<AppendOutcome>
}

interface Waiting {
  readonly stream: string
  readonly expected: Expected
  readonly events: ReadonlyArray<WireEvent>
  readonly settle: (outcome: AppendOutcome) => void
  readonly fail: (cause: unknown) => void
}

export const appends = (log: Log, states: States, now: () => number): Appends => {
  let queue: Array<Waiting> = []
  let busy = false

  const decided = (one: Waiting, state: StreamState): AppendOutcome | number => {
    if (state.tombstoned) return { _tag: "StreamDeleted" }
    if (one.expected === "any") return state.last
    if (one.expected === "noStream") return -1
    if (one.expected === "streamExists") {
      return state.last < 0 ? { _tag: "WrongExpectedVersion", current: -1 } : state.last
    }
    return one.expected
  }

  const commit = async (group: ReadonlyArray<Waiting>) => {
    const heads = new Map<string, number>()
    const going: Array<{ readonly one: Waiting; readonly append: Append }> = []
    for (const one of group) {
      const state = await states.of(one.stream)
      const last = heads.get(one.stream) ?? state.last
      const expected = decided(one, { ...state, last })
      if (typeof expected !== "number") {
        one.settle(expected)
        continue
      }
      const events = one.events.map((event) => received(event, now()))
      going.push({ one, append: { stream: one.stream, expected, events } })
      if (expected === last) heads.set(one.stream, last + events.length)
    }
    const outcomes = await Effect.runPromise(log.appendBatch(going.map(({ append }) => append)))
    going.forEach(({ one, append }, place) => {
      const outcome = outcomes[place]
      if (outcome === undefined) return one.fail(new Error("no outcome"))
      if (!("_tag" in outcome)) {
        states.appended(one.stream, append.events, outcome.revision)
        return one.settle({
          _tag: "Appended",
          revision: outcome.revision,
          position: outcome.positions.at(-1) ?? -1,
        })
      }
      if (outcome._tag === "EventTooLarge") return one.fail(outcome)
      states.forget(one.stream)
      if (one.expected === "any" || one.expected === "streamExists") queue.push(one)
      else one.settle({ _tag: "WrongExpectedVersion", current: outcome.actual })
    })
  }

  const drain = async () => {
    while (queue.length > 0) {
      const group = queue.slice(0, groupMax)
      queue = queue.slice(groupMax)
      try {
        await commit(group)
      } catch (cause) {
        for (const one of group) one.fail(cause)
      }
    }
    busy = false
  }

  return {
    append: (stream, expected, events) =>
      new Promise((settle, fail) => {
        queue.push({ stream, expected, events, settle, fail })
        if (busy) return
        busy = true
        setImmediate(() => void drain())
      }),
  }
}
