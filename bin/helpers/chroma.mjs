/**
 * The Chroma server of the npm package `chromadb`, in this process: `node chroma.mjs PORT FOLDER`. It runs in
 * Node, which started the launcher and is there under every runtime: a Deno process with native code has
 * all rights anyway. Its call blocks the thread until the server ends, so a Worker watches stdin.
 */
import { createRequire } from "node:module"
import process from "node:process"
import { Worker } from "node:worker_threads"
import { bindingOf } from "./chroma-binding.mjs"

/** As in sysexits: trying again changes nothing. */
const exitAbsent = 69
const exitFailed = 70

const server = () => {
  const file = bindingOf()
  try {
    return createRequire(import.meta.url)(file)
  } catch (error) {
    throw new Error(
      `${file} does not load (${
        String(error.message).split("\n")[0]
      }): run npm install, or name a ` +
        "server in AIOS_CHROMA_URL",
    )
  }
}

const [port, folder] = process.argv.slice(2)
let chroma
try {
  chroma = server()
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exit(exitAbsent)
}
const watcher = new Worker(new URL("./watch-stdin.mjs", import.meta.url))
await new Promise((done) => watcher.once("message", done))
chroma.cli(["chroma", "run", "--host", "127.0.0.1", "--port", port, "--path", folder])
// It gives no reason in its return; what it printed says it.
process.exit(exitFailed)
