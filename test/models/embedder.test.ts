/** Real embeddings: the process that makes them, beside the package whose output they must equal. */
import { DefaultEmbeddingFunction } from "@chroma-core/default-embed"
import { env } from "@huggingface/transformers"
import { Layer } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"
import { Embedder } from "../../actors/embedder.ts"
import { dot } from "../../actors/vectors.ts"
import { model, over } from "../../adapters/embedder-local.ts"
import * as ofOllama from "../../adapters/embedder-ollama.ts"
import * as ollama from "../../adapters/inference-ollama.ts"
import { embedderContract } from "../contract/embedder.ts"
import { type EmbedderProcess, relayOf, started, vectorsOf } from "./embedder-process.ts"
import { realFolder, realHost, withFiles, withOllama } from "./real.ts"

const weather = "The weather is lovely today."
const sunny = "It's so sunny outside!"
const stadium = "He drove to the stadium."
const sentences = [
  weather,
  sunny,
  stadium,
  "",
  "Rechnung Nr. 1042 über 1.200,00 € ist am 24. November fällig. 🙂",
  "請求書の支払い期限は来週の火曜日です。",
  "word ".repeat(300),
  ...Array.from({ length: 32 }, (_, n) => `Mail ${n} ${"of Ada about prices ".repeat(n % 9)}`),
]

withFiles("MiniLM in its process", () => {
  let embedder: EmbedderProcess
  beforeAll(async () => {
    embedder = started(realFolder)
    expect(await embedder.ready).toEqual({ ready: true, model })
  })
  afterAll(() => void embedder?.child.stdin?.end())

  embedderContract(
    "as it answers",
    Layer.sync(Embedder, () => over(relayOf(embedder))),
  )

  it("gives what the package gives, text by text and all at once", async () => {
    Object.assign(env, {
      localModelPath: realFolder,
      allowRemoteModels: false,
      useFSCache: false,
      useBrowserCache: false,
    })
    const theirs = new DefaultEmbeddingFunction()
    const ours = vectorsOf(await embedder.ask(sentences))
    expect(ours.length).toBe(sentences.length)
    const together = await theirs.generate(sentences)
    const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] ?? NaN))))
    for (const [n, vector] of ours.entries()) {
      expect(difference(vector, together[n]!), `text ${n} of all`).toBeLessThan(1e-5)
    }
    for (const n of [0, 4, 5, 6]) {
      const [alone] = await theirs.generate([sentences[n]!])
      expect(difference(ours[n]!, alone!), `text ${n} alone`).toBeLessThan(1e-5)
    }
  })

  it("knows what is near", async () => {
    const [one, two, three] = vectorsOf(await embedder.ask([weather, sunny, stadium]))
    expect(dot(one!, two!)).toBeCloseTo(0.666, 3)
    expect(dot(one!, three!)).toBeCloseTo(0.1046, 3)
    expect(dot(two!, three!)).toBeCloseTo(0.1411, 3)
  })

  it("many texts at once take less than one by one", async () => {
    const texts = Array.from(
      { length: 256 },
      (_, n) => `Ada asked for the price of sponsoring ${n}.`,
    )
    await embedder.ask(texts.slice(0, 4))
    const began = performance.now()
    for (const text of texts.slice(0, 64)) await embedder.ask([text])
    const oneByOne = (performance.now() - began) / 64
    const again = performance.now()
    expect(vectorsOf(await embedder.ask(texts)).length).toBe(256)
    const inBatches = (performance.now() - again) / 256
    expect(inBatches).toBeLessThan(oneByOne)
  })

  it("ends when nobody is there any more, also in the middle of its work", async () => {
    const other = started(realFolder)
    await other.ready
    await other.ask([weather])
    const long = "What was asked, what was promised, and what it cost. ".repeat(60)
    other.write(JSON.stringify({ id: 9, texts: Array.from({ length: 2_000 }, () => long) }))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const began = performance.now()
    other.child.stdin?.end()
    expect(await other.exited).toBe(0)
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})

withOllama("embeddings of Ollama", () => {
  embedderContract(
    "all-minilm",
    ofOllama.layer().pipe(Layer.provide(ollama.layer({ host: realHost }))),
  )
})
