/**
 * The helpers AIOS knows: Chroma (vectors), the embedder (texts to vectors) and Ollama (a language model).
 * Each says how it is started, how it shows that it works, and why it cannot be had.
 */
import { accessSync, constants, existsSync, statSync } from "node:fs"
import http from "node:http"
import https from "node:https"
import { createServer } from "node:net"
import { delimiter, join } from "node:path"
import { bindingOf } from "./chroma-binding.mjs"
import { makeFrames } from "./frames.mjs"
import { Refusal } from "./refusal.mjs"

/** Without it the embedder has nothing to work with; it looks for the others itself. */
const modelFile = "Xenova/all-MiniLM-L6-v2/onnx/model.onnx"
/** To see whether somebody is there already. */
const presentMillisMax = 2_000
/** Of an answer to "are you there". */
const answerCharsMax = 10_000

/** Not `fetch`: that takes time to load, and refuses some ports. */
const get = (url, millisMax) =>
  new Promise((resolve, reject) => {
    const ask = url.startsWith("https:") ? https.get : http.get
    const asked = ask(url, { agent: false, signal: AbortSignal.timeout(millisMax) }, (answer) => {
      let text = ""
      answer.setEncoding("utf8").on("data", (chunk) => {
        text = (text + chunk).slice(0, answerCharsMax)
      }).on("end", () => resolve({ ok: answer.statusCode === 200, text })).on("error", reject)
    })
    asked.on("error", reject)
  })
const causeOf = (error) => error.code ?? error.name

/**
 * A port of this machine's own that is free, kept free until it is wanted: the main process is granted it
 * before its server exists.
 */
export const reservePort = async () => {
  const server = createServer()
  await new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ host: "127.0.0.1", port: 0, exclusive: true }, resolve)
  })
  server.on("connection", (socket) => socket.destroy())
  server.unref()
  const { port } = server.address()
  return { port, release: () => new Promise((done) => server.close(() => done())) }
}

/** AIOS_CHROMA_URL names another server: nothing is started then. */
export const chromaSpec = ({ address, dataDir, env, node, reserved, root }) => {
  const folder = join(dataDir, "chroma")
  const file = join(folder, "chroma.sqlite3")
  const url = address?.url ?? `http://127.0.0.1:${reserved.port}`
  const heartbeat = async (millisMax) => {
    const { ok, text } = await get(`${url}/api/v2/heartbeat`, millisMax)
    if (!ok || !text.includes("heartbeat")) throw new Error(`${url} answers, but it is no Chroma`)
  }
  let inode
  return {
    name: "chroma",
    url,
    possible: async () => {
      if (address === undefined) {
        bindingOf()
        return
      }
      await heartbeat(presentMillisMax).catch((error) => {
        throw new Refusal(
          "failed",
          `Chroma at ${url} gives no answer (${causeOf(error)}): start it, or set AIOS_CHROMA_URL`,
        )
      })
      return { outside: url }
    },
    prepare: async () => {
      if (address !== undefined) return { outside: url }
      await reserved.release().catch(() => {})
      inode = undefined
      const taken = await get(url, presentMillisMax).then(
        () => true,
        (error) => causeOf(error) !== "ECONNREFUSED",
      )
      if (taken) {
        throw new Refusal(
          "failed",
          `Another program took port ${reserved.port}, which was meant for Chroma: restart AIOS`,
        )
      }
    },
    command: () => ({
      file: node,
      args: [join(root, "bin/helpers/chroma.mjs"), String(reserved.port), folder],
      env: { ...env, ANONYMIZED_TELEMETRY: "False" },
    }),
    probe: heartbeat,
    // On a deleted folder the server would go on for a while as if nothing had happened, and keep nothing.
    check: () => {
      const now = statSync(file, { throwIfNoEntry: false })?.ino
      if (now === undefined || (inode !== undefined && now !== inode)) {
        throw Object.assign(new Error(`${folder} was taken away`), { fatal: true })
      }
      inode = now
    },
  }
}

/** `runtime`: how JavaScript without network is run here. */
export const embedderSpec = (
  { env, modelsDir, root, runtime, script = join(root, "bin/helpers/embedder.mjs") },
) => {
  let frames
  const possible = () => {
    prepare()
    const model = join(modelsDir, modelFile)
    if (existsSync(model)) return
    throw new Refusal("noModel", `${model} is missing. Fetch it: aios models pull`, false)
  }
  const prepare = () => {
    if (env.AIOS_EMBEDDER === "off") {
      throw new Refusal("absent", "Embeddings are switched off (AIOS_EMBEDDER=off)")
    }
    if (!existsSync(script)) {
      throw new Refusal("absent", "bin/helpers/embedder.mjs is missing: get AIOS as a whole again")
    }
  }
  return {
    name: "embedder",
    possible,
    prepare,
    command: () => {
      const { args, file } = runtime(script)
      return { file, args, env: { ...env, AIOS_MODELS_DIR: modelsDir } }
    },
    attach: (child) => {
      frames = makeFrames(child, "embedder")
      return frames.ready
    },
    detach: () => {
      frames?.close(new Refusal("failed", "The embedder ended before it had answered"))
      frames = undefined
    },
    probe: async (millisMax) => {
      await frames?.probe(millisMax)
    },
    ask: (texts) => {
      if (frames === undefined) throw new Refusal("failed", "The embedder just ended")
      return frames.ask(texts)
    },
  }
}

const onPath = (name, path = "") =>
  path.split(delimiter).filter(Boolean).map((folder) => join(folder, name)).find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return statSync(file).isFile()
    } catch {
      return false
    }
  })

/** One that already answers is used and never touched. */
export const ollamaSpec = ({ address, env, node, root }) => {
  const { loopback, port, url } = address
  const version = async (millisMax) => {
    const { ok, text } = await get(`${url}/api/version`, millisMax)
    let found
    try {
      found = JSON.parse(text).version
    } catch {
      // Told below.
    }
    if (!ok || typeof found !== "string") {
      throw new Refusal("failed", `${url} answers, but it is no Ollama: set OLLAMA_HOST`)
    }
    return found
  }
  /** Who answers there already; throws where nobody does, and none can be started. */
  const prepare = async () => {
    try {
      await version(presentMillisMax)
      return { outside: url }
    } catch (error) {
      if (error instanceof Refusal) throw error
      if (causeOf(error) !== "ECONNREFUSED") {
        throw new Refusal("timedOut", `Ollama at ${url} gives no answer (${causeOf(error)})`)
      }
    }
    if (!loopback) {
      throw new Refusal(
        "absent",
        `Nobody answers at ${url}: start Ollama there, or set OLLAMA_HOST`,
      )
    }
    if (env.AIOS_OLLAMA === "off") {
      throw new Refusal(
        "absent",
        `No Ollama answers at ${url}, and AIOS_OLLAMA=off: start it yourself (ollama serve), or unset that`,
      )
    }
    if (program() === undefined) {
      throw new Refusal(
        "absent",
        `No Ollama answers at ${url} and none is installed: get it from https://ollama.com, then aios models pull`,
      )
    }
  }
  const program = () => onPath(process.platform === "win32" ? "ollama.exe" : "ollama", env.PATH)
  return {
    name: "ollama",
    url,
    possible: prepare,
    prepare,
    command: () => ({
      file: node,
      args: [join(root, "bin/helpers/ollama.mjs"), program()],
      env: { ...env, OLLAMA_HOST: `127.0.0.1:${port}` },
    }),
    // Its first line names the server's own process.
    attach: (child, { children, log }) => {
      let text = ""
      child.stdout.setEncoding("utf8").on("data", (chunk) => {
        text = (text + chunk).slice(0, 1_000)
        const pid = /"child":(\d+)/.exec(text)?.[1]
        if (pid !== undefined) children([Number(pid)])
        else log(chunk)
      })
      return undefined
    },
    probe: version,
  }
}
