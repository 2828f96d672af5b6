/** The blob stores against their suite, and what only files can get wrong. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { BlobStore } from "../../actors/blob-store.ts"
import * as folder from "../../adapters/blob-store-folder.ts"
import * as memory from "../../adapters/blob-store-memory.ts"
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
