/**
 * Every embedder, against the one contract, and the embedding process where it has nothing to work with. What
 * needs real weights is in `test/models/`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import * as hashing from "../../adapters/embedder-hashing.ts"
import { over } from "../../adapters/embedder-local.ts"
import * as ofInference from "../../adapters/embedder-ollama.ts"
import { scripted } from "../../adapters/inference-scripted.ts"
import { embedderContract } from "../contract/embedder.ts"
import { relayOf, started } from "../models/embedder-process.ts"

embedderContract("hashing", hashing.layer)
embedderContract(
  "of a model server",
  ofInference.layer("vectors").pipe(Layer.provide(scripted(() => "").layer)),
)

const folder = mkdtempSync(join(tmpdir(), "aios-embedder-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("the embedding process", () => {
  it("without the model's files says which are missing, and takes the next request", async () => {
    const embedder = started(folder)
    expect(await embedder.ready).toEqual({ ready: true, model: "Xenova/all-MiniLM-L6-v2" })
    const failure = await Effect.runPromise(
      Effect.flip(over(relayOf(embedder)).embed(["Ada"])),
    )
    expect(failure.reason).toBe("noModel")
    expect(failure.message).toMatch(/onnx\/model\.onnx.*aios models pull/)
    expect(await embedder.ask([])).toMatchObject({ dims: 0, vectors: "" })
    embedder.child.stdin?.end()
    expect(await embedder.exited).toBe(0)
  })

  it("says of files that are no model that they are none, and how to mend it", async () => {
    const broken = join(folder, "broken")
    const at = join(broken, "Xenova/all-MiniLM-L6-v2")
    mkdirSync(join(at, "onnx"), { recursive: true })
    for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json"]) {
      writeFileSync(join(at, name), "{}")
    }
    writeFileSync(join(at, "onnx/model.onnx"), "nothing")
    const embedder = started(broken)
    await embedder.ready
    const { error } = await embedder.ask(["Ada"])
    expect(error?.reason).toBe("failed")
    expect(error?.message).toContain("aios models pull")
    embedder.child.stdin?.end()
    await embedder.exited
  })

  it("answers what is no request with what one is", async () => {
    const embedder = started(folder)
    await embedder.ready
    for (const line of ["{", "[]", "null", '{"id":7}', '{"id":7,"texts":[1]}', '{"texts":"a"}']) {
      embedder.write(line)
      const { error } = await embedder.next()
      expect(error?.reason, line).toBe("failed")
    }
    embedder.child.stdin?.end()
    await embedder.exited
  })
})

describe("the local embedder", () => {
  const vector = (value: number) => new Float32Array(384).fill(value)

  it("asks for a few at a time, in order", async () => {
    const asked: Array<number> = []
    const embedder = over({
      embed: (texts) =>
        Effect.sync(() => {
          asked.push(texts.length)
          return texts.map((text) => vector(Number(text)))
        }),
    })
    const texts = Array.from({ length: 70 }, (_, n) => String(n))
    const vectors = await Effect.runPromise(embedder.embed(texts))
    expect(vectors.map((one) => one[0])).toEqual(texts.map(Number))
    expect(asked).toEqual([32, 32, 6])
  })

  it("does not take for vectors what are none", async () => {
    for (const made of [[], [vector(NaN)], [new Float32Array(3)], [vector(1), vector(1)]]) {
      const embedder = over({ embed: () => Effect.succeed(made) })
      const failure = await Effect.runPromise(Effect.flip(embedder.embed(["Ada"])))
      expect(failure.reason).toBe("failed")
    }
  })
})
