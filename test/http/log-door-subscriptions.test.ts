/** Subscriptions through the protocol's door: nothing missed, doubled or held in memory. */
import {
  END,
  eventTypeFilter,
  excludeSystemEvents,
  jsonEvent,
  type ResolvedEvent,
  START,
  StreamDeletedError,
  streamNameFilter,
} from "@eventstore/db-client"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { received } from "../../actors/foreign-events.ts"
import { type Opened, opened } from "./log-door-client.ts"

let count = 0
const fresh = (category = "told") => `${category}-${++count}`
const many = (n: number, type = "Said") =>
  Array.from({ length: n }, (_, place) => jsonEvent({ type, data: { place } }))

/** Until `is` holds; a test that waits in vain says for what. */
const until = async (is: () => boolean) => {
  const end = Date.now() + 20_000
  while (!is()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${is}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

interface Followed {
  on(event: "data", take: (resolved: ResolvedEvent) => void): unknown
  on(event: "error", take: (cause: Error) => void): unknown
  on(event: "confirmation" | "caughtUp" | "fellBehind", take: () => void): unknown
  unsubscribe(): Promise<void>
}

const follow = (subscription: Followed) => {
  const got: Array<ResolvedEvent> = []
  const said: Array<string> = []
  let failed: Error | undefined
  subscription.on("data", (resolved) => got.push(resolved))
  subscription.on("error", (cause) => failed = cause)
  subscription.on("confirmation", () => said.push("confirmed"))
  subscription.on("caughtUp", () => said.push(`caught up after ${got.length}`))
  return {
    got,
    said,
    ids: () => got.map(({ event }) => event?.id),
    failed: () => failed,
    stop: () => subscription.unsubscribe(),
  }
}

describe("subscriptions", () => {
  let at: Opened
  beforeAll(async () => {
    at = await opened({ log: "sqlite" })
  })
  afterAll(() => at.close())

  it("to a stream: from the start, after a revision, from the end, before it is there", async () => {
    const stream = fresh()
    const early = follow(at.client.subscribeToStream(stream))
    await until(() => early.said.length === 2)
    const events = many(8)
    await at.client.appendToStream(stream, events.slice(0, 5))
    const after = follow(at.client.subscribeToStream(stream, { fromRevision: 2n }))
    const later = follow(at.client.subscribeToStream(stream, { fromRevision: END }))
    await until(() => after.got.length === 2 && later.said.length === 2)
    await at.client.appendToStream(stream, events.slice(5))
    await until(() => early.got.length === 8 && after.got.length === 5 && later.got.length === 3)
    expect(early.ids()).toEqual(events.map(({ id }) => id))
    expect(after.ids()).toEqual(events.slice(3).map(({ id }) => id))
    expect(later.ids()).toEqual(events.slice(5).map(({ id }) => id))
    expect(early.said).toEqual(["confirmed", "caught up after 0"])
    expect(after.said).toEqual(["confirmed", "caught up after 2"])
    await Promise.all([early, after, later].map((one) => one.stop()))
  })

  it("end with the stream's tombstone, and go on over its deletion", async () => {
    const stream = fresh()
    await at.client.appendToStream(stream, many(2))
    const one = follow(at.client.subscribeToStream(stream))
    await until(() => one.got.length === 2)
    await at.client.deleteStream(stream)
    await at.client.appendToStream(stream, many(1))
    await until(() => one.got.length === 3)
    await at.client.tombstoneStream(stream)
    await until(() => one.failed() !== undefined)
    expect(one.failed()).toBeInstanceOf(StreamDeletedError)
    const again = follow(at.client.subscribeToStream(stream))
    await until(() => again.failed() !== undefined)
    expect(again.failed()).toBeInstanceOf(StreamDeletedError)
  })

  it("to the whole log: no event is missed or doubled while many write", async () => {
    const stream = fresh()
    await at.client.appendToStream(stream, many(3))
    const [last] = await Effect.runPromise(at.log.readAll({ backwards: true, limit: 1 }))
    const from = BigInt(last!.position)
    const events = many(900)
    const clients = [at.client, at.connect(), at.connect()]
    const writing = Promise.all(
      events.map((event, place) =>
        clients[place % 3]!.appendToStream(`${stream}-${place % 7}`, event)
      ),
    )
    const followers = Array.from(
      { length: 4 },
      () => follow(at.client.subscribeToAll({ fromPosition: { commit: from, prepare: from } })),
    )
    await writing
    // What the process appends itself is followed like any event.
    const own = received(
      {
        id: crypto.randomUUID(),
        type: "Own",
        json: true,
        data: new TextEncoder().encode("{}"),
        metadata: new Uint8Array(),
      },
      Date.now(),
    )
    await Effect.runPromise(at.log.append(`${stream}-own`, -1, [own]))
    await until(() => followers.every(({ got }) => got.length >= 901))
    const order = followers[0]!.ids()
    expect(new Set(order)).toEqual(new Set([...events.map(({ id }) => id), own.id]))
    for (const one of followers) expect(one.ids()).toEqual(order)
    await Promise.all(followers.map((one) => one.stop()))
  })

  it("can be filtered, with checkpoints that can be resumed from", async () => {
    const category = fresh("only").replace("-", "")
    const checkpoints: Array<bigint> = []
    const one = follow(at.client.subscribeToAll({
      fromPosition: END,
      filter: streamNameFilter({
        prefixes: [category],
        maxSearchWindow: 10,
        checkpointInterval: 2,
        checkpointReached: (_, { commit }) => {
          checkpoints.push(commit)
        },
      }),
    }))
    await until(() => one.said.length >= 2)
    checkpoints.length = 0
    for (let round = 0; round < 5; round++) {
      await at.client.appendToStream(`${category}-a`, many(1))
      await at.client.appendToStream(fresh("other"), many(19))
    }
    await until(() => one.got.length === 5 && checkpoints.length >= 5)
    expect(checkpoints).toEqual([...checkpoints].sort((a, b) => Number(a - b)))
    const resumed = follow(at.client.subscribeToAll({
      fromPosition: { commit: checkpoints[1]!, prepare: checkpoints[1]! },
      filter: eventTypeFilter({ regex: "^Late$" }),
    }))
    await at.client.appendToStream(`${category}-a`, many(2, "Late"))
    await until(() => resumed.got.length === 2)
    const system = follow(at.client.subscribeToAll({
      fromPosition: START,
      filter: excludeSystemEvents(),
    }))
    await at.client.setStreamMetadata(`${category}-a`, { maxCount: 3 })
    await at.client.appendToStream(`${category}-a`, many(1, "Last"))
    await until(() => system.got.at(-1)?.event?.type === "Last")
    expect(system.got.some(({ event }) => event?.type.startsWith("$"))).toBe(false)
    await Promise.all([one, resumed, system].map((each) => each.stop()))
  })

  it("to a category, as links and as what they lead to", async () => {
    const category = fresh("group").replace("-", "")
    await at.client.appendToStream(`${category}-a`, many(2))
    const links = follow(at.client.subscribeToStream(`$ce-${category}`))
    const events = follow(
      at.client.subscribeToStream(`$ce-${category}`, { fromRevision: 0n, resolveLinkTos: true }),
    )
    await until(() => links.got.length === 2 && events.got.length === 1)
    await at.client.appendToStream(`${category}-b`, many(2))
    await until(() => links.got.length === 4 && events.got.length === 3)
    expect(links.got.map(({ event }) => event?.revision)).toEqual([0n, 1n, 2n, 3n])
    expect(events.got.map(({ event, link }) => [event?.streamId, link?.revision])).toEqual([
      [`${category}-a`, 1n],
      [`${category}-b`, 2n],
      [`${category}-b`, 3n],
    ])
    await Promise.all([links.stop(), events.stop()])
  })

  it("a slow reader is waited for, and holds nothing", async () => {
    const stream = fresh()
    const filler = "x".repeat(10_000)
    const page = () =>
      Array.from({ length: 50 }, () => jsonEvent({ type: "Large", data: { filler } }))
    const subscription = at.client.subscribeToStream(stream)
    await until(() => subscription.readableFlowing !== undefined)
    subscription.pause()
    const before = process.memoryUsage().rss
    for (let round = 0; round < 20; round++) await at.client.appendToStream(stream, page())
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024)
    let revision = -1n
    for await (const { event } of subscription) {
      expect(event?.revision).toBe(++revision)
      if (revision === 999n) break
    }
    await subscription.unsubscribe()
  })
})
