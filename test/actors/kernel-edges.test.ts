/** Cases at the edge of what a chart may do, each of which once went wrong. */
import { describe, expect, it } from "vitest"
import { assign, fromPromise, setup } from "xstate"
import { type ActorState, type Chart, define, fold, persist, restore } from "../../actors/kernel.ts"
import type { JsonObject } from "../../machines/agent.ts"

let n = 0
const event = (type: string, data: JsonObject = {}) => ({
  id: `00000000-0000-7000-8000-${String(++n).padStart(12, "0")}`,
  type,
  data,
  metadata: { at: n },
})
const run = (chart: Chart, types: ReadonlyArray<string>, stored: boolean) => {
  let state: ActorState | undefined
  let asks: unknown
  for (const type of types) {
    const step = fold(chart, state, event(type), "x-1")
    if (!step.accepted || step.defect !== undefined) throw step.defect ?? new Error(type)
    asks = step.asks
    state = stored ? restore(chart, JSON.parse(JSON.stringify(persist(step.state!)))) : step.state
  }
  return { asks, hash: state?.hash }
}

const job = fromPromise(() => Promise.resolve(1))

describe("a stored state", () => {
  it("stops its children in the same order as one that stayed in memory", () => {
    const machine = setup({ actors: { A: job, B: job, C: job } }).createMachine({
      type: "parallel",
      states: {
        a: {
          initial: "i",
          states: {
            i: { invoke: { src: "A", id: "A" }, on: { AGAIN: { target: "i", reenter: true } } },
          },
        },
        b: { invoke: [{ src: "B", id: "B" }, { src: "C", id: "C" }] },
      },
    })
    const chart = define(machine, { name: "x" })
    const types = ["ActorStarted", "AGAIN", "ActorStopped"]
    expect(run(chart, types, true)).toEqual(run(chart, types, false))
  })
})

describe("a chart that changes its context in place", () => {
  const chart = define(
    setup({
      types: { context: {} as { items: Array<string> }, events: {} as { type: "ADD"; x: string } },
    })
      .createMachine({
        context: { items: [] },
        on: {
          ADD: {
            guard: ({ event }) => event.x !== "no",
            actions: assign(({ context, event }) => {
              context.items.push(event.x)
              return { items: context.items }
            }),
          },
        },
      }),
    { name: "x" },
  )
  it("changes nobody else's, and not the state before", () => {
    const first = fold(chart, undefined, event("ActorStarted"), "x-1").state!
    const second = fold(chart, first, event("ADD", { x: "secret" }), "x-1").state!
    expect(second.snapshot.context).toEqual({ items: ["secret"] })
    expect(first.snapshot.context).toEqual({ items: [] })
    const other = fold(chart, undefined, event("ActorStarted"), "x-2").state!
    expect(other.snapshot.context).toEqual({ items: [] })
  })
})

describe("an event's data", () => {
  const chart = define(
    setup({ types: { context: {} as { got: unknown } } }).createMachine({
      context: { got: null },
      on: { FAIL: { actions: assign({ got: ({ event }) => ({ ...event }) }) } },
    }),
    { name: "x" },
  )
  it.each([
    { error: { name: "X", message: "y" } },
    { v: { $ref: "x-1", id: "k", more: 1 } },
  ])("reaches the chart as it is: %j", (data) => {
    const started = fold(chart, undefined, event("ActorStarted"), "x-1").state!
    const { snapshot } = fold(chart, started, event("FAIL", data as JsonObject), "x-1").state!
    expect(snapshot.context).toEqual({ got: { ...data, type: "FAIL" } })
  })
})

describe("a chart that reaches out while it folds", () => {
  it.each(["fetch", "setTimeout", "queueMicrotask", "setInterval"])("is a defect: %s", (name) => {
    const chart = define(
      setup({ types: { context: {} as { x: unknown } } }).createMachine({
        context: { x: 0 },
        on: {
          GO: {
            actions: assign({ x: () => typeof Reflect.get(globalThis, name) }),
          },
        },
      }),
      { name: "x" },
    )
    const started = fold(chart, undefined, event("ActorStarted"), "x-1").state!
    const step = fold(chart, started, event("GO"), "x-1")
    expect(String(step.defect)).toContain(`${name} reaches out of the chart`)
    expect(typeof Reflect.get(globalThis, name)).toBe("function")
  })
})

it("an actor starts with ActorStarted or an event of its chart, once", () => {
  const chart = define(setup({}).createMachine({ on: { GO: { actions: assign({}) } } }), {
    name: "x",
  })
  expect(fold(chart, undefined, event("TimerFired", { ask: "0.0" }), "x-1").accepted).toBe(false)
  const started = fold(chart, undefined, event("ActorStarted"), "x-1").state!
  expect(fold(chart, started, event("ActorStarted"), "x-1").accepted).toBe(false)
})
