/** What is remembered of the log, in which tier, and what the memory's own agent changes about it. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { EventLog } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import * as memoryLog from "../log-memory.ts"
import * as memoryRows from "../../adapters/read-store-memory.ts"
import type { JsonObject } from "../../machines/agent.ts"
import { memoryPolicyDefault, memoryStream } from "../../machines/memory.ts"
import { tierAsOf } from "../../projections/memory-items.ts"
import * as rows from "../../projections/memory-rows.ts"
import { memories } from "../../projections/memories.ts"
import { ReadStore } from "../../projections/read-store.ts"
import { layer as runner, Projections } from "../../projections/runner.ts"

const now = Date.UTC(2026, 10, 24)
const day = 86_400_000
const ada = "a".repeat(32)
const world = () =>
  runner([memories]).pipe(
    Layer.provideMerge(Layer.fresh(Layer.mergeAll(memoryLog.layer, memoryRows.layer))),
  )

const append = Effect.fnUntraced(function* (
  stream: string,
  type: string,
  data: JsonObject,
  metadata: { readonly occurredAt?: number } = {},
) {
  const log = yield* EventLog
  const revision = (yield* log.readPage(stream)).length
  const id = derivedId(`${stream}/${revision}`)
  yield* log.append(stream, revision - 1, [{
    id,
    type,
    data,
    metadata: { at: now, $correlationId: derivedId(stream), ...metadata },
  }])
  return id
})

const mail = (name: string, more: JsonObject = {}, occurredAt = now - day) =>
  append(
    `record-${name}`,
    "MailReceived",
    { person: ada, labels: [], kind: "personal", thread: "mail:1", sentAt: occurredAt, ...more },
    { occurredAt },
  )

const item = Effect.fnUntraced(function* (id: string) {
  yield* (yield* Projections).catchUp
  const found = rows.itemById(yield* ReadStore, id)
  return found ?? (yield* Effect.die(new Error(`There is no item ${id}`)))
})
const counts = Effect.gen(function* () {
  yield* (yield* Projections).catchUp
  return rows.countsOf(yield* ReadStore)
})
const summary = (events: ReadonlyArray<string>, accepted = true, key = "mail:1") => ({
  ask: "0.0",
  output: {
    of: "thread",
    key,
    person: ada,
    events,
    upTo: 9,
    accepted,
    text: { $sealed: [ada, "k", "n", "t"] },
    made: "extract-1",
    facts: { found: 2, kept: 2 },
    questions: { asked: 0, answered: 0 },
    refused: [],
    tokens: 0,
  },
})
const evict = (ids: ReadonlyArray<string>) => ({
  ask: "0.0",
  output: { evict: ids, because: { age: ids.length }, kept: 0, spared: 0, more: false, policy: 1 },
})

describe("memory", () => {
  it.effect("keeps the new hot, and history, spam and forged mail cold", () =>
    Effect.gen(function* () {
      const fresh = yield* mail("new")
      const old = yield* mail("old", {}, now - 500 * day)
      const spam = yield* mail("spam", { labels: ["Spam"] })
      const forged = yield* mail("forged", { suspicions: ["forgedFrom"] })
      expect((yield* item(fresh)).tier).toBe("hot")
      expect((yield* item(old)).tier).toBe("cold")
      expect(yield* item(spam)).toMatchObject({ tier: "cold", suspect: true })
      expect(yield* item(forged)).toMatchObject({ tier: "cold", suspect: true })
      yield* append(memoryStream, "ItemsRecalled", { items: [old, spam] })
      expect((yield* item(old)).tier).toBe("hot")
      expect((yield* item(spam)).tier).toBe("cold")
      expect(yield* counts).toMatchObject({ hot: 2, cold: 2, kinds: { person: 4 } })
    }).pipe(Effect.provide(world())))

  it.effect("knows in which tier an item was at any time", () =>
    Effect.gen(function* () {
      const id = yield* mail("one")
      const before = yield* item(id)
      yield* append(memoryStream, "ActivitySucceeded", evict([id]))
      const after = yield* item(id)
      expect(after.tier).toBe("cold")
      expect(tierAsOf(after, before.position)).toBe("hot")
      expect(tierAsOf(after, before.position - 1)).toBeUndefined()
      yield* append(memoryStream, "ItemsRecalled", { items: [id] })
      yield* append(memoryStream, "ActivitySucceeded", evict([id]))
      expect((yield* item(id)).tier).toBe("hot")
    }).pipe(Effect.provide(world())))

  it.effect("takes a summary back, and what it stood for is hot again", () =>
    Effect.gen(function* () {
      const store = yield* ReadStore
      const first = yield* mail("one")
      const second = yield* mail("two")
      const accepted = yield* append(memoryStream, "ActivitySucceeded", summary([first, second]))
      expect(yield* item(accepted)).toMatchObject({ tier: "warm", what: "summary", kind: "person" })
      expect((yield* item(first)).summary).toBe(accepted)
      expect(rows.subjectStanding(store, "thread", "mail:1").accepted).toBe(accepted)
      yield* append(memoryStream, "ActivitySucceeded", evict([first]))
      expect(yield* counts).toMatchObject({ hot: 1, warm: 1, cold: 1, accepted: 1 })
      yield* append(memoryStream, "SummaryWithdrawn", {
        summary: accepted,
        events: [first, second],
        reason: "wrong",
      })
      expect(yield* item(first)).toMatchObject({ tier: "hot" })
      expect((yield* item(first)).summary).toBeUndefined()
      expect(yield* counts).toMatchObject({ hot: 2, warm: 0, cold: 0, accepted: 0, withdrawn: 1 })
      expect(rows.placesInTier(store, "warm")).toEqual([])
    }).pipe(Effect.provide(world())))

  it.effect("a newer summary takes the place of the older; a refused one of none", () =>
    Effect.gen(function* () {
      const store = yield* ReadStore
      const one = yield* mail("one")
      const old = yield* append(memoryStream, "ActivitySucceeded", summary([one]))
      const two = yield* mail("two")
      const next = yield* append(memoryStream, "ActivitySucceeded", summary([one, two]))
      const refused = yield* append(memoryStream, "ActivitySucceeded", summary([one, two], false))
      expect((yield* item(one)).summary).toBe(next)
      expect(rows.summariesMade(store).find(({ id }) => id === old)?.state).toBe("replaced")
      expect(yield* counts).toMatchObject({ warm: 1, hot: 2, accepted: 1, refused: 1 })
      expect(rows.subjectStanding(store, "thread", "mail:1")).toMatchObject({
        accepted: next,
        refused,
        refusedUpTo: 9,
      })
    }).pipe(Effect.provide(world())))

  it.effect("what is archived is in no list until it is restored", () =>
    Effect.gen(function* () {
      const store = yield* ReadStore
      const old = yield* mail("old", {}, now - 900 * day)
      const segment = { segment: "s1", sha256: "x", bytes: 9, items: [old], from: 0, to: 0 }
      yield* append(memoryStream, "SegmentArchived", segment)
      expect(yield* counts).toMatchObject({ cold: 0, archived: 1 })
      expect(rows.placesInTier(store, "cold")).toEqual([])
      yield* append(memoryStream, "SegmentRestored", { segment: "s1", items: [old] })
      expect(yield* counts).toMatchObject({ cold: 1, archived: 0 })
      expect(rows.segmentsWritten(store)).toMatchObject([{ segment: "s1", restored: true }])
    }).pipe(Effect.provide(world())))

  it.effect("a policy counts from when it was chosen; what was read weighs more", () =>
    Effect.gen(function* () {
      const store = yield* ReadStore
      const policy = { ...memoryPolicyDefault, version: 2 }
      yield* append(memoryStream, "MemoryPolicyChosen", {
        policy: { ...policy, hot: { ...policy.hot, daysMax: 10, importanceMin: 0 } },
      })
      const late = yield* mail("late", {}, now - 20 * day)
      const soon = yield* mail("soon", {}, now - 5 * day)
      expect((yield* item(late)).tier).toBe("cold")
      const { importance } = yield* item(soon)
      yield* append(`analyst-${ada}`, "MailRead", {
        person: ada,
        record: "record-soon",
        findings: { intents: ["asksPrice"], asks: true },
      })
      expect((yield* item(soon)).importance).toBeGreaterThan(importance)
      expect(rows.policyNow(store).version).toBe(2)
      // What only its reading shows to be from somebody else is cold from then on, and weighs no more.
      yield* append(`analyst-${ada}`, "MailRead", {
        person: ada,
        record: "record-soon",
        findings: { intents: ["asksPrice"], suspicions: ["lookalikeAddress"] },
      })
      expect(yield* item(soon)).toMatchObject({ tier: "cold", suspect: true })
    }).pipe(Effect.provide(world())))
})
