/**
 * A backup as one file: tar, gzipped, `manifest.json` first, which names every other file with its size
 * and SHA-256. Reading trusts nothing: what is not in the manifest, larger, other, twice there, a link
 * or outside of its folder is refused, and nothing of it is left.
 */
import { Schema } from "effect"
import { createHash } from "node:crypto"
import { once } from "node:events"
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fsyncSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { createGunzip, createGzip } from "node:zlib"
import { Header, Parser, Pax, type ReadEntry } from "tar"
import { type BackupCopy, OperationFailed, type Progress } from "../projections/aios.ts"
import { aiosVersion } from "../projections/aios-wire.ts"
import { folders, smallFiles } from "./backup-folder.ts"

/** Of the manifest. A greater one was written by a newer AIOS. */
const formatVersion = 1
const manifestName = "manifest.json"
const manifestBytesMax = 256 * 1024 * 1024
/** What is packed is sealed for the greater part and shrinks little, so speed counts. */
const gzipLevel = 2
const blockBytes = 512

export const Manifest = Schema.Struct({
  format: Schema.Literal("aios-backup"),
  version: Schema.Int,
  /** Version of AIOS that made it. */
  aios: Schema.String,
  /** Epoch ms. */
  at: Schema.Int,
  head: Schema.Int,
  files: Schema.Array(
    Schema.Struct({ path: Schema.String, bytes: Schema.Int, sha256: Schema.String }),
  ),
})
export type Manifest = typeof Manifest.Type
const decodeManifest = Schema.decodeUnknownSync(Schema.fromJsonString(Manifest))

const refuse = (error: string, message: string) =>
  new OperationFailed({ kind: "failed", error, message })

const headerOf = (path: string, size: number, at: number): Uint8Array => {
  const what = { path, size, mode: 0o600, type: "File", mtime: new Date(at) } as const
  const header = new Header(what)
  const block = Buffer.alloc(blockBytes)
  // A path too long for the old header stands in one in front of it.
  return header.encode(block, 0)
    ? Buffer.concat([new Pax({ path, size }, false).encode(), block])
    : block
}
const paddingOf = (size: number) => Buffer.alloc((blockBytes - size % blockBytes) % blockBytes)

/** Writes `file`, whole and on disk when it resolves, readable by its owner only. Fails where a file of the copy changed. */
export const pack = async (copy: BackupCopy, file: string, progress: Progress): Promise<number> => {
  const manifest = JSON.stringify(
    {
      format: "aios-backup",
      version: formatVersion,
      aios: aiosVersion,
      at: copy.at,
      head: copy.head,
      files: copy.files,
    } satisfies Manifest,
  )
  const total = copy.files.reduce((sum, { bytes }) => sum + bytes, 0)
  async function* parts() {
    let done = 0
    const first = Buffer.from(manifest)
    yield headerOf(manifestName, first.length, copy.at)
    yield first
    yield paddingOf(first.length)
    for (const { bytes, path, sha256 } of copy.files) {
      yield headerOf(path, bytes, copy.at)
      const hash = createHash("sha256")
      let size = 0
      const source = createReadStream(join(copy.folder, path), { highWaterMark: 1024 * 1024 })
      for await (const chunk of source) {
        hash.update(chunk)
        size += chunk.length
        done += chunk.length
        progress({ what: "packing", done, total })
        yield chunk
      }
      if (size !== bytes || hash.digest("hex") !== sha256) {
        throw refuse("CopyChanged", `${path} changed while it was packed. Repeat the backup.`)
      }
      yield paddingOf(bytes)
    }
    yield Buffer.alloc(2 * blockBytes)
  }
  const target = createWriteStream(file, { mode: 0o600, flags: "w" })
  await pipeline(parts(), createGzip({ level: gzipLevel }), target)
  const handle = openSync(file, "r")
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  return statSync(file).size
}

/** Only where a backup keeps things, and nothing that leads elsewhere. */
const isPlace = (path: string) =>
  ["log.db", "keys.db", ...smallFiles].includes(path) ||
  (folders.some((folder) => path.startsWith(`${folder}/`)) && !/[\\\0]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== ".."))

const checkedManifest = (file: string, text: string): Manifest => {
  let manifest: Manifest
  try {
    manifest = decodeManifest(text)
  } catch {
    throw refuse("NoBackup", `${file} is no backup of AIOS, or its beginning is damaged.`)
  }
  if (manifest.version > formatVersion) {
    throw refuse(
      "NewerBackup",
      `${file} was made by a newer AIOS (${manifest.aios}). Restore it with that one.`,
    )
  }
  const wrong = manifest.files.find(({ path, bytes }) => !isPlace(path) || bytes < 0)
  if (wrong !== undefined) {
    throw refuse(
      "UnsafeBackup",
      `${file} holds ${
        JSON.stringify(wrong.path)
      }, which is no place of AIOS. It was not made by ` +
        "aios backup, or was changed since; nothing of it was kept.",
    )
  }
  return manifest
}

const checkSpace = (file: string, folder: string, needed: number) => {
  const { bavail, bsize } = statfsSync(folder)
  const free = Number(bavail) * Number(bsize)
  if (needed <= free) return
  throw new OperationFailed({
    kind: "later",
    error: "DiskFull",
    message: `${file} needs ${needed} bytes, and ${free} are free where it is to be unpacked. ` +
      "Free space and repeat.",
  })
}

/**
 * Unpacks into `folder`, which must not exist, and checks every file. On failure the folder is gone.
 * `durable`: each file is flushed; a folder that is only looked at needs none of that.
 */
export const unpack = async (
  file: string,
  folder: string,
  durable: boolean,
  progress: Progress,
): Promise<Manifest> => {
  const damaged = (what: string) =>
    refuse(
      "DamagedBackup",
      `${file} is damaged or was changed: ${what}. Nothing was restored. Use another backup.`,
    )
  let manifest: Manifest | undefined
  let expected = new Map<string, Manifest["files"][number]>()
  let problem: unknown
  const seen = new Set<string>()
  let done = 0
  let total = 0
  mkdirSync(folder, { mode: 0o700 })

  const takeManifest = (entry: ReadEntry) => {
    if (entry.path !== manifestName || entry.size > manifestBytesMax) {
      throw refuse("NoBackup", `${file} is no backup of AIOS: it does not begin with a manifest.`)
    }
    const chunks: Array<Uint8Array> = []
    entry.on("data", (chunk) => chunks.push(chunk))
    entry.on("end", () => {
      attempt(() => {
        manifest = checkedManifest(file, Buffer.concat(chunks).toString("utf8"))
        expected = new Map(manifest.files.map((one) => [one.path, one]))
        total = manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
        checkSpace(file, folder, total)
      })
    })
  }
  const takeFile = (entry: ReadEntry) => {
    const named = expected.get(entry.path)
    if (named === undefined) throw damaged(`it holds ${JSON.stringify(entry.path)} besides`)
    if (seen.has(entry.path)) throw damaged(`${entry.path} is in it twice`)
    if (entry.size !== named.bytes) throw damaged(`${entry.path} has another size`)
    seen.add(entry.path)
    const target = join(folder, entry.path)
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
    const handle = openSync(target, "wx", 0o600)
    const hash = createHash("sha256")
    entry.on("data", (chunk: Uint8Array) => {
      attempt(() => {
        for (let at = 0; at < chunk.length;) at += writeSync(handle, chunk, at)
        hash.update(chunk)
        done += chunk.length
        progress({ what: "unpacking", done, total })
      })
    })
    entry.on("end", () => {
      attempt(() => {
        if (durable) fsyncSync(handle)
        closeSync(handle)
        if (hash.digest("hex") !== named.sha256) throw damaged(`${entry.path} has other content`)
      })
    })
  }
  /** The first problem counts, and ends the reading. */
  const attempt = (act: () => void) => {
    if (problem !== undefined) return
    try {
      act()
    } catch (cause) {
      problem = cause
    }
  }
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      attempt(() => {
        // A link or a device is never one of ours.
        if (entry.type !== "File" && entry.type !== "OldFile") {
          throw damaged(`${JSON.stringify(entry.path)} is no plain file`)
        }
        if (manifest === undefined) takeManifest(entry)
        else takeFile(entry)
      })
      entry.resume()
    },
  })
  parser.on("error", (cause) => {
    problem ??= damaged(cause instanceof Error ? cause.message : String(cause))
  })
  try {
    const reader = createReadStream(file, { highWaterMark: 256 * 1024 })
    const source = reader.pipe(createGunzip())
    reader.on("error", (cause) => source.destroy(cause))
    const ended = once(parser, "end")
    ended.catch(() => {})
    try {
      for await (const chunk of source) {
        // What is written is taken at once: every entry flows into its file.
        parser.write(chunk)
        if (problem !== undefined) break
      }
    } catch (cause) {
      if (manifest === undefined && problem === undefined) {
        throw refuse("NoBackup", `${file} is no backup of AIOS, or its beginning is damaged.`)
      }
      throw problem ?? damaged(cause instanceof Error ? cause.message : String(cause))
    }
    if (problem !== undefined) throw problem
    parser.end()
    await ended.catch(() => {})
    if (problem !== undefined) throw problem
    if (manifest === undefined) throw refuse("NoBackup", `${file} is no backup of AIOS.`)
    const missing = manifest.files.find(({ path }) => !seen.has(path))
    if (missing !== undefined) throw damaged(`${missing.path} is missing`)
    return manifest
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true })
    throw cause
  }
}
