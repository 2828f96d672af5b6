/**
 * A log that fails for a while, or commits and loses the answer: whoever proposed is told and may ask
 * again with the same id; what is AIOS's own waits and comes through once and in order.
 */
import { Effect, Schema } from "effect"
import { describe, expect, it } from "vitest"
import { assign, setup } from "xstate"
import { implement } from "../../actors/activity.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import { EventLog, LogUnavailable } from "../../actors/event-log.ts"
import { derivedId, mintId } from "../../actors/ids.ts"
import { replay } from "../../actors/replay.ts"
import { ActorEngine } from "../../actors/system.ts"
import { activity, defineAgent, event, tell } from "../../machines/agent.ts"
import {
  epoch,
  eventsOf,
  hour,
  type HouseOptions,
  inHouse,
  inMemory,
  onDisk,
  propose,
  settled,
  until,
  view,
} from "../actors/house.ts"
import { type Dice, seeded } from "../seeded.ts"

const Knocked = event("Knocked", { n: Schema.Int })
const Heard = event("Heard", { from: Schema.String, n: Schema.Int, step: Schema.String })

const work = activity({
  name: "work",
  input: Schema.Struct({ n: Schema.Int }),
  output: Schema.Struct({ n: Schema.Int }),
  retryDelayMillisMin: 5,
})

type DoorContext = { key: string; n: number; rang: number; worked: number }
const toBell = (step: string) =>
  tell("bell-main", ({ context }: { context: DoorContext }) => ({
    type: "Heard",
    from: `door-${context.key}`,
    n: context.n,
    step,
  }))
/** Tells the bell when somebody knocks, an hour later, and when its activity is done. */
const door = defineAgent({
  name: "door",
  version: 1,
  events: [Knocked],
  machine: setup({
    types: {
      context: {} as DoorContext,
      input: {} as { key: string },
      events: {} as typeof Knocked.Type,
    },
    actors: { work },
  }).createMachine({
    id: "door",
    context: ({ input }) => ({ key: input.key, n: 0, rang: 0, worked: 0 }),
    initial: "closed",
    states: {
      closed: {},
      waiting: {
        after: {
          [hour]: {
            target: "working",
            actions: [assign({ rang: ({ context }) => context.rang + 1 }), toBell("rang")],
          },
        },
      },
      working: {
        invoke: {
          id: "work",
          src: "work",
          input: ({ context }) => ({ n: context.n }),
          onDone: {
            target: "closed",
            actions: [assign({ worked: ({ context }) => context.worked + 1 }), toBell("worked")],
          },
        },
      },
    },
    on: {
      Knocked: {
        target: ".waiting",
        actions: [assign({ n: ({ event }) => event.n }), toBell("knocked")],
      },
    },
  }),
})
const bell = defineAgent({
  name: "bell",
  version: 1,
  events: [Heard],
  machine: setup({
    types: { context: {} as { heard: ReadonlyArray<string> }, events: {} as typeof Heard.Type },
  }).createMachine({
    id: "bell",
    context: { heard: [] },
    on: {
      Heard: {
        actions: assign({
          heard: (
            { context, event },
          ) => [...context.heard, `${event.from} ${event.n} ${event.step}`],
        }),
      },
    },
  }),
})

const away = new LogUnavailable({ reason: "full", message: "no space", retryable: true })
type Log = EventLog["Service"]

/** Fails by the dice while it is `on`: before the commit, after it, or when it is read. */
const unreliable = (dice: Dice, state: { on: boolean; failures: number }) => (log: Log): Log => {
  const fails = (percent: number) => {
    const does = state.on && dice.below(100) < percent
    if (does) state.failures++
    return does
  }
  const may = <A>(effect: Effect.Effect<A, LogUnavailable>) =>
    Effect.suspend(() => (fails(2) ? Effect.fail(away) : effect))
  return {
    ...log,
    appendBatch: (batch) =>
      Effect.suspend(() => {
        if (fails(20)) return Effect.fail(away)
        const lost = fails(20)
        return Effect.flatMap(
          log.appendBatch(batch),
          (results) => (lost ? Effect.fail(away) : Effect.succeed(results)),
        )
      }),
    readPage: (stream, options) => may(log.readPage(stream, options)),
    byId: (id) => may(log.byId(id)),
    head: may(log.head),
  }
}

const doors = Array.from({ length: 12 }, (_, n) => `door-${n}`)
const rounds = 3
const lives = Number(process.env["FAULT_LIVES"] ?? 8)

/** Knocks at every door, some rounds, as somebody who asks again until there is an answer. */
const live = async (dice: Dice | undefined) => {
  const storage = onDisk()
  const clock = { now: epoch }
  const state = { on: false, failures: 0 }
  const told = { refused: 0, runs: new Map<string, number>() }
  const options: HouseOptions = {
    agents: [door, bell],
    storage,
    clock,
    activities: [implement(work, ({ n }, { askId }) =>
      Effect.sync(() => {
        told.runs.set(askId, (told.runs.get(askId) ?? 0) + 1)
        return { n }
      }))],
    ...(dice === undefined ? {} : { faults: unreliable(dice, state) }),
  }
  try {
    return await inHouse(
      options,
      Effect.gen(function* () {
        const system = yield* ActorSystem
        state.on = dice !== undefined
        for (let round = 1; round <= rounds; round++) {
          yield* Effect.forEach(doors, (stream) => {
            const id = derivedId(`${stream} ${round}`)
            const again = (): Effect.Effect<unknown, unknown> =>
              system.propose(stream, { type: "Knocked", n: round }, { id }).pipe(
                Effect.catchTag("LogUnavailable", (refusal) => {
                  told.refused++
                  expect(refusal).toEqual(away)
                  return Effect.andThen(Effect.sleep("20 millis"), Effect.suspend(again))
                }),
              )
            return again()
          }, { concurrency: "unbounded" })
          clock.now += hour + 1
          yield* until(
            Effect.map(
              Effect.forEach(doors, (stream) => Effect.option(system.view(stream))),
              (views) =>
                views.every((one) =>
                  one._tag === "Some" &&
                  (one.value?.context as DoorContext | undefined)?.worked === round
                ),
            ),
            60_000,
          )
        }
        state.on = false
        yield* settled
        const { registry } = yield* ActorEngine
        expect((yield* replay(registry, undefined, () => {})).divergences).toEqual([])
        const contexts: Record<string, unknown> = {}
        for (const stream of doors) {
          contexts[stream] = (yield* view(stream))?.context
          const events = yield* eventsOf(stream)
          expect(new Set(events.map(({ id }) => id)).size).toBe(events.length)
          expect(events.map(({ type }) => type)).toEqual(
            Array.from({ length: rounds }, () => ["Knocked", "TimerFired", "ActivitySucceeded"])
              .flat(),
          )
        }
        const { heard } = (yield* view("bell-main"))?.context as { heard: ReadonlyArray<string> }
        return { contexts, heard, told, failures: state.failures }
      }),
    )
  } finally {
    storage.remove()
  }
}

describe("a log that cannot be relied upon", () => {
  it("loses nothing, doubles nothing and reorders nothing", async () => {
    const calm = await live(undefined)
    const dice = seeded()
    let failures = 0
    let refused = 0
    for (let n = 0; n < lives; n++) {
      const rough = await live(dice)
      expect(rough.contexts).toEqual(calm.contexts)
      for (const stream of doors) {
        const from = (heard: ReadonlyArray<string>) =>
          heard.filter((one) => one.startsWith(`${stream} `))
        expect(from(rough.heard)).toEqual(from(calm.heard))
      }
      expect(rough.heard).toHaveLength(calm.heard.length)
      expect([...rough.told.runs.values()].every((runs) => runs === 1)).toBe(true)
      expect(rough.told.runs.size).toBe(doors.length * rounds)
      failures += rough.failures
      refused += rough.told.refused
    }
    console.info(`${failures} failures, ${refused} proposals refused in ${lives} lives`)
    expect(failures).toBeGreaterThan(3 * lives)
  }, 300_000)

  it("says so to whoever proposed while it was away, and takes it afterwards", async () => {
    const state = { away: false }
    const faults = (log: Log): Log => ({
      ...log,
      appendBatch: (batch) =>
        Effect.suspend(() => (state.away ? Effect.fail(away) : log.appendBatch(batch))),
    })
    const clock = { now: epoch }
    await inHouse(
      { agents: [door, bell], faults, clock, storage: inMemory() },
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* propose("door-1", { type: "Knocked", n: 1 })
        yield* settled
        state.away = true
        const id = mintId(epoch)
        const refused = yield* Effect.flip(propose("door-2", { type: "Knocked", n: 1 }, { id }))
        expect(refused).toEqual(away)
        // A timer comes due meanwhile; settling gives up when told to, not when the log comes back.
        clock.now += hour + 1
        const started = performance.now()
        yield* system.settle(300)
        expect(performance.now() - started).toBeLessThan(5_000)
        state.away = false
        expect((yield* propose("door-2", { type: "Knocked", n: 1 }, { id })).duplicate).toBe(false)
        yield* until(Effect.map(view("door-1"), (one) => (one?.context as DoorContext).rang === 1))
      }),
    )
  })

  it("away at the end does not keep AIOS from stopping, nor anybody waiting for an answer", async () => {
    const state = { away: false }
    const faults = (log: Log): Log => ({
      ...log,
      appendBatch: (batch) =>
        Effect.suspend(() => (state.away ? Effect.never : log.appendBatch(batch))),
    })
    const storage = inMemory()
    const answers: Array<string> = []
    let posted = 0
    const started = performance.now()
    await inHouse(
      { agents: [door, bell], faults, storage, closeMillisMax: 300 },
      Effect.gen(function* () {
        const system = yield* ActorSystem
        yield* propose("door-1", { type: "Knocked", n: 1 })
        state.away = true
        for (let n = 0; n < 22_000; n++) {
          posted++
          yield* Effect.forkDetach(
            system.propose(`door-${n}`, { type: "Knocked", n }).pipe(
              Effect.catch((refusal) => Effect.sync(() => answers.push(refusal._tag))),
            ),
          )
        }
        yield* Effect.sleep("200 millis")
      }),
    )
    expect(performance.now() - started).toBeLessThan(15_000)
    await Effect.runPromise(until(Effect.sync(() => answers.length >= posted - 1_000)))
    expect(new Set(answers)).toEqual(new Set(["SystemClosed"]))
  })
})
