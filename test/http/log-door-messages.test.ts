/** Calls that the official client does not make, as other clients make them: message by message. */
import { jsonEvent } from "@eventstore/db-client"
import shared from "@eventstore/db-client/generated/shared_pb.js"
import { StreamsClient } from "@eventstore/db-client/generated/streams_grpc_pb.js"
import { GossipClient } from "@eventstore/db-client/generated/gossip_grpc_pb.js"
import { ServerFeaturesClient } from "@eventstore/db-client/generated/serverfeatures_grpc_pb.js"
import type statuses from "@eventstore/db-client/generated/status_pb.js"
import messages from "@eventstore/db-client/generated/streams_pb.js"
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js"
import duration from "google-protobuf/google/protobuf/duration_pb.js"
import empty from "google-protobuf/google/protobuf/empty_pb.js"
import timestamp from "google-protobuf/google/protobuf/timestamp_pb.js"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { field } from "../../http/log-door/encoding.ts"
import { type Opened, opened } from "./log-door-client.ts"

let count = 0
const fresh = () => `wire-${++count}`
const named = (stream: string) =>
  new shared.StreamIdentifier().setStreamName(new TextEncoder().encode(stream))
const idOf = (text: string = crypto.randomUUID()) => new shared.UUID().setString(text)

const event = (properties: Record<string, string>, id = idOf()) => {
  const proposed = new messages.BatchAppendReq.ProposedMessage().setId(id).setData("e30=")
  for (const [key, value] of Object.entries(properties)) proposed.getMetadataMap().set(key, value)
  return proposed
}
const said = (id = idOf()) => event({ type: "Said", "content-type": "application/json" }, id)

const anyOf = (stream: string) =>
  new messages.BatchAppendReq.Options().setStreamIdentifier(named(stream))
    .setAny(new empty.Empty())

/** The options once more, with a deadline that is a duration: what comes last counts. */
const within = (one: messages.BatchAppendReq, millis: number) => {
  const deadline = new duration.Duration().setSeconds(Math.floor(millis / 1_000))
    .setNanos(millis % 1_000 * 1_000_000)
  const options = Buffer.from(one.getOptions()?.serializeBinary() ?? [])
  const named = field(7, Buffer.from(deadline.serializeBinary()))
  return field(2, Buffer.concat([options, named]))
}

const request = (
  correlation: shared.UUID,
  events: ReadonlyArray<messages.BatchAppendReq.ProposedMessage>,
  options?: messages.BatchAppendReq.Options,
  isFinal = true,
) =>
  new messages.BatchAppendReq().setCorrelationId(correlation).setOptions(options)
    .setProposedMessagesList([...events]).setIsFinal(isFinal)

describe("messages", () => {
  let at: Opened
  let client: StreamsClient
  beforeAll(async () => {
    at = await opened()
    client = new StreamsClient(`unix:${at.socket}`, credentials.createInsecure())
  })
  afterAll(async () => {
    client.close()
    await at.close()
  })

  /** Sends requests over one call and gives as many answers as are awaited. */
  const batch = (requests: ReadonlyArray<messages.BatchAppendReq>, answers: number) =>
    new Promise<Array<messages.BatchAppendResp>>((resolve, reject) => {
      const got: Array<messages.BatchAppendResp> = []
      const call = client.batchAppend()
      call.on("error", reject)
      call.on("data", (answer: messages.BatchAppendResp) => {
        got.push(answer)
        if (got.length === answers) call.end()
      })
      call.on("end", () => resolve(got))
      for (const one of requests) call.write(one)
    })

  const late = {
    code: status.DEADLINE_EXCEEDED,
    message: "Timeout",
    type: "type.googleapis.com/event_store.client.Timeout",
  }
  const detail = (error: statuses.Status | undefined) => ({
    code: error?.getCode(),
    message: error?.getMessage(),
    type: error?.getDetails()?.getTypeUrl(),
  })

  describe("batch appends", () => {
    it("come in several pieces, also of several appends at once", async () => {
      const [one, two] = [fresh(), fresh()]
      const [first, second] = [idOf(), idOf()]
      const got = await batch([
        request(first, [said()], anyOf(one), false),
        request(second, [said()], anyOf(two), false),
        request(first, [said(), said()], undefined, false),
        request(second, [said()]),
        request(first, [said()]),
      ], 2)
      expect(got.map((answer) => [
        answer.getCorrelationId()?.getString(),
        answer.getSuccess()?.getCurrentRevision(),
        new TextDecoder().decode(answer.getStreamIdentifier()?.getStreamName_asU8()),
      ])).toEqual([[second.getString(), "1", two], [first.getString(), "3", one]])
    })

    it("take ids as two numbers, and give them back as they were", async () => {
      const stream = fresh()
      const structured = (most: string, least: string) =>
        new shared.UUID().setStructured(
          new shared.UUID.Structured().setMostSignificantBits(most).setLeastSignificantBits(least),
        )
      const correlation = structured("-1", "5")
      const id = structured("81985529216486895", "-81985529216486896")
      const [answer] = await batch([request(correlation, [said(id)], anyOf(stream))], 1)
      expect(answer?.getCorrelationId()?.getStructured()?.toObject()).toEqual({
        mostSignificantBits: "-1",
        leastSignificantBits: "5",
      })
      for await (const { event } of at.client.readStream(stream)) {
        expect(event?.id).toBe("01234567-89ab-cdef-fedc-ba9876543210")
      }
    })

    it("whose events never end are late by the server's own clock, and forgotten", async () => {
      const [short, long, whole, other] = [fresh(), fresh(), fresh(), fresh()]
      const [first, second, third, fourth] = [idOf(), idOf(), idOf(), idOf()]
      const until = (stream: string, millis: number) =>
        anyOf(stream).setDeadline(timestamp.Timestamp.fromDate(new Date(Date.now() + millis)))
      const soon = request(second, [said()], anyOf(short), false)
      const got: Array<messages.BatchAppendResp> = []
      const call = client.makeBidiStreamRequest(
        "/event_store.client.streams.Streams/BatchAppend",
        (one: messages.BatchAppendReq) =>
          // This client knows deadlines as times only; newer ones name how long they wait.
          Buffer.concat([one.serializeBinary(), one === soon ? within(one, 100) : Buffer.alloc(0)]),
        messages.BatchAppendResp.deserializeBinary,
        new Metadata(),
        {},
      )
      const ended = new Promise((resolve, reject) => call.on("error", reject).on("end", resolve))
      const answered = (answers: number) =>
        new Promise<void>((resolve) => {
          const look = () => {
            if (got.length < answers) return
            call.off("data", look)
            resolve()
          }
          call.on("data", look)
          look()
        })
      call.on("data", (answer: messages.BatchAppendResp) => got.push(answer))
      // Nobody waits for ever: neither where an hour was asked for, nor where nothing was.
      call.write(request(first, [said()], until(long, 3_600_000), false))
      call.write(soon)
      call.write(request(third, [said()], until(whole, 1_000), false))
      call.write(request(fourth, [said()], anyOf(other), false))
      call.write(request(third, [said()]))
      await answered(4)
      // Too late: the server knows nothing of it any more, and answers nothing.
      call.write(request(second, [said()]))
      // Under the same correlation it may begin again.
      call.write(request(first, [said()], anyOf(long)))
      await answered(5)
      call.end()
      await ended
      expect(got.map((answer) => [
        answer.getCorrelationId()?.getString(),
        answer.getSuccess()?.getCurrentRevision() ?? detail(answer.getError()),
        new TextDecoder().decode(answer.getStreamIdentifier()?.getStreamName_asU8()),
      ])).toEqual([
        [third.getString(), "1", whole],
        [second.getString(), late, short],
        [first.getString(), late, long],
        [fourth.getString(), late, other],
        [first.getString(), "0", long],
      ])
      expect(await at.door.lastOf(short)).toBe(-1)
      expect(await at.door.lastOf(other)).toBe(-1)
    })

    it("are refused one by one, with the status and detail of the protocol", async () => {
      const stream = fresh()
      const past = anyOf(stream).setDeadline(
        timestamp.Timestamp.fromDate(new Date(Date.now() - 1_000)),
      )
      const wrong = new messages.BatchAppendReq.Options().setStreamIdentifier(named(stream))
        .setStreamPosition("7")
      const large = said().setData(new Uint8Array(1024 * 1024 + 1))
      const asks: ReadonlyArray<readonly [messages.BatchAppendReq, object]> = [
        [request(idOf(), [event({ type: "A" })], anyOf(stream)), {
          code: 3,
          message: "BadRequest",
          type: "type.googleapis.com/event_store.client.BadRequest",
        }],
        [request(idOf(), [said()], past), late],
        [request(idOf(), [said()], wrong), {
          code: 6,
          message: "WrongExpectedVersion",
          type: "type.googleapis.com/event_store.client.WrongExpectedVersion",
        }],
        [request(idOf(), [large], anyOf(stream)), {
          code: 3,
          message: "MaximumAppendSizeExceeded",
          type: "type.googleapis.com/event_store.client.MaximumAppendSizeExceeded",
        }],
        [request(idOf(), [said()], anyOf("$all")), {
          code: 7,
          message: "AccessDenied",
          type: "type.googleapis.com/event_store.client.AccessDenied",
        }],
        [request(idOf(), [said()], new messages.BatchAppendReq.Options()), { code: 3 }],
      ]
      const got = await batch(
        [...asks.map(([one]) => one), request(idOf(), [said()], anyOf(stream))],
        asks.length + 1,
      )
      for (const [one, expected] of asks) {
        const answer = got.find((answer) =>
          answer.getCorrelationId()?.getString() === one.getCorrelationId()?.getString()
        )
        expect(detail(answer?.getError())).toMatchObject(expected)
      }
      expect(got.filter((answer) => answer.hasSuccess())).toHaveLength(1)
    })
  })

  describe("appends, one to a call", () => {
    const append = (
      stream: string,
      expected: (options: messages.AppendReq.Options) => unknown,
      properties: Record<string, string> = { type: "A", "content-type": "application/json" },
      size = 2,
    ) =>
      new Promise<messages.AppendResp>((resolve, reject) => {
        const call = client.append((cause, answer) =>
          cause === null ? resolve(answer) : reject(cause)
        )
        const options = new messages.AppendReq.Options().setStreamIdentifier(named(stream))
        expected(options)
        call.write(new messages.AppendReq().setOptions(options))
        const proposed = new messages.AppendReq.ProposedMessage().setId(idOf())
          .setData(new Uint8Array(size))
        for (const [key, value] of Object.entries(properties)) {
          proposed.getMetadataMap().set(key, value)
        }
        call.write(new messages.AppendReq().setProposedMessage(proposed))
        call.end()
      })
    const trailers = (cause: ServiceError) => ({
      code: cause.code,
      ...cause.metadata.getMap(),
    })
    const refused = (answer: Promise<unknown>) =>
      answer.then(() => expect.fail("was taken"), (cause: ServiceError) => trailers(cause))

    it("answer the revision and position, or which revision was wrong", async () => {
      const stream = fresh()
      const done = await append(stream, (options) => options.setNoStream(new shared.Empty()))
      expect(done.getSuccess()?.getCurrentRevision()).toBe("0")
      expect(done.getSuccess()?.hasPosition()).toBe(true)
      const wrong = await append(stream, (options) => options.setRevision("4"))
      expect(wrong.getWrongExpectedVersion()?.toObject()).toMatchObject({
        currentRevision: "0",
        expectedRevision: "4",
      })
      const none = await append(fresh(), (options) => options.setStreamExists(new shared.Empty()))
      expect(none.getWrongExpectedVersion()?.hasCurrentNoStream()).toBe(true)
      expect(none.getWrongExpectedVersion()?.hasExpectedStreamExists()).toBe(true)
    })

    it("are refused with the trailers of the protocol", async () => {
      const stream = fresh()
      const any = (options: messages.AppendReq.Options) => options.setAny(new shared.Empty())
      expect(await refused(append(stream, any, { type: "A" }))).toMatchObject({
        code: status.INVALID_ARGUMENT,
        exception: "missing-required-metadata-property",
        "required-metadata-properties": "type,content-type",
      })
      expect(await refused(append(stream, any, undefined, 1024 * 1024 + 1))).toMatchObject({
        code: status.INVALID_ARGUMENT,
        exception: "maximum-append-size-exceeded",
        "maximum-append-size": "1048576",
      })
      expect(await refused(append("$all", any))).toMatchObject({
        code: status.PERMISSION_DENIED,
        exception: "access-denied",
      })
      expect(await refused(append("", any))).toMatchObject({ code: status.INVALID_ARGUMENT })
      await append(stream, any)
      await at.client.tombstoneStream(stream)
      expect(await refused(append(stream, any))).toMatchObject({
        code: status.FAILED_PRECONDITION,
        exception: "stream-deleted",
        "stream-name": stream,
      })
    })
  })

  describe("deletions", () => {
    it("that expected another revision say which, also where that is no number", async () => {
      const stream = fresh()
      const nothing = () => new shared.Empty()
      const expectations: ReadonlyArray<
        readonly [string, (options: messages.DeleteReq.Options) => unknown]
      > = [
        ["-4", (options) => options.setStreamExists(nothing())],
        ["-2", (options) => options.setAny(nothing())],
        ["7", (options) => options.setRevision("7")],
      ]
      for (const [number, expected] of expectations) {
        const options = new messages.DeleteReq.Options().setStreamIdentifier(named(stream))
        expected(options)
        const refused = await new Promise<ServiceError | null>((resolve) =>
          client.delete(new messages.DeleteReq().setOptions(options), resolve)
        )
        expect(refused?.code).toBe(status.FAILED_PRECONDITION)
        expect(refused?.metadata.getMap()).toMatchObject({
          exception: "wrong-expected-version",
          "expected-version": number,
          "actual-version": "-1",
          "stream-name": stream,
        })
      }
    })
  })

  describe("reads", () => {
    const read = (change: (options: messages.ReadReq.Options) => unknown) =>
      new Promise<Array<messages.ReadResp.AsObject>>((resolve, reject) => {
        const options = new messages.ReadReq.Options().setCount("10")
          .setNoFilter(new shared.Empty())
          .setUuidOption(new messages.ReadReq.Options.UUIDOption().setString(new shared.Empty()))
        change(options)
        const got: Array<messages.ReadResp.AsObject> = []
        client.read(new messages.ReadReq().setOptions(options))
          .on("data", (answer: messages.ReadResp) => got.push(answer.toObject()))
          .on("error", reject).on("end", () => resolve(got))
      })
    const from = (stream: string, revision: string) =>
      new messages.ReadReq.Options.StreamOptions().setStreamIdentifier(named(stream))
        .setRevision(revision)
    const newer = (options: messages.ReadReq.Options) =>
      options.setControlOption(new messages.ReadReq.Options.ControlOption().setCompatibility(1))

    it("tell newer clients where a stream begins and ends", async () => {
      const stream = fresh()
      await at.client.appendToStream(
        stream,
        Array.from({ length: 40 }, () => jsonEvent({ type: "A", data: {} })),
      )
      await at.client.setStreamMetadata(stream, { truncateBefore: 38 })
      const tell = (answers: ReadonlyArray<messages.ReadResp.AsObject>) => [
        answers[0]?.firstStreamPosition,
        answers.filter(({ event }) => event !== undefined).length,
        answers.at(-1)?.lastStreamPosition,
      ]
      expect(tell(await read((options) => newer(options).setStream(from(stream, "0")))))
        .toEqual(["38", 2, "39"])
      expect(tell(await read((options) => newer(options).setStream(from(stream, "50")))))
        .toEqual(["40", 0, "39"])
      const older = await read((options) => options.setStream(from(stream, "38")))
      expect(older.map(({ event }) => event?.event?.streamRevision)).toEqual(["38", "39"])
    })

    it("give ids as two numbers, where that is asked", async () => {
      const stream = fresh()
      const id = "01234567-89ab-cdef-fedc-ba9876543210"
      await at.client.appendToStream(stream, jsonEvent({ id, type: "A", data: {} }))
      const [got] = await read((options) =>
        options.setStream(from(stream, "0")).setUuidOption(
          new messages.ReadReq.Options.UUIDOption().setStructured(new shared.Empty()),
        )
      )
      expect(got?.event?.event?.id?.structured).toEqual({
        mostSignificantBits: "81985529216486895",
        leastSignificantBits: "-81985529216486896",
      })
    })

    it("say that there is no stream within the answer", async () => {
      const [only] = await read((options) => options.setStream(from("never", "0")))
      expect(only?.streamNotFound).toBeDefined()
    })

    it("of no sense are refused", async () => {
      await expect(read((options) => options.setUuidOption().setStream(from("a", "0"))))
        .rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
      await expect(read((options) => options)).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
      })
      await expect(read((options) => options.setStream(from("", "0")))).rejects.toMatchObject({
        code: status.INVALID_ARGUMENT,
      })
    })
  })

  it("one leader, named as it was reached; and what can be done here", async () => {
    const gossip = new GossipClient(`unix:${at.socket}`, credentials.createInsecure(), {
      "grpc.default_authority": "door.example:4711",
    })
    const members = await new Promise<Array<{ readonly timeStamp: string }>>((resolve, reject) =>
      gossip.read(
        new shared.Empty(),
        (cause, info) => cause === null ? resolve(info.toObject().membersList) : reject(cause),
      )
    )
    gossip.close()
    expect(members).toMatchObject([{
      state: 8,
      isAlive: true,
      httpEndPoint: { address: "door.example", port: 4711 },
    }])
    // Ticks of 100 ns since 1970.
    expect(Math.abs(Number(members[0]?.timeStamp) / 10_000 - Date.now())).toBeLessThan(60_000)
    const features = new ServerFeaturesClient(`unix:${at.socket}`, credentials.createInsecure())
    const found = await new Promise<{ readonly version: string; readonly methods: Array<string> }>(
      (resolve, reject) =>
        features.getSupportedMethods(
          new shared.Empty(),
          (cause, answer) =>
            cause === null
              ? resolve({
                version: answer.getEventStoreServerVersion(),
                methods: answer.getMethodsList().map((one) =>
                  `${one.getServiceName()}/${one.getMethodName()}`
                ),
              })
              : reject(cause),
        ),
    )
    features.close()
    expect(found.version).toMatch(/^24\.10\.\d+$/)
    expect(found.methods).toContain("event_store.client.streams.streams/batchappend")
  })
})
