/**
 * Which process a helper is, written beside its log, so that one left over from a crash is found and ended
 * before its folder is used again. A number alone may belong to somebody else by now: the time at which
 * the process began is compared as well. What the helper started itself is found by a mark in its
 * environment, which it inherits (Linux): a runner may outlive the server that started it.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"

/** A leftover gets so long to end in order, then it is killed. */
const endMillisMax = 3_000
const killMillisMax = 3_000
const pollMillis = 25

const pause = (millis) => new Promise((done) => setTimeout(done, millis))

/** A mark of this very process, undefined where it is gone. Linux: ticks since boot; else what `ps` says. */
export const beganAt = (pid) => {
  try {
    if (existsSync("/proc/self/stat")) {
      const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
      // The name in parentheses may hold blanks and parentheses itself.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
      return fields[0] === "Z" ? undefined : `${boot} ${fields[19]}`
    }
    const said = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "ignore"],
    }).trim()
    return said === "" || said.startsWith("Z") ? undefined : said.replace(/^\S+\s+/, "")
  } catch {
    return undefined
  }
}

/** Signals a process and the group it leads. Whoever is gone is no error. */
export const signalAll = (pid, name) => {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, name)
    } catch {
      // Gone already.
    }
  }
}

/** What a helper and all that it starts have in their environment. */
export const markOf = (file) => ({ AIOS_HELPER: resolve(file) })

/** Who has the mark of this file; other people's processes cannot be read, and are none. */
const marked = (file) => {
  if (!existsSync("/proc/self/environ")) return []
  const mark = `\0AIOS_HELPER=${resolve(file)}\0`
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      return pid !== process.pid && beganAt(pid) !== undefined &&
        `\0${readFileSync(`/proc/${pid}/environ`, "utf8")}`.includes(mark)
    } catch {
      return false
    }
  })
}

export const remember = (file, pids) => {
  const processes = pids.map((pid) => ({ pid, began: beganAt(pid) }))
  writeFileSync(`${file}.new`, `${JSON.stringify({ processes })}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export const forget = (file) => rmSync(file, { force: true })

const remembered = (file) => {
  try {
    return JSON.parse(readFileSync(file, "utf8")).processes.filter(({ began, pid }) =>
      Number.isInteger(pid) && pid > 1 && typeof began === "string"
    )
  } catch {
    return []
  }
}

/** Ends what an earlier AIOS left here. False: it does not end. */
export const endLeftover = async (file) => {
  const all = remembered(file)
  if (!existsSync(file)) return true
  const alive = () => [
    ...new Set([
      ...all.filter(({ began, pid }) => beganAt(pid) === began).map(({ pid }) => pid),
      ...marked(file),
    ]),
  ]
  for (const [name, millis] of [["SIGTERM", endMillisMax], ["SIGKILL", killMillisMax]]) {
    const end = Date.now() + millis
    for (const pid of alive()) signalAll(pid, name)
    while (alive().length > 0 && Date.now() < end) await pause(pollMillis)
  }
  if (alive().length > 0) return false
  forget(file)
  return true
}
