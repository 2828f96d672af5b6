/**
 * Which real models these tests may use. They run where OLLAMA_HOST names a server with the two small models
 * and AIOS_MODELS_DIR holds MiniLM's files (`npm run test:models` beside such a server); elsewhere each
 * file says that it is skipped, and why.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { Effect } from "effect"
import { describe } from "vitest"
import { Inference } from "../../actors/inference.ts"
import * as ollama from "../../adapters/inference-ollama.ts"

export const chatModel = "gemma3:270m"
export const embeddingModel = "all-minilm"

const host = process.env["OLLAMA_HOST"] ?? ""
const folder = process.env["AIOS_MODELS_DIR"] ?? ""

const whyNoServer = async () => {
  if (host === "") return "OLLAMA_HOST is not set"
  const found = await Effect.runPromise(
    Effect.result(
      Effect.provide(Effect.flatMap(Inference, ({ models }) => models), ollama.layer({ host })),
    ),
  )
  if (found._tag === "Failure") return found.failure.message
  const has = found.success.map(({ name }) => name.replace(/:latest$/, ""))
  const lacks = [chatModel, embeddingModel].filter((name) => !has.includes(name))
  return lacks.length === 0 ? undefined : `the server at OLLAMA_HOST lacks ${lacks.join(" and ")}`
}
const whyNoFiles = () => {
  if (folder === "") return "AIOS_MODELS_DIR is not set"
  const file = join(folder, "Xenova/all-MiniLM-L6-v2/onnx/model.onnx")
  return existsSync(file) ? undefined : `AIOS_MODELS_DIR has no ${file}`
}

const noServer = await whyNoServer()
const noFiles = whyNoFiles()

/** The host of the real server, and the folder of the real files; empty where there are none. */
export const realHost = noServer === undefined ? host : ""
export const realFolder = noFiles === undefined ? folder : ""

const needing = (why: string | undefined) => (name: string, tests: () => void) => {
  if (why !== undefined) process.stderr.write(`SKIPPED: ${name}: ${why}\n`)
  describe.skipIf(why !== undefined)(name, tests)
}

/** Tests that need the real Ollama server. */
export const withOllama = needing(noServer)
/** Tests that need MiniLM's files. */
export const withFiles = needing(noFiles)
/** Tests that need both. */
export const withModels = needing(noServer ?? noFiles)
