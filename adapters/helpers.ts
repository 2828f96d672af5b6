/**
 * The supervisor of the helper processes, as the main process asks it: over the Unix socket of the launcher
 * that started it. Nothing here starts a process. Helpers live as long as the layer does that asked.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { Buffer } from "node:buffer"
import { rmSync } from "node:fs"
import { type ClientRequest, request } from "node:http"
import { dirname } from "node:path"
import { endianness } from "node:os"
import process from "node:process"

/** The supervisor keeps shorter times of its own; these only end a wait for a supervisor that hangs. */
const startMillisMax = 45_000
const stateMillisMax = 5_000
const embedMillisMax = 150_000
/** A launcher that is killed closes its socket a moment before it is seen to be gone. */
const launcherEndMillis = 50

export const HelperName = Schema.Literals(["chroma", "embedder", "ollama"])
export type HelperName = typeof HelperName.Type

/** `outside`: somebody else's, which is used and never touched. `waiting`: failed, until `retryAt`. */
export const HelperState = Schema.Struct({
  name: HelperName,
  state: Schema.Literals(["off", "starting", "up", "waiting", "ending", "outside"]),
  /** Epoch ms. */
  since: Schema.Int,
  /** By itself, after it had failed. */
  restarts: Schema.Int,
  url: Schema.optionalKey(Schema.String),
  pid: Schema.optionalKey(Schema.Int),
  retryAt: Schema.optionalKey(Schema.Int),
  lastError: Schema.optionalKey(Schema.String),
  /** The file with what it wrote. */
  log: Schema.String,
})
export type HelperState = typeof HelperState.Type

/** `absent`: it cannot be had here until somebody does what the message says. */
export class HelperUnavailable
  extends Schema.TaggedError<HelperUnavailable>()("HelperUnavailable", {
    helper: Schema.String,
    reason: Schema.Literals(["absent", "noModel", "failed", "timedOut"]),
    message: Schema.String,
    retryable: Schema.Boolean,
  }) {}

export class Helpers extends Context.Service<Helpers, {
  /** Starts it where it is not up, and waits until it answers. */
  start(name: HelperName): Effect.Effect<HelperState, HelperUnavailable>
  /** Whether it works, or would: what nobody needed yet is not started to find out. */
  check(name: HelperName): Effect.Effect<HelperState, HelperUnavailable>
  stop(name: HelperName): Effect.Effect<HelperState, HelperUnavailable>
  /** Starts nothing. */
  readonly states: Effect.Effect<ReadonlyArray<HelperState>, HelperUnavailable>
  /** One vector per text, in order; starts the embedder where it is not up. */
  embed(
    texts: ReadonlyArray<string>,
  ): Effect.Effect<ReadonlyArray<Float32Array>, HelperUnavailable>
}>()("adapters/Helpers") {}

const Refused = Schema.Struct({
  error: Schema.Struct({
    reason: Schema.String,
    message: Schema.String,
    retryable: Schema.Boolean,
  }),
})
const States = Schema.Struct({ helpers: Schema.Array(HelperState) })
const Vectors = Schema.Struct({ dims: Schema.Int, vectors: Schema.String })

const isRefused = Schema.is(Refused)
const isReason = Schema.is(HelperUnavailable.fields.reason)

/** What a base64 text of little-endian Float32 holds: `count` vectors of `dims` numbers. */
const vectorsOf = (text: string, dims: number, count: number): ReadonlyArray<Float32Array> => {
  const bytes = Buffer.from(text, "base64")
  if (!(dims > 0) || bytes.length !== dims * count * 4) {
    throw new Error(`${bytes.length} bytes are not ${count} vectors of ${dims} numbers`)
  }
  if (endianness() === "BE") bytes.swap32()
  const all = new Float32Array(dims * count)
  new Uint8Array(all.buffer).set(bytes)
  return Array.from({ length: count }, (_, i) => all.slice(i * dims, (i + 1) * dims))
}

/** Killed: this process and the helpers end with it. `launcher`: its process id; undefined: not known. */
export const launcherIsGone = (launcher: number | undefined): Effect.Effect<boolean> =>
  launcher === undefined
    ? Effect.succeed(false)
    : Effect.map(Effect.sleep(launcherEndMillis), () => process.ppid !== launcher)

/** `socket`: of the launcher's supervisor; undefined where this launcher could make none. */
export const supervised = (socket: string | undefined): Layer.Layer<Helpers> =>
  Layer.effect(
    Helpers,
    Effect.gen(function* () {
      const unavailable = (
        helper: string,
        reason: HelperUnavailable["reason"],
        message: string,
        retryable: boolean,
      ) => new HelperUnavailable({ helper, reason, message, retryable })

      let held: ClientRequest | undefined
      let closed = false
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          closed = true
          held?.destroy()
        })
      )
      /** From the first wish on; the supervisor ends its helpers some time after this connection. */
      const hold = () => {
        if (socket === undefined || held !== undefined || closed) return
        const gone = () => {
          held = undefined
        }
        held = request({ socketPath: socket, path: "/held", agent: false }, (answer) => {
          answer.on("error", gone).on("close", () => {
            gone()
            // The launcher was killed: nobody else takes its folder away.
            if (!closed) rmSync(dirname(socket), { recursive: true, force: true })
          }).resume()
        })
        held.on("error", gone)
        held.end()
      }

      const call = <A>(
        helper: string,
        method: "GET" | "POST",
        path: string,
        millisMax: number,
        shape: (value: unknown) => A,
        body = "",
      ): Effect.Effect<A, HelperUnavailable> =>
        Effect.callback<A, HelperUnavailable>((resume) => {
          if (socket === undefined) {
            return resume(Effect.fail(unavailable(
              helper,
              "absent",
              "No helper processes here: the launcher found no folder for its socket. " +
                "Set XDG_RUNTIME_DIR or TMPDIR to a folder with a short path.",
              false,
            )))
          }
          const fail = (cause: unknown) =>
            resume(Effect.fail(unavailable(
              helper,
              "failed",
              `The supervisor of ${helper} does not answer (${
                cause instanceof Error ? cause.message : String(cause)
              }): restart AIOS`,
              true,
            )))
          const sent = request({
            socketPath: socket,
            path,
            method,
            agent: false,
            headers: { "content-length": Buffer.byteLength(body) },
          }, async (answer) => {
            try {
              const chunks: Array<Buffer> = []
              for await (const chunk of answer) chunks.push(chunk)
              const value: unknown = JSON.parse(Buffer.concat(chunks).toString("utf8"))
              if (!isRefused(value)) return resume(Effect.succeed(shape(value)))
              const { message, reason, retryable } = value.error
              resume(Effect.fail(unavailable(
                helper,
                isReason(reason) ? reason : "failed",
                message,
                retryable,
              )))
            } catch (cause) {
              fail(cause)
            }
          })
          sent.on("error", fail)
          sent.end(body)
          return Effect.sync(() => void sent.destroy())
        }).pipe(
          Effect.timeoutOrElse({
            duration: millisMax,
            orElse: () =>
              Effect.fail(unavailable(
                helper,
                "timedOut",
                `${helper} gave no answer within ${millisMax / 1000} s`,
                true,
              )),
          }),
        )

      const state = Schema.decodeUnknownSync(HelperState)
      const states = Schema.decodeUnknownSync(States)
      const vectors = Schema.decodeUnknownSync(Vectors)
      return Helpers.of({
        start: (name) =>
          Effect.suspend(() => {
            hold()
            return call(name, "POST", `/start/${name}`, startMillisMax, state)
          }),
        check: (name) => call(name, "POST", `/check/${name}`, startMillisMax, state),
        stop: (name) => call(name, "POST", `/stop/${name}`, startMillisMax, state),
        states: call("helpers", "GET", "/state", stateMillisMax, (value) => states(value).helpers),
        embed: (texts) =>
          Effect.suspend(() => {
            hold()
            const shape = (value: unknown) => {
              const answer = vectors(value)
              return vectorsOf(answer.vectors, answer.dims, texts.length)
            }
            if (texts.length === 0) return Effect.succeed([])
            const body = JSON.stringify({ texts })
            return call("embedder", "POST", "/embed", embedMillisMax, shape, body)
          }),
      })
    }),
  )
