/**
 * What the coordinator hears and has made: the slots of the cadence, services that are down, who wants to
 * write to whom. Its chart is in `coordinator.ts`.
 */
import { Schema } from "effect"
import { activity, event, personal } from "./agent.ts"
import { Purpose, Work } from "./executor.ts"
import { Instant, PersonKey } from "./record.ts"

/** Slots that come again and again, at local times of the founder. */
export const slots = ["daily", "nightly", "weekly", "monthly", "quarterly"] as const
export type Slot = (typeof slots)[number]
/** A day in the founder's zone, `2026-11-24`. */
export const LocalDate = Schema.String.check(Schema.isPattern(/^\d{4}-\d{2}-\d{2}$/))

export const SlotReached = event("SlotReached", {
  slot: Schema.Literals(slots),
  date: LocalDate,
  /** How many slots of this kind went by unattended before this one. */
  missed: Schema.Int,
  /** A document of it is wanted; the cadence asks the settings. */
  document: Schema.optionalKey(Schema.Boolean),
})

/** An adapter's circuit opened: what needs it waits or makes do. */
export const AdapterDegraded = event("AdapterDegraded", {
  adapter: Schema.String,
  reason: Schema.String,
})
export const AdapterRecovered = event("AdapterRecovered", { adapter: Schema.String })

/** An executor wants to write to a person. Answered with `FloorGranted` or `FloorDenied`. */
export const FloorRequested = event("FloorRequested", {
  person: PersonKey,
  work: Work,
  purpose: Purpose,
  /** When the mail was sent that is answered, or the reason for the mail arose. */
  answers: Schema.optionalKey(Instant),
})
/** The executor does not need the person any more; `sent`: it has written to them. */
export const FloorReleased = event("FloorReleased", {
  person: PersonKey,
  work: Work,
  sent: Schema.Boolean,
})

/** Who may write first where two want the same person: greater wins, the same waits its turn. */
export const floorRank: { readonly [purpose in Purpose]: number } = {
  complaint: 4,
  answer: 3,
  reminder: 2,
  followUp: 1,
}
/** After a mail was sent nobody of lower rank writes to the person for so long. */
export const floorMillisMax = 3 * 24 * 60 * 60 * 1000

/** Makes the document of a slot from the log, see `actors/reports.ts`. */
export const composeReport = activity({
  name: "composeReport",
  input: Schema.Struct({ slot: Schema.Literals(slots), date: LocalDate }),
  output: Schema.Struct({
    slot: Schema.Literals(slots),
    date: LocalDate,
    title: Schema.String,
    /** Markdown; it names people, so it is sealed under the founder's key. */
    text: personal(Schema.String),
    /** The figures in it, by name. */
    figures: Schema.Record(Schema.String, Schema.Finite),
  }),
  lane: "batch",
  timeoutMillis: 60_000,
})

/** Key of the only coordinator: its stream is `coordinator-main`. */
export const coordinatorKey = "main"
