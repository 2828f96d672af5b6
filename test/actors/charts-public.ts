/**
 * Machines as people publish them for XState v5, written by us in their style, each with a script. They know
 * nothing of durability; that they run here unchanged is the point.
 */
// deno-lint-ignore-file no-explicit-any -- as in the examples one finds
import {
  assign,
  createMachine,
  enqueueActions,
  raise,
  sendParent,
  sendTo,
  setup,
  stopChild,
} from "xstate"
import type { Case } from "./charts-features.ts"
import { task } from "./task.ts"

const toggle = createMachine({
  id: "toggle",
  initial: "inactive",
  states: { inactive: { on: { toggle: "active" } }, active: { on: { toggle: "inactive" } } },
})

const trafficLight = createMachine({
  id: "trafficLight",
  initial: "green",
  states: {
    green: { after: { 3000: "yellow" } },
    yellow: { after: { 1000: "red" } },
    red: {
      initial: "walk",
      states: {
        walk: { on: { PED_COUNTDOWN: "wait" } },
        wait: { on: { PED_COUNTDOWN: "stop" } },
        stop: { type: "final" },
      },
      onDone: "green",
    },
  },
  on: { POWER_OUTAGE: ".red", POWER_RESTORED: { target: ".green", reenter: true } },
})

const wizard = setup({
  types: { context: {} as { name: string; email: string; errors: Array<string> } },
  guards: {
    hasName: ({ context }) => context.name.trim().length > 0,
    hasEmail: ({ context }) => /^[^@]+@[^@]+$/.test(context.email),
  },
  actors: { submit: task("submit") },
}).createMachine({
  id: "wizard",
  context: { name: "", email: "", errors: [] },
  initial: "editing",
  states: {
    editing: {
      initial: "name",
      states: {
        name: { on: { NEXT: { guard: "hasName", target: "email" } } },
        email: { on: { NEXT: { guard: "hasEmail", target: "review" }, BACK: "name" } },
        review: { on: { BACK: "email", SUBMIT: "#wizard.submitting" } },
        hist: { type: "history" },
      },
      on: {
        CHANGE: {
          actions: assign(({ event }: any) => ({ [event.field]: event.value })),
        },
      },
    },
    submitting: {
      invoke: {
        src: "submit",
        input: ({ context }: any) => ({ name: context.name, email: context.email }),
        onDone: "success",
        onError: {
          target: "editing.hist",
          actions: assign({
            errors: ({ context, event }) => [...context.errors, (event.error as Error).message],
          }),
        },
      },
    },
    success: { type: "final" },
  },
})

const fetchRetry = setup({
  types: { context: {} as { retries: number; data?: unknown; error?: unknown } },
  actors: { fetchData: task("fetchData") },
  guards: { canRetry: ({ context }) => context.retries < 2 },
  delays: { backoff: ({ context }) => 2 ** context.retries * 100 },
}).createMachine({
  id: "fetcher",
  context: { retries: 0, data: undefined, error: undefined },
  initial: "idle",
  states: {
    idle: { on: { FETCH: "loading" } },
    loading: {
      invoke: {
        src: "fetchData",
        onDone: { target: "success", actions: assign({ data: ({ event }) => event.output }) },
        onError: [
          {
            guard: "canRetry",
            target: "waiting",
            actions: assign({ retries: ({ context }) => context.retries + 1 }),
          },
          { target: "failure", actions: assign({ error: ({ event }) => event.error }) },
        ],
      },
      after: { 5000: { target: "failure", actions: assign({ error: "timeout" }) } },
    },
    waiting: { after: { backoff: "loading" }, on: { CANCEL: "idle" } },
    success: { on: { FETCH: { target: "loading", actions: assign({ data: undefined }) } } },
    failure: { on: { RETRY: { target: "loading", actions: assign({ retries: 0 }) } } },
  },
})

const stopwatch = createMachine({
  id: "stopwatch",
  context: { elapsed: 0 },
  initial: "stopped",
  states: {
    stopped: { on: { start: "running", reset: { actions: assign({ elapsed: 0 }) } } },
    running: {
      entry: raise({ type: "TICK" }, { delay: 10 }),
      on: {
        TICK: {
          target: "running",
          reenter: true,
          actions: assign({ elapsed: ({ context }) => context.elapsed + 10 }),
        },
        stop: "stopped",
      },
    },
  },
})

const todo = setup({
  types: { context: {} as { title: string; draft: string }, input: {} as { title: string } },
}).createMachine({
  id: "todo",
  context: ({ input }) => ({ title: input.title, draft: input.title }),
  initial: "reading",
  states: {
    reading: { on: { EDIT: "editing", TOGGLE: "done", DELETE: "deleted" } },
    editing: {
      on: {
        CHANGE: { actions: assign({ draft: ({ event }: any) => event.value }) },
        COMMIT: [
          {
            guard: ({ context }) => context.draft.length > 0,
            target: "reading",
            actions: [
              assign({ title: ({ context }) => context.draft }),
              sendParent(({ self, context }: any) => ({
                type: "TODO.COMMIT",
                id: self.id,
                title: context.draft,
              })),
            ],
          },
          { target: "deleted" },
        ],
      },
    },
    done: { on: { TOGGLE: "reading", DELETE: "deleted" } },
    deleted: {
      entry: sendParent(({ self }) => ({ type: "TODO.DELETE", id: self.id })),
      type: "final",
    },
  },
})
const todos = setup({
  types: {
    context: {} as { next: number; todos: Array<{ id: string; title: string; ref: any }> },
  },
  actors: { todo },
}).createMachine({
  id: "todos",
  context: { next: 0, todos: [] },
  on: {
    "NEW_TODO.ADD": {
      guard: ({ event }: any) => event.value.trim().length > 0,
      actions: assign(({ context, event, spawn }: any) => ({
        next: context.next + 1,
        todos: [...context.todos, {
          id: `todo-${context.next}`,
          title: event.value,
          ref: spawn("todo", { id: `todo-${context.next}`, input: { title: event.value } }),
        }],
      })),
    },
    "TODO.COMMIT": {
      actions: assign({
        todos: ({ context, event }: any) =>
          context.todos.map((one: any) =>
            one.id === event.id ? { ...one, title: event.title } : one
          ),
      }),
    },
    "TODO.DELETE": {
      actions: enqueueActions(({ context, event, enqueue }: any) => {
        enqueue.stopChild(event.id)
        enqueue.assign({ todos: context.todos.filter((one: any) => one.id !== event.id) })
      }),
    },
    "TODO.*": {
      actions: sendTo(
        ({ context, event }: any) => context.todos.find((one: any) => one.id === event.id)?.ref,
        ({ event }: any) => ({ type: event.type.split(".")[1], value: event.value }),
      ),
      guard: ({ context, event }: any) => context.todos.some((one: any) => one.id === event.id),
    },
  },
})

const checkout = setup({
  types: { context: {} as { items: Array<any>; total: number; receipt: any; log: Array<string> } },
  actors: { pay: task("pay"), reserve: task("reserve"), refund: task("refund") },
  actions: {
    remember: assign({ log: ({ context }, params: any) => [...context.log, params.what] }),
  },
}).createMachine({
  id: "checkout",
  context: { items: [], total: 0, receipt: null, log: [] },
  initial: "cart",
  states: {
    cart: {
      on: {
        ADD: {
          actions: assign({
            items: ({ context, event }: any) => [...context.items, event.item],
            total: ({ context, event }: any) => context.total + event.item.price,
          }),
        },
        CHECKOUT: { guard: ({ context }) => context.items.length > 0, target: "processing" },
      },
    },
    processing: {
      type: "parallel",
      states: {
        payment: {
          initial: "charging",
          states: {
            charging: {
              invoke: {
                src: "pay",
                input: ({ context }: any) => ({ amount: context.total }),
                onDone: {
                  target: "charged",
                  actions: assign({ receipt: ({ event }) => event.output }),
                },
                onError: "#checkout.failed",
              },
            },
            charged: { type: "final" },
          },
        },
        stock: {
          initial: "reserving",
          states: {
            reserving: {
              invoke: {
                src: "reserve",
                onDone: "reserved",
                onError: { target: "#checkout.refunding" },
              },
            },
            reserved: { type: "final" },
          },
        },
      },
      onDone: {
        target: "complete",
        actions: { type: "remember", params: { what: "complete" } } as any,
      },
      after: { 60000: "failed" },
    },
    refunding: { invoke: { src: "refund", onDone: "failed", onError: "failed" } },
    failed: { on: { RETRY: "processing" } },
    complete: { type: "final" },
  },
  output: ({ context }) => ({ receipt: context.receipt, total: context.total }),
})

const elevator = createMachine({
  id: "elevator",
  context: { floor: 0, queue: [] as Array<number> },
  initial: "idle",
  states: {
    idle: { always: { guard: ({ context }) => context.queue.length > 0, target: "moving" } },
    moving: {
      after: {
        1000: {
          target: "arriving",
          actions: assign({
            floor: ({ context }) => context.floor + Math.sign(context.queue[0]! - context.floor),
          }),
        },
      },
    },
    arriving: {
      always: [
        {
          guard: ({ context }) => context.queue[0] === context.floor,
          target: "open",
          actions: assign({ queue: ({ context }) => context.queue.slice(1) }),
        },
        { target: "moving" },
      ],
    },
    open: { tags: ["doors"], after: { 2000: "idle" }, on: { CLOSE: "idle" } },
  },
  on: {
    CALL: {
      guard: ({ context, event }: any) => !context.queue.includes(event.floor),
      actions: assign({ queue: ({ context, event }: any) => [...context.queue, event.floor] }),
    },
  },
})

const mediaPlayer = createMachine({
  id: "player",
  type: "parallel",
  states: {
    playback: {
      initial: "stopped",
      states: {
        stopped: { on: { PLAY: "playing" } },
        playing: {
          initial: "normal",
          states: {
            normal: { on: { FAST: "fast" } },
            fast: { on: { NORMAL: "normal" } },
            hist: { type: "history" },
          },
          on: { PAUSE: "paused", STOP: "stopped" },
        },
        paused: { on: { PLAY: "playing.hist", STOP: "stopped" } },
      },
    },
    volume: {
      initial: "normal",
      states: { normal: { on: { MUTE: "muted" } }, muted: { on: { MUTE: "normal" } } },
    },
  },
  on: { RESET: ".playback.stopped" },
})

const responder = createMachine({
  id: "responder",
  on: {
    REQUEST: {
      actions: sendTo(({ event }: any) => event.sender, { type: "RESPONSE" }, { delay: 1000 }),
    },
  },
})
const requester = setup({ actors: { responder } }).createMachine({
  id: "requester",
  context: { count: 0 },
  invoke: { src: "responder", id: "responder" },
  initial: "asking",
  states: {
    asking: {
      entry: sendTo("responder", ({ self }) => ({ type: "REQUEST", sender: self })),
      on: {
        RESPONSE: {
          target: "asked",
          actions: assign({ count: ({ context }) => context.count + 1 }),
        },
      },
      after: { 5000: "failed" },
    },
    asked: { after: { 500: "asking" }, on: { DONE: "end" } },
    failed: {},
    end: { type: "final" },
  },
})

const quiz = setup({
  types: { context: {} as { score: number; answered: number } },
}).createMachine({
  id: "quiz",
  context: { score: 0, answered: 0 },
  initial: "playing",
  states: {
    playing: {
      always: [
        { guard: ({ context }) => context.score >= 3, target: "won" },
        { guard: ({ context }) => context.answered >= 5, target: "lost" },
      ],
      on: {
        ANSWER: {
          actions: enqueueActions(({ enqueue, event, context }: any) => {
            enqueue.assign({ answered: context.answered + 1 })
            if (event.correct) enqueue.assign(({ context }: any) => ({ score: context.score + 1 }))
          }),
        },
      },
    },
    won: { type: "final", output: "won" },
    lost: { type: "final", output: "lost" },
  },
  output: ({ event }) => event.output,
})

const atm = createMachine({
  id: "atm",
  context: { balance: 100, pin: "", tries: 0 },
  initial: "idle",
  states: {
    idle: { on: { CARD: "pin" } },
    pin: {
      on: {
        PIN: [
          { guard: ({ event }: any) => event.pin === "1234", target: "session" },
          {
            guard: ({ context }) => context.tries >= 2,
            target: "swallowed",
          },
          { actions: assign({ tries: ({ context }) => context.tries + 1 }) },
        ],
      },
      exit: assign({ tries: 0 }),
    },
    session: {
      initial: "menu",
      states: {
        menu: { on: { WITHDRAW: "withdraw", BALANCE: "balance" } },
        balance: { on: { MENU: "menu" } },
        withdraw: {
          on: {
            AMOUNT: {
              guard: ({ context, event }: any) => event.amount <= context.balance,
              target: "menu",
              actions: assign({
                balance: ({ context, event }: any) => context.balance - event.amount,
              }),
            },
            MENU: "menu",
          },
        },
        last: { type: "history" },
      },
      on: { HELP: "help", EJECT: "idle" },
      after: { 30000: "timeout" },
    },
    help: { on: { RETURN: "session.last" } },
    timeout: { on: { CONTINUE: "session.last" }, after: { 10000: "swallowed" } },
    swallowed: { type: "final" },
  },
})

const search = setup({ actors: { query: task("query") } }).createMachine({
  id: "search",
  context: { text: "", results: [] as Array<string> },
  initial: "idle",
  states: {
    idle: {},
    typing: { after: { 300: "searching" } },
    searching: {
      invoke: {
        src: "query",
        input: ({ context }: any) => context.text,
        onDone: {
          target: "idle",
          actions: assign({ results: ({ event }) => event.output as any }),
        },
        onError: "idle",
      },
    },
  },
  on: {
    TYPE: {
      target: ".typing",
      reenter: true,
      actions: assign({ text: ({ event }: any) => event.text }),
    },
  },
})

const bureau = createMachine({
  id: "bureau",
  context: ({ input }: any) => ({ name: input.name }),
  initial: "checking",
  states: {
    checking: { on: { "SCORE": "scored" }, after: { 800: "scored" } },
    scored: { type: "final" },
  },
  output: ({ context }: any) => ({ name: context.name, score: context.name.length * 100 }),
})
const creditCheck = setup({ actors: { bureau, verify: task("verify") } }).createMachine({
  id: "creditCheck",
  context: { scores: [] as Array<any>, person: null as any },
  initial: "entering",
  states: {
    entering: {
      on: {
        SUBMIT: {
          target: "verifying",
          actions: assign({ person: ({ event }: any) => event.person }),
        },
      },
    },
    verifying: { invoke: { src: "verify", onDone: "checking", onError: "entering" } },
    checking: {
      type: "parallel",
      states: Object.fromEntries(["gavin", "union", "equi"].map((name) => [name, {
        initial: "asking",
        states: {
          asking: {
            invoke: {
              src: "bureau",
              id: name,
              input: { name },
              onDone: {
                target: "done",
                actions: assign({
                  scores: ({ context, event }: any) => [...context.scores, event.output],
                }),
              },
            },
          },
          done: { type: "final" },
        },
      }])) as any,
      onDone: "decided",
    },
    decided: {
      always: [
        {
          guard: ({ context }) => context.scores.some((one: any) => one.score > 450),
          target: "granted",
        },
        { target: "denied" },
      ],
    },
    granted: { type: "final" },
    denied: { type: "final" },
  },
  output: ({ context }) => context.scores,
})

const game = createMachine({
  id: "ticTacToe",
  context: {
    board: Array(9).fill(null) as Array<string | null>,
    player: "x",
    moves: 0,
    winner: null as string | null,
  },
  initial: "playing",
  states: {
    playing: {
      always: [{ target: "over.won", guard: "won" }, { target: "over.draw", guard: "draw" }],
      on: {
        PLAY: {
          guard: ({ context, event }: any) => context.board[event.cell] === null,
          actions: assign(({ context, event }: any) => ({
            board: context.board.map((
              one: any,
              n: number,
            ) => (n === event.cell ? context.player : one)),
            moves: context.moves + 1,
            player: context.player === "x" ? "o" : "x",
          })),
        },
      },
    },
    over: {
      initial: "won",
      states: {
        won: {
          tags: "won",
          entry: assign({ winner: ({ context }: any) => (context.player === "x" ? "o" : "x") }),
        },
        draw: { tags: "draw" },
      },
      on: {
        RESET: {
          target: "playing",
          actions: assign({ board: Array(9).fill(null), moves: 0, winner: null }),
        },
      },
    },
  },
}, {
  guards: {
    won: ({ context }: any) =>
      [[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]]
        .some(([a, b, c]) =>
          context.board[a!] && context.board[a!] === context.board[b!] &&
          context.board[a!] === context.board[c!]
        ),
    draw: ({ context }: any) => context.moves === 9,
  },
})

const timer = createMachine({
  id: "timer",
  context: { duration: 3, elapsed: 0 },
  initial: "idle",
  states: {
    idle: {
      on: {
        START: "running",
        SET: { actions: assign({ duration: ({ event }: any) => event.value }) },
      },
    },
    running: {
      always: { guard: ({ context }) => context.elapsed >= context.duration, target: "expired" },
      after: {
        1000: {
          target: "running",
          reenter: true,
          actions: assign({ elapsed: ({ context }) => context.elapsed + 1 }),
        },
      },
      on: { PAUSE: "paused" },
    },
    paused: {
      on: { START: "running", RESET: { target: "idle", actions: assign({ elapsed: 0 }) } },
    },
    expired: { type: "final" },
  },
})

const workers = setup({
  actors: {
    worker: createMachine({
      id: "worker",
      context: ({ input }: any) => ({ job: input.job }),
      initial: "working",
      states: {
        working: { after: { 100: "finished" }, on: { ABORT: "aborted" } },
        finished: { type: "final" },
        aborted: { entry: sendParent({ type: "ABORTED" }) },
      },
      output: ({ context }: any) => context.job * 2,
    }),
  },
}).createMachine({
  id: "pool",
  context: { results: [] as Array<any>, aborted: 0 },
  on: {
    JOB: {
      actions: assign((
        { spawn, event }: any,
      ) => (spawn("worker", { id: `w${event.job}`, input: { job: event.job } }), {})),
    },
    KILL: { actions: stopChild(({ event }: any) => `w${event.job}`) },
    ABORT: {
      guard: ({ event, context }: any) => event.job >= 0 && context.aborted < 9,
      actions: sendTo(({ event }: any) => `w${event.job}`, { type: "ABORT" }),
    },
    ABORTED: { actions: assign({ aborted: ({ context }) => context.aborted + 1 }) },
    "xstate.done.actor.*": {
      actions: assign({ results: ({ context, event }: any) => [...context.results, event.output] }),
    },
  },
})

const e = (type: string, fields: { readonly [field: string]: unknown } = {}) => ({
  type,
  ...fields,
})
const times = <A>(n: number, ...moves: ReadonlyArray<A>) =>
  Array.from({ length: n }, () => moves).flat()

export const published: Readonly<Record<string, Case>> = {
  "toggle": { machine: toggle, script: times(3, e("toggle")) },
  "traffic light": {
    machine: trafficLight,
    script: [
      { wait: 3000 },
      { wait: 500 },
      e("POWER_RESTORED"),
      { wait: 4000 },
      ...times(3, e("PED_COUNTDOWN")),
      e("POWER_OUTAGE"),
      e("PED_COUNTDOWN"),
    ],
  },
  "form wizard": {
    machine: wizard,
    script: [
      e("NEXT"),
      e("CHANGE", { field: "name", value: "Ada" }),
      e("NEXT"),
      e("NEXT"),
      e("CHANGE", { field: "email", value: "a@b" }),
      e("NEXT"),
      e("SUBMIT"),
      { fail: "submit", message: "taken" },
      e("BACK"),
      e("NEXT"),
      e("SUBMIT"),
      { done: "submit" },
    ],
  },
  "fetch with retry": {
    machine: fetchRetry,
    script: [
      e("FETCH"),
      { fail: "fetchData" },
      { wait: 200 },
      { fail: "fetchData" },
      { wait: 399 },
      { wait: 1 },
      { fail: "fetchData" },
      e("RETRY"),
      { done: "fetchData", output: { a: 1 } },
      e("FETCH"),
      { wait: 5000 },
    ],
  },
  "stopwatch": {
    machine: stopwatch,
    script: [
      e("start"),
      { wait: 35 },
      e("stop"),
      { wait: 50 },
      e("start"),
      { wait: 5 },
      e("reset"),
      e("stop"),
      e("reset"),
    ],
  },
  "todos with spawned actors": {
    machine: todos,
    script: [
      e("NEW_TODO.ADD", { value: "milk" }),
      e("NEW_TODO.ADD", { value: " " }),
      e("NEW_TODO.ADD", { value: "eggs" }),
      e("TODO.EDIT", { id: "todo-0" }),
      e("TODO.CHANGE", { id: "todo-0", value: "oat milk" }),
      e("TODO.TOGGLE", { id: "todo-1" }),
      e("TODO.DELETE", { id: "todo-1" }),
      e("TODO.TOGGLE", { id: "todo-1" }),
      e("NEW_TODO.ADD", { value: "tea" }),
    ],
  },
  "checkout": {
    machine: checkout,
    script: [
      e("CHECKOUT"),
      e("ADD", { item: { sku: "a", price: 5 } }),
      e("ADD", { item: { sku: "b", price: 7.5 } }),
      e("CHECKOUT"),
      { done: "pay", output: { id: 1 } },
      { fail: "reserve" },
      { done: "refund" },
      e("RETRY"),
      { wait: 60000 },
      e("RETRY"),
      { done: "reserve" },
      { done: "pay", nth: 1, output: { id: 2 } },
    ],
  },
  "elevator": {
    machine: elevator,
    script: [
      e("CALL", { floor: 2 }),
      e("CALL", { floor: 2 }),
      { wait: 1500 },
      e("CALL", { floor: -1 }),
      { wait: 500 },
      e("CLOSE"),
      { wait: 10000 },
    ],
  },
  "media player": {
    machine: mediaPlayer,
    script: [
      e("PLAY"),
      e("FAST"),
      e("MUTE"),
      e("PAUSE"),
      e("PLAY"),
      e("MUTE"),
      e("STOP"),
      e("PLAY"),
      e("RESET"),
    ],
  },
  "request and response": {
    machine: requester,
    script: [
      { wait: 999 },
      { wait: 1 },
      { wait: 700 },
      { wait: 5000 },
      e("DONE"),
      { wait: 500 },
      e("DONE"),
    ],
  },
  "quiz": {
    machine: quiz,
    script: [
      e("ANSWER", { correct: true }),
      e("ANSWER", {}),
      ...times(3, e("ANSWER", { correct: true })),
    ],
  },
  "ATM with history": {
    machine: atm,
    script: [
      e("CARD"),
      e("PIN", { pin: "0" }),
      e("PIN", { pin: "1234" }),
      e("WITHDRAW"),
      e("HELP"),
      e("RETURN"),
      e("AMOUNT", { amount: 200 }),
      { wait: 30000 },
      e("CONTINUE"),
      e("AMOUNT", { amount: 30 }),
      e("EJECT"),
      e("CARD"),
      ...times(3, e("PIN", {})),
    ],
  },
  "search with debounce": {
    machine: search,
    script: [
      e("TYPE", { text: "a" }),
      { wait: 200 },
      e("TYPE", { text: "ab" }),
      { wait: 300 },
      e("TYPE", { text: "abc" }),
      { done: "query", output: ["old"] },
      { wait: 300 },
      { done: "query", output: ["abc"] },
    ],
  },
  "credit check with parallel child machines": {
    machine: creditCheck,
    script: [
      e("SUBMIT", { person: { name: "Ada" } }),
      { fail: "verify" },
      e("SUBMIT", { person: { name: "Ada" } }),
      { done: "verify" },
      { wait: 800 },
    ],
  },
  "tic-tac-toe": {
    machine: game,
    script: [0, 1, 0, 4, 2, 8].map((cell) => e("PLAY", { cell })).concat(
      [3, 5, 6].map((cell) => e("PLAY", { cell })),
      e("RESET"),
    ),
  },
  "timer": {
    machine: timer,
    script: [
      e("SET", { value: 4 }),
      e("START"),
      { wait: 1500 },
      e("PAUSE"),
      { wait: 900 },
      e("START"),
      { wait: 4000 },
    ],
  },
  "worker pool": {
    machine: workers,
    script: [
      e("JOB", { job: 1 }),
      e("JOB", { job: 2 }),
      { wait: 50 },
      e("JOB", { job: 3 }),
      e("ABORT", { job: 2 }),
      { wait: 50 },
      e("KILL", { job: 3 }),
      { wait: 100 },
    ],
  },
}
