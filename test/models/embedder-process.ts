/** The embedding process itself, without its supervisor: what is written to it and what it answers. */
import { type ChildProcess, spawn } from "node:child_process"
import process from "node:process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import type { Relay } from "../../adapters/embedder-local.ts"

const script = fileURLToPath(new URL("../../bin/helpers/embedder.mjs", import.meta.url))
/** As the launcher starts it: native code, but no network, no write, no other process. */
const denoArgs = ["--allow-ffi", "--allow-read", "--allow-env", "--allow-sys"]
const plainArgs = ["--no-prompt", "--no-lock", "--no-remote", "--cached-only", "--quiet"]
const args = "Deno" in globalThis ? ["run", ...plainArgs, ...denoArgs, script] : [script]

export interface Frame {
  readonly id?: number
  readonly ready?: boolean
  readonly busy?: number
  readonly model?: string
  readonly dims?: number
  readonly vectors?: string
  readonly error?: { readonly reason: "noModel" | "failed"; readonly message: string }
}

export interface EmbedderProcess {
  readonly child: ChildProcess
  readonly ready: Promise<Frame>
  /** Writes a line as it is. */
  readonly write: (line: string) => void
  /** The next answer. */
  readonly next: () => Promise<Frame>
  readonly ask: (texts: ReadonlyArray<string>) => Promise<Frame>
  readonly exited: Promise<number | null>
}

export const vectorsOf = (frame: Frame): ReadonlyArray<Float32Array> => {
  const bytes = Uint8Array.from(Buffer.from(frame.vectors ?? "", "base64"))
  const dims = frame.dims ?? 0
  const all = new Float32Array(bytes.buffer)
  return Array.from(
    { length: dims === 0 ? 0 : all.length / dims },
    (_, n) => all.slice(n * dims, (n + 1) * dims),
  )
}

export const started = (folder: string): EmbedderProcess => {
  const child = spawn(process.execPath, args, {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, AIOS_MODELS_DIR: folder },
  })
  const waiting: Array<(frame: Frame) => void> = []
  const came: Array<Frame> = []
  createInterface({ input: child.stdout }).on("line", (line) => {
    const frame: Frame = JSON.parse(line)
    // It only says that it lives.
    if (frame.busy !== undefined) return
    const who = waiting.shift()
    if (who === undefined) came.push(frame)
    else who(frame)
  })
  const next = () =>
    new Promise<Frame>((resolve) => {
      const frame = came.shift()
      if (frame === undefined) waiting.push(resolve)
      else resolve(frame)
    })
  const write = (line: string) => void child.stdin.write(`${line}\n`)
  child.stdin.on("error", () => {})
  let id = 0
  return {
    child,
    ready: next(),
    write,
    next,
    ask: (texts) => {
      write(JSON.stringify({ id: ++id, texts }))
      return next()
    },
    exited: new Promise((resolve) => child.on("exit", resolve)),
  }
}

/** Without a supervisor in between. */
export const relayOf = (embedder: EmbedderProcess): Relay => ({
  embed: (texts) =>
    Effect.flatMap(
      Effect.promise(() => embedder.ask(texts)),
      (frame) =>
        frame.error === undefined
          ? Effect.succeed(vectorsOf(frame))
          : Effect.fail({ ...frame.error, retryable: false }),
    ),
})
