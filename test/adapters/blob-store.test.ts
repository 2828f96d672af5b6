/** The blob stores against their suite, and what only files can get wrong. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { BlobStore } from "../../actors/blob-store.ts"
import { eventBytesMax, EventLog, isBookkeeping, LogUnavailable } from "../../actors/event-log.ts"
import * as both from "../../adapters/blob-store-both.ts"
import * as folder from "../../adapters/blob-store-folder.ts"
import * as inLog from "../../adapters/blob-store-log.ts"
import * as memory from "../../adapters/blob-store-memory.ts"
import { eventBytes } from "../../adapters/event-log-embedded.ts"
import * as memoryLog from "../../adapters/event-log-memory.ts"
import * as vaultMemory from "../../adapters/vault-memory.ts"
import * as vaultSqlite from "../../adapters/vault-sqlite.ts"
import { blobStoreContract } from "../contract/blob-store.ts"

const root = mkdtempSync(join(tmpdir(), "aios-blobs-"))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const newDirectory = () => join(root, String(folders++))
const inFolder = (directory: string) =>
  folder.layer({ directory }).pipe(
    Layer.provide(vaultSqlite.layer({ directory })),
    Layer.orDie,
  )

blobStoreContract("blobs in memory", () => memory.layer.pipe(Layer.provide(vaultMemory.layer)))
blobStoreContract("blobs in a folder", () => inFolder(newDirectory()))

blobStoreContract(
  "blobs in the log",
  () => inLog.layer.pipe(Layer.provide(Layer.mergeAll(memoryLog.layer, vaultMemory.layer))),
)

for (const to of ["folder", "log"] as const) {
  blobStoreContract(`blobs put into the ${to}, of both places`, () => {
    const directory = newDirectory()
    return both.layer({ directory, to }).pipe(
      Layer.provide(Layer.mergeAll(memoryLog.layer, vaultSqlite.layer({ directory }))),
      Layer.orDie,
    )
  })
}

describe("blobs in the log", () => {
  const large = new Uint8Array(2_000_000).map((_, n) => n * 13)
  const on = <A, E>(
    use: (blobs: BlobStore["Service"], log: EventLog["Service"]) => Effect.Effect<A, E>,
    faults: (log: EventLog["Service"]) => EventLog["Service"] = (log) => log,
  ) =>
    Effect.runPromise(
      Effect.gen(function* () {
        const log = yield* EventLog
        const blobs = yield* Effect.provide(
          BlobStore,
          inLog.layer.pipe(Layer.provide(Layer.succeed(EventLog, faults(log)))),
        )
        return yield* use(blobs, log)
      }).pipe(Effect.provide(Layer.mergeAll(memoryLog.layer, vaultMemory.layer))),
    )

  it("come in parts that any log takes, and are no facts of the company", () =>
    on((blobs, log) =>
      Effect.gen(function* () {
        const ref = yield* blobs.put("p1", large)
        const events = yield* log.readAll()
        expect(events.length).toBe(4)
        for (const event of events) {
          expect(eventBytes(event)).toBeLessThan(eventBytesMax)
          expect(isBookkeeping(event.stream)).toBe(true)
        }
        yield* Effect.all([blobs.put("p1", large), blobs.put("p1", large)], {
          concurrency: "unbounded",
        })
        expect(yield* log.readAll()).toHaveLength(4)
        expect(yield* blobs.get(ref)).toEqual(large)
      })
    ))

  it("that were cut off by a crash are not given, and are whole when put again", () => {
    let appends = 0
    return on(
      (blobs, log) =>
        Effect.gen(function* () {
          const refused = yield* Effect.flip(blobs.put("p1", large))
          expect(refused).toMatchObject({ _tag: "BlobsUnavailable", reason: "failed" })
          const [{ stream = "" } = {}] = yield* log.readAll()
          const ref = { sha256: stream.slice("blob-".length), subject: "p1", bytes: large.length }
          expect(yield* Effect.flip(blobs.get(ref))).toMatchObject({ reason: "corrupt" })
          appends = -100
          expect(yield* blobs.put("p1", large)).toEqual(ref)
          expect(yield* blobs.get(ref)).toEqual(large)
        }),
      (log) => ({
        ...log,
        append: (...given) =>
          ++appends > 2
            ? Effect.fail(
              new LogUnavailable({ reason: "failed", message: "gone", retryable: true }),
            )
            : log.append(...given),
      }),
    )
  })
})

describe("blobs in a folder", () => {
  const content = new TextEncoder().encode("Ada's contract ".repeat(5000))
  const on = <A, E>(
    directory: string,
    use: (blobs: BlobStore["Service"]) => Effect.Effect<A, E>,
  ) => Effect.runPromise(Effect.provide(Effect.flatMap(BlobStore, use), inFolder(directory)))

  it("survive a restart in one sealed file", async () => {
    const directory = newDirectory()
    const ref = await on(directory, (blobs) => blobs.put("p1", content))
    expect(await on(directory, (blobs) => blobs.put("p1", content))).toEqual(ref)
    expect(await on(directory, (blobs) => blobs.get(ref))).toEqual(content)
    const folders = readdirSync(join(directory, "blobs"))
    expect(folders).toEqual([ref.sha256.slice(0, 2)])
    const files = readdirSync(join(directory, "blobs", folders[0]!))
    expect(files).toEqual([ref.sha256.slice(2)])
    const stored = readFileSync(join(directory, "blobs", folders[0]!, files[0]!))
    expect(stored.includes("contract")).toBe(false)
  })

  it("that were damaged are a typed error, and can be put again", async () => {
    const directory = newDirectory()
    const ref = await on(directory, (blobs) => blobs.put("p1", content))
    const file = join(directory, "blobs", ref.sha256.slice(0, 2), ref.sha256.slice(2))
    writeFileSync(file, readFileSync(file).fill(0, 100, 101))
    const refused = await on(directory, (blobs) => Effect.flip(blobs.get(ref)))
    expect(refused).toMatchObject({ _tag: "BlobsUnavailable", reason: "corrupt" })
    expect(refused.message).toContain(file)
    writeFileSync(file, "cut off")
    await on(directory, (blobs) => blobs.put("p1", content))
    expect(await on(directory, (blobs) => blobs.get(ref))).toEqual(content)
  })

  it("where the folder cannot be written: a typed error", async () => {
    const directory = newDirectory()
    const refused = await on(directory, (blobs) => {
      writeFileSync(join(directory, "blobs"), "in the way")
      return Effect.flip(blobs.put("p1", content))
    })
    expect(refused).toMatchObject({ _tag: "BlobsUnavailable", reason: "failed" })
  })
})
