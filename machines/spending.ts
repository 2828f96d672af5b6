/**
 * What models cost where no outcome says it: a run that was cut off, since AIOS ended or its asking state was left,
 * has none, and its model worked all the same. A journal in streams `spending-<agent>`: no chart folds it, so
 * replay bears it, and the next attempt stores its own costs with its outcome.
 */
import { Schema } from "effect"
import { defineJournal, event } from "./agent.ts"

/** One call of a model, or an answer that was there already (`cached`). */
export const Usage = Schema.Struct({
  model: Schema.String,
  /** Hash of model, instructions, material, shape and settings: the cache's key. SHA-256, 64 hex digits. */
  prompt: Schema.String,
  /** Name and hash of the prompt template: `draftMail@1f2e3d4c`. */
  template: Schema.String,
  cached: Schema.Boolean,
  tokensIn: Schema.Int,
  tokensOut: Schema.Int,
  millis: Schema.Int,
  /** The server did not count: tokens are a guess by length. */
  estimated: Schema.optionalKey(Schema.Boolean),
  /** `ok`, or why the answer was of no use. `cutOff`: whoever asked ended meanwhile. */
  outcome: Schema.Literals([
    ...["ok", "misfit", "failed", "timedOut", "preempted", "cutOff", "refused"] as const,
  ]),
  /** In millionths of the currency's unit, by the price list; 0 for one's own machine. */
  micros: Schema.Int,
  /** Request and answer as they were, sealed; a BlobRef. Absent where there was no answer. */
  transcript: Schema.optionalKey(Schema.Struct({
    sha256: Schema.String,
    subject: Schema.String,
    bytes: Schema.Int,
  })),
})
export type Usage = typeof Usage.Type

export const RunCutOff = event("RunCutOff", {
  /** Category of the asking actor, the activity's name, and the id of the ask. */
  agent: Schema.String,
  activity: Schema.String,
  ask: Schema.String,
  /** As beside outcomes. */
  usage: Schema.Array(Usage),
})

export const spendingStream = (agent: string) => `spending-${agent}`
export const spending = defineJournal({ name: "spending", events: [RunCutOff] })
