/**
 * Blobs as files: `blobs/ab/cdef…`, named by the SHA-256 of their sealed bytes. A file has its final
 * name only once all of it is on disk, so whatever can be read under a name is whole, or was damaged
 * later, which the name tells.
 */
import { randomUUID } from "node:crypto"
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { BlobStore, BlobsUnavailable } from "../actors/blob-store.ts"
import { Vault } from "../actors/vault.ts"
import { fromSealed, type SealedBlobs, sha256Of } from "./blob-sealing.ts"
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
  if (sha256Of(bytes) !== name) {
    throw new BlobsUnavailable({
      reason: "corrupt",
      message: `The blob ${file} is damaged. Restore it from a backup: nothing else is affected.`,
    })
  }
  return bytes
}

export const sealedIn = (directory: string): SealedBlobs => {
  const root = join(directory, "blobs")
  const attempt = <A>(f: () => Promise<A>) => Effect.tryPromise({ try: f, catch: failure(root) })
  return {
    write: (sha256, sealed) => attempt(() => write(root, sha256, sealed)),
    read: (sha256) => attempt(() => read(root, sha256)),
  }
}

export const layer = ({ directory }: Options): Layer.Layer<BlobStore, never, Vault> =>
  Layer.effect(BlobStore, Effect.map(Vault, (vault) => fromSealed(vault, sealedIn(directory))))
