/**
 * The embedding model's files are fetched once, whole and as pinned, or not at all: from a server here with
 * files of our own, which breaks off, lies, and knows no ranges.
 */
import { createHash } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { fetchFiles, filesOf, type PinnedModel } from "../../adapters/model-files.ts"
import type { OperationFailed } from "../../projections/aios.ts"

const large = Buffer.alloc(3_000_000, "model ")
const contents: Readonly<Record<string, Buffer>> = {
  "config.json": Buffer.from('{"model_type":"bert"}'),
  "onnx/model.onnx": large,
}
const pinned: PinnedModel = {
  model: "Some/model",
  revision: "abc",
  files: Object.entries(contents).map(([name, content]) => ({
    name,
    sha256: createHash("sha256").update(content).digest("hex"),
    ...(name === "config.json" ? {} : { bytes: content.length }),
  })),
}

let folder: string
let server: Server
let base: string
let asked: Array<string>
/** Answers a request in the server's place; false: it did not. */
let instead: (path: string, request: IncomingMessage, response: ServerResponse) => boolean

const modelPath = (name: string) => join(folder, pinned.model, name)

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "aios-models-"))
  asked = []
  instead = () => false
  server = createServer((request, response) => {
    const path = request.url!.replace("/Some/model/resolve/abc/", "")
    asked.push(`${path} ${request.headers.range ?? ""}`.trim())
    if (instead(path, request, response)) return
    const content = contents[path]
    if (content === undefined) return void response.writeHead(404).end("no")
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0)
    if (from > 0) {
      response.writeHead(206, {
        "content-range": `bytes ${from}-${content.length - 1}/${content.length}`,
      })
    }
    response.end(content.subarray(from))
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const address = server.address()
  base = `http://127.0.0.1:${typeof address === "object" ? address!.port : 0}`
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

const steps: Array<{ readonly done: number; readonly total: number }> = []
const pull = () => fetchFiles(folder, pinned, base, (step) => steps.push(step))
const pulled = () => Effect.runPromise(pull())
const refused = (): Promise<OperationFailed> => Effect.runPromise(Effect.flip(pull()))
const states = async () =>
  (await Effect.runPromise(filesOf(folder, pinned))).map(({ state }) => state)
const leftovers = () =>
  readdirSync(folder, { recursive: true }).map(String).filter((name) => name.endsWith(".partial"))

describe("the embedding model's files", () => {
  it("are fetched once, with progress; after that nothing is asked for", async () => {
    expect(await states()).toEqual(["missing", "missing"])
    steps.length = 0
    expect(await pulled()).toEqual({ fetched: true, bytes: large.length + 21 })
    for (const [name, content] of Object.entries(contents)) {
      expect(readFileSync(modelPath(name)).equals(content)).toBe(true)
    }
    expect(steps.length).toBeGreaterThan(3)
    expect(steps.at(-1)!.done).toBe(steps.at(-1)!.total)
    expect(leftovers()).toEqual([])
    expect(await states()).toEqual(["whole", "whole"])
    asked.length = 0
    expect(await pulled()).toEqual({ fetched: false, bytes: 0 })
    expect(asked).toEqual([])
  })

  it("go on where the connection broke, in the same run", async () => {
    let broken = 0
    instead = (path, _request, response) => {
      if (path === "config.json" || broken++ > 0) return false
      response.writeHead(200, { "content-length": large.length })
      response.write(large.subarray(0, 1_000_000), () => setTimeout(() => response.destroy(), 100))
      return true
    }
    await pulled()
    expect(asked[1]).toBe("onnx/model.onnx")
    expect(asked[2]).toMatch(/^onnx\/model\.onnx bytes=[1-9]\d*-$/)
    expect(await states()).toEqual(["whole", "whole"])
  })

  it("go on where an earlier run stopped, also at a server that knows no ranges", async () => {
    for (const ranges of [true, false]) {
      rmSync(join(folder, "Some"), { recursive: true, force: true })
      mkdirSync(dirname(modelPath("onnx/model.onnx")), { recursive: true })
      writeFileSync(modelPath("onnx/model.onnx.partial"), large.subarray(0, 2_500_000))
      expect(await states()).toEqual(["missing", "part"])
      instead = (path, _request, response) => {
        if (ranges || path === "config.json") return false
        response.end(large)
        return true
      }
      asked.length = 0
      const { bytes } = await pulled()
      expect(asked[1]).toBe("onnx/model.onnx bytes=2500000-")
      expect(bytes).toBe(21 + (ranges ? 500_000 : large.length))
      expect(await states()).toEqual(["whole", "whole"])
    }
  })

  it("what was begun of another file is thrown away, and fetched anew", async () => {
    mkdirSync(dirname(modelPath("onnx/model.onnx")), { recursive: true })
    writeFileSync(modelPath("onnx/model.onnx.partial"), Buffer.alloc(1_000, "x"))
    await pulled()
    expect(await states()).toEqual(["whole", "whole"])
  })

  it("other files are refused, and nothing of them stays", async () => {
    for (
      const wrong of [Buffer.alloc(large.length, "evil "), Buffer.alloc(large.length + 1, "x")]
    ) {
      instead = (path, _request, response) => {
        if (path === "config.json") return false
        response.end(wrong)
        return true
      }
      const failure = await refused()
      expect(failure.error).toBe("NotThePinnedFile")
      expect(failure.message).toMatch(/onnx\/model\.onnx.*nothing of it was kept/)
      expect(existsSync(modelPath("onnx/model.onnx"))).toBe(false)
      expect(leftovers()).toEqual([])
    }
    // What was right before it stays.
    expect(await states()).toEqual(["whole", "missing"])
  })

  it("a damaged file is found, and fetched anew", async () => {
    await pulled()
    writeFileSync(modelPath("onnx/model.onnx"), Buffer.alloc(large.length))
    expect(await states()).toEqual(["whole", "other"])
    asked.length = 0
    await pulled()
    expect(asked).toEqual(["onnx/model.onnx"])
    expect(await states()).toEqual(["whole", "whole"])
  })

  it("a server that has none, or is not there, is named, with what to do", async () => {
    instead = (_path, _request, response) => {
      response.writeHead(404).end()
      return true
    }
    expect((await refused()).message).toMatch(/answers 404.*AIOS_MODELS_URL/)
    server.closeAllConnections()
    await new Promise((done) => server.close(done))
    const gone = await refused()
    expect(gone.error).toBe("SourceUnreachable")
    expect(gone.message).toMatch(/AIOS_MODELS_DIR/)
  })

  it("who gives up keeps what came; two at once do not write into one file", async () => {
    let begun = () => {}
    const waiting = new Promise<void>((done) => begun = done)
    instead = (path, _request, response) => {
      if (path === "config.json") return false
      response.writeHead(200, { "content-length": large.length })
      response.write(large.subarray(0, 1_000_000), () => setTimeout(begun, 200))
      return true
    }
    const stop = new AbortController()
    const first = Effect.runPromiseExit(pull(), { signal: stop.signal })
    await waiting
    const second = await refused()
    expect(second.error).toBe("PullRunning")
    stop.abort()
    expect((await first)._tag).toBe("Failure")
    expect(await states()).toEqual(["whole", "part"])
    instead = () => false
    asked.length = 0
    await pulled()
    expect(asked[0]).toMatch(/^onnx\/model\.onnx bytes=/)
    expect(await states()).toEqual(["whole", "whole"])
  })
})
