// Texts to vectors, in a process of its own: native code may not run beside the log, and one batch keeps
// a thread busy for a while. It holds one pipeline, made as @chroma-core/default-embed makes one for every
// call, over the local files in AIOS_MODELS_DIR; it has no network. One JSON line in, one out:
//   {"id":1,"texts":["…"]}  ->  {"id":1,"dims":384,"vectors":"<base64, little-endian Float32>"}
//                           or  {"id":1,"error":{"reason":"noModel"|"failed","message":"…"}}
// Between two parts of a long question it says {"busy":1}. It ends when its stdin ends, also in the middle of its work.
import { Buffer } from "node:buffer"
import { existsSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"

const model = "Xenova/all-MiniLM-L6-v2"
const needed = ["config.json", "tokenizer.json", "tokenizer_config.json", "onnx/model.onnx"]
/** Texts that go through the model at once: twice as fast as one by one, more gains nothing. */
const batchTexts = 32
/** Letters of a batch: the end of stdin is seen between two, so none may take long. */
const batchCharsMax = 8_192
/** The model sees 512 tokens; what stands behind this many letters is not even cut into tokens. */
const textCharsMax = 16_384
/** A longer line is no request. */
const lineCharsMax = 64 * 1024 * 1024

const folder = process.env.AIOS_MODELS_DIR ?? ""

// Nothing but frames goes to stdout: libraries talk to stderr.
console.log =
  console.info =
  console.debug =
  console.warn =
    (...words) => console.error(...words)

const frame = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const failure = (reason, message) => Object.assign(new Error(message), { reason })
const pause = () => new Promise((done) => setImmediate(done))

let pipe
const pipeline = async () => {
  if (pipe !== undefined) return pipe
  const missing = needed.filter((file) => !existsSync(join(folder, model, file)))
  if (missing.length > 0) {
    throw failure(
      "noModel",
      `${join(folder, model)} lacks ${missing.join(", ")}. Fetch it: aios models pull`,
    )
  }
  const transformers = await import("@huggingface/transformers")
  Object.assign(transformers.env, {
    localModelPath: folder,
    allowLocalModels: true,
    allowRemoteModels: false,
    useFSCache: false,
    useBrowserCache: false,
  })
  pipe = await transformers.pipeline("feature-extraction", model, {
    revision: "main",
    dtype: "fp32",
  }).catch((error) => {
    throw failure(
      "failed",
      `The model in ${join(folder, model)} cannot be loaded (${error.message}). ` +
        "Fetch it anew: aios models pull",
    )
  })
  return pipe
}

/** Texts of like length together: the shorter ones of a batch are filled up to the longest. */
const batchesOf = (texts) => {
  const order = texts.map((_, n) => n).sort((a, b) => texts[a].length - texts[b].length)
  const batches = []
  let batch = []
  for (const n of order) {
    // The longest comes last, and all others are filled up to it.
    const chars = (batch.length + 1) * texts[n].length
    if (batch.length > 0 && (batch.length === batchTexts || chars > batchCharsMax)) {
      batches.push(batch)
      batch = []
    }
    batch.push(n)
  }
  return batch.length === 0 ? batches : [...batches, batch]
}

const embed = async (id, given) => {
  if (given.length === 0) return { dims: 0, vectors: "" }
  const run = await pipeline()
  const texts = given.map((text) => text.slice(0, textCharsMax))
  let dims = 0
  let vectors
  for (const batch of batchesOf(texts)) {
    // Lets the end of stdin be heard.
    await pause()
    const output = await run(batch.map((n) => texts[n]), { pooling: "mean", normalize: true })
    dims = output.dims[1]
    vectors ??= Buffer.alloc(texts.length * dims * 4)
    for (const [row, n] of batch.entries()) {
      for (let i = 0; i < dims; i++) {
        vectors.writeFloatLE(output.data[row * dims + i], (n * dims + i) * 4)
      }
    }
    output.dispose?.()
    // Somebody listens whether it still lives.
    frame({ busy: id })
  }
  return { dims, vectors: vectors.toString("base64") }
}

const answer = async (line) => {
  let id = null
  try {
    let request
    try {
      request = JSON.parse(line)
      id = request.id ?? null
    } catch {
      throw failure("failed", "A request must be one JSON line")
    }
    const { texts } = request
    if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) {
      throw failure("failed", 'A request must be {"id":…,"texts":["…"]}')
    }
    frame({ id, ...await embed(id, texts) })
  } catch (error) {
    frame({ id, error: { reason: error.reason ?? "failed", message: error.message } })
  }
}

// One after another: the model takes all cores as it is.
let last = Promise.resolve()
let rest = ""
process.stdin.setEncoding("utf8")
process.stdin.on("data", (text) => {
  const lines = (rest + text).split("\n")
  rest = lines.pop() ?? ""
  if (rest.length > lineCharsMax) process.exit(65)
  for (const line of lines) last = last.then(() => answer(line))
})
for (const end of ["end", "close", "error"]) process.stdin.on(end, () => process.exit(0))
process.stdout.on("error", () => process.exit(0))

frame({ ready: true, model })
