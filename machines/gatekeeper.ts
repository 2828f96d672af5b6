/**
 * One approval: may this activity run with exactly this content? The policy looks at the risk, the
 * founder at the content; a decision binds to the content's hash, so changed content is a new approval.
 */
import { Schema } from "effect"
import { assign, setup } from "xstate"
import { defineAgent, event, personal, type Sealed } from "./agent.ts"
import { Instant, PersonKey } from "./record.ts"

/** An activity with a risk asks to run. */
export const ApprovalRequested = event("ApprovalRequested", {
  /** The ask that waits, `<stream>/<revision>.<place>`. */
  ask: Schema.String,
  /** Stream of the actor that asks. */
  stream: Schema.String,
  activity: Schema.String,
  risk: Schema.Literals(["none", "outward", "money"]),
  /** SHA-256 of the exact content. */
  hash: Schema.String,
  /** Why it is asked, a line each. */
  reasons: Schema.Array(Schema.String),
  content: personal(Schema.Json),
  person: Schema.optionalKey(PersonKey),
  /** Ids of the events that led here, oldest first. */
  events: Schema.Array(Schema.String),
  /** How risky the policy finds it, and by which rule, in words. */
  grade: Schema.optionalKey(Schema.Literals(["low", "normal", "high"])),
  rule: Schema.optionalKey(Schema.String),
  /** Approvals with the same group are alike and may be decided together; only `low` ones have one. */
  group: Schema.optionalKey(Schema.String),
  /** The approval whose edited content this is. */
  edits: Schema.optionalKey(Schema.String),
})

/** Somebody approved the content with this hash. Any other hash is not accepted. */
export const ApprovalGranted = event("ApprovalGranted", {
  hash: Schema.String,
  by: Schema.String,
})

export const ApprovalRejected = event("ApprovalRejected", {
  /** The founder's own words about it; they may name the person. */
  reason: personal(Schema.String),
  by: Schema.String,
  person: Schema.optionalKey(PersonKey),
})

/** Not now: it comes back at `until`. */
export const ApprovalPostponed = event("ApprovalPostponed", { until: Instant, by: Schema.String })

/** The decision is taken back before anything happened: it waits for the founder again. */
export const ApprovalWithdrawn = event("ApprovalWithdrawn", { by: Schema.String })

/** It was carried out, and the founder took it back: the gate should have been stricter. */
export const ApprovalRegretted = event("ApprovalRegretted", { by: Schema.String })

/** The content changed, or nobody waits for it any more. */
export const ApprovalSuperseded = event("ApprovalSuperseded", {
  /** What took its place: an approval's id, or an event's type. */
  by: Schema.String,
})

/** What became of what was approved: measures later whether the gate was right. */
export const ApprovalCarriedOut = event("ApprovalCarriedOut", {
  outcome: Schema.Literals(["succeeded", "failed", "skipped", "stopped"]),
})

/** What nobody decides within this time is not done. */
export const undecidedMillisMax = 30 * 24 * 60 * 60 * 1000

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

const chart = setup({
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

export const gatekeeper = defineAgent({
  name: "gatekeeper",
  version: 1,
  events: [
    ApprovalRequested,
    ApprovalGranted,
    ApprovalRejected,
    ApprovalSuperseded,
    ApprovalCarriedOut,
  ],
  machine: chart,
})
