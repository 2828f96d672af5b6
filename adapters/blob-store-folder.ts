/**
 * Blobs as files: `blobs/ab/cdef…`, named by the SHA-256 of their sealed bytes. A file has its final
 * name only once all of it is on disk, so whatever can be read under a name is whole, or was damaged
 * later, which the name tells.
 */
import { createHash, randomUUID } from "node:crypto"
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { type BlobRef, BlobStore, BlobsUnavailable } from "../actors/blob-store.ts"
import { Vault } from "../actors/vault.ts"
import { troubleOf } from "./sqlite.ts"

export interface Options {
  readonly directory: string
}

const failure = (folder: string) => (cause: unknown): BlobsUnavailable => {
  if (cause instanceof BlobsUnavailable) return cause
  const full = troubleOf(cause, join(folder, "any")) === "full"
  return new BlobsUnavailable({
    reason: full ? "full" : "failed",
    message: full
      ? `No space left for blobs in ${folder}. Nothing was recorded. Free space and repeat.`
      : `A blob in ${folder} could not be used. Check the disk and permissions, then repeat.`,
    cause,
  })
}

const isMissing = (cause: unknown) =>
  cause instanceof Error && "code" in cause && cause.code === "ENOENT"

const syncFolder = async (folder: string) => {
  const handle = await open(folder, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const write = async (root: string, name: string, bytes: Uint8Array) => {
  const folder = join(root, name.slice(0, 2))
  const file = join(folder, name.slice(2))
  const there = await stat(file).catch(() => undefined)
  if (there?.size === bytes.length) return
  const isNew = await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = join(folder, `${randomUUID()}.new`)
  try {
    const handle = await open(draft, "wx", 0o600)
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (cause) {
    await rm(draft, { force: true })
    throw cause
  }
  await syncFolder(folder)
  if (isNew !== undefined) await syncFolder(root)
}

const read = async (root: string, name: string): Promise<Uint8Array | undefined> => {
  const file = join(root, name.slice(0, 2), name.slice(2))
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw cause
  }
  if (createHash("sha256").update(bytes).digest("hex") !== name) {
    throw new BlobsUnavailable({
      reason: "corrupt",
      message: `The blob ${file} is damaged. Restore it from a backup: nothing else is affected.`,
    })
  }
  return bytes
}

export const layer = ({ directory }: Options): Layer.Layer<BlobStore, never, Vault> =>
  Layer.effect(
    BlobStore,
    Effect.gen(function* () {
      const vault = yield* Vault
      const root = join(directory, "blobs")
      const attempt = <A>(f: () => Promise<A>) =>
        Effect.tryPromise({ try: f, catch: failure(root) })
      return {
        put: Effect.fn("BlobStore.put")(function* (subject: string, content: Uint8Array) {
          const sealed = vault.sealBytes(subject, content)
          // Without its key the blob would be noise, so the key is durable first.
          yield* Effect.mapError(vault.flush, failure(root))
          const sha256 = createHash("sha256").update(sealed).digest("hex")
          yield* attempt(() => write(root, sha256, sealed))
          return { sha256, subject, bytes: content.length }
        }),
        get: Effect.fn("BlobStore.get")(function* (ref: BlobRef) {
          if (!/^[0-9a-f]{64}$/.test(ref.sha256)) return undefined
          const sealed = yield* attempt(() => read(root, ref.sha256))
          return sealed && vault.openBytes(ref.subject, sealed)
        }),
      }
    }),
  )
