/**
 * The chart of the agent that keeps memory in order: what leaves the hot tier and what comes back, the
 * night's summaries one after the other, and which services are down. It moves only pointers. What is
 * summarised is on disk before the next is asked for, so a night that was interrupted goes on where it was.
 */
import { and, assign } from "xstate"
import { defineAgent } from "./agent.ts"
import {
  EvictionRequested,
  ItemsRecalled,
  ItemsReleased,
  MemoryPolicyChosen,
  memoryPolicyDefault,
  NightReached,
  SegmentArchived,
  SegmentRestored,
  ServiceDegraded,
  ServiceRecovered,
  SummariesRequested,
  SummaryWithdrawn,
} from "./memory.ts"
import { chartSetup, inOrder, roomOf } from "./memory-setup.ts"

export { failuresMax, modelService, pauseMillisMin, subjectsPerRoundMax } from "./memory-setup.ts"

const chart = chartSetup.createMachine({
  id: "memory",
  context: {
    policy: memoryPolicyDefault,
    degraded: [],
    reached: "",
    night: null,
    queue: [],
    isFruitful: false,
    failing: [],
    isPlanDue: false,
    lastPlan: null,
  },
  type: "parallel",
  states: {
    /** Which items are hot. */
    tiers: {
      initial: "settled",
      states: {
        settled: { always: { guard: "isPlanDue", target: "planning" } },
        planning: {
          entry: "beginPlan",
          invoke: {
            id: "plan",
            src: "planEviction",
            input: ({ context }) => ({ policy: context.policy }),
            onDone: {
              target: "settled",
              actions: assign(({ context, event }) => ({
                isPlanDue: context.isPlanDue || event.output.more,
                lastPlan: {
                  at: Date.now(),
                  evicted: event.output.evict.length,
                  recalled: event.output.recall.length,
                  kept: event.output.kept,
                  spared: event.output.spared,
                  problem: "",
                },
              })),
            },
            // The next reason to look at the tiers tries again.
            onError: { target: "settled", actions: "keepProblemOfPlan" },
          },
          // What is planned under the old policy does not count any more.
          on: {
            MemoryPolicyChosen: {
              guard: "isNextPolicy",
              target: "planning",
              reenter: true,
              actions: "choosePolicy",
            },
          },
        },
      },
      on: {
        MemoryPolicyChosen: { guard: "isNextPolicy", actions: ["choosePolicy", "wantPlan"] },
        EvictionRequested: { actions: "wantPlan" },
        SummaryWithdrawn: { actions: "wantPlan" },
        SegmentRestored: { actions: "wantPlan" },
        ItemsReleased: { actions: "wantPlan" },
        NightReached: { guard: "isNextNight", actions: "wantPlan" },
      },
    },
    /** Summaries, one subject after the other. */
    night: {
      initial: "idle",
      states: {
        /** Between two steps it only looks what comes next. */
        idle: {
          always: [
            { guard: "failsAgainAndAgain", target: "paused" },
            { guard: and(["subjectWaits", "waitsForModel"]), target: "paused" },
            { guard: and(["subjectWaits", "tokensAreSpent"]), target: "outOfBudget" },
            { guard: "subjectWaits", target: "summarising" },
            { guard: and(["moreAreLeft", "tokensAreSpent"]), target: "outOfBudget" },
            { guard: "moreAreLeft", target: "gathering", actions: "skipFailing" },
            { guard: "isNotEnded", actions: "endNight" },
          ],
          on: {
            NightReached: { guard: "isNextNight", target: "gathering", actions: "beginNight" },
            SummariesRequested: { target: "gathering", actions: "beginNight" },
          },
        },
        gathering: {
          invoke: {
            id: "gather",
            src: "gatherSubjects",
            input: ({ context }) => ({ policy: context.policy, limit: roomOf(context) }),
            onDone: {
              target: "idle",
              actions: assign(({ context, event }) => {
                const subjects = event.output.subjects.slice(0, roomOf(context))
                return {
                  queue: inOrder(subjects),
                  isFruitful: false,
                  night: context.night === null ? null : {
                    ...context.night,
                    left: Math.max(0, event.output.left) +
                      event.output.subjects.length - subjects.length,
                  },
                }
              }),
            },
            onError: { target: "idle", actions: "keepProblemOfNight" },
          },
        },
        summarising: {
          invoke: {
            id: "summarise",
            src: "summarise",
            input: ({ context }) => {
              const [subject] = context.queue
              if (subject === undefined) throw new Error("A summary is made of nothing")
              return { subject, policy: context.policy }
            },
            onDone: {
              target: "idle",
              actions: [
                "skipFailing",
                assign(({ context, event }) => ({
                  queue: context.queue.slice(1),
                  isFruitful: true,
                  night: context.night === null ? null : {
                    ...context.night,
                    accepted: context.night.accepted + (event.output.accepted ? 1 : 0),
                    refused: context.night.refused + (event.output.accepted ? 0 : 1),
                    tokens: context.night.tokens + Math.max(0, event.output.tokens),
                  },
                })),
              ],
            },
            onError: { target: "idle", actions: "keepFailing" },
          },
          on: {
            ServiceDegraded: { guard: "isModel", target: "idle" },
          },
        },
        /** The model is down, or fails again and again. It goes on from where it was. */
        paused: {
          entry: "pause",
          exit: "goOn",
          after: {
            untilTriedAgain: [
              { guard: "waitsForModel", target: "paused", reenter: true },
              { target: "idle" },
            ],
          },
          on: {
            ServiceRecovered: { guard: "isModel", target: "idle" },
            NightReached: { guard: "isNextNight", target: "gathering", actions: "beginNight" },
            SummariesRequested: { target: "gathering", actions: "beginNight" },
          },
        },
        /** The night's tokens are spent. The rest is the next night's, or the founder asks for it. */
        outOfBudget: {
          entry: "endNight",
          on: {
            NightReached: { guard: "isNextNight", target: "gathering", actions: "beginNight" },
            SummariesRequested: { target: "gathering", actions: "beginNight" },
          },
        },
      },
      on: {
        NightReached: { guard: "isNextNight", actions: "renewNight" },
        SummariesRequested: { actions: "insist" },
      },
    },
    /** What memory leans on. */
    services: {
      initial: "healthy",
      states: {
        healthy: {},
        degraded: {
          on: {
            ServiceRecovered: [
              { guard: "isOnlyOneDown", target: "healthy", actions: "removeDegraded" },
              { guard: "isKnownDown", actions: "removeDegraded" },
            ],
          },
        },
      },
      on: { ServiceDegraded: { target: ".degraded", actions: "addDegraded" } },
    },
  },
  on: {
    // Told twice, or of something that was never down: no reason to refuse it.
    ServiceRecovered: { actions: "note" },
    ItemsRecalled: { actions: "note" },
    SegmentArchived: { actions: "note" },
  },
})

export const memory = defineAgent({
  name: "memory",
  version: 1,
  events: [
    NightReached,
    SummariesRequested,
    EvictionRequested,
    MemoryPolicyChosen,
    ServiceDegraded,
    ServiceRecovered,
    SummaryWithdrawn,
    ItemsRecalled,
    ItemsReleased,
    SegmentArchived,
    SegmentRestored,
  ],
  machine: chart,
})
