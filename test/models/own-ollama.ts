/**
 * An Ollama server of a test's own, which may be killed, stopped and robbed of its weights: the real program
 * on a port of its own, over links to the real weights.
 */
import { type ChildProcess, spawn } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs"
import { createServer, type Server } from "node:http"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { realFolder } from "./real.ts"
import { freePort } from "../free-port.ts"

/** Where `OLLAMA_MODELS` of the real server lies, and the program itself. */
const weights = process.env["OLLAMA_MODELS"] ?? join(dirname(realFolder), "store")
const program = join(dirname(realFolder), "bin", "ollama")

export const pause = (millis: number) => new Promise((done) => setTimeout(done, millis))

/** Waits until `found` gives something. */
export const until = async <A>(
  what: string,
  found: () => Promise<A | undefined | false> | A | undefined | false,
  millis = 120_000,
): Promise<A> => {
  const end = Date.now() + millis
  for (;;) {
    const value = await found()
    if (value !== undefined && value !== false) return value
    if (Date.now() > end) throw new Error(`Not within ${millis / 1000} s: ${what}`)
    await pause(200)
  }
}

export const ownOllama = async () => {
  const folder = mkdtempSync(join(tmpdir(), "aios-ollama-"))
  mkdirSync(join(folder, "blobs"))
  for (const blob of readdirSync(join(weights, "blobs"))) {
    symlinkSync(join(weights, "blobs", blob), join(folder, "blobs", blob))
  }
  cpSync(join(weights, "manifests"), join(folder, "manifests"), { recursive: true })
  const port = await freePort()
  const host = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  let nonsense: Server | undefined

  const answers = async () => {
    try {
      return (await fetch(`${host}/api/tags`, { signal: AbortSignal.timeout(1_000) })).ok
    } catch {
      return false
    }
  }
  /** To the server and to what it started. */
  const signal = (name: "SIGKILL" | "SIGSTOP" | "SIGCONT") => {
    if (child?.pid !== undefined) process.kill(-child.pid, name)
  }
  const start = async () => {
    child = spawn(program, ["serve"], {
      detached: true,
      stdio: "ignore",
      env: {
        ...process.env,
        OLLAMA_HOST: `127.0.0.1:${port}`,
        OLLAMA_MODELS: folder,
        OLLAMA_NOPRUNE: "1",
        HOME: folder,
      },
    })
    await until("Ollama answers", answers, 30_000)
  }
  const kill = async () => {
    if (child === undefined) return
    const gone = new Promise((done) => child?.on("exit", done))
    signal("SIGKILL")
    await gone
    child = undefined
  }
  /** A server in its place that answers everything with something else. */
  const talkNonsense = (on: boolean) =>
    new Promise<void>((done) => {
      if (!on) {
        nonsense?.closeAllConnections()
        return nonsense === undefined ? done() : nonsense.close(() => done())
      }
      nonsense = createServer((_, response) => {
        response.writeHead(200, { "content-type": "text/html" })
        response.end("<h1>It works!</h1>")
      }).listen(port, "127.0.0.1", () => done())
    })
  const chat = join(folder, "manifests/registry.ollama.ai/library/gemma3")
  return {
    host,
    start,
    kill,
    stop: () => signal("SIGSTOP"),
    goOn: () => signal("SIGCONT"),
    talkNonsense,
    takeWeights: () => renameSync(chat, join(folder, "taken")),
    bringWeights: () => renameSync(join(folder, "taken"), chat),
    isInstalled: existsSync(program),
    end: async () => {
      await talkNonsense(false)
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
