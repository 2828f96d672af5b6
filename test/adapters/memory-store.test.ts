/**
 * The stores of vectors against their suite, Chroma as the real server under the launcher's supervisor, and
 * what only a server can get wrong: killed, emptied, frozen, replaced by something else.
 */
import { createServer, request } from "node:http"
import { rmSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { ChromaClient } from "chromadb"
import { Effect, Layer } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Helpers } from "../../adapters/helpers.ts"
import { collectionName, layer as chroma } from "../../adapters/memory-store-chroma.ts"
import * as memory from "../../adapters/memory-store-memory.ts"
import { supervisedUrl } from "../../adapters/memory-store-supervised.ts"
import { MemoryStore, type MemoryVector } from "../../projections/memory-store.ts"
import { memoryStoreContract } from "../contract/memory-store.ts"
import { endAll, pause, superviseHere, type Supervisor, until } from "../supervised.ts"

const space = "Xenova/all-MiniLM-L6-v2"
let supervisor: Supervisor
let url = ""
beforeAll(async () => {
  supervisor = await superviseHere({
    limits: { healthMillis: 200, healthMillisMax: 1_500, pauseMillisMin: 100 },
  })
  supervisor.hold()
  url = (await supervisor.on((helpers) => helpers.start("chroma"))).url!
})
afterAll(endAll)

/** As `main.ts` builds it. */
const stored = () =>
  Layer.unwrap(
    Effect.map(Helpers, (helpers) => chroma({ url: supervisedUrl(helpers), installation: "test" })),
  ).pipe(Layer.provide(supervisor.layer))
const at = (where: string, installation = "test") =>
  chroma({ url: Effect.succeed(where), installation })

const on = <A, E>(
  layer: Layer.Layer<MemoryStore>,
  use: (store: MemoryStore["Service"]) => Effect.Effect<A, E>,
) => Effect.runPromise(Effect.provide(Effect.flatMap(MemoryStore, use), layer))

const vectors = (count: number): ReadonlyArray<MemoryVector> =>
  Array.from({ length: count }, (_, i) => ({
    id: `item ${i}`,
    vector: Float32Array.from({ length: 8 }, (_, k) => k === i % 8 ? 1 : 0.1),
    person: "ada",
    kind: "person",
    tier: "hot",
    at: 1_795_000_000_000,
    position: i,
  }))

const chromaRestarts = async () =>
  (await supervisor.on((helpers) => helpers.states)).find(({ name }) => name === "chroma")!.restarts

memoryStoreContract("vectors in memory", () => memory.layer)
memoryStoreContract("vectors in Chroma", () => stored())

describe("vectors in Chroma", () => {
  it("start the server at their first use, and not before", async () => {
    const fresh = await superviseHere()
    const layer = Layer.unwrap(
      Effect.map(
        Helpers,
        (helpers) => chroma({ url: supervisedUrl(helpers), installation: "test" }),
      ),
    ).pipe(Layer.provide(fresh.layer))
    await on(layer, (store) =>
      Effect.gen(function* () {
        const before = yield* Effect.promise(() => fresh.on((helpers) => helpers.states))
        expect(before.map(({ state }) => state)).toEqual(["off", "off", "off"])
        expect(yield* store.count(space)).toBe(0)
      }))
    await fresh.end()
    expect(await on(layer, (store) => Effect.flip(store.count(space)))).toMatchObject({
      _tag: "MemoryStoreUnavailable",
      reason: "failed",
      retryable: true,
    })
  })

  it("are kept: what was stored is there after a restart of the server", async () => {
    await on(stored(), (store) => store.upsert("kept", vectors(3)))
    await supervisor.on((helpers) => helpers.stop("chroma"))
    expect(await on(stored(), (store) => store.count("kept"))).toBe(3)
  })

  it("hold no text, and name their model", async () => {
    await on(stored(), (store) =>
      Effect.gen(function* () {
        yield* store.upsert(space, vectors(1))
        const { hostname, port } = new URL(url)
        const client = new ChromaClient({ host: hostname, port: Number(port) })
        const name = collectionName("test", space)
        expect(name).toMatch(/^[a-z0-9-]{3,63}$/)
        const found = yield* Effect.promise(async () => {
          const { id } = (await client.listCollections()).find((one) => one.name === name)!
          const one = client.collection(id)
          return await one.get({ include: ["documents", "metadatas", "uris"] })
        })
        expect(found.documents).toEqual([null])
        expect(found.metadatas).toEqual([
          { kind: "person", tier: "hot", at: 1_795_000_000_000, position: 0, person: "ada" },
        ])
        const all = yield* Effect.promise(() => client.listCollections())
        expect(all.find((one) => one.name === name)?.metadata).toMatchObject({ model: space })
      }))
  })

  it("of two installations on one server are two", async () => {
    await on(at(url, "one"), (store) => store.upsert(space, vectors(2)))
    expect(await on(at(url, "two"), (store) => store.count(space))).toBe(0)
  })

  it("whose collection somebody deleted are gone, and can be written again", async () => {
    await on(stored(), (store) =>
      Effect.gen(function* () {
        yield* store.upsert("doomed", vectors(20))
        const { hostname, port } = new URL(url)
        const client = new ChromaClient({ host: hostname, port: Number(port) })
        const name = collectionName("test", "doomed")
        const drop = Effect.promise(() => client.deleteCollection({ name }))
        yield* drop
        expect(yield* store.count("doomed")).toBe(0)
        yield* store.upsert("doomed", vectors(4))
        expect(yield* store.count("doomed")).toBe(4)
        yield* drop
        expect(yield* store.query("doomed", { vector: vectors(1)[0]!.vector, limit: 3 })).toEqual(
          [],
        )
        yield* drop.pipe(Effect.ignoreCause)
        yield* store.upsert("doomed", vectors(5))
        yield* drop
        yield* store.remove("doomed", ["item 1"])
        yield* store.upsert("doomed", vectors(6))
        expect(yield* store.ids("doomed")).toHaveLength(6)
      }))
  })

  it("survive that the server is killed in the middle", async () => {
    await on(stored(), (store) =>
      Effect.gen(function* () {
        yield* store.upsert("killed", vectors(500))
        const { pid } = yield* Effect.promise(() =>
          supervisor.on((helpers) => helpers.start("chroma"))
        )
        process.kill(pid!, "SIGKILL")
        expect(yield* store.count("killed")).toBe(500)
        const query = store.query("killed", { vector: vectors(1)[0]!.vector, limit: 3 })
        expect(yield* query).toHaveLength(3)
      }))
  })

  it("do not keep a question waiting while the server is frozen, and go on after", async () => {
    await on(stored(), (store) =>
      Effect.gen(function* () {
        yield* store.upsert("frozen", vectors(5))
        const { pid } = yield* Effect.promise(() =>
          supervisor.on((helpers) => helpers.start("chroma"))
        )
        process.kill(pid!, "SIGSTOP")
        const began = performance.now()
        const frozen = yield* Effect.result(store.count("frozen"))
        expect(performance.now() - began).toBeLessThan(10_000)
        // It is killed after three misses and comes back, which may have been in time.
        if (frozen._tag === "Failure") {
          expect(frozen.failure).toMatchObject({ _tag: "MemoryStoreUnavailable", retryable: true })
        }
        yield* Effect.promise(() =>
          until(
            "another one is up",
            async () =>
              (await supervisor.on((helpers) => helpers.states)).some((one) =>
                one.name === "chroma" && one.state === "up" && one.pid !== pid
              ),
            30_000,
          )
        )
        expect(yield* store.count("frozen")).toBe(5)
      }))
  })

  it("whose folder was deleted begin anew", async () => {
    await on(stored(), (store) =>
      Effect.gen(function* () {
        yield* store.upsert("folder", vectors(5))
        yield* Effect.promise(() => pause(500))
        const restarts = yield* Effect.promise(chromaRestarts)
        rmSync(join(supervisor.dataDir, "chroma"), { recursive: true })
        yield* Effect.promise(() =>
          until("the folder is missed", async () => await chromaRestarts() > restarts)
        )
        yield* store.upsert("folder", vectors(7))
        expect(yield* store.count("folder")).toBe(7)
      }))
  })

  it("are reached in a process that serves the page, too", async () => {
    const { createAdaptorServer } = await import("@hono/node-server")
    for (let i = 0; i < 2; i++) {
      createAdaptorServer({ fetch: () => new Response("page") })
      await on(stored(), (store) => store.upsert("page", vectors(1)))
    }
  })

  it("give a typed failure where nobody answers, or somebody else does", async () => {
    const refused = await on(at("http://127.0.0.1:9"), (store) => Effect.flip(store.count(space)))
    expect(refused).toMatchObject({
      _tag: "MemoryStoreUnavailable",
      reason: "failed",
      retryable: true,
    })
    expect(refused.message).toContain("http://127.0.0.1:9")
    for (
      const [status, text] of [[200, "<html>Welcome"], [200, "{}"], [500, "broken"], [404, ""]]
    ) {
      const other = createServer((_, response) => response.writeHead(Number(status)).end(text))
      await new Promise<void>((done) => other.listen(0, "127.0.0.1", done))
      const address = other.address()
      const port = typeof address === "object" ? address?.port : 0
      const outcome = await on(
        at(`http://127.0.0.1:${port}`),
        (store) => Effect.result(store.upsert(space, vectors(1))),
      )
      expect([status, text, outcome._tag]).toEqual([status, text, "Failure"])
      other.closeAllConnections()
      await new Promise((done) => other.close(done))
    }
  })

  it("of a server behind a path are reached there", async () => {
    const seen: Array<string> = []
    const { port: behind } = new URL(url)
    await supervisor.on((helpers) => helpers.start("chroma"))
    const proxy = createServer((asked, answer) => {
      seen.push(asked.url!)
      const onward = request({
        host: "127.0.0.1",
        port: behind,
        method: asked.method,
        path: asked.url!.replace(/^\/some\/base/, ""),
        headers: asked.headers,
      }, (got) => {
        answer.writeHead(got.statusCode!, got.headers)
        got.pipe(answer)
      })
      asked.pipe(onward)
    })
    await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done))
    const address = proxy.address()
    const port = typeof address === "object" ? address?.port : 0
    await on(at(`http://127.0.0.1:${port}/some/base`), (store) =>
      Effect.gen(function* () {
        yield* store.upsert("path", vectors(3))
        expect(yield* store.count("path")).toBe(3)
        yield* store.clear("path")
      }))
    expect(seen.length).toBeGreaterThan(3)
    expect(seen.every((path) => path.startsWith("/some/base/api/v2/"))).toBe(true)
    proxy.closeAllConnections()
    await new Promise((done) => proxy.close(done))
  })

  it("of another length than the others are refused, with what to do", async () => {
    const refused = await on(stored(), (store) =>
      Effect.gen(function* () {
        yield* store.upsert("lengths", vectors(1))
        const [one] = vectors(1)
        return yield* Effect.flip(
          store.upsert("lengths", [{ ...one!, id: "b", vector: new Float32Array(5).fill(1) }]),
        )
      }))
    expect(refused).toMatchObject({ reason: "failed", retryable: false })
  })
})
