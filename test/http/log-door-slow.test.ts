/** Callers of the log's door that do not read: what is held for them is bounded, and others are served. */
import { binaryEvent, EventStoreDBClient, jsonEvent } from "@eventstore/db-client"
import messages from "@eventstore/db-client/generated/streams_pb.js"
import shared from "@eventstore/db-client/generated/shared_pb.js"
import { Effect, Layer } from "effect"
import { Buffer } from "node:buffer"
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2"
import { afterEach, describe, expect, it } from "vitest"
import { EventLog, type RecordedEvent } from "../../actors/event-log.ts"
import { layer as memory } from "../../adapters/event-log-memory.ts"
import { budget } from "../../http/log-door/budget.ts"
import { identifierOf } from "../../http/log-door/names.ts"
import { type ServedLog, servedLog } from "../log-door.ts"

const megabyte = 1_000_000
const large = 24

/** A log that counts the large events it gives. */
const counted = () => {
  let given = 0
  const count = <A extends ReadonlyArray<RecordedEvent>>(page: A): A => {
    given += page.filter(({ stream }) => stream === "large-1").length
    return page
  }
  const layer = Layer.effect(
    EventLog,
    Effect.gen(function* () {
      const log = yield* EventLog
      return EventLog.of({
        ...log,
        readPage: (stream, options) => Effect.map(log.readPage(stream, options), count),
        readAll: (options) => Effect.map(log.readAll(options), count),
      })
    }),
  ).pipe(Layer.provide(memory))
  return { layer, given: () => given, reset: () => given = 0 }
}

/** A read or a subscription from the start, of the stream or of all. */
const request = (all: boolean, subscribes: boolean): Buffer => {
  const { Options } = messages.ReadReq
  const options = new Options()
    .setReadDirection(Options.ReadDirection.FORWARDS)
    .setUuidOption(new Options.UUIDOption().setString(new shared.Empty()))
    .setNoFilter(new shared.Empty())
  if (all) options.setAll(new Options.AllOptions().setStart(new shared.Empty()))
  else {
    options.setStream(
      new Options.StreamOptions().setStreamIdentifier(identifierOf("large-1")).setStart(
        new shared.Empty(),
      ),
    )
  }
  if (subscribes) options.setSubscription(new Options.SubscriptionOptions())
  else options.setCount(String(large))
  return Buffer.from(new messages.ReadReq().setOptions(options).serializeBinary())
}

const until = async (is: () => boolean) => {
  const end = Date.now() + 5_000
  while (!is()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${is}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

describe("callers that do not read", () => {
  const ends: Array<() => Promise<unknown>> = []
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end()
  })
  const connect = (served: ServedLog) => {
    const client = EventStoreDBClient.connectionString(served.connection)
    ends.push(() => client.dispose())
    return client
  }
  const filled = async (
    event: () => ReturnType<typeof binaryEvent> | ReturnType<typeof jsonEvent>,
    heldBytesMax?: number,
  ) => {
    const log = counted()
    const served = await servedLog({
      layer: log.layer,
      ...(heldBytesMax === undefined ? {} : { door: { heldBytesMax } }),
    })
    ends.push(() => served.close())
    const client = connect(served)
    for (let n = 0; n < large; n++) await client.appendToStream("large-1", event())
    await client.appendToStream("small-1", jsonEvent({ type: "Said", data: {} }))
    log.reset()
    return { log, served, client }
  }
  /** Asks in HTTP/2 itself, and takes nothing: the client would read ahead. */
  const stall = (session: ClientHttp2Session, request: Buffer) => {
    const call = session.request({
      ":method": "POST",
      ":path": "/event_store.client.streams.Streams/Read",
      "content-type": "application/grpc",
      te: "trailers",
    })
    call.on("error", () => {})
    const head = Buffer.alloc(5)
    head.writeUInt32BE(request.length, 1)
    call.end(Buffer.concat([head, request]))
    return call
  }
  const sessionOf = (served: ServedLog) => {
    const session = connectHttp2(`http://127.0.0.1:${served.port}`)
    session.on("error", () => {})
    ends.push(() => Promise.resolve(session.destroy()))
    return session
  }
  const binary = () => binaryEvent({ type: "Blob", data: new Uint8Array(megabyte) })
  const json = () => jsonEvent({ type: "Text", data: { text: "x".repeat(megabyte) } })

  for (const [kind, event] of [["bytes", binary], ["JSON", json]] as const) {
    it(`have one or two large events of ${kind} read for them, not all`, async () => {
      const { log, served, client } = await filled(event)
      const callers = 8
      const session = sessionOf(served)
      for (let n = 0; n < callers; n++) stall(session, request(n % 2 === 0, n % 4 < 2))
      await until(() => log.given() >= callers)
      await pause(200)
      expect(log.given()).toBeLessThanOrEqual(2 * callers)
      expect(served.door.held.held()).toBeLessThan(5 * megabyte * callers)
      let read = 0
      for await (const _ of client.readStream("large-1")) read++
      expect(read).toBe(large)
    }, 8_000)
  }

  it("use up what all may hold; who comes then waits until they leave", async () => {
    const { served, client } = await filled(binary, 6 * megabyte)
    const session = sessionOf(served)
    const stalled = [request(true, false), request(false, true)].map((one) => stall(session, one))
    await until(() => served.door.held.held() > 4.5 * megabyte)
    let read = 0
    const reading = (async () => {
      for await (const _ of client.readStream("small-1")) read++
    })()
    await pause(150)
    expect(read).toBe(0)
    for (const one of stalled) one.close(constants.NGHTTP2_CANCEL)
    await reading
    expect(read).toBe(1)
    await until(() => served.door.held.held() === 0)
  }, 8_000)
})

describe("the budget of callers", () => {
  it("lets waiters in by turns, as far as they fit, and forgets those who leave", async () => {
    const held = budget(10)
    const { signal } = new AbortController()
    const order: Array<string> = []
    await held.take(8, signal)
    const leaving = new AbortController()
    const left = held.take(1_000, leaving.signal)
    const second = held.take(9, signal).then(() => order.push("second"))
    const third = held.take(1, signal).then(() => order.push("third"))
    leaving.abort(new Error("left"))
    await expect(left).rejects.toThrow("left")
    await pause(5)
    expect(order).toEqual([])
    held.add(-8)
    await Promise.all([second, third])
    expect(order).toEqual(["second", "third"])
    expect(held.held()).toBe(10)
  })
})
