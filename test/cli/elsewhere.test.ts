/**
 * A worker on another machine, as a user runs it: a data directory of its own with copies of secret and
 * token, the log and the control reached over ports, by the real launcher with its narrow permissions. It
 * is killed, the control is killed, and all is done once.
 */
import { afterEach, describe, expect, it } from "vitest"
import type { ChildProcess } from "node:child_process"
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { DatabaseSync } from "node:sqlite"
import { ended, founder, root, run, says, start } from "./aios.ts"
import { freePort } from "../free-port.ts"

const roots: Array<string> = []
const children = new Set<ChildProcess>()
const pids = new Set<number>()
const env = { AIOS_OLLAMA: "off", AIOS_EMBEDDER: "off" }

const kill = (pid: number) => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It is gone already.
  }
}
afterEach(() => {
  for (const child of children) child.kill("SIGKILL")
  for (const pid of pids) kill(pid)
  children.clear()
  pids.clear()
  for (const folder of roots.splice(0)) rmSync(folder, { recursive: true, force: true })
})

const millis = (count: number) => new Promise((then) => setTimeout(then, count))

interface Event {
  readonly type: string
  readonly stream: string
  readonly revision: number
  readonly data: { readonly ask?: string }
  readonly metadata: {
    readonly asks?: ReadonlyArray<
      { readonly ask: string; readonly of?: string; readonly src?: string }
    >
  }
}

const company = async () => {
  const folder = mkdtempSync(join(tmpdir(), "aios-far-"))
  roots.push(folder)
  const [near, far] = [join(folder, "near"), join(folder, "far")]
  const [port, logPort] = [await freePort(), await freePort()]
  const here = (...args: ReadonlyArray<string>) => run([...args, "--data-dir", near], { env })
  await here("init", ...founder)

  const begin = async (args: ReadonlyArray<string>, more: Record<string, string>, word: string) => {
    const child = start(args, { env: { ...env, ...more } })
    children.add(child)
    let said = ""
    child.stderr?.on("data", (text) => said += text)
    child.stdout?.on("data", (text) => said += text)
    const end = ended(child)
    await says(child, word)
    return { child, end, said: () => said }
  }
  /** The process that the launcher started. */
  const ownerOf = (directory: string) => {
    const { pid }: { pid: number } = JSON.parse(readFileSync(join(directory, "owner.json"), "utf8"))
    pids.add(pid)
    return pid
  }
  const control = async () => {
    const args = ["start", "--data-dir", near, "--lanes", "interactive", "--port", `${port}`]
    const began = await begin([...args, "--log-port", `${logPort}`], {}, "Ready")
    return { ...began, kill: () => kill(ownerOf(near)), pid: ownerOf(near) }
  }
  const connection = () =>
    `esdb://admin:${
      readFileSync(join(near, "token"), "utf8").trim()
    }@localhost:${logPort}?tls=true` +
    `&tlsCAFile=${join(near, "certificates", "ca.crt")}`
  // Nobody is at that proxy: what is here is not asked for by it.
  const proxy = "http://127.0.0.1:1"
  const elsewhere = {
    AIOS_CONTROL: `http://127.0.0.1:${port}`,
    HTTP_PROXY: proxy,
    http_proxy: proxy,
  }
  const worker = async (name: string) => {
    const args = ["work", "--data-dir", far, "--name", name]
    const began = await begin(args, { ...elsewhere, AIOS_EVENT_LOG: connection() }, "works on")
    return { ...began, kill: () => kill(ownerOf(join(far, "workers", name))) }
  }
  const events = async (): Promise<ReadonlyArray<Event>> =>
    JSON.parse((await here("events", "--json")).out)
  const refused = (more: Record<string, string> = {}) =>
    run(["work", "--data-dir", far, "--name", "w"], {
      env: { ...env, ...elsewhere, AIOS_EVENT_LOG: connection(), ...more },
    })
  const moveIn = (...names: ReadonlyArray<string>) => {
    mkdirSync(far, { recursive: true, mode: 0o700 })
    for (const name of names) copyFileSync(join(near, name), join(far, name))
  }
  return { connection, control, events, far, here, moveIn, near, refused, worker }
}

const until = async (isSo: () => Promise<boolean>) => {
  for (let n = 0; n < 300; n++) {
    if (await isSo()) return
    await millis(200)
  }
  throw new Error("It never came")
}

/** What waits for a yes. */
const forTheFounder = ["sendMail", "refundPayment", "draftInvoice"]
/** Asks for other activities that have no outcome yet and were not taken back, with what they are for. */
const openIn = (events: ReadonlyArray<Event>) => {
  const open = new Map<string, string>()
  for (const { data, metadata, revision, stream, type } of events) {
    if (/^Activity(Succeeded|Failed|Skipped)$/.test(type)) open.delete(`${stream}/${data.ask}`)
    metadata.asks?.forEach(({ ask, of, src = "" }, n) => {
      if (ask === "activity" && !forTheFounder.includes(src)) {
        open.set(`${stream}/${revision}.${n}`, src)
      }
      if (ask === "stop") open.delete(`${stream}/${of}`)
    })
  }
  return [...open]
}
const outcomesIn = (events: ReadonlyArray<Event>) =>
  events.filter(({ type }) => /^Activity(Succeeded|Failed|Skipped)$/.test(type))

describe("a worker on another machine", () => {
  it("does its work with keys that the control lends, also when either is killed", async () => {
    const { connection, control, events, far, here, moveIn, near, worker } = await company()
    const sample = readdirSync(join(root, "sample")).map((name) => join(root, "sample", name))
    let main = await control()
    moveIn("secret", "token")
    // Nobody does the lane that is not the control's.
    const { checks } = JSON.parse((await here("doctor", "--json")).out)
    const told = checks.find(({ name }: { name: string }) => name === "workers")
    expect(told.detail).toContain("left to workers, and none is at work")
    let one = await worker("far")
    expect((await here("import", sample[0]!)).code).toBe(0)
    const importing = here("import", ...sample.slice(1))
    // Killed amid its work, twice.
    for (const _ of [1, 2]) {
      await until(() => Promise.resolve(one.said().includes("started")))
      one.kill()
      const { out, err } = await one.end
      expect(out + err).not.toContain("Keys are missing")
      one = await worker("far")
    }
    expect((await importing).code).toBe(0)
    const isDone = async () => {
      const open = openIn(await events())
      // What waits for the founder stays open.
      return open.length === 0
    }
    await until(isDone)
    // The control is killed: the worker stays, and goes on with it.
    main.kill()
    await main.end
    main = await control()
    const mail = join(roots[0]!, "new.eml")
    writeFileSync(
      mail,
      "From: Imke Petersen <imke@harbour.example>\r\nTo: Mara Lindqvist <mara@northlight.example>\r\n" +
        "Subject: A new shop\r\nDate: Tue, 24 Nov 2026 06:00:00 +0000\r\nMessage-ID: <new@harbour.example>\r\n" +
        "\r\nCould you build a shop for us by March? Our budget is 9,000 EUR.\r\n",
    )
    const count = outcomesIn(await events()).length
    expect((await here("import", mail)).code).toBe(0)
    await until(async () => outcomesIn(await events()).length > count && await isDone())

    const all = await events()
    const outcomes = outcomesIn(all)
    expect(outcomes.filter(({ type }) => type === "ActivityFailed")).toEqual([])
    const asks = outcomes.map(({ data, stream }) => `${stream}/${data.ask}`)
    expect(new Set(asks).size).toBe(asks.length)
    // Whatever the worker sealed, the control opens, and the other way round: they have the same keys.
    const keysOf = (directory: string) => {
      const keys = new DatabaseSync(join(directory, "keys.db"), { readOnly: true })
      const rows = keys.prepare("SELECT id, subject, hex(key) AS key FROM subject_key ORDER BY id")
        .all()
      keys.close()
      return rows.map((row) => JSON.stringify(row))
    }
    const lent = keysOf(far)
    expect(lent.length).toBeGreaterThan(20)
    expect(lent.filter((row) => !keysOf(near).includes(row))).toEqual([])
    const replayed = await here("replay")
    expect([replayed.code, replayed.out + replayed.err]).toEqual([
      0,
      expect.stringContaining("0 diverge"),
    ])
    process.kill(one.child.pid!, "SIGTERM")
    const ending = await one.end
    expect([ending.code, ending.err]).toEqual([0, expect.not.stringContaining("Keys are missing")])
    // Its folder is no control's, whatever is run there.
    const before = readdirSync(far).toSorted()
    const commands = [["brief"], ["agents"], ["import", mail], ["serve-log"]]
    for (const command of commands) {
      const more = command[0] === "agents" ? { AIOS_EVENT_LOG: connection() } : {}
      const strange = await run([...command, "--data-dir", far], { env: { ...env, ...more } })
      expect([command[0], strange.code]).toEqual([command[0], 78])
      expect(strange.err).toContain("that of workers")
    }
    expect(readdirSync(far).toSorted()).toEqual(before)
    main.kill()
  })

  it("is told what is missing or wrong before it does anything", async () => {
    const { connection, control, far, moveIn, refused } = await company()
    const main = await control()
    const empty = await refused()
    expect([empty.code, empty.err]).toEqual([1, expect.stringContaining("copy secret and token")])
    moveIn("secret")
    const tokenless = await refused()
    expect([tokenless.code, tokenless.err]).toEqual([1, expect.stringContaining("has no token")])
    const wrong = await refused({ AIOS_TOKEN: "not-the-token-of-the-control" })
    expect([wrong.code, wrong.err]).toEqual([
      78,
      expect.stringContaining("does not know this worker's token"),
    ])
    moveIn("token")
    for (const command of [["init", ...founder], ["events"], ["doctor"], ["start"]]) {
      const other = await run([...command, "--data-dir", far], {
        env: { ...env, AIOS_CONTROL: "http://127.0.0.1:1", AIOS_EVENT_LOG: connection() },
      })
      expect([other.code, other.err]).toEqual([78, expect.stringContaining("AIOS_CONTROL is set")])
    }
    const address = await refused({ AIOS_CONTROL: "127.0.0.1" })
    expect([address.code, address.err]).toEqual([
      78,
      expect.stringContaining("AIOS_CONTROL is no address"),
    ])
    const away = await refused({ AIOS_CONTROL: `http://127.0.0.1:${await freePort()}` })
    expect([away.code, away.err]).toEqual([75, expect.stringContaining("does not answer")])
    const lanes = await run(["work", "--data-dir", far, "--lanes", "interactive,batch"], {
      env: {
        ...env,
        AIOS_CONTROL: "http://127.0.0.1:1",
        AIOS_EVENT_LOG: "esdb://127.0.0.1:1?tls=false",
      },
    })
    expect([lanes.code, lanes.err]).toEqual([78, expect.stringContaining("--lanes batch only")])
    main.kill()
  })
})
