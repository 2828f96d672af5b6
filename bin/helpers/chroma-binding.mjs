/** Where Chroma's native server is: a package of its own for each system, which comes with `chromadb`. */
import { createRequire } from "node:module"
import process from "node:process"
import { Refusal } from "./refusal.mjs"

const packages = {
  "darwin arm64": "chromadb-js-bindings-darwin-arm64",
  "darwin x64": "chromadb-js-bindings-darwin-x64",
  "linux arm64": "chromadb-js-bindings-linux-arm64-gnu",
  "linux x64": "chromadb-js-bindings-linux-x64-gnu",
  "win32 arm64": "chromadb-js-bindings-win32-arm64-msvc",
}

/** The file to be loaded; throws a Refusal where there is none. */
export const bindingOf = () => {
  const name = packages[`${process.platform} ${process.arch}`]
  if (name === undefined) {
    throw new Refusal(
      "absent",
      `Chroma has no build for ${process.platform} on ${process.arch}: name a server in AIOS_CHROMA_URL`,
    )
  }
  try {
    // It is not a package of ours, but one of Chroma's.
    return createRequire(createRequire(import.meta.url).resolve("chromadb")).resolve(name)
  } catch {
    throw new Refusal(
      "absent",
      `${name} is not installed: run npm install, or name a server in AIOS_CHROMA_URL`,
    )
  }
}
