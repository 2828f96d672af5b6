/**
 * A service AIOS leans on, as it stands: one actor each, `integration-ollama`, `integration-chroma`,
 * `integration-embedder`. It is told only when something changes, and tells the coordinator, which has the
 * final word on what waits. A service that never answered here has no actor: what was never there cannot fail.
 */
import { assign, setup } from "xstate"
import { defineAgent, tell } from "./agent.ts"
import { coordinatorKey } from "./coordinator-events.ts"
import {
  CircuitClosed,
  CircuitOpened,
  ProbeFailed,
  ServiceAnswered,
  type Trouble,
} from "./integration-events.ts"

/** Outages that are remembered one by one; all are counted. */
const outagesKept = 10
const coordinatorStream = `coordinator-${coordinatorKey}`

interface Outage {
  /** Epoch ms. */
  readonly from: number
  readonly until: number
  readonly trouble: Trouble
}

interface IntegrationContext {
  /** Which one: `ollama`. */
  readonly service: string
  /** Since when it works, or does not, epoch ms; 0: nothing is known yet. */
  readonly since: number
  readonly trouble: Trouble | null
  readonly reason: string
  /** All there ever were, with the present one. */
  readonly outages: number
  /** The last ones that are over, oldest first. */
  readonly past: ReadonlyArray<Outage>
}

type IntegrationEvent =
  | typeof ServiceAnswered.Type
  | typeof CircuitOpened.Type
  | typeof ProbeFailed.Type
  | typeof CircuitClosed.Type

const chart = setup({
  types: {
    context: {} as IntegrationContext,
    events: {} as IntegrationEvent,
    input: {} as { readonly key: string },
  },
  actions: {
    answer: assign(() => ({ since: Date.now() })),
    fail: assign(({ context, event }) =>
      event.type === "CircuitOpened"
        ? {
          since: Date.now(),
          trouble: event.trouble,
          reason: event.reason,
          outages: context.outages + 1,
        }
        : {}
    ),
    failAgain: assign(({ event }) => event.type === "ProbeFailed" ? { reason: event.reason } : {}),
    recover: assign(({ context }) => ({
      since: Date.now(),
      trouble: null,
      reason: "",
      past: [
        ...context.past,
        { from: context.since, until: Date.now(), trouble: context.trouble ?? "failed" },
      ].slice(-outagesKept),
    })),
    tellDegraded: tell<IntegrationContext, IntegrationEvent>(
      coordinatorStream,
      ({ context, event }) => ({
        type: "AdapterDegraded",
        adapter: context.service,
        reason: event.type === "CircuitOpened" ? event.reason : context.reason,
      }),
    ),
    tellRecovered: tell<IntegrationContext, IntegrationEvent>(
      coordinatorStream,
      ({ context }) => ({ type: "AdapterRecovered", adapter: context.service }),
    ),
  },
}).createMachine({
  id: "integration",
  context: ({ input }) => ({
    service: input.key,
    since: 0,
    trouble: null,
    reason: "",
    outages: 0,
    past: [],
  }),
  initial: "unmet",
  states: {
    unmet: {
      on: {
        ServiceAnswered: { target: "healthy", actions: "answer" },
        CircuitOpened: { target: "open", actions: ["fail", "tellDegraded"] },
      },
    },
    healthy: {
      on: { CircuitOpened: { target: "open", actions: ["fail", "tellDegraded"] } },
    },
    /** Nothing is tried but a probe now and then. */
    open: {
      on: {
        ProbeFailed: { target: "probing", actions: "failAgain" },
        CircuitClosed: { target: "healthy", actions: ["recover", "tellRecovered"] },
      },
    },
    /** A probe failed: it is more than a hiccup. Further ones are not told. */
    probing: {
      on: { CircuitClosed: { target: "healthy", actions: ["recover", "tellRecovered"] } },
    },
  },
})

export const integration = defineAgent({
  name: "integration",
  version: 1,
  events: [ServiceAnswered, CircuitOpened, ProbeFailed, CircuitClosed],
  machine: chart,
})
