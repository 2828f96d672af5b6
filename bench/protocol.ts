/**
 * The log through the event store's protocol: the official client against the door, in a process of its
 * own, beside the same calls in this process, and beside gRPC alone (empty calls, and streams of messages
 * as large) as the limit. Nothing here says how fast a server of EventStoreDB would be; it says what the
 * way there costs.
 */
import { EventStoreDBClient, jsonEvent, START } from "@eventstore/db-client"
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
} from "@grpc/grpc-js"
import { Context, Effect, Layer, Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { EventLog } from "../actors/event-log.ts"
import * as sqliteLog from "../adapters/event-log-sqlite.ts"
import { rate, type Result } from "./result.ts"

const launcher = fileURLToPath(new URL("../bin/aios", import.meta.url))
/** Appends one after the other, at the same time, and events in appends of a hundred. */
const inSequence = 400
const pipelined = 4_000
const batched = 20_000
const batchEvents = 100
const inFlight = 100
const readEvents = 10_000
const batchesInFlight = 10
/** An event of ours as the protocol writes it. */
const messageBytes = 300
const empty = Buffer.alloc(0)

/** Calls per second of `count` calls, `atOnce` of them under way. */
const perSecond = async (count: number, atOnce: number, call: (n: number) => Promise<unknown>) => {
  const started = performance.now()
  let next = 0
  const worker = async () => {
    while (next < count) await call(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return count / (performance.now() - started) * 1000
}

/** An empty call: the bytes of nothing there and back, over a socket like the door's. */
const echo = async (folder: string) => {
  const server = new Server()
  const plain = (bytes: Buffer) => bytes
  const method = {
    path: "/bench.Echo/Call",
    requestStream: false,
    responseStream: false,
    requestSerialize: plain,
    requestDeserialize: plain,
    responseSerialize: plain,
    responseDeserialize: plain,
  }
  // As many messages of one size as were asked for; and of every message an empty one back.
  const given = { ...method, path: "/bench.Echo/Given", responseStream: true }
  const taken = { ...method, path: "/bench.Echo/Taken", requestStream: true, responseStream: true }
  const message = Buffer.alloc(messageBytes)
  server.addService({ call: method, given, taken }, {
    call: (_call: unknown, done: (error: null, answer: Buffer) => void) => done(null, empty),
    given: async (call: ServerWritableStream<Buffer, Buffer>) => {
      for (let n = call.request.readUInt32BE(); n > 0; n--) {
        if (!call.write(message)) await new Promise((resolve) => call.once("drain", resolve))
      }
      call.end()
    },
    taken: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on("data", () => call.write(empty))
      call.on("end", () => call.end())
    },
  })
  const address = `unix:${join(folder, "echo.sock")}`
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(
      address,
      ServerCredentials.createInsecure(),
      (cause) => cause === null ? resolve() : reject(cause),
    )
  )
  const client = new Client(address, credentials.createInsecure())
  const call = () =>
    new Promise<void>((resolve, reject) =>
      client.makeUnaryRequest(
        method.path,
        plain,
        plain,
        empty,
        (cause) => cause === null ? resolve() : reject(cause),
      )
    )
  await perSecond(200, 10, call)
  const alone = await perSecond(inSequence * 2, 1, call)
  const counted = async (stream: AsyncIterable<unknown>, each = () => {}) => {
    const started = performance.now()
    let n = 0
    for await (const _ of stream) {
      n++
      each()
    }
    return n / (performance.now() - started) * 1000
  }
  const asked = Buffer.alloc(4)
  asked.writeUInt32BE(readEvents)
  const read = () => counted(client.makeServerStreamRequest(given.path, plain, plain, asked))
  /** Messages of so many events in one call, as the client appends, `atOnce` of them not answered yet. */
  const append = (count: number, events: number, atOnce: number) => {
    const stream = client.makeBidiStreamRequest(taken.path, plain, plain)
    const batch = Buffer.alloc(events * messageBytes)
    let left = count
    const next = () => {
      if (left-- > 0) stream.write(batch)
      else if (left === -1) stream.end()
    }
    const rate = counted(stream, next)
    for (let n = 0; n < atOnce; n++) next()
    return rate
  }
  await read()
  const streamed = await read()
  const single = () => append(pipelined, 1, inFlight)
  await single()
  const together = await single()
  const inBatches = () => append(batched / batchEvents, batchEvents, batchesInFlight)
  await inBatches()
  const appended = batchEvents * await inBatches()
  client.close()
  server.forceShutdown()
  return { alone, together, streamed, appended }
}

const data = { person: "0".repeat(32), at: 1_795_000_000_000, warmth: 3 }
const metadata = { at: 1_795_000_000_000, $correlationId: randomUUID() }

/** What the client does, in events per second. */
const throughClient = async (connection: string) => {
  const client = EventStoreDBClient.connectionString(connection)
  const event = () => jsonEvent({ id: randomUUID(), type: "Noted", data, metadata })
  const append = (stream: string, events = 1) =>
    client.appendToStream(stream, Array.from({ length: events }, event))
  await perSecond(100, 10, (n) => append(`warm-${n}`))
  const alone = await perSecond(inSequence, 1, () => append("alone-1"))
  const together = await perSecond(pipelined, inFlight, (n) => append(`together-${n % 1_000}`))
  const inBatches = batchEvents *
    await perSecond(
      batched / batchEvents,
      batchesInFlight,
      (n) => append(`batched-${n % 10}`, batchEvents),
    )
  const read = async (events: AsyncIterable<unknown>) => {
    const started = performance.now()
    let n = 0
    for await (const _ of events) n++
    return n / (performance.now() - started) * 1000
  }
  await append("read-1", batchEvents)
  for (let n = 0; n < readEvents / batchEvents - 1; n++) await append("read-1", batchEvents)
  const stream = await read(client.readStream("read-1", { maxCount: readEvents }))
  const all = await read(client.readAll({ maxCount: readEvents, fromPosition: START }))
  await client.dispose()
  return { alone, together, inBatches, stream, all }
}

/** The same of the log in this process. */
const inProcess = (folder: string) =>
  Effect.gen(function* () {
    const built = yield* Layer.build(sqliteLog.layer({ file: join(folder, "log.db") }))
    const log = Context.get(built, EventLog)
    const run = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(effect)
    const event = () => ({ id: randomUUID(), type: "Noted", data, metadata })
    const revisions = new Map<string, number>()
    const append = (stream: string, events = 1) => {
      const expected = revisions.get(stream) ?? -1
      revisions.set(stream, expected + events)
      return run(log.append(stream, expected, Array.from({ length: events }, event)))
    }
    return yield* Effect.promise(async () => {
      const alone = await perSecond(inSequence, 1, () => append("alone-1"))
      const together = await perSecond(pipelined, inFlight, (n) => append(`together-${n % 1_000}`))
      const inBatches = batchEvents *
        await perSecond(batched / batchEvents, 10, (n) => append(`batched-${n % 10}`, batchEvents))
      await append("read-1", readEvents)
      const timed = async (read: () => Promise<ReadonlyArray<unknown>>) => {
        const started = performance.now()
        return (await read()).length / (performance.now() - started) * 1000
      }
      const stream = await timed(() => run(log.readPage("read-1", { limit: readEvents })))
      const all = await timed(() => run(log.readAll({ limit: readEvents })))
      return { alone, together, inBatches, stream, all }
    })
  }).pipe(Scope.provide(Effect.runSync(Scope.make())), Effect.runPromise)

const served = async (folder: string): Promise<readonly [ChildProcess, string]> => {
  const args = ["serve-log", "--insecure", "--port", "0", "--data-dir", join(folder, "served")]
  const child = spawn("node", [launcher, ...args], { stdio: ["ignore", "ignore", "pipe"] })
  let said = ""
  for await (const text of child.stderr?.setEncoding("utf8") ?? []) {
    said += text
    const connection = /esdb:\/\/\S+/.exec(said)?.[0]
    if (connection !== undefined && said.includes("Ready.")) return [child, connection]
  }
  throw new Error(`aios serve-log did not come up:\n${said}`)
}

export const protocol = async (): Promise<ReadonlyArray<Result>> => {
  const folder = mkdtempSync(join(tmpdir(), "aios-bench-protocol-"))
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
  const limit = await echo(folder)
  const here = await inProcess(folder)
  const [child, connection] = await served(folder)
  const through = await throughClient(connection).finally(() => child.kill("SIGTERM"))
  const empties = "empty gRPC calls"
  const own = "the same calls in this process"
  const messages = `messages of ${messageBytes} bytes in a gRPC stream`
  const written = `bytes of ${batchEvents} events in a gRPC message, answered empty`
  return [
    rate("log-append", "appends/s", through.alone, limit.alone, `${empties}, one by one`),
    rate(
      "log-append-many",
      "appends/s",
      through.together,
      limit.together,
      `messages of ${messageBytes} bytes in one gRPC call, answered empty, ${inFlight} at once`,
    ),
    rate("log-append-own", "appends/s", through.alone, here.alone, `${own}, one by one`),
    rate(
      "log-append-many-own",
      "appends/s",
      through.together,
      here.together,
      `${own}, 100 at once`,
    ),
    rate("log-append-batch", "events/s", through.inBatches, limit.appended, written),
    rate("log-read-stream", "events/s", through.stream, limit.streamed, messages),
    rate("log-read-all", "events/s", through.all, limit.streamed, messages),
    rate(
      "log-append-batch-own",
      "events/s",
      through.inBatches,
      here.inBatches,
      `${own}, 100 per append`,
    ),
    rate("log-read-stream-own", "events/s", through.stream, here.stream, own),
    rate("log-read-all-own", "events/s", through.all, here.all, own),
  ]
}
