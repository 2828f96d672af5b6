/**
 * What holds for every agent, also for one that is added tomorrow: events survive their way through
 * JSON, random histories fold to the same states again, states survive being stored, and every state that
 * the chart draws can be reached.
 */
import { describe, expect, it } from "vitest"
import { Result, Schema } from "effect"
import { canonical } from "../../actors/canonical.ts"
import {
  type ActorState,
  define,
  fold,
  persist,
  restore,
  stateHash,
  valueOf,
} from "../../actors/kernel.ts"
import { activityOf, type Json, type StateValue } from "../../machines/agent.ts"
import { agents, journals } from "../../machines/mod.ts"
import { seeded } from "../seeded.ts"
import { type Lived, livesOf, samplesOf } from "./histories.ts"

const histories = 150
const attemptsMax = 60
/** So many times more are lived while a state was not reached. */
const furtherFactorMax = 100

interface Drawn {
  readonly initial?: unknown
  readonly type?: string
  readonly states?: Readonly<Record<string, Drawn>>
}

/** Paths of all states a chart draws, `adapters.normal`. */
const drawnIn = (node: Drawn, path: ReadonlyArray<string> = []): ReadonlyArray<string> =>
  Object.entries(node.states ?? {}).flatMap(([name, child]) =>
    // A history state is a way back, nobody is ever in it.
    child.type === "history" ? [] : [
      [...path, name].join("."),
      ...drawnIn(child, [...path, name]),
    ]
  )

const activePaths = (value: StateValue, path: ReadonlyArray<string> = []): ReadonlyArray<string> =>
  typeof value === "string"
    ? value === "" ? [] : [[...path, value].join(".")]
    : Object.entries(value).flatMap(([name, inner]) => [
      [...path, name].join("."),
      ...activePaths(inner, [...path, name]),
    ])

const throughJson = (value: unknown) => JSON.parse(JSON.stringify(value)) as Json

describe.each([...agents, ...journals])("events of $name", ({ events }) => {
  const { seed } = seeded()
  it.each(Object.entries(events))("%s comes back from JSON as it was", (type, schema) => {
    const decode = Schema.decodeUnknownResult(schema as unknown as Schema.Codec<unknown>)
    const samples = samplesOf(schema, seed)
    expect(samples.length).toBeGreaterThan(10)
    for (const sample of samples) {
      const decoded = decode(sample)
      if (Result.isFailure(decoded)) throw new Error(`${type}: ${JSON.stringify(sample)}`)
      expect(throughJson(decoded.success)).toEqual(sample)
    }
    expect(Result.isFailure(decode({ type: `${type}X` }))).toBe(true)
  })
})

describe.each(agents)("agent $name", (agent) => {
  const chart = define(agent.machine, { name: agent.name, version: agent.version })
  const dice = seeded()
  const live = livesOf(agent, chart, dice)
  const drawn = drawnIn(agent.machine.config as Drawn)
  const unreached = new Set(drawn)
  const unheard = new Set(Object.keys(agent.events))
  const all: Array<ReadonlyArray<Lived>> = []
  const names: Array<string> = []
  /** How each state was reached first. */
  const ways = new Map<string, { readonly name: string; readonly way: ReadonlyArray<Lived> }>()
  // What is rare gets more chances, on from where others came to; what is impossible stays so.
  while (
    all.length < histories ||
    (unreached.size + unheard.size > 0 && all.length < histories * furtherFactorMax)
  ) {
    const goesOn = all.length >= histories && dice.chance()
    const { name, way } = goesOn
      ? dice.pick([...ways.values()])
      : { name: `key${all.length}`, way: [] }
    const history = live(name, 1 + dice.below(attemptsMax), way)
    all.push(history)
    names.push(name)
    for (const [index, { event, state }] of history.entries()) {
      unheard.delete(event.type)
      for (const path of activePaths(valueOf(state))) {
        unreached.delete(path)
        if (!ways.has(path)) ways.set(path, { name, way: history.slice(0, index + 1) })
      }
    }
  }
  const each = (check: (history: ReadonlyArray<Lived>, n: number) => void) => () =>
    all.forEach(check)

  it("takes each of its events somewhere", () => {
    expect(all.flat().length).toBeGreaterThan(histories)
    expect([...unheard], "events that no history took").toEqual([])
  })

  it("folds a history to the same states and asks again, with a chart defined anew", () => {
    const again = define(agent.machine, { name: agent.name, version: agent.version })
    expect(again.ref).toEqual(chart.ref)
    for (const [n, history] of all.entries()) {
      let state: ActorState | undefined
      for (const { event, state: lived, asks } of history) {
        const step = fold(again, state, throughJson(event) as never, `${agent.name}-${names[n]}`)
        expect(step.accepted).toBe(true)
        state = step.state!
        expect(stateHash(state)).toBe(stateHash(lived))
        expect(canonical(step.asks)).toBe(canonical(asks))
      }
    }
  })

  it(
    "goes on from a stored state as from its history",
    each((history) => {
      if (history.length < 2) return
      const cut = dice.below(history.length - 1)
      let state = restore(chart, throughJson(persist(history[cut]!.state)) as never)
      expect(stateHash(state)).toBe(stateHash(history[cut]!.state))
      for (const { event, state: lived, asks } of history.slice(cut + 1)) {
        const step = fold(chart, state, event)
        state = step.state!
        expect(stateHash(state)).toBe(stateHash(lived))
        expect(canonical(step.asks)).toBe(canonical(asks))
      }
    }),
  )

  it(
    "has a context and asks that are JSON",
    each((history) => {
      for (const { state, asks } of history) {
        expect(throughJson(state.snapshot.context)).toEqual(state.snapshot.context)
        expect(throughJson(asks)).toEqual(asks)
      }
    }),
  )

  it("tells others only what they have, and asks only for activities it declares", () => {
    const known = new Set(agents.flatMap(({ events }) => Object.keys(events)))
    const names = agents.map(({ name }) => name)
    for (const ask of all.flat().flatMap(({ asks }) => asks)) {
      if (ask.ask === "tell") {
        expect(known).toContain((ask.event as { type: string }).type)
        expect(names).toContain(ask.to.slice(0, ask.to.indexOf("-")))
      }
      if (ask.ask === "activity") {
        const logic = agent.machine.implementations.actors[ask.src]
        expect(activityOf(logic)?.name).toBeDefined()
      }
    }
  })

  it("reaches every state it draws", () => {
    expect(drawn.length).toBeGreaterThan(1)
    expect([...unreached]).toEqual([])
  })
})
