/** Which guards said no is told by name, as the chart tried them, and asking changes nothing. */
import { describe, expect, it } from "@effect/vitest"
import { setup } from "xstate"
import { guardsAgainst } from "../../actors/guards.ts"
import { type ActorState, define, fold, type FoldEvent } from "../../actors/kernel.ts"

const machine = setup({
  types: { context: {} as { readonly n: number }, events: {} as { type: "Push"; by: number } },
  guards: {
    isFar: ({ event }) => event.by > 10,
    isNear: ({ event }) => event.by > 5,
    isLate: () => Date.now() > 1_000,
  },
}).createMachine({
  id: "door",
  context: { n: 0 },
  initial: "shut",
  states: {
    shut: {
      initial: "locked",
      states: {
        locked: { on: { Push: { guard: "isLate", target: "ajar" } } },
        ajar: {},
      },
      on: {
        Push: [
          { guard: "isFar", target: "open" },
          { guard: "isNear", target: "shut.ajar" },
          { actions: [] },
        ],
      },
    },
    open: {},
  },
})
const chart = define(machine, { name: "door", version: 1 })
const push = (by: number, at = 500): FoldEvent => ({
  id: `push-${by}-${at}`,
  type: "Push",
  data: { by },
  metadata: { at },
})
const started = (): ActorState =>
  fold(chart, undefined, {
    id: "start",
    type: "ActorStarted",
    data: { input: {} },
    metadata: { at: 500 },
  }, "door-1").state!

describe("guards that said no", () => {
  it("inner ones first, up to what was taken", () => {
    expect(guardsAgainst(chart, started(), push(1))).toEqual([
      { state: "shut.locked", guard: "isLate", targets: ["shut.ajar"] },
      { state: "shut", guard: "isFar", targets: ["open"] },
      { state: "shut", guard: "isNear", targets: ["shut.ajar"] },
    ])
    expect(guardsAgainst(chart, started(), push(7)).map(({ guard }) => guard))
      .toEqual(["isLate", "isFar"])
  })

  it("by the actor's clock, and nothing is changed", () => {
    const state = started()
    expect(guardsAgainst(chart, state, push(1, 2_000))).toEqual([])
    expect(state.hash).toBe(started().hash)
  })
})
