/** Read models are folds of the log: whatever happens on the way, the rows end up the same. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Scope } from "effect"
import { type Append, EventLog } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import * as memoryLog from "../log-memory.ts"
import { throughDoor } from "../log-over-door.ts"
import * as sqliteLog from "../log-sqlite.ts"
import * as memoryStore from "../../adapters/read-store-memory.ts"
import * as sqliteStore from "../../adapters/read-store-sqlite.ts"
import { projections } from "../../projections/mod.ts"
import { defineProjection, type Projection } from "../../projections/projection.ts"
import { ReadStore } from "../../projections/read-store.ts"
import { layer as runner, Projections, tableOf } from "../../projections/runner.ts"
import { seeded } from "../seeded.ts"
import { history, start } from "./histories.ts"

const folder = mkdtempSync(join(tmpdir(), "aios-projections-"))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0
const file = (name: string) => join(folder, `${name}-${files++}.db`)

/** In this order: a log behind a protocol keeps it between streams only for appends that were awaited. */
const write = Effect.fnUntraced(function* (appends: ReadonlyArray<Append>) {
  const log = yield* EventLog
  const isOneStream = new Set(appends.map(({ stream }) => stream)).size <= 1
  const together = !throughDoor || isOneStream
  for (const batch of together ? [appends] : appends.map((append) => [append])) {
    for (const result of yield* log.appendBatch(batch)) {
      if ("_tag" in result) return yield* Effect.die(result)
    }
  }
})

/** Runs with a runner over the given log and store, and ends the runner. */
const running = <A, E>(
  all: ReadonlyArray<Projection>,
  body: Effect.Effect<A, E, Projections | ReadStore | EventLog>,
) => body.pipe(Effect.provide(runner(all)))

const checksums = (all: ReadonlyArray<Projection>) =>
  Effect.map(ReadStore, (store) => all.map((one) => [one.name, store.checksum(tableOf(one))]))

const stores = {
  memory: () => Layer.mergeAll(memoryLog.layer, memoryStore.layer),
  SQLite: () =>
    Layer.mergeAll(sqliteLog.layer({ file: file("log") }), sqliteStore.layer(file("read"))),
}

/** Counts events, by type and all. */
const counting = (version = 1) =>
  defineProjection({
    name: "counting",
    version,
    on: {
      "*": (event, rows) => {
        const count = (key: string) => {
          const n = rows.get(key)
          rows.set(key, (typeof n === "number" ? n : 0) + version)
        }
        count(event.type)
        count("all")
      },
    },
  })

const plainEvents = (n: number, from = 0): ReadonlyArray<Append> =>
  Array.from({ length: n }, (_, k) => ({
    stream: "plain-1",
    expected: from + k - 1,
    events: [{
      id: derivedId(`plain ${from + k}`),
      type: "Plain",
      data: { n: from + k },
      metadata: { at: start + k, $correlationId: derivedId("plain") },
    }],
  }))

for (const [name, world] of Object.entries(stores)) {
  describe(`read models over ${name}`, () => {
    it.live("are the same however the history was cut, and rebuilt", () =>
      Effect.gen(function* () {
        for (let round = 0; round < (throughDoor ? 1 : 5); round++) {
          const dice = seeded()
          const events = history(dice, 600)
          const whole = yield* Effect.gen(function* () {
            yield* write(events)
            return yield* running(projections, checksums(projections))
          }).pipe(Effect.provide(world()))

          yield* Effect.gen(function* () {
            const store = yield* ReadStore
            let from = 0
            while (from < events.length) {
              const to = Math.min(events.length, from + 1 + dice.below(150))
              yield* running(
                projections,
                Effect.gen(function* () {
                  const following = yield* Projections
                  // Some are caught up on demand, some by following, some by the next start.
                  for (; from < to; from += 25) {
                    yield* write(events.slice(from, Math.min(to, from + 25)))
                    if (dice.below(3) === 0) yield* following.catchUp
                    if (dice.below(8) === 0) yield* Effect.sleep("30 millis")
                  }
                  from = to
                }),
              )
            }
            const rebuilt = yield* running(
              projections,
              Effect.gen(function* () {
                const following = yield* Projections
                expect(yield* checksums(projections)).toEqual(whole)
                return yield* Effect.forEach(following.names, (one) => following.rebuild(one))
              }),
            )
            for (const one of rebuilt) {
              expect([one.name, one.equal, one.events]).toEqual([one.name, true, events.length])
            }
            expect(yield* checksums(projections)).toEqual(whole)
            expect(store.tables()).toEqual(projections.map(tableOf).sort())
          }).pipe(Effect.provide(world()))
        }
      }))

    it.live("wait for a position at once, and no longer than asked", () =>
      Effect.gen(function* () {
        const store = yield* ReadStore
        yield* running(
          [counting()],
          Effect.gen(function* () {
            const following = yield* Projections
            const log = yield* EventLog
            for (let n = 0; n < 20; n++) {
              yield* write(plainEvents(3, n * 3))
              yield* following.waitFor(yield* log.head)
              expect(store.get("counting@1", "all")).toBe(n * 3 + 3)
            }
            const head = yield* log.head
            const late = yield* Effect.flip(following.waitFor(head + 1, { timeoutMillis: 30 }))
            expect(late).toMatchObject({ _tag: "ProjectionBehind", seen: head })
            // What comes while one waits is enough.
            const waiting = yield* Effect.forkChild(following.waitFor(head + 1))
            yield* Effect.sleep("20 millis")
            yield* write(plainEvents(2, 60))
            yield* Fiber.join(waiting)
            expect(store.get("counting@1", "all")).toBe(62)
            expect(yield* Effect.flip(following.waitFor(0, { name: "none" })))
              .toMatchObject({ _tag: "ProjectionUnknown" })
          }),
        )
      }).pipe(Effect.provide(world())))

    it.live("follow by themselves, and say how far behind they are", () =>
      Effect.gen(function* () {
        const store = yield* ReadStore
        yield* running(
          [counting()],
          Effect.gen(function* () {
            const following = yield* Projections
            yield* write(plainEvents(7))
            const [lag] = yield* following.lag
            expect(lag).toMatchObject({ name: "counting", position: -1, head: 6 })
            expect(lag?.millis).toBeGreaterThan(0)
            yield* Effect.sleep("400 millis")
            expect((yield* following.lag)[0]).toMatchObject({ position: 6, head: 6, millis: 0 })
            expect(store.get("counting@1", "all")).toBe(7)
          }),
        )
      }).pipe(Effect.provide(world())))

    it.live("of a new version are built anew, and the old rows go", () =>
      Effect.gen(function* () {
        const store = yield* ReadStore
        yield* write(plainEvents(50))
        yield* running([counting()], Effect.void)
        expect(store.get("counting@1", "all")).toBe(50)
        yield* running([counting(2)], Effect.void)
        expect(store.tables()).toEqual(["counting@2"])
        expect(store.get("counting@2", "all")).toBe(100)
      }).pipe(Effect.provide(world())))

    it.live("that are wrong are mended by a rebuild, which says that they were", () =>
      Effect.gen(function* () {
        const store = yield* ReadStore
        yield* running(
          [counting()],
          Effect.gen(function* () {
            const following = yield* Projections
            yield* write(plainEvents(10))
            yield* following.catchUp
            const checkpoint = { position: 9, id: derivedId("plain 9"), events: 10 }
            store.commit("counting@1", checkpoint, [["all", 999], ["left over", 1]])
            const told: Array<number> = []
            const rebuilt = yield* following.rebuild("counting", ({ done }) => told.push(done))
            expect([rebuilt.equal, rebuilt.before === rebuilt.after]).toEqual([false, false])
            expect(told.at(-1)).toBe(9)
            expect(store.scan("counting@1")).toEqual([["Plain", 10], ["all", 10]])
            // It goes on from there, and not from what it had in memory.
            yield* write(plainEvents(5, 10))
            yield* following.catchUp
            expect(store.get("counting@1", "all")).toBe(15)
            expect(yield* following.rebuild("counting")).toMatchObject({ equal: true, events: 15 })
          }),
        )
      }).pipe(Effect.provide(world())))

    it.live("of another log are rebuilt", () =>
      Effect.gen(function* () {
        const store = yield* ReadStore
        yield* write(plainEvents(10))
        const rubbish = [
          { position: 4, id: derivedId("another event"), events: 5 },
          { position: 400, id: derivedId("plain 4"), events: 5 },
          { position: -1, id: "", events: 5 },
        ]
        for (const checkpoint of rubbish) {
          store.commit("counting@1", checkpoint, [["all", 999], ["left over", 1]])
          yield* running([counting()], Effect.void)
          expect(store.scan("counting@1")).toEqual([["Plain", 10], ["all", 10]])
        }
        // The right one is believed.
        store.commit("counting@1", { position: 9, id: derivedId("plain 9"), events: 10 }, [
          ["all", 1000],
        ])
        yield* running([counting()], Effect.void)
        expect(store.get("counting@1", "all")).toBe(1000)
      }).pipe(Effect.provide(world())))

    it.live("whose handler throws stand still with the cause; the others go on", () =>
      Effect.gen(function* () {
        const store = yield* ReadStore
        const broken = (version: number, breaksAt: number) =>
          defineProjection({
            name: "broken",
            version,
            on: {
              Plain: (event, rows) => {
                rows.set(`row ${event.position}`, 1)
                if (event.position === breaksAt) throw new Error("cannot take this")
              },
            },
          })
        yield* running(
          [broken(1, 25), counting()],
          Effect.gen(function* () {
            const following = yield* Projections
            yield* write(plainEvents(20))
            yield* following.waitFor(19)
            yield* write(plainEvents(20, 20))
            const problem = yield* Effect.flip(following.waitFor(39))
            expect(problem).toMatchObject({ _tag: "ProjectionParked", name: "broken" })
            expect(problem.message).toContain("cannot take this")
            yield* following.waitFor(39, { name: "counting" })
            expect(store.get("counting@1", "all")).toBe(40)
            expect(store.scan("broken@1").length).toBe(20)
            const [lag] = yield* following.lag
            expect(lag?.problem).toContain("cannot take this")
            const again = yield* Effect.flip(following.rebuild("broken"))
            expect(again._tag).toBe("ProjectionParked")
            expect(store.tables()).toEqual(["broken@1", "counting@1"])
          }),
        )
        yield* running([broken(2, -1), counting()], Effect.void)
        expect(store.scan("broken@2").length).toBe(40)
      }).pipe(Effect.provide(world())))

    it.live("survive being killed in the middle of catching up or of a rebuild", () =>
      Effect.gen(function* () {
        const dice = seeded()
        const events = history(dice, 3_000)
        yield* write(events)
        const whole = yield* running(projections, checksums(projections)).pipe(
          Effect.provide(memoryStore.layer),
        )
        const store = yield* ReadStore
        for (let round = 0; round < 15; round++) {
          const scope = yield* Scope.make()
          const work = Effect.gen(function* () {
            const context = yield* Layer.buildWithScope(runner(projections), scope)
            yield* Projections.pipe(
              Effect.flatMap((following) => following.rebuild(dice.pick(following.names))),
              Effect.provide(context),
            )
          })
          const fiber = yield* Effect.forkChild(work)
          for (let n = dice.below(40); n >= 0; n--) yield* Effect.yieldNow
          // A crash leaves what it leaves: nothing is tidied up on the way out.
          const kept = store.drop
          Object.assign(store, { drop: () => {} })
          yield* Fiber.interrupt(fiber)
          yield* Scope.close(scope, Exit.void)
          Object.assign(store, { drop: kept })
        }
        expect(yield* running(projections, checksums(projections))).toEqual(whole)
        expect(store.tables()).toEqual(projections.map(tableOf).sort())
      }).pipe(Effect.provide(world())))
  })
}
