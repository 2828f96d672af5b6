/**
 * Which model does what, and what it may cost: words of the founder in stream `policy-models`; the last
 * one counts, fields that are absent stay as they were. Defaults are in `actors/model-routes.ts`.
 */
import { Schema } from "effect"
import { defineJournal, event } from "./agent.ts"

/** Tried in order; the cache is always asked first. `rules`: what the core does without a model. */
export const RouteStep = Schema.Literals(["small", "large", "rules", "operator"])
export type RouteStep = typeof RouteStep.Type

/** Of one agent and local day. At `softPart` of any it warns, at the whole it stops. */
export const Budget = Schema.Struct({
  tokens: Schema.optionalKey(Schema.Int),
  millis: Schema.optionalKey(Schema.Int),
  /** Millionths of the currency's unit. */
  micros: Schema.optionalKey(Schema.Int),
})
export type Budget = typeof Budget.Type

export const ModelPolicyChosen = event("ModelPolicyChosen", {
  /** Names of models at the server; empty: chosen by the machine's memory. */
  small: Schema.optionalKey(Schema.String),
  large: Schema.optionalKey(Schema.String),
  /** By activity. */
  routes: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(RouteStep))),
  /** By agent; `*` for those not named. */
  budgets: Schema.optionalKey(Schema.Record(Schema.String, Budget)),
  /** By model: millionths of the currency's unit per 1,000 tokens in and out, and per second. */
  prices: Schema.optionalKey(Schema.Record(
    Schema.String,
    Schema.Struct({
      in: Schema.Finite,
      out: Schema.Finite,
      second: Schema.Finite,
    }),
  )),
  softPart: Schema.optionalKey(Schema.Finite),
})

export const policyStream = "policy-models"
export const policy = defineJournal({ name: "policy", events: [ModelPolicyChosen] })
