/**
 * One approval: may this activity run with exactly this content? The policy looks at the risk, the
 * founder at the content; a decision binds to the content's hash, so changed content is a new approval.
 */
import { Schema } from "effect"
import { assign, setup } from "xstate"
import { defineAgent, event, isObject, personal, type Sealed } from "./agent.ts"
import { gatekeeper1 } from "./previous/gatekeeper-1.ts"
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

/** The record of one decision: by it one measures later how often the gate was right. */
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
  /** What the policy made of it, and by which rule. */
  readonly grade: "low" | "normal" | "high" | null
  readonly rule: string | null
  /** The approval whose content the founder edited into this one. */
  readonly edits: string | null
  /** Epoch ms. */
  readonly requestedAt: number
  readonly decidedAt: number | null
  /** Who decided, and why where they said. */
  readonly decision: { readonly by: string; readonly reason?: Sealed | string } | null
  /** How often it was put off, and to when the last time. */
  readonly postponements: number
  readonly until: number | null
  /** How often an approval was taken back before anything happened. */
  readonly withdrawals: number
  readonly outcome: string | null
  /** It was carried out and taken back afterwards. */
  readonly regretted: boolean
}

type GatekeeperEvent =
  | typeof ApprovalRequested.Type
  | typeof ApprovalGranted.Type
  | typeof ApprovalRejected.Type
  | typeof ApprovalPostponed.Type
  | typeof ApprovalWithdrawn.Type
  | typeof ApprovalRegretted.Type
  | typeof ApprovalSuperseded.Type
  | typeof ApprovalCarriedOut.Type

const fresh = {
  request: null,
  grade: null,
  rule: null,
  edits: null,
  requestedAt: 0,
  decidedAt: null,
  decision: null,
  postponements: 0,
  until: null,
  withdrawals: 0,
  outcome: null,
  regretted: false,
}

const chart = setup({
  types: {
    context: {} as GatekeeperContext,
    events: {} as GatekeeperEvent,
    input: {} as { readonly key: string },
  },
  delays: {
    undecided: undecidedMillisMax,
    postponed: ({ context }) => Math.max(0, (context.until ?? 0) - Date.now()),
  },
  guards: {
    staysInTheHouse: ({ context }) => context.request?.risk === "none",
    leavesTheHouse: ({ context }) => context.request !== null,
    isThisContent: ({ context, event }) =>
      event.type === "ApprovalGranted" && event.hash === context.request?.hash,
    isLater: ({ event }) => event.type === "ApprovalPostponed" && event.until > Date.now(),
    wasApproved: ({ context }) => context.withdrawals > 0,
  },
  actions: {
    keepRequest: assign(({ event }) => {
      if (event.type !== "ApprovalRequested") return {}
      const { ask, stream, activity, risk, hash } = event
      return {
        request: { ask, stream, activity, risk, hash },
        grade: event.grade ?? null,
        rule: event.rule ?? null,
        edits: event.edits ?? null,
        requestedAt: Date.now(),
      }
    }),
    keepDecision: assign(({ event }) => {
      switch (event.type) {
        case "ApprovalRejected":
          return { decision: { by: event.by, reason: event.reason }, decidedAt: Date.now() }
        case "ApprovalGranted":
        case "ApprovalSuperseded":
          return { decision: { by: event.by }, decidedAt: Date.now() }
        default:
          return {}
      }
    }),
    decideByPolicy: assign(() => ({ decision: { by: "policy" }, decidedAt: Date.now() })),
    postpone: assign(({ context, event }) =>
      event.type === "ApprovalPostponed"
        ? { until: event.until, postponements: context.postponements + 1 }
        : {}
    ),
    comeBack: assign({ until: null }),
    takeBack: assign(({ context }) => ({
      decision: null,
      decidedAt: null,
      withdrawals: context.withdrawals + 1,
    })),
    keepOutcome: assign(({ event }) =>
      event.type === "ApprovalCarriedOut" ? { outcome: event.outcome } : {}
    ),
  },
}).createMachine({
  id: "gatekeeper",
  context: ({ input }) => ({ id: input.key, ...fresh }),
  initial: "reviewing",
  states: {
    /** The policy, by what is at stake. */
    reviewing: {
      on: { ApprovalRequested: { actions: "keepRequest" } },
      always: [
        { guard: "staysInTheHouse", target: "approved", actions: "decideByPolicy" },
        { guard: "leavesTheHouse", target: "awaitingApproval" },
      ],
    },
    awaitingApproval: {
      after: { undecided: "expired" },
      on: {
        ApprovalGranted: { guard: "isThisContent", target: "approved", actions: "keepDecision" },
        ApprovalRejected: { target: "rejected", actions: "keepDecision" },
        ApprovalPostponed: { guard: "isLater", target: "postponed", actions: "postpone" },
        ApprovalSuperseded: { target: "superseded", actions: "keepDecision" },
        // It was under way already when the approval was taken back.
        ApprovalCarriedOut: {
          guard: "wasApproved",
          target: "carriedOut",
          actions: "keepOutcome",
        },
      },
    },
    /** The founder wants to see it again at `until`, and may decide before. */
    postponed: {
      after: { postponed: { target: "awaitingApproval", actions: "comeBack" } },
      on: {
        ApprovalGranted: { guard: "isThisContent", target: "approved", actions: "keepDecision" },
        ApprovalRejected: { target: "rejected", actions: "keepDecision" },
        ApprovalPostponed: {
          guard: "isLater",
          target: "postponed",
          reenter: true,
          actions: "postpone",
        },
        ApprovalWithdrawn: { target: "awaitingApproval", actions: "comeBack" },
        ApprovalSuperseded: { target: "superseded", actions: "keepDecision" },
      },
    },
    approved: {
      on: {
        ApprovalCarriedOut: { target: "carriedOut", actions: "keepOutcome" },
        ApprovalWithdrawn: { target: "awaitingApproval", actions: "takeBack" },
        // Decided, and yet nobody waits for it any more: it is not done.
        ApprovalSuperseded: { target: "superseded" },
      },
    },
    carriedOut: {
      on: { ApprovalRegretted: "regretted" },
    },
    /** It was done, and the founder took it back: the gate should have been stricter. */
    regretted: { entry: assign({ regretted: true }), type: "final" },
    rejected: { type: "final" },
    superseded: { type: "final" },
    expired: { type: "final" },
  },
})

export const gatekeeper = defineAgent({
  name: "gatekeeper",
  version: 2,
  events: [
    ApprovalRequested,
    ApprovalGranted,
    ApprovalRejected,
    ApprovalPostponed,
    ApprovalWithdrawn,
    ApprovalRegretted,
    ApprovalSuperseded,
    ApprovalCarriedOut,
  ],
  machine: chart,
  previous: { 1: gatekeeper1 },
  upgrade: (_, { context, value }) => ({
    value,
    context: { ...fresh, ...(isObject(context) ? context : {}) },
  }),
})
