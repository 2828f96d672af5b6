/**
 * Supervises the helper processes beside AIOS, for the launcher: the main process may start none, so it asks
 * here, over a Unix socket in a private folder. Nothing starts until asked; everything ends with the main
 * process, however that ends, and with this one, whose pipes break.
 *
 *     POST /start/<name>   waits until it works: { name, state, since, restarts, url?, pid?, … }
 *     POST /check/<name>   the same where it works, or would; starts nothing that nobody needed yet
 *     POST /stop/<name>    the same, once it has ended
 *     POST /embed          { texts } → { dims, vectors: base64 of little-endian Float32 }
 *     GET  /state          { helpers: [ … ] }
 *     GET  /held           stays open: when the last of these closes, helpers end after a moment
 *
 * What cannot be answers `{ error: { reason, message, retryable } }`.
 */
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from "node:fs"
import { createServer } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeHelper } from "./helper.mjs"
import { Refusal } from "./refusal.mjs"
import { chromaSpec, embedderSpec, ollamaSpec, reservePort } from "./specs.mjs"

/** `sun_path` holds 108 bytes with its end mark. */
const socketPathBytesMax = 107
/** Texts of one `POST /embed`, as JSON. */
const bodyBytesMax = 16 * 1024 * 1024
const textsMax = 1_024
/** After the last holder left: another part of the main process may be about to hold. */
const idleMillis = 3_000

/** Of private folders, with the launcher's process, and of the socket in each. */
const folderName = /^aios-(\d+)-\w{6}$/
const socketName = "h.sock"

const statusOf = { absent: 503, failed: 503, noModel: 503, off: 503, timedOut: 504 }

const runs = (pid) => {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code !== "ESRCH"
  }
}

/**
 * A launcher that was killed left its folder, which holds a socket and nothing else. The pid may be of another
 * container's processes: only a socket that nobody listens on is taken away.
 */
const sweep = (base) => {
  for (const name of readdirSync(base)) {
    const pid = folderName.exec(name)?.[1]
    if (pid === undefined || runs(Number(pid))) continue
    const folder = join(base, name)
    try {
      if (lstatSync(folder).uid !== process.getuid?.()) continue
      if (readdirSync(folder).some((one) => one !== socketName)) continue
    } catch {
      continue
    }
    const asked = connect(join(folder, socketName))
    asked.unref()
    asked.on("connect", () => asked.destroy()).on("error", (error) => {
      if (error.code !== "ECONNREFUSED" && error.code !== "ENOENT") return
      try {
        if (error.code === "ECONNREFUSED") unlinkSync(join(folder, socketName))
        rmdirSync(folder)
      } catch {
        // Another launcher was quicker.
      }
    })
  }
}

/** A private folder whose path Deno and the kernel can take; undefined where there is none. */
const privateFolder = (env) => {
  for (const base of [env.XDG_RUNTIME_DIR, tmpdir()]) {
    if (!base) continue
    try {
      const real = realpathSync(base)
      const name = `aios-${process.pid}-`
      const length = Buffer.byteLength(join(real, `${name}XXXXXX`, socketName))
      if (real.includes(",") || length > socketPathBytesMax) continue
      const made = mkdtempSync(join(real, name))
      sweep(real)
      return made
    } catch {
      // The next one may do.
    }
  }
}

const bodyOf = async (request) => {
  const chunks = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > bodyBytesMax) throw Object.assign(new Error("more than 16 MB"), { status: 413 })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

const textsOf = (body) => {
  const wrong = (what) => Object.assign(new Error(what), { status: 400 })
  let texts
  try {
    ;({ texts } = JSON.parse(body))
  } catch {
    throw wrong("the body is no JSON object")
  }
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) {
    throw wrong("texts must be a list of strings")
  }
  if (texts.length > textsMax) throw wrong(`at most ${textsMax} texts at once`)
  return texts
}

/**
 * `addresses`: `{ chroma?, ollama }` of `addresses.mjs`; `runtime(script)`: how JavaScript without network is
 * run; `node`: runs the others; `script`: the embedder. Resolves to what the launcher grants and passes on, or undefined where no socket can be.
 */
export const supervise = async (
  { addresses, dataDir, env, limits, modelsDir, node = process.execPath, root, runtime, script },
) => {
  const folder = privateFolder(env)
  if (folder === undefined) return undefined
  const socket = join(folder, socketName)
  const reserved = addresses.chroma === undefined ? await reservePort() : undefined
  const made = [
    chromaSpec({ address: addresses.chroma, dataDir, env, node, reserved, root }),
    embedderSpec({ env, modelsDir, root, runtime, script }),
    ollamaSpec({ address: addresses.ollama, env, node, root }),
  ].map((spec) => makeHelper(spec, { folder: join(dataDir, "helpers"), limits }))
  const helpers = new Map(made.map((helper) => [helper.name, helper]))
  let ended = false

  const stopAll = () => Promise.all(made.map((helper) => helper.stop()))
  let holders = 0
  let idle
  const hold = (response) => {
    holders++
    clearTimeout(idle)
    response.writeHead(200, { "content-type": "text/plain" })
    response.write("held\n")
    response.on("close", () => {
      holders--
      if (holders > 0 || ended) return
      idle = setTimeout(stopAll, idleMillis)
      idle.unref()
    })
  }

  const helperOf = (name) => {
    const helper = helpers.get(name)
    if (helper !== undefined) return helper
    const known = [...helpers.keys()].join(", ")
    throw Object.assign(new Error(`there is no helper ${name}; known: ${known}`), { status: 404 })
  }
  const embed = async (request) => {
    const texts = textsOf(await bodyOf(request))
    const embedder = helpers.get("embedder")
    await embedder.start()
    return await embedder.spec.ask(texts)
  }
  const answer = async (request) => {
    const [, verb, name] = request.url.split("/")
    if (request.method === "POST" && verb === "embed") return await embed(request)
    if (request.method === "POST" && verb === "start") {
      if (ended) throw new Refusal("off", "AIOS is ending")
      return await helperOf(name).start()
    }
    if (request.method === "POST" && verb === "check") return await helperOf(name).check()
    if (request.method === "POST" && verb === "stop") {
      await helperOf(name).stop()
      return helperOf(name).info()
    }
    if (request.method === "GET" && verb === "state") {
      return { helpers: made.map((helper) => helper.info()) }
    }
    throw Object.assign(new Error(`nothing is at ${request.method} ${request.url}`), {
      status: 404,
    })
  }

  const server = createServer(async (request, response) => {
    request.on("error", () => {})
    response.on("error", () => {})
    if (request.method === "GET" && request.url === "/held") return hold(response)
    let status = 200
    let body
    try {
      body = await answer(request)
    } catch (error) {
      const reason = error.reason ?? (error.status === undefined ? "failed" : "usage")
      status = error.status ?? statusOf[reason] ?? 500
      body = { error: { reason, message: error.message, retryable: error.retryable ?? false } }
    }
    const text = JSON.stringify(body)
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    })
    response.end(text)
  })
  server.requestTimeout = 0
  await new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(socket, resolve)
  })
  server.on("error", () => {})

  return {
    socket,
    folder,
    net: [
      `unix:${socket}`,
      addresses.chroma?.net ?? `127.0.0.1:${reserved.port}`,
    ],
    /** Ends the helpers, and itself. */
    end: async () => {
      ended = true
      clearTimeout(idle)
      server.close()
      await stopAll()
      server.closeAllConnections()
      await reserved?.release().catch(() => {})
      for (const helper of made) helper.log.close()
      rmSync(folder, { recursive: true, force: true })
    },
    /** For when this process ends at once. */
    kill: () => {
      for (const helper of made) helper.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
