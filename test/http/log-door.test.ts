/** The protocol's door, over the official client and a real socket: appends, reads, deletions, links. */
import {
  BACKWARDS,
  binaryEvent,
  END,
  type EventData,
  FORWARDS,
  jsonEvent,
  START,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from "@eventstore/db-client"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { received } from "../../actors/foreign-events.ts"
import { type Opened, opened } from "./log-door-client.ts"

let count = 0
const fresh = (category = "talk") => `${category}-${++count}`
const said = (words: unknown = "hello"): EventData =>
  jsonEvent({ type: "Said", data: { words: String(words) } })
const many = (n: number) => Array.from({ length: n }, (_, place) => said(place))

const all = async <A>(stream: AsyncIterable<A>): Promise<Array<A>> => {
  const found: Array<A> = []
  for await (const one of stream) found.push(one)
  return found
}

describe.each(["memory", "sqlite"] as const)("the log's door over %s", (log) => {
  let at: Opened
  /** So much later (ms) than the machine's clock it is at the door. */
  let later = 0
  beforeAll(async () => {
    at = await opened({ log, door: { now: () => Date.now() + later } })
  })
  afterAll(() => at.close())

  const idsOf = async (stream: string, options = {}) =>
    (await all(at.client.readStream(stream, options))).map(({ event }) => event?.id)
  const revisionsOf = async (stream: string, options = {}) =>
    (await all(at.client.readStream(stream, options))).map(({ event }) => Number(event?.revision))

  describe("events", () => {
    it("come back as they were: JSON, bytes, metadata of both kinds, Unicode", async () => {
      const stream = fresh("größe/日本-✨")
      const events = [
        jsonEvent({ type: "Größe $1", data: { a: ["ü", 1e21, null] }, metadata: { by: "me" } }),
        binaryEvent({ type: "Blob", data: new Uint8Array([0, 255, 1]) }),
        binaryEvent({
          type: "Blob",
          data: new Uint8Array(),
          metadata: new Uint8Array([123, 34]),
        }),
        jsonEvent({ type: "Plain", data: "text" }),
      ]
      await at.client.appendToStream(stream, events)
      const read = (await all(at.client.readStream(stream))).map(({ event }) => event)
      expect(read).toMatchObject([
        { id: events[0]!.id, type: "Größe $1", isJson: true, metadata: { by: "me" }, revision: 0n },
        { isJson: false, streamId: stream },
        { isJson: false, revision: 2n },
        { data: "text" },
      ])
      expect(read[0]?.data).toEqual(events[0]!.data)
      expect([...read[1]?.data as Uint8Array]).toEqual([0, 255, 1])
      expect([...read[2]?.metadata as Uint8Array]).toEqual([123, 34])
      expect(Math.abs(Date.now() - read[0]!.created.getTime())).toBeLessThan(60_000)
    })

    it("of 1 MB are taken, and more are refused with the size allowed", async () => {
      const stream = fresh()
      const large = binaryEvent({ type: "B", data: new Uint8Array(1024 * 1024 - 100).fill(7) })
      await at.client.appendToStream(stream, large)
      const [read] = await all(at.client.readStream(stream))
      expect((read?.event?.data as Uint8Array).length).toBe(1024 * 1024 - 100)
      const larger = binaryEvent({ type: "B", data: new Uint8Array(1024 * 1024 + 1) })
      await expect(at.client.appendToStream(stream, larger)).rejects.toMatchObject({
        type: "maximum-append-size-exceeded",
        maxAppendSize: 1024 * 1024,
      })
      expect(await idsOf(stream)).toHaveLength(1)
    })
  })

  describe("expected revisions", () => {
    it("are checked, and the error tells both", async () => {
      const stream = fresh()
      await at.client.appendToStream(stream, many(3), { expectedRevision: "no_stream" })
      const refused = await at.client.appendToStream(stream, said(), { expectedRevision: 1n })
        .catch((cause) => cause)
      expect(refused).toBeInstanceOf(WrongExpectedVersionError)
      expect(refused).toMatchObject({
        streamName: stream,
        expectedVersion: 1n,
        actualVersion: 2n,
      })
      await expect(
        at.client.appendToStream(fresh(), said(), { expectedRevision: "stream_exists" }),
      ).rejects.toMatchObject({ expectedVersion: "stream_exists", actualVersion: "no_stream" })
      await expect(at.client.appendToStream(fresh(), said(), { expectedRevision: 5n }))
        .rejects.toMatchObject({ expectedVersion: 5n, actualVersion: "no_stream" })
    })

    it("the same events at the same revision are one append", async () => {
      const stream = fresh()
      const events = many(3)
      const append = (options = {}, some = events) =>
        at.client.appendToStream(stream, some, options)
      const first = await append({ expectedRevision: "no_stream" })
      expect(await append({ expectedRevision: "no_stream" })).toEqual(first)
      expect(await append({ expectedRevision: "any" })).toEqual(first)
      expect(await append({ expectedRevision: "stream_exists" })).toEqual(first)
      await append({}, many(2))
      expect(await append({ expectedRevision: "no_stream" })).toEqual(first)
      expect((await append({ expectedRevision: 0n }, events.slice(1))).nextExpectedRevision).toBe(
        2n,
      )
      expect(await idsOf(stream)).toHaveLength(5)
    })

    it("some known and some not are a wrong revision, unless they come after the new", async () => {
      const stream = fresh()
      const events = many(2)
      await at.client.appendToStream(stream, events, { expectedRevision: "no_stream" })
      for (const expectedRevision of ["no_stream", "any"] as const) {
        await expect(
          at.client.appendToStream(stream, [events[0]!, said()], { expectedRevision }),
        ).rejects.toBeInstanceOf(WrongExpectedVersionError)
      }
      await expect(
        at.client.appendToStream(stream, [events[1]!, events[0]!], {
          expectedRevision: "no_stream",
        }),
      ).rejects.toBeInstanceOf(WrongExpectedVersionError)
      const written = await at.client.appendToStream(stream, [said(), events[1]!])
      expect(written.nextExpectedRevision).toBe(3n)
      expect((await idsOf(stream))[3]).toBe(events[1]!.id)
    })

    it("a known event at the current revision is appended once more, under its own id", async () => {
      const stream = fresh()
      const event = said()
      await at.client.appendToStream(stream, event, { expectedRevision: "no_stream" })
      const again = await at.client.appendToStream(stream, event, { expectedRevision: 0n })
      expect(again.nextExpectedRevision).toBe(1n)
      // Asked again, it is known at that place.
      expect(await at.client.appendToStream(stream, event, { expectedRevision: 0n })).toEqual(again)
      expect(await idsOf(stream)).toEqual([event.id, event.id])
      const double = said()
      await at.client.appendToStream(stream, [double, double], { expectedRevision: 1n })
      expect((await idsOf(stream)).slice(2)).toEqual([double.id, double.id])
    })

    it("any number of writers append to one stream at once, each event once", async () => {
      const stream = fresh()
      const clients = [at.client, at.connect(), at.connect()]
      const events = many(60)
      await Promise.all(
        events.map((event, place) => clients[place % 3]!.appendToStream(stream, event)),
      )
      expect(new Set(await idsOf(stream)).size).toBe(60)
      expect((await revisionsOf(stream)).at(-1)).toBe(59)
    })
  })

  describe("reading", () => {
    it("goes both ways, from anywhere, as far as it is asked", async () => {
      const stream = fresh()
      await at.client.appendToStream(stream, many(1200))
      expect(await revisionsOf(stream)).toEqual(Array.from({ length: 1200 }, (_, n) => n))
      expect(await revisionsOf(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 3 }))
        .toEqual([1199, 1198, 1197])
      expect(await revisionsOf(stream, { direction: BACKWARDS, fromRevision: 2n })).toEqual([
        2,
        1,
        0,
      ])
      expect(await revisionsOf(stream, { direction: FORWARDS, fromRevision: 1198n, maxCount: 9 }))
        .toEqual([1198, 1199])
      expect(await revisionsOf(stream, { direction: BACKWARDS, fromRevision: START })).toEqual([0])
      expect(await revisionsOf(stream, { direction: FORWARDS, fromRevision: END })).toEqual([])
      expect(await revisionsOf(stream, { fromRevision: 5000n })).toEqual([])
    })

    it("the whole log: a position is included forwards, and excluded backwards", async () => {
      const stream = fresh()
      await at.client.appendToStream(stream, many(5))
      const [last, before] = await all(
        at.client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 2 }),
      )
      expect(last?.event).toMatchObject({ streamId: stream, revision: 4n })
      const position = before!.event!.position!
      const forwards = await all(at.client.readAll({ fromPosition: position }))
      expect(forwards.map(({ event }) => event?.revision)).toEqual([3n, 4n])
      const backwards = await all(
        at.client.readAll({ direction: BACKWARDS, fromPosition: position, maxCount: 1 }),
      )
      expect(backwards[0]?.event?.revision).toBe(2n)
      expect(await all(at.client.readAll({ direction: FORWARDS, fromPosition: END }))).toEqual([])
      expect(await all(at.client.readAll({ direction: BACKWARDS, fromPosition: START }))).toEqual(
        [],
      )
    })

    it("of a stream that never was says so", async () => {
      await expect(all(at.client.readStream(fresh()))).rejects.toBeInstanceOf(StreamNotFoundError)
    })
  })

  it("what this process appends itself is seen at once, by reads and by what is expected", async () => {
    const stream = fresh()
    const own = (revision: number) =>
      Effect.runPromise(
        at.log.append(stream, revision - 1, [
          received({
            id: crypto.randomUUID(),
            type: "Own",
            json: true,
            data: new TextEncoder().encode("{}"),
            metadata: new Uint8Array(),
          }, Date.now()),
        ]),
      )
    await expect(
      at.client.appendToStream(stream, said(), { expectedRevision: "stream_exists" }),
    ).rejects.toBeInstanceOf(WrongExpectedVersionError)
    await own(0)
    await at.client.appendToStream(stream, said(), { expectedRevision: "stream_exists" })
    await own(2)
    expect(await revisionsOf(stream)).toEqual([0, 1, 2])
    expect(await revisionsOf(stream, { fromRevision: 2n })).toEqual([2])
    expect(await revisionsOf(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 }))
      .toEqual([2])
    await at.client.appendToStream(stream, said())
    await own(4)
    await at.client.deleteStream(stream, { expectedRevision: 4n })
    await own(5)
    await at.client.appendToStream(stream, said())
    expect(await revisionsOf(stream)).toEqual([6])
  })

  describe("metadata", () => {
    it("is kept, and cuts what is shown", async () => {
      const stream = fresh()
      await at.client.appendToStream(stream, many(10))
      await at.client.setStreamMetadata(stream, { maxCount: 4, mine: "yes" })
      expect(await revisionsOf(stream)).toEqual([6, 7, 8, 9])
      expect(await at.client.getStreamMetadata(stream)).toMatchObject({
        metadata: { maxCount: 4, mine: "yes" },
      })
      await at.client.setStreamMetadata(stream, { truncateBefore: 8 })
      expect(await revisionsOf(stream)).toEqual([8, 9])
      expect(await revisionsOf(stream, { direction: BACKWARDS, fromRevision: END })).toEqual([9, 8])
      expect(await revisionsOf(stream, { direction: BACKWARDS, fromRevision: 5n })).toEqual([])
      // Of the metadata itself only the last is shown.
      expect(await revisionsOf(`$$${stream}`)).toEqual([1])
      await at.client.setStreamMetadata(stream, {})
      expect(await revisionsOf(stream)).toHaveLength(10)
    })

    it("hides what is too old", async () => {
      const stream = fresh()
      await at.client.appendToStream(stream, many(2))
      await at.client.setStreamMetadata(stream, { maxAge: 10_000 })
      expect(await revisionsOf(stream)).toEqual([0, 1])
      later += 9_900_000
      expect(await revisionsOf(stream)).toEqual([0, 1])
      later += 200_000
      expect(await revisionsOf(stream)).toEqual([])
      await at.client.appendToStream(stream, said())
      expect(await revisionsOf(stream)).toEqual([2])
      expect(await revisionsOf(stream, { direction: BACKWARDS, fromRevision: END })).toEqual([2])
    })
  })

  describe("deletion", () => {
    it("hides a stream, which goes on where it was", async () => {
      const stream = fresh()
      await at.client.appendToStream(stream, many(3))
      await at.client.deleteStream(stream, { expectedRevision: 2n })
      await expect(all(at.client.readStream(stream))).rejects.toBeInstanceOf(StreamNotFoundError)
      await expect(
        at.client.appendToStream(stream, said(), { expectedRevision: "stream_exists" }),
      ).rejects.toBeInstanceOf(StreamDeletedError)
      await expect(at.client.appendToStream(stream, said(), { expectedRevision: 0n }))
        .rejects.toMatchObject({ actualVersion: 2n })
      const back = await at.client.appendToStream(stream, many(2), {
        expectedRevision: "no_stream",
      })
      expect(back.nextExpectedRevision).toBe(4n)
      expect(await revisionsOf(stream)).toEqual([3, 4])
      expect(await at.client.getStreamMetadata(stream)).toMatchObject({
        metadata: { truncateBefore: 3 },
      })
      // Nothing is gone: the whole log has it all.
      const everything = await all(at.client.readAll())
      expect(everything.filter(({ event }) => event?.streamId === stream)).toHaveLength(5)
    })

    it("of a deleted stream with any revision, and by its last one", async () => {
      for (const expectedRevision of ["any", 1n] as const) {
        const stream = fresh()
        await at.client.appendToStream(stream, many(2))
        await at.client.deleteStream(stream)
        await at.client.appendToStream(stream, said(), { expectedRevision })
        expect(await revisionsOf(stream)).toEqual([2])
      }
    })

    it("what was appended before it is not appended again, and brings nothing back", async () => {
      // With a password an append is a call of its own, without one a part of a batch.
      for (const credentials of [undefined, { username: "admin", password: "any" }]) {
        const by = credentials === undefined ? {} : { credentials }
        for (const expectedRevision of ["no_stream", "any"] as const) {
          const stream = fresh()
          const [first, second] = [said(), said()]
          await at.client.appendToStream(stream, [first, second])
          await at.client.deleteStream(stream)
          for (const [events, end] of [[[first], 0n], [[first, second], 1n]] as const) {
            const again = await at.client.appendToStream(stream, [...events], {
              expectedRevision,
              ...by,
            })
            expect(again.nextExpectedRevision).toBe(end)
          }
          await expect(all(at.client.readStream(stream))).rejects.toBeInstanceOf(
            StreamNotFoundError,
          )
          // A part of it is neither the same append nor a new one.
          await expect(
            at.client.appendToStream(stream, [first, said()], { expectedRevision, ...by }),
          ).rejects.toMatchObject({ actualVersion: 1n })
          const back = await at.client.appendToStream(stream, said(), { expectedRevision, ...by })
          expect(back.nextExpectedRevision).toBe(2n)
          expect(await revisionsOf(stream)).toEqual([2])
        }
      }
    })

    it("no stream is called by the mark of metadata alone", async () => {
      const credentials = { username: "admin", password: "any" }
      await expect(at.client.appendToStream("$$", said())).rejects.toThrow()
      await expect(at.client.appendToStream("$$", said(), { credentials })).rejects.toThrow(
        "must have a name",
      )
      await expect(at.client.deleteStream("$$")).rejects.toThrow("must have a name")
      await expect(at.client.tombstoneStream("$$")).rejects.toThrow("must have a name")
      expect(await at.door.lastOf("$$")).toBe(-1)
    })

    it("metadata of a deleted stream brings it back empty", async () => {
      const stream = fresh()
      await at.client.appendToStream(stream, many(2))
      await at.client.deleteStream(stream)
      await at.client.setStreamMetadata(stream, { maxCount: 5 })
      expect(await at.client.getStreamMetadata(stream)).toMatchObject({
        metadata: { maxCount: 5, truncateBefore: 2 },
      })
      await at.client.appendToStream(stream, said())
      expect(await revisionsOf(stream)).toEqual([2])
    })

    it("refuses wrong revisions, with the trailers of the protocol", async () => {
      const stream = fresh()
      await expect(at.client.deleteStream(stream)).rejects.toMatchObject({
        type: "wrong-expected-version",
        streamName: stream,
        actualVersion: -1n,
      })
      await at.client.appendToStream(stream, many(2))
      await expect(at.client.deleteStream(stream, { expectedRevision: 7n })).rejects
        .toMatchObject({ streamName: stream, expectedVersion: 7n, actualVersion: 1n })
    })

    it("a tombstone closes for ever", async () => {
      const stream = fresh()
      await at.client.appendToStream(stream, many(2))
      await at.client.tombstoneStream(stream)
      const attempts = [
        () => all(at.client.readStream(stream)),
        () => at.client.appendToStream(stream, said()),
        () => at.client.setStreamMetadata(stream, {}),
        () => at.client.deleteStream(stream),
        () => at.client.tombstoneStream(stream),
      ]
      for (const attempt of attempts) {
        await expect(attempt()).rejects.toBeInstanceOf(StreamDeletedError)
      }
      const [last] = await all(
        at.client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 }),
      )
      expect(last?.event).toMatchObject({
        type: "$streamDeleted",
        streamId: stream,
        revision: 9223372036854775807n,
      })
    })
  })

  describe("links", () => {
    it("lead to what they name, where that is still shown", async () => {
      const stream = fresh()
      const links = fresh("links")
      await at.client.appendToStream(stream, many(3))
      const link = (to: string) => binaryEvent({ type: "$>", data: new TextEncoder().encode(to) })
      await at.client.appendToStream(links, [link(`1@${stream}`), link(`7@${stream}`)])
      const [found, lost] = await all(at.client.readStream(links, { resolveLinkTos: true }))
      expect(found).toMatchObject({
        event: { streamId: stream, revision: 1n },
        link: { streamId: links, revision: 0n },
      })
      expect(lost?.event).toBeUndefined()
      expect(lost?.link?.revision).toBe(1n)
      const [plain] = await all(at.client.readStream(links))
      expect(plain).toMatchObject({ event: { type: "$>", revision: 0n } })
      await at.client.deleteStream(stream)
      const [gone] = await all(at.client.readStream(links, { resolveLinkTos: true }))
      expect(gone?.event).toBeUndefined()
    })

    it("categories, types and streams are there without projections", async () => {
      const category = `cat${++count}`
      const streams = [`${category}-a`, `${category}-b`]
      await at.client.appendToStream(streams[0]!, many(2))
      await at.client.appendToStream(streams[1]!, jsonEvent({ type: `Kind${count}`, data: {} }))
      await at.client.appendToStream(streams[0]!, said())
      const found = await all(at.client.readStream(`$ce-${category}`, { resolveLinkTos: true }))
      expect(found.map(({ event, link }) => [event?.streamId, event?.revision, link?.revision]))
        .toEqual([
          [streams[0], 0n, 0n],
          [streams[0], 1n, 1n],
          [streams[1], 0n, 2n],
          [streams[0], 2n, 3n],
        ])
      const [last] = await all(
        at.client.readStream(`$ce-${category}`, {
          direction: BACKWARDS,
          fromRevision: END,
          maxCount: 1,
        }),
      )
      expect(last?.event).toMatchObject({ type: "$>", revision: 3n })
      expect(new TextDecoder().decode(last?.event?.data as Uint8Array)).toBe(`2@${streams[0]}`)
      expect(await revisionsOf(`$et-Kind${count}`)).toEqual([0])
      expect((await revisionsOf("$streams")).length).toBeGreaterThan(1)
      await expect(all(at.client.readStream("$ce-never"))).rejects.toBeInstanceOf(
        StreamNotFoundError,
      )
    })
  })
})
