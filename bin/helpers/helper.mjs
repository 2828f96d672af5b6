/**
 * One helper process and its life: off → starting → up, after a failure waiting → starting, and ending.
 * It begins when it is first asked for, is looked at regularly, comes back after a pause that doubles, and
 * ends with its supervisor: its stdin is a pipe that breaks when the supervisor is gone.
 */
import { spawn } from "node:child_process"
import { mkdirSync } from "node:fs"
import { dirname } from "node:path"
import { openLog } from "./helper-log.mjs"
import { endLeftover, forget, markOf, remember, signalAll } from "./leftover.mjs"
import { Refusal } from "./refusal.mjs"

export const limitsDefault = {
  /** From its start until it answers; the first start may load large native code from a slow disk. */
  startMillisMax: 30_000,
  probeMillis: 40,
  /** How often one that is up is asked, how long it may take, and how many misses in a row end it. */
  healthMillis: 5_000,
  healthMillisMax: 4_000,
  missesMax: 3,
  /** Pause before the first restart; it doubles up to its greatest. */
  pauseMillisMin: 500,
  pauseMillisMax: 60_000,
  /** Whoever was up for so long begins with the shortest pause again. */
  goodMillis: 120_000,
  /** Somebody who asks during a pause waits for its end, if that is near. */
  askMillisMax: 3_000,
  /** To end in order; then it is killed. */
  endMillisMax: 2_000,
}
/** What a helper ends with where trying again would change nothing (EX_UNAVAILABLE of sysexits). */
export const exitAbsent = 69

const pause = (millis) => new Promise((done) => setTimeout(done, millis))

/**
 * `spec`: `name`; `url`; `possible()` throws a Refusal where it cannot be had; `prepare()` resolves to
 * `{ outside: url }` where somebody else's answers, or throws a Refusal too; `command()` gives `{ file, args, env }`; `probe(millisMax)` resolves once it answers;
 * `attach(child)` gives it its pipes, and resolves at its ready line where it has one.
 */
export const makeHelper = (spec, { folder, limits: given = {} }) => {
  const limits = { ...limitsDefault, ...given }
  const log = openLog(`${folder}/${spec.name}.log`)
  const pidFile = `${folder}/${spec.name}.json`
  let state = "off"
  let since = Date.now()
  let restarts = 0
  let failures = 0
  let lastError
  let child
  let url
  let retryAt
  let wanted = false
  let pauseTimer
  let healthTimer
  let attempting

  const enter = (next) => {
    state = next
    since = Date.now()
    log.note(next)
  }
  const info = () => ({
    name: spec.name,
    state,
    since,
    restarts,
    ...(url === undefined ? {} : { url }),
    ...(child?.pid === undefined ? {} : { pid: child.pid }),
    ...(retryAt === undefined ? {} : { retryAt }),
    ...(lastError === undefined ? {} : { lastError }),
    log: log.file,
  })

  const kill = (name) => child?.pid !== undefined && signalAll(child.pid, name)

  /** Resolves when the process is gone; whatever is left of its group goes with it. */
  const launch = () => {
    const { args, env, file } = spec.command()
    log.begin()
    const made = spawn(file, args, {
      detached: true,
      env: { ...env, ...markOf(pidFile) },
      stdio: ["pipe", "pipe", "pipe"],
    })
    child = made
    const gone = new Promise((done) => {
      made.on("error", (error) => done({ code: exitAbsent, why: error.message }))
      made.on("exit", (code, signal) => done({ code, why: signal ?? `exit code ${code}` }))
    }).then((end) => {
      if (made.pid !== undefined) signalAll(made.pid, "SIGKILL")
      if (child === made) child = undefined
      forget(pidFile)
      spec.detach?.()
      return end
    })
    made.stdin.on("error", () => {})
    made.stderr.on("data", log.write).on("error", () => {})
    made.stdout.on("error", () => {})
    if (made.pid !== undefined) remember(pidFile, [made.pid])
    const attached = spec.attach?.(made, {
      log: log.write,
      children: (pids) => child === made && remember(pidFile, [made.pid, ...pids]),
    })
    if (attached === undefined) made.stdout.on("data", log.write)
    return { attached, gone }
  }

  const answers = async (isGone) => {
    const end = Date.now() + limits.startMillisMax
    while (!isGone()) {
      try {
        await spec.probe(Math.min(limits.healthMillisMax, limits.startMillisMax))
        return !isGone()
      } catch {
        if (Date.now() > end) return false
        await pause(limits.probeMillis)
      }
    }
    return false
  }

  const later = () => {
    const millis = Math.min(limits.pauseMillisMax, limits.pauseMillisMin * 2 ** failures)
    failures++
    retryAt = Date.now() + millis
    enter("waiting")
    pauseTimer = setTimeout(() => {
      restarts++
      attempt().catch(() => {})
    }, millis)
  }

  const settle = () => {
    clearInterval(healthTimer)
    clearTimeout(pauseTimer)
    retryAt = undefined
  }

  const failed = (refusal, again) => {
    settle()
    lastError = refusal.message
    log.note(refusal.message)
    if (wanted && again) later()
    else enter("off")
    return refusal
  }

  const watch = () => {
    let misses = 0
    let asking = false
    healthTimer = setInterval(async () => {
      if (asking || state !== "up") return
      asking = true
      const watched = child
      try {
        await spec.probe(limits.healthMillisMax)
        await spec.check?.()
        misses = 0
      } catch (error) {
        misses = error.fatal === true ? limits.missesMax : misses + 1
        log.note(`does not answer: ${error.message}`)
        if (misses >= limits.missesMax && child === watched) {
          lastError = `${spec.name} did not answer any more: ${error.message}`
          kill("SIGKILL")
        }
      } finally {
        asking = false
      }
    }, limits.healthMillis)
    healthTimer.unref()
  }

  const run = async () => {
    settle()
    const before = state
    if (before !== "outside") enter("starting")
    let prepared
    try {
      mkdirSync(dirname(pidFile), { recursive: true, mode: 0o700 })
      prepared = await spec.prepare?.()
      if (prepared?.outside !== undefined) {
        url = prepared.outside
        lastError = undefined
        if (before !== "outside") enter("outside")
        return info()
      }
      if (before === "outside") enter("starting")
      if (!await endLeftover(pidFile)) {
        throw new Refusal(
          "failed",
          `A ${spec.name} of an earlier AIOS does not end: see ${pidFile}, and kill it.`,
        )
      }
    } catch (error) {
      throw failed(
        error instanceof Refusal ? error : new Refusal("failed", error.message),
        error.reason === "failed",
      )
    }
    if (!wanted) throw failed(new Refusal("off", `${spec.name} was stopped`), false)
    let end
    let attached
    let gone
    try {
      ;({ attached, gone } = launch())
    } catch (error) {
      throw failed(new Refusal("failed", `${spec.name} cannot be started: ${error.message}`), true)
    }
    gone.then((how) => {
      end = how
    })
    let timer
    const outcome = await Promise.race([
      gone.then(() => ({ gone: true })),
      (attached ?? answers(() => end !== undefined)).then(
        (ready) => ready === false ? { late: true } : {},
        (refusal) => ({ refusal }),
      ),
      new Promise((done) => {
        timer = setTimeout(() => done({ late: true }), limits.startMillisMax)
      }),
    ])
    clearTimeout(timer)
    if (outcome.gone === undefined && outcome.late === undefined && outcome.refusal === undefined) {
      url = spec.url
      lastError = undefined
      enter("up")
      watch()
      gone.then((how) => ended(how))
      return info()
    }
    kill("SIGKILL")
    const how = await gone
    if (!wanted) throw failed(new Refusal("off", `${spec.name} was stopped`), false)
    if (outcome.refusal !== undefined) throw failed(outcome.refusal, outcome.refusal.retryable)
    if (outcome.late !== undefined) {
      throw failed(
        new Refusal(
          "timedOut",
          `${spec.name} did not answer within ${limits.startMillisMax / 1000} s; see ${log.file}`,
        ),
        true,
      )
    }
    const words = log.lastWords() ?? how.why
    throw how.code === exitAbsent
      ? failed(new Refusal("absent", `${spec.name} cannot run here: ${words}`), false)
      : failed(new Refusal("failed", `${spec.name} ended at once: ${words}`), true)
  }

  /** One that was up is gone. */
  const ended = (how) => {
    if (state !== "up") return
    if (Date.now() - since > limits.goodMillis) failures = 0
    const why = lastError ?? `${spec.name} ended: ${how.why}`
    failed(new Refusal("failed", why), true)
  }

  const attempt = () => {
    attempting ??= run().finally(() => {
      attempting = undefined
    })
    return attempting
  }

  const start = async () => {
    wanted = true
    if (state === "up") return info()
    if (state === "ending") {
      await stopping
      wanted = true
    }
    if (state === "waiting" && attempting === undefined) {
      const millis = retryAt - Date.now()
      if (millis > limits.askMillisMax) {
        throw new Refusal(
          "failed",
          `${lastError}. It is started again in ${Math.ceil(millis / 1000)} s; see ${log.file}`,
        )
      }
      await pause(millis + limits.probeMillis)
      if (state === "up") return info()
      if (state === "waiting") throw new Refusal("failed", lastError)
    }
    return await attempt()
  }

  /** Whether it works, or would: what nobody needed yet is not started to find out. */
  const check = async () => {
    if (state === "up") {
      await spec.probe(limits.healthMillisMax).catch((error) => {
        throw new Refusal("failed", `${spec.name} does not answer: ${error.message}`)
      })
    } else if (state === "starting" || state === "waiting") {
      await start()
    } else {
      const { outside } = await spec.possible?.() ?? {}
      if (outside !== undefined) return { ...info(), state: "outside", url: outside }
    }
    return info()
  }

  let stopping
  const stop = () => {
    wanted = false
    settle()
    if (child === undefined) {
      if (attempting === undefined && state !== "off") enter("off")
      return Promise.resolve(attempting).catch(() => {})
    }
    stopping ??= (async () => {
      const made = child
      const pid = made.pid
      enter("ending")
      const gone = new Promise((done) => made.on("exit", done))
      made.stdin.end()
      signalAll(pid, "SIGTERM")
      let timer
      const late = new Promise((done) => {
        timer = setTimeout(() => done("late"), limits.endMillisMax)
      })
      if (made.exitCode === null && made.signalCode === null) {
        if (await Promise.race([gone, late]) === "late") {
          signalAll(pid, "SIGKILL")
          await gone
        }
      }
      clearTimeout(timer)
      await Promise.resolve(attempting).catch(() => {})
      failures = 0
      enter("off")
    })().finally(() => {
      stopping = undefined
    })
    return stopping
  }

  return {
    name: spec.name,
    spec,
    info,
    start,
    check,
    stop,
    /** Without a word, for when the supervisor itself ends at once. */
    kill: () => kill("SIGKILL"),
    log,
  }
}
