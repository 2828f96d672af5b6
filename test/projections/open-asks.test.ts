/** What closes an ask, and that the task queue can be paged while it is worked on. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { type Ask, EventLog, type Metadata, type NewEvent } from "../../actors/event-log.ts"
import { derivedId, outcomeId, tellId } from "../../actors/ids.ts"
import { OpenAsks } from "../../actors/open-asks.ts"
import * as memoryLog from "../log-memory.ts"
import * as memoryStore from "../../adapters/read-store-memory.ts"
import { asks, layer as openAsks } from "../../projections/open-asks.ts"
import { layer as runner } from "../../projections/runner.ts"

const world = openAsks.pipe(
  Layer.provideMerge(runner([asks])),
  Layer.provideMerge(Layer.mergeAll(memoryLog.layer, memoryStore.layer)),
)
const now = 1_700_000_000_000
let ids = 0
const event = (
  type: string,
  options: { asks?: ReadonlyArray<Ask>; ask?: string; id?: string; occurredAt?: number } = {},
): NewEvent => {
  const metadata: Metadata = {
    at: now,
    $correlationId: derivedId("story"),
    chart: { name: "a", version: 1, hash: "0" },
    ...(options.asks === undefined ? {} : { asks: options.asks }),
    ...(options.occurredAt === undefined ? {} : { occurredAt: options.occurredAt }),
  }
  const data = options.ask === undefined ? {} : { ask: options.ask }
  return { id: options.id ?? derivedId(`event ${ids++}`), type, data, metadata }
}
const append = Effect.fnUntraced(function* (stream: string, ...events: ReadonlyArray<NewEvent>) {
  const log = yield* EventLog
  const before = (yield* log.readPage(stream)).length
  yield* log.append(stream, before - 1, events)
  yield* (yield* OpenAsks).caughtUp(yield* log.head)
})
const open = Effect.gen(function* () {
  const queue = yield* OpenAsks
  const found = [...yield* queue.page(undefined, 1000), ...yield* queue.timers(Infinity, 1000)]
  return found.map((one) => one.id)
})

const activity: Ask = { ask: "activity", child: "c", src: "work" }
const timer: Ask = { ask: "timer", name: "t", due: now + 5, event: {} }
const delayed: Ask = { ask: "timer", name: "t", due: now + 5, event: {}, to: "b-2" }
const told: Ask = { ask: "tell", to: "b-1", event: { type: "X" } }
const spawn: Ask = { ask: "spawn", child: "c", src: "m", to: "b-1" }
const stopChild: Ask = { ask: "stop", child: "c", of: "9.9", to: "b-1" }

describe("an ask", () => {
  const closes = (
    title: string,
    ask: Ask,
    stream: string,
    ...closers: ReadonlyArray<NewEvent>
  ) =>
    it.live(title, () =>
      Effect.gen(function* () {
        // A second one of its kind stays open: nothing closes more than its own.
        yield* append("a-1", event("Asked", { asks: [ask, ask] }))
        expect(yield* open).toEqual(["a-1/0.0", "a-1/0.1"])
        yield* append(stream, event("Unrelated", { ask: "0.0" }), ...closers)
        expect(yield* open).toEqual(["a-1/0.1"])
      }).pipe(Effect.provide(world)))

  for (const type of ["ActivitySucceeded", "ActivityFailed", "ActivitySkipped"]) {
    closes(`for an activity is closed by ${type}`, activity, "a-1", event(type, { ask: "0.0" }))
  }
  closes(
    "for an activity is closed by its stop",
    activity,
    "a-1",
    event("X", { asks: [{ ask: "stop", child: "c", of: "0.0" }] }),
  )
  closes("for a timer is closed when it fired", timer, "a-1", event("TimerFired", { ask: "0.0" }))
  closes(
    "for a timer is closed by its cancel",
    timer,
    "a-1",
    event("X", { asks: [{ ask: "cancel", name: "t", of: "0.0" }] }),
  )
  closes(
    "for a timer of another stream is closed by its arrival",
    delayed,
    "b-2",
    event("X", { id: tellId("a-1/0.0") }),
  )
  for (const [what, ask] of Object.entries({ tell: told, spawn, stop: stopChild })) {
    closes(`(${what}) is closed by its arrival`, ask, "b-1", event("X", { id: tellId("a-1/0.0") }))
    closes(
      `(${what}) is closed by its refusal`,
      ask,
      "a-1",
      event("TellRefused", { id: outcomeId("a-1/0.0") }),
    )
  }

  it.live("of another stream or another number is left alone", () =>
    Effect.gen(function* () {
      yield* append("a-1", event("Asked", { asks: [activity] }))
      yield* append("a-2", event("Asked"), event("ActivitySucceeded", { ask: "0.0" }))
      yield* append("a-1", event("ActivitySucceeded", { ask: "0.1" }))
      yield* append("a-1", event("ActivityFailed"))
      expect(yield* open).toEqual(["a-1/0.0"])
    }).pipe(Effect.provide(world)))

  it.live("needs no work when it only takes something back", () =>
    Effect.gen(function* () {
      yield* append(
        "a-1",
        event("Asked", {
          asks: [timer, { ask: "cancel", name: "t", of: "0.0" }, {
            ask: "stop",
            child: "c",
            of: "8.8",
          }],
        }),
      )
      expect(yield* open).toEqual([])
    }).pipe(Effect.provide(world)))

  it.live("says whether it was started and whether it is in quarantine", () =>
    Effect.gen(function* () {
      const queue = yield* OpenAsks
      yield* append("a-1", event("Asked", { asks: [activity] }))
      expect((yield* queue.page(undefined, 1))[0]?.started).toBeUndefined()
      yield* append("a-1", event("ActivityStarted", { ask: "0.0" }))
      expect((yield* queue.page(undefined, 1))[0]).toMatchObject({ started: true, ask: activity })
      yield* append("a-1", event("ActivityQuarantined", { ask: "0.0" }))
      expect((yield* queue.page(undefined, 1))[0]).toMatchObject({
        started: true,
        quarantined: true,
      })
    }).pipe(Effect.provide(world)))
})

describe("the queue", () => {
  it.live("is paged in order, also after an ask that was settled meanwhile", () =>
    Effect.gen(function* () {
      const queue = yield* OpenAsks
      for (let n = 0; n < 12; n++) {
        yield* append(`a-${n % 3}`, event("Asked", { asks: [activity, timer, told] }))
      }
      const seen: Array<string> = []
      let after: string | undefined
      while (true) {
        const page: ReadonlyArray<{ readonly id: string; readonly stream: string }> = yield* queue
          .page(after, 5)
        if (page.length === 0) break
        seen.push(...page.map((one) => one.id))
        after = page.at(-1)?.id
        const settled = after?.slice(after.lastIndexOf("/") + 1) ?? ""
        yield* append(page.at(-1)?.stream ?? "", event("ActivitySucceeded", { ask: settled }))
      }
      const rounds = [0, 1, 2, 3].flatMap((round) =>
        ["a-0", "a-1", "a-2"].map((stream) => ({
          stream,
          // Answers take up revisions too, so only streams and places are told here.
          round,
        }))
      )
      expect(seen.map((id) => [id.split("/")[0], id.slice(-1)])).toEqual(
        rounds.flatMap(({ stream }) => [[stream, "0"], [stream, "2"]]),
      )
      expect(new Set(seen).size).toBe(24)
    }).pipe(Effect.provide(world)))

  it.live("gives timers by when they are due", () =>
    Effect.gen(function* () {
      const queue = yield* OpenAsks
      const dues = [500, 3, 99_999_999, 20, 3]
      yield* append("a-1", event("Asked", { asks: dues.map((due) => ({ ...timer, due })) }))
      expect((yield* queue.timers(500, 9)).map((one) => one.id))
        .toEqual(["a-1/0.1", "a-1/0.4", "a-1/0.3"])
      expect((yield* queue.timers(501, 2)).map((one) => one.id)).toEqual(["a-1/0.1", "a-1/0.4"])
      expect((yield* queue.timers(Infinity, 9)).length).toBe(5)
    }).pipe(Effect.provide(world)))

  it.live("knows the actor's clock, which never runs backwards", () =>
    Effect.gen(function* () {
      const queue = yield* OpenAsks
      const past = (occurredAt: number) => event("Asked", { asks: [activity], occurredAt })
      yield* append("a-1", past(100), past(300), past(200))
      yield* append("a-2", past(100), event("Asked", { asks: [activity] }), past(200))
      const found = yield* queue.page(undefined, 9)
      expect(found.map((one) => one.clock)).toEqual([100, 300, 300, 100, now, now])
      expect(found[2]).toMatchObject({ stream: "a-1", position: 2 })
    }).pipe(Effect.provide(world)))
})
