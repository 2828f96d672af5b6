/**
 * Asks a helper over its stdin and stdout: one JSON line each way. The helper works on one question at a
 * time, so the others wait here, where short ones (somebody waits for a recall) go before long ones.
 *
 *     → {"id":7,"texts":["…"]}
 *     ← {"id":7,"dims":384,"vectors":"<base64 of little-endian Float32>"}   or   {"id":7,"error":{…}}
 *
 * While it works on a long one it says `{"busy":7}` now and then. Its first line is `{"ready":true,"model":"…"}`, or `{"ready":false,"error":{"reason":"noModel",…}}`.
 */
import { Refusal } from "./refusal.mjs"

/** Questions that wait; beyond it whoever asks is told to come later. */
const waitingMax = 256
/** One question may take so long. */
const answerMillisMax = 120_000
/** More in one line is no answer. */
const lineCharsMax = 128 * 1024 * 1024
/** The first answer may take so long: the model is loaded for it. */
const loadingMillisMax = 60_000
/** A question of up to so many texts goes first. */
const shortTextsMax = 2
const probeText = "probe"
const probeMillis = 50

/** One per start of the helper. */
export const makeFrames = (child, name) => {
  let asked = 0
  let current
  let timer
  let broken
  let parts = []
  let held = 0
  const begun = Date.now()
  let heardAt = begun
  let answered = false
  const waiting = []
  let ready
  const readiness = new Promise((resolve, reject) => {
    ready = { resolve, reject }
  })
  readiness.catch(() => {})

  const next = () => {
    if (current !== undefined || waiting.length === 0) return
    const short = waiting.findIndex((one) => one.texts.length <= shortTextsMax)
    current = waiting.splice(Math.max(0, short), 1)[0]
    const id = current.id = ++asked
    child.stdin.write(`${JSON.stringify({ id, texts: current.texts })}\n`)
    timer = setTimeout(() => {
      close(new Refusal("timedOut", `${name} gave no answer within ${answerMillisMax / 1000} s`))
      child.kill("SIGKILL")
    }, answerMillisMax)
  }
  const settle = (use) => {
    clearTimeout(timer)
    const one = current
    current = undefined
    if (one !== undefined) use(one)
    next()
  }
  const close = (refusal) => {
    broken ??= refusal
    clearTimeout(timer)
    const all = [...current === undefined ? [] : [current], ...waiting.splice(0)]
    current = undefined
    for (const one of all) one.reject(broken)
    ready.reject(broken)
  }
  const refusalOf = ({ message, reason }) =>
    new Refusal(
      ["absent", "noModel", "failed", "timedOut"].includes(reason) ? reason : "failed",
      typeof message === "string" ? message : `${name} failed`,
    )
  const take = (line) => {
    let answer
    try {
      answer = JSON.parse(line)
    } catch {
      return
    }
    if (answer === null || typeof answer !== "object") return
    heardAt = Date.now()
    if (answer.ready === true) return ready.resolve(answer)
    if (answer.ready === false) return ready.reject(refusalOf(answer.error ?? {}))
    if (current === undefined || answer.id !== current.id) return
    answered = true
    settle((one) =>
      answer.error === undefined
        ? one.resolve({ dims: answer.dims, vectors: answer.vectors })
        : one.reject(refusalOf(answer.error))
    )
  }

  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    const pieces = chunk.split("\n")
    for (const [i, piece] of pieces.entries()) {
      parts.push(piece)
      held += piece.length
      if (held > lineCharsMax) {
        close(new Refusal("failed", `${name} answered without an end`))
        child.kill("SIGKILL")
        return
      }
      if (i === pieces.length - 1) break
      const line = parts.join("")
      parts = []
      held = 0
      take(line)
    }
  })

  const ask = (texts) =>
    new Promise((resolve, reject) => {
      if (broken !== undefined) return reject(broken)
      if (waiting.length >= waitingMax) {
        return reject(new Refusal("timedOut", `${name} has more to do than it can: ask later`))
      }
      waiting.push({ texts, resolve, reject })
      next()
    })
  /** Rejects where nothing was heard of it for so long; one that says nothing by itself is asked for a word. */
  const probe = async (millisMax) => {
    const now = Date.now()
    if (!answered && now - begun < loadingMillisMax) return
    if (now - heardAt < millisMax) return
    if (current === undefined) ask([probeText]).catch(() => {})
    while (heardAt < now) {
      if (Date.now() - now > millisMax) {
        throw new Refusal("timedOut", `${name} said nothing for ${millisMax / 1000} s`)
      }
      await new Promise((done) => setTimeout(done, probeMillis))
    }
  }

  return { ready: readiness, ask, probe, close }
}
