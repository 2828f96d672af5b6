/**
 * The launcher's supervisor of helpers as a process of its own, for tests that kill it: prints one line with
 * its socket, ends in order when its stdin ends. Argument: options as JSON.
 */
import { dirname } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { chromaAddress, ollamaAddress } from "../bin/helpers/addresses.mjs"
import { supervise } from "../bin/helpers/supervisor.mjs"

const { chromaUrl, dataDir, embedder, env, limits, modelsDir, ollamaHost } = JSON.parse(
  process.argv[2],
)
const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.umask(0o077)
const supervisor = await supervise({
  addresses: {
    chroma: chromaUrl === undefined ? undefined : chromaAddress(chromaUrl),
    ollama: ollamaAddress(ollamaHost),
  },
  dataDir,
  env: { ...process.env, ...env },
  limits,
  modelsDir: modelsDir ?? `${dataDir}/models`,
  root,
  runtime: (script) => ({ file: process.execPath, args: [script] }),
  script: embedder,
})
process.stdout.write(`${JSON.stringify({ socket: supervisor.socket })}\n`)
process.stdin.on("end", async () => {
  await supervisor.end()
  process.exit(0)
}).resume()
process.on("exit", () => supervisor.kill())
