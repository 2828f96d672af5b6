/** Timers are durable: each fires once, in order, however often AIOS was off meanwhile. */
import { Effect, Schema } from "effect"
import { describe, expect, it } from "vitest"
import { assign, setup } from "xstate"
import { EventLog } from "../../actors/event-log.ts"
import { OpenAsks } from "../../actors/open-asks.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import { ActorEngine } from "../../actors/system.ts"
import { defineAgent, event } from "../../machines/agent.ts"
import {
  day,
  epoch,
  eventsOf,
  hour,
  inHouse,
  inMemory,
  minute,
  onDisk,
  propose,
  settled,
  typesOf,
  view,
} from "./house.ts"
import { throughDoor } from "../log-over-door.ts"

const Warmed = event("Warmed", { after: Schema.optionalKey(Schema.Int) })
/** Warm for three hours, then lukewarm for two days, then cold. */
const tea = defineAgent({
  name: "tea",
  version: 1,
  events: [Warmed],
  machine: setup({
    types: { context: {} as { cooled: number }, events: {} as typeof Warmed.Type },
    actions: { cool: assign({ cooled: ({ context }) => context.cooled + 1 }) },
  }).createMachine({
    id: "tea",
    context: { cooled: 0 },
    initial: "cold",
    states: {
      cold: {},
      warm: { after: { [3 * hour]: { target: "lukewarm", actions: "cool" } } },
      lukewarm: { after: { [2 * day]: { target: "cold", actions: "cool" } } },
    },
    on: { Warmed: { target: ".warm" } },
  }),
})
const warmed = { type: "Warmed" }
const agents = [tea]

describe("a timer", () => {
  it("fires once across starts, when it is due or as soon after as AIOS is on", async () => {
    const storage = onDisk()
    const clock = { now: epoch }
    const at = (now: number) =>
      inHouse(
        { agents, storage, clock },
        Effect.gen(function* () {
          clock.now = now
          const { nextDue } = yield* settled
          return { types: yield* typesOf("tea-1"), value: (yield* view("tea-1"))?.value, nextDue }
        }),
      )
    try {
      await inHouse({ agents, storage, clock }, propose("tea-1", warmed))
      expect(await at(epoch + hour)).toMatchObject({ value: "warm" })
      expect(await at(epoch + 3 * hour - 1)).toMatchObject({
        value: "warm",
        nextDue: epoch + 3 * hour,
      })
      expect(await at(epoch + 3 * hour)).toMatchObject({ value: "lukewarm" })
      expect(await at(epoch + 3 * hour)).toMatchObject({ types: ["Warmed", "TimerFired"] })
      // Off for a week: it fires late, and says when it was due.
      const late = await at(epoch + 9 * day)
      expect(late).toMatchObject({ value: "cold", types: ["Warmed", "TimerFired", "TimerFired"] })
      expect(await at(epoch + 30 * day)).toEqual(late)
      const events = await inHouse({ agents, storage, clock }, eventsOf("tea-1"))
      expect(events[2]?.metadata).toMatchObject({
        at: epoch + 9 * day,
        occurredAt: epoch + 3 * hour + 2 * day,
        actor: "timer",
      })
    } finally {
      storage.remove()
    }
  })

  it("beyond what memory keeps is fetched when its time comes near", async () => {
    const clock = { now: epoch }
    await inHouse(
      { agents, clock },
      Effect.gen(function* () {
        const { engine } = yield* ActorEngine
        yield* propose("tea-1", warmed)
        expect((yield* settled).nextDue).toBeUndefined()
        expect(engine.timers.size).toBe(0)
        for (let step = 0; step < 5; step++) {
          clock.now += 35 * minute
          yield* settled
        }
        expect((yield* settled).nextDue).toBe(epoch + 3 * hour)
        clock.now = epoch + 3 * hour
        yield* settled
        expect(yield* view("tea-1")).toMatchObject({ value: "lukewarm" })
        clock.now += 2 * day
        yield* settled
        expect(yield* view("tea-1")).toMatchObject({ value: "cold", context: { cooled: 2 } })
      }),
    )
  })

  it("that was cancelled by what happened meanwhile does not fire", async () => {
    const clock = { now: epoch }
    await inHouse(
      { agents, clock },
      Effect.gen(function* () {
        yield* propose("tea-1", warmed)
        clock.now += 2 * hour
        yield* propose("tea-1", warmed)
        clock.now += 2 * hour
        yield* settled
        expect(yield* view("tea-1")).toMatchObject({ value: "warm" })
        clock.now += hour
        yield* settled
        expect(yield* typesOf("tea-1")).toEqual(["Warmed", "Warmed", "TimerFired"])
      }),
    )
  })

  // About what memory holds, not about the log: the protocol would be most of its time.
  it.skipIf(throughDoor)(
    "due at the same minute as thousands of others: all fire, and memory holds a page of them",
    async () => {
      const clock = { now: epoch }
      const count = 25_000
      const storage = inMemory()
      const all = Array.from({ length: count }, (_, n) => `tea-${n}`)
      await inHouse(
        { agents, clock, storage },
        Effect.gen(function* () {
          yield* Effect.forEach(all, (one) => propose(one, warmed), {
            concurrency: "unbounded",
            discard: true,
          })
        }),
      )
      clock.now += 3 * hour - 10 * minute
      await inHouse(
        { agents, clock, storage },
        Effect.gen(function* () {
          const { engine } = yield* ActorEngine
          // Ticks go by; nothing is due, nothing piles up.
          yield* Effect.sleep("500 millis")
          expect(engine.timers.size).toBeLessThanOrEqual(20_000)
          clock.now += hour
          yield* (yield* ActorSystem).settle(60_000)
          const open = yield* OpenAsks
          yield* open.caughtUp(yield* (yield* EventLog).head)
          expect((yield* open.timers(clock.now, 10)).length).toBe(0)
          expect(yield* view(`tea-${count - 1}`)).toMatchObject({ value: "lukewarm" })
        }),
      )
    },
  )
})

describe("imported history", () => {
  it("is lived in order: timers fire in front of each event that is later than they are", async () => {
    const clock = { now: epoch }
    const year = epoch - 365 * day
    await inHouse(
      { agents, clock },
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* system.holding(Effect.gen(function* () {
          yield* propose("tea-1", warmed, { occurredAt: year })
          yield* propose("tea-1", warmed, { occurredAt: year + hour })
          yield* propose("tea-1", warmed, { occurredAt: year + 5 * hour })
          yield* propose("tea-1", warmed, { occurredAt: year + 100 * day })
          // Told late: the actor's clock does not go back.
          yield* propose("tea-1", warmed, { occurredAt: year + 50 * day })
          // Nothing fires of its own accord while a history is told.
          yield* settled
          expect((yield* typesOf("tea-1")).at(-1)).toBe("Warmed")
        }))
        yield* settled
        const events = yield* eventsOf("tea-1")
        expect(events.map(({ type, metadata }) => [
          type,
          ((metadata.occurredAt ?? metadata.at) - year) / hour,
        ])).toEqual([
          ["Warmed", 0],
          ["Warmed", 1],
          ["TimerFired", 4],
          ["Warmed", 5],
          ["TimerFired", 8],
          ["TimerFired", 8 + 48],
          ["Warmed", 2400],
          ["Warmed", 1200],
          ["TimerFired", 2403],
          ["TimerFired", 2403 + 48],
        ])
        expect(yield* view("tea-1")).toMatchObject({ value: "cold", context: { cooled: 5 } })
        expect((yield* view("tea-1"))?.clock).toBe(year + (2403 + 48) * hour)
      }),
    )
  })

  it("never meets a timer twice or out of order when it is told across starts", async () => {
    const clock = { now: epoch }
    const storage = inMemory()
    const year = epoch - 365 * day
    for (let n = 0; n < 4; n++) {
      await inHouse(
        { agents, clock, storage },
        Effect.gen(function* () {
          const system = yield* ActorSystem
          yield* system.holding(
            propose("tea-1", warmed, { occurredAt: year + n * 5 * hour }),
          )
        }),
      )
    }
    await inHouse(
      { agents, clock, storage },
      Effect.gen(function* () {
        yield* settled
        const clocks = (yield* eventsOf("tea-1")).map(({ metadata }) =>
          metadata.occurredAt ?? metadata.at
        )
        expect(clocks).toEqual(clocks.toSorted((a, b) => a - b))
        expect((yield* view("tea-1"))?.value).toBe("cold")
      }),
    )
  })
})
