/** What `define` refuses, and that its message tells a newcomer what to do instead. */
import { describe, expect, it } from "vitest"
import {
  type AnyStateMachine,
  assign,
  createMachine,
  enqueueActions,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  raise,
  sendTo,
  setup,
  spawnChild,
} from "xstate"
import { problemsOf } from "../../actors/chart-check.ts"
import {
  acceptsIn,
  chartNamed,
  define,
  fold,
  isNeutral,
  logicKind,
  persist,
  restore,
  UnsupportedChart,
} from "../../actors/kernel.ts"
import { features } from "./charts-features.ts"
import { published } from "./charts-public.ts"
import { compare } from "./differential.ts"
import { createHost } from "./host.ts"

const refusal = (machine: AnyStateMachine): string => {
  try {
    define(machine, { name: "it" })
  } catch (refused) {
    expect(refused).toBeInstanceOf(UnsupportedChart)
    return (refused as Error).message
  }
  return "accepted"
}
const small = createMachine({ id: "small" })
// deno-lint-ignore no-explicit-any -- what types would catch is the point
const loose = (config: any, implementations: any = {}) => createMachine(config, implementations)

describe("refused by define, with where, what and the remedy", () => {
  it("custom actions: as an example that one copies would have them", () => {
    const message = refusal(
      setup({ actions: { track: () => console.log("tracked") } }).createMachine({
        initial: "a",
        states: {
          a: { entry: ["track", () => console.log("inline")], on: { GO: { actions: "track" } } },
        },
      }),
    )
    expect(message).toBe(
      `it cannot be run durably:
  states.a.entry[0]: action "track" is a function with a side effect of its own. Make it an activity and invoke it, or assign() if it only changes the context
  states.a.entry[1]: this inline action is a function with a side effect of its own. Make it an activity and invoke it, or assign() if it only changes the context
  states.a.on.GO.actions: action "track" is a function with a side effect of its own. Make it an activity and invoke it, or assign() if it only changes the context`,
    )
  })

  const cases: Readonly<Record<string, readonly [AnyStateMachine, ...ReadonlyArray<string>]>> = {
    "fromCallback": [
      loose({ invoke: { src: fromCallback(() => {}) } }),
      "invoke.src: fromCallback keeps running",
    ],
    "fromObservable": [
      setup({ actors: { ticks: fromObservable(() => ({ subscribe: () => ({}) }) as never) } })
        .createMachine({}),
      "actors.ticks: fromObservable",
    ],
    "fromTransition": [
      setup({ actors: { step: fromTransition((state) => state, 0) } }).createMachine({}),
      "actors.step: fromTransition has no chart",
    ],
    "spawnChild without an id": [
      setup({ actors: { small } }).createMachine({ entry: spawnChild("small") }),
      "entry: spawnChild without an id",
    ],
    "spawn without an id": [
      setup({ actors: { small } }).createMachine({
        context: ({ spawn }) => ({ ref: spawn("small") }),
        on: {
          A: {
            actions: assign({ ref: ({ spawn }) => spawn("small", { input: { a: [1, "x"] } }) }),
          },
          B: { actions: assign({ ref: ({ spawn }) => spawn("small", { id: "b" }) }) },
        },
      }),
      `context: spawn("small") without an id`,
      `on.A.actions.ref: spawn("small") without an id`,
    ],
    "systemId and onSnapshot": [
      loose({
        invoke: { src: small, systemId: "s", onSnapshot: { actions: raise({ type: "x" }) } },
      }),
      'system.get("gatekeeper-',
      "sendParent()",
    ],
    "what has no implementation": [
      loose({
        entry: "greet",
        after: { later: {} },
        invoke: { src: "none" },
        on: { A: { guard: "may", actions: raise({ type: "x" }, { delay: "soon" as never }) } },
      }),
      'action "greet" has no implementation',
      'delay "later" has no implementation',
      'actor "none" has no implementation',
      'guard "may" has no implementation',
      'delay "soon" has no implementation',
    ],
    "custom actions inside enqueueActions": [
      setup({ actions: { track: () => {}, fine: assign({}) } }).createMachine({
        on: {
          A: {
            actions: enqueueActions(({ enqueue }) => {
              enqueue("fine")
              enqueue("track")
              enqueue({ type: "track" })
            }),
          },
          B: { actions: enqueueActions(({ enqueue }) => enqueue(() => console.log("x"))) },
        },
      }),
      'on.A.actions: enqueues action "track"',
      "on.B.actions: enqueues a function",
    ],
    "async functions": [
      loose({
        on: { A: { guard: async () => await true, actions: assign(async () => await ({})) } },
      }),
      "on.A.guard: an async function",
      "on.A.actions: an async function",
    ],
    "a context that JSON loses": [
      loose({ context: { seen: new Set() } }),
      "context: A Set cannot be kept",
    ],
    "events of the system's own": [
      loose({ on: { ActivityFailed: {} } }),
      '"ActivityFailed" is an event of the system',
    ],
    "machines inside": [
      setup({ actors: { inner: loose({ entry: () => {} }) } }).createMachine({}),
      "actors.inner entry: this inline action",
    ],
  }
  for (const [title, [machine, ...parts]] of Object.entries(cases)) {
    it(title, () => {
      const message = refusal(machine)
      for (const part of parts) expect(message).toContain(part)
      expect(message.split("\n").length - 1).toBeGreaterThanOrEqual(parts.length)
    })
  }

  it("and nothing else: every chart of these tests is accepted", () => {
    for (const [title, { machine }] of Object.entries({ ...features, ...published })) {
      expect(refusal(machine), title).toBe("accepted")
    }
  })
})

describe("warnings", () => {
  it("what throws or differs when it runs, only on demand", () => {
    const machine = createMachine({
      context: { names: ["b", "a"] },
      on: {
        A: {
          actions: assign({
            names: ({ context }) => context.names.sort((a, b) => a.localeCompare(b)),
          }),
        },
      },
    })
    expect(problemsOf(machine, logicKind, isNeutral)).toEqual([])
    const warnings = problemsOf(machine, logicKind, isNeutral, "", true)
    expect(warnings.map(({ where, severity }) => `${severity} ${where}`)).toEqual([
      "warning on.A.actions.names",
      "warning on.A.actions.names",
    ])
    expect(warnings.map(({ remedy }) => remedy).join()).toContain("compare with < and >")
  })
})

describe("refused when it runs, as a defect that says what to do", () => {
  const after = (machine: AnyStateMachine, event = { type: "A" }) => {
    const chart = define(machine, { name: "it" })
    const at = { id: "0198c0de-0000-7000-8000-000000000000", data: {}, metadata: { at: 0 } }
    const started = fold(chart, undefined, { ...at, type: "ActorStarted" }, "it-1")
    return { chart, step: fold(chart, started.state, { ...at, ...event }) }
  }
  it("what is enqueued in a way the text does not show", () => {
    const { step } = after(createMachine({
      on: {
        A: {
          actions: enqueueActions(({ enqueue }) => {
            const later = () => {}
            enqueue(later)
          }),
        },
      },
    }))
    expect(String(step.defect)).toContain("make it an activity")
    expect(step.state!.snapshot.status).toBe("error")
  })
  for (
    const [title, value] of [
      ["a Map", () => new Map([[1, 2]])],
      ["a function", () => () => 1],
      ["a BigInt", () => 1n],
    ] as const
  ) {
    it(`${title} in the context; what was before stays`, () => {
      const { chart, step } = after(loose({
        context: { n: 1 },
        on: { A: { actions: assign({ n: value }) } },
      }))
      expect(String(step.defect)).toContain("cannot be kept in a state")
      expect(step.state!.snapshot.context).toEqual({ n: 1 })
      expect(step.state!.snapshot.status).toBe("error")
      expect(restore(chart, persist(step.state!)).hash).toBe(step.state!.hash)
    })
  }
  it("another actor's state or mailbox", () => {
    for (const use of ["getSnapshot", "send", "subscribe"] as const) {
      const { step } = after(
        setup({ actors: { small } }).createMachine({
          context: ({ spawn }) => ({ ref: spawn("small", { id: "small" }) }),
          on: { A: { guard: ({ context }) => Boolean(Reflect.get(context.ref, use)()) } },
        }),
      )
      expect(String(step.defect)).toContain("use sendTo()")
    }
  })
  it("Intl in a guard", () => {
    const { step } = after(createMachine({
      on: { A: { guard: () => new Intl.NumberFormat().format(1) === "1", target: undefined } },
    }))
    expect(String(step.defect)).toContain("Intl differs between machines")
    expect(new Intl.NumberFormat("en").format(1)).toBe("1")
  })
  it("a loop without an end", () => {
    const { step } = after(createMachine({
      initial: "a",
      states: { a: { on: { A: "b" } }, b: { always: "c" }, c: { always: "b" } },
    }))
    expect(String(step.defect)).toContain("Infinite loop")
  })
})

describe("events", () => {
  it("XState's own are not for others to send", () => {
    const host = createHost(
      define(
        setup({ actors: { work: fromPromise(() => Promise.resolve(1)) } }).createMachine({
          initial: "a",
          states: { a: { invoke: { src: "work", id: "work", onDone: "b" } }, b: {} },
        }),
        { name: "it" },
      ),
    )
    host.start()
    expect(host.send({ type: "xstate.done.actor.work" })).toBe(false)
    expect(host.send({ type: "xstate.stop" })).toBe(false)
    expect(host.state.snapshot.value).toBe("a")
  })
  it("a finished actor takes none, nor does one that is finished from the start", () => {
    const chart = define(
      createMachine({ initial: "a", states: { a: { type: "final" } }, on: { A: {} } }),
      { name: "it" },
    )
    const event = { id: "0198c0de-0000-7000-8000-000000000000", data: {}, metadata: { at: 0 } }
    expect(fold(chart, undefined, { ...event, type: "A" }, "it-1").accepted).toBe(false)
  })
  it("one sender is heard once per ask", () => {
    const host = createHost(define(published["toggle"]!.machine, { name: "it" }))
    host.start()
    const chart = host.chartOf("it-1")!
    const told = (ask: string) => ({
      id: "0198c0de-0000-7000-8000-000000000001",
      type: "toggle",
      data: {},
      metadata: { at: 0, actor: "other-1", ask },
    })
    const first = fold(chart, host.state, told("3.1"))
    expect(first.accepted).toBe(true)
    for (
      const [ask, heard] of [["3.1", true], ["3.0", true], ["2.9", true], ["3.10", false]] as const
    ) {
      expect(fold(chart, first.state, told(ask)).heardBefore, ask).toBe(heard)
    }
  })
  it("an activity is told nothing, now or later", async () => {
    const { machine, script } = features["an activity hears nothing"]!
    const { streams } = await compare(machine, script)
    const asks = [...streams.values()].flatMap(({ events }) => events.flatMap((one) => one.asks))
    expect(asks.map(({ ask }) => ask)).toEqual(["activity"])
  })
  it("each event an actor sends itself rolls its own dice", () => {
    const host = createHost(
      define(
        loose({
          context: { dice: [] },
          entry: sendTo(({ self }) => self, { type: "ROLL" }),
          on: {
            ROLL: {
              guard: ({ context }: { context: { dice: Array<number> } }) => context.dice.length < 4,
              actions: [
                assign(({ context }: { context: { dice: Array<number> } }) => ({
                  dice: [...context.dice, Math.random()],
                })),
                sendTo(({ self }) => self, { type: "ROLL" }),
              ],
            },
          },
        }),
        { name: "it" },
      ),
    )
    host.start()
    expect(new Set(host.state.snapshot.context.dice).size).toBe(4)
  })
  it("acceptsIn names them", () => {
    const chart = define(published["media player"]!.machine, { name: "it" })
    expect(acceptsIn(chart, { playback: { playing: "fast" }, volume: "muted" }))
      .toEqual(["MUTE", "NORMAL", "PAUSE", "RESET", "STOP"])
  })
})

describe("child charts", () => {
  it("are found by the name of their streams", () => {
    const chart = define(
      features["machines in machines: sendParent, forwardTo, output, timers"]!.machine,
      { name: "my-agent" },
    )
    const child = chartNamed(chart, "my%2Dagent.the%2Dchild")!
    expect(child.machine.id).toBe("child")
    expect(chartNamed(chart, "my%2Dagent.the%2Dchild.grandchild")!.machine.id).toBe("grandchild")
    expect(chartNamed(chart, "my%2Dagent.nobody")).toBeUndefined()
  })
  it("a stored child whose logic is gone is not dropped silently", () => {
    const bare = define(createMachine({ id: "bare" }), { name: "it" })
    expect(() =>
      restore(bare, {
        stream: "it-1",
        revision: 0,
        clock: 0,
        status: "active",
        value: {},
        context: {},
        history: {},
        timers: [],
        children: { x: { of: "0.0", src: "counter", kind: "machine", settled: false } },
        heard: [],
        heardDigest: [0, 0],
        compensable: [],
      })
    ).toThrow('has no actor "counter"')
  })
})
