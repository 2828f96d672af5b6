/**
 * What an event store's protocol promises and a lazy server would miss, told over the official client. It
 * runs against any server: streams have names of their own, and nothing is said of what else is there.
 */
import {
  type AllStreamSubscription,
  END,
  type EventData,
  EventStoreDBClient,
  jsonEvent,
  MaxAppendSizeExceededError,
  NO_STREAM,
  type Position,
  START,
  StreamDeletedError,
  streamNameFilter,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from "@eventstore/db-client"
import { randomUUID } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

export interface Server {
  readonly connection: string
  /** Ends every connection and serves again at the same address; absent where a test may not do that. */
  readonly restart?: () => Promise<void>
  readonly close: () => Promise<void>
}

const waitMillisMax = 20_000
const flood = 10_000

const events = (count: number, type = "Said"): Array<EventData> =>
  Array.from({ length: count }, (_, n) => jsonEvent({ type, data: { n } }))
const idsOf = (given: ReadonlyArray<{ readonly id: string }>) => given.map(({ id }) => id)

export const eventStoreProtocol = (name: string, open: () => Promise<Server>) => {
  describe(name, () => {
    let server: Server
    let client: EventStoreDBClient
    const all: Array<EventStoreDBClient> = []
    const connect = () => {
      const one = EventStoreDBClient.connectionString(server.connection)
      all.push(one)
      return one
    }
    beforeAll(async () => {
      server = await open()
      client = connect()
    })
    afterAll(async () => {
      await Promise.all(all.map((one) => one.dispose()))
      await server.close()
    })

    const run = randomUUID().slice(0, 8)
    let streams = 0
    const aStream = (category = "talk") => `${category}${run}-${streams++}`

    const read = async (
      stream: string,
      options: Parameters<EventStoreDBClient["readStream"]>[1] = {},
    ) => {
      const found = []
      for await (const { event } of client.readStream(stream, options)) {
        if (event !== undefined) found.push(event)
      }
      return found
    }
    const append = (stream: string, given: Array<EventData>, expectedRevision: bigint | "any") =>
      client.appendToStream(stream, given, {
        expectedRevision: expectedRevision === -1n ? NO_STREAM : expectedRevision,
      })

    /** Takes events of streams with a prefix until `enough`, and what the subscription said on the way. */
    const follow = (
      by: EventStoreDBClient,
      prefix: string,
      from: Position | typeof START | typeof END,
      enough: (ids: ReadonlyArray<string>) => boolean,
    ) => {
      const ids: Array<string> = []
      const positions: Array<Position> = []
      const checkpoints: Array<Position> = []
      const subscription: AllStreamSubscription = by.subscribeToAll({
        fromPosition: from,
        filter: streamNameFilter({
          prefixes: [prefix],
          checkpointInterval: 1,
          maxSearchWindow: 32,
          checkpointReached: (_, position) => {
            checkpoints.push(position)
          },
        }),
      })
      const confirmed = new Promise<void>((resolve) =>
        subscription.on("confirmation", () => resolve())
      )
      const done = new Promise<void>((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`${ids.length} events came, and no more`)),
          waitMillisMax,
        )
        subscription.on("error", (cause) => {
          clearTimeout(late)
          reject(cause)
        })
        subscription.on("data", ({ event }) => {
          if (event === undefined) return
          ids.push(event.id)
          positions.push(event.position)
          if (!enough(ids)) return
          clearTimeout(late)
          resolve()
        })
      })
      // Whoever does not wait for it is not told that way.
      done.catch(() => {})
      return {
        ids,
        positions,
        checkpoints,
        confirmed,
        done,
        stop: () => subscription.unsubscribe(),
      }
    }

    it("the same events at the same revision are written once, and answered as the first time", async () => {
      const stream = aStream()
      const [first, second] = [events(3), events(2)]
      const answer = await append(stream, first, -1n)
      await append(stream, second, 2n)
      for (let n = 0; n < 3; n++) {
        expect(await append(stream, first, -1n)).toMatchObject({
          success: true,
          nextExpectedRevision: 2n,
        })
      }
      expect(answer.nextExpectedRevision).toBe(2n)
      expect(await append(stream, second, 2n)).toMatchObject({ nextExpectedRevision: 4n })
      expect(await append(stream, second, "any")).toMatchObject({ nextExpectedRevision: 4n })
      expect(await read(stream)).toHaveLength(5)
    })

    it("the same events at another revision are refused, and so is a part with something new", async () => {
      const stream = aStream()
      const first = events(3)
      await append(stream, first, -1n)
      for (const given of [first.slice(1), [...first, ...events(1)], events(1)]) {
        await expect(append(stream, given, -1n)).rejects.toThrow(WrongExpectedVersionError)
      }
      await expect(append(stream, events(1), 7n)).rejects.toMatchObject({
        type: "wrong-expected-version",
        streamName: stream,
        expectedVersion: 7n,
        actualVersion: 2n,
      })
      expect(idsOf(await read(stream))).toEqual(idsOf(first))
    })

    it("something new among what is known is refused at any revision, and never lost by a success", async () => {
      const stream = aStream()
      const [first, second] = events(2)
      await append(stream, [first!, second!], -1n)
      const fresh = events(1)[0]!
      const parts = [[second!, fresh], [first!, fresh], [first!, fresh, second!]]
      for (const expectedRevision of ["any", "stream_exists"] as const) {
        for (const given of parts) {
          await expect(client.appendToStream(stream, given, { expectedRevision })).rejects
            .toMatchObject({ type: "wrong-expected-version", actualVersion: 1n })
        }
      }
      expect(idsOf(await read(stream))).toEqual(idsOf([first!, second!]))
      // What is new comes first: then all of it is, as nobody looks at the rest.
      expect(await append(stream, [fresh, second!], "any")).toMatchObject({
        nextExpectedRevision: 3n,
      })
      expect(idsOf(await read(stream))).toEqual(idsOf([first!, second!, fresh, second!]))
      // Of an event that stands twice it is the first that was appended before.
      expect(await append(stream, [second!], "any")).toMatchObject({ nextExpectedRevision: 1n })
      expect(await append(stream, [fresh, second!], 1n)).toMatchObject({
        nextExpectedRevision: 3n,
      })
    })

    it("a stream that was deleted begins again where it ended", async () => {
      const stream = aStream()
      await append(stream, events(3), -1n)
      await client.deleteStream(stream, { expectedRevision: 2n })
      await expect(read(stream)).rejects.toThrow(StreamNotFoundError)
      await expect(append(stream, events(1), 0n)).rejects.toThrow(WrongExpectedVersionError)
      const again = events(2)
      expect(await append(stream, again, -1n)).toMatchObject({ nextExpectedRevision: 4n })
      const found = await read(stream)
      expect(found.map(({ revision }) => revision)).toEqual([3n, 4n])
      expect(idsOf(found)).toEqual(idsOf(again))
      expect(await append(stream, events(1), 4n)).toMatchObject({ nextExpectedRevision: 5n })
      // Nothing of it was lost for who reads everything.
      const seen = follow(client, stream, START, (ids) => ids.length === 6)
      await seen.done
      await seen.stop()
    })

    it("a stream with a tombstone is closed for ever", async () => {
      const stream = aStream()
      await append(stream, events(1), -1n)
      await client.tombstoneStream(stream)
      await expect(append(stream, events(1), "any")).rejects.toThrow(StreamDeletedError)
      await expect(append(stream, events(1), -1n)).rejects.toThrow(StreamDeletedError)
      await expect(read(stream)).rejects.toThrow(StreamDeletedError)
    })

    it("what is truncated is gone for readers, and revisions go on", async () => {
      const stream = aStream()
      await append(stream, events(10), -1n)
      const revisions = async () => (await read(stream)).map(({ revision }) => Number(revision))
      await client.setStreamMetadata(stream, { truncateBefore: 7 })
      expect(await revisions()).toEqual([7, 8, 9])
      await client.setStreamMetadata(stream, { maxCount: 2 })
      expect(await revisions()).toEqual([8, 9])
      await append(stream, events(3), 9n)
      expect(await revisions()).toEqual([11, 12])
      const back = await read(stream, { direction: "backwards", fromRevision: END })
      expect(back.map(({ revision }) => Number(revision))).toEqual([12, 11])
      const from = await read(stream, { fromRevision: 3n, maxCount: 1 })
      expect(from.map(({ revision }) => Number(revision))).toEqual([11])
    })

    it("subscribers see every event once and in order while many append", async () => {
      const prefix = `rush${run}-`
      const total = 1_500
      const before = events(300)
      await Promise.all(before.map((event, n) => append(`${prefix}old${n}`, [event], -1n)))
      const enough = (ids: ReadonlyArray<string>) => ids.length === total + before.length
      const followers = [follow(client, prefix, START, enough)]
      const given = events(total)
      const writers = [connect(), connect()]
      const writing = given.map((event, n) =>
        writers[n % 2]!.appendToStream(`${prefix}${n}`, event, { expectedRevision: NO_STREAM })
      )
      // Some come when it is under way: they catch up and go on without a gap.
      followers.push(follow(connect(), prefix, START, enough))
      await Promise.all(writing.slice(0, total / 2))
      followers.push(follow(connect(), prefix, START, enough))
      await Promise.all(writing)
      followers.push(follow(connect(), prefix, START, enough))
      await Promise.all(followers.map(({ done }) => done))
      const [first, ...others] = followers
      expect(new Set(first!.ids)).toEqual(new Set(idsOf([...before, ...given])))
      for (const { ids } of others) expect(ids).toEqual(first!.ids)
      for (const { positions } of followers) {
        expect(positions.every((at, n) => n === 0 || at.commit > positions[n - 1]!.commit)).toBe(
          true,
        )
      }
      await Promise.all(followers.map(({ stop }) => stop()))
    })

    it("one goes on after any position, checkpoints of a filter included", async () => {
      const [wanted, other] = [`wanted${run}-`, `other${run}-`]
      const given = events(12)
      for (const [n, event] of given.entries()) {
        await append(`${wanted}${n}`, [event], -1n)
        // Far more that is of no interest, so that there is something to say.
        await append(`${other}${n}`, events(100), -1n)
      }
      const seen = follow(client, wanted, START, (ids) => ids.length === given.length)
      await seen.done
      expect(seen.ids).toEqual(idsOf(given))
      const last = seen.positions.at(-1)!
      const until = Date.now() + waitMillisMax
      while (!seen.checkpoints.some(({ commit }) => commit > last.commit) && Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      await seen.stop()
      const { checkpoints } = seen
      expect(checkpoints.length).toBeGreaterThan(10)
      expect(checkpoints.every((at, n) => n === 0 || at.commit >= checkpoints[n - 1]!.commit))
        .toBe(true)
      const stands = [...seen.positions.slice(0, -1), ...checkpoints]
        .filter(({ commit }) => commit < last.commit)
      for (const at of stands.filter((_, n) => n % 5 === 0)) {
        const rest = given.filter((_, n) => seen.positions[n]!.commit > at.commit)
        const later = follow(client, wanted, at, (ids) => ids.length === rest.length)
        await later.done
        expect(later.ids).toEqual(idsOf(rest))
        await later.stop()
      }
    })

    it("names and contents may be of any letters", async () => {
      const names = ["größe-ä€😀", "顧客-東京", "عميل-١", "a b-%41/..?#&=+@", "é".repeat(150)]
        .map((one) => `${run} ${one}`)
      for (const stream of names) {
        const event = jsonEvent({ type: "Größe 😀", data: { words: stream }, metadata: { stream } })
        await append(stream, [event], -1n)
        expect(await read(stream)).toMatchObject([{
          streamId: stream,
          type: "Größe 😀",
          data: { words: stream },
          metadata: { stream },
        }])
      }
      await expect(append(names[1]!, events(1), -1n)).rejects.toMatchObject({
        streamName: names[1],
      })
    })

    it("takes events of nearly a megabyte, and says what is too much", async () => {
      const stream = aStream()
      const large = jsonEvent({ type: "Large", data: "x".repeat(1_000_000) })
      await append(stream, [large], -1n)
      expect((await read(stream))[0]?.data).toBe(large.data)
      const larger = Array.from(
        { length: 20 },
        () => jsonEvent({ type: "Large", data: "x".repeat(900_000) }),
      )
      await expect(append(stream, larger, 0n)).rejects.toThrow(MaxAppendSizeExceededError)
      expect(await append(stream, events(1), 0n)).toMatchObject({ nextExpectedRevision: 1n })
    })

    it("a flood of appends is taken whole", async () => {
      const prefix = `flood${run}-`
      const given = events(flood)
      const answers = await Promise.all(
        given.map((event, n) =>
          append(`${prefix}${n % 500}`, [event], BigInt(Math.floor(n / 500) - 1))
        ),
      )
      expect(answers.every(({ success }) => success)).toBe(true)
      const seen = follow(client, prefix, START, (ids) => ids.length === flood)
      await seen.done
      expect(new Set(seen.ids)).toEqual(new Set(idsOf(given)))
      await seen.stop()
    })

    it("a server that ends in mid-subscription says so, and nothing is missed afterwards", async (test) => {
      if (server.restart === undefined) return test.skip()
      const prefix = `restart${run}-`
      const by = connect()
      const given = events(60)
      const put = (from: number, to: number) =>
        Promise.all(
          given.slice(from, to).map((event, n) => append(`${prefix}${from + n}`, [event], -1n)),
        )
      const seen = follow(by, prefix, START, () => false)
      await put(0, 30)
      while (seen.ids.length < 30) await new Promise((resolve) => setTimeout(resolve, 5))
      const broke = seen.done.then(() => "went on", (cause) => cause.type)
      await server.restart()
      expect(["unavailable", "cancelled"]).toContain(await broke)
      const reached = seen.positions.at(-1)!
      const again = async (attempt: () => Promise<unknown>) => {
        for (let n = 0;; n++) {
          try {
            return await attempt()
          } catch (cause) {
            if (n === 20) throw cause
            await new Promise((resolve) => setTimeout(resolve, 50))
          }
        }
      }
      await again(() => put(30, 60))
      const rest = follow(by, prefix, reached, (ids) => ids.length === 30)
      await rest.done
      expect(new Set([...seen.ids, ...rest.ids])).toEqual(new Set(idsOf(given)))
      await rest.stop()
    })
  })
}
