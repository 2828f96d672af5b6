/**
 * What models cost where no outcome says it: a run that was cut off, since AIOS ended or its asking state was left,
 * has none, and its model worked all the same. A journal in streams `spending-<agent>`: no chart folds it, so
 * replay bears it, and the next attempt stores its own costs with its outcome.
 */
import { Schema } from "effect"
import { defineJournal, event } from "./agent.ts"

export const RunCutOff = event("RunCutOff", {
  /** Category of the asking actor, the activity's name, and the id of the ask. */
  agent: Schema.String,
  activity: Schema.String,
  ask: Schema.String,
  /** As beside outcomes, see `actors/usage.ts`. */
  usage: Schema.Array(Schema.Struct({
    model: Schema.String,
    prompt: Schema.String,
    template: Schema.String,
    cached: Schema.Boolean,
    tokensIn: Schema.Int,
    tokensOut: Schema.Int,
    millis: Schema.Int,
    estimated: Schema.optionalKey(Schema.Boolean),
    outcome: Schema.String,
    micros: Schema.Int,
    transcript: Schema.optionalKey(Schema.Struct({
      sha256: Schema.String,
      subject: Schema.String,
      bytes: Schema.Int,
    })),
  })),
})

export const spendingStream = (agent: string) => `spending-${agent}`
export const spending = defineJournal({ name: "spending", events: [RunCutOff] })
