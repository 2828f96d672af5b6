/**
 * The one actor that knows what time of the company's day it is: which slots were reached, whether the
 * brief of the day was called for, and which adapters are down. A slot counts once, and never backwards.
 */
import { Schema } from "effect"
import { assign, setup } from "xstate"
import { defineAgent, event } from "./agent.ts"

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
})

/** An adapter's circuit opened: what needs it waits or makes do. */
export const AdapterDegraded = event("AdapterDegraded", {
  adapter: Schema.String,
  reason: Schema.String,
})
export const AdapterRecovered = event("AdapterRecovered", { adapter: Schema.String })

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
