/**
 * The control (`aios start`) as a worker on another machine knows it: over HTTP, with the token, it lends
 * the keys that are wanted, takes those that are made, and gives sealed attachments. Whoever carries
 * these can open none of them.
 */
import { Effect, Schema } from "effect"
import { BlobsUnavailable } from "../actors/blob-store.ts"
import { type LentKey, VaultUnavailable } from "../actors/vault.ts"
import { type SealedBlobs, sha256Of } from "./blob-sealing.ts"
import type { Keeper } from "./vault-sqlite.ts"

const requestMillisMax = 10_000
/** An attachment of some megabytes over a slow line. */
const blobMillisMax = 120_000
/** Of a thousand keys, and of a blob. */
const answerBytesMax = 4 * 1024 * 1024
const blobBytesMax = 256 * 1024 * 1024
/** Keys of one request. */
const keysAtOnce = 1_000
/** Of a blob that the control has not either. */
const absent = "BlobUnknown"
/** Of a refusal's text, letters. */
const detailCharsMax = 300

export interface Options {
  /** Such as `http://127.0.0.1:4680`, without a slash at its end. */
  readonly url: string
  readonly token: string
  /** Id of the installation whose control it must be. */
  readonly installation: string
}

export interface ControlDesk extends Keeper {
  readonly blobs: Pick<SealedBlobs, "read">
}

const decoder = new TextDecoder()
const isAnswer = Schema.is(Schema.Struct({
  life: Schema.String,
  installation: Schema.String,
  keys: Schema.Array(Schema.Struct({
    id: Schema.String,
    subject: Schema.String,
    key: Schema.NullOr(Schema.String),
  })),
}))
const isProblem = Schema.is(Schema.Struct({ detail: Schema.String, error: Schema.String }))

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const misconfigured = (message: string) =>
  new VaultUnavailable({ message, reason: "configuration" })

const refusal = (url: string, status: number, text: string): VaultUnavailable => {
  if (status === 401) {
    return misconfigured(
      `The control at ${url} does not know this worker's token. Copy the file token from the control's data ` +
        "directory, or set AIOS_TOKEN to the same as there.",
    )
  }
  const problem = jsonOf(text)
  const detail = isProblem(problem) ? problem.detail.slice(0, detailCharsMax) : `status ${status}`
  return status >= 500 || status === 408 || status === 429
    ? away(url, detail)
    : misconfigured(`AIOS_CONTROL is ${url}, which refuses (${detail}). See docs/workers.md.`)
}

const away = (url: string, reason: string, cause?: unknown) =>
  new VaultUnavailable({
    message:
      `The control at ${url} does not answer (${reason}). Nothing is lost: repeat when aios ` +
      "start runs there and can be reached from here.",
    retryable: true,
    cause,
  })

/** The body, of which no more is read than so many bytes. */
const bytesOf = async (
  { body }: Response,
  bytesMax: number,
  url: string,
): Promise<Uint8Array<ArrayBuffer>> => {
  const parts: Array<Uint8Array<ArrayBuffer>> = []
  let bytes = 0
  const reader = body?.getReader()
  for (;;) {
    const { done, value } = await reader?.read() ?? { done: true, value: undefined }
    if (done || value === undefined) break
    bytes += value.length
    if (bytes > bytesMax) {
      await reader?.cancel()
      throw misconfigured(
        `What answers at ${url} gives more than ${bytesMax} bytes: see AIOS_CONTROL.`,
      )
    }
    parts.push(value)
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

const reasonOf = (cause: unknown): string =>
  cause instanceof Error
    ? cause.name === "TimeoutError" ? "too slow" : cause.message.slice(0, detailCharsMax)
    : String(cause)

export const make = ({ installation, token, url }: Options): ControlDesk => {
  let life = ""

  /** Undefined where it says that it has none of what was asked for. */
  const request = (
    path: string,
    body: unknown,
    millisMax: number,
    bytesMax: number,
  ): Effect.Effect<Uint8Array<ArrayBuffer> | undefined, VaultUnavailable> =>
    Effect.tryPromise({
      try: async (signal) => {
        const response = await fetch(`${url}${path}`, {
          headers: {
            authorization: `Bearer ${token}`,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
          },
          ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
          // The token is for this place, not for where it sends to.
          redirect: "error",
          signal: AbortSignal.any([signal, AbortSignal.timeout(millisMax)]),
        })
        if (response.ok) return await bytesOf(response, bytesMax, url)
        const text = decoder.decode(await bytesOf(response, answerBytesMax, url))
        const problem = jsonOf(text)
        if (isProblem(problem) && problem.error === absent) return undefined
        throw refusal(url, response.status, text)
      },
      catch: (cause) =>
        cause instanceof VaultUnavailable ? cause : away(url, reasonOf(cause), cause),
    })

  const keys = (path: string, body: unknown) =>
    request(path, body, requestMillisMax, answerBytesMax).pipe(
      Effect.flatMap((bytes): Effect.Effect<ReadonlyArray<LentKey>, VaultUnavailable> => {
        const answer = jsonOf(decoder.decode(bytes))
        if (!isAnswer(answer)) {
          return Effect.fail(
            misconfigured(`What answers at ${url} is no AIOS of this version: see AIOS_CONTROL.`),
          )
        }
        if (answer.installation === installation) {
          life = answer.life
          return Effect.succeed(answer.keys)
        }
        return Effect.fail(
          misconfigured(
            `The AIOS at ${url} is another installation than this worker's. Nothing was changed. See ` +
              "AIOS_CONTROL, and whether the file secret was copied from the right data directory.",
          ),
        )
      }),
    )

  const inTurn = <A, B>(all: ReadonlyArray<A>, ask: (some: ReadonlyArray<A>) => B): Array<B> =>
    Array.from(
      { length: Math.max(1, Math.ceil(all.length / keysAtOnce)) },
      (_, n) => ask(all.slice(n * keysAtOnce, (n + 1) * keysAtOnce)),
    )

  return {
    life: () => life,
    lend: (ids) =>
      Effect.map(
        Effect.all(inTurn(ids, (some) => keys("/api/keys/wanted", { installation, ids: some }))),
        (pages) => pages.flat(),
      ),
    take: (made) =>
      Effect.all(inTurn(made, (some) => keys("/api/keys", { installation, keys: some })), {
        discard: true,
      }),
    blobs: {
      read: (sha256) =>
        request(`/api/blobs/${sha256}`, undefined, blobMillisMax, blobBytesMax).pipe(
          Effect.mapError((cause) =>
            new BlobsUnavailable({ reason: "failed", message: cause.message, cause })
          ),
          Effect.flatMap((bytes) =>
            bytes === undefined || sha256Of(bytes) === sha256 ? Effect.succeed(bytes) : Effect.fail(
              new BlobsUnavailable({
                reason: "corrupt",
                message:
                  `The blob ${sha256} came damaged from the control at ${url}. Repeat later.`,
              }),
            )
          ),
        ),
    },
  }
}
