/** The chart of an approval up to version 1: no grades, nothing was postponed or taken back. */
import { assign, setup } from "xstate"
import type { Sealed } from "../agent.ts"
import type {
  ApprovalCarriedOut,
  ApprovalGranted,
  ApprovalRejected,
  ApprovalRequested,
  ApprovalSuperseded,
} from "../gatekeeper.ts"

/** What nobody decides within this time is not done. */
const undecidedMillisMax = 30 * 24 * 60 * 60 * 1000

interface GatekeeperContext {
  /** The approval's id. */
  readonly id: string
  /** What waits; null before it asked. The content stays in its event. */
  readonly request: {
    readonly ask: string
    readonly stream: string
    readonly activity: string
    readonly risk: "none" | "outward" | "money"
    readonly hash: string
  } | null
  /** Who decided, and why where they said. */
  readonly decision: { readonly by: string; readonly reason?: Sealed | string } | null
  readonly outcome: string | null
}

type GatekeeperEvent =
  | typeof ApprovalRequested.Type
  | typeof ApprovalGranted.Type
  | typeof ApprovalRejected.Type
  | typeof ApprovalSuperseded.Type
  | typeof ApprovalCarriedOut.Type

export const gatekeeper1 = setup({
  types: {
    context: {} as GatekeeperContext,
    events: {} as GatekeeperEvent,
    input: {} as { readonly key: string },
  },
  delays: { undecided: undecidedMillisMax },
  guards: {
    staysInTheHouse: ({ context }) => context.request?.risk === "none",
    leavesTheHouse: ({ context }) => context.request !== null,
    isThisContent: ({ context, event }) =>
      event.type === "ApprovalGranted" && event.hash === context.request?.hash,
  },
  actions: {
    keepRequest: assign(({ event }) => {
      if (event.type !== "ApprovalRequested") return {}
      const { ask, stream, activity, risk, hash } = event
      return { request: { ask, stream, activity, risk, hash } }
    }),
    keepDecision: assign(({ event }) => {
      switch (event.type) {
        case "ApprovalRejected":
          return { decision: { by: event.by, reason: event.reason } }
        case "ApprovalGranted":
        case "ApprovalSuperseded":
          return { decision: { by: event.by } }
        default:
          return {}
      }
    }),
  },
}).createMachine({
  id: "gatekeeper",
  context: ({ input }) => ({ id: input.key, request: null, decision: null, outcome: null }),
  initial: "reviewing",
  states: {
    /** The policy, by what is at stake. */
    reviewing: {
      on: { ApprovalRequested: { actions: "keepRequest" } },
      always: [
        {
          guard: "staysInTheHouse",
          target: "approved",
          actions: assign({ decision: { by: "policy" } }),
        },
        { guard: "leavesTheHouse", target: "awaitingApproval" },
      ],
    },
    awaitingApproval: {
      after: { undecided: "expired" },
      on: {
        ApprovalGranted: { guard: "isThisContent", target: "approved", actions: "keepDecision" },
        ApprovalRejected: { target: "rejected", actions: "keepDecision" },
        ApprovalSuperseded: { target: "superseded", actions: "keepDecision" },
      },
    },
    approved: {
      on: {
        ApprovalCarriedOut: {
          target: "carriedOut",
          actions: assign({ outcome: ({ event }) => event.outcome }),
        },
        // Decided, and yet nobody waits for it any more: it is not done.
        ApprovalSuperseded: { target: "superseded" },
      },
    },
    carriedOut: { type: "final" },
    rejected: { type: "final" },
    superseded: { type: "final" },
    expired: { type: "final" },
  },
})
