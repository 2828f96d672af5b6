/** Persistent subscriptions over the official client: what a group gives, to whom, and how far it is. */
import {
  type EventStoreDBClient,
  eventTypeFilter,
  jsonEvent,
  persistentSubscriptionToAllSettingsFromDefaults as allSettings,
  type PersistentSubscriptionToStreamSettings,
  persistentSubscriptionToStreamSettingsFromDefaults as settings,
  type ResolvedEvent,
  streamNameFilter,
} from "@eventstore/db-client"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { consumed, numbered, numberOf, type Served, served, until } from "./log-door-groups.ts"

const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n)
const sorted = (numbers: ReadonlyArray<number>) => numbers.toSorted((a, b) => a - b)
/** Long enough for what must not come. */
const quiet = (millis = 300) => new Promise((resolve) => setTimeout(resolve, millis))

let at: Served
let client: EventStoreDBClient
beforeAll(async () => {
  at = await served()
  client = at.client
})
afterAll(() => at.close())

let names = 0
/** A stream of its own with `count` events, and a group on it. */
const group = async (
  count: number,
  changes: Partial<PersistentSubscriptionToStreamSettings> = {},
) => {
  const stream = `numbers-${names++}`
  if (count > 0) await client.appendToStream(stream, numbered(count))
  await client.createPersistentSubscriptionToStream(
    stream,
    "group",
    settings({ startFrom: "start", ...changes }),
  )
  return {
    stream,
    subscribe: (bufferSize = 10, from = client) =>
      from.subscribeToPersistentSubscriptionToStream(stream, "group", { bufferSize }),
    info: () => client.getPersistentSubscriptionToStreamInfo(stream, "group"),
  }
}
const typeOf = async (promise: Promise<unknown>) => {
  const [outcome] = await Promise.allSettled([promise])
  return outcome.status === "rejected" ? Reflect.get(outcome.reason, "type") : "succeeded"
}

describe("what a group gives", () => {
  it("everything from the start, once, in order, and what comes", async () => {
    const { stream, subscribe, info } = await group(120)
    const consumer = consumed(subscribe())
    await client.appendToStream(stream, numbered(80, 120))
    await until(() => consumer.got.length >= 200)
    await quiet()
    expect(consumer.numbers()).toEqual(upTo(200))
    expect(await info()).toMatchObject({
      eventSource: stream,
      groupName: "group",
      status: "Live",
      stats: { totalItems: 200n, outstandingMessagesCount: 0, lastKnownEventRevision: 199n },
    })
    await consumer.subscription.unsubscribe()
  })

  it("from a revision, and from the end what came after the group was made", async () => {
    const late = await group(10, { startFrom: 7n })
    const ended = await group(10, { startFrom: "end" })
    await client.appendToStream(ended.stream, numbered(5, 10))
    const [lateOne, endedOne] = [consumed(late.subscribe()), consumed(ended.subscribe())]
    await until(() => lateOne.got.length >= 3 && endedOne.got.length >= 5)
    expect(lateOne.numbers()).toEqual([7, 8, 9])
    expect(endedOne.numbers()).toEqual(upTo(5, 10))
  })

  it("no more than a consumer has room for", async () => {
    const { subscribe, info } = await group(100)
    const held = consumed(subscribe(7), () => {})
    await until(() => held.got.length >= 7)
    await quiet()
    expect(held.got).toHaveLength(7)
    expect((await info()).connections).toMatchObject([{ availableSlots: 0, inFlightMessages: 7 }])
    await held.subscription.ack(...held.got.slice(0, 3))
    await until(() => held.got.length >= 10)
    await quiet()
    expect(held.got).toHaveLength(10)
    await held.subscription.unsubscribe()
  })

  it("what links name, where links are followed, else the links", async () => {
    const { stream } = await group(2)
    const links = `links-${names++}`
    await client.appendToStream(links, [
      ...[0, 1].map((n) =>
        ({
          ...jsonEvent({ type: "$>", data: {} }),
          contentType: "application/octet-stream",
          data: new TextEncoder().encode(`${n}@${stream}`),
        }) as never
      ),
    ])
    for (const [name, resolveLinkTos] of [["followed", true], ["as-they-are", false]] as const) {
      await client.createPersistentSubscriptionToStream(
        links,
        name,
        settings({ startFrom: "start", resolveLinkTos }),
      )
    }
    const followed = consumed(client.subscribeToPersistentSubscriptionToStream(links, "followed"))
    const bare = consumed(client.subscribeToPersistentSubscriptionToStream(links, "as-they-are"))
    await until(() => followed.got.length >= 2 && bare.got.length >= 2)
    expect(followed.numbers()).toEqual([0, 1])
    expect(followed.got.map(({ link }) => link?.streamId)).toEqual([links, links])
    expect(bare.got.map(({ event, link }) => [event?.type, link])).toEqual([
      ["$>", undefined],
      ["$>", undefined],
    ])
  })

  it("what a category has, followed to the events, with what comes", async () => {
    const category = `kind${names++}`
    for (const key of ["a", "b"]) await client.appendToStream(`${category}-${key}`, numbered(3))
    await client.createPersistentSubscriptionToStream(
      `$ce-${category}`,
      "group",
      settings({ startFrom: "start", resolveLinkTos: true, checkPointUpperBound: 1 }),
    )
    const subscribe = () =>
      consumed(client.subscribeToPersistentSubscriptionToStream(`$ce-${category}`, "group"))
    const consumer = subscribe()
    await until(() => consumer.got.length >= 6)
    await client.appendToStream(`${category}-c`, numbered(1))
    await until(() => consumer.got.length >= 7)
    expect(consumer.got.map(({ event, link }) => [event?.streamId, link?.revision])).toEqual([
      ...upTo(3).map((n) => [`${category}-a`, BigInt(n)]),
      ...upTo(3, 3).map((n) => [`${category}-b`, BigInt(n)]),
      [`${category}-c`, 6n],
    ])
    await until(async () => {
      const info = await client.getPersistentSubscriptionToStreamInfo(`$ce-${category}`, "group")
      return info.stats.lastCheckpointedEventRevision === 6n
    })
    await consumer.subscription.unsubscribe()
    await client.appendToStream(`${category}-a`, numbered(1, 3))
    const next = subscribe()
    await until(() => next.got.length >= 1)
    await quiet()
    expect(next.numbers()).toEqual([3])
  })

  it("large events without filling the memory", async () => {
    const { stream, subscribe, info } = await group(0)
    const large = () => jsonEvent({ type: "Large", data: { text: "x".repeat(700_000) } })
    for (let n = 0; n < 45; n++) await client.appendToStream(stream, large())
    const held = consumed(subscribe(50), () => {})
    await until(() => held.got.length >= 20)
    await quiet()
    // A consumer has 16 MB at the most, and as much waits for it.
    expect(held.got.length).toBeLessThan(30)
    expect((await info()).stats.readBufferCount).toBeLessThan(40)
    await held.subscription.ack(...held.got)
    await until(() => held.got.length >= 40)
    await held.subscription.ack(...held.got.slice(20))
    await until(() => held.got.length >= 45)
    await held.subscription.unsubscribe()
  })
})

describe("the whole log", () => {
  it("gives what a filter lets through, and what comes", async () => {
    const prefix = `filtered${names++}`
    const other = jsonEvent({ type: `${prefix}Kind`, data: { n: 100 } })
    await client.appendToStream(`${prefix}-a`, numbered(5))
    await client.appendToStream("elsewhere-1", [...numbered(30), other])
    await client.createPersistentSubscriptionToAll(
      `${prefix}-streams`,
      allSettings({ startFrom: "start" }),
      { filter: streamNameFilter({ prefixes: [`${prefix}-`] }) },
    )
    await client.createPersistentSubscriptionToAll(
      `${prefix}-types`,
      allSettings({ startFrom: "start" }),
      { filter: eventTypeFilter({ regex: `^${prefix}K` }) },
    )
    const streams = consumed(client.subscribeToPersistentSubscriptionToAll(`${prefix}-streams`))
    const types = consumed(client.subscribeToPersistentSubscriptionToAll(`${prefix}-types`))
    await client.appendToStream(`${prefix}-b`, numbered(5, 5))
    await until(() => streams.got.length >= 10 && types.got.length >= 1)
    await quiet()
    expect(streams.numbers()).toEqual(upTo(10))
    expect(types.numbers()).toEqual([100])
    const info = await client.getPersistentSubscriptionToAllInfo(`${prefix}-types`)
    expect(info).toMatchObject({ eventSource: "$all", settings: { startFrom: "start" } })
    expect(typeof info.stats.lastKnownEventPosition?.commit).toBe("bigint")
    await streams.subscription.unsubscribe()
    await types.subscription.unsubscribe()
  })

  it("does not feed on its own checkpoints", async () => {
    const name = `own-${names++}`
    await client.createPersistentSubscriptionToAll(
      name,
      allSettings({ startFrom: "start", checkPointUpperBound: 1, checkPointLowerBound: 1 }),
    )
    const all = consumed(client.subscribeToPersistentSubscriptionToAll(name))
    await until(() => all.got.some(({ event }) => event?.streamId === "elsewhere-1"))
    await quiet(500)
    const before = all.got.length
    await quiet(500)
    // Checkpoints of other groups may still come, but one calls forth no other.
    expect(all.got.length - before).toBeLessThan(5)
    expect(
      all.got.filter(({ event }) => event?.streamId.startsWith("$persistentsubscription-$all::")),
    ).toEqual([])
    await all.subscription.unsubscribe()
  })
})

describe("consumers that share the work", () => {
  it("get all of it together, and when one vanishes the other gets what it left", async () => {
    const { stream, subscribe } = await group(0, { messageTimeout: 60_000 })
    const done = new Set<number>()
    const vanishing = at.connect()
    // The first acknowledges every second of its messages, and then goes without a word.
    const lost = consumed(subscribe(10, vanishing), async (event) => {
      if (numberOf(event) % 4 === 0) {
        await lost.subscription.ack(event)
        done.add(numberOf(event))
      }
    })
    const kept = consumed(subscribe(10), async (event) => {
      await kept.subscription.ack(event)
      done.add(numberOf(event))
    })
    await until(async () =>
      (await client.getPersistentSubscriptionToStreamInfo(stream, "group")).connections.length === 2
    )
    await client.appendToStream(stream, numbered(200))
    await until(() => lost.got.length >= 10)
    const left = lost.numbers().filter((n) => !done.has(n))
    expect(left.length).toBeGreaterThan(3)
    lost.subscription.on("error", () => {})
    await vanishing.dispose()
    await until(() => done.size === 200)
    await quiet()
    expect(sorted(kept.numbers().filter((n) => left.includes(n)))).toEqual(sorted(left))
    // Nothing was given to both but what the first had left.
    const both = kept.numbers().filter((n) => lost.numbers().includes(n))
    expect(sorted(both)).toEqual(sorted(left))
    const again = kept.got.filter((event) => left.includes(numberOf(event)))
    expect(new Set(again.map((event) => Reflect.get(event, "retryCount")))).toEqual(new Set([1]))
  })

  it("take turns, or leave all to the first, as the group says", async () => {
    for (const strategy of ["RoundRobin", "DispatchToSingle"] as const) {
      const { stream, subscribe, info } = await group(0, { consumerStrategyName: strategy })
      const [one, two] = [consumed(subscribe(20)), consumed(subscribe(20))]
      await until(async () => (await info()).connections.length === 2)
      for (let n = 0; n < 10; n++) {
        await client.appendToStream(stream, numbered(1, n))
        await until(() => one.got.length + two.got.length > n)
      }
      const shares = sorted([one.got.length, two.got.length])
      expect(shares, strategy).toEqual(strategy === "RoundRobin" ? [5, 5] : [0, 10])
    }
  })

  it("keep the messages of a stream to themselves where they are pinned to it", async () => {
    const prefix = `pinned${names++}`
    await client.createPersistentSubscriptionToAll(
      prefix,
      allSettings({ consumerStrategyName: "Pinned" }),
      { filter: streamNameFilter({ prefixes: [`${prefix}-`] }) },
    )
    const consumers = upTo(2).map(() =>
      consumed(client.subscribeToPersistentSubscriptionToAll(prefix, { bufferSize: 50 }))
    )
    await until(async () =>
      (await client.getPersistentSubscriptionToAllInfo(prefix)).connections.length === 2
    )
    for (const round of [0, 1, 2]) {
      for (const stream of upTo(12)) {
        await client.appendToStream(`${prefix}-${stream}`, numbered(1, round))
      }
    }
    await until(() => consumers.reduce((sum, { got }) => sum + got.length, 0) === 36)
    const streams = consumers.map(({ got }) => new Set(got.map(({ event }) => event?.streamId)))
    expect(streams.map(({ size }) => size).reduce((sum, size) => sum + size)).toBe(12)
    expect(Math.min(...streams.map(({ size }) => size))).toBeGreaterThan(0)
    for (const { subscription } of consumers) await subscription.unsubscribe()
  })
})

describe("what is not acknowledged", () => {
  const first = (consumer: { readonly got: ReadonlyArray<ResolvedEvent> }) => {
    const [event] = consumer.got
    if (event === undefined) throw new Error("nothing came")
    return event
  }

  it("comes again after a retry and not after a skip or a stop", async () => {
    const { subscribe, info } = await group(3)
    const asked = new Set<number>()
    const consumer = consumed(subscribe(), async (event) => {
      const n = numberOf(event)
      if (asked.has(n)) return await consumer.subscription.ack(event)
      asked.add(n)
      await consumer.subscription.nack((["retry", "skip", "stop"] as const)[n]!, "so", event)
    })
    await until(() => consumer.got.length >= 4)
    await quiet()
    expect(sorted(consumer.numbers())).toEqual([0, 0, 1, 2])
    expect((await info()).stats).toMatchObject({
      outstandingMessagesCount: 0,
      parkedMessageCount: 0n,
    })
  })

  it("comes again in time, and is parked when it came too often", async () => {
    const { stream, subscribe, info } = await group(1, { messageTimeout: 100, maxRetryCount: 2 })
    const consumer = consumed(subscribe(), () => {})
    await until(async () => (await info()).stats.parkedMessageCount === 1n)
    expect(consumer.got.map((event) => Reflect.get(event, "retryCount"))).toEqual([0, 1, 2])
    const parked = []
    for await (
      const { event } of client.readStream(`$persistentsubscription-${stream}::group-parked`)
    ) parked.push(event)
    expect(parked).toMatchObject([{
      type: "$>",
      metadata: { reason: "Reached retry count of 2", subscriptionEventNumber: 0 },
    }])
    expect(new TextDecoder().decode(parked[0]?.data as unknown as Uint8Array)).toBe(`0@${stream}`)
  })

  it("is given again when it was parked and is replayed, up to where that is to stop", async () => {
    const { stream, subscribe, info } = await group(6)
    let parks = true
    const consumer = consumed(
      subscribe(),
      (event) =>
        parks
          ? consumer.subscription.nack("park", "not now", event)
          : consumer.subscription.ack(event),
    )
    await until(async () => (await info()).stats.parkedMessageCount === 6n)
    parks = false
    await client.replayParkedMessagesToStream(stream, "group", { stopAt: 4 })
    await until(() => consumer.got.length >= 10)
    await quiet()
    expect(consumer.numbers()).toEqual([...upTo(6), ...upTo(4)])
    expect((await info()).stats.parkedMessageCount).toBe(2n)
    await client.replayParkedMessagesToStream(stream, "group")
    await until(() => consumer.got.length >= 12)
    await quiet()
    expect(consumer.numbers().slice(10)).toEqual([4, 5])
    expect((await info()).stats.parkedMessageCount).toBe(0n)
    // And once they are done, they are gone from the parked.
    await client.replayParkedMessagesToStream(stream, "group")
    await quiet()
    expect(consumer.got).toHaveLength(12)
    expect(first(consumer).event?.streamId).toBe(stream)
  })
})

describe("groups that change", () => {
  it("drop their consumers when they are deleted or updated", async () => {
    for (const change of ["delete", "update"] as const) {
      const { stream, subscribe, info } = await group(3)
      const consumer = consumed(subscribe())
      await until(() => consumer.got.length >= 3)
      if (change === "delete") {
        await client.deletePersistentSubscriptionToStream(stream, "group")
      } else {
        await client.updatePersistentSubscriptionToStream(
          stream,
          "group",
          settings({ startFrom: 1n, maxRetryCount: 3 }),
        )
      }
      await until(() => consumer.errors.length > 0)
      expect(consumer.errors).toMatchObject([{
        type: "persistent-subscription-dropped",
        code: 1,
        streamName: stream,
        groupName: "group",
        message: `1 CANCELLED: Subscription group group on stream ${stream} was dropped.`,
      }])
      if (change === "delete") {
        expect(await typeOf(info())).toBe("persistent-subscription-does-not-exist")
      } else {
        expect((await info()).settings).toMatchObject({ startFrom: 1n, maxRetryCount: 3 })
        const next = consumed(subscribe())
        await until(() => next.got.length >= 2)
        expect(next.numbers()).toEqual([1, 2])
      }
    }
  })

  it("begin anew when they were deleted and are made again", async () => {
    const { stream, subscribe } = await group(4, { checkPointUpperBound: 1 })
    const consumer = consumed(
      subscribe(),
      (event) =>
        numberOf(event) === 0
          ? consumer.subscription.nack("park", "", event)
          : consumer.subscription.ack(event),
    )
    await until(async () => {
      const { stats } = await client.getPersistentSubscriptionToStreamInfo(stream, "group")
      return stats.lastCheckpointedEventRevision === 3n
    })
    await client.deletePersistentSubscriptionToStream(stream, "group")
    await client.createPersistentSubscriptionToStream(
      stream,
      "group",
      settings({ startFrom: "start" }),
    )
    const again = consumed(subscribe())
    await until(() => again.got.length >= 4)
    expect(again.numbers()).toEqual(upTo(4))
    const { stats } = await client.getPersistentSubscriptionToStreamInfo(stream, "group")
    expect(stats.parkedMessageCount).toBe(0n)
  })

  it("say what is wrong", async () => {
    const { stream, subscribe } = await group(1, { maxSubscriberCount: 1 })
    const refused = async (promise: Promise<unknown>) => {
      const [outcome] = await Promise.allSettled([promise])
      return outcome.status === "rejected" ? outcome.reason : undefined
    }
    expect(
      await refused(client.createPersistentSubscriptionToStream(stream, "group", settings())),
    ).toMatchObject({
      type: "persistent-subscription-exists",
      code: 6,
      streamName: stream,
      groupName: "group",
      message: `6 ALREADY_EXISTS: Subscription group group on stream ${stream} exists.`,
    })
    expect(
      await refused(
        client.createPersistentSubscriptionToStream(stream, "no", settings({ readBatchSize: 500 })),
      ),
    ).toMatchObject({ type: "persistent-subscription-failed", code: 13, groupName: "no" })
    expect(
      await refused(
        client.createPersistentSubscriptionToAll(
          "far",
          allSettings({ startFrom: { commit: 1_000_000n, prepare: 1_000_000n } }),
        ),
      ),
    ).toMatchObject({
      type: "persistent-subscription-failed",
      streamName: "$all",
      reason: "Invalid Start From position: commit position must be less than or equal to the " +
        "last commit position in the transaction file.",
    })
    for (
      const missing of [
        client.deletePersistentSubscriptionToStream(stream, "no"),
        client.updatePersistentSubscriptionToStream(stream, "no", settings()),
        client.replayParkedMessagesToStream(stream, "no"),
      ]
    ) {
      expect(await refused(missing)).toMatchObject({
        type: "persistent-subscription-does-not-exist",
        code: 5,
        streamName: stream,
        groupName: "no",
      })
    }
    const one = consumed(subscribe())
    await until(() => one.got.length >= 1)
    const two = consumed(subscribe())
    const none = consumed(client.subscribeToPersistentSubscriptionToStream(stream, "no"))
    await until(() => two.errors.length > 0 && none.errors.length > 0)
    expect(two.errors).toMatchObject([{ type: "maximum-subscribers-reached", code: 9 }])
    expect(none.errors).toMatchObject([{ type: "persistent-subscription-does-not-exist" }])
  })
})

describe("a restart", () => {
  it("keeps groups, checkpoints and what is parked", async () => {
    const own = await served()
    try {
      const name = "kept-1"
      await own.client.appendToStream(name, numbered(10))
      await own.client.createPersistentSubscriptionToStream(
        name,
        "group",
        settings({ startFrom: "start", checkPointUpperBound: 1, maxRetryCount: 7 }),
      )
      await own.client.createPersistentSubscriptionToStream(name, "ended", settings())
      const one = consumed(
        own.client.subscribeToPersistentSubscriptionToStream(name, "group"),
        (event) =>
          numberOf(event) === 2
            ? one.subscription.nack("park", "later", event)
            : numberOf(event) < 6
            ? one.subscription.ack(event)
            : undefined,
      )
      await until(async () => {
        const { stats } = await own.client.getPersistentSubscriptionToStreamInfo(name, "group")
        return stats.parkedMessageCount === 1n && stats.lastCheckpointedEventRevision === 5n
      })
      await own.client.appendToStream(name, numbered(2, 10))
      await own.restart()
      await until(() => one.errors.length > 0)
      expect(one.errors).toMatchObject([{ type: "unavailable" }])

      const info = await own.client.getPersistentSubscriptionToStreamInfo(name, "group")
      expect(info).toMatchObject({
        settings: { startFrom: "start", maxRetryCount: 7, checkPointUpperBound: 1 },
        stats: { parkedMessageCount: 1n, lastCheckpointedEventRevision: 5n },
      })
      const two = consumed(own.client.subscribeToPersistentSubscriptionToStream(name, "group"))
      const ended = consumed(own.client.subscribeToPersistentSubscriptionToStream(name, "ended"))
      await until(() => two.got.length >= 6 && ended.got.length >= 2)
      expect(two.numbers()).toEqual(upTo(6, 6))
      // It was made when there were ten: what came before anybody consumed is not lost.
      expect(ended.numbers()).toEqual([10, 11])
      await own.client.replayParkedMessagesToStream(name, "group")
      await until(() => two.got.length >= 7)
      expect(two.numbers().at(-1)).toBe(2)
      expect(await own.client.listAllPersistentSubscriptions()).toHaveLength(2)
    } finally {
      await own.close()
    }
  })

  it("of the subsystem drops consumers and loses nothing", async () => {
    const { stream, subscribe } = await group(5)
    const held = consumed(subscribe(), () => {})
    await until(() => held.got.length >= 5)
    await client.restartPersistentSubscriptionSubsystem()
    await until(() => held.errors.length > 0)
    expect(held.errors).toMatchObject([{ type: "persistent-subscription-dropped" }])
    const next = consumed(subscribe())
    await client.appendToStream(stream, numbered(1, 5))
    await until(() => next.got.length >= 6)
    expect(next.numbers()).toEqual(upTo(6))
  })
})
