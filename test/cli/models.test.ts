/** `aios models` as a user runs it, without a network: what there is, what is missing, and what is refused. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { run } from "./aios.ts"

const folder = mkdtempSync(join(tmpdir(), "aios-models-cli-"))
const dataDir = join(folder, "data")
let mirror: Server
let url: string
/** Where nobody answers. */
let nowhere: string
const asked: Array<string> = []

const listening = (server: Server) =>
  new Promise<string>((done) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      done(`127.0.0.1:${typeof address === "object" ? address!.port : 0}`)
    })
  )

beforeAll(async () => {
  const gone = createServer()
  nowhere = await listening(gone)
  await new Promise((done) => gone.close(done))
  mirror = createServer((request, response) => {
    asked.push(request.url!)
    if (request.url!.startsWith("/away")) {
      return void response.writeHead(302, { location: "http://127.0.0.2:9999/x" }).end()
    }
    response.end("not what was pinned")
  })
  url = `http://${await listening(mirror)}`
})
afterAll(() => {
  mirror.close()
  rmSync(folder, { recursive: true, force: true })
})

const aios = (args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  run([...args, "--data-dir", dataDir], {
    env: {
      AIOS_MODEL: undefined,
      AIOS_MODELS_DIR: undefined,
      AIOS_MODELS_URL: url,
      AIOS_EMBEDDER: undefined,
      AIOS_OLLAMA: "off",
      OLLAMA_HOST: nowhere,
      ...env,
    },
  })

describe("aios models", () => {
  it("where Ollama is there and does not answer, does not take it for none", async () => {
    const frozen = createServer(() => {})
    const env = { OLLAMA_HOST: await listening(frozen) }
    const { out } = await aios(["models"], env)
    const words = out.replace(/\s+/g, " ")
    expect(words).toContain("not known now: Ollama does not answer at http://127.0.0.1:")
    expect(words).not.toMatch(/CHAT none|Fetch gemma/)
    const { chat } = JSON.parse((await aios(["models", "--json"], env)).out)
    expect(chat).toMatchObject({ answers: false, unknown: true })
    expect(chat).not.toHaveProperty("fetches")
    const pulled = await aios(["models", "pull", "--chat-only"], env)
    expect([pulled.code, pulled.err]).toEqual([75, expect.stringContaining("did not answer")])
    const { checks } = JSON.parse((await aios(["doctor", "--json"], env)).out)
    expect(checks.find(({ name }: { name: string }) => name === "process ollama")).toMatchObject({
      detail: expect.stringMatching(/^something is at its address, and does not answer/),
    })
    frozen.closeAllConnections()
    frozen.close()
  }, 60_000)
  it("says what is missing, what it costs, and how to get it", async () => {
    const { code, out } = await aios(["models"])
    expect(code).toBe(0)
    expect(out.replace(/\s+/g, " ")).toMatch(
      /EMBEDDINGS Xenova.*missing.*recall is by words.*91\.1 MB: aios models pull CHAT none: .*AIOS_OLLAMA=off.*Fetch \S+, [\d.]+ .B \(it fits this machine's memory/,
    )
    const state = JSON.parse((await aios(["models", "--json"], { AIOS_MODEL: "some:7b" })).out)
    expect(state).toMatchObject({
      embedding: { by: "local", state: "missing", bytesMissing: 91_099_267 },
      chat: {
        answers: false,
        models: [],
        small: "some:7b",
        ready: false,
        fetches: { model: "some:7b", bytes: 0, because: "AIOS_MODEL names it" },
      },
    })
  })

  it("with --dry-run fetches nothing and says what it would", async () => {
    asked.length = 0
    const { code, out } = await aios(["models", "pull", "--dry-run", "--model", "gemma3:1b"])
    expect(code).toBe(0)
    expect(out).toMatch(/Embeddings: .*91\.1 MB from 127\.0\.0\.1:\d+ into/)
    expect(out).toMatch(/Chat: gemma3:1b/)
    expect(asked).toEqual([])
  })

  it("refuses other files than the pinned ones, keeps nothing of them, and tries the chat model too", async () => {
    asked.length = 0
    const { code, err } = await aios(["models", "pull"])
    expect(code).toBe(1)
    expect(asked).toEqual([
      "/Xenova/all-MiniLM-L6-v2/resolve/751bff37182d3f1213fa05d7196b954e230abad9/config.json",
    ])
    expect(err).toMatch(/config\.json from 127\.0\.0\.1:\d+ is not the file that was expected/)
    expect(err).toMatch(/AIOS_OLLAMA=off/)
    const left = readdirSync(join(dataDir, "models"), { recursive: true }).map(String)
    expect(left.filter((name) => name.includes("config"))).toEqual([])
  })

  it("goes only where it was sent: not where a mirror would like", async () => {
    const { code, err } = await aios(["models", "pull", "--embedding-only"], {
      AIOS_MODELS_URL: `${url}/away`,
    })
    expect(code).toBe(1)
    expect(err).toMatch(/sends elsewhere|cannot be reached/)
  })

  it("a folder that holds the files is used as it is, and nothing is fetched", async () => {
    const own = join(folder, "own")
    const at = join(own, "Xenova/all-MiniLM-L6-v2")
    mkdirSync(join(at, "onnx"), { recursive: true })
    for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json"]) {
      writeFileSync(join(at, name), "{}")
    }
    const env = { AIOS_MODELS_DIR: own }
    const lacks = await aios(["models", "pull", "--embedding-only"], env)
    expect(lacks.code).toBe(78)
    expect(lacks.err).toMatch(/lacks onnx\/model\.onnx.*used as it is/)
    writeFileSync(join(at, "onnx/model.onnx"), "weights")
    asked.length = 0
    const pulled = await aios(["models", "pull", "--embedding-only", "--json"], env)
    expect(JSON.parse(pulled.out)).toMatchObject({ embedding: { fetched: false, state: "other" } })
    expect(asked).toEqual([])
    const { out } = await aios(["models"], env)
    expect(out.replace(/\s+/g, " ")).toMatch(/used as it is.*not the pinned files/)
  })

  it("what cannot be meant is a usage error", async () => {
    for (
      const words of [["--embedding-only", "--chat-only"], ["--model", "a b"], [
        "--embedding-only",
        "--model",
        "gemma3:1b",
      ]]
    ) {
      expect((await aios(["models", "pull", ...words])).code).toBe(2)
    }
    const wrong = await aios(["models"], { AIOS_EMBEDDER: "cloud" })
    expect(wrong.code).toBe(78)
    expect(wrong.err).toMatch(/AIOS_EMBEDDER is cloud: give local, ollama, off/)
  })
})
