/**
 * `aios serve-log` as a user runs it, by the real launcher with its narrow permissions: the official client
 * with TLS and credentials and without either, processes that are killed, a log that AIOS works on at
 * the same time, and what is refused.
 */
import { EventStoreDBClient, jsonEvent, START } from "@eventstore/db-client"
import { afterEach, describe, expect, it } from "vitest"
import type { ChildProcess } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { ended, founder, root, run, says, start } from "./aios.ts"

const token = "a token of this test that is long enough".replaceAll(" ", "-")
const env = { AIOS_TOKEN: token, AIOS_LOG_PORT: undefined }
const folders: Array<string> = []
const children: Array<ChildProcess> = []
const clients: Array<EventStoreDBClient> = []

/** The launcher's child, which owns what it owns: `kill -9` is meant for it. */
const pids = new Set<number>()

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose().catch(() => {})))
  for (const child of children.splice(0)) child.kill("SIGKILL")
  for (const pid of pids) kill(pid)
  pids.clear()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
const kill = (pid: number) => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It is gone already.
  }
}
const fresh = () => {
  const folder = mkdtempSync(join(tmpdir(), "aios-serve-"))
  folders.push(folder)
  return join(folder, "data")
}

interface Served {
  readonly port: number
  readonly connection: string
  readonly caFile?: string
  readonly insecure: boolean
  readonly alone: boolean
  readonly process: number
}

/** Starts it and gives the line it prints for scripts. */
const serve = async (dir: string, ...args: ReadonlyArray<string>) => {
  const child = start(["serve-log", "--json", "--data-dir", dir, ...args], { env })
  children.push(child)
  const end = ended(child)
  let err = ""
  child.stderr?.on("data", (text) => err += text)
  const line = await new Promise<string>((resolve, reject) => {
    let out = ""
    child.stdout?.on("data", (text) => {
      out += text
      if (out.includes("\n")) resolve(out)
    })
    void end.then(({ code, err }) => reject(new Error(`It ended with ${code}: ${err}`)))
  })
  const served: Served = JSON.parse(line)
  pids.add(served.process)
  return { child, end, served, said: () => err }
}
/** `aios start`, with the port that clients of the log may use, if any. */
const up = async (dir: string, ...args: ReadonlyArray<string>) => {
  const child = start(["start", "--data-dir", dir, ...args], { env })
  children.push(child)
  let err = ""
  child.stderr?.on("data", (text) => err += text)
  const end = ended(child)
  await says(child, "Ready")
  const owner: { pid: number } = JSON.parse(readFileSync(join(dir, "owner.json"), "utf8"))
  pids.add(owner.pid)
  return { child, end, pid: owner.pid, said: () => err }
}
const client = (connection: string, password = token) => {
  const made = EventStoreDBClient.connectionString(connection.replace("PASSWORD", password))
  clients.push(made)
  return made
}
const note = (n: number) => jsonEvent({ type: "NoteWritten", data: { n } })
const until = async <A>(
  what: () => Promise<A>,
  isIt: (found: A) => boolean,
  millis = 15_000,
): Promise<A> => {
  const end = performance.now() + millis
  for (;;) {
    const found = await what().catch((cause) => cause)
    if (!(found instanceof Error) && isIt(found)) return found
    if (performance.now() > end) {
      throw new Error(`It never came: ${found instanceof Set ? [...found] : found}`)
    }
    await new Promise((done) => setTimeout(done, 50))
  }
}
const read = async (from: EventStoreDBClient, stream: string) => {
  const events: Array<string> = []
  for await (const { event } of from.readStream(stream, { fromRevision: START })) {
    events.push(event?.type ?? "")
  }
  return events
}
/** Not `child.kill`: under Deno that hides the exit code which the child gives afterwards. */
const signal = (child: ChildProcess, name: "SIGINT" | "SIGTERM") => process.kill(child.pid!, name)

describe("alone", () => {
  it("over TLS with credentials, and again after a kill, on the same port", async () => {
    const dir = fresh()
    const { child, end, served } = await serve(dir, "--port", "0")
    expect(served).toMatchObject({ alone: true, insecure: false })
    expect(served.connection).not.toContain(token)
    const good = client(served.connection)
    const { nextExpectedRevision } = await good.appendToStream("note-1", [note(1), note(2)])
    expect(nextExpectedRevision).toBe(1n)
    expect(await read(good, "note-1")).toEqual(["NoteWritten", "NoteWritten"])
    // Clients of other languages wait for the administrator to be there.
    expect(await read(good, "$users")).toEqual(["$User"])
    await expect(client(served.connection, "guess").appendToStream("note-1", [note(3)])).rejects
      .toMatchObject({ type: "access-denied" })
    await expect(read(client(served.connection.replace(/\/\/.*@/, "//")), "note-1")).rejects
      .toMatchObject({ type: "access-denied" })
    for (const name of ["log.sock", "certificates/ca.key", "certificates/server.pem"]) {
      expect(statSync(join(dir, name)).mode & 0o077).toBe(0)
    }
    // What was acknowledged outlives the process; the client comes back by itself.
    kill(served.process)
    await end
    const again = await serve(dir, "--port", String(served.port))
    expect(again.served.caFile).toBe(served.caFile)
    const after = client(served.connection)
    expect(await until(() => read(after, "note-1"), (found) => found.length === 2)).toHaveLength(2)
    expect(await read(after, "$users")).toEqual(["$User"])
    signal(again.child, "SIGTERM")
    expect((await again.end).code).toBe(0)
    expect(existsSync(join(dir, "log.sock"))).toBe(false)
    expect(existsSync(join(dir, "owner.json"))).toBe(false)
    void child
  })

  it("whoever is told to it on the machine comes in, too", async () => {
    for (const way of [[], ["--insecure"]]) {
      const dir = fresh()
      const { child, end, served } = await serve(dir, "--port", "0", ...way)
      const users = (...args: ReadonlyArray<string>) =>
        run(["log-users", ...args, "--data-dir", dir], { env })
      const added = await users("add", "mara", "--group", "readers")
      const [login, password] = added.out.trim().split(":")
      expect([added.code, login]).toEqual([0, "mara"])
      const mara = served.connection.replace("admin:PASSWORD", `mara:${password}`)
      if (way.length === 0) await client(mara).appendToStream("note-1", [note(1)])
      expect((await users()).out).toMatch(/admin +\$admins\s+mara +readers/)
      expect((await users("add", "mara")).err).toContain("log-users password mara")
      expect(await users("add", "a:b")).toMatchObject({ code: 2 })
      expect((await users("password", "olaf")).err).toContain("There is no user olaf")
      expect((await users("remove", "mara")).code).toBe(0)
      expect((await users()).out).not.toContain("mara")
      signal(child, "SIGTERM")
      await end
    }
  })

  it("without credentials where --insecure says so, and on a Unix socket", async () => {
    const dir = fresh()
    const socket = join(dir, "..", "clients.sock")
    const { child, end, served } = await serve(dir, "--insecure", "--port", "0", "--socket", socket)
    expect(served).toMatchObject({ insecure: true, socket })
    const open = client(served.connection)
    await open.appendToStream("note-1", [note(1)])
    const local = new EventStoreDBClient({ endpoint: `unix:${socket}` }, { insecure: true })
    clients.push(local)
    expect(await read(local, "note-1")).toEqual(["NoteWritten"])
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    signal(child, "SIGINT")
    const { code, err } = await end
    expect(code).toBe(0)
    expect(err).toContain("WARNING")
    expect(existsSync(socket)).toBe(false)
  })

  it("open calls end with it, and no other command gets at the log meanwhile", async () => {
    const dir = fresh()
    const { child, end, served } = await serve(dir, "--insecure", "--port", "0")
    const open = client(served.connection)
    await open.appendToStream("note-1", [note(1)])
    const live = open.subscribeToStream("note-1")
    const told = new Promise<void>((resolve) => live.once("data", () => resolve()))
    const over = new Promise<void>((resolve) => {
      live.once("error", () => resolve())
      live.once("end", () => resolve())
    })
    await told
    const other = await run(["events", "--data-dir", dir], { env })
    expect([other.code, other.err]).toEqual([1, expect.stringContaining("AIOS_EVENT_LOG=esdb://")])
    const second = await run(["serve-log", "--port", "0", "--data-dir", dir], { env })
    expect([second.code, second.err]).toEqual([1, expect.stringContaining("aios serve-log serves")])
    signal(child, "SIGTERM")
    await over
    expect((await end).code).toBe(0)
    expect((await run(["events", "--data-dir", dir], { env })).code).toBe(0)
  })
})

describe("beside a running AIOS", () => {
  it("clients see live what AIOS does, and AIOS follows what they append", async () => {
    const dir = fresh()
    const one = await up(dir)
    expect((await run(["init", ...founder, "--data-dir", dir], { env })).code).toBe(0)
    const { served } = await serve(dir, "--port", "0")
    expect(served.alone).toBe(false)
    const outside = client(served.connection)
    const types = new Set<string>()
    const live = outside.subscribeToAll()
    live.on("data", ({ event }) => {
      if (event !== undefined) types.add(event.type)
    })
    live.on("error", () => {})
    const imported = await run(
      ["import", join(root, "sample", "mailbox.mbox"), "--data-dir", dir, "--json"],
      { env },
    )
    expect(imported.code).toBe(0)
    await until(() => Promise.resolve(types), (seen) => seen.has("MailReceived"))
    await outside.appendToStream("note-outside", [note(1)])
    const events = await until(
      () => run(["events", "--stream", "note-outside", "--json", "--data-dir", dir], { env }),
      ({ out }) => out.includes("NoteWritten"),
    )
    expect(events.code).toBe(0)
    await live.unsubscribe()
    signal(one.child, "SIGTERM")
    expect((await one.end).code).toBe(0)
  })

  it("workers come to its log, and no other AIOS takes it", async () => {
    const dir = fresh()
    const one = await up(dir)
    const { served } = await serve(dir, "--port", "0", "--insecure")
    const there = { ...env, AIOS_EVENT_LOG: served.connection }
    const worker = start(["work", "--name", "w1", "--data-dir", dir], { env: there })
    children.push(worker)
    const end = ended(worker)
    await says(worker, "works on")
    const other = await run(["init", ...founder, "--data-dir", fresh()], { env: there })
    expect([other.code, other.err]).toEqual([1, expect.stringContaining("another installation")])
    signal(worker, "SIGTERM")
    expect((await end).code).toBe(0)
    signal(one.child, "SIGTERM")
    expect((await one.end).code).toBe(0)
  })

  it("the front waits for an owner that was killed, and its own end leaves the owner alone", async () => {
    const dir = fresh()
    const one = await up(dir)
    const { end, said, served } = await serve(dir, "--port", "0")
    const second = await serve(dir, "--port", "0", "--insecure")
    const outside = client(served.connection)
    await outside.appendToStream("note-1", [note(1)])
    expect(await read(client(second.served.connection), "note-1")).toHaveLength(1)
    kill(one.pid)
    await one.end
    await until(() => Promise.resolve(said()), (text) => text.includes("AIOS has ended"))
    await expect(read(client(served.connection), "note-1")).rejects.toThrow()
    const two = await up(dir)
    expect(
      await until(() => read(client(served.connection), "note-1"), (found) => found.length > 0),
    )
      .toEqual(["NoteWritten"])
    kill(served.process)
    await end
    expect((await run(["events", "--data-dir", dir], { env })).code).toBe(0)
    // Nobody holds the door with credentials any more: it is closed, the other is not.
    await until(
      () => Promise.resolve(existsSync(join(dir, "log.sock"))),
      (there) => !there,
    )
    expect(existsSync(join(dir, "log-open.sock"))).toBe(true)
    signal(two.child, "SIGTERM")
    expect((await two.end).code).toBe(0)
  })

  it("aios start opens the door by itself where it is told a port, to users that are told to it", async () => {
    const dir = fresh()
    const one = await up(dir, "--log-port", "0")
    const connection = /Connect with (\S+)/.exec(one.said())?.[1] ?? ""
    const outside = client(connection)
    await outside.appendToStream("note-1", [note(1)])
    expect(await read(outside, "note-1")).toEqual(["NoteWritten"])
    const users = (...args: ReadonlyArray<string>) =>
      run(["log-users", ...args, "--data-dir", dir], { env })
    const added = await users("add", "mara", "--group", "readers")
    const [login, password] = added.out.trim().split(":")
    expect([added.code, login]).toEqual([0, "mara"])
    const mara = client(connection.replace("admin:PASSWORD", `mara:${password}`))
    expect(await read(mara, "note-1")).toEqual(["NoteWritten"])
    expect((await users("add", "mara")).err).toContain("log-users password mara")
    expect((await users()).out).toMatch(/admin +\$admins\s+mara +readers/)
    expect((await users("remove", "mara")).code).toBe(0)
    await expect(read(client(connection.replace("admin:PASSWORD", `mara:${password}`)), "note-1"))
      .rejects.toMatchObject({ type: "access-denied" })
    signal(one.child, "SIGTERM")
    expect((await one.end).code).toBe(0)
  })
})

describe("refused", () => {
  it("ports that are taken, and what is no port", async () => {
    const dir = fresh()
    const taken = createServer()
    await new Promise<void>((done) => taken.listen(0, "127.0.0.1", done))
    const address = taken.address()
    const port = typeof address === "object" && address !== null ? String(address.port) : ""
    const one = await run(["serve-log", "--port", port, "--data-dir", dir], { env })
    expect([one.code, one.err]).toEqual([78, expect.stringContaining(`Port ${port} is taken`)])
    const two = await run(["serve-log", "--port", "70000", "--data-dir", dir], { env })
    expect([two.code, two.err]).toEqual([2, expect.stringContaining("70000 is no port")])
    const three = await run(["events", "--data-dir", dir], { env: { ...env, AIOS_LOG_PORT: "x" } })
    expect([three.code, three.err]).toEqual([78, expect.stringContaining("AIOS_LOG_PORT")])
    taken.close()
  })
})
