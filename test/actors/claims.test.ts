/**
 * Claims on the log, by many that run, stall, die and come back in random order: a number has one holder,
 * numbers follow each other, and who lost its claim is told so before it could record anything.
 */
import { Clock, Effect, Layer } from "effect"
import { describe, expect, it } from "vitest"
import { Claims, claimStream, type Lease } from "../../actors/claims.ts"
import * as onLog from "../../actors/claims-on-log.ts"
import { EventLog } from "../../actors/event-log.ts"
import * as memoryLog from "../../adapters/event-log-memory.ts"
import { type Dice, seeded } from "../seeded.ts"
import { handClock } from "./house.ts"

const leaseMillis = 1_000
const asks = ["clerk-1/0.0", "clerk-2/0.0", "clerk-3/4.1"]

/** A worker's own idea of time: it may have been asleep. */
interface Worker {
  readonly name: string
  readonly clock: { millis: number }
  readonly claims: Claims["Service"]
  readonly leases: Map<string, Lease>
}

const on = <A, E>(
  use: (
    log: EventLog["Service"],
    open: (name: string) => Effect.Effect<Worker>,
  ) => Effect.Effect<A, E>,
) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const log = yield* EventLog
      const real = yield* Clock.Clock
      const open = (name: string) =>
        Effect.gen(function* () {
          const clock = { millis: 0 }
          const own: Clock.Clock = {
            ...handClock(real, { now: 0 }),
            monotonicTimeNanosUnsafe: () => BigInt(clock.millis) * 1_000_000n,
          }
          const claims = yield* Effect.provide(
            Claims,
            onLog.layer({ name, leaseMillis }).pipe(
              Layer.provide(
                Layer.mergeAll(Layer.succeed(EventLog, log), Layer.succeed(Clock.Clock, own)),
              ),
            ),
          )
          return { name, clock, claims, leases: new Map<string, Lease>() }
        })
      return yield* use(log, open)
    }).pipe(Effect.provide(memoryLog.layer), Effect.scoped),
  )

/** A lease and its grace pass, and the log is asked in between. */
const outlast = Effect.fnUntraced(function* ({ claims, clock }: Worker, ask: string) {
  clock.millis += leaseMillis
  expect(yield* claims.take(ask)).toMatchObject({ is: "theirs" })
  clock.millis += leaseMillis / 2
})

const history = (log: EventLog["Service"], ask: string) =>
  Effect.map(
    log.readPage(claimStream(ask), { limit: 10_000 }),
    (events) =>
      events.map(({ data, type }) => ({
        type,
        ...data as { lease: number; by: string; instance: string },
      })),
  )

describe("claims", () => {
  it("of a worker that is heard of are not taken over, of one that is silent they are", () =>
    on((_, open) =>
      Effect.gen(function* () {
        const [ask = ""] = asks
        const w1 = yield* open("w1")
        const w2 = yield* open("w2")
        const first = yield* w1.claims.take(ask)
        expect(first).toMatchObject({ is: "ours", lease: { number: 1, inherited: false } })
        if (first.is !== "ours") return
        expect(yield* w2.claims.take(ask)).toEqual({ is: "theirs", by: "w1" })
        w2.clock.millis += leaseMillis - 1
        expect(yield* w1.claims.renew(first.lease)).toBe(true)
        w2.clock.millis += 2
        // It was extended, though nobody told w2.
        expect(yield* w2.claims.take(ask)).toEqual({ is: "theirs", by: "w1" })
        yield* outlast(w2, ask)
        expect(yield* w2.claims.take(ask)).toMatchObject({
          lease: { number: 2, inherited: true },
        })
        expect(yield* w1.claims.confirm(first.lease)).toBe(false)
        expect(yield* w1.claims.renew(first.lease)).toBe(false)
      })
    ))

  it("of who could not reach the log are left for it to extend, though their time is over", () =>
    on((_, open) =>
      Effect.gen(function* () {
        const [ask = ""] = asks
        const w1 = yield* open("w1")
        const w2 = yield* open("w2")
        const first = yield* w1.claims.take(ask)
        if (first.is !== "ours") return
        expect(yield* w2.claims.take(ask)).toEqual({ is: "theirs", by: "w1" })
        // The log was away for longer than a lease. W2 is the first that finds it again, w1 is late.
        w2.clock.millis += leaseMillis * 3
        expect(yield* w2.claims.take(ask)).toEqual({ is: "theirs", by: "w1" })
        w2.clock.millis += leaseMillis / 4
        expect(yield* w2.claims.take(ask)).toEqual({ is: "theirs", by: "w1" })
        expect(yield* w1.claims.renew(first.lease)).toBe(true)
        w2.clock.millis += leaseMillis / 4
        expect(yield* w2.claims.take(ask)).toEqual({ is: "theirs", by: "w1" })
        expect(yield* w1.claims.confirm(first.lease)).toBe(true)
      })
    ))

  it("that are given up are free at once, and nobody wonders how far they came", () =>
    on((_, open) =>
      Effect.gen(function* () {
        const [ask = ""] = asks
        const w1 = yield* open("w1")
        const w2 = yield* open("w2")
        const first = yield* w1.claims.take(ask)
        if (first.is === "ours") yield* w1.claims.release(first.lease)
        expect(yield* w2.claims.take(ask)).toMatchObject({
          lease: { number: 2, inherited: false },
        })
      })
    ))

  it("are not extended any more once they are confirmed, whichever of the two was asked for first", () =>
    on((log, open) =>
      Effect.gen(function* () {
        const [ask = ""] = asks
        const { claims } = yield* open("w1")
        const taken = yield* claims.take(ask)
        if (taken.is !== "ours") return
        const both = [claims.confirm(taken.lease), claims.renew(taken.lease)]
        expect(yield* Effect.all(both, { concurrency: "unbounded" })).toEqual([true, true])
        expect(yield* claims.renew(taken.lease)).toBe(true)
        const events = yield* log.readPage(`claim-${ask}`)
        expect(events.at(-1)?.type).toBe("ClaimConfirmed")
      })
    ))

  it("of a name are taken up by the next process of that name at once", () =>
    on((_, open) =>
      Effect.gen(function* () {
        const [ask = ""] = asks
        yield* (yield* open("w1")).claims.take(ask)
        expect(yield* (yield* open("w1")).claims.take(ask)).toMatchObject({
          lease: { number: 2, inherited: true },
        })
      })
    ))

  it("in random histories: one holder per number, and only it may record", () => {
    const dice: Dice = seeded()
    return on((log, open) =>
      Effect.gen(function* () {
        const names = ["w1", "w2", "w3"]
        let workers = yield* Effect.forEach(names, open)
        const stalled: Array<Worker> = []
        let confirmed = 0
        let refused = 0
        const move = Effect.fnUntraced(function* (worker: Worker) {
          const ask = dice.pick(asks)
          const lease = worker.leases.get(ask)
          switch (dice.below(5)) {
            case 0:
            case 1: {
              const taken = yield* worker.claims.take(ask)
              if (taken.is === "ours") worker.leases.set(ask, taken.lease)
              return
            }
            case 2:
              if (lease !== undefined && !(yield* worker.claims.renew(lease))) {
                worker.leases.delete(ask)
              }
              return
            case 3: {
              if (lease === undefined) return
              const isOurs = yield* worker.claims.confirm(lease)
              const events = yield* history(log, ask)
              const own = events.findLastIndex(({ type }) => type === "ClaimConfirmed")
              // Whoever may record said so before anybody else was given the ask.
              if (isOurs) {
                expect(events.map((one) => one.lease).slice(0, own)).toContain(lease.number)
              } else {
                expect(
                  events.some((one) => one.lease > lease.number || one.type === "ClaimReleased"),
                ).toBe(true)
              }
              if (isOurs) confirmed++
              else refused++
              worker.leases.delete(ask)
              return
            }
            case 4:
              if (lease !== undefined) yield* worker.claims.release(lease)
              worker.leases.delete(ask)
          }
        })
        for (let n = 0; n < 600; n++) {
          for (const { clock } of workers) clock.millis += dice.below(leaseMillis)
          const many = Array.from({ length: 1 + dice.below(3) }, () => dice.pick(workers))
          yield* Effect.forEach([...new Set(many)], move, { concurrency: "unbounded" })
          if (dice.below(12) === 0) {
            // It stalls, and another process of its name begins.
            const at = dice.below(workers.length)
            const old = workers[at]!
            stalled.push(old)
            workers = yield* Effect.forEach(
              workers,
              (one) => one === old ? open(old.name) : Effect.succeed(one),
            )
          }
          if (dice.below(10) === 0 && stalled.length > 0) {
            const back = dice.pick(stalled)
            for (const lease of back.leases.values()) {
              const before = (yield* history(log, lease.ask)).at(-1)
              if (before?.lease === lease.number) {
                continue
              }
              expect(yield* back.claims.confirm(lease)).toBe(false)
              refused++
            }
            back.leases.clear()
          }
        }
        expect(confirmed).toBeGreaterThan(20)
        expect(refused).toBeGreaterThan(5)
        for (const ask of asks) {
          const holders = new Map<number, string>()
          let last = 0
          for (const { instance, lease, type } of yield* history(log, ask)) {
            if (type === "AskClaimed") {
              expect(lease).toBe(last + 1)
            }
            expect(holders.get(lease) ?? instance).toBe(instance)
            holders.set(lease, instance)
            last = lease
          }
          expect(last).toBeGreaterThan(5)
        }
      })
    )
  })
})
