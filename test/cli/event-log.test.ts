/**
 * AIOS with its log behind the event store's protocol, as a user runs it: chosen by AIOS_EVENT_LOG, moved
 * there and back, away for a while, and never somebody else's. The log is served by `aios serve-log`; the
 * commands are processes of their own, with the permissions that the launcher gives them.
 */
import { binaryEvent, EventStoreDBClient, jsonEvent } from "@eventstore/db-client"
import { Effect, Layer } from "effect"
import type { ChildProcess } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { afterAll, describe, expect, test } from "vitest"
import { EventLog } from "../../actors/event-log.ts"
import * as sqliteLog from "../../adapters/event-log-sqlite.ts"
import * as eventStore from "../../adapters/event-log-eventstoredb.ts"
import { idOf } from "../../adapters/installation.ts"
import { ended, founder, root, run, says, start } from "./aios.ts"
import { freePort } from "../free-port.ts"

const now = "2026-11-24T07:00:00Z"
const folder = mkdtempSync(join(tmpdir(), "aios-elsewhere-"))
const stores: Array<ChildProcess> = []
afterAll(() => {
  for (const store of stores) store.kill()
  rmSync(folder, { recursive: true, force: true })
})
let made = 0
const newPath = (name: string) => join(folder, `${name}-${made++}`)

/** An event store with an empty log, as a process of its own: how it is reached. */
const newStore = async (
  safety: ReadonlyArray<string> = ["--insecure"],
  dir = newPath("store"),
): Promise<string> => {
  const args = ["serve-log", ...safety, "--port", "0", "--data-dir", dir]
  const store = start(args)
  stores.push(store)
  let said = ""
  store.stderr?.setEncoding("utf8").on("data", (text) => said += text)
  store.on("exit", (code, signal) => {
    if (!store.killed) console.error(`The store ended (${code ?? signal}):\n${said}`)
  })
  for (let n = 0; n < 600; n++) {
    const connection = /esdb:\/\/\S+/.exec(said)?.[0]
    if (connection !== undefined && said.includes("Ready.")) return connection
    await new Promise((then) => setTimeout(then, 50))
  }
  throw new Error(`aios serve-log did not come up: ${said}`)
}
const allOf = (connection: string) =>
  Effect.runPromise(
    Effect.flatMap(EventLog, (log) => log.readAll({ limit: 100_000 })).pipe(
      Effect.provide(Layer.fresh(eventStore.layer({ connection }))),
    ),
  )

const aios = (dir: string, eventLog: string | undefined, ...args: ReadonlyArray<string>) =>
  run([...args, "--data-dir", dir], {
    env: { AIOS_NOW: now, ...(eventLog === undefined ? {} : { AIOS_EVENT_LOG: eventLog }) },
  })
const json = async (
  dir: string,
  eventLog: string | undefined,
  ...args: ReadonlyArray<string>
) => {
  const { code, err, out } = await aios(dir, eventLog, ...args, "--json")
  expect([args.join(" "), code, code === 0 ? "" : err + out]).toEqual([args.join(" "), 0, ""])
  return JSON.parse(out)
}

/** Of each read model, over all its rows: what it is now, and what it is when it is made anew. */
const checksums = async (dir: string, eventLog?: string) => {
  const all: ReadonlyArray<{ name: string; before: string; after: string }> =
    (await json(dir, eventLog, "rebuild"))["projections"] ?? await json(dir, eventLog, "rebuild")
  return all.map(({ after, before, name }) => [name, before, after])
}
const replayed = async (dir: string, eventLog?: string) => {
  const { actors, divergences, events } = await json(dir, eventLog, "replay")
  return { actors, divergences, events }
}
const mailbox = join(root, "sample", "mailbox.mbox")
const leads = join(root, "sample", "leads-hubspot.csv")

describe("the sample company", () => {
  test("is the same over the protocol, in what it shows and in every state", async () => {
    const store = await newStore()
    const [here, there] = [newPath("here"), newPath("there")]
    const [onDisk, behind] = await Promise.all([
      aios(here, undefined, "demo", "--exit"),
      aios(there, store, "demo", "--exit"),
    ])
    expect([onDisk.code, behind.code, behind.code === 0 ? "" : behind.err]).toEqual([0, 0, ""])
    expect(existsSync(join(there, "log.db"))).toBe(false)
    // Ids are minted anew in each run; everything else is the same.
    const plain = (text: string) =>
      text.replaceAll(/[0-9a-f]{6,}/g, "·").replaceAll(here, "·").replaceAll(there, "·")
    expect(plain(behind.out)).toBe(plain(onDisk.out))

    const [agentsHere, agentsThere] = await Promise.all([
      json(here, undefined, "agents"),
      json(there, store, "agents"),
    ])
    expect(kinds(agentsThere)).toEqual(kinds(agentsHere))
    expect((await replayed(there, store)).divergences).toEqual([])
    for (const [, before, after] of await checksums(there, store)) {
      expect(after).toBe(before)
    }
  })
})

/**
 * How many actors of each agent are in which state. Two may ask at one time who writes to somebody first:
 * whether the lesser had its turn, and its draft was taken back before anybody saw it, is chance on any log.
 */
const kinds = (agents: ReadonlyArray<{ agent?: string; name?: string; state: unknown }>) => {
  const counts: Record<string, number> = {}
  for (const { agent, name, state } of agents) {
    const kind = `${agent ?? name} ${JSON.stringify(state)}`
    if (kind === 'gatekeeper "superseded"') continue
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

describe("a log that is moved", () => {
  test("to an event store and back keeps every state, checksum and answer", async () => {
    const store = await newStore()
    const dir = newPath("the company")
    await json(dir, undefined, "init", ...founder)
    await json(dir, undefined, "import", mailbox, leads)
    const brief = await json(dir, undefined, "brief")
    const sums = await checksums(dir)
    const folded = await replayed(dir)

    // Not before it was copied: two logs would go on side by side.
    const early = await aios(dir, await newStore(), "brief")
    expect(early.code).toBe(1)
    expect(early.err).toContain(`aios migrate-log '${dir}' AIOS_EVENT_LOG.`)

    // The log of this folder ends with what is no fact of the company, and stays behind.
    await json(dir, undefined, "log-users", "add", "mara")
    const trial = await json(dir, undefined, "migrate-log", dir, store, "--dry-run")
    expect(trial).toMatchObject({ copied: trial.events, alreadyThere: 0, verified: false })
    expect(trial.events).toBeGreaterThanOrEqual(folded.events)
    expect(await allOf(store)).toEqual([])
    const moved = await json(dir, undefined, "migrate-log", dir, store)
    expect(moved).toMatchObject({
      events: trial.events,
      copied: trial.events,
      samePositions: true,
      verified: true,
      to: store.replace("?tls=false", ""),
      eventLog: store,
    })

    expect(await replayed(dir, store)).toEqual(folded)
    expect(await checksums(dir, store)).toEqual(sums)
    const again = await json(dir, store, "brief")
    expect(again.approvals).toEqual(brief.approvals)
    expect(again.now).toEqual(brief.now)

    // Life goes on there: a decision, and what it entails.
    const approval = again.approvals[0].id
    await json(dir, store, "approve", approval)
    // It finds the clock that this test has set, so it is not content.
    const doctor = JSON.parse((await aios(dir, store, "doctor", "--json")).out)
    const named = doctor.checks.find(({ name }: { name: string }) => name === "event log")
    expect(named.detail).toContain(store.replace("?tls=false", ""))
    const after = await replayed(dir, store)
    expect(after.events).toBeGreaterThan(folded.events)
    expect(after.divergences).toEqual([])
    // The keys and the read models are here, so the log here must not be taken for the log.
    const stale = await aios(dir, undefined, "brief")
    expect(stale.code).toBe(1)
    const [, way = ""] = /aios migrate-log '([^']+)' '[^']+'$/.exec(stale.err.trim()) ?? []
    expect(way).toBe(store)

    const back = await json(dir, undefined, "migrate-log", way, dir)
    expect(back).toMatchObject({ alreadyThere: trial.events, verified: true })
    expect(back.copied).toBeGreaterThanOrEqual(after.events - folded.events)
    expect(await replayed(dir)).toEqual(after)
    for (const [, before, rebuilt] of await checksums(dir)) expect(rebuilt).toBe(before)
    const approvals = await json(dir, undefined, "approvals")
    expect(JSON.stringify(approvals)).not.toContain(`"id":"${approval}"`)
  })

  test("holds what others wrote as they wrote it, wherever it is copied to", async () => {
    const [one, two, three] = [await newStore(), await newStore(), newPath("three")]
    const client = EventStoreDBClient.connectionString(one)
    for (const type of ["Plain", "Binary"]) {
      const event = type === "Plain"
        ? jsonEvent({ type, data: { n: 1 }, metadata: { by: "Zoë" } })
        : binaryEvent({ type, data: new Uint8Array([0, 255, 10]) })
      await client.appendToStream(`note-${type}`, event)
    }
    await client.dispose()
    const wire = async (store: string) =>
      (await allOf(store)).map(({ data, id, metadata: { foreign }, stream, type }) => ({
        data,
        foreign,
        id,
        stream,
        type,
      }))
    const move = (from: string, to: string) =>
      json(newPath("unused"), undefined, "migrate-log", from, to)
    expect(await move(one, two)).toMatchObject({ copied: 2, verified: true })
    expect(await move(one, two)).toMatchObject({ copied: 0, alreadyThere: 2, verified: true })
    expect(await wire(two)).toEqual(await wire(one))
    expect(await move(two, three)).toMatchObject({ copied: 2, verified: true })
    expect(await move(three, await newStore())).toMatchObject({ copied: 2, verified: true })
    // The folder has the log and nothing else: it can be served, for whoever has its keys.
    expect(await wire(await newStore(["--insecure"], three))).toEqual(await wire(one))
  })

  test("of a folder that only served it stays whose it was", async () => {
    const [plane, dir] = [newPath("plane"), newPath("company")]
    const served = await newStore(["--insecure"], plane)
    await json(dir, served, "init", ...founder)
    const store = stores.at(-1)!
    const ended = new Promise((done) => store.once("close", done))
    store.kill()
    await ended
    const next = await newStore()
    expect(await json(plane, undefined, "migrate-log", plane, next)).toMatchObject({
      verified: true,
    })
    expect((await json(dir, next, "settings")).name).toBe("Mara Lindqvist")
  })

  test("that does not answer leaves nothing where it was to be copied to", async () => {
    const [target, nobody] = [newPath("target"), await freePort()]
    const away = `esdb://127.0.0.1:${nobody}?tls=false`
    const { code } = await run(["migrate-log", away, target, "--data-dir", newPath("unused")])
    expect([code, existsSync(target)]).toEqual([75, false])
  })

  test("is gone on with after kill -9, and not mixed with another", async () => {
    const store = await newStore()
    const file = newPath("long")
    const count = 3_000
    await Effect.runPromise(
      Effect.gen(function* () {
        const log = yield* EventLog
        yield* log.appendBatch(
          Array.from({ length: count }, (_, n) => ({
            stream: `record-${n % 500}`,
            expected: Math.floor(n / 500) - 1,
            events: [{
              id: `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`,
              type: "Noted",
              data: { n, text: "ü".repeat(n % 90) },
              metadata: { at: n, $correlationId: "00000000-0000-7000-8000-000000000000" },
            }],
          })),
        )
      }).pipe(Effect.provide(Layer.fresh(sqliteLog.layer({ file: join(file, "log.db") })))),
    )
    const args = ["migrate-log", file, store, "--data-dir", newPath("unused")]
    const child = start(args)
    const ended = new Promise((done) => child.on("close", done))
    while ((await allOf(store)).length < 500) await new Promise((then) => setTimeout(then, 10))
    // The launcher and the process behind it, which then ends by itself.
    child.kill("SIGKILL")
    await ended
    let settled = -1
    while (settled !== (settled = (await allOf(store)).length)) {
      await new Promise((then) => setTimeout(then, 1_500))
    }
    expect(settled).toBeLessThan(count)
    const { code, err, out } = await run([...args, "--json"])
    expect([code, code === 0 ? "" : err]).toEqual([0, ""])
    expect(JSON.parse(out)).toMatchObject({
      alreadyThere: settled,
      copied: count - settled,
      verified: true,
    })
    expect((await allOf(store)).map(({ data }) => (data as { n: number }).n))
      .toEqual(Array.from({ length: count }, (_, n) => n))

    const other = newPath("other")
    await json(other, undefined, "init", ...founder)
    const refused = await run(["migrate-log", other, store, "--data-dir", other])
    expect(refused.code).toBe(1)
    expect(refused.err).toContain("holds something else")
  })
})

describe("a log elsewhere", () => {
  test("is in a backup, which is whole by itself", async () => {
    const store = await newStore()
    const dir = newPath("kept")
    await json(dir, store, "init", ...founder)
    await json(dir, store, "import", leads)
    const sums = await replayed(dir, store)
    const file = newPath("file.backup")
    expect(await json(dir, store, "backup", file)).toMatchObject({ events: sums.events })
    const restored = newPath("restored")
    await json(restored, undefined, "restore", file)
    expect((await replayed(restored)).actors).toBe(sums.actors)
    expect((await json(restored, undefined, "settings")).name).toBe("Mara Lindqvist")
    const export_ = newPath("export")
    await json(dir, store, "export", export_)
    expect(readFileSync(join(export_, "events.ndjson"), "utf8")).toContain("PersonListed")
  })

  test("of another installation is refused, as is one that lost its events", async () => {
    const [one, empty] = [await newStore(), await newStore()]
    const [dir, stranger] = [newPath("owner"), newPath("stranger")]
    await json(dir, one, "init", ...founder)
    const refused = await aios(stranger, one, "init", ...founder)
    expect(refused.code).toBe(1)
    expect(refused.err).toContain("another installation")
    const staying = await aios(stranger, one, "start")
    expect([staying.code, staying.err]).toEqual([1, expect.stringContaining("Nothing was changed")])
    expect(readdirSync(stranger)).toEqual([])
    const nowhere = newPath("mistyped")
    const mistyped = await aios(nowhere, one, "agents")
    expect([mistyped.code, mistyped.out]).toEqual([1, ""])
    expect(mistyped.err).toMatch(/another installation.*--data-dir/s)
    const early = await aios(nowhere, empty, "agents")
    expect([early.code, early.err]).toEqual([0, ""])
    expect(early.out).toContain("No agents yet")
    expect(existsSync(nowhere)).toBe(false)
    // The protocol's own streams are none of ours, on every log.
    expect(await json(dir, one, "events", "--stream", "$all")).toEqual([])
    await json(dir, one, "import", leads)
    const lost = await aios(dir, empty, "agents")
    expect(lost.code).toBe(1)
    expect(lost.err).toContain("is empty")
  })

  test("is taken by no worker, and not changed by one that came to the wrong one", async () => {
    const [one, empty, emptied] = await Promise.all([newStore(), newStore(), newStore()])
    const [dir, other] = [newPath("owner"), newPath("newcomer")]
    const work = (at: string, name: string, directory = dir) =>
      aios(directory, at, "work", "--name", name)
    await json(dir, one, "init", ...founder)
    const mark = readFileSync(join(dir, "log-elsewhere.json"), "utf8")
    // It has the name of this installation, and no events any more.
    const installation = await Effect.runPromise(idOf(dir))
    await Effect.runPromise(Effect.scoped(
      Layer.build(Layer.fresh(eventStore.layer({ connection: emptied, installation }))),
    ))
    const refusals = await Promise.all([
      work(empty, "w1"),
      work(emptied, "w2"),
      work(empty, "w1", newPath("never")),
      // A control that came to the wrong one leaves it to whom it belongs, too.
      aios(dir, empty, "agents"),
    ])
    expect(refusals.map(({ code }) => code)).toEqual([1, 1, 1, 1])
    for (
      const [n, advice] of ["run aios start", "is empty", "Run aios start", "is empty"].entries()
    ) {
      expect(refusals[n]!.err).toContain(advice)
    }
    await json(other, empty, "init", ...founder)
    const strange = await work(empty, "w1")
    expect([strange.code, strange.err]).toEqual([
      1,
      expect.stringContaining("another installation"),
    ])

    expect(readFileSync(join(dir, "log-elsewhere.json"), "utf8")).toBe(mark)
    expect(existsSync(join(dir, "workers", "w1", "log-elsewhere.json"))).toBe(false)
    const right = start(["work", "--name", "w1", "--data-dir", dir], {
      env: { AIOS_EVENT_LOG: one },
    })
    const end = ended(right)
    await says(right, "works on")
    const namesake = await work(one, "w1")
    expect([namesake.code, namesake.err]).toEqual([75, expect.stringContaining("--name")])
    process.kill(right.pid!, "SIGTERM")
    expect((await end).code).toBe(0)
  })

  test("that does not answer is worth another try, and no word of it is a secret", async () => {
    const dir = newPath("away")
    const port = await freePort()
    const away = `esdb://admin:hidden@127.0.0.1:${port}?tls=false`
    const [{ code, err }, reading] = await Promise.all([
      aios(dir, away, "init", ...founder),
      aios(newPath("not-yet"), away, "agents", "--json"),
    ])
    expect(code).toBe(75)
    expect(err).toContain(`127.0.0.1:${port}`)
    expect(err).not.toContain("hidden")
    expect([reading.code, reading.out]).toEqual([75, ""])
    expect(JSON.parse(reading.err).error.message).toContain(`127.0.0.1:${port}`)
    const wrong = await aios(dir, "esdb://admin:hidden@[::1]", "brief")
    expect(wrong.code).toBe(78)
    expect(wrong.err).toContain("AIOS_EVENT_LOG")
    expect(wrong.err).not.toContain("hidden")
    const same = await aios(dir, "esdb://admin:hidden@[::1]", "brief", "--json")
    expect(JSON.parse(same.err).error.error).toBe("WrongConfiguration")
  })
})

test("a connection that never can be is a wrong configuration, and says what to write", async () => {
  const port = /:(\d+)\?/.exec(await newStore([]))?.[1]
  const ways = [
    [`esdb://127.0.0.1:${port}`, /localhost.*tls=false/],
    [`esdb://localhost:${port}`, /tlsCAFile/],
    [`esdb://localhost:${port}?tlsCAFile=${join(root, "README.md")}`, /certificate/],
  ] as const
  await Promise.all(ways.map(async ([connection, advice]) => {
    const { code, err } = await aios(newPath("misconfigured"), connection, "agents")
    expect([connection, code]).toEqual([connection, 78])
    expect(err).toMatch(advice)
  }))
  // It may be a server that is away as well.
  const untold = await aios(newPath("doubt"), `esdb://127.0.0.1:${port}?tls=false`, "agents")
  expect(untold.code).toBe(75)
  expect(untold.err).toContain("without TLS")
})
