/**
 * Runs that ask a model, over a real log on disk: what they cost is in their outcome, the read models add it
 * up, replay asks nobody, and batch work that was cut off by a crash is taken up again.
 */
import { Effect, Exit, Layer, Schema, Scope } from "effect"
import { describe, expect, it } from "vitest"
import { assign, setup } from "xstate"
import { implement, layer as joinActivities } from "../../actors/activity.ts"
import * as runner from "../../actors/activities/runner.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import * as circuits from "../../actors/circuits.ts"
import * as contacts from "../../actors/contacts.ts"
import { Inference } from "../../actors/inference.ts"
import { LanguageModel, ModelUnavailable } from "../../actors/language-model.ts"
import * as desk from "../../actors/model-desk.ts"
import { ModelLedger } from "../../actors/model-ledger.ts"
import { registryOf } from "../../actors/registry.ts"
import { replay } from "../../actors/replay.ts"
import * as system from "../../actors/system.ts"
import { Usage } from "../../actors/usage.ts"
import * as folderBlobs from "../../adapters/blob-store-folder.ts"
import { scripted } from "../../adapters/inference-scripted.ts"
import {
  activity,
  type ActivityLogic,
  defineAgent,
  event,
  type Lane,
} from "../../machines/agent.ts"
import { policy } from "../../machines/model-policy.ts"
import { settings } from "../../machines/settings.ts"
import { spending } from "../../machines/spending.ts"
import { costEntryOf } from "../../projections/costs.ts"
import * as ledger from "../../projections/model-ledger-local.ts"
import { projections } from "../../projections/mod.ts"
import * as openAsks from "../../projections/open-asks.ts"
import { ReadStore } from "../../projections/read-store.ts"
import * as follower from "../../projections/runner.ts"
import { fits, question } from "./desk.ts"
import { eventsOf, onDisk, propose, type Storage, until } from "./house.ts"
import { throughDoor } from "../log-over-door.ts"

const Asked = event("Asked", { n: Schema.Int })

const judging = (lane: Lane, options: { readonly timeoutMillis?: number } = {}) =>
  activity({
    name: "judge",
    input: Schema.Struct({ n: Schema.Int }),
    output: Schema.Struct({ warmth: Schema.Int }),
    lane,
    adapter: "model",
    retriesMax: 0,
    ...options,
  }) as ActivityLogic<{ readonly n: number }, { warmth: number }>

const agentOf = (logic: ReturnType<typeof judging>) =>
  defineAgent({
    name: "judge",
    version: 1,
    events: [Asked],
    machine: setup({
      types: {
        context: {} as { n: number; warmth: number; error: string },
        events: {} as typeof Asked.Type,
      },
      actors: { judge: logic },
    }).createMachine({
      id: "judge",
      context: { n: 0, warmth: -1, error: "" },
      initial: "idle",
      states: {
        idle: {},
        judging: {
          invoke: {
            id: "judge",
            src: "judge",
            input: ({ context }) => ({ n: context.n }),
            onDone: {
              target: "done",
              actions: assign(({ event }) => ({ warmth: event.output.warmth })),
            },
            onError: {
              target: "failed",
              actions: assign(({ event }) => ({ error: (event.error as Error).name })),
            },
          },
        },
        done: {},
        failed: {},
      },
      on: { Asked: { target: ".judging", actions: assign(({ event }) => ({ n: event.n })) } },
    }),
  })

type Server = Layer.Layer<Inference>

const houseOf = (
  storage: Storage,
  server: Server,
  lane: Lane,
  options = {},
  closeMillisMax = 5_000,
) => {
  const logic = judging(lane, options)
  const agents = [agentOf(logic)]
  const one = implement(
    logic,
    ({ n }) =>
      Effect.gen(function* () {
        const model = yield* LanguageModel
        const { answer } = yield* model.complete(question({ text: `Mail ${n}` }))
        return { warmth: answer.warmth }
      }),
  )
  const journals = [policy, settings, spending]
  return {
    registry: registryOf(agents, journals),
    layer: runner.layer().pipe(
      Layer.provide(joinActivities([one])),
      Layer.provide(desk.layer()),
      Layer.provide(server),
      Layer.provide(circuits.closed),
      Layer.provideMerge(ledger.layer),
      Layer.provide(folderBlobs.layer({ directory: storage.directory })),
      Layer.provideMerge(contacts.layer),
      Layer.provideMerge(system.layer({ agents, journals, dispatch: true, closeMillisMax })),
      Layer.provideMerge(openAsks.layer),
      Layer.provideMerge(follower.layer(projections)),
      Layer.provideMerge(storage.layer),
    ),
  }
}
type House = ReturnType<typeof houseOf>
type Env = Layer.Success<House["layer"]>

const within = <A>({ layer }: House, use: Effect.Effect<A, unknown, Env>) =>
  Effect.runPromise(Effect.scoped(Effect.provide(use, layer)) as Effect.Effect<A, unknown>)

/** Left as a crash leaves it. */
const abandoned = async <A>({ layer }: House, use: Effect.Effect<A, unknown, Env>) => {
  const scope = Effect.runSync(Scope.make())
  const exit = await Effect.runPromiseExit(
    Effect.flatMap(
      Layer.buildWithScope(layer, scope),
      (context) => Effect.provideContext(use, context),
    ) as Effect.Effect<A, unknown>,
  )
  await Effect.runPromise(Scope.close(scope, Exit.void))
  if (Exit.isFailure(exit)) throw exit.cause
}

const untilAll = (count: number) =>
  until(Effect.gen(function* () {
    const system = yield* ActorSystem
    let ended = 0
    for (let n = 0; n < count; n++) {
      const seen = yield* system.view(`judge-${n}`)
      if (seen?.value === "done" || seen?.value === "failed") ended++
    }
    return ended === count
  }))

const outcomesOf = (n: number) =>
  Effect.map(
    eventsOf(`judge-${n}`),
    (events) => events.filter(({ type }) => /^Activity(Succeeded|Failed)$/.test(type)),
  )

/** A server that nobody may ask. */
const dying: Server = Layer.succeed(
  Inference,
  Inference.of({
    system: "none",
    chat: () => {
      throw new Error("The model was asked")
    },
    embed: () => Effect.die(new Error("The model was asked")),
    models: Effect.die(new Error("The model was asked")),
    pull: () => Effect.die(new Error("The model was asked")),
  }),
)

const onStorage = async (test: (storage: Storage) => Promise<void>) => {
  const storage = onDisk()
  try {
    await test(storage)
  } finally {
    storage.remove()
  }
}

describe("a run that asks a model", () => {
  it("stores what it cost with its outcome, which replay and read models take from there", () =>
    onStorage(async (storage) => {
      const server = scripted((_, call) => call === 0 ? "no" : fits, { models: ["tiny"] })
      await within(
        houseOf(storage, server.layer, "interactive"),
        Effect.gen(function* () {
          yield* propose("judge-0", { type: "Asked", n: 0 } as never)
          yield* untilAll(1)
          const [outcome] = yield* outcomesOf(0)
          const data = outcome!.data as { activity: string; usage: ReadonlyArray<unknown> }
          expect(data.activity).toBe("judge")
          expect(data.usage.length).toBe(2)
          const [garbage, ok] = data.usage.map((one) => Schema.decodeUnknownSync(Usage)(one))
          expect(garbage).toMatchObject({ outcome: "failed", cached: false, model: "tiny" })
          expect(ok).toMatchObject({ outcome: "ok", transcript: { subject: "founder" } })
          expect(JSON.stringify(outcome!.data).length).toBeLessThan(1_200)
          // The text of neither prompt nor answer is in the log.
          expect(JSON.stringify(outcome)).not.toContain("budget")
        }),
      )
      const house = houseOf(storage, dying, "interactive")
      await within(
        house,
        Effect.gen(function* () {
          const replayed = yield* replay(house.registry, undefined, () => {})
          expect(replayed).toMatchObject({ divergences: [] })
          expect(replayed.events).toBeGreaterThan(1)
          const spent = yield* (yield* ModelLedger).spent("judge", 0)
          expect(spent.tokens).toBeGreaterThan(100)
          const rows = (yield* ReadStore).scan("costs@1", { prefix: "cost:" })
            .map(([, row]) => costEntryOf(row))
          expect(rows).toMatchObject([
            { agent: "judge", activity: "judge", model: "tiny", calls: 2, failures: 1, cached: 0 },
          ])
        }),
      )
    }))

  it("asks nobody the second time, also after a restart", () =>
    onStorage(async (storage) => {
      const server = scripted(() => fits, { models: ["tiny"] })
      const ask = (stream: number) =>
        Effect.gen(function* () {
          yield* propose(`judge-${stream}`, { type: "Asked", n: 7 } as never)
          yield* untilAll(stream + 1)
          const [outcome] = yield* outcomesOf(stream)
          return (outcome!.data as { usage: ReadonlyArray<Usage> }).usage
        })
      await within(houseOf(storage, server.layer, "interactive"), ask(0))
      expect(server.requests.length).toBe(1)
      const usages = await within(
        houseOf(storage, server.layer, "interactive"),
        // What the log knows is read as the read models follow it.
        Effect.andThen(
          until(Effect.gen(function* () {
            return (yield* ReadStore).scan("inferences@1").length === 1
          })),
          ask(1),
        ),
      )
      expect(server.requests.length).toBe(1)
      expect(usages).toMatchObject([{ cached: true, outcome: "ok" }])
    }))

  it("fails with the model's reason, and keeps no adapter's circuit from closing", () =>
    onStorage(async (storage) => {
      const server = scripted(() => fits, { models: ["tiny"] })
      server.answers(false)
      await within(
        houseOf(storage, server.layer, "interactive"),
        Effect.gen(function* () {
          for (let n = 0; n < 8; n++) {
            yield* propose(`judge-${n}`, { type: "Asked", n } as never)
            yield* untilAll(n + 1)
          }
          const [outcome] = yield* outcomesOf(7)
          expect(outcome!.data).toMatchObject({ error: { name: ModelUnavailable.name } })
          // Eight in a row would have opened it: the next one runs at once.
          server.answers(true)
          yield* propose("judge-8", { type: "Asked", n: 8 } as never)
          yield* untilAll(9)
          expect((yield* outcomesOf(8))[0]!.type).toBe("ActivitySucceeded")
        }),
      )
    }))
})

describe("a burst", () => {
  it("whose runs wait for each other is not too late for it", () =>
    onStorage(async (storage) => {
      const server = scripted(() => ({ text: fits, delayMillis: 300 }), { models: ["tiny"] })
      await within(
        houseOf(storage, server.layer, "interactive", { timeoutMillis: 800 }),
        Effect.gen(function* () {
          for (let n = 0; n < 6; n++) yield* propose(`judge-${n}`, { type: "Asked", n } as never)
          yield* untilAll(6)
          for (let n = 0; n < 6; n++) {
            expect((yield* outcomesOf(n)).map(({ type }) => type)).toEqual(["ActivitySucceeded"])
          }
        }),
      )
    }))
})

describe("a batch", () => {
  it("that a crash cut off is taken up again, and nothing of it is done twice", () =>
    onStorage(async (storage) => {
      const count = 5
      let slow = true
      const server = scripted(
        (_, call) => ({ text: fits, delayMillis: slow && call > 1 ? 600_000 : 5 }),
        { models: ["tiny"] },
      )
      await abandoned(
        houseOf(storage, server.layer, "batch", {}, 0),
        Effect.gen(function* () {
          for (let n = 0; n < count; n++) {
            yield* propose(`judge-${n}`, { type: "Asked", n } as never)
          }
          yield* until(Effect.sync(() => server.requests.length === 3))
          // What is under way to a log on a server when the process dies may not be in it.
          if (throughDoor) {
            yield* until(Effect.gen(function* () {
              let recorded = 0
              for (let n = 0; n < count; n++) recorded += (yield* outcomesOf(n)).length
              return recorded === 2
            }))
          }
        }),
      )
      slow = false
      await within(
        houseOf(storage, server.layer, "batch"),
        Effect.gen(function* () {
          yield* untilAll(count)
          for (let n = 0; n < count; n++) {
            expect((yield* outcomesOf(n)).map(({ type }) => type)).toEqual(["ActivitySucceeded"])
          }
        }),
      )
      // What was answered before the crash is not asked for again.
      expect(server.ended().finished).toBe(count)
    }))

  it("that waits for its turn is not too late for it", () =>
    onStorage(async (storage) => {
      const server = scripted(() => ({ text: fits, delayMillis: 300 }), { models: ["tiny"] })
      await within(
        houseOf(storage, server.layer, "batch", { timeoutMillis: 800 }),
        Effect.gen(function* () {
          for (let n = 0; n < 6; n++) yield* propose(`judge-${n}`, { type: "Asked", n } as never)
          yield* untilAll(6)
          for (let n = 0; n < 6; n++) {
            expect((yield* outcomesOf(n)).map(({ type }) => type)).toEqual(["ActivitySucceeded"])
          }
        }),
      )
    }))

  it("that the end of AIOS cuts off has cost something, which is told and replayed", () =>
    onStorage(async (storage) => {
      let slow = true
      const server = scripted(() => ({ text: fits, delayMillis: slow ? 600_000 : 5 }), {
        models: ["tiny"],
      })
      await within(
        houseOf(storage, server.layer, "batch"),
        Effect.gen(function* () {
          yield* propose("judge-0", { type: "Asked", n: 0 } as never)
          yield* until(Effect.sync(() => server.requests.length === 1))
          yield* Effect.sleep(60)
        }),
      )
      slow = false
      const house = houseOf(storage, server.layer, "batch")
      await within(
        house,
        Effect.gen(function* () {
          yield* untilAll(1)
          const [cutOff] = yield* eventsOf("spending-judge")
          expect(cutOff).toMatchObject({
            type: "RunCutOff",
            data: { agent: "judge", activity: "judge", ask: "judge-0/0.0" },
          })
          const { usage } = cutOff!.data as { usage: ReadonlyArray<unknown> }
          const [one] = usage.map((each) => Schema.decodeUnknownSync(Usage)(each))
          expect(one).toMatchObject({ outcome: "cutOff", model: "tiny", estimated: true })
          expect(one!.millis).toBeGreaterThanOrEqual(50)
          const spent = yield* (yield* ModelLedger).spent("judge", 0)
          expect(spent.millis).toBeGreaterThanOrEqual(one!.millis)
          const rows = (yield* ReadStore).scan("costs@1", { prefix: "cost:" })
            .map(([, row]) => costEntryOf(row))
          expect(rows).toMatchObject([{ agent: "judge", calls: 2, failures: 0 }])
          expect(yield* replay(house.registry, undefined, () => {}))
            .toMatchObject({ divergences: [] })
        }),
      )
    }))

  it("does not hold up the end of AIOS, and goes on at the next start", () =>
    onStorage(async (storage) => {
      let slow = true
      const server = scripted(() => ({ text: fits, delayMillis: slow ? 600_000 : 5 }), {
        models: ["tiny"],
      })
      const began = performance.now()
      await within(
        houseOf(storage, server.layer, "batch"),
        Effect.gen(function* () {
          yield* propose("judge-0", { type: "Asked", n: 0 } as never)
          yield* until(Effect.sync(() => server.requests.length === 1))
        }),
      )
      expect(performance.now() - began).toBeLessThan(4_000)
      expect(server.ended()).toEqual({ finished: 0, interrupted: 1 })
      slow = false
      await within(houseOf(storage, server.layer, "batch"), untilAll(1))
      expect(server.ended()).toEqual({ finished: 1, interrupted: 1 })
    }))

  it("that takes too long itself is given up", () =>
    onStorage(async (storage) => {
      const server = scripted(() => ({ text: fits, delayMillis: 600_000 }), { models: ["tiny"] })
      await within(
        houseOf(storage, server.layer, "batch", { timeoutMillis: 300 }),
        Effect.gen(function* () {
          yield* propose("judge-0", { type: "Asked", n: 0 } as never)
          yield* untilAll(1)
          expect((yield* outcomesOf(0))[0]!.data).toMatchObject({ error: { name: "TimedOut" } })
          expect(server.ended().interrupted).toBe(1)
        }),
      )
    }))
})
