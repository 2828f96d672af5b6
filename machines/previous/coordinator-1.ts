/** The chart of the coordinator up to version 1: no floor, no reports. */
import { assign, setup } from "xstate"
import type { AdapterDegraded, AdapterRecovered, Slot, SlotReached } from "../coordinator-events.ts"

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

export const coordinator1 = setup({
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
