/**
 * The one actor that knows what time of the company's day it is: which slots were reached, whether the
 * brief of the day was called for, and which adapters are down. A slot counts once, and never backwards.
 */
import { Schema } from "effect"
import { assign, setup } from "xstate"
import { activity, defineAgent, event, personal } from "./agent.ts"
import { Purpose } from "./executor.ts"
import { PersonKey } from "./record.ts"

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
  /** Stream of the executor. */
  work: Schema.String,
  purpose: Purpose,
})
/** The executor does not need the person any more; `sent`: it has written to them. */
export const FloorReleased = event("FloorReleased", {
  person: PersonKey,
  work: Schema.String,
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

interface CoordinatorContext {
  /** By slot, the date of the last one reached. */
  readonly reached: { readonly [slot in Slot]?: string }
  readonly degraded: ReadonlyArray<string>
}

type CoordinatorEvent =
  | typeof SlotReached.Type
  | typeof AdapterDegraded.Type
  | typeof AdapterRecovered.Type

const without = (adapters: ReadonlyArray<string>, adapter: string) =>
  adapters.filter((one) => one !== adapter)

const chart = setup({
  types: { context: {} as CoordinatorContext, events: {} as CoordinatorEvent },
  guards: {
    isNextSlot: ({ context, event }) =>
      event.type === "SlotReached" && event.date > (context.reached[event.slot] ?? ""),
    isNextBrief: ({ context, event }) =>
      event.type === "SlotReached" && event.slot === "daily" &&
      event.date > (context.reached.daily ?? ""),
    isNextNight: ({ context, event }) =>
      event.type === "SlotReached" && event.slot === "nightly" &&
      event.date > (context.reached.nightly ?? ""),
    isOnlyOneDown: ({ context, event }) =>
      event.type === "AdapterRecovered" && context.degraded.length === 1 &&
      context.degraded.includes(event.adapter),
    isDown: ({ context, event }) =>
      event.type === "AdapterRecovered" && context.degraded.includes(event.adapter),
  },
  actions: {
    reach: assign(({ context, event }) =>
      event.type === "SlotReached"
        ? { reached: { ...context.reached, [event.slot]: event.date } }
        : {}
    ),
    addDegraded: assign(({ context, event }) =>
      event.type === "AdapterDegraded"
        ? { degraded: [...without(context.degraded, event.adapter), event.adapter] }
        : {}
    ),
    removeDegraded: assign(({ context, event }) =>
      event.type === "AdapterRecovered"
        ? { degraded: without(context.degraded, event.adapter) }
        : {}
    ),
  },
}).createMachine({
  id: "coordinator",
  context: { reached: {}, degraded: [] },
  type: "parallel",
  states: {
    /** Is there a brief for the day, and for which: `context.reached.daily`. */
    brief: {
      initial: "unprepared",
      states: {
        unprepared: {},
        prepared: {},
      },
      on: {
        SlotReached: [
          { guard: "isNextBrief", target: ".prepared", actions: "reach" },
          // The night ends the day: the next one needs a brief of its own.
          { guard: "isNextNight", target: ".unprepared", actions: "reach" },
        ],
      },
    },
    adapters: {
      initial: "normal",
      states: {
        normal: {},
        degraded: {
          on: {
            AdapterRecovered: [
              { guard: "isOnlyOneDown", target: "normal", actions: "removeDegraded" },
              { guard: "isDown", actions: "removeDegraded" },
            ],
          },
        },
      },
      on: { AdapterDegraded: { target: ".degraded", actions: "addDegraded" } },
    },
  },
  on: { SlotReached: { guard: "isNextSlot", actions: "reach" } },
})

export const coordinator = defineAgent({
  name: "coordinator",
  version: 1,
  events: [SlotReached, AdapterDegraded, AdapterRecovered],
  machine: chart,
})
