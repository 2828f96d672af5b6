/** The real models a bench may use: where the environment names none, it says so and measures nothing. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"

const model = "Xenova/all-MiniLM-L6-v2/onnx/model.onnx"

export const skipped = (name: string, why: string) => {
  console.error(`SKIPPED ${name}: ${why}`)
  return []
}

/** MiniLM's files, or why there are none. */
export const modelFiles = (): { readonly folder: string } | { readonly why: string } => {
  const folder = process.env["AIOS_MODELS_DIR"] ?? ""
  if (folder === "") return { why: "AIOS_MODELS_DIR does not name the embedding model's files" }
  return existsSync(join(folder, model)) ? { folder } : { why: `${folder} has no ${model}` }
}

export const chatModel = process.env["AIOS_MODEL"] || "gemma3:270m"

/** A server with the chat model, or why there is none. */
export const modelServer = async (): Promise<
  { readonly host: string } | { readonly why: string }
> => {
  const host = process.env["OLLAMA_HOST"] ?? ""
  if (host === "") return { why: "OLLAMA_HOST does not name a model server" }
  try {
    const { models } = await (await fetch(`${host}/api/tags`)).json()
    const found = models.some((one: { readonly name: string }) => one.name === chatModel)
    return found ? { host } : { why: `the server at ${host} has no ${chatModel} (AIOS_MODEL)` }
  } catch {
    return { why: `no model server answers at ${host}` }
  }
}
