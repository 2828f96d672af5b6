/**
 * What every event log promises. Each case opens a log of its own; `layer` must give an empty one each
 * time it is called.
 */
import { Effect, Fiber, type Layer, Stream } from "effect"
import { describe, expect, it } from "vitest"
import {
  type Append,
  type Appended,
  eventBytesMax,
  EventLog,
  type EventTooLarge,
  type LogUnavailable,
  type NewEvent,
  type RecordedEvent,
  type VersionConflict,
} from "../../actors/event-log.ts"
import { seeded } from "../seeded.ts"
import { anEvent, anyBatch, events, streamNames } from "./histories-of-appends.ts"

type Log = EventLog["Service"]
type Outcome = Appended | VersionConflict | EventTooLarge

/** The simplest thing that answers like a log: the model that random histories are compared with. */
const makeModel = () => {
  const all: Array<NewEvent & { stream: string; revision: number }> = []
  const inStream = (stream: string) => all.filter((one) => one.stream === stream)
  const append = ({ stream, expected, events }: Append): string => {
    const there = inStream(stream)
    const found = events.map((event) => there.find((one) => one.id === event.id))
    const actual = there.length - 1
    if (events.length > 0 && found.every((one) => one !== undefined)) {
      return `duplicate ${found.at(-1)?.revision} of ${found.map((one) => nameOf(one!))}`
    }
    const repeats = new Set(events.map((one) => one.id)).size < events.length
    if (expected !== actual || repeats || found.some((one) => one !== undefined)) {
      return `conflict ${expected} ${actual}`
    }
    const added = events.map((event, n) => ({ ...event, stream, revision: expected + 1 + n }))
    all.push(...added)
    return `appended ${expected + events.length} as ${added.map(nameOf)}`
  }
  return { all, inStream, append, headOf: (stream: string) => inStream(stream).length - 1 }
}

const nameOf = ({ stream, revision }: Pick<RecordedEvent, "stream" | "revision">) =>
  `${stream} ${revision}`

/** The log's answer in the model's words: a position as the event that is there. */
const inWords = (outcome: Outcome, eventAt: (position: number) => string): string => {
  if ("_tag" in outcome) {
    return outcome._tag === "VersionConflict"
      ? `conflict ${outcome.expected} ${outcome.actual}`
      : `too large`
  }
  const places = outcome.positions.map(eventAt)
  return outcome.duplicate
    ? `duplicate ${outcome.revision} of ${places}`
    : `appended ${outcome.revision} as ${places}`
}

export const everything = (log: Log): Effect.Effect<ReadonlyArray<RecordedEvent>, LogUnavailable> =>
  Effect.gen(function* () {
    const all: Array<RecordedEvent> = []
    while (true) {
      const page = yield* log.readAll({ from: (all.at(-1)?.position ?? -1) + 1, limit: 1000 })
      if (page.length === 0) return all
      all.push(...page)
    }
  })

/** What an implementation can carry, where that differs. */
export interface Carries {
  /**
   * any: ids and stream names of any text. protocol: what an event store's protocol has room for, ids
   * that are UUIDs and names without lone surrogates.
   */
  readonly texts: "any" | "protocol"
  /** ordered: a batch stands in the log in its order. concurrent: only what is of one stream does. */
  readonly batches: "ordered" | "concurrent"
}

export const eventLogContract = (
  name: string,
  layer: () => Layer.Layer<EventLog, LogUnavailable>,
  { batches, texts }: Carries = { texts: "any", batches: "ordered" },
) => {
  const on = <A, E>(test: (log: Log) => Effect.Effect<A, E>) => () =>
    Effect.runPromise(Effect.provide(Effect.flatMap(EventLog, test), layer()))
  const ids = (recorded: Iterable<RecordedEvent>) => Array.from(recorded, (event) => event.id)

  describe(name, () => {
    it(
      "starts empty",
      on((log) =>
        Effect.gen(function* () {
          expect(yield* log.head).toBe(-1)
          expect(yield* log.readAll()).toEqual([])
          expect(yield* log.readPage("lead-1")).toEqual([])
          expect(yield* log.byId("none")).toEqual([])
          expect(yield* log.streams("lead")).toEqual([])
          expect(yield* Stream.runCollect(log.read("lead-1"))).toEqual([])
          expect(yield* log.appendBatch([])).toEqual([])
          expect(yield* log.head).toBe(-1)
        })
      ),
    )

    it(
      "gives back exactly what it was given",
      on((log) =>
        Effect.gen(function* () {
          const full = anEvent({
            data: { text: "Grüße 😀", nested: [1, null, { x: true }] },
            metadata: {
              occurredAt: 981_173_106_000,
              $causationId: "0192f0c1-2233-7abc-8def-001122334466",
              chart: { name: "lead", version: 3, hash: "0123456789abcdef" },
              asks: [{ ask: "tell", to: "lead-2", event: { type: "Hello" } }],
              state: "fedcba9876543210",
              value: { open: "due" },
              status: "done",
              actor: "operator",
              traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            },
          })
          const bare = anEvent()
          const { positions } = yield* log.append("lead-1", -1, [full, bare])
          const expected = [full, bare].map((event, revision) => ({
            ...event,
            stream: "lead-1",
            revision,
            position: positions[revision],
          }))
          expect(yield* log.readPage("lead-1")).toStrictEqual(expected)
          expect(yield* log.readAll()).toStrictEqual(expected)
          expect(yield* Stream.runCollect(log.read("lead-1"))).toStrictEqual(expected)
          expect(yield* log.byId(bare.id)).toStrictEqual([expected[1]])
          expect(yield* log.head).toBe(positions[1])
        })
      ),
    )

    it(
      "keeps a stream's revisions apart from others and refuses what is behind",
      on((log) =>
        Effect.gen(function* () {
          expect((yield* log.append("lead-1", -1, events(2))).revision).toBe(1)
          expect((yield* log.append("lead-2", -1, events(1))).revision).toBe(0)
          const refused = yield* Effect.flip(log.append("lead-1", 0, events(1)))
          expect(refused).toMatchObject({ _tag: "VersionConflict", expected: 0, actual: 1 })
          expect((yield* log.append("lead-1", 1, events(1))).revision).toBe(2)
          expect(yield* everything(log)).toHaveLength(4)
        })
      ),
    )

    it(
      "the same ids again are success with the first numbers",
      on((log) =>
        Effect.gen(function* () {
          const batch = events(3)
          const first = yield* log.append("lead-1", -1, batch)
          yield* log.append("lead-1", 2, events(1))
          for (const expected of [-1, 3, 99]) {
            const again = yield* log.append("lead-1", expected, batch)
            expect(again).toEqual({ ...first, duplicate: true })
          }
          const part = yield* log.append("lead-1", 77, batch.slice(1, 2))
          expect(part).toEqual({ revision: 1, positions: [first.positions[1]], duplicate: true })
          for (const expected of [-1, 3]) {
            const half = yield* Effect.flip(log.append("lead-1", expected, [batch[2]!, anEvent()]))
            expect(half).toMatchObject({ _tag: "VersionConflict", actual: 3 })
          }
          const elsewhere = yield* log.append("lead-2", -1, batch)
          expect(elsewhere.duplicate).toBe(false)
          expect((yield* log.byId(batch[0]!.id)).map((event) => event.stream))
            .toEqual(["lead-1", "lead-2"])
          expect(yield* everything(log)).toHaveLength(7)
        })
      ),
    )

    it(
      "each append of a batch stands or falls alone and sees those before it",
      on((log) =>
        Effect.gen(function* () {
          const [a, b, c] = [events(2), events(1), events(1)]
          const outcomes = yield* log.appendBatch([
            { stream: "lead-1", expected: -1, events: a },
            { stream: "lead-1", expected: -1, events: b },
            { stream: "lead-1", expected: 1, events: c },
            { stream: "lead-1", expected: 2, events: a },
            { stream: "lead-2", expected: 4, events: b },
            { stream: "lead-2", expected: -1, events: b },
          ])
          expect(outcomes).toMatchObject([
            { revision: 1, duplicate: false },
            { _tag: "VersionConflict", expected: -1, actual: 1 },
            { revision: 2, duplicate: false },
            { revision: 1, duplicate: true },
            { _tag: "VersionConflict", expected: 4, actual: -1 },
            { revision: 0, duplicate: false },
          ])
          const all = ids(yield* everything(log))
          expect(all.filter((id) => id !== b[0]!.id)).toEqual(idsOf(a, c))
          expect(new Set(all)).toEqual(new Set(idsOf(a, c, b)))
          if (batches === "ordered") expect(all).toEqual(idsOf(a, c, b))
        })
      ),
    )

    it(
      "an append without events checks the revision and writes nothing",
      on((log) =>
        Effect.gen(function* () {
          expect(yield* log.append("lead-1", -1, []))
            .toEqual({ revision: -1, positions: [], duplicate: false })
          expect(yield* Effect.flip(log.append("lead-1", 0, []))).toMatchObject({ actual: -1 })
          expect(yield* log.streams("lead")).toEqual([])
        })
      ),
    )

    it(
      "takes 899 KiB and refuses more, that append alone",
      on((log) =>
        Effect.gen(function* () {
          const big = anEvent({ data: "x".repeat(899 * 1024) })
          const wide = anEvent({ data: "€".repeat(eventBytesMax / 3) })
          const asking = anEvent({
            metadata: {
              asks: [{ ask: "tell", to: "lead-2", event: "x".repeat(eventBytesMax) }],
            },
          })
          const outcomes = yield* log.appendBatch([
            { stream: "lead-1", expected: -1, events: [big] },
            { stream: "lead-2", expected: -1, events: [anEvent(), wide] },
            { stream: "lead-2", expected: -1, events: [asking] },
            { stream: "lead-2", expected: -1, events: [anEvent()] },
          ])
          expect(outcomes).toMatchObject([
            { revision: 0 },
            { _tag: "EventTooLarge", stream: "lead-2" },
            { _tag: "EventTooLarge", stream: "lead-2" },
            { revision: 0 },
          ])
          expect((yield* log.readPage("lead-1"))[0]?.data).toBe(big.data)
          expect(yield* everything(log)).toHaveLength(2)
        })
      ),
    )

    it(
      "reads pages in both directions",
      on((log) =>
        Effect.gen(function* () {
          const batch = events(2500)
          yield* log.append("other-1", -1, events(1))
          const { positions } = yield* log.append("lead-1", -1, batch)
          const revisions = (page: ReadonlyArray<RecordedEvent>) => page.map((one) => one.revision)
          const read = (options = {}) => Effect.map(log.readPage("lead-1", options), revisions)
          expect(yield* read()).toHaveLength(1000)
          expect(yield* read({ from: 3, limit: 3 })).toEqual([3, 4, 5])
          expect(yield* read({ from: 2499 })).toEqual([2499])
          expect(yield* read({ from: 2500 })).toEqual([])
          expect(yield* read({ limit: 0 })).toEqual([])
          expect(yield* read({ backwards: true, limit: 2 })).toEqual([2499, 2498])
          expect(yield* read({ backwards: true, from: 1 })).toEqual([1, 0])
          expect(yield* read({ backwards: true, from: 9999, limit: 1 })).toEqual([2499])
          const all = yield* log.readAll({ from: positions[10]!, limit: 2 })
          expect(revisions(all)).toEqual([10, 11])
          const back = yield* log.readAll({ from: positions[1]!, backwards: true })
          expect(back.map((one) => one.stream)).toEqual(["lead-1", "lead-1", "other-1"])
          const stream = (options = {}) => Stream.runCollect(log.read("lead-1", options))
          expect(ids(yield* stream())).toEqual(idsOf(batch))
          expect(ids(yield* stream({ backwards: true }))).toEqual(idsOf(batch).toReversed())
          expect(ids(yield* stream({ from: 1, limit: 1700 }))).toEqual(idsOf(batch).slice(1, 1701))
          expect(revisions(yield* stream({ limit: 2, backwards: true }))).toEqual([2499, 2498])
        })
      ),
    )

    it(
      "lists the streams of a category in order of their first event",
      on((log) =>
        Effect.gen(function* () {
          const names = ["lead-9", "lead-1", "leader-1", "lead-5", "lead", "lead-a-b"]
          // Naming a stream as an actor does not make it one.
          const first = anEvent({ metadata: { actor: "lead-never" } })
          yield* log.append("other-1", -1, [first])
          for (const name of names) yield* log.append(name, -1, events(1))
          const leads = names.filter((name) => name !== "leader-1")
          expect(yield* log.streams("lead")).toEqual(leads)
          expect(yield* log.streams("lead", undefined, 2)).toEqual(leads.slice(0, 2))
          expect(yield* log.streams("lead", "lead-1", 2)).toEqual(leads.slice(2, 4))
          expect(yield* log.streams("lead", "lead-a-b")).toEqual([])
        })
      ),
    )

    it(
      "random histories answer as the model does",
      on((log) =>
        Effect.gen(function* () {
          const dice = seeded()
          const model = makeModel()
          const streams = streamNames(dice, texts)
          const known: Array<Append> = []
          const all = new Map<number, string>()
          let last = -1
          for (let round = 0; round < 150; round++) {
            const batch = anyBatch(dice, streams, model.headOf, known, texts)
            const outcomes = yield* log.appendBatch(batch)
            const next = yield* log.readAll({ from: last + 1 })
            for (const one of next) all.set(one.position, nameOf(one))
            last = next.at(-1)?.position ?? last
            const answers = outcomes.map((one) => inWords(one, (at) => all.get(at) ?? "nothing"))
            expect(answers).toEqual(batch.map(model.append))
            known.push(...batch.filter((one) => one.events.length > 0))
            if (known.length > 60) known.splice(0, 20)
          }
          const bare = ({ position: _, ...event }: RecordedEvent) => event
          const inOrder = (events: ReadonlyArray<Omit<RecordedEvent, "position">>) =>
            batches === "ordered"
              ? events
              : events.toSorted((a, b) => nameOf(a) < nameOf(b) ? -1 : 1)
          expect(inOrder((yield* everything(log)).map(bare))).toStrictEqual(inOrder(model.all))
          for (const stream of streams) {
            const page = yield* log.readPage(stream)
            expect(page.map(bare)).toStrictEqual(model.inStream(stream))
          }
          for (const event of model.all) {
            const found = (yield* log.byId(event.id)).map((one) => one.stream)
            expect(found).toContain(event.stream)
          }
        })
      ),
    )

    it(
      "a flood of appends at the same time loses none",
      on((log) =>
        Effect.gen(function* () {
          const flood = Array.from({ length: 10_000 }, (_, n) => n)
          const outcomes = yield* Effect.forEach(
            flood,
            (n) => Effect.exit(log.append(`lead-${n % 500}`, Math.floor(n / 500) - 1, events(1))),
            { concurrency: "unbounded" },
          )
          expect(outcomes.filter((exit) => exit._tag === "Success")).toHaveLength(10_000)
          const positions = outcomes.flatMap((exit) =>
            exit._tag === "Success" ? exit.value.positions : []
          )
          expect(new Set(positions).size).toBe(10_000)
          expect(yield* everything(log)).toHaveLength(10_000)
        })
      ),
    )

    it(
      "the same append by many at once is written once",
      on((log) =>
        Effect.gen(function* () {
          const batch = events(2)
          const outcomes = yield* Effect.forEach(
            Array.from({ length: 40 }, (_, n) => n),
            (n) => log.append("lead-1", n % 3 - 1, batch).pipe(Effect.exit),
            { concurrency: "unbounded" },
          )
          const given = outcomes.flatMap((exit) => exit._tag === "Success" ? [exit.value] : [])
          const [first] = given
          // Those that expected something else came too early, or the events were there.
          expect(given.length).toBeGreaterThanOrEqual(14)
          for (const one of given) {
            expect(one).toMatchObject({ revision: 1, positions: first!.positions })
          }
          expect(ids(yield* everything(log))).toEqual(idsOf(batch))
        })
      ),
    )

    it(
      "ends a page where it would be larger than was asked for, after one event at least",
      on((log) =>
        Effect.gen(function* () {
          const batch = events(30).map((event, n) => ({
            ...event,
            data: { text: "x".repeat(n < 10 ? 100_000 : 10) },
          }))
          yield* log.append("lead-1", -1, batch)
          const bytesMax = 250_000
          const all: Array<string> = []
          for (;;) {
            const range = { from: all.length, limit: 30, bytesMax }
            const page = yield* log.readPage("lead-1", range)
            if (page.length === 0) break
            expect(JSON.stringify(page).length).toBeLessThan(bytesMax + 50_000)
            all.push(...ids(page))
          }
          expect(all).toEqual(idsOf(batch))
          const [first] = yield* log.readAll({ limit: 1, bytesMax: 1 })
          expect(first?.id).toBe(batch[0]!.id)
          const back = yield* log.readPage("lead-1", { backwards: true, limit: 30, bytesMax })
          expect(back.length).toBeGreaterThan(3)
          expect(back.length).toBeLessThan(25)
        })
      ),
    )

    it(
      "goes on after any position",
      on((log) =>
        Effect.gen(function* () {
          const batch = events(60)
          const each = batch.map((event, n) => ({
            stream: `lead-${n % 7}`,
            expected: Math.floor(n / 7) - 1,
            events: [event],
          }))
          const outcomes = yield* log.appendBatch(each)
          const order = ids(yield* everything(log))
          for (const [n, outcome] of outcomes.entries()) {
            const at = "_tag" in outcome ? NaN : outcome.positions[0]!
            const place = order.indexOf(batch[n]!.id)
            const rest = order.slice(place + 1)
            expect(ids(yield* log.readAll({ from: at }))).toEqual(order.slice(place))
            expect(ids(yield* log.readAll({ from: at + 1 }))).toEqual(rest)
            const back = yield* log.readAll({ from: at, backwards: true, limit: 3 })
            expect(ids(back)).toEqual(order.slice(0, place + 1).toReversed().slice(0, 3))
            if (rest.length === 0) continue
            const followed = yield* log.follow(at).pipe(
              Stream.flatMap(Stream.fromIterable),
              Stream.take(rest.length),
              Stream.runCollect,
            )
            expect(ids(followed)).toEqual(rest)
          }
        })
      ),
    )

    it(
      "stream names may be of any letters",
      on((log) =>
        Effect.gen(function* () {
          const names = [
            "größe-ä€😀",
            "顧客-東京",
            "عميل-١",
            "lead-e\u0301",
            "lead-\u00e9",
            "lead- a b ",
            "lead-%41/..?#&=+@\u200d",
            `lead-${"é".repeat(200)}`,
            "Lead-1",
            "lead-1",
          ]
          for (const name of names) yield* log.append(name, -1, events(2))
          for (const name of names) {
            expect((yield* log.readPage(name)).map((one) => `${one.stream} ${one.revision}`))
              .toEqual([`${name} 0`, `${name} 1`])
          }
          expect(new Set((yield* everything(log)).map((one) => one.stream))).toEqual(new Set(names))
          expect(yield* log.streams("größe")).toEqual(names.slice(0, 1))
          expect(yield* log.streams("lead")).toEqual(
            names.filter((name) => name.startsWith("lead-")),
          )
        })
      ),
    )

    it(
      "an interrupted caller holds up nobody",
      on((log) =>
        Effect.gen(function* () {
          const given = yield* Effect.forEach(
            Array.from({ length: 50 }),
            () => Effect.forkChild(log.append("lead-1", -1, events(1))),
          )
          yield* Effect.forEach(given, Fiber.interrupt, { concurrency: "unbounded" })
          const head = (yield* log.readPage("lead-1")).length - 1
          expect((yield* log.append("lead-1", head, events(1))).revision).toBe(head + 1)
        })
      ),
    )

    it(
      "followers see every event once and in order, however fast they are",
      on((log) =>
        Effect.gen(function* () {
          const dice = seeded()
          const total = 4000
          yield* log.append("old-1", -1, events(100))
          const follower = (slow: boolean, after: number) =>
            log.follow(after).pipe(
              Stream.tap((page) => {
                expect(page.length).toBeGreaterThan(0)
                return slow ? Effect.sleep(dice.below(3)) : Effect.void
              }),
              Stream.flatMap(Stream.fromIterable),
              Stream.takeUntil((event) => event.type === "End"),
              Stream.runCollect,
              Effect.forkChild,
            )
          const middle = (yield* log.readAll())[49]!.position
          const fibers = [
            yield* follower(false, -1),
            yield* follower(true, -1),
            yield* follower(false, middle),
          ]
          for (let written = 0; written < total;) {
            const batch = Array.from({ length: 1 + dice.below(40) }, () => ({
              stream: `lead-${written++}`,
              expected: -1,
              events: events(1),
            }))
            if (dice.chance()) yield* log.appendBatch(batch)
            else {
              yield* Effect.forEach(
                batch,
                (one) => log.append(one.stream, one.expected, one.events),
                { concurrency: "unbounded" },
              )
            }
            if (dice.below(5) === 0) yield* Effect.sleep(1)
          }
          const late = yield* follower(false, yield* log.head)
          yield* log.append("end-1", -1, [anEvent({ type: "End" })])
          const all = ids(yield* everything(log))
          expect(ids(yield* Fiber.join(fibers[0]!))).toEqual(all)
          expect(ids(yield* Fiber.join(fibers[1]!))).toEqual(all)
          expect(ids(yield* Fiber.join(fibers[2]!))).toEqual(all.slice(50))
          expect(ids(yield* Fiber.join(late))).toEqual(all.slice(-1))
        })
      ),
    )

    it(
      "pages of large events stay small for who follows",
      on((log) =>
        Effect.gen(function* () {
          const large = Array.from({ length: 40 }, () => anEvent({ data: "x".repeat(800_000) }))
          // Each by itself: an event store takes about a megabyte at once.
          yield* log.appendBatch(
            large.map((event, n) => ({ stream: "lead-1", expected: n - 1, events: [event] })),
          )
          const pages = yield* log.follow(-1).pipe(
            Stream.takeUntil((page) => page.at(-1)?.revision === 39),
            Stream.runCollect,
          )
          expect(ids(pages.flat())).toEqual(idsOf(large))
          for (const page of pages) expect(page.length).toBeLessThanOrEqual(10)
          expect(ids(yield* Stream.runCollect(log.read("lead-1")))).toEqual(idsOf(large))
        })
      ),
    )

    it("says so when it is closed", async () => {
      const log = await Effect.runPromise(Effect.provide(EventLog, layer()))
      const closed = { _tag: "LogUnavailable", reason: "closed", retryable: false }
      const calls: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        log.append("lead-1", -1, events(1)),
        log.appendBatch([]),
        log.readAll(),
        log.readPage("lead-1"),
        log.head,
        log.byId("x"),
        log.streams("lead"),
        Stream.runDrain(log.follow(-1)),
        Stream.runDrain(log.read("lead-1")),
      ]
      for (const call of calls) {
        expect(await Effect.runPromise(Effect.flip(call))).toMatchObject(closed)
      }
    })

    it("ends its followers when it is closed", async () => {
      const follower = await Effect.runPromise(
        Effect.gen(function* () {
          const log = yield* EventLog
          return yield* Effect.forkDetach(Effect.flip(Stream.runDrain(log.follow(-1))))
        }).pipe(Effect.tap(() => Effect.sleep(20)), Effect.provide(layer())),
      )
      expect(await Effect.runPromise(Fiber.join(follower))).toMatchObject({ reason: "closed" })
    })
  })
}

const idsOf = (...groups: ReadonlyArray<ReadonlyArray<NewEvent>>) =>
  groups.flat().map((event) => event.id)
