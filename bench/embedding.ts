/**
 * Texts to vectors as memory gets them: through the supervisor, in the process beside, and back. The limit is the
 * bare pipeline of the same model in this process, in the same batches. They take turns, both use all cores.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { env, pipeline } from "@huggingface/transformers"
import { Effect } from "effect"
import { over } from "../adapters/embedder-local.ts"
import { Helpers, supervised } from "../adapters/helpers.ts"
import { ollamaAddress } from "../bin/helpers/addresses.mjs"
import { supervise } from "../bin/helpers/supervisor.mjs"
import { modelFiles, skipped } from "./real-models.ts"
import { rate, type Result } from "./result.ts"

/** Texts of one turn, one batch, and turns. */
const texts = 128
const batch = 32
const turns = 3

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const flags = ["--no-prompt", "--no-lock", "--no-remote", "--cached-only", "--quiet"]
const rights = ["--allow-ffi", "--allow-read", "--allow-env", "--allow-sys"]

/** Passages of mails: a sentence or three, no two the same. */
const passage = (n: number) =>
  `Mail ${n}: Ada asked what a sponsorship of the letter costs in ${n % 12 + 1} months. `.repeat(
    n % 3 + 1,
  )

export const embedding = async (): Promise<ReadonlyArray<Result>> => {
  const found = modelFiles()
  if ("why" in found) return skipped("embedding-items", found.why)
  Object.assign(env, {
    localModelPath: found.folder,
    allowRemoteModels: false,
    useFSCache: false,
    useBrowserCache: false,
  })
  const bare = await pipeline("feature-extraction", "Xenova/all-MiniLM-L6-v2", { dtype: "fp32" })
  const dataDir = mkdtempSync(join(tmpdir(), "aios-bench-embedding-"))
  const deno = process.versions["deno"] !== undefined
  const supervisor = await supervise({
    addresses: { chroma: undefined, ollama: ollamaAddress() },
    dataDir,
    env: process.env,
    limits: undefined,
    modelsDir: found.folder,
    root,
    script: undefined,
    runtime: (script: string) => ({
      file: process.execPath,
      args: deno ? ["run", ...flags, ...rights, script] : [script],
    }),
  })
  try {
    const measured = Effect.gen(function* () {
      const embedder = over(yield* Helpers)
      const ours = (some: ReadonlyArray<string>) => embedder.embed(some)
      const theirs = (some: ReadonlyArray<string>) =>
        Effect.promise(async () => {
          for (let from = 0; from < some.length; from += batch) {
            const part = some.slice(from, from + batch)
            await bare(part, { pooling: "mean", normalize: true })
          }
        })
      const timed = <E>(work: Effect.Effect<unknown, E>) =>
        Effect.gen(function* () {
          const started = performance.now()
          yield* work
          return performance.now() - started
        })
      const warm = Array.from({ length: batch }, (_, n) => passage(n))
      yield* ours(warm)
      yield* theirs(warm)
      let oursMillis = 0
      let bareMillis = 0
      for (let turn = 0; turn < turns; turn++) {
        const some = Array.from({ length: texts }, (_, n) => passage(turn * texts + n))
        oursMillis += yield* timed(ours(some))
        bareMillis += yield* timed(theirs(some))
      }
      const perSecond = (millis: number) => turns * texts / millis * 1000
      return [rate(
        "embedding-items",
        "texts/s",
        perSecond(oursMillis),
        perSecond(bareMillis),
        `transformers.js pipeline in this process, MiniLM fp32, batches of ${batch}`,
      )]
    })
    return await Effect.runPromise(
      Effect.provide(measured, supervised(supervisor?.socket)),
    )
  } finally {
    await supervisor?.end()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
