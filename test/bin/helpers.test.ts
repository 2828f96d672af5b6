/**
 * Helper processes beside AIOS, killed in every way: the real Chroma server, a real Ollama where one is
 * installed, and the relay to the embedder. After each test no process may be left.
 */
import { spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { homedir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { afterEach, describe, expect, it } from "vitest"
import type { Helpers, HelperState } from "../../adapters/helpers.ts"
import { endLeftover, markOf, remember } from "../../bin/helpers/leftover.mjs"
import { endAll, newFolder, pause, processesWith, superviseHere, until } from "../supervised.ts"

const echo = join(dirname(fileURLToPath(import.meta.url)), "echo-embedder.mjs")
const node = process.versions["deno"] === undefined ? process.execPath : "node"
/** Short times, so that a test sees in a second what takes minutes. */
const quick = { healthMillis: 100, healthMillisMax: 400, missesMax: 2, pauseMillisMin: 100 }

afterEach(endAll)

const alive = (pid: number) => {
  try {
    return process.kill(pid, 0) && !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"))
  } catch {
    return false
  }
}
const gone = (pid: number) => until(`process ${pid} is gone`, () => !alive(pid))
const answers = async (url: string) => {
  try {
    return (await fetch(`${url}/api/v2/heartbeat`)).ok
  } catch {
    return false
  }
}
const stateOf = (helpers: Helpers["Service"], name: string) =>
  Effect.map(helpers.states, (all) => all.find((one) => one.name === name)!)
/** A look at a helper until it is as wished. */
const seen = (helpers: Helpers["Service"], name: string, wished: (state: HelperState) => boolean) =>
  Effect.gen(function* () {
    const end = Date.now() + 20_000
    for (;;) {
      const state = yield* stateOf(helpers, name)
      if (wished(state)) return state
      if (Date.now() > end) throw new Error(`${name} stays ${JSON.stringify(state)}`)
      yield* Effect.promise(() => pause(20))
    }
  })

describe("Chroma", () => {
  it("starts when asked, not before, and ends with its supervisor", async () => {
    const one = await superviseHere()
    expect(readdirSync(one.dataDir)).toEqual([])
    const state = await one.on((helpers) =>
      Effect.gen(function* () {
        expect((yield* stateOf(helpers, "chroma")).state).toBe("off")
        const both = yield* Effect.all([helpers.start("chroma"), helpers.start("chroma")], {
          concurrency: 2,
        })
        expect(both[0]).toMatchObject({ state: "up", restarts: 0, pid: both[1].pid })
        expect(yield* Effect.promise(() => answers(both[0].url!))).toBe(true)
        return both[0]
      })
    )
    expect(processesWith(one.dataDir)).toContain(state.pid)
    await one.end()
    expect(alive(state.pid!)).toBe(false)
    expect(existsSync(dirname(one.socket))).toBe(false)
    expect(existsSync(join(one.dataDir, "helpers/chroma.json"))).toBe(false)
    expect(readFileSync(join(one.dataDir, "helpers/chroma.log"), "utf8")).toContain("Listening on")
  })

  it("is looked after without being started", async () => {
    const one = await superviseHere()
    expect(await one.on((helpers) => helpers.check("chroma"))).toMatchObject({ state: "off" })
    expect(await one.on((helpers) => Effect.flip(helpers.check("embedder"))))
      .toMatchObject({ reason: "noModel", message: expect.stringContaining("aios models pull") })
    expect(readdirSync(one.dataDir)).toEqual([])
  })

  it("ends when its supervisor is killed", async () => {
    const one = await superviseHere()
    const { pid } = await one.on((helpers) => helpers.start("chroma"))
    await one.kill()
    await gone(pid!)
  })

  it("ends some time after the last one who asked is gone, and starts again for the next", async () => {
    const one = await superviseHere()
    const first = await one.on((helpers) => helpers.start("chroma"))
    await gone(first.pid!)
    const next = await one.on((helpers) => helpers.start("chroma"))
    expect(next).toMatchObject({ state: "up", restarts: 0, url: first.url })
    expect(next.pid).not.toBe(first.pid)
  })

  it("is started again after it was killed, each time after a longer pause", async () => {
    const one = await superviseHere({ limits: quick })
    await one.on((helpers) =>
      Effect.gen(function* () {
        const pauses: Array<number> = []
        let state = yield* helpers.start("chroma")
        for (let kills = 1; kills <= 4; kills++) {
          process.kill(state.pid!, "SIGKILL")
          const waiting = yield* seen(helpers, "chroma", ({ state }) => state === "waiting")
          expect(waiting.lastError).toContain("SIGKILL")
          pauses.push(waiting.retryAt! - waiting.since)
          state = yield* seen(helpers, "chroma", ({ state }) => state === "up")
          expect(state.restarts).toBe(kills)
          expect(state.lastError).toBeUndefined()
          expect(yield* Effect.promise(() => answers(state.url!))).toBe(true)
        }
        expect(pauses.map((millis) => Math.round(millis / 100))).toEqual([1, 2, 4, 8])
      })
    )
  })

  it("whoever asks in a long pause is told when it ends, and does not shorten it", async () => {
    const one = await superviseHere({ limits: { ...quick, pauseMillisMin: 8_000 } })
    await one.on((helpers) =>
      Effect.gen(function* () {
        const { pid } = yield* helpers.start("chroma")
        process.kill(pid!, "SIGKILL")
        yield* seen(helpers, "chroma", ({ state }) => state === "waiting")
        const refused = yield* Effect.flip(helpers.start("chroma"))
        expect(refused).toMatchObject({ reason: "failed", retryable: true })
        expect(refused.message).toMatch(/SIGKILL.*again in \d s.*chroma\.log/)
      })
    )
  })

  it("that hangs is killed and started again", async () => {
    const one = await superviseHere({ limits: quick })
    await one.on((helpers) =>
      Effect.gen(function* () {
        const { pid } = yield* helpers.start("chroma")
        process.kill(pid!, "SIGSTOP")
        const next = yield* seen(helpers, "chroma", (one) => one.state === "up" && one.pid !== pid)
        expect(next.restarts).toBe(1)
        expect(alive(pid!)).toBe(false)
      })
    )
  })

  it("whose folder was deleted starts again on a new one", async () => {
    const one = await superviseHere({ limits: quick })
    await one.on((helpers) =>
      Effect.gen(function* () {
        const { pid } = yield* helpers.start("chroma")
        yield* Effect.promise(() => pause(300))
        rmSync(join(one.dataDir, "chroma"), { recursive: true })
        const next = yield* seen(helpers, "chroma", (one) => one.state === "up" && one.pid !== pid)
        expect(yield* Effect.promise(() => answers(next.url!))).toBe(true)
        expect(existsSync(join(one.dataDir, "chroma/chroma.sqlite3"))).toBe(true)
      })
    )
  })

  it("left over from a crash is ended before its folder is used", async () => {
    const first = await superviseHere()
    const { pid } = await first.on((helpers) => helpers.start("chroma"))
    // A process that is stopped notices nothing, as one that hangs in the kernel.
    process.kill(pid!, "SIGSTOP")
    await first.kill()
    await pause(300)
    expect(alive(pid!)).toBe(true)
    const second = await superviseHere({ dataDir: first.dataDir })
    const next = await second.on((helpers) => helpers.start("chroma"))
    expect(alive(pid!)).toBe(false)
    expect(next.state).toBe("up")
    expect(processesWith(first.dataDir).filter((one) => one !== second.process.pid))
      .toEqual([next.pid])
  })

  it("a number in a stale file that belongs to somebody else now is left alone", async () => {
    const one = await superviseHere()
    const stranger = spawn("sleep", ["60"])
    try {
      const { mkdirSync, writeFileSync } = await import("node:fs")
      mkdirSync(join(one.dataDir, "helpers"))
      const began = "another boot 12345"
      writeFileSync(
        join(one.dataDir, "helpers/chroma.json"),
        JSON.stringify({ processes: [{ pid: stranger.pid, began }] }),
      )
      await one.on((helpers) => helpers.start("chroma"))
      expect(alive(stranger.pid!)).toBe(true)
    } finally {
      stranger.kill("SIGKILL")
    }
  })

  it("of two data directories run at the same time", async () => {
    const both = await Promise.all([superviseHere(), superviseHere()])
    const states = await Promise.all(
      both.map((one) => one.on((helpers) => helpers.start("chroma"))),
    )
    expect(new Set(states.map(({ url }) => url)).size).toBe(2)
    expect(await Promise.all(states.map(({ url }) => answers(url!)))).toEqual([true, true])
  })

  it("whose port somebody took is refused, and waits for it to be free", async () => {
    const one = await superviseHere({ limits: quick })
    const { pid, url } = await one.on((helpers) => helpers.start("chroma"))
    await one.on((helpers) => helpers.stop("chroma"))
    await gone(pid!)
    const other = createServer((_, response) => response.end("I am somebody else"))
    await new Promise<void>((done) => other.listen(Number(new URL(url!).port), "127.0.0.1", done))
    const refused = await one.on((helpers) => Effect.flip(helpers.start("chroma")))
    expect(refused.message).toContain("Another program took port")
    await new Promise((done) => other.close(done))
    const state = await one.on((helpers) => helpers.start("chroma"))
    expect(state.state).toBe("up")
  })

  it("of somebody else is used, not started", async () => {
    const one = await superviseHere({ chromaUrl: "https://chroma.example/base" })
    expect(await one.on((helpers) => helpers.start("chroma")))
      .toMatchObject({ state: "outside", url: "https://chroma.example:443/base" })
    expect(processesWith(join(one.dataDir, "chroma"))).toEqual([])
  })
})

describe("the embedder", () => {
  const texts = ["Ada", "ärger", ""]
  const vectors = [[3, 65], [5, 228], [0, 0]]

  it("is asked over its lines, one vector per text", async () => {
    const one = await superviseHere({ embedder: echo })
    await one.on((helpers) =>
      Effect.gen(function* () {
        const found = yield* helpers.embed(texts)
        expect(found.map((vector) => [...vector])).toEqual(vectors)
        const many = yield* Effect.all(
          Array.from({ length: 50 }, (_, i) => helpers.embed(["x".repeat(i), "y"])),
          { concurrency: "unbounded" },
        )
        expect(many.map(([first]) => first![0])).toEqual(many.map((_, i) => i))
        expect(yield* helpers.embed([])).toEqual([])
      })
    )
  })

  it("that refuses or dies is a typed failure, and comes back", async () => {
    const one = await superviseHere({ embedder: echo, limits: quick })
    await one.on((helpers) =>
      Effect.gen(function* () {
        expect(yield* Effect.flip(helpers.embed(["refuse"])))
          .toMatchObject({ helper: "embedder", reason: "failed", message: "refused" })
        expect(yield* Effect.flip(helpers.embed(["die"])))
          .toMatchObject({ reason: "failed", retryable: true })
        expect((yield* helpers.embed(texts)).map((vector) => [...vector])).toEqual(vectors)
        expect((yield* stateOf(helpers, "embedder")).restarts).toBe(1)
      })
    )
  })

  it("that is frozen is ended and started anew, whoever asks it, and one at work is not", async () => {
    const one = await superviseHere({ embedder: echo, limits: quick })
    await one.on((helpers) =>
      Effect.gen(function* () {
        expect(yield* helpers.embed(["Ada"])).toHaveLength(1)
        const { pid } = yield* stateOf(helpers, "embedder")
        // Longer than all the looks that end a silent one.
        expect(yield* helpers.embed(["long"])).toHaveLength(1)
        yield* Effect.promise(() => pause(1_500))
        expect((yield* stateOf(helpers, "embedder")).pid).toBe(pid)
        process.kill(pid!, "SIGSTOP")
        const later = yield* seen(helpers, "embedder", ({ restarts, state }) =>
          restarts === 1 && state === "up")
        expect(later.pid).not.toBe(pid)
        expect(yield* helpers.embed(["Ada"])).toHaveLength(1)
      })
    )
  })

  it("without its model is not started over and over", async () => {
    const one = await superviseHere({
      embedder: echo,
      env: { ECHO_READY: "no" },
      limits: quick,
    })
    await one.on((helpers) =>
      Effect.gen(function* () {
        const refused = yield* Effect.flip(helpers.embed(texts))
        expect(refused).toMatchObject({ reason: "noModel", retryable: false })
        expect(refused.message).toContain("aios models pull")
        yield* Effect.promise(() => pause(500))
        expect(yield* stateOf(helpers, "embedder")).toMatchObject({ state: "off", restarts: 0 })
      })
    )
  })

  it("ends when its supervisor is killed", async () => {
    const one = await superviseHere({ embedder: echo })
    const { pid } = await one.on((helpers) => helpers.start("embedder"))
    await one.kill()
    await gone(pid!)
  })

  it("is off where it is switched off", async () => {
    const one = await superviseHere({ embedder: echo, env: { AIOS_EMBEDDER: "off" } })
    expect(await one.on((helpers) => Effect.flip(helpers.embed(texts))))
      .toMatchObject({ reason: "absent", message: expect.stringContaining("AIOS_EMBEDDER=off") })
  })
})

const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache")
const ollama = [
  ...(process.env["PATH"] ?? "").split(delimiter).filter(Boolean),
  join(cache, "aios-real-models/bin"),
].find((folder) => existsSync(join(folder, "ollama")))
if (ollama === undefined) console.log("SKIPPED: no ollama is installed, so none is supervised")
const freePort = async () => {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const address = server.address()
  await new Promise((done) => server.close(done))
  return typeof address === "object" && address !== null ? address.port : 0
}

describe("Ollama", () => {
  it("that is not installed, far away or switched off is refused with what to do", async () => {
    const port = await freePort()
    const ollamaHost = `127.0.0.1:${port}`
    const start = async (env: Record<string, string>, host = ollamaHost) => {
      const one = await superviseHere({ ollamaHost: host, env })
      return await one.on((helpers) => Effect.flip(helpers.start("ollama")))
    }
    expect(await start({ PATH: "/nowhere" })).toMatchObject({
      reason: "absent",
      message: expect.stringMatching(/none is installed.*ollama\.com/),
    })
    expect((await start({ AIOS_OLLAMA: "off" })).message).toContain("AIOS_OLLAMA=off")
  })

  it("something else at its address is not taken for it", async () => {
    const other = createServer((_, response) => response.end("I am somebody else"))
    const port = await freePort()
    await new Promise<void>((done) => other.listen(port, "127.0.0.1", done))
    const one = await superviseHere({ ollamaHost: `127.0.0.1:${port}` })
    expect((await one.on((helpers) => Effect.flip(helpers.start("ollama")))).message)
      .toContain("it is no Ollama")
    other.closeAllConnections()
    await new Promise((done) => other.close(done))
  })

  it.skipIf(ollama === undefined)("is started, comes back, and ends after a kill", async () => {
    const port = await freePort()
    const one = await superviseHere({
      ollamaHost: `127.0.0.1:${port}`,
      env: { PATH: ollama!, OLLAMA_MODELS: newFolder() },
      limits: quick,
    })
    const served = () =>
      Number(
        JSON.parse(readFileSync(join(one.dataDir, "helpers/ollama.json"), "utf8"))
          .processes[1]?.pid,
      )
    await one.on((helpers) =>
      Effect.gen(function* () {
        const first = yield* helpers.start("ollama")
        expect(first).toMatchObject({ state: "up", url: `http://127.0.0.1:${port}` })
        const server = served()
        expect(alive(server)).toBe(true)
        process.kill(server, "SIGKILL")
        yield* seen(helpers, "ollama", ({ restarts, state }) => state === "up" && restarts === 1)
        // Its keeper killed: the server goes with it.
        const second = served()
        process.kill((yield* stateOf(helpers, "ollama")).pid!, "SIGKILL")
        yield* Effect.promise(() => gone(second))
        yield* seen(helpers, "ollama", ({ restarts, state }) => state === "up" && restarts === 2)
      })
    )
    const last = served()
    await one.kill()
    await gone(last)
  })

  it.skipIf(ollama === undefined)("that already runs is used and never touched", async () => {
    const port = await freePort()
    const host = `127.0.0.1:${port}`
    const theirs = spawn(join(ollama!, "ollama"), ["serve"], {
      env: { ...process.env, OLLAMA_HOST: host, OLLAMA_MODELS: newFolder() },
      stdio: "ignore",
    })
    try {
      const there = async () => {
        try {
          return (await fetch(`http://${host}/api/version`)).ok
        } catch {
          return false
        }
      }
      await until("their Ollama answers", there)
      const one = await superviseHere({ ollamaHost: host })
      expect(await one.on((helpers) => helpers.check("ollama")))
        .toMatchObject({ state: "outside", url: `http://${host}` })
      expect(await one.on((helpers) => helpers.start("ollama")))
        .toMatchObject({ state: "outside", url: `http://${host}` })
      await one.on((helpers) => helpers.stop("ollama"))
      await one.end()
      expect(await there()).toBe(true)
    } finally {
      theirs.kill("SIGKILL")
    }
  })
})

describe("logs", () => {
  it("stay within their bound", async () => {
    const { openLog } = await import("../../bin/helpers/helper-log.mjs")
    const folder = newFolder()
    const log = openLog(join(folder, "x.log"), 1_000)
    for (let i = 0; i < 500; i++) log.write(`\u001b[31mline ${i}\u001b[0m\n`)
    log.close()
    expect(readdirSync(folder).sort()).toEqual(["x.log", "x.log.1"])
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).size).toBeLessThan(1_100)
    }
    expect(log.lastWords()).toBe("line 499")
    rmSync(folder, { recursive: true })
  })
})

it("a folder that a killed launcher left is taken away by the next one, and no other", async () => {
  const left = await superviseHere()
  const lives = await superviseHere()
  left.process.kill("SIGKILL")
  await gone(left.process.pid!)
  // Any launcher may be the next one, also that of another test.
  await superviseHere()
  await until("it is swept", () => !existsSync(dirname(left.socket)))
  expect(existsSync(dirname(lives.socket))).toBe(true)
})

describe("a server that ends before what it started", () => {
  const helper = join(dirname(fileURLToPath(import.meta.url)), "../../bin/helpers/ollama.mjs")
  /** Ends at once when it is told to, as `ollama serve` does, and leaves its runner. */
  const serverIn = (folder: string) => {
    const file = join(folder, "ollama")
    const script =
      `#!/bin/sh\nsh -c 'trap "" TERM; while :; do sleep 1; done' "${folder} runner" &\n` +
      `trap 'exit 0' TERM\nwhile :; do sleep 0.05; done\n`
    writeFileSync(file, script, { mode: 0o700 })
    return file
  }
  const runnersOf = (folder: string) => processesWith(`${folder} runner`)

  it("leaves nobody when its supervisor is gone", async () => {
    const folder = newFolder()
    try {
      const child = spawn(node, [helper, serverIn(folder)], {
        ...{ detached: true, stdio: ["pipe", "ignore", "ignore"] },
      })
      await until("the runner is there", () => runnersOf(folder).length > 0)
      child.stdin!.end()
      await until("nobody is left", () => processesWith(folder).length === 0, 5_000)
    } finally {
      for (const pid of processesWith(folder)) process.kill(pid, "SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("and is killed itself: what it left is ended by the next start", async () => {
    const folder = newFolder()
    try {
      const file = join(folder, "ollama.json")
      const child = spawn(node, [helper, serverIn(folder)], {
        ...{ detached: true, stdio: ["pipe", "ignore", "ignore"] },
        env: { ...process.env, ...markOf(file) },
      })
      remember(file, [child.pid!])
      await until("the runner is there", () => runnersOf(folder).length > 0)
      const [runner] = runnersOf(folder)
      for (const pid of processesWith(folder).filter((one) => one !== runner)) {
        process.kill(pid, "SIGKILL")
      }
      await gone(child.pid!)
      expect(alive(runner!)).toBe(true)
      expect(await endLeftover(file)).toBe(true)
      expect(processesWith(folder)).toEqual([])
      expect(existsSync(file)).toBe(false)
    } finally {
      for (const pid of processesWith(folder)) process.kill(pid, "SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    }
  }, 15_000)
})
