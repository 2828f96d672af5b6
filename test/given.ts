/**
 * Tests of charts that read as rules: `given(lead, wrote).when(after(14 * day)).is("cold")`. Events go
 * through the same kernel as in real life, checked by their Schemas; what is asked for is only looked
 * at. Each step happens a minute after the one before, or when its `sentAt` says.
 */
import { Schema } from "effect"
import { expect } from "vitest"
import { type ActorState, type Chart, define, fold } from "../actors/kernel.ts"
import type { Ask } from "../actors/event-log.ts"
import { derivedId } from "../actors/ids.ts"
import type { Agent, Json, JsonObject, StateValue } from "../machines/agent.ts"

export const minute = 60 * 1000
export const hour = 60 * minute
export const day = 24 * hour
/** When every story begins. */
export const epoch = Date.UTC(2026, 10, 2, 8)

type Event = { readonly type: string; readonly [field: string]: unknown }
/** Time goes by; timers that are due fire. */
type After = { readonly after: number; readonly type?: never }
/** An activity of the chart, by its id there, comes back. */
type Outcome =
  | { readonly done: string; readonly output: Json; readonly type?: never }
  | {
    readonly failed: string
    readonly name: string
    readonly message: string
    readonly type?: never
  }
type Given = Event | After | Outcome

const isEvent = (step: Given): step is Event => typeof step.type === "string"
const isAfter = (step: Given): step is After => !isEvent(step) && "after" in step

export const after = (millis: number): After => ({ after: millis })
export const done = (child: string, output: Json): Outcome => ({ done: child, output })
export const failed = (child: string, name: string, message = "It did not work"): Outcome => ({
  failed: child,
  name,
  message,
})

interface Folded {
  readonly state: ActorState | undefined
  readonly asks: ReadonlyArray<Ask>
  readonly accepted: boolean
  readonly now: number
}

const outcomeOf = (step: Outcome, state: ActorState | undefined) => {
  const child = "done" in step ? step.done : step.failed
  const of = state?.children[child]?.of
  if (of === undefined) throw new Error(`Nothing was asked of "${child}", so it cannot come back`)
  return "done" in step ? { type: "ActivitySucceeded", data: { ask: of, output: step.output } } : {
    type: "ActivityFailed",
    data: { ask: of, error: { name: step.name, message: step.message } },
  }
}

/** Plain JSON, as the log would give it back. */
const json = (value: unknown) => JSON.parse(JSON.stringify(value)) as JsonObject

const take = (agent: Agent, chart: Chart, stream: string, from: Folded, step: Given): Folded => {
  let { state } = from
  let now = from.now + (isAfter(step) ? step.after : minute)
  const recorded = isEvent(step)
    ? { type: step.type, data: json(step) }
    : isAfter(step)
    ? undefined
    : outcomeOf(step, state)
  if (recorded !== undefined && isEvent(step)) {
    const schema = agent.events[step.type]
    if (schema === undefined) throw new Error(`${agent.name} has no event ${step.type}`)
    Schema.decodeUnknownSync(schema as unknown as Schema.Codec<unknown>)(recorded.data)
    const sentAt = "sentAt" in step ? step.sentAt : undefined
    if (typeof sentAt === "number") now = Math.max(state?.clock ?? sentAt, sentAt)
  }
  const asks: Array<Ask> = []
  const give = (type: string, data: Json, at: number) => {
    const id = derivedId(`${stream}:${state?.revision ?? -1}:${type}`)
    const next = fold(chart, state, { id, type, data, metadata: { at } }, stream)
    if (next.defect !== undefined) throw next.defect
    state = next.state
    asks.push(...next.asks)
    return next.accepted
  }
  for (;;) {
    const due = state?.timers.filter((timer) => timer.due <= now).sort((a, b) => a.due - b.due)[0]
    if (due === undefined) break
    give("TimerFired", { ask: due.of }, due.due)
  }
  const accepted = recorded === undefined || give(recorded.type, recorded.data, now)
  return { state, asks, accepted, now }
}

class Then {
  readonly #folded: Folded
  readonly #more: (step: Given) => Then
  constructor(folded: Folded, more: (step: Given) => Then) {
    this.#folded = folded
    this.#more = more
  }
  get state(): ActorState {
    if (this.#folded.state === undefined) throw new Error("There is no actor")
    return this.#folded.state
  }
  when(step: Given): Then {
    if (!this.#folded.accepted) throw new Error("The step before was refused")
    return this.#more(step)
  }
  is(value: StateValue): Then {
    expect(this.#folded.accepted, "the event is accepted").toBe(true)
    expect(this.state.snapshot.value).toEqual(value)
    return this
  }
  /** These of its regions are so; of the others nothing is said. */
  isIn(regions: { readonly [region: string]: StateValue }): Then {
    expect(this.#folded.accepted, "the event is accepted").toBe(true)
    expect(this.state.snapshot.value).toMatchObject(regions)
    return this
  }
  isRefused(): Then {
    expect(this.#folded.accepted, "the event is accepted").toBe(false)
    return this
  }
  knows(context: object): Then {
    expect(this.state.snapshot.context).toMatchObject(context)
    return this
  }
  /** Its context's `record` has nothing under this name. */
  lacks(record: string, name: string): Then {
    expect(Object.keys(this.state.snapshot.context[record])).not.toContain(name)
    return this
  }
  /** Exactly these activities. */
  asks(...activities: ReadonlyArray<string>): Then {
    const asked = this.#folded.asks.flatMap((ask) => ask.ask === "activity" ? [ask.src] : [])
    expect(asked).toEqual(activities)
    return this
  }
  /** What the activities are asked with. */
  get inputs(): ReadonlyArray<Json | undefined> {
    return this.#folded.asks.flatMap((ask) => ask.ask === "activity" ? [ask.input] : [])
  }
  /** Takes back the activities with these ids. */
  stops(...children: ReadonlyArray<string>): Then {
    const stopped = this.#folded.asks.flatMap((ask) => ask.ask === "stop" ? [ask.child] : [])
    expect(stopped).toEqual(children)
    return this
  }
  /** The only tell is this one. */
  tells(to: string, event: object): Then {
    expect(this.told).toMatchObject([{ to, event }])
    return this
  }
  /** These tells, in this order. */
  tellsAll(...all: ReadonlyArray<readonly [to: string, event: object]>): Then {
    expect(this.told).toMatchObject(all.map(([to, event]) => ({ to, event })))
    return this
  }
  tellsNobody(): Then {
    expect(this.told).toEqual([])
    return this
  }
  get told(): ReadonlyArray<{ readonly to: string; readonly event: Json }> {
    return this.#folded.asks.flatMap((ask) =>
      ask.ask === "tell" ? [{ to: ask.to, event: ask.event }] : []
    )
  }
}

/** The actor `key` of `agent` after these steps, each of which must be accepted. */
export const given = (agent: Agent, ...steps: ReadonlyArray<Given>): Then =>
  givenActor(agent, "main", ...steps)

export const givenActor = (agent: Agent, key: string, ...steps: ReadonlyArray<Given>): Then => {
  const chart = define(agent.machine, { name: agent.name, version: agent.version })
  const then = (folded: Folded): Then =>
    new Then(folded, (step) => then(take(agent, chart, `${agent.name}-${key}`, folded, step)))
  return steps.reduce(
    (before, step) => before.when(step),
    then({ state: undefined, asks: [], accepted: true, now: epoch - minute }),
  )
}
