/**
 * Who asks a model, and what it costs. The runner gives each run a ledger; what is noted in it is stored
 * with the run's outcome, in the same event, and the read model `costs` adds it up. Outside of a run
 * nobody pays and nothing is stored.
 */
import { Context, Schema } from "effect"

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

export interface Payer {
  /** Category of the asking actor, `executor`, and the activity's name. */
  readonly agent: string
  readonly activity: string
  readonly lane: "interactive" | "batch"
  /** Of its activity: greater goes first among those of its lane. */
  readonly priority?: number
  /** Id of the ask; empty outside of a run. */
  readonly ask: string
  readonly note: (usage: Usage) => void
  /** It waits for its turn at the model: that time is not its own. */
  readonly waits?: (on: boolean) => void
}

/** Who pays for what is asked now. */
export const Payer = Context.Reference<Payer>("actors/Payer", {
  defaultValue: () => ({
    agent: "operator",
    activity: "ask",
    lane: "interactive",
    ask: "",
    note: () => {},
  }),
})
