/**
 * Helper processes as the launcher supervises them, for tests: a real supervisor in a Node process of its
 * own, on a data directory of its own, and the client AIOS asks it with.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { Effect, type Layer } from "effect"
import { Helpers, supervised } from "../adapters/helpers.ts"

const here = dirname(fileURLToPath(import.meta.url))
const node = process.versions["deno"] === undefined ? process.execPath : "node"

export interface Options {
  readonly dataDir?: string
  readonly env?: Readonly<Record<string, string>>
  readonly limits?: Readonly<Record<string, number>>
  readonly chromaUrl?: string
  readonly ollamaHost?: string
  readonly modelsDir?: string
  /** A script in the place of the embedder's. */
  readonly embedder?: string
}

export interface Supervisor {
  readonly process: ChildProcess
  readonly dataDir: string
  readonly socket: string
  readonly layer: Layer.Layer<Helpers>
  /** Runs with a client of its own, which lets go afterwards. */
  readonly on: <A, E>(use: (helpers: Helpers["Service"]) => Effect.Effect<A, E>) => Promise<A>
  /** Keeps helpers up while no client does. */
  readonly hold: () => void
  /** In order. */
  readonly end: () => Promise<void>
  readonly kill: () => Promise<void>
}

/** Processes that have `text` in their command line. */
export const processesWith = (text: string): ReadonlyArray<number> =>
  readdirSync("/proc").filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text) &&
        !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
    } catch {
      return false
    }
  }).map(Number).filter((pid) => pid !== process.pid)

export const pause = (millis: number) => new Promise((done) => setTimeout(done, millis))

/** Waits until `found` holds. */
export const until = async (
  what: string,
  found: () => boolean | Promise<boolean>,
  millis = 15_000,
) => {
  const end = Date.now() + millis
  while (!await found()) {
    if (Date.now() > end) throw new Error(`Not within ${millis} ms: ${what}`)
    await pause(30)
  }
}

export const newFolder = () => mkdtempSync(join(tmpdir(), "aios-helpers-"))

const running = new Set<Supervisor>()
const folders = new Set<string>()

/** Starts a supervisor; what tests leave is ended by `endAll`. */
export const superviseHere = async (options: Options = {}): Promise<Supervisor> => {
  const dataDir = options.dataDir ?? newFolder()
  folders.add(dataDir)
  const child = spawn(
    node,
    [join(here, "supervisor-driver.mjs"), JSON.stringify({ ...options, dataDir })],
    { stdio: ["pipe", "pipe", "inherit"] },
  )
  const gone = new Promise<void>((done) => child.on("exit", () => done()))
  const socket = await new Promise<string>((done, refuse) => {
    let text = ""
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk
      if (text.includes("\n")) done(JSON.parse(text).socket)
    })
    gone.then(() => refuse(new Error("The supervisor ended before it was there")))
  })
  const layer = supervised(socket)
  const one: Supervisor = {
    process: child,
    dataDir,
    socket,
    layer,
    on: (use) => Effect.runPromise(Effect.provide(Effect.flatMap(Helpers, use), layer)),
    hold: () =>
      request({ socketPath: socket, path: "/held", agent: false }, (answer) => {
        answer.on("error", () => {}).resume()
      }).on("error", () => {}).end(),
    end: async () => {
      child.stdin.end()
      await gone
      running.delete(one)
    },
    kill: async () => {
      process.kill(child.pid!, "SIGKILL")
      await gone
      running.delete(one)
      rmSync(dirname(socket), { recursive: true, force: true })
    },
  }
  running.add(one)
  return one
}

/** For `afterEach`: ends all, and fails where one of their processes is left. */
export const endAll = async () => {
  await Promise.all([...running].map((one) => one.end()))
  const all = [...folders]
  folders.clear()
  for (const folder of all) {
    await until(`no process is left on ${folder}`, () => processesWith(folder).length === 0, 10_000)
    rmSync(folder, { recursive: true, force: true })
  }
}
