/**
 * Who asks a model, and what it costs. The runner gives each run a ledger; what is noted in it is stored
 * with the run's outcome, in the same event, and the read model `costs` adds it up. Outside of a run
 * nobody pays and nothing is stored.
 */
import { Context } from "effect"
import { Usage } from "../machines/spending.ts"

export { Usage }

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
