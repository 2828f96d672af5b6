/**
 * Speaks the embedder's lines without a model, to try the relay: the vector of a text is its length and its
 * first letter's code. `long` takes two seconds, and says that it is at it. `die` ends it, `hang` is never answered, `refuse` is refused.
 */
import process from "node:process"
import { createInterface } from "node:readline"

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
if (process.env.ECHO_READY === "no") {
  say({ ready: false, error: { reason: "noModel", message: "no files: aios models pull" } })
} else say({ ready: true, model: "echo" })
for await (const line of createInterface({ input: process.stdin })) {
  const { id, texts } = JSON.parse(line)
  if (texts[0] === "die") process.exit(1)
  if (texts[0] === "hang") continue
  for (let n = 0; texts[0] === "long" && n < 20; n++) {
    await new Promise((done) => setTimeout(done, 100))
    say({ busy: id })
  }
  if (texts[0] === "refuse") {
    say({ id, error: { reason: "failed", message: "refused" } })
    continue
  }
  const numbers = texts.flatMap((text) => [text.length, text.codePointAt(0) ?? 0])
  const vectors = Buffer.from(Float32Array.from(numbers).buffer).toString("base64")
  say({ id, dims: 2, vectors })
}
