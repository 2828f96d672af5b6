/**
 * What the event log over an event store's client promises beside the port: servers that come and go,
 * several processes on one log, logs of others, and an index that may be lost. Over a real socket to the
 * protocol's door.
 */
import { Effect, Exit, Fiber, Layer, ManagedRuntime, Scope, Stream } from "effect"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { afterAll, afterEach, describe, expect, it } from "vitest"
import { EventLog, type RecordedEvent } from "../../actors/event-log.ts"
import { layer, type Options } from "../../adapters/event-log-eventstoredb.ts"
import { layer as memory } from "../../adapters/event-log-memory.ts"
import { doors, listen } from "../../http/log-door/mod.ts"
import { everything } from "../contract/event-log.ts"
import { anEvent, events } from "../contract/histories-of-appends.ts"
import { type ServedLog, servedLog } from "../log-door.ts"
import { freePort } from "../free-port.ts"

type Log = EventLog["Service"]

const folder = mkdtempSync(join(tmpdir(), "aios-log-eventstoredb-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ending: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

const served = async (): Promise<ServedLog> => {
  const one = await servedLog()
  ending.push(one.close)
  return one
}
const opened = async (options: Options): Promise<Log> => {
  const runtime = ManagedRuntime.make(layer(options))
  ending.push(() => runtime.dispose())
  return await runtime.runPromise(EventLog.pipe(Effect.map((log) => log)))
}
const run = Effect.runPromise
const ids = (page: Iterable<RecordedEvent>) => Array.from(page, ({ id }) => id)
const idsOf = (page: Iterable<{ readonly id: string }>) => Array.from(page, ({ id }) => id)
/** The first `count` events after `after`. */
const followed = (log: Log, after: number, count: number) =>
  run(
    log.follow(after).pipe(
      Stream.flatMap(Stream.fromIterable),
      Stream.take(count),
      Stream.runCollect,
    ),
  )
describe("event log over EventStoreDB's client", () => {
  it("goes on after the server was away, with every event once and in order", async () => {
    const server = await served()
    const log = await opened({ connection: server.connection })
    const total = 400
    const seen = run(
      log.follow(-1).pipe(
        Stream.flatMap(Stream.fromIterable),
        Stream.take(total),
        Stream.runCollect,
      ),
    )
    const given = events(total)
    const writing = (async () => {
      for (const [n, event] of given.entries()) {
        // A caller that is told to try again does, with the same ids.
        await run(
          log.append(`lead-${n % 5}`, Math.floor(n / 5) - 1, [event]).pipe(
            Effect.retry({
              while: (failure) => failure._tag === "LogUnavailable" && failure.retryable,
            }),
          ),
        )
      }
    })()
    for (let cut = 0; cut < 3; cut++) {
      await new Promise((resolve) => setTimeout(resolve, 120))
      await server.stop()
      await new Promise((resolve) => setTimeout(resolve, 80))
      await server.start()
    }
    await writing
    expect(ids(await seen)).toEqual(idsOf(given))
    expect(ids(await run(everything(server.log)))).toEqual(idsOf(given))
  })

  it("appends of many at once survive that a connection is cut, on other servers too", async () => {
    const [server, other] = [await served(), await served()]
    const flood = async ({ connection, log: beside }: ServedLog) => {
      const log = await opened({ connection })
      const given = events(600)
      const outcomes = await run(
        Effect.forEach(given, (event, n) => log.append(`lead-${n}`, -1, [event]), {
          concurrency: "unbounded",
        }),
      )
      expect(outcomes.map(({ revision }) => revision)).toEqual(given.map(() => 0))
      // Nobody had them before, however often they were sent.
      expect(outcomes.some(({ duplicate }) => duplicate)).toBe(false)
      const all = await run(everything(log))
      const places = new Map(all.map(({ id, position }) => [id, position]))
      expect(outcomes.map(({ positions }) => positions))
        .toEqual(given.map(({ id }) => [places.get(id)]))
      const kept = ids(await run(everything(beside)))
      expect(kept).toHaveLength(600)
      expect(new Set(kept)).toEqual(new Set(idsOf(given)))
    }
    // The client has one map of answers for all connections of a process.
    const both = [flood(server), flood(other)]
    for (let cut = 0; cut < 3; cut++) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      await server.stop()
      await server.start()
    }
    await Promise.all(both)
  })

  it("is there before its server, says so, and follows once it comes", async () => {
    const port = await freePort()
    const began = Date.now()
    const log = await opened({ connection: `esdb://me:secret@127.0.0.1:${port}?tls=false` })
    const refusals = await run(
      Effect.all([Effect.flip(log.head), Effect.flip(log.readPage("lead-1"))], {
        concurrency: "unbounded",
      }),
    )
    for (const refused of refusals) {
      expect(refused).toMatchObject({ _tag: "LogUnavailable", reason: "failed", retryable: true })
      expect(refused.message).toContain(`127.0.0.1:${port}`)
      expect(JSON.stringify(refused)).not.toContain("secret")
    }
    expect(Date.now() - began).toBeLessThan(15_000)
    const seen = followed(log, -1, 1)
    const server = await servedLog({ port })
    ending.push(server.close)
    const [event] = events(1)
    await run(server.log.append("lead-1", -1, [event!]))
    expect(ids(await seen)).toEqual([event!.id])
    expect(ids(await run(log.readPage("lead-1")))).toEqual([event!.id])
  })

  it("refuses the log of another installation", async () => {
    const { connection, log } = await served()
    const ours = await opened({ connection, installation: "ours" })
    await run(ours.append("lead-1", -1, events(1)))
    await opened({ connection, installation: "ours" })
    const refused = await run(
      Effect.flip(
        Effect.scoped(Effect.provide(EventLog, layer({ connection, installation: "x" }))),
      ),
    )
    expect(refused).toMatchObject({ reason: "foreign", retryable: false })
    // Whose it is is no event of ours.
    expect(await run(ours.readAll())).toHaveLength(1)
    expect(await run(ours.head)).toBe((await run(ours.readAll())).at(-1)?.position)
    expect((await run(log.readAll())).some(({ stream }) => stream === "$$aios")).toBe(true)
  })

  it("two on one log answer as one does", async () => {
    const { connection } = await served()
    const [a, b] = [await opened({ connection }), await opened({ connection })]
    const [first, second, third] = [events(2), events(1), events(1)]
    const given = await run(a.append("lead-1", -1, first))
    // The server compares ids where the revision is behind; where it is not, nobody else does.
    expect(await run(b.append("lead-1", -1, first))).toEqual({ ...given, duplicate: true })
    expect(await run(b.append("lead-1", 1, first))).toEqual({ ...given, duplicate: true })
    expect(await run(Effect.flip(b.append("lead-1", 0, second)))).toMatchObject({ actual: 1 })
    expect(await run(b.append("lead-1", 1, second))).toMatchObject({ revision: 2 })
    expect(ids(await run(a.byId(second[0]!.id)))).toEqual(idsOf(second))
    const both = await run(
      Effect.all([a, b].map((log) => Effect.exit(log.append("lead-1", 2, [anEvent()]))), {
        concurrency: "unbounded",
      }),
    )
    expect(both.map(({ _tag }) => _tag).toSorted()).toEqual(["Failure", "Success"])
    await run(b.append("invoice-1", -1, third))
    expect(await run(a.streams("invoice"))).toEqual(["invoice-1"])
    expect(ids(await followed(a, -1, 5))).toEqual(ids(await run(everything(b))))
  })

  it("speaks TLS with credentials, and says so where they are wrong", async () => {
    const token = "a-password-that-nobody-guesses"
    const dataDir = mkdtempSync(join(folder, "secure-"))
    const sockets = { secure: join(dataDir, "log.sock"), open: join(dataDir, "log-open.sock") }
    const scope = Scope.makeUnsafe()
    ending.push(() => run(Scope.close(scope, Exit.void)))
    const front = await run(
      Effect.gen(function* () {
        const log = yield* EventLog
        const { hold } = yield* doors({ log, sockets, dataDir, token })
        const socket = yield* hold(true)
        const upstream = () => socket
        return yield* listen({ dataDir, port: 0, socket: undefined, insecure: false, upstream })
      }).pipe(
        Effect.provide(await run(Layer.buildWithScope(memory, scope))),
        Scope.provide(scope),
      ),
    )
    const string = front.connection ?? ""
    const log = await opened({ connection: string.replace("PASSWORD", token), installation: "one" })
    const batch = events(3)
    await run(log.append("lead-1", -1, batch))
    expect(ids(await followed(log, -1, 3))).toEqual(idsOf(batch))
    const wrong = layer({
      connection: string.replace("PASSWORD", "wrong-secret"),
      installation: "one",
    })
    const refused = await run(Effect.flip(Effect.scoped(Effect.provide(EventLog, wrong))))
    expect(refused).toMatchObject({ reason: "failed", retryable: false })
    expect(refused.message).toContain("credentials")
    expect(`${refused.message} ${JSON.stringify(refused)}`).not.toContain("wrong-secret")
  })

  it("finds a server among several hosts", async () => {
    const { port } = await served()
    const dead = await freePort()
    const connection = `esdb://127.0.0.1:${dead},127.0.0.1:${port}?tls=false`
    const log = await opened({ connection })
    const batch = events(2)
    expect(await run(log.append("lead-1", -1, batch))).toMatchObject({ revision: 1 })
    expect(ids(await followed(log, -1, 2))).toEqual(idsOf(batch))
  })

  it("an index that is lost, damaged or of another log is made anew", async () => {
    const index = join(folder, "log-index.db")
    const [one, other] = [await served(), await served()]
    const batch = events(30)
    const first = await opened({ connection: one.connection, index })
    await run(first.append("lead-1", -1, batch))
    expect(ids(await run(first.byId(batch[7]!.id)))).toEqual([batch[7]!.id])
    await ending.pop()!()
    // As it was left, another log's, and no SQLite file at all.
    const again = await opened({ connection: one.connection, index })
    expect(await run(again.streams("lead"))).toEqual(["lead-1"])
    await ending.pop()!()
    const elsewhere = await opened({ connection: other.connection, index })
    await run(elsewhere.append("invoice-1", -1, events(40)))
    expect(await run(elsewhere.byId(batch[7]!.id))).toEqual([])
    expect(await run(elsewhere.streams("lead"))).toEqual([])
    await ending.pop()!()
    writeFileSync(index, "no database ".repeat(1000))
    const last = await opened({ connection: one.connection, index })
    expect(ids(await run(last.byId(batch[29]!.id)))).toEqual([batch[29]!.id])
    expect(await run(last.append("lead-1", 29, batch.slice(0, 1)))).toMatchObject({
      revision: 0,
      duplicate: true,
    })
  })

  it("strings that are none of the client's are refused without being repeated", async () => {
    for (
      const connection of ["http://me:secret@host", "esdb://me:secret@", "esdb://me:secret@h:port"]
    ) {
      const refused = await run(
        Effect.flip(Effect.scoped(Effect.provide(EventLog, layer({ connection })))),
      )
      expect(refused).toMatchObject({ reason: "configuration" })
      expect(refused.message).toContain("esdb://")
      expect(`${refused.message} ${JSON.stringify(refused)}`).not.toContain("secret")
    }
  }, 30_000)

  it("followers do not wait for a slow one, and it misses nothing", async () => {
    const { connection, log: beside } = await served()
    const log = await opened({ connection })
    const slow = Effect.runFork(
      log.follow(-1).pipe(
        Stream.tap(() => Effect.sleep(30)),
        Stream.flatMap(Stream.fromIterable),
        Stream.take(3000),
        Stream.runCollect,
      ),
    )
    const batch = events(3000)
    for (let n = 0; n < 30; n++) {
      const part = batch.slice(n * 100, n * 100 + 100)
      await run(beside.append("lead-1", n * 100 - 1, part))
    }
    expect(ids(await followed(log, -1, 3000))).toEqual(idsOf(batch))
    expect(ids(await run(Fiber.join(slow)))).toEqual(idsOf(batch))
  })

  it("nothing of it keeps a process from ending", async () => {
    const { connection } = await served()
    const worker = fileURLToPath(new URL("event-log-eventstoredb-worker.ts", import.meta.url))
    const flags = "Deno" in globalThis ? ["run", "-A"] : ["--no-warnings"]
    const said = await new Promise<string>((resolve, reject) => {
      execFile(
        process.execPath,
        [...flags, worker, connection],
        { timeout: 20_000 },
        (cause, out) => cause === null ? resolve(out) : reject(cause),
      )
    })
    expect(said.trim()).toBe("closed")
  }, 30_000)
})
