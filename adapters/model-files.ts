/**
 * The embedding model's files: what is there of them, and fetching what is not. A file has its name only once
 * all of it is there and is the pinned one; what was fetched of it before is beside it and taken up again.
 */
import { createHash } from "node:crypto"
import {
  closeSync,
  createReadStream,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Effect } from "effect"
import { OperationFailed, type Progress } from "../projections/aios.ts"
import { objectOf } from "../projections/fields.ts"
import type { EmbeddingState, Fetched } from "../projections/local-models.ts"
import { freeBytes } from "./disk-space-statfs.ts"
import { flush, makeFolder, writeAll } from "./durable-file.ts"
import { isFailureOfStorage, troubleOf } from "./sqlite.ts"

export interface PinnedFile {
  readonly name: string
  readonly sha256: string
  /** Absent: small, and not longer than `smallBytesMax`. */
  readonly bytes?: number
}

export interface PinnedModel {
  /** `Xenova/all-MiniLM-L6-v2`: also its folder. */
  readonly model: string
  readonly revision: string
  readonly files: ReadonlyArray<PinnedFile>
}

/** What `@chroma-core/default-embed` 0.1.9 would fetch by itself, as of one revision. */
export const miniLM: PinnedModel = {
  model: "Xenova/all-MiniLM-L6-v2",
  revision: "751bff37182d3f1213fa05d7196b954e230abad9",
  files: [
    {
      name: "config.json",
      sha256: "7135149f7cffa1a573466c6e4d8423ed73b62fd2332c575bf738a0d033f70df7",
    },
    {
      name: "tokenizer_config.json",
      sha256: "9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3",
    },
    {
      name: "tokenizer.json",
      sha256: "da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0",
      bytes: 711_661,
    },
    {
      name: "onnx/model.onnx",
      sha256: "759c3cd2b7fe7e93933ad23c4c9181b7396442a2ed746ec7c1d46192c469c46e",
      bytes: 90_387_606,
    },
  ],
}

/** Where they are, unless AIOS_MODELS_URL names a mirror. */
export const sourceDefault = "https://huggingface.co"

/** A file whose length is not pinned is not longer. */
const smallBytesMax = 1_000_000
/** A download of which nothing comes for so long is stuck. */
const stallMillisMax = 60_000
/** A connection that broke is taken up so often, as long as each time something came. */
const attemptsMax = 5
const attemptPauseMillis = 1_000
/** Left free on the disk. */
const spareBytes = 100_000_000
const partialSuffix = ".partial"
const lockFile = "pull.lock"

const sizeOf = (path: string): number => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found?.isFile() === true ? found.size : 0
}

const hashOf = async (path: string, onto = createHash("sha256")) => {
  for await (const chunk of createReadStream(path)) onto.update(chunk)
  return onto
}

export type FileState = EmbeddingState["files"][number]

/** Reads all of each file: a tenth of a second per 100 MB. */
export const filesOf = (
  folder: string,
  pinned: PinnedModel,
): Effect.Effect<ReadonlyArray<FileState>> =>
  Effect.forEach(pinned.files, (file) =>
    Effect.promise(async (): Promise<FileState> => {
      const path = join(folder, pinned.model, file.name)
      const bytes = sizeOf(path)
      if (bytes > 0) {
        const same = (file.bytes === undefined || file.bytes === bytes) &&
          (await hashOf(path)).digest("hex") === file.sha256
        return { name: file.name, bytes, state: same ? "whole" : "other" }
      }
      const part = sizeOf(path + partialSuffix)
      return { name: file.name, bytes: part, state: part > 0 ? "part" : "missing" }
    }).pipe(Effect.catchCause(() =>
      Effect.succeed<FileState>({ name: file.name, bytes: 0, state: "other" })
    )))

/** What a file still lacks. */
export const missingOf = (file: PinnedFile, state: FileState): number =>
  state.state === "whole"
    ? 0
    : Math.max(0, (file.bytes ?? 0) - (state.state === "part" ? state.bytes : 0))

const failed = (error: string, message: string, kind: OperationFailed["kind"] = "failed") =>
  new OperationFailed({ kind, error, message })

/** The connection failed or broke; with `came` it may go on. */
class Broken extends Error {}

const hostOf = (url: string) => new URL(url).host

const unreachable = (url: string, cause: unknown) =>
  failed(
    "SourceUnreachable",
    `${hostOf(url)} cannot be reached (${
      cause instanceof Error ? cause.message : String(cause)
    }). ` +
      "What was fetched is kept: run it again with a network. AIOS_MODELS_URL names a mirror, " +
      "AIOS_MODELS_DIR a folder that already holds the files.",
  )

const notWhatWasExpected = (file: PinnedFile, url: string, what: string) =>
  failed(
    "NotThePinnedFile",
    `${file.name} from ${
      hostOf(url)
    } is not the file that was expected (${what}): nothing of it was ` +
      "kept. Ask whoever runs the mirror, or unset AIOS_MODELS_URL.",
  )

const answerOf = async (url: string, from: number, signal: AbortSignal) => {
  let response
  try {
    response = await fetch(url, {
      signal,
      headers: {
        "accept-encoding": "identity",
        ...(from > 0 ? { range: `bytes=${from}-` } : {}),
      },
    })
  } catch (cause) {
    if (signal.aborted) throw signal.reason
    const refused = cause instanceof Error && cause.name === "NotCapable"
    throw refused
      ? failed(
        "RedirectRefused",
        `${hostOf(url)} sends elsewhere, where this command may not go. ` +
          "Set AIOS_MODELS_URL to where the files really are.",
      )
      : unreachable(url, cause)
  }
  if (response.ok || response.status === 416) return response
  await response.body?.cancel()
  throw failed(
    "SourceRefuses",
    `${url} answers ${response.status} ${response.statusText}: there is no such file. ` +
      "AIOS_MODELS_URL must serve what huggingface.co serves, under the same paths.",
  )
}

/** One connection's worth. Returns when all came that was to come. */
const readOnto = async (
  url: string,
  file: PinnedFile,
  partial: string,
  signal: AbortSignal,
  came: (bytes: number) => void,
): Promise<void> => {
  const bytesMax = file.bytes ?? smallBytesMax
  // Of a file whose length nobody knows, what is there may be all.
  if (file.bytes === undefined) rmSync(partial, { force: true })
  let from = sizeOf(partial)
  if (from > bytesMax) from = 0
  if (from > 0 && from === file.bytes) return
  const stall = new AbortController()
  const stuck = () =>
    stall.abort(new Broken(`${hostOf(url)} sent nothing for ${stallMillisMax / 1000} s`))
  let timer = setTimeout(stuck, stallMillisMax)
  const both = AbortSignal.any([signal, stall.signal])
  let handle: number | undefined
  try {
    const response = await answerOf(url, from, both)
    const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")
    if (response.status !== 206 || Number(range?.[1]) !== from) from = 0
    if (response.status === 416 || response.body === null) throw new Broken("nothing came")
    handle = openSync(partial, from === 0 ? "w" : "a", 0o600)
    let bytes = from
    const reader = response.body.getReader()
    for (;;) {
      const { done, value } = await reader.read().catch((cause) => {
        throw signal.aborted ? signal.reason : new Broken(
          both.aborted
            ? String(objectOf(both.reason)["message"])
            : `the connection broke (${cause})`,
        )
      })
      if (done) break
      clearTimeout(timer)
      timer = setTimeout(stuck, stallMillisMax)
      bytes += value.length
      if (bytes > bytesMax) {
        await reader.cancel()
        throw notWhatWasExpected(file, url, `longer than ${bytesMax} bytes`)
      }
      writeAll(handle, value)
      came(value.length)
    }
    fsyncSync(handle)
    if (file.bytes !== undefined && bytes < file.bytes) {
      throw new Broken("the connection ended early")
    }
  } finally {
    clearTimeout(timer)
    if (handle !== undefined) closeSync(handle)
  }
}

const fetchFile = async (
  url: string,
  file: PinnedFile,
  path: string,
  signal: AbortSignal,
  came: (bytes: number) => void,
): Promise<void> => {
  const partial = path + partialSuffix
  makeFolder(dirname(path))
  for (let attempt = 1;; attempt++) {
    const before = sizeOf(partial)
    try {
      await readOnto(url, file, partial, signal, came)
    } catch (cause) {
      if (cause instanceof OperationFailed && cause.error === "NotThePinnedFile") {
        rmSync(partial, { force: true })
      }
      if (!(cause instanceof Broken)) throw cause
      if (attempt === attemptsMax || sizeOf(partial) <= before) throw unreachable(url, cause)
      await new Promise((done) => setTimeout(done, attemptPauseMillis))
      continue
    }
    const sha256 = (await hashOf(partial)).digest("hex")
    if (sha256 === file.sha256) break
    rmSync(partial, { force: true })
    // What was there from before may have been of another file.
    if (before === 0 || attempt === attemptsMax) {
      throw notWhatWasExpected(
        file,
        url,
        `SHA-256 ${sha256.slice(0, 12)}… instead of ${file.sha256.slice(0, 12)}…`,
      )
    }
  }
  renameSync(partial, path)
  flush(dirname(path))
}

/** Two at once would write into one file. Held for the scope, released also by kill -9. */
const alone = (folder: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        makeFolder(folder)
        const db = new DatabaseSync(join(folder, lockFile))
        try {
          db.prepare("PRAGMA busy_timeout = 0").get()
          db.prepare("BEGIN EXCLUSIVE").run()
        } catch (cause) {
          db.close()
          throw cause
        }
        return db
      },
      catch: (cause) =>
        isFailureOfStorage(cause) && troubleOf(cause, folder) === "owned"
          ? failed(
            "PullRunning",
            "Another aios models pull works on this folder: wait until it is done.",
            "later",
          )
          : failed(
            "FolderUnusable",
            `${folder} cannot be written (${cause instanceof Error ? cause.message : cause}). ` +
              "Check its permissions and the disk.",
          ),
    }),
    (db) => Effect.sync(() => db.close()),
  )

/** Fetches what is missing or is not the pinned file. What is whole stays. */
export const fetchFiles = (
  folder: string,
  pinned: PinnedModel,
  base: string,
  progress: Progress,
): Effect.Effect<Fetched, OperationFailed> =>
  Effect.scoped(Effect.gen(function* () {
    yield* alone(folder)
    const states = yield* filesOf(folder, pinned)
    const wanted = pinned.files.filter((_, n) => states[n]!.state !== "whole")
    const total = pinned.files.reduce((sum, file, n) => sum + missingOf(file, states[n]!), 0)
    const free = freeBytes(folder)
    if (free !== undefined && free < total + spareBytes) {
      return yield* failed(
        "DiskFull",
        `The model needs ${Math.ceil(total / 1e6)} MB in ${folder}, ` +
          `and only ${Math.floor(free / 1e6)} MB are free. Free some space and repeat.`,
      )
    }
    let bytes = 0
    for (const file of wanted) {
      const url = `${
        base.replace(/\/+$/, "")
      }/${pinned.model}/resolve/${pinned.revision}/${file.name}`
      progress({ what: file.name, done: bytes, total })
      yield* Effect.tryPromise({
        try: (signal) =>
          fetchFile(url, file, join(folder, pinned.model, file.name), signal, (came) => {
            bytes += came
            progress({ what: file.name, done: bytes, total: Math.max(total, bytes) })
          }),
        catch: (cause) =>
          cause instanceof OperationFailed ? cause : objectOf(cause)["code"] === "ENOSPC"
            ? failed(
              "DiskFull",
              `No space left in ${folder}. Free some and repeat: it goes on there.`,
            )
            : failed(
              "FolderUnusable",
              `${file.name} cannot be stored in ${folder} (${
                cause instanceof Error ? cause.message : cause
              })`,
            ),
      })
    }
    return { fetched: wanted.length > 0, bytes }
  }))
