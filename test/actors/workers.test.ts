/**
 * Several processes on one log: a control that delivers, and workers that run activities only. Here they
 * are houses of one process over one log; `test/crash/workers.test.ts` has them as processes that are killed.
 */
import { Effect, Exit, Layer, Logger, Scope, Stream } from "effect"
import { describe, expect, it } from "vitest"
import { implement, type Implementation } from "../../actors/activity.ts"
import type { Happening } from "../../actors/activities/job.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import {
  EventLog,
  isBookkeeping,
  LogUnavailable,
  type RecordedEvent,
} from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import { OpenAsks } from "../../actors/open-asks.ts"
import { replay } from "../../actors/replay.ts"
import { ActorEngine } from "../../actors/system.ts"
import { gatekeeper } from "../../machines/gatekeeper.ts"
import { workerChecks } from "../../projections/claims.ts"
import { seeded } from "../seeded.ts"
import { clerkOf, counter, declareWork, type Work } from "./clerks.ts"
import {
  beside,
  day,
  type Env,
  epoch,
  eventsOf,
  houseOf,
  type HouseOptions,
  inMemory,
  minute,
  propose,
  until,
  view,
} from "./house.ts"
import { throughDoor } from "../log-over-door.ts"

interface House {
  readonly run: <A>(use: Effect.Effect<A, unknown, Env>) => Promise<A>
  readonly close: () => Promise<void>
}
/** Opens a house and leaves it open. */
const opened = async (options: HouseOptions): Promise<House> => {
  const scope = Effect.runSync(Scope.make())
  const context = await Effect.runPromise(
    Layer.buildWithScope(houseOf(options), scope) as Effect.Effect<never>,
  )
  return {
    run: (use) => Effect.runPromise(Effect.provideContext(use, context) as never),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  }
}

const pause = (millis: number) =>
  Effect.promise(() => new Promise((then) => setTimeout(then, millis)))
const everything = Effect.flatMap(EventLog, (log) => log.readAll({ limit: 100_000 }))
const outcomes = (events: ReadonlyArray<RecordedEvent>) =>
  events.filter(({ type }) => /^Activity(Succeeded|Failed|Skipped)$/.test(type))
const claimsIn = (events: ReadonlyArray<RecordedEvent>) =>
  events.filter(({ stream }) => isBookkeeping(stream))
const asked = (n = 0) => ({ type: "Asked", n })
const noOpenAsks = Effect.gen(function* () {
  const asks = yield* OpenAsks
  const log = yield* EventLog
  yield* asks.caughtUp(yield* log.head)
  return (yield* asks.page(undefined, 1)).length === 0
})

/** A control and workers on one log, all of the same agents. */
const company = async (
  logic: Work,
  one: (worker: string) => Implementation,
  names: ReadonlyArray<string>,
  options: Partial<HouseOptions> = {},
) => {
  const storage = inMemory()
  const notes: Array<Happening & { readonly by: string }> = []
  const open = (name: string, more: Partial<HouseOptions> = {}) =>
    opened({
      agents: [clerkOf(logic), counter],
      activities: [one(name)],
      storage: name === "main" ? storage : beside(storage),
      shared: true,
      ...(name === "main" ? {} : { worker: name }),
      note: (happening) => notes.push({ ...happening, by: name }),
      ...options,
      ...more,
    })
  const houses = new Map<string, House>()
  for (const name of names) houses.set(name, await open(name))
  const close = async () => {
    for (const house of [...houses.values()].reverse()) await house.close()
  }
  return { houses, main: houses.get("main")!, notes, open, close }
}

/** A worker whose log is gone: it can neither extend its claim nor hear of anything. */
const cuttable = () => {
  const wire = { cut: false }
  const cutOff = (log: EventLog["Service"]): EventLog["Service"] => ({
    ...log,
    append: (...given) => wire.cut ? Effect.never : log.append(...given),
  })
  return { wire, cutOff }
}

describe("workers on one log", () => {
  it("share the work: each piece is done once, and what it tells arrives once", async () => {
    const logic = declareWork("work", { lane: "batch" })
    const runs: Array<string> = []
    const { close, main, notes } = await company(
      logic,
      (by) =>
        implement(logic, ({ n }, { askId }) =>
          Effect.gen(function* () {
            runs.push(askId)
            yield* pause(5 + n)
            return { done: n, by } as never
          })),
      ["main", "w1", "w2"],
    )
    const clerks = Array.from({ length: 40 }, (_, n) => `clerk-${n}`)
    await main.run(Effect.gen(function* () {
      for (const [n, clerk] of clerks.entries()) yield* propose(clerk, asked(n % 7))
      yield* until(noOpenAsks)
      for (const clerk of clerks) {
        expect(yield* view(clerk)).toMatchObject({ value: "idle", context: { done: 1 } })
      }
      expect(yield* view("counter-all")).toMatchObject({ context: { count: 40 } })
      const events = yield* everything
      expect(outcomes(events)).toHaveLength(40)
      // Each outcome says under which claim it was made, and its claim was confirmed before it.
      for (const outcome of outcomes(events)) {
        const { ask, lease } = outcome.data as { ask: string; lease: number }
        expect(lease).toBe(1)
        const claim = yield* eventsOf(`claim-${outcome.stream}/${ask}`)
        expect(claim.map(({ type }) => type)).toEqual(["AskClaimed", "ClaimConfirmed"])
        expect(claim[1]!.position).toBeLessThan(outcome.position)
      }
      const { registry } = yield* ActorEngine
      expect(yield* replay(registry, undefined, () => {})).toMatchObject({ divergences: [] })
    }))
    expect([...runs].sort()).toEqual([...new Set(runs)].sort())
    const by = (name: string) => notes.filter((one) => one.what === "started" && one.by === name)
    expect(["main", "w1", "w2"].filter((name) => by(name).length > 0).length).toBeGreaterThan(1)
    await close()
  })

  it("take only their lanes, and the control leaves lanes to them", async () => {
    const logic = declareWork("work", { lane: "batch" })
    const done: Array<string> = []
    const { close, main, open } = await company(
      logic,
      (by) => implement(logic, ({ n }) => Effect.sync(() => (done.push(by), { done: n }))),
      ["main"],
      { lanes: ["interactive"] },
    )
    await main.run(Effect.gen(function* () {
      yield* propose("clerk-1", asked(1))
      yield* Effect.promise(async () => void await main.run(pause(100)))
      expect(done).toEqual([])
      const worker = yield* Effect.promise(() => open("w1", { lanes: ["batch"] }))
      yield* until(noOpenAsks)
      expect(done).toEqual(["w1"])
      yield* Effect.promise(() => worker.close())
    }))
    await close()
  })

  it(
    "a worker that was killed is heard of no more, and another takes over; its late word is not recorded",
    async () => {
      const logic = declareWork("work", { lane: "batch" })
      const stalled: Array<() => void> = []
      const attempts: Array<string> = []
      const { close, main, open, notes } = await company(
        logic,
        (by) =>
          implement(logic, () =>
            Effect.gen(function* () {
              attempts.push(by)
              if (by === "w1") {
                yield* Effect.promise(() => new Promise<void>((then) => stalled.push(then)))
              }
              return { done: 1 }
            })),
        ["main"],
        { lanes: [], leaseMillis: 300 },
      )
      // A worker whose log is gone: it can neither extend its claim nor hear of anything.
      const { cutOff, wire } = cuttable()
      const first = await open("w1", { lanes: ["batch"], faults: cutOff })
      await main.run(Effect.gen(function* () {
        yield* propose("clerk-1", asked())
        yield* until(Effect.sync(() => stalled.length === 1))
        wire.cut = true
        const log = yield* EventLog
        yield* (yield* OpenAsks).caughtUp(yield* log.head)
        expect(yield* workerChecks(1)).toMatchObject([
          { name: "worker w1", detail: expect.stringContaining("1 piece of work") },
        ])
        const second = yield* Effect.promise(() => open("w2", { lanes: ["batch"] }))
        yield* until(noOpenAsks)
        yield* (yield* OpenAsks).caughtUp(yield* log.head)
        expect(yield* workerChecks(1)).toEqual([])
        expect(attempts).toEqual(["w1", "w2"])
        const [outcome] = outcomes(yield* everything)
        expect(outcome?.data).toMatchObject({ lease: 2 })
        wire.cut = false
        for (const go of stalled) go()
        yield* pause(200)
        expect(outcomes(yield* everything)).toHaveLength(1)
        expect(notes.filter(({ by, what }) => by === "w1" && what === "done")).toEqual([])
        yield* Effect.promise(() => second.close())
      }))
      await first.close()
      await close()
    },
  )

  it(
    "what nobody may do twice does not move: it is quarantined, and the founder tells",
    async () => {
      const logic = declareWork("work", { lane: "batch", idempotency: "unsafe" })
      const attempts: Array<string> = []
      const { close, main, open } = await company(
        logic,
        (by) =>
          implement(
            logic,
            () => Effect.andThen(Effect.sync(() => attempts.push(by)), Effect.never),
          ),
        ["main"],
        { lanes: [], leaseMillis: 200, closeMillisMax: 0 },
      )
      const { cutOff, wire } = cuttable()
      const first = await open("w1", {
        lanes: ["batch"],
        faults: cutOff,
      })
      await main.run(Effect.gen(function* () {
        yield* propose("clerk-1", asked())
        yield* until(Effect.sync(() => attempts.length === 1))
        wire.cut = true
        const second = yield* Effect.promise(() => open("w2", { lanes: ["batch"] }))
        const system = yield* ActorSystem
        yield* until(Effect.map(system.remaining, ({ quarantined }) => quarantined === 1))
        expect(attempts).toEqual(["w1"])
        yield* system.resolveQuarantine("clerk-1/0.0", { happened: true, output: { done: 5 } })
        yield* until(noOpenAsks)
        expect(yield* view("clerk-1")).toMatchObject({ value: "idle", context: { done: 1 } })
        expect(attempts).toEqual(["w1"])
        yield* Effect.promise(() => second.close())
      }))
      await first.close()
      await close()
    },
    20_000,
  )

  it("also where its holder fell silent before it began: nobody else can know that", async () => {
    const logic = declareWork("work", { lane: "batch", idempotency: "unsafe" })
    const attempts: Array<string> = []
    const { close, main, open } = await company(
      logic,
      (by) => implement(logic, () => Effect.sync(() => (attempts.push(by), { done: 1 }))),
      ["main"],
      { lanes: [], leaseMillis: 200, closeMillisMax: 0 },
    )
    const { cutOff, wire } = cuttable()
    let goOn = () => {}
    const silence = new Promise<void>((then) => goOn = then)
    const first = await open("w1", {
      lanes: ["batch"],
      faults: (log) => ({
        ...cutOff(log),
        appendBatch: (batch) =>
          Effect.suspend(() => {
            wire.cut ||= batch.some(({ events }) => events[0]?.type === "ActivityStarted")
            const appended = log.appendBatch(batch)
            return wire.cut ? Effect.andThen(Effect.promise(() => silence), appended) : appended
          }),
      }),
    })
    await main.run(Effect.gen(function* () {
      yield* propose("clerk-1", asked())
      yield* until(Effect.sync(() => wire.cut))
      const second = yield* Effect.promise(() => open("w2", { lanes: ["batch"] }))
      const system = yield* ActorSystem
      yield* until(Effect.map(system.remaining, ({ quarantined }) => quarantined === 1))
      expect(attempts).toEqual([])
      const marks = Effect.map(
        eventsOf("clerk-1"),
        (events) => events.filter(({ type }) => type === "ActivityStarted").length,
      )
      expect(yield* marks).toBe(0)
      // It comes back and goes on where it was: it asks once more before it does what it announced.
      wire.cut = false
      goOn()
      yield* until(Effect.map(marks, (count) => count === 1))
      yield* pause(150)
      expect(attempts).toEqual([])
      yield* Effect.promise(() => second.close())
    }))
    await first.close()
    await close()
  })

  it("also where it began without a claim, when nobody else worked: its mark tells", async () => {
    const logic = declareWork("work", { lane: "batch", idempotency: "unsafe" })
    const attempts: Array<string> = []
    const { main, open } = await company(
      logic,
      (by) =>
        implement(logic, () => Effect.andThen(Effect.sync(() => attempts.push(by)), Effect.never)),
      ["main"],
      { shared: false, closeMillisMax: 0 },
    )
    await main.run(Effect.gen(function* () {
      yield* propose("clerk-1", asked())
      yield* until(Effect.sync(() => attempts.length === 1))
    }))
    await main.close()
    const worker = await open("w1", { shared: true })
    await worker.run(Effect.gen(function* () {
      const system = yield* ActorSystem
      yield* until(Effect.map(system.remaining, ({ quarantined }) => quarantined === 1))
      expect(attempts).toEqual(["main"])
      const claim = yield* eventsOf("claim-clerk-1/0.0")
      expect(claim.map(({ data }) => (data as { lease: number }).lease)).toEqual([1])
    }))
    await worker.close()
  })

  it("work that outlasts its lease stays with who does it: the claim is extended meanwhile", async () => {
    const logic = declareWork("work", { lane: "batch" })
    const attempts: Array<string> = []
    const finish: Array<() => void> = []
    const { close, main, notes } = await company(
      logic,
      (by) =>
        implement(logic, () =>
          Effect.gen(function* () {
            attempts.push(by)
            yield* Effect.promise(() => new Promise<void>((then) => finish.push(then)))
            return { done: 1 }
          })),
      ["main", "w1", "w2"],
      { leaseMillis: 400 },
    )
    await main.run(Effect.gen(function* () {
      yield* propose("clerk-1", asked())
      const renewals = Effect.map(
        eventsOf("claim-clerk-1/0.0"),
        (claim) => claim.filter(({ type }) => type === "ClaimRenewed"),
      )
      // Four leases' worth of time, by the holder's own count; the others have looked all the while.
      yield* until(Effect.map(renewals, ({ length }) => length >= 12))
      for (const go of finish) go()
      yield* until(noOpenAsks)
      expect(attempts).toHaveLength(1)
      const claim = yield* eventsOf("claim-clerk-1/0.0")
      expect(claim.map(({ data }) => (data as { lease: number }).lease)).toEqual(claim.map(() => 1))
      expect(claim.at(-1)?.type).toBe("ClaimConfirmed")
      expect(outcomes(yield* everything)).toMatchObject([{ data: { lease: 1 } }])
    }))
    expect(notes.map(({ what }) => what)).toEqual(["started", "done"])
    await close()
  })

  it("what a worker was not told of it finds when it looks again", async () => {
    const logic = declareWork("work", { lane: "batch" })
    const runs: Array<string> = []
    const { close, main, open } = await company(
      logic,
      (by) => implement(logic, () => Effect.sync(() => (runs.push(by), { done: 1 }))),
      ["main"],
      { lanes: [] },
    )
    // Reading goes by pages; what comes is not told.
    const deaf = (log: EventLog["Service"]): EventLog["Service"] => ({
      ...log,
      follow: (position) =>
        log.follow(position).pipe(
          Stream.map((page) => page.filter(({ type }) => type !== "Asked")),
          Stream.filter((page) => page.length > 0),
        ),
    })
    await main.run(Effect.gen(function* () {
      const worker = yield* Effect.promise(() =>
        open("w1", { lanes: ["batch"], faults: deaf, lookMillis: 300 })
      )
      yield* propose("clerk-1", asked())
      yield* until(noOpenAsks)
      expect(runs).toEqual(["w1"])
      expect(outcomes(yield* everything)).toMatchObject([{ data: { lease: 1 } }])
      yield* Effect.promise(() => worker.close())
    }))
    await close()
  })

  it("a process of the same name takes its claims up again at once", async () => {
    const logic = declareWork("work", { lane: "batch" })
    let lives = 0
    const { close, main, open } = await company(
      logic,
      () =>
        implement(
          logic,
          () =>
            Effect.suspend(() => ++lives === 1 ? Effect.never : Effect.succeed({ done: lives })),
        ),
      ["main"],
      { lanes: [], leaseMillis: 60_000, closeMillisMax: 0 },
    )
    const { cutOff, wire } = cuttable()
    const first = await open("w1", {
      lanes: ["batch"],
      faults: cutOff,
    })
    await main.run(Effect.gen(function* () {
      yield* propose("clerk-1", asked())
      yield* until(Effect.sync(() => lives === 1))
      wire.cut = true
      const second = yield* Effect.promise(() => open("w1", { lanes: ["batch"] }))
      yield* until(noOpenAsks)
      expect(outcomes(yield* everything)[0]?.data).toMatchObject({ lease: 2 })
      yield* Effect.promise(() => second.close())
    }))
    await first.close()
    await close()
  })

  it("a worker that ends in good order gives up what it has not done", async () => {
    const logic = declareWork("work", { lane: "batch" })
    const attempts: Array<string> = []
    const { close, main, open } = await company(
      logic,
      (by) =>
        implement(logic, () =>
          Effect.suspend(() => {
            attempts.push(by)
            return by === "w1" ? Effect.never : Effect.succeed({ done: 1 })
          })),
      ["main"],
      { lanes: [], leaseMillis: 60_000 },
    )
    const first = await open("w1", { lanes: ["batch"] })
    await main.run(Effect.gen(function* () {
      yield* propose("clerk-1", asked())
      yield* until(Effect.sync(() => attempts.length === 1))
      const second = yield* Effect.promise(() => open("w2", { lanes: ["batch"] }))
      yield* Effect.promise(() => first.close())
      yield* until(noOpenAsks)
      expect(attempts).toEqual(["w1", "w2"])
      yield* Effect.promise(() => second.close())
    }))
    await close()
  })

  it("what is taken back ends where it runs", async () => {
    const logic = declareWork("work", { lane: "batch" })
    let begun = 0
    let ended = 0
    const { close, main } = await company(
      logic,
      () =>
        implement(logic, () =>
          Effect.andThen(Effect.sync(() => begun++), Effect.never).pipe(
            Effect.onInterrupt(() => Effect.sync(() => ended++)),
          )),
      ["main", "w1"],
      { leaseMillis: 60_000 },
    )
    await main.run(Effect.gen(function* () {
      yield* propose("clerk-1", asked())
      yield* until(Effect.sync(() => begun === 1))
      yield* propose("clerk-1", { type: "Left" })
      yield* until(Effect.sync(() => ended === 1))
      yield* until(noOpenAsks)
      expect(begun).toBe(1)
      expect(outcomes(yield* everything)).toEqual([])
      yield* until(
        Effect.map(
          eventsOf("claim-clerk-1/0.0"),
          (claim) => claim.at(-1)?.type === "ClaimReleased",
        ),
      )
    }))
    await close()
  })

  it("what is taken back while its claim is on its way is given up once that is there", async () => {
    const logic = declareWork("work", { lane: "batch" })
    let begun = 0
    let isOnItsWay = false
    let arrive = () => {}
    const arrival = new Promise<void>((then) => arrive = then)
    const slow = (log: EventLog["Service"]): EventLog["Service"] => ({
      ...log,
      append: (stream, expected, events) =>
        log.append(stream, expected, events).pipe(Effect.tap(() => {
          if (isOnItsWay) return Effect.void
          isOnItsWay = true
          return Effect.promise(() => arrival)
        })),
    })
    const { close, main, open } = await company(
      logic,
      () => implement(logic, () => Effect.sync(() => ({ done: ++begun }))),
      ["main"],
      { lanes: [], leaseMillis: 60_000 },
    )
    const worker = await open("w1", { lanes: ["batch"], faults: slow })
    await main.run(Effect.gen(function* () {
      const log = yield* EventLog
      const asks = yield* OpenAsks
      yield* propose("clerk-1", asked())
      yield* until(Effect.sync(() => isOnItsWay))
      yield* asks.caughtUp(yield* log.head)
      expect(yield* workerChecks(1)).toMatchObject([{ name: "worker w1" }])
      yield* propose("clerk-1", { type: "Left" })
      // A worker that is killed now leaves its claim as it is: nobody has work because of it.
      yield* asks.caughtUp(yield* log.head)
      expect(yield* workerChecks(1)).toEqual([])
      const { remaining } = yield* Effect.promise(() => worker.run(ActorSystem))
      yield* until(Effect.map(remaining, ({ batch }) => batch === 0))
      expect((yield* eventsOf("claim-clerk-1/0.0")).map(({ type }) => type)).toEqual(["AskClaimed"])
      arrive()
      yield* until(
        Effect.map(
          eventsOf("claim-clerk-1/0.0"),
          (claim) => claim.at(-1)?.type === "ClaimReleased",
        ),
      )
      expect(begun).toBe(0)
    }))
    await worker.close()
    await close()
  })

  it("no claim stays where what is asked for is superseded again and again", async () => {
    const dice = seeded()
    const logic = declareWork("work", { lane: "batch" })
    const slow = (log: EventLog["Service"]): EventLog["Service"] => ({
      ...log,
      append: (stream, expected, events) =>
        log.append(stream, expected, events).pipe(Effect.tap(() => pause(dice.below(8)))),
    })
    const { close, main } = await company(
      logic,
      () => implement(logic, ({ n }) => Effect.as(pause(n % 10), { done: n })),
      ["main", "w1", "w2"],
      { faults: slow },
    )
    await main.run(Effect.gen(function* () {
      for (let n = 0; n < 150; n++) {
        yield* propose(`clerk-${dice.below(10)}`, asked(n))
        yield* pause(dice.below(3))
      }
      yield* until(noOpenAsks)
      const last = Effect.map(
        everything,
        (events) => new Map(claimsIn(events).map(({ stream, type }) => [stream, type])),
      )
      yield* until(Effect.map(
        last,
        (claims) => [...claims.values()].every((type) => /Confirmed|Released/.test(type)),
      ))
      expect([...(yield* last).values()]).toContain("ClaimReleased")
    }))
    await close()
  })

  it("what waits for the founder is claimed once to ask, by no worker that starts, and once to be done", async () => {
    const logic = declareWork("work", { risk: "outward", idempotency: "keyed" })
    const runs: Array<string> = []
    const { close, main, open } = await company(
      logic,
      (by) => implement(logic, () => Effect.sync(() => (runs.push(by), { done: 1 }))),
      ["main"],
      { agents: [clerkOf(logic), counter, gatekeeper], lanes: [] },
    )
    const workers: Array<House> = []
    const start = (name: string) =>
      Effect.promise(async () => {
        const worker = await open(name, { lanes: ["interactive"] })
        workers.push(worker)
        const { remaining } = await worker.run(ActorSystem)
        await worker.run(until(Effect.map(remaining, ({ gated }) => gated === 1)))
      })
    const claim = Effect.map(
      eventsOf("claim-clerk-1/0.0"),
      (events) => events.map(({ type }) => type),
    )
    await main.run(Effect.gen(function* () {
      yield* propose("clerk-1", asked())
      yield* start("w1")
      yield* until(Effect.map(claim, ({ length }) => length === 2))
      for (const name of ["w2", "w3"]) yield* start(name)
      expect(yield* claim).toEqual(["AskClaimed", "ClaimReleased"])
      const log = yield* EventLog
      const [approval = ""] = yield* log.streams("gatekeeper")
      const { request } = (yield* view(approval))!.context as { request: { hash: string } }
      yield* propose(approval, { type: "ApprovalGranted", hash: request.hash, by: "operator" })
      yield* until(noOpenAsks)
      expect(runs).toHaveLength(1)
      expect((yield* claim).slice(2)).toEqual(["AskClaimed", "ClaimConfirmed"])
    }))
    for (const worker of workers) await worker.close()
    await close()
  })

  it("a log that nobody else writes holds no claims; once others may, what runs is claimed first", async () => {
    const logic = declareWork("work", { lane: "batch" })
    const waiting: Array<() => void> = []
    const { close, main, open } = await company(
      logic,
      () =>
        implement(
          logic,
          () =>
            Effect.promise(() => new Promise<void>((then) => waiting.push(then))).pipe(
              Effect.as({ done: 1 }),
            ),
        ),
      ["main"],
      { shared: false },
    )
    await main.run(Effect.gen(function* () {
      const { share } = yield* ActorEngine
      yield* propose("clerk-1", asked())
      yield* until(Effect.sync(() => waiting.length === 1))
      waiting.pop()!()
      yield* until(noOpenAsks)
      expect(claimsIn(yield* everything)).toEqual([])
      yield* propose("clerk-1", asked())
      yield* until(Effect.sync(() => waiting.length === 1))
      yield* Effect.all([share, share], { concurrency: "unbounded" })
      expect(claimsIn(yield* everything).map(({ type }) => type)).toEqual(["AskClaimed"])
      const worker = yield* Effect.promise(() => open("w1", { shared: true }))
      yield* pause(150)
      expect(waiting).toHaveLength(1)
      waiting.pop()!()
      yield* until(noOpenAsks)
      expect(yield* view("counter-all")).toMatchObject({ context: { count: 2 } })
      yield* Effect.promise(() => worker.close())
    }))
    await close()
  })
})

describe("clocks", () => {
  it("that are behind what the log says are told of, whoever is wrong; small differences are not", async () => {
    const told: Array<string> = []
    const logger = Logger.make<unknown, void>(({ message }) => void told.push(String(message)))
    const storage = inMemory()
    const logic = declareWork("work", { lane: "batch" })
    const open = (now: number) =>
      Effect.runPromise(
        Effect.void.pipe(
          Effect.provide(houseOf({
            agents: [clerkOf(logic), counter],
            activities: [implement(logic, () => Effect.succeed({ done: 1 }))],
            storage: beside(storage),
            shared: true,
            worker: "w1",
            clock: { now },
          })),
          Effect.scoped,
          Effect.provide(Logger.layer([logger])),
        ) as Effect.Effect<void>,
      )
    const control = await opened({
      agents: [clerkOf(logic), counter],
      storage,
      shared: true,
      lanes: [],
      clock: { now: epoch },
    })
    await control.run(propose("counter-all", { type: "Counted", by: "somebody" }))
    await open(epoch - minute / 2)
    await open(epoch + 40 * day)
    expect(told).toEqual([])
    await open(epoch - 3 * minute)
    expect(told).toEqual([expect.stringMatching(/3 min in the future .*NTP/)])
    await control.close()
  })
})

describe("several writers of the same actors", () => {
  it("whoever loses folds again: nothing is lost or doubled, and replay agrees", async () => {
    const dice = seeded()
    const logic = declareWork("work")
    const { close, houses, main } = await company(
      logic,
      () => implement(logic, ({ n }) => Effect.succeed({ done: n })),
      ["main", "w1", "w2"],
    )
    const writers = [...houses.values()]
    const rounds = throughDoor ? 50 : 150
    const fibers = writers.map((house) =>
      house.run(Effect.gen(function* () {
        for (let n = 0; n < rounds; n++) {
          yield* propose(`clerk-${dice.below(4)}`, asked(n))
          if (dice.below(8) === 0) yield* pause(1)
        }
      }))
    )
    await Promise.all(fibers)
    await main.run(Effect.gen(function* () {
      yield* until(noOpenAsks)
      const events = yield* everything
      expect(events.filter(({ type }) => type === "Asked")).toHaveLength(rounds * writers.length)
      const told = events.flatMap(({ metadata }) =>
        (metadata.asks ?? []).filter(({ ask }) => ask === "tell")
      ).length
      // Whatever was told arrived, once, in whichever order its senders' processes heard of it.
      expect(events.filter(({ type }) => type === "Counted")).toHaveLength(told)
      expect(events.filter(({ type }) => type === "TellRefused")).toEqual([])
      expect(yield* view("counter-all")).toMatchObject({ context: { count: told } })
      const { registry } = yield* ActorEngine
      expect(yield* replay(registry, undefined, () => {})).toMatchObject({ divergences: [] })
    }))
    await close()
  }, 60_000)

  it("also where the log fails before or after it has taken something", async () => {
    const dice = seeded()
    let failures = 0
    const lost = () =>
      Effect.fail(new LogUnavailable({ reason: "failed", message: "cut off", retryable: true }))
    const unreliable = (log: EventLog["Service"]): EventLog["Service"] => ({
      ...log,
      appendBatch: (batch) =>
        Effect.suspend(() => {
          if (failures > 25 || dice.below(6) > 0) return log.appendBatch(batch)
          failures++
          return dice.chance() ? lost() : Effect.flatMap(log.appendBatch(batch), lost)
        }),
    })
    const logic = declareWork("work", { idempotency: "keyed" })
    const { close, houses, main } = await company(
      logic,
      () => implement(logic, ({ n }) => Effect.succeed({ done: n })),
      ["main", "w1"],
      { faults: unreliable },
    )
    const rounds = 40
    await Promise.all([...houses].map(([name, house]) =>
      house.run(Effect.gen(function* () {
        for (let n = 0; n < rounds; n++) {
          const id = derivedId(`${name}:${n}`)
          // Whoever proposes under an id may ask again for as long as it takes.
          yield* propose(`clerk-${dice.below(3)}`, asked(n), { id }).pipe(Effect.eventually)
        }
      }))
    ))
    await main.run(Effect.gen(function* () {
      yield* until(noOpenAsks)
      const events = yield* everything
      expect(failures).toBeGreaterThan(2)
      const ids = events.map(({ id, stream }) => `${id} ${stream}`)
      expect(new Set(ids).size).toBe(ids.length)
      const told = events.flatMap(({ metadata }) =>
        (metadata.asks ?? []).filter(({ ask }) => ask === "tell")
      ).length
      expect(events.filter(({ type }) => type === "Counted")).toHaveLength(told)
      expect(yield* view("counter-all")).toMatchObject({ context: { count: told } })
      const { registry } = yield* ActorEngine
      expect(yield* replay(registry, undefined, () => {})).toMatchObject({ divergences: [] })
    }))
    await close()
  }, 60_000)
})
