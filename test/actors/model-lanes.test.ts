/** Who is at the model, and when: interactive work first, batch work in its groups and only while it is quiet. */
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { describe, expect, it } from "vitest"
import {
  batchWaitMillisMax,
  groupRunMax,
  idleMillisMin,
  type Lanes,
  makeLanes,
  preemptionsMax,
} from "../../actors/model-lanes.ts"
import type { Usage } from "../../actors/usage.ts"
import { scripted } from "../../adapters/inference-scripted.ts"
import { atDesk, completing, fits, payingAs, question } from "./desk.ts"
import { throughDoor } from "../log-over-door.ts"

const withLanes = (use: (lanes: Lanes) => Effect.Effect<void, unknown>) =>
  Effect.runPromise(
    Effect.flatMap(makeLanes(1), use).pipe(Effect.provide(TestClock.layer())),
  )

/** Work of a second that notes when it begins, ends, and is broken off. */
const makeWork = () => {
  const told: Array<string> = []
  const work = (name: string, millis = 1_000) =>
    Effect.suspend(() => {
      told.push(`${name} begins`)
      return Effect.sleep(millis)
    }).pipe(
      Effect.tap(() => Effect.sync(() => told.push(`${name} ends`))),
      Effect.onInterrupt(() => Effect.sync(() => told.push(`${name} makes room`))),
    )
  return { told, work }
}
const fork = Effect.forkChild

describe("interactive requests", () => {
  it("are one at a time, in order", () =>
    withLanes((lanes) =>
      Effect.gen(function* () {
        const { told, work } = makeWork()
        yield* Effect.forEach(
          ["a", "b", "c"],
          (name) => fork(lanes.run("interactive", "g", work(name))),
        )
        yield* TestClock.adjust(3_000)
        expect(told).toEqual([
          "a begins",
          "a ends",
          "b begins",
          "b ends",
          "c begins",
          "c ends",
        ])
        expect(lanes.counts()).toEqual({ waiting: 0, running: 0 })
      })
    ))

  it("given up while they wait leave no gap", () =>
    withLanes((lanes) =>
      Effect.gen(function* () {
        const { told, work } = makeWork()
        yield* fork(lanes.run("interactive", "g", work("a")))
        const second = yield* fork(lanes.run("interactive", "g", work("b")))
        yield* fork(lanes.run("interactive", "g", work("c")))
        yield* TestClock.adjust(500)
        yield* Fiber.interrupt(second)
        yield* TestClock.adjust(1_500)
        expect(told).toEqual(["a begins", "a ends", "c begins", "c ends"])
        expect(lanes.counts()).toEqual({ waiting: 0, running: 0 })
      })
    ))

  it("interrupt batch work at once, which runs again after a while of quiet", () =>
    withLanes((lanes) =>
      Effect.gen(function* () {
        const { told, work } = makeWork()
        const lost: Array<number> = []
        yield* fork(
          lanes.run("batch", "g", work("night"), { preempted: (millis) => lost.push(millis) }),
        )
        yield* TestClock.adjust(400)
        yield* fork(lanes.run("interactive", "g", work("day")))
        yield* TestClock.adjust(0)
        expect(told).toEqual(["night begins", "night makes room", "day begins"])
        yield* TestClock.adjust(1_000 + idleMillisMin - 1)
        expect(told.at(-1)).toBe("day ends")
        yield* TestClock.adjust(1)
        expect(told.at(-1)).toBe("night begins")
        yield* TestClock.adjust(1_000)
        expect(told.at(-1)).toBe("night ends")
        expect(lost).toEqual([400])
      })
    ))
})

describe("batch work", () => {
  it(`may finish after it made room ${preemptionsMax} times`, () =>
    withLanes((lanes) =>
      Effect.gen(function* () {
        const { told, work } = makeWork()
        yield* fork(lanes.run("batch", "g", work("night", 10_000)))
        for (let n = 0; n < preemptionsMax; n++) {
          yield* TestClock.adjust(1_000)
          yield* fork(lanes.run("interactive", "g", work(`day${n}`)))
          yield* TestClock.adjust(1_000 + idleMillisMin)
        }
        expect(told.filter((one) => one === "night makes room").length).toBe(preemptionsMax)
        const last = yield* fork(lanes.run("interactive", "g", work("last")))
        yield* TestClock.adjust(10_000)
        expect(told.filter((one) => one === "night makes room").length).toBe(preemptionsMax)
        expect(told.slice(-2)).toEqual(["night ends", "last begins"])
        yield* TestClock.adjust(1_000)
        yield* Fiber.join(last)
      })
    ))

  it("gets a turn between two interactive requests once it has waited too long", () =>
    withLanes((lanes) =>
      Effect.gen(function* () {
        const { told, work } = makeWork()
        // Somebody is always there.
        const busy = Effect.forever(lanes.run("interactive", "g", work("day")))
        yield* fork(busy)
        yield* fork(busy)
        yield* fork(lanes.run("batch", "g", work("night")))
        yield* TestClock.adjust(batchWaitMillisMax - 1_000)
        expect(told).not.toContain("night begins")
        yield* TestClock.adjust(5_000)
        expect(told).toContain("night ends")
      })
    ))

  it("is done group by group, so that the server need not read the same instructions again", () =>
    withLanes((lanes) =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const one = (group: string) =>
          lanes.run("batch", group, Effect.sync(() => order.push(group)))
        yield* fork(lanes.run("interactive", "g", Effect.sleep(1_000)))
        yield* TestClock.adjust(0)
        yield* Effect.forEach(["a", "b", "a", "c", "b", "a"], (group) => fork(one(group)))
        yield* TestClock.adjust(5_000)
        expect(order).toEqual(["a", "a", "a", "b", "b", "c"])
      })
    ))

  it("goes by priority first, and what waited too long has a turn in between", () =>
    withLanes((lanes) =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const one = (group: string, priority = 0) =>
          lanes.run(
            "batch",
            group,
            Effect.andThen(Effect.sync(() => order.push(group)), Effect.sleep(1_000)),
            { priority },
          )
        yield* fork(lanes.run("interactive", "g", Effect.sleep(1_000)))
        yield* TestClock.adjust(0)
        for (const group of ["reading", "reading", "reading"]) yield* fork(one(group))
        for (const group of ["summary", "summary"]) yield* fork(one(group, 10))
        yield* TestClock.adjust(10_000)
        expect(order).toEqual(["summary", "summary", "reading", "reading", "reading"])
        order.length = 0
        yield* fork(lanes.run("interactive", "g", Effect.sleep(batchWaitMillisMax + 1_000)))
        yield* TestClock.adjust(0)
        for (const group of ["reading", "reading"]) yield* fork(one(group))
        yield* TestClock.adjust(batchWaitMillisMax)
        for (const group of ["summary", "summary"]) yield* fork(one(group, 10))
        yield* TestClock.adjust(20_000)
        expect(order).toEqual(["reading", "summary", "reading", "summary"])
      })
    ))

  it("makes room for what is more urgent, which keeps its turn between two of its requests", () =>
    withLanes((lanes) =>
      Effect.gen(function* () {
        const { told, work } = makeWork()
        yield* fork(lanes.run("batch", "reading", work("reading", 60_000)))
        yield* TestClock.adjust(1_000)
        const urgent = lanes.run("batch", "summary", work("summary"), { priority: 10 })
        yield* fork(Effect.andThen(urgent, Effect.andThen(Effect.sleep(100), urgent)))
        yield* TestClock.adjust(2_200)
        expect(told).toEqual([
          "reading begins",
          "reading makes room",
          "summary begins",
          "summary ends",
          "summary begins",
          "summary ends",
        ])
        yield* TestClock.adjust(70_000)
        expect(told.at(-1)).toBe("reading ends")
      })
    ))

  it("of one group does not hold up the others for ever", () =>
    withLanes((lanes) =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const one = (group: string) =>
          lanes.run("batch", group, Effect.sync(() => order.push(group)))
        yield* fork(lanes.run("interactive", "g", Effect.sleep(1_000)))
        yield* TestClock.adjust(0)
        yield* fork(one("a"))
        yield* fork(one("b"))
        yield* Effect.forEach(Array.from({ length: 2 * groupRunMax }), () => fork(one("a")))
        yield* TestClock.adjust(5_000)
        expect(order.indexOf("b")).toBe(groupRunMax)
      })
    ))
})

// The clock is moved by hand, and would not wait for a log that answers over a socket.
describe.skipIf(throughDoor)("at the desk", () => {
  it("a mail that is to be answered now does not wait for the night's summaries", async () => {
    const server = scripted(
      ({ messages }) => ({
        text: fits,
        delayMillis: messages[1]!.content.includes("now") ? 1_000 : 20_000,
      }),
      { models: ["tiny"] },
    )
    const usages: Array<Usage> = []
    await atDesk(
      { server },
      Effect.gen(function* () {
        const night = yield* fork(
          payingAs("batch", usages)(completing(question({ text: "the night's" }))),
        )
        yield* TestClock.adjust(5_000)
        expect(server.requests.length).toBe(1)
        const now = yield* fork(
          payingAs("interactive", usages)(completing(
            question({ text: "now", timeoutMillis: 2_000 }),
          )),
        )
        yield* TestClock.adjust(1_000)
        expect((yield* Fiber.join(now)).answer.warmth).toBe(7)
        expect(server.ended()).toEqual({ finished: 1, interrupted: 1 })
        yield* TestClock.adjust(30_000)
        expect((yield* Fiber.join(night)).answer.warmth).toBe(7)
      }),
    )
    expect(usages.map(({ millis, outcome }) => [outcome, millis])).toEqual([
      ["preempted", 5_000],
      ["ok", 1_000],
      ["ok", 20_000],
    ])
  })

  it("of a burst, each has its own time from its turn on, and who had no turn failed at nothing", async () => {
    const server = scripted(() => ({ text: fits, delayMillis: 4_000 }), { models: ["tiny"] })
    const usages: Array<Usage> = []
    const waited: Array<boolean> = []
    await atDesk(
      { server },
      payingAs("interactive", usages, { waits: (on) => waited.push(on) })(Effect.gen(function* () {
        const fibers = yield* Effect.forEach(
          Array.from({ length: 8 }),
          (_, n) =>
            fork(Effect.exit(completing(
              question({ text: `Mail ${n}`, timeoutMillis: 5_000, waitMillis: 18_000 }),
            ))),
        )
        yield* TestClock.adjust(40_000)
        const exits = yield* Effect.forEach(fibers, Fiber.join)
        // Five turns of four seconds begin within 18.
        expect(exits.map(({ _tag }) => _tag)).toEqual([
          ...Array.from({ length: 5 }, () => "Success"),
          ...Array.from({ length: 3 }, () => "Failure"),
        ])
        expect(Exit.findErrorOption(exits[7]!)).toMatchObject({
          value: { reason: "noTurn", retryable: true },
        })
      })),
    )
    expect(server.requests.length).toBe(5)
    expect(usages.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 5 }, () => "ok"))
    expect(waited.filter((on) => on).length).toBe(waited.filter((on) => !on).length)
  })

  it("who waits for the same answer, and whose asker had no turn, asks itself", async () => {
    const server = scripted(() => ({ text: fits, delayMillis: 4_000 }), { models: ["tiny"] })
    await atDesk(
      { server },
      Effect.gen(function* () {
        yield* fork(completing(question({ text: "before" })))
        yield* TestClock.adjust(0)
        const first = yield* fork(Effect.exit(completing(question({ waitMillis: 1_000 }))))
        yield* TestClock.adjust(500)
        const second = yield* fork(completing(question({ waitMillis: 10_000 })))
        yield* TestClock.adjust(20_000)
        expect((yield* Fiber.join(first))._tag).toBe("Failure")
        expect((yield* Fiber.join(second)).answer.warmth).toBe(7)
      }),
    )
  })

  it("waiting for its turn does not use up the time of batch work", async () => {
    const server = scripted(
      ({ messages }) => ({
        text: fits,
        delayMillis: messages[1]!.content.includes("now") ? 30_000 : 4_000,
      }),
      { models: ["tiny"] },
    )
    await atDesk(
      { server },
      Effect.gen(function* () {
        yield* fork(completing(question({ text: "now" })))
        const night = yield* fork(
          payingAs("batch", [])(completing(question({ timeoutMillis: 5_000 }))),
        )
        yield* TestClock.adjust(40_000)
        expect((yield* Fiber.join(night)).answer.warmth).toBe(7)
      }),
    )
  })
})
