/** The lines that `aios chart check` gives. */
import { describe, expect, it } from "vitest"
import { assign, createMachine, setup, spawnChild } from "xstate"
import { checkModule } from "../../actors/chart-source.ts"

const source = `import { createMachine } from "xstate"
// const order = createMachine({ entry: wrong })
const inner = createMachine({
  entry: () => console.log("inner"),
})

/** { "entry": 1 } */
export const order = setup({
  types: {} as { context: { entry: string } },
  actors: { inner, "other one": inner },
  actions: { track: () => {} },
}).createMachine({
  id: "order", // entry:
  states: {
    "in (progress": { entry: ["fine", "track"], on: { a: { guard: /[/}]entry:/.test("x") } } },
    paid: {
      on: {
        GO: [
          { guard: "x", actions: assign({ ref: ({ spawn }) => spawn("inner") }) },
          {
            actions: [\`\${1}entry: {\`,
              "track"],
          },
        ],
      },
    },
  },
})

export default createMachine({ entry: spawnChild("inner") })
`
const inner = createMachine({ entry: () => console.log("inner") })
const order = setup({
  actors: { inner, "other one": inner },
  actions: { track: () => {}, fine: assign({}) },
}).createMachine({
  id: "order",
  initial: "paid",
  context: ({ input }) => ({ ref: input as unknown }),
  states: {
    "in (progress": { entry: ["fine", "track"], on: { a: { guard: () => true } } },
    paid: {
      on: {
        GO: [
          {
            guard: () => true,
            actions: assign({ ref: ({ spawn }) => spawn("inner") }),
          },
          { actions: ["fine", "track"] },
        ],
      },
    },
  },
})
const last = setup({ actors: { small: createMachine({}) } }).createMachine({
  entry: spawnChild("small"),
})

describe("checkModule", () => {
  const checked = checkModule(source, {
    order,
    default: last,
    nothing: 1,
    agent: { machine: createMachine({}) },
  })
  it("finds the machines among the exports", () => {
    expect(checked.ok).toBe(false)
    expect(checked.charts.map(({ name }) => name)).toEqual(["order", "default", "agent"])
  })
  it("gives each problem its line", () => {
    const lines = checked.charts.flatMap(({ problems }) =>
      problems.map(({ where, line }) => `${line} ${where}`)
    )
    expect(lines).toEqual([
      "4 actors.inner entry",
      "4 actors.other one entry",
      "15 states.in (progress.entry[1]",
      "19 states.paid.on.GO[0].actions.ref",
      "22 states.paid.on.GO[1].actions[1]",
      "30 entry",
    ])
  })
  it("is content with a machine that has none", () => {
    expect(checkModule("export const a = createMachine({})", { a: createMachine({}) }))
      .toEqual({ ok: true, charts: [{ name: "a", problems: [] }] })
  })
})
