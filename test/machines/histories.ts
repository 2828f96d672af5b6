/**
 * Random histories of any agent: its own events made from their Schemas, outcomes of what it asked for,
 * and time. Only what the chart accepts is kept, as it would be recorded. Values that were seen before
 * come again under the same field, so that guards which compare are met too.
 */
import { Arbitrary, Effect, Result, Schema } from "effect"
import type { Ask } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import { type ActorState, type Chart, fold, type FoldEvent } from "../../actors/kernel.ts"
import {
  activityOf,
  type Agent,
  isSealed,
  type Json,
  type JsonObject,
  type StateValue,
} from "../../machines/agent.ts"
import type { Dice } from "../seeded.ts"

const hour = 60 * 60 * 1000
const day = 24 * hour
export const epoch = Date.UTC(2026, 10, 2, 8)
const samplesPerSchema = 100
/** What activities and the actor system say when something did not work. */
const problems = ["MissingSettings", "Skipped", "Rejected", "NotPermitted", "Unknown"]
/** Fields that say when something was: made near the actor's clock, or nothing would ever be recent. */
const instants = ["sentAt", "answers", "at"]
/** Fields that say until when: made later than the clock. */
const ends = ["until", "dueAt"]
const instantMillisMax = 40 * day

/** An event as recorded, and what came of it. */
export interface Lived {
  readonly event: FoldEvent
  readonly state: ActorState
  readonly asks: ReadonlyArray<Ask>
}

const json = (value: unknown) => JSON.parse(JSON.stringify(value)) as Json

/** Values of a Schema as JSON, the same ones for the same seed. */
export const samplesOf = (schema: Schema.Top, seed: number): ReadonlyArray<Json> =>
  Effect.runSync(
    Arbitrary.sampleEffect(
      Arbitrary.schema(schema as unknown as Schema.Codec<unknown>),
      { count: samplesPerSchema, seed },
    ),
  ).map(json)

const matches = (schema: Schema.Top, value: Json) =>
  Result.isSuccess(Schema.decodeUnknownResult(schema as unknown as Schema.Codec<unknown>)(value))

interface Drawn {
  readonly on?: object
  readonly states?: Readonly<Record<string, Drawn>>
}
/** Events that the active states themselves name, those of the root left out. */
const namedIn = (node: Drawn, value: StateValue): ReadonlyArray<string> =>
  (typeof value === "string" ? [[value, ""] as const] : Object.entries(value)).flatMap(
    ([name, inner]) => {
      const child = node.states?.[name]
      return child === undefined ? [] : [...Object.keys(child.on ?? {}), ...namedIn(child, inner)]
    },
  )

/** Lives histories of one agent. */
export const livesOf = (agent: Agent, chart: Chart, dice: Dice) => {
  const events = Object.entries(agent.events).map(([type, schema]) => ({
    type,
    schema,
    samples: samplesOf(schema, dice.seed),
    // Left out by most samples, so they are added.
    optional: Object.entries(schema.fields).filter(([, field]) =>
      (field as Schema.Top).ast.context?.isOptional === true
    ).map(([name, field]) => [name, samplesOf(field as Schema.Top, dice.seed)] as const),
  }))
  const outputs = new Map(
    Object.entries(agent.machine.implementations.actors).flatMap(([src, logic]) => {
      const declared = activityOf(logic)
      return declared ? [[src, samplesOf(declared.output, dice.seed)] as const] : []
    }),
  )

  /** The same value, with some fields as they were seen before and times near the clock. */
  const familiar = (value: Json, seen: Map<string, Array<Json>>, clock: number): Json => {
    if (typeof value !== "object" || value === null || isSealed(value)) return value
    if (Array.isArray(value)) return value.map((one: Json) => familiar(one, seen, clock))
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => {
        // One name may stand for different things: an invoice's facts, or its key.
        const before = seen.get(name)?.filter((seen) => typeof seen === typeof one) ?? []
        if (before.length > 0 && name !== "type" && dice.chance()) {
          return [name, dice.pick(before)]
        }
        if (instants.includes(name)) return [name, clock - dice.below(instantMillisMax)]
        if (ends.includes(name)) return [name, clock + 1 + dice.below(instantMillisMax)]
        return [name, familiar(one, seen, clock)]
      }),
    )
  }
  const remember = (value: Json, seen: Map<string, Array<Json>>) => {
    if (typeof value !== "object" || value === null || isSealed(value)) return
    for (const [name, one] of Object.entries(value)) {
      if (!Array.isArray(value)) seen.set(name, [...(seen.get(name) ?? []), one as Json])
      remember(one as Json, seen)
    }
  }

  const drawn = (
    state: ActorState | undefined,
    seen: Map<string, Array<Json>>,
    now: number,
  ): Pick<FoldEvent, "type" | "data"> => {
    const [due] = [...state?.timers ?? []].sort((a, b) => a.due - b.due)
    if (due !== undefined && dice.below(4) === 0) {
      return { type: "TimerFired", data: { ask: due.of } }
    }
    const running = Object.values(state?.children ?? {}).filter((child) =>
      child.kind === "activity" && !child.settled
    )
    if (running.length > 0 && dice.chance()) {
      const { of: ask, src } = dice.pick(running)
      if (dice.below(3) > 0) {
        const output = familiar(dice.pick(outputs.get(src) ?? [null]), seen, now)
        return { type: "ActivitySucceeded", data: { ask, output } }
      }
      const error = { name: dice.pick(problems), message: "It did not work" }
      return { type: "ActivityFailed", data: { ask, error } }
    }
    const named = state === undefined
      ? []
      : namedIn(agent.machine.config as Drawn, state.snapshot.value as StateValue)
    const likely = events.filter(({ type }) => named.includes(type))
    const { type, schema, samples, optional } = dice.pick(
      likely.length > 0 && dice.chance() ? likely : events,
    )
    const added = optional.filter(() => dice.chance())
      .map(([name, values]) => [name, dice.pick(values)] as const)
    const plain = dice.pick(samples) as JsonObject
    const fuller: JsonObject = { ...Object.fromEntries(added), ...plain }
    const sample = matches(schema, fuller) ? fuller : plain
    const known = familiar(sample, seen, now)
    return { type, data: matches(schema, known) ? known : sample }
  }

  /** One actor's history, from its beginning or on from what it lived; refused attempts count too. */
  return (
    name: string,
    attempts: number,
    before: ReadonlyArray<Lived> = [],
  ): ReadonlyArray<Lived> => {
    const stream = `${agent.name}-${name}`
    const seen = new Map<string, Array<Json>>()
    const lived: Array<Lived> = [...before]
    let state = before.at(-1)?.state
    let now = Math.max(epoch, state?.clock ?? epoch)
    const notice = (data: Json, asks: ReadonlyArray<Ask>) => {
      remember(data, seen)
      // What was asked for comes back to the actor: ids, hashes.
      remember(json(asks), seen)
      // Whoever is told something answers with its own stream.
      const told = asks.flatMap((ask) => ask.ask === "tell" ? [ask.to] : [])
      remember(told.map((work) => ({ work })), seen)
    }
    for (const { asks, event } of before) notice(json(event.data), asks)
    const give = (type: string, data: Json) => {
      const id = derivedId(`${stream}:${lived.length}:${type}`)
      // As the log would give it back.
      const event = json({ id, type, data, metadata: { at: now } }) as unknown as FoldEvent
      const step = fold(chart, state, event, stream)
      if (step.defect !== undefined) {
        throw new Error(`${type} broke ${stream}: ${JSON.stringify(data)}`, { cause: step.defect })
      }
      if (!step.accepted || step.state === undefined) return
      state = step.state
      notice(data, step.asks)
      lived.push({ event, state, asks: step.asks })
    }
    if (state === undefined && dice.below(8) === 0) give("ActorStarted", { input: { key: name } })
    for (let n = 0; n < attempts; n++) {
      const { type, data } = drawn(state, seen, now)
      if (type === "TimerFired") {
        const timer = state?.timers.find(({ of }) => of === (data as JsonObject)["ask"])
        now = Math.max(now, timer?.due ?? now)
      } else now += dice.below(hour)
      give(type, data)
    }
    return lived
  }
}
