/** How an actor comes back: from its snapshot, from the log, from an older chart; or not, and why. */
import { Effect, Layer, Schema } from "effect"
import { describe, expect, it } from "vitest"
import { assign, setup } from "xstate"
import { EventLog } from "../../actors/event-log.ts"
import { replay } from "../../actors/replay.ts"
import { SnapshotStore, type StoredSnapshot } from "../../actors/snapshot-store.ts"
import { ActorEngine } from "../../actors/system.ts"
import { type Agent, defineAgent, event } from "../../machines/agent.ts"
import {
  epoch,
  eventsOf,
  type HouseOptions,
  inHouse,
  inMemory,
  minute,
  propose,
  settled,
  type Storage,
  typesOf,
  view,
} from "./house.ts"
import { lasting } from "../log-over-door.ts"

const Added = event("Added", { n: Schema.Int })
const Rested = event("Rested", {})

type Sum = { total: number; parts?: number }
/** Adds up. `weight` is behaviour that a version must not change; `rename` gives states new names. */
const sum = (
  options: {
    readonly version?: number
    readonly weight?: number
    readonly names?: readonly [string, string]
    readonly childMark?: number
  } & Partial<Pick<Agent, "previous" | "upgrade">> = {},
): Agent => {
  const { version = 1, weight = 1, names = ["adding", "resting"], childMark = 0 } = options
  const child = setup({}).createMachine({
    id: "pause",
    context: { mark: childMark },
    initial: "on",
    states: { on: { after: { [minute]: "over" } }, over: { type: "final" } },
  })
  return defineAgent({
    name: "sum",
    version,
    events: [Added, Rested],
    machine: setup({
      types: { context: {} as Sum, events: {} as typeof Added.Type | typeof Rested.Type },
      actors: { pause: child },
      actions: {
        add: assign(({ context, event }) =>
          event.type === "Added" ? { total: context.total + weight * event.n } : {}
        ),
      },
    }).createMachine({
      id: "sum",
      context: { total: 0 },
      initial: names[0],
      states: {
        [names[0]]: { on: { Rested: names[1] } },
        [names[1]]: { invoke: { id: "pause", src: "pause", onDone: names[0] } },
      },
      // The weight is in the chart's own text, as it would be in real life.
      on: { Added: { actions: weight === 1 ? "add" : ["add", { type: "add" }] } },
    }),
    ...(options.previous === undefined ? {} : { previous: options.previous }),
    ...(options.upgrade === undefined ? {} : { upgrade: options.upgrade }),
  })
}
const added = (n: number) => ({ type: "Added", n })
const many = (stream: string, times: number) =>
  Effect.forEach(Array.from({ length: times }, (_, n) => n), (n) => propose(stream, added(n)))
const sumTo = (n: number) => n * (n - 1) / 2

/** The same log under snapshots that the test may touch. */
const withSnapshots = (storage: Storage) => {
  const entries = new Map<string, StoredSnapshot>()
  const layer = Layer.succeed(
    SnapshotStore,
    SnapshotStore.of({
      get: (stream) => Effect.sync(() => entries.get(stream)),
      put: (batch) =>
        Effect.sync(() => {
          for (const [stream, one] of batch) entries.set(stream, one)
        }),
    }),
  )
  return { entries, storage: { ...storage, layer: lasting(Layer.merge(storage.layer, layer)) } }
}

describe("a snapshot", () => {
  it("and the events after it give what all events give", async () => {
    const { entries, storage } = withSnapshots(inMemory())
    await inHouse({ agents: [sum()], storage }, many("sum-1", 500))
    const saved = entries.get("sum-1")
    expect(saved?.revision).toBeGreaterThanOrEqual(400)
    const fromSnapshot = await inHouse({ agents: [sum()], storage }, view("sum-1"))
    entries.clear()
    const fromEvents = await inHouse({ agents: [sum()], storage }, view("sum-1"))
    expect(fromSnapshot).toEqual(fromEvents)
    expect(fromEvents).toMatchObject({ revision: 499, context: { total: sumTo(500) } })
  })

  it("that is damaged, foreign, of another chart or too new is ignored", async () => {
    const { entries, storage } = withSnapshots(inMemory())
    await inHouse(
      { agents: [sum()], storage },
      Effect.gen(function* () {
        yield* many("sum-1", 300)
        yield* many("sum-2", 299)
        yield* propose("sum-2", added(1))
      }),
    )
    const good = entries.get("sum-1")!
    const foreign = entries.get("sum-2")!
    const total = { revision: 299, status: "active", context: { total: sumTo(300) } }
    const bad: Record<string, StoredSnapshot> = {
      cutOff: { ...good, text: good.text.slice(0, 40) },
      empty: { ...good, text: "" },
      "of another stream": foreign,
      "with another total": { ...good, text: good.text.replace(/"total":\d+/, '"total":7') },
      "with a state that is not there": {
        ...good,
        text: good.text.replace('"value":"adding"', '"value":"flying"'),
      },
      "of another chart": { ...good, chartHash: "0123456789abcdef" },
      "ahead of the log": {
        ...good,
        revision: 9_999,
        text: good.text.replace(/"revision":\d+/, '"revision":9999'),
      },
    }
    for (const [what, one] of Object.entries(bad)) {
      entries.set("sum-1", one)
      const shown = await inHouse({ agents: [sum()], storage }, view("sum-1"))
      expect(shown, what).toMatchObject(total)
    }
  })
})

describe("a chart that was edited", () => {
  it("under the same version parks its actors and says what to do; others go on", async () => {
    const storage = inMemory()
    const Other = event("Seen", {})
    const other = defineAgent({
      name: "other",
      version: 1,
      events: [Other],
      machine: setup({}).createMachine({ id: "other", on: { Seen: { actions: assign({}) } } }),
    })
    await inHouse(
      { agents: [sum(), other], storage },
      Effect.gen(function* () {
        yield* many("sum-1", 3)
        yield* propose("other-1", { type: "Seen" })
      }),
    )
    await inHouse(
      { agents: [sum({ weight: 2 }), other], storage },
      Effect.gen(function* () {
        const refusal = yield* Effect.flip(propose("sum-1", added(1)))
        expect(refusal).toMatchObject({ _tag: "ActorParked" })
        expect(refusal.message).toMatch(
          /^sum-1 diverged: .* the log says [0-9a-f]{16}\. Give the changed chart a new version number \(this is 1\)$/,
        )
        expect((yield* view("sum-1"))?.status).toBe("parked")
        expect((yield* propose("other-1", { type: "Seen" })).event.revision).toBe(1)
        // An actor that begins now is of the new chart from its first event on.
        yield* propose("sum-2", added(1))
        const { registry } = yield* ActorEngine
        const found = yield* replay(registry, undefined, () => {})
        expect(found.divergences.map(({ stream }) => stream)).toEqual(["sum-1"])
        expect(found).toMatchObject({ actors: 3 })
        const one = yield* replay(registry, "sum/2", () => {})
        expect(one).toMatchObject({ actors: 1, events: 1, divergences: [] })
        const agent = yield* replay(registry, "other", () => {})
        expect(agent).toMatchObject({ actors: 1, events: 2, divergences: [] })
      }),
    )
    // Undone: nothing was lost.
    await inHouse(
      { agents: [sum(), other], storage },
      Effect.gen(function* () {
        expect((yield* propose("sum-1", added(1))).event.revision).toBe(3)
      }),
    )
  })
})

describe("a new version", () => {
  const old = sum()
  const names = ["counting", "sleeping"] as const
  const rename = (_: number, state: { value: unknown; context: unknown }) => ({
    value: state.value === "adding" ? "counting" : "sleeping",
    context: state.context as never,
  })
  const grown = async (times = 5) => {
    const made = withSnapshots(inMemory())
    await inHouse({ agents: [old], storage: made.storage }, many("sum-1", times))
    return made
  }

  it("takes over through its `previous` chart, with one ChartUpgraded, and later without it", async () => {
    const { storage } = await grown()
    const next = sum({ version: 2, weight: 10, previous: { 1: old.machine } })
    await inHouse(
      { agents: [next], storage },
      Effect.gen(function* () {
        expect(yield* view("sum-1")).toMatchObject({ revision: 4, context: { total: 10 } })
        yield* Effect.all([propose("sum-1", added(1)), propose("sum-1", added(1))], {
          concurrency: "unbounded",
        })
        expect((yield* typesOf("sum-1")).slice(5)).toEqual(["ChartUpgraded", "Added", "Added"])
        const [, , , , , upgraded] = yield* eventsOf("sum-1")
        expect(upgraded?.data).toMatchObject({ from: 1, to: 2, state: { context: { total: 10 } } })
        const { registry } = yield* ActorEngine
        expect((yield* replay(registry, undefined, () => {})).divergences).toEqual([])
      }),
    )
    // The old chart is gone: folding starts at the upgrade.
    const bare = sum({ version: 2, weight: 10 })
    await inHouse(
      { agents: [bare], storage },
      Effect.gen(function* () {
        const { registry } = yield* ActorEngine
        expect((yield* replay(registry, undefined, () => {})).divergences).toEqual([])
        yield* propose("sum-1", added(1))
        expect((yield* typesOf("sum-1")).filter((type) => type === "ChartUpgraded")).toHaveLength(1)
        expect((yield* view("sum-1"))?.status).toBe("active")
      }),
    )
    // And a third one, over both.
    const third = sum({ version: 3, weight: 1, previous: { 2: bare.machine } })
    await inHouse(
      { agents: [third], storage },
      Effect.gen(function* () {
        yield* propose("sum-1", added(1))
        expect((yield* typesOf("sum-1")).filter((type) => type === "ChartUpgraded")).toHaveLength(2)
        const { registry } = yield* ActorEngine
        expect((yield* replay(registry, undefined, () => {})).divergences).toEqual([])
      }),
    )
    await inHouse(
      { agents: [sum({ version: 3 })], storage },
      Effect.gen(function* () {
        expect((yield* view("sum-1"))?.status).toBe("active")
      }),
    )
  })

  it("maps the state by `upgrade` where its states have other names", async () => {
    const { storage } = await grown()
    const next = sum({ version: 2, names, previous: { 1: old.machine }, upgrade: rename })
    await inHouse(
      { agents: [next], storage },
      Effect.gen(function* () {
        yield* propose("sum-1", { type: "Rested" })
        expect(yield* view("sum-1")).toMatchObject({ value: "sleeping", context: { total: 10 } })
      }),
    )
    const bare = sum({ version: 2, names })
    await inHouse(
      { agents: [bare], storage },
      Effect.gen(function* () {
        expect(yield* view("sum-1")).toMatchObject({ value: "sleeping" })
        const { registry } = yield* ActorEngine
        expect((yield* replay(registry, undefined, () => {})).divergences).toEqual([])
      }),
    )
  })

  it("takes over by the old chart's own snapshot of the last event alone", async () => {
    const { entries, storage } = await grown(250)
    expect(entries.get("sum-1")?.revision).toBe(249)
    const next = sum({ version: 2, weight: 10, names, upgrade: rename })
    await inHouse(
      { agents: [next], storage },
      Effect.gen(function* () {
        yield* propose("sum-1", added(1))
        expect((yield* eventsOf("sum-1")).slice(250).map(({ type }) => type))
          .toEqual(["ChartUpgraded", "Added"])
      }),
    )
  })

  it("parks what it can neither fold nor map, with the remedy", async () => {
    const { entries, storage } = await grown()
    entries.clear()
    const next = sum({ version: 2, weight: 10, names })
    const refused = (agent: Agent) =>
      inHouse(
        { agents: [agent], storage },
        Effect.gen(function* () {
          const refusal = yield* Effect.flip(propose("sum-1", added(1)))
          expect(refusal._tag).toBe("ActorParked")
          return refusal.message
        }),
      )
    expect(await refused(next)).toContain("Keep the chart of version 1 in its agent's `previous`")
    expect(await refused(sum({ version: 2, names, previous: { 1: old.machine } })))
      .toContain("Give its agent an `upgrade`")
    const thrower = sum({
      version: 2,
      previous: { 1: old.machine },
      upgrade: () => {
        throw new Error("no idea")
      },
    })
    expect(await refused(thrower)).toContain("no idea")
    expect(await inHouse({ agents: [old], storage }, typesOf("sum-1"))).toHaveLength(5)
  })

  it("whose predecessor never took this actor's path needs no `previous`", async () => {
    const { storage } = await grown()
    // Other in a state this actor was never in: the recorded hashes prove that it is the same so far.
    const next = sum({ version: 2, childMark: 2 })
    await inHouse(
      { agents: [next], storage },
      Effect.gen(function* () {
        yield* propose("sum-1", added(1))
        expect(yield* view("sum-1")).toMatchObject({ status: "active", context: { total: 11 } })
      }),
    )
  })

  it("of an agent brings its child machines over as well", async () => {
    const storage = inMemory()
    const clock = { now: epoch }
    const options: HouseOptions = { agents: [old], storage, clock }
    const child = await inHouse(
      options,
      Effect.gen(function* () {
        yield* propose("sum-1", added(1))
        yield* propose("sum-1", { type: "Rested" })
        yield* settled
        const [one] = yield* (yield* EventLog).streams("sum.pause")
        return one!
      }),
    )
    clock.now += 2 * minute
    const next = sum({
      version: 2,
      weight: 10,
      childMark: 1,
      previous: { 1: old.machine },
    })
    await inHouse(
      { ...options, agents: [next] },
      Effect.gen(function* () {
        yield* settled
        // What wakes it is its timer alone, and that moves it over as well.
        expect(yield* typesOf(child)).toEqual(["ActorStarted", "ChartUpgraded", "TimerFired"])
        expect(yield* view(child)).toMatchObject({ status: "done" })
        expect(yield* view("sum-1")).toMatchObject({ value: "adding", status: "active" })
        const { registry } = yield* ActorEngine
        expect((yield* replay(registry, undefined, () => {})).divergences).toEqual([])
      }),
    )
  })

  it("that is older than what wrote the log parks the actor", async () => {
    const storage = inMemory()
    await inHouse({ agents: [sum({ version: 7 })], storage }, many("sum-1", 2))
    await inHouse(
      { agents: [sum({ version: 6 })], storage },
      Effect.gen(function* () {
        const refusal = yield* Effect.flip(propose("sum-1", added(1)))
        expect(refusal.message).toBe(
          "sum-1 was written by version 7 of its chart, this is version 6: run the newer AIOS",
        )
      }),
    )
  })
})
