/** Agents for several processes on one log: clerks that do a piece of work when asked, and who counts it. */
import { Schema } from "effect"
import { assign, setup } from "xstate"
import { activity, type ActivityLogic, defineAgent, event, tell } from "../../machines/agent.ts"

const Asked = event("Asked", { n: Schema.optionalKey(Schema.Int) })
const Left = event("Left", {})
const Counted = event("Counted", { by: Schema.String })

export type Work = ActivityLogic<{ readonly n: number }, { done: number }>
type Options = Partial<Omit<Parameters<typeof activity>[0], "name" | "input" | "output">>

export const declareWork = (name: string, options: Options = {}) =>
  activity({
    name,
    input: Schema.Struct({ n: Schema.Int }),
    output: Schema.Struct({ done: Schema.Int }),
    retryDelayMillisMin: 5,
    retryDelayMillisMax: 20,
    ...options,
  }) as Work

/** Does a piece of work each time it is asked, and tells the counter of each. */
export const clerkOf = (logic: Work, name = "clerk") =>
  defineAgent({
    name,
    version: 1,
    events: [Asked, Left],
    machine: setup({
      types: {
        context: {} as { n: number; done: number; key: string },
        input: {} as { key: string },
        events: {} as typeof Asked.Type | typeof Left.Type,
      },
      actors: { work: logic },
      actions: {
        take: assign(({ event }) => (event.type === "Asked" ? { n: event.n ?? 0 } : {})),
        count: tell("counter-all", ({ context }: { context: { key: string } }) => ({
          type: "Counted",
          by: context.key,
        })),
      },
    }).createMachine({
      id: name,
      context: ({ input }) => ({ n: 0, done: 0, key: input.key }),
      initial: "idle",
      states: {
        idle: {},
        working: {
          invoke: {
            id: "work",
            src: "work",
            input: ({ context }) => ({ n: context.n }),
            onDone: {
              target: "idle",
              actions: [assign(({ context }) => ({ done: context.done + 1 })), "count"],
            },
            onError: "failed",
          },
          on: { Left: "idle" },
        },
        failed: {},
      },
      on: { Asked: { target: ".working", actions: "take" } },
    }),
  })

export const counter = defineAgent({
  name: "counter",
  version: 1,
  events: [Counted],
  machine: setup({
    types: { context: {} as { count: number }, events: {} as typeof Counted.Type },
  }).createMachine({
    id: "counter",
    context: { count: 0 },
    on: { Counted: { actions: assign(({ context }) => ({ count: context.count + 1 })) } },
  }),
})
