/**
 * The one actor that sees the whole company: which slots were reached and which documents they want,
 * which services are down, and who may write to whom. It has the final word where two agents want the
 * same person. A slot counts once, and never backwards. Memory hears from it of the night, and of the
 * services it leans on.
 */
import { assign, enqueueActions, setup } from "xstate"
import { defineAgent, isObject, tell } from "./agent.ts"
import {
  AdapterDegraded,
  AdapterRecovered,
  composeReport,
  floorMillisMax,
  floorRank,
  FloorReleased,
  FloorRequested,
  type Slot,
  SlotReached,
} from "./coordinator-events.ts"
import type { Purpose } from "./executor.ts"
import { memoryStream } from "./memory.ts"
import { coordinator1 } from "./previous/coordinator-1.ts"
import { coordinator2 } from "./previous/coordinator-2.ts"

export {
  AdapterDegraded,
  AdapterRecovered,
  composeReport,
  coordinatorKey,
  floorMillisMax,
  floorRank,
  FloorReleased,
  FloorRequested,
  LocalDate,
  type Slot,
  SlotReached,
  slots,
} from "./coordinator-events.ts"

/** Services memory leans on: it is told when they are down. */
const servicesOfMemory: ReadonlyArray<string> = ["ollama", "chroma", "embedder"]

/** Reports that wait to be made; older ones give way. */
const reportsMax = 20
/** Who waits for a mail that is not sent yet asks again after this long. */
const askAgainMillis = 24 * 60 * 60 * 1000
/** A mail that was not sent for so long will not be: nobody has the floor for it any more. */
const unsentMillisMax = 31 * 24 * 60 * 60 * 1000

/** Who may write to a person now. */
interface Floor {
  /** Stream of the executor, and what its mail is for. */
  readonly work: string
  readonly purpose: Purpose
  /** It was sent at this time: the person is left in peace for a while. */
  readonly sentAt: number | null
  /** Epoch ms after which it does not count any more. */
  readonly until: number
}

interface Report {
  readonly slot: Slot
  readonly date: string
}

interface CoordinatorContext {
  /** By slot, the date of the last one reached. */
  readonly reached: { readonly [slot in Slot]?: string }
  readonly degraded: ReadonlyArray<string>
  /** By person. */
  readonly floors: { readonly [person: string]: Floor }
  /** Slots whose document is wanted and not made yet, in order. */
  readonly reports: ReadonlyArray<Report>
  /** Those that could not be made, and why: they are tried again at the next slot. */
  readonly failed: ReadonlyArray<Report & { readonly problem: string }>
}

type CoordinatorEvent =
  | typeof SlotReached.Type
  | typeof AdapterDegraded.Type
  | typeof AdapterRecovered.Type
  | typeof FloorRequested.Type
  | typeof FloorReleased.Type

const without = (adapters: ReadonlyArray<string>, adapter: string) =>
  adapters.filter((one) => one !== adapter)

type Floors = CoordinatorContext["floors"]
/** Floors that still count. */
const current = (floors: Floors, now: number): Floors =>
  Object.fromEntries(Object.entries(floors).filter(([, { until }]) => until > now))
const freed = (floors: Floors, person: string): Floors =>
  Object.fromEntries(Object.entries(floors).filter(([key]) => key !== person))

const earliest = (floors: Floors) => Math.min(...Object.values(floors).map(({ until }) => until))
const nameOf = (error: unknown) => error instanceof Error ? error.name : "Unknown"

type Wanted = typeof FloorRequested.Type
/** Whether somebody else has the floor against whom this one does not stand. */
const yields = (wanted: Wanted, floor: Floor): boolean =>
  floor.work !== wanted.work &&
  floorRank[wanted.purpose] <= floorRank[floor.purpose] &&
  // Who wrote again since is answered.
  !(floor.sentAt !== null && floorRank[wanted.purpose] >= floorRank.answer &&
    (wanted.answers ?? 0) > floor.sentAt)

const chart = setup({
  types: { context: {} as CoordinatorContext, events: {} as CoordinatorEvent },
  actors: { composeReport },
  delays: { untilOneExpires: ({ context }) => Math.max(1, earliest(context.floors) - Date.now()) },
  guards: {
    isNextSlot: ({ context, event }) =>
      event.type === "SlotReached" && event.date > (context.reached[event.slot] ?? ""),
    isNextBrief: ({ context, event }) =>
      event.type === "SlotReached" && event.slot === "daily" &&
      event.date > (context.reached.daily ?? ""),
    isNextNight: ({ context, event }) =>
      event.type === "SlotReached" && event.slot === "nightly" &&
      event.date > (context.reached.nightly ?? ""),
    wantsDocument: ({ context, event }) =>
      event.type === "SlotReached" && event.document === true &&
      event.date > (context.reached[event.slot] ?? ""),
    retries: ({ context, event }) =>
      event.type === "SlotReached" && context.failed.length > 0 &&
      event.date > (context.reached[event.slot] ?? ""),
    hasNoFloor: ({ context }) => Object.keys(current(context.floors, Date.now())).length === 0,
    reportWaits: ({ context }) => context.reports.length > 0,
    isOnlyOneDown: ({ context, event }) =>
      event.type === "AdapterRecovered" && context.degraded.length === 1 &&
      context.degraded.includes(event.adapter),
    isDown: ({ context, event }) =>
      event.type === "AdapterRecovered" && context.degraded.includes(event.adapter),
    isLastFloor: ({ context, event }) =>
      event.type === "FloorReleased" && !event.sent &&
      context.floors[event.person]?.work === event.work &&
      Object.keys(freed(current(context.floors, Date.now()), event.person)).length === 0,
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
    queueReport: assign(({ context, event }) =>
      event.type === "SlotReached"
        ? {
          reports: [...context.reports, { slot: event.slot, date: event.date }].slice(-reportsMax),
        }
        : {}
    ),
    retryReports: assign(({ context }) => ({
      reports: [
        ...context.failed.map(({ date, slot }) => ({ slot, date })),
        ...context.reports,
      ].slice(-reportsMax),
      failed: [],
    })),
    keepFailed: assign(({ context, event }) => {
      const problem = nameOf("error" in event ? event.error : undefined)
      const failed = context.reports.slice(0, 1).map((report) => ({ ...report, problem }))
      return { failed: [...context.failed, ...failed].slice(-reportsMax) }
    }),
    tellOfNight: enqueueActions(({ event, enqueue }) => {
      if (event.type !== "SlotReached") return
      enqueue(tell(memoryStream, { type: "NightReached", date: event.date }))
    }),
    tellOfDegraded: enqueueActions(({ event, enqueue }) => {
      if (event.type !== "AdapterDegraded" || !servicesOfMemory.includes(event.adapter)) return
      const { adapter, reason } = event
      enqueue(tell(memoryStream, { type: "ServiceDegraded", service: adapter, reason }))
    }),
    tellOfRecovered: enqueueActions(({ event, enqueue }) => {
      if (event.type !== "AdapterRecovered" || !servicesOfMemory.includes(event.adapter)) return
      enqueue(tell(memoryStream, { type: "ServiceRecovered", service: event.adapter }))
    }),
    dropFloors: assign(({ context }) => ({ floors: current(context.floors, Date.now()) })),
    dropReport: assign(({ context }) => ({ reports: context.reports.slice(1) })),
    /** The final word: the floor is given, refused, or taken from somebody with a lesser reason. */
    decideFloor: enqueueActions(({ context, event, enqueue }) => {
      if (event.type !== "FloorRequested") return
      const now = Date.now()
      const { person, purpose, work } = event
      const floors = current(context.floors, now)
      const floor = floors[person]
      if (floor !== undefined && yields(event, floor)) {
        enqueue.assign({ floors })
        enqueue(tell(work, {
          type: "FloorDenied",
          person,
          holder: floor.work,
          purpose: floor.purpose,
          until: floor.sentAt === null ? now + askAgainMillis : floor.until,
        }))
        return
      }
      if (floor !== undefined && floor.sentAt === null && floor.work !== work) {
        enqueue(tell(floor.work, {
          type: "FloorRevoked",
          person,
          holder: work,
          purpose,
          until: now + askAgainMillis,
        }))
      }
      const given = { work, purpose, sentAt: null, until: now + unsentMillisMax }
      enqueue.assign({ floors: { ...floors, [person]: given } })
      enqueue(tell(work, { type: "FloorGranted", person }))
    }),
    /** Nobody inherits it: who waits asks again. Of others than the holder it is not theirs to give. */
    releaseFloor: assign(({ context, event }) => {
      if (event.type !== "FloorReleased") return {}
      const now = Date.now()
      const floors = current(context.floors, now)
      const floor = floors[event.person]
      if (floor === undefined || floor.work !== event.work) return { floors }
      if (!event.sent) return { floors: freed(floors, event.person) }
      const kept = { ...floor, sentAt: now, until: now + floorMillisMax }
      return { floors: { ...floors, [event.person]: kept } }
    }),
  },
}).createMachine({
  id: "coordinator",
  context: { reached: {}, degraded: [], floors: {}, reports: [], failed: [] },
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
          {
            guard: "isNextNight",
            target: ".unprepared",
            actions: ["reach", "tellOfNight"],
          },
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
              {
                guard: "isOnlyOneDown",
                target: "normal",
                actions: ["removeDegraded", "tellOfRecovered"],
              },
              { guard: "isDown", actions: ["removeDegraded", "tellOfRecovered"] },
            ],
          },
        },
      },
      on: {
        AdapterDegraded: { target: ".degraded", actions: ["addDegraded", "tellOfDegraded"] },
      },
    },
    /** Who may write to whom: two agents never write to one person at once. */
    floor: {
      initial: "free",
      states: {
        free: { on: { FloorReleased: { actions: "releaseFloor" } } },
        // Entering it again sets its timer anew.
        taken: {
          after: {
            untilOneExpires: [
              { guard: "hasNoFloor", target: "free", actions: "dropFloors" },
              { target: "taken", reenter: true, actions: "dropFloors" },
            ],
          },
          on: {
            FloorReleased: [
              { guard: "isLastFloor", target: "free", actions: "releaseFloor" },
              { target: "taken", reenter: true, actions: "releaseFloor" },
            ],
          },
        },
      },
      on: { FloorRequested: { target: ".taken", actions: "decideFloor" } },
    },
    /** The documents of the slots, made one by one. */
    reports: {
      initial: "idle",
      states: {
        idle: { always: { guard: "reportWaits", target: "composing" } },
        composing: {
          invoke: {
            id: "compose",
            src: "composeReport",
            input: ({ context }) => {
              const [first] = context.reports
              if (first === undefined) throw new Error("A report is made that nobody wants")
              return first
            },
            onDone: { target: "idle", actions: "dropReport" },
            onError: { target: "idle", actions: ["keepFailed", "dropReport"] },
          },
        },
      },
      on: {
        SlotReached: [
          { guard: "wantsDocument", actions: ["retryReports", "queueReport", "reach"] },
          { guard: "retries", actions: ["retryReports", "reach"] },
        ],
      },
    },
  },
  on: { SlotReached: { guard: "isNextSlot", actions: "reach" } },
})

export const coordinator = defineAgent({
  name: "coordinator",
  version: 3,
  events: [SlotReached, AdapterDegraded, AdapterRecovered, FloorRequested, FloorReleased],
  machine: chart,
  previous: { 1: coordinator1, 2: coordinator2 },
  upgrade: (_, { context, value }) => ({
    value: { floor: "free", reports: "idle", ...(typeof value === "string" ? {} : value) },
    context: { floors: {}, reports: [], failed: [], ...(isObject(context) ? context : {}) },
  }),
})
