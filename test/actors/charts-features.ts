/**
 * One small machine per XState feature, each with a script that shows it. `differs` says in which respect
 * a durable actor differs from `createActor` on purpose; such a chart is only replayed, not compared.
 */
// deno-lint-ignore-file no-explicit-any -- events without Schemas have any field
import {
  and,
  type AnyActorRef,
  type AnyStateMachine,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  log,
  not,
  or,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
} from "xstate"
import type { Json } from "../../machines/agent.ts"
import { type Move, task } from "./task.ts"

export interface Case {
  readonly machine: AnyStateMachine
  readonly script: ReadonlyArray<Move>
  readonly input?: Json
  readonly differs?: string
}

const e = (type: string, fields: { readonly [field: string]: unknown } = {}): Move => ({
  type,
  ...fields,
})

/** Appends to the context's `seen`, so that the order of what ran shows. Fits into any machine here. */
const note = (what: string): any =>
  assign(({ context }: { context: { seen: Array<string> } }) => ({
    seen: [...context.seen, what],
  }))
const field = (event: object, name: string): any => Reflect.get(event, name)
const seen: { seen: Array<string> } = { seen: [] }

const parallel = createMachine({
  id: "parallel",
  context: seen,
  type: "parallel",
  states: {
    one: {
      initial: "off",
      exit: note("exit one"),
      states: {
        off: { on: { ON: { target: "on", actions: note("one") } } },
        on: { always: { target: "off", guard: stateIn({ two: "on" }) }, on: { END: "end" } },
        end: { type: "final" },
      },
    },
    two: {
      initial: "off",
      states: {
        off: { on: { ON: { target: "on", actions: note("two") } } },
        on: {
          on: { OFF: { target: "off", reenter: true, actions: note("two off") }, END: "end" },
        },
        end: { type: "final" },
      },
      onDone: { actions: note("two done") },
    },
  },
  onDone: { actions: note("all done") },
  output: ({ context }) => context.seen.length,
})

const regionOrder = createMachine({
  id: "regions",
  context: seen,
  initial: "go",
  states: {
    go: {
      type: "parallel",
      states: {
        a: {
          initial: "x",
          states: {
            x: { always: { target: "y", guard: "armed", actions: note("a") } },
            y: { on: { RESET: "x" } },
          },
          on: { AGAIN: { target: "a", reenter: true } },
        },
        b: {
          initial: "x",
          states: {
            x: { always: { target: "y", guard: "armed", actions: note("b") } },
            y: { on: { RESET: "x" } },
          },
        },
        h: { initial: "n", states: { n: { on: { LEFT: "m" } }, m: {} } },
        hist: { type: "history", history: "deep" },
      },
      on: { OUT: "out", AGAIN_A: { target: ".a", reenter: true } },
    },
    out: { on: { BACK: "go.hist" } },
  },
}, { guards: { armed: ({ event }) => event.type === "ARM" || event.type === "RESET" } })

const history = createMachine({
  id: "hist.ory",
  initial: "open",
  states: {
    open: {
      initial: "a",
      states: {
        a: { on: { NEXT: "b" } },
        b: {
          initial: "x",
          states: { x: { on: { DEEP: "y" } }, y: {} },
        },
        shallow: { type: "history" },
        deep: { type: "history", history: "deep" },
        fallback: { type: "history", target: "b" },
      },
      on: { CLOSE: "closed" },
    },
    closed: {
      on: { SHALLOW: "open.shallow", DEEPLY: "open.deep", FALLBACK: "open.fallback" },
    },
  },
})

const always = createMachine({
  id: "always",
  context: { n: 0 },
  initial: "low",
  states: {
    low: {
      always: [{ guard: ({ context }) => context.n >= 3, target: "high" }],
      on: { ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
    },
    high: {
      entry: raise({ type: "CHECK" }),
      always: { guard: ({ context }) => context.n > 5, target: "top" },
      on: {
        ADD: { actions: assign({ n: ({ context }) => context.n + 2 }) },
        CHECK: { actions: assign({ n: ({ context }) => context.n + 1 }) },
      },
    },
    top: { type: "final" },
  },
  output: ({ context }) => ({ n: context.n }),
})

const after = setup({
  types: { context: {} as { pause: number; seen: Array<string> } },
  delays: { pause: ({ context }) => context.pause, fixed: 50 },
}).createMachine({
  id: "after",
  context: { pause: 200, seen: [] },
  initial: "a",
  states: {
    a: {
      after: { pause: { target: "b", actions: note("pause") }, 500: "c" },
      on: { AGAIN: { target: "a", reenter: true }, STAY: { actions: note("stay") } },
    },
    b: {
      after: {
        fixed: [{ guard: ({ context }) => context.pause > 1000, target: "a" }, { target: "c" }],
      },
      on: { SLOW: { actions: assign({ pause: 2000 }) } },
    },
    c: { after: { 0: "a" }, exit: note("left c") },
  },
})

const delayed = createMachine({
  id: "delayed",
  context: seen,
  on: {
    LATER: { actions: raise({ type: "RANG" }, { delay: 100, id: "bell" }) },
    LATER_SELF: {
      actions: sendTo(({ self }) => self, { type: "RANG" }, { delay: 30, id: "self" }),
    },
    UNNAMED: { actions: raise({ type: "PLAIN" }, { delay: 60 }) },
    STOP: { actions: cancel("bell") },
    STOP_SELF: { actions: cancel(({ event }) => field(event, "id")) },
    RANG: { actions: note("rang") },
    PLAIN: { actions: note("plain") },
  },
})

const selfSent = createMachine({
  id: "selfSent",
  context: seen,
  entry: [sendTo(({ self }) => self, { type: "FIRST" }), raise({ type: "RAISED" })],
  on: {
    FIRST: { actions: [note("first"), sendTo(({ self }) => self, { type: "LAST" })] },
    RAISED: { actions: note("raised") },
    GO: {
      actions: [
        sendTo(({ self }) => self, { type: "SENT" }),
        raise({ type: "RAISED" }),
        note("go"),
      ],
    },
    SENT: { actions: [note("sent"), sendTo(({ self }) => self, { type: "LAST" })] },
    LAST: { actions: note("last") },
  },
})

const invoked = setup({ actors: { fetch: task("fetch"), other: task("other") } }).createMachine({
  id: "invoked",
  context: { out: null as unknown, tries: 0 },
  initial: "idle",
  states: {
    idle: { on: { GO: "busy" } },
    busy: {
      entry: assign({ tries: ({ context }) => context.tries + 1 }),
      invoke: {
        src: "fetch",
        id: "fetch",
        input: ({ context, event }: any) => ({ tries: context.tries, because: event.type }),
        onDone: { target: "ready", actions: assign({ out: ({ event }) => event.output }) },
        onError: {
          target: "failed",
          actions: assign({ out: ({ event }) => (event.error as Error).message }),
        },
      },
      on: { AGAIN: { target: "busy", reenter: true }, LEAVE: "idle" },
    },
    ready: { on: { GO: "both" } },
    failed: { on: { GO: "busy" } },
    both: {
      invoke: [
        { src: "fetch", onDone: { actions: assign({ out: "fetched" }) } },
        { src: "other", onDone: "ready" },
      ],
    },
  },
})

const unhandled = setup({ actors: { fetch: task("fetch") } }).createMachine({
  id: "unhandled",
  initial: "busy",
  states: {
    busy: { invoke: { src: "fetch" }, after: { 1000: "late" }, on: { ANY: "late" } },
    late: {},
  },
})

const thrown = createMachine({
  id: "thrown",
  context: { n: 1 },
  on: {
    GUARD: {
      guard: () => {
        throw new Error("in a guard")
      },
      actions: assign({ n: 2 }),
    },
    ACTION: {
      actions: assign(() => {
        throw new RangeError("in an action")
      }),
    },
    LOST: { actions: sendParent({ type: "HELLO" }) },
    ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) },
  },
})

const grandchild = createMachine({
  id: "grandchild",
  context: ({ input }) => ({ n: input as number }),
  initial: "on",
  states: {
    on: {
      entry: sendParent(({ context }) => ({ type: "BORN", n: context.n })),
      on: {
        ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) },
        END: "end",
        BREAK: {
          actions: assign(() => {
            throw new Error("broke")
          }),
        },
      },
      after: { 100: { actions: sendParent({ type: "TICK" }) } },
    },
    end: { type: "final" },
  },
  output: ({ context }) => ({ n: context.n }),
})
const child = setup({ actors: { grandchild } }).createMachine({
  id: "child",
  context: { heard: [] as Array<unknown> },
  initial: "on",
  states: {
    on: {
      invoke: {
        src: "grandchild",
        id: "small",
        input: 7,
        onDone: {
          target: "end",
          actions: assign({ heard: ({ context, event }) => [...context.heard, event.output] }),
        },
        onError: { actions: sendParent({ type: "CHILD_BROKE" }) },
      },
      on: {
        "*": { actions: forwardTo("small") },
        BORN: {
          actions: assign({ heard: ({ context, event }) => [...context.heard, event["n"]] }),
        },
        TICK: { actions: sendParent({ type: "TICKED" }) },
      },
    },
    end: { type: "final", output: "unused" },
  },
  output: ({ context }) => context.heard,
})
const nested = setup({ actors: { "the-child": child } }).createMachine({
  id: "nested",
  context: { seen: [] as Array<string>, result: null as unknown },
  initial: "off",
  states: {
    off: { on: { START: "on" } },
    on: {
      invoke: {
        src: "the-child",
        id: "child",
        onDone: { target: "off", actions: assign({ result: ({ event }) => event.output }) },
      },
      on: {
        TELL: {
          actions: sendTo("child", ({ event }) => ({ type: String(event["what"]) })),
        },
        TICKED: { actions: note("ticked") },
        CHILD_BROKE: { actions: note("broke") },
        QUIT: "off",
      },
    },
  },
})

const inPlace = createMachine({
  id: "inPlace",
  initial: "in-progress",
  context: { out: null as unknown },
  states: {
    "in-progress": {
      invoke: {
        src: createMachine({
          id: "small",
          initial: "a",
          states: { a: { after: { 10: "b" } }, b: { type: "final" } },
          output: "done",
        }),
        onDone: { target: "done", actions: assign({ out: ({ event }) => event.output }) },
      },
    },
    done: {},
  },
})

const counter = createMachine({
  id: "counter",
  context: ({ input }) => ({ n: (input as { n: number } | undefined)?.n ?? 0 }),
  on: {
    ADD: { actions: assign({ n: ({ context }) => context.n + 1 }) },
    REPORT: {
      actions: sendTo(
        ({ event }) => field(event, "replyTo"),
        ({ context }) => ({ type: "REPORTED", n: context.n }),
      ),
    },
  },
})
const spawned = setup({
  types: { context: {} as { refs: Array<AnyActorRef>; latest: unknown; reports: Array<unknown> } },
  actors: { counter, fetch: task("fetch") },
}).createMachine({
  id: "spawned",
  context: ({ spawn }) => ({
    refs: [spawn("counter", { id: "first", input: { n: 100 } })],
    latest: null,
    reports: [],
  }),
  on: {
    NEW: {
      actions: assign({
        refs: ({ context, spawn, event }) => [
          ...context.refs,
          spawn("counter", { id: String(event["id"]) }),
        ],
        latest: ({ context }) => context.refs.at(-1),
      }),
    },
    NEW_TASK: { actions: spawnChild("fetch", { id: "task", input: { a: 1 } }) },
    NEW_CHILD: { actions: spawnChild("counter", { id: ({ event }) => String(event["id"]) }) },
    "xstate.done.actor.task": {
      actions: assign({ reports: ({ context, event }) => [...context.reports, event["output"]] }),
    },
    ADD: { actions: sendTo(({ event }) => String(event["id"]), { type: "ADD" }) },
    ADD_FIRST: { actions: sendTo(({ context }) => context.refs[0]!, { type: "ADD" }) },
    ASK: {
      actions: sendTo(
        ({ event }) => String(event["id"]),
        ({ self }) => ({ type: "REPORT", replyTo: self }),
      ),
    },
    ASK_LATER: {
      actions: sendTo("first", ({ self }) => ({ type: "REPORT", replyTo: self }), { delay: 40 }),
    },
    REPORTED: {
      actions: assign({ reports: ({ context, event }) => [...context.reports, event["n"]] }),
    },
    END: { actions: stopChild(({ event }) => String(event["id"])) },
    END_FIRST: { actions: stopChild(({ context }) => context.refs[0]!) },
  },
})

const enqueued = setup({
  actors: { counter },
  guards: { many: ({ context }) => context.n > 2 },
  types: { context: {} as { n: number; seen: Array<string> } },
}).createMachine({
  id: "enqueued",
  context: { n: 0, seen: [] },
  on: {
    GO: {
      actions: enqueueActions(({ context, enqueue, check }) => {
        enqueue.assign({ n: context.n + 1 })
        enqueue.emit({ type: `counted ${context.n}` })
        if (check("many")) {
          enqueue.raise({ type: "MANY" })
          enqueue.spawnChild("counter", { id: `c${context.n}` })
          enqueue.sendTo(`c${context.n}`, { type: "ADD" })
        }
        enqueue.raise({ type: "LATE" }, { delay: 5, id: "late" })
        if (context.n === 5) enqueue.cancel("late")
        if (context.n === 6) enqueue.stopChild("c3")
      }),
    },
    MANY: { actions: note("many") },
    LATE: { actions: [note("late"), log("late")] },
  },
})

const guards = createMachine({
  id: "guards",
  context: { n: 0, seen: [] as Array<string> },
  initial: "a",
  states: {
    a: {
      on: {
        ADD: { actions: { type: "add", params: { by: 2 } } },
        TRY: [
          { guard: and(["even", not({ type: "above", params: { limit: 3 } })]), target: "b" },
          {
            guard: or([stateIn("#guards.b"), { type: "above", params: { limit: 5 } }]),
            target: "c",
          },
          { actions: note("neither") },
        ],
      },
    },
    b: {
      on: {
        BACK: "a",
        ADD: { actions: { type: "add", params: ({ event }) => ({ by: event["by"] ?? 1 }) } },
      },
    },
    c: { type: "final", output: 1 },
  },
}, {
  guards: {
    even: ({ context }) => context.n % 2 === 0,
    above: ({ context }, params) => context.n > (params as unknown as { limit: number }).limit,
  },
  actions: {
    add: assign({
      n: ({ context }, params) => context.n + (params as unknown as { by: number }).by,
    }),
  },
})

const wildcards = createMachine({
  id: "wildcards",
  context: seen,
  initial: "open",
  states: {
    open: {
      on: {
        "mouse.*": { actions: note("mouse") },
        "mouse.click": { actions: note("click") },
        "*": { actions: note("any") },
        NEVER: undefined,
        SHUT: "shut",
      },
    },
    shut: { on: { NEVER: {}, "key.*": "open" } },
  },
  on: { NEVER: { actions: note("root") }, "key.*": { actions: note("key") } },
})

const reentry = createMachine({
  id: "reentry",
  context: seen,
  initial: "a",
  entry: note("enter root"),
  states: {
    a: {
      initial: "x",
      entry: note("enter a"),
      exit: note("exit a"),
      states: {
        x: { entry: note("enter x"), exit: note("exit x"), on: { IN: "y" } },
        y: { entry: note("enter y"), exit: note("exit y") },
      },
      on: {
        SELF: "a",
        SELF_AGAIN: { target: "a", reenter: true },
        CHILD: ".y",
        CHILD_AGAIN: { target: ".y", reenter: true },
        QUIET: { actions: note("quiet") },
      },
    },
  },
  on: { ROOT: { target: ".a", reenter: true }, MULTI: "#reentry.a.y" },
})

const targets = createMachine({
  id: "targets",
  initial: "off",
  states: {
    off: { on: { BOTH: { target: ["on.l.two", "on.r.two"] }, ONE: "on.l.two" } },
    on: {
      type: "parallel",
      tags: "lit",
      meta: { light: "on" },
      states: {
        l: { initial: "one", states: { one: {}, two: { tags: ["left"], meta: 2 } } },
        r: { initial: "one", states: { one: {}, two: { tags: ["right"] } } },
      },
      on: { OFF: "off" },
    },
  },
})

const doneStates = createMachine({
  id: "doneStates",
  context: { got: null as unknown },
  initial: "form",
  states: {
    form: {
      initial: "edit",
      states: {
        edit: { on: { SAVE: "saved", DROP: "dropped" } },
        saved: { type: "final", output: ({ event }) => ({ saved: event["what"] }) },
        dropped: { type: "final" },
      },
      onDone: [
        {
          guard: ({ event }) => event.output !== undefined,
          target: "end",
          actions: assign({ got: ({ event }) => event.output }),
        },
        { target: "form", reenter: true },
      ],
    },
    end: { type: "final", output: "inner" },
  },
  output: ({ context, event }) => ({ got: context.got, inner: event.output }),
})

const withInput = createMachine({
  id: "withInput",
  context: ({ input }) => ({ name: (input as { name: string }).name, when: null as unknown }),
  initial: "on",
  states: { on: { on: { SET: { actions: assign({ when: ({ event }) => event["when"] }) } } } },
})

const emits = createMachine({
  id: "emits",
  entry: emit({ type: "born" }),
  on: {
    SAY: { actions: [emit(({ event }) => ({ type: "said", by: event.type })), log("x")] },
  },
})

const ends = setup({ actors: { counter, fetch: task("fetch") } }).createMachine({
  id: "ends",
  initial: "on",
  entry: spawnChild("counter", { id: "counter" }),
  states: {
    on: {
      invoke: { src: "fetch", onDone: "off" },
      after: { 100: "off" },
      on: { END: "off" },
    },
    off: { type: "final" },
  },
})

const sameId = setup({
  types: { context: {} as { refs: Array<AnyActorRef> } },
  actors: { counter },
}).createMachine({
  id: "sameId",
  context: { refs: [] },
  on: {
    NEW: {
      actions: assign({
        refs: ({ context, spawn }) => [...context.refs, spawn("counter", { id: "it" })],
      }),
    },
    // Without the guard XState would send to itself, for ever.
    ADD: {
      guard: ({ context }) => context.refs.length > 0,
      actions: sendTo(({ context }) => context.refs[0]!, { type: "ADD" }),
    },
    END_FIRST: { actions: stopChild(({ context }) => context.refs[0]!) },
    END: { actions: stopChild("it") },
  },
})

const unheard = setup({ actors: { fetch: task("fetch") } }).createMachine({
  id: "unheard",
  context: seen,
  invoke: { src: "fetch", id: "fetch", onDone: { actions: note("done") } },
  on: {
    TELL: { actions: [sendTo("fetch", { type: "HELLO" }), note("told")] },
    TELL_LATER: { actions: [sendTo("fetch", { type: "HELLO" }, { delay: 10 }), note("later")] },
  },
})

const dated = createMachine({
  id: "dated",
  context: { at: 0, dice: [] as Array<number>, text: "", kept: null as unknown },
  on: {
    ROLL: {
      actions: assign({
        at: () => Date.now(),
        dice: ({ context }) => [...context.dice, Math.random(), Math.random()],
        text: () =>
          `${new Date()} ${new Date(2024, 1, 29, 12).toISOString()} ${new Date().getDay()}`,
        kept: () => new Date(),
      }),
    },
  },
})

const elsewhere = createMachine({
  id: "elsewhere",
  on: {
    TELL: {
      actions: sendTo(({ system }) => system.get("gatekeeper-1"), { type: "HELLO" }),
    },
    TELL_LATER: {
      actions: sendTo(({ system }) => system.get("gatekeeper-1"), { type: "HELLO" }, { delay: 9 }),
    },
  },
})

const repeat = (times: number, ...moves: ReadonlyArray<Move>): ReadonlyArray<Move> =>
  Array.from({ length: times }, () => moves).flat()

export const features: Readonly<Record<string, Case>> = {
  "parallel states, stateIn, onDone of all regions": {
    machine: parallel,
    script: [e("ON"), e("OFF"), e("ON"), e("END"), e("OFF"), e("ON"), e("ON"), e("END"), e("END")],
  },
  "regions take turns in the order they were entered": {
    machine: regionOrder,
    script: [
      e("ARM"),
      e("RESET"),
      e("AGAIN_A"),
      e("AGAIN"),
      e("RESET"),
      e("LEFT"),
      e("OUT"),
      e("BACK"),
      e("RESET"),
      e("AGAIN"),
      e("OUT"),
      e("BACK"),
    ],
  },
  "history, shallow, deep and with a default, in a machine whose id has a dot": {
    machine: history,
    script: [
      e("CLOSE"),
      e("FALLBACK"),
      e("DEEP"),
      e("CLOSE"),
      e("SHALLOW"),
      e("DEEP"),
      e("CLOSE"),
      e("DEEPLY"),
      e("CLOSE"),
      e("SHALLOW"),
    ],
  },
  "always, raise and output": { machine: always, script: repeat(5, e("ADD")) },
  "after: numbers, named delays, computed delays, guards, re-entry": {
    machine: after,
    script: [
      { wait: 150 },
      e("AGAIN"),
      { wait: 150 },
      e("STAY"),
      { wait: 49 },
      { wait: 1 },
      e("SLOW"),
      { wait: 60 },
      { wait: 499 },
      { wait: 5000 },
    ],
  },
  "delayed raise and sendTo self, cancel, the same id twice": {
    machine: delayed,
    script: [
      e("LATER"),
      { wait: 50 },
      e("LATER"),
      e("UNNAMED"),
      e("UNNAMED"),
      e("STOP"),
      { wait: 60 },
      { wait: 100 },
      e("LATER_SELF"),
      e("STOP_SELF", { id: "self" }),
      e("LATER_SELF"),
      { wait: 10 },
      e("LATER_SELF"),
      { wait: 20 },
      e("STOP_SELF", { id: "self" }),
      { wait: 100 },
      e("STOP"),
    ],
  },
  "events sent to oneself come in order, also while starting": {
    machine: selfSent,
    script: [e("GO"), e("GO")],
  },
  "invoked promise: onDone, onError, input, re-entry, late outcomes": {
    machine: invoked,
    script: [
      e("GO"),
      e("AGAIN"),
      { done: "fetch", output: "stale" },
      e("LEAVE"),
      { done: "fetch", output: "late" },
      e("GO"),
      { fail: "fetch", message: "no net" },
      e("GO"),
      { done: "fetch", output: null },
      e("GO"),
      { done: "fetch" },
      { done: "other" },
    ],
  },
  "an error nobody handles ends the actor": {
    machine: unhandled,
    script: [{ fail: "fetch", message: "boom" }, e("ANY"), { wait: 2000 }],
  },
  "a guard that throws": { machine: thrown, script: [e("ADD"), e("GUARD"), e("ADD")] },
  "an assign that throws": { machine: thrown, script: [e("ADD"), e("ACTION"), e("ADD")] },
  "sendParent without a parent": { machine: thrown, script: [e("LOST"), e("ADD")] },
  "machines in machines: sendParent, forwardTo, output, timers": {
    machine: nested,
    script: [
      e("START"),
      e("TELL", { what: "ADD" }),
      { wait: 150 },
      e("TELL", { what: "BREAK" }),
      e("QUIT"),
      e("START"),
      e("TELL", { what: "ADD" }),
      e("TELL", { what: "END" }),
      e("START"),
    ],
  },
  "a machine invoked in place, in a state with a hyphen": {
    machine: inPlace,
    script: [{ wait: 10 }],
  },
  "spawn in assign, spawnChild, stopChild, references in events and context": {
    machine: spawned,
    script: [
      e("NEW", { id: "a" }),
      e("ADD", { id: "a" }),
      e("ADD_FIRST"),
      e("NEW_CHILD", { id: "b" }),
      e("ASK", { id: "first" }),
      e("ASK", { id: "b" }),
      e("NEW_TASK"),
      { done: "fetch", output: { ok: true } },
      e("ASK_LATER"),
      { wait: 40 },
      e("END", { id: "a" }),
      e("END", { id: "a" }),
      e("END_FIRST"),
      e("ADD_FIRST"),
      e("NEW", { id: "a" }),
    ],
  },
  "enqueueActions, check, emit, spawn and send in one": {
    machine: enqueued,
    script: [...repeat(4, e("GO")), { wait: 10 }, e("GO"), e("GO"), { wait: 10 }, e("GO")],
  },
  "guards: and, or, not, stateIn, params of guards and actions": {
    machine: guards,
    script: [
      e("TRY"),
      e("ADD", { by: 3 }),
      e("ADD"),
      e("BACK"),
      e("TRY"),
      e("ADD"),
      e("TRY"),
    ],
  },
  "wildcards and forbidden transitions": {
    machine: wildcards,
    script: [
      e("mouse.click"),
      e("mouse.move.far"),
      e("mouse"),
      e("NEVER"),
      e("key.down"),
      e("SHUT"),
      e("NEVER"),
      e("other"),
      e("key.a.b"),
    ],
  },
  "internal, external and re-entering transitions": {
    machine: reentry,
    script: [
      e("IN"),
      e("SELF"),
      e("SELF_AGAIN"),
      e("CHILD"),
      e("CHILD_AGAIN"),
      e("QUIET"),
      e("ROOT"),
      e("MULTI"),
    ],
  },
  "several targets, tags, meta": {
    machine: targets,
    script: [e("BOTH"), e("OFF"), e("ONE"), e("ONE"), e("OFF")],
  },
  "final output of states, onDone of states": {
    machine: doneStates,
    script: [e("DROP"), e("SAVE", { what: 1 }), e("SAVE")],
  },
  "input": {
    machine: withInput,
    input: { name: "Ada", nested: { list: [1, null, "x"] } },
    script: [e("SET", { when: { a: [1, 2] } })],
  },
  "emit and log": { machine: emits, script: [e("SAY", { what: "hi" })] },
  "an actor that ends takes its children, timers and activities along": {
    machine: ends,
    script: [e("END"), { wait: 1000 }],
  },
  "a child under an id that is taken": {
    machine: sameId,
    script: [
      e("NEW"),
      e("NEW"),
      e("ADD"),
      e("END_FIRST"),
      e("END"),
      e("NEW"),
      e("END"),
      e("NEW"),
      e("END"),
    ],
  },
  "an activity hears nothing": {
    machine: unheard,
    script: [e("TELL"), e("TELL_LATER"), { wait: 10 }, { done: "fetch" }, e("TELL")],
  },
  "Date and Math.random": {
    machine: dated,
    script: [{ wait: 1_700_000_000_000 }, e("ROLL"), { wait: 86_400_000 }, e("ROLL")],
    differs: "the clock is the actor's, local time is UTC, a Date in the context becomes text",
  },
  "system.get addresses a stream": {
    machine: elsewhere,
    script: [e("TELL"), e("TELL_LATER"), { wait: 10 }],
    differs: "createActor has no such actor and sends to itself",
  },
}
