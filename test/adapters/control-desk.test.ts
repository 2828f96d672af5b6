/**
 * A worker's vault with copies of keys, its log and its blobs, over HTTP to a real control's door: what
 * is lent and taken, a control that comes and goes, and everything that may answer in its place.
 */
import { once } from "node:events"
import { createServer, type Server } from "node:http"
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
import { DatabaseSync } from "node:sqlite"
import { Context, Effect, Exit, Layer, Logger, ManagedRuntime, Scope, Stream } from "effect"
import { afterAll, afterEach, describe, expect, it } from "vitest"
import { BlobStore } from "../../actors/blob-store.ts"
import { EventLog } from "../../actors/event-log.ts"
import { MissingKeys, Vault } from "../../actors/vault.ts"
import * as bothBlobs from "../../adapters/blob-store-both.ts"
import * as folderBlobs from "../../adapters/blob-store-folder.ts"
import * as controlDesk from "../../adapters/control-desk.ts"
import * as keyedLog from "../../adapters/event-log-keyed.ts"
import * as memoryLog from "../../adapters/event-log-memory.ts"
import * as sqlite from "../../adapters/vault-sqlite.ts"
import { door } from "../../http/app.ts"
import { keysOf } from "../../http/keys.ts"
import { serveOn } from "../../http/server.ts"
import { Aios } from "../../projections/aios.ts"
import { blobStoreContract } from "../contract/blob-store.ts"
import { anEvent } from "../contract/histories-of-appends.ts"
import { vaultContract } from "../contract/vault.ts"
import { standIn } from "../http/stand-in.ts"

const root = mkdtempSync(join(tmpdir(), "aios-desk-"))
const endings: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const newDirectory = () => join(root, String(folders++))
const token = "the token of the control of these tests"

/** A control on a data directory, whose door can be shut and opened again at the same port. */
const controlIn = async (directory: string) => {
  const behind = Layer.mergeAll(
    Layer.succeed(Aios, standIn),
    memoryLog.layer,
    folderBlobs.layer({ directory }).pipe(Layer.provideMerge(sqlite.layer({ directory }))),
  )
  const runtime = ManagedRuntime.make(behind)
  const vault = await runtime.runPromise(Vault)
  const blobs = await runtime.runPromise(BlobStore)
  let port = 0
  let scope: Scope.Closeable | undefined
  const open = async () => {
    scope = Effect.runSync(Scope.make())
    const app = await runtime.runPromise(door({ keys: keysOf(token), port: () => port }))
    port = await Effect.runPromise(Scope.provide(serveOn(app, port), scope))
  }
  const shut = async () => {
    if (scope !== undefined) await Effect.runPromise(Scope.close(scope, Exit.void))
    scope = undefined
  }
  await open()
  endings.push(shut, () => runtime.dispose())
  return { blobs, directory, open, shut, url: `http://127.0.0.1:${port}`, vault }
}
type Control = Awaited<ReturnType<typeof controlIn>>

/** A data directory of a worker elsewhere. */
const copyOf = (directory: string) => {
  const copy = newDirectory()
  mkdirSync(copy)
  copyFileSync(join(directory, "secret"), join(copy, "secret"))
  return copy
}

const deskOf = ({ url, vault }: Pick<Control, "url" | "vault">, given = token) =>
  controlDesk.make({ url, token: given, installation: vault.installation })

/** What a worker elsewhere has, and what it said. */
const workerOf = async (control: Control, directory = copyOf(control.directory)) => {
  const told: Array<string> = []
  const desk = deskOf(control)
  const layer = Layer.mergeAll(
    bothBlobs.layer({ directory, to: "log", elsewhere: desk.blobs }),
    keyedLog.layer,
  ).pipe(
    Layer.provideMerge(sqlite.layer({ directory, copiesOf: desk })),
    Layer.provide(Layer.succeed(EventLog, log)),
    Layer.provideMerge(Logger.layer([
      Logger.make<unknown, void>(({ message }) => void told.push(String(message))),
    ])),
  )
  const runtime = ManagedRuntime.make(layer)
  endings.push(() => runtime.dispose())
  return {
    blobs: await runtime.runPromise(BlobStore),
    close: () => runtime.dispose(),
    directory,
    log: await runtime.runPromise(EventLog),
    run: <A>(effect: Effect.Effect<A, unknown>) => runtime.runPromise(effect),
    told,
    vault: await runtime.runPromise(Vault),
  }
}
/** The log of control and workers. */
const log = await Effect.runPromise(
  Layer.build(memoryLog.layer).pipe(Scope.provide(Effect.runSync(Scope.make()))),
).then((context) => Context.get(context, EventLog))
let streams = 0
const append = (data: object) =>
  Effect.runPromise(log.append(`lead-${streams++}`, -1, [anEvent({ data: data as never })]))

/** A text that was sealed under a durable key. */
const flushed = async (vault: Vault["Service"], subject: string, text: string) => {
  const sealed = vault.seal(subject, text)
  await Effect.runPromise(vault.flush)
  return sealed
}
const destroy = (directory: string, subject: string) => {
  const keys = new DatabaseSync(join(directory, "keys.db"))
  keys.prepare("UPDATE subject_key SET key = NULL WHERE subject = ?").run(subject)
  keys.close()
}

/** A layer whose control lives as long as it does. */
const withControl = <A>(use: (control: Control, directory: string) => Layer.Layer<A, unknown>) =>
  Layer.unwrap(Effect.promise(async () => {
    const control = await controlIn(newDirectory())
    return Layer.orDie(use(control, copyOf(control.directory)))
  }))
vaultContract(
  "vault with copies of keys",
  () => withControl((control, directory) => sqlite.layer({ directory, copiesOf: deskOf(control) })),
)
blobStoreContract(
  "blobs of a worker elsewhere",
  () =>
    withControl((control, directory) =>
      bothBlobs.layer({ directory, to: "log", elsewhere: deskOf(control).blobs }).pipe(
        Layer.provide(sqlite.layer({ directory, copiesOf: deskOf(control) })),
        Layer.provide(memoryLog.layer),
      )
    ),
)

describe("keys of a worker elsewhere", () => {
  it("are lent by the control when they are wanted, and what it makes the control has before anybody else", async () => {
    const control = await controlIn(newDirectory())
    const worker = await workerOf(control)
    const early = await flushed(control.vault, "ada", "Ada Weiss")
    expect(worker.vault.open(early)).toBeUndefined()
    await worker.run(worker.vault.bring([early.$sealed[1], early.$sealed[1], "AAAAAAAAAAA="]))
    expect(worker.vault.open(early)).toBe("Ada Weiss")
    // One that the control has not either is lost: nobody waits for who may have it.
    const lost = { $sealed: ["ada", "AAAAAAAAAAA=", ...early.$sealed.slice(2)] as never }
    const missing = new Set<string>()
    const opening = Effect.sync(() => worker.vault.open(lost)).pipe(
      Effect.provideService(MissingKeys, missing),
    )
    expect(await worker.run(opening)).toBeUndefined()
    expect([worker.vault.knows("AAAAAAAAAAA="), missing.size]).toEqual([true, 0])
    // One key per person where it is known, a further one where not; either opens everywhere.
    expect((await flushed(worker.vault, "ada", "again")).$sealed[1]).toBe(early.$sealed[1])
    const made = await flushed(worker.vault, "bo", "Bo Berg")
    expect(control.vault.open(made)).toBe("Bo Berg")
    const both = await flushed(control.vault, "cy", "Cy Cole")
    const own = await flushed(worker.vault, "cy", "by the worker")
    expect(own.$sealed[1]).not.toBe(both.$sealed[1])
    expect(control.vault.open(own)).toBe("by the worker")
  })

  it("come with events: nobody sees one before its keys are here", async () => {
    const control = await controlIn(newDirectory())
    const worker = await workerOf(control)
    const opened: Array<unknown> = []
    const head = await Effect.runPromise(log.head)
    const following = worker.run(
      worker.log.follow(head).pipe(
        Stream.tap((page) =>
          Effect.sync(() =>
            page.forEach(({ data, metadata }) => {
              const [ask] = metadata.asks ?? []
              const sealed = Object(ask !== undefined && "input" in ask ? ask.input : data)["name"]
              opened.push(worker.vault.open(sealed))
            })
          )
        ),
        Stream.takeUntil(() => opened.length === 3),
        Stream.runDrain,
      ),
    )
    for (const name of ["Ada", "Bo"]) {
      await append({ name: await flushed(control.vault, name, name) })
    }
    const asked = await flushed(control.vault, "Cy", "Cy")
    const event = anEvent({ data: {} })
    await Effect.runPromise(log.append(`lead-${streams++}`, -1, [{
      ...event,
      metadata: {
        ...event.metadata,
        asks: [{ ask: "activity", child: "a", src: "a", input: { name: asked } }],
      },
    }]))
    await following
    expect(opened).toEqual(["Ada", "Bo", "Cy"])
    for (const n of [1, 2, 3, 4]) {
      const sealed = await flushed(control.vault, `by way ${n}`, "found")
      await append({ sealed })
      const stream = `lead-${streams - 1}`
      const [page, at] = [
        await Effect.runPromise(log.readPage(stream)),
        await Effect.runPromise(log.head),
      ]
      const ways = [
        worker.log.readPage(stream),
        worker.log.readAll({ from: at }),
        worker.log.byId(page[0]!.id),
        Stream.runCollect(worker.log.read(stream)),
      ]
      expect(worker.vault.open(sealed)).toBeUndefined()
      expect(await worker.run(ways[n - 1]!)).toHaveLength(1)
      expect(worker.vault.open(sealed)).toBe("found")
    }
  })

  it("are not asked for because of what only looks sealed, or was written by others", async () => {
    const control = await controlIn(newDirectory())
    const requests: Array<string> = []
    const counting = await carrier(
      () => control,
      (request) => requests.push(JSON.parse(request).ids.join()),
    )
    const worker = await workerOf({ ...control, url: counting })
    const head = await Effect.runPromise(log.head)
    await append({ $sealed: ["a", 5, "b", "c"] })
    await append({ deep: [{ $sealed: ["a", "no key's id", "b", "c"] }] })
    const others = anEvent({ data: { $sealed: ["a", "AAAAAAAAAAA=", "b", "c"] } })
    await Effect.runPromise(log.append(`lead-${streams++}`, -1, [{
      ...others,
      metadata: { ...others.metadata, foreign: {} },
    }]))
    expect(await worker.run(worker.log.readAll({ from: head + 1 }))).toHaveLength(3)
    await append({ $sealed: ["a", "AAAAAAAAAAA=", "b", "c"] })
    expect(await worker.run(worker.log.readAll({ from: head + 1 }))).toHaveLength(4)
    // The first is that of its start.
    expect(requests).toEqual(["", "AAAAAAAAAAA="])
  })

  it("wait for a control that is away, which is told once, as is that it is back", async () => {
    const control = await controlIn(newDirectory())
    const worker = await workerOf(control)
    const theirs = await flushed(control.vault, "ada", "Ada Weiss")
    const head = await Effect.runPromise(log.head)
    await control.shut()
    const mine = worker.vault.seal("bo", "Bo Berg")
    const kept = sqlite.statusOf(worker.directory)?.keys
    for (const _ of [1, 2]) {
      const failure = await worker.run(Effect.flip(worker.vault.flush))
      expect(failure).toMatchObject({ _tag: "VaultUnavailable", retryable: true })
    }
    // Not here before it is there.
    expect(sqlite.statusOf(worker.directory)?.keys).toBe(kept)
    await append({ theirs })
    const reading = worker.run(worker.log.readAll({ from: head + 1 }))
    await new Promise((then) => setTimeout(then, 300))
    expect(worker.vault.open(theirs)).toBeUndefined()
    // What it has goes on, and says nothing of the control.
    await worker.run(Effect.andThen(worker.vault.bring([]), worker.log.readPage("nobody-1")))
    expect(worker.told).toHaveLength(1)
    expect(worker.vault.open(mine)).toBe("Bo Berg")
    await control.open()
    expect(await reading).toHaveLength(1)
    expect(worker.vault.open(theirs)).toBe("Ada Weiss")
    await worker.run(worker.vault.flush)
    expect(control.vault.open(mine)).toBe("Bo Berg")
    expect(worker.told).toEqual([
      expect.stringContaining("does not answer"),
      expect.stringContaining("Keys come from the control again"),
    ])
  })

  it("that cannot be kept here are told of as well", async () => {
    const control = await controlIn(newDirectory())
    const worker = await workerOf(control)
    const theirs = await flushed(control.vault, "ada", "Ada Weiss")
    const keys = new DatabaseSync(join(worker.directory, "keys.db"))
    keys.exec(
      `CREATE TRIGGER full BEFORE INSERT ON subject_key BEGIN SELECT RAISE(FAIL, 'no room'); END`,
    )
    await append({ theirs })
    const head = await Effect.runPromise(log.head)
    const reading = worker.run(worker.log.readAll({ from: head }))
    while (worker.told.length === 0) await new Promise((then) => setTimeout(then, 20))
    expect(worker.told[0]).toContain(join(worker.directory, "keys.db"))
    keys.exec("DROP TRIGGER full")
    keys.close()
    expect(await reading).toHaveLength(1)
    expect(worker.vault.open(theirs)).toBe("Ada Weiss")
  })

  it("are kept over a restart, but for those that were destroyed meanwhile where they are kept", async () => {
    const control = await controlIn(newDirectory())
    const first = await workerOf(control)
    const [ada, bo] = [
      await flushed(control.vault, "ada", "Ada Weiss"),
      await flushed(first.vault, "bo", "Bo Berg"),
    ]
    const others = await Promise.all(
      Array.from({ length: 20 }, (_, n) => flushed(control.vault, `person ${n}`, "in between")),
    )
    const all = [ada, ...others].map(({ $sealed }) => $sealed[1])
    await first.run(first.vault.bring(all))
    const copies = await first.run(first.vault.lend(all))
    await first.close()
    const rows = () => {
      const keys = new DatabaseSync(join(first.directory, "keys.db"))
      const found = keys.prepare("SELECT key FROM subject_key WHERE subject <> 'bo'").all()
      keys.close()
      return found.map(({ key }) => key instanceof Uint8Array ? Buffer.from(key) : undefined)
    }
    const plain = rows()
    for (const { subject } of copies) destroy(control.directory, subject)
    const fresh = await controlIn(control.directory)
    const again = await workerOf(fresh, first.directory)
    expect([ada, bo].map(again.vault.open)).toEqual([undefined, "Bo Berg"])
    expect(again.vault.knows(ada.$sealed[1])).toBe(true)
    expect(rows()).toEqual(plain.map(() => undefined))
    // Not in what is left over in the file either.
    await again.close()
    const files = readdirSync(first.directory).map((name) =>
      readFileSync(join(first.directory, name))
    )
    expect(plain.filter((key) => files.some((bytes) => bytes.includes(key!)))).toEqual([])
    // A key that was destroyed is not made again by who had a copy.
    await Effect.runPromise(fresh.vault.take(copies))
    expect(fresh.vault.open(ada)).toBeUndefined()
    expect(sqlite.statusOf(control.directory)).toMatchObject({ destroyed: copies.length })
  })

  it("come and are compared by the thousand", async () => {
    const control = await controlIn(newDirectory())
    const sealed = Array.from({ length: 2_500 }, (_, n) => control.vault.seal(`p${n}`, n))
    await Effect.runPromise(control.vault.flush)
    const first = await workerOf(control)
    await first.run(first.vault.bring(sealed.map(({ $sealed }) => $sealed[1])))
    expect(sealed.map(first.vault.open)).toEqual(sealed.map((_, n) => n))
    const made = Array.from({ length: 1_500 }, (_, n) => first.vault.seal(`q${n}`, n))
    await first.run(first.vault.flush)
    expect(made.map(control.vault.open)).toEqual(made.map((_, n) => n))
    await first.close()
    const keys = new DatabaseSync(join(control.directory, "keys.db"))
    keys.exec("UPDATE subject_key SET key = NULL WHERE subject LIKE 'p%5'")
    keys.close()
    const again = await workerOf(await controlIn(control.directory), first.directory)
    const isLeft = (_: unknown, n: number) => n % 10 === 5 ? undefined : n
    expect(sealed.map(again.vault.open)).toEqual(sealed.map(isLeft))
  })

  it("are given back to a control that was restored from a backup without them", async () => {
    const control = await controlIn(newDirectory())
    const early = await flushed(control.vault, "ada", "Ada Weiss")
    const backup = newDirectory()
    mkdirSync(backup)
    copyFileSync(join(control.directory, "secret"), join(backup, "secret"))
    const keys = new DatabaseSync(join(control.directory, "keys.db"))
    keys.exec(`VACUUM INTO '${join(backup, "keys.db")}'`)
    keys.close()
    // Everything since: what the control made, and what the worker made.
    const [late, made] = [
      await flushed(control.vault, "bo", "Bo Berg"),
      await flushed((await workerOf(control)).vault, "cy", "Cy Cole"),
    ]
    let at = control
    const url = await carrier(() => at, () => {})
    const worker = await workerOf({ ...control, url })
    await worker.run(worker.vault.bring([early, late, made].map(({ $sealed }) => $sealed[1])))
    const gone = await flushed(control.vault, "eve", "Eve Ek")
    await worker.run(worker.vault.bring([gone.$sealed[1]]))
    const [{ key } = { key: null }] = await worker.run(control.vault.lend([gone.$sealed[1]]))
    expect(key).not.toBeNull()
    const there = new DatabaseSync(join(backup, "keys.db"))
    there.prepare("INSERT INTO subject_key (id, subject) VALUES (?, 'eve')").run(gone.$sealed[1])
    there.close()
    const restored = await controlIn(backup)
    at = restored
    expect([early, late, made].map(restored.vault.open)).toEqual([
      "Ada Weiss",
      undefined,
      undefined,
    ])
    expect(worker.vault.open(gone)).toBe("Eve Ek")
    const fresh = await flushed(restored.vault, "dee", "Dee Dahl")
    await worker.run(worker.vault.bring([fresh.$sealed[1]]))
    // What it seals under an old key the control can open, as it can what was sealed before.
    const again = await flushed(worker.vault, "cy", "Cy again")
    expect(again.$sealed[1]).toBe(made.$sealed[1])
    expect([early, late, made, again, fresh].map(restored.vault.open))
      .toEqual(["Ada Weiss", "Bo Berg", "Cy Cole", "Cy again", "Dee Dahl"])
    // What was destroyed there neither opens nor seals here any more.
    expect(worker.vault.open(gone)).toBeUndefined()
    expect((await flushed(worker.vault, "eve", "met again")).$sealed[1]).not.toBe(gone.$sealed[1])
  })

  it("travel sealed: who carries them has none of them", async () => {
    const control = await controlIn(newDirectory())
    const carried: Array<string> = []
    const url = await carrier(() => control, (...both) => carried.push(...both))
    const worker = await workerOf({ ...control, url })
    const [ada, bo] = [
      await flushed(control.vault, "ada", "Ada Weiss"),
      await flushed(worker.vault, "bo", "Bo Berg"),
    ]
    await worker.run(worker.vault.bring([ada.$sealed[1]]))
    const keys = new DatabaseSync(join(control.directory, "keys.db"))
    const rows = keys.prepare("SELECT id, key FROM subject_key").all()
    keys.close()
    expect(rows).toHaveLength(2)
    const all = carried.join("\n")
    for (const row of rows) {
      expect(all).toContain(String(row["id"]))
      const key = row["key"] as Uint8Array
      expect(all).not.toContain(Buffer.from(key).toString("base64").slice(0, 40))
      expect(all).not.toContain(Buffer.from(key).toString("hex"))
    }
    expect(control.vault.open(bo)).toBe("Bo Berg")
  })

  it("are not put among those of a control, and copies are no control's", async () => {
    const control = await controlIn(newDirectory())
    const refusedIn = (directory: string, options: Partial<sqlite.Options>) =>
      Effect.runPromise(
        Effect.flip(Effect.provide(Vault, sqlite.layer({ directory, ...options }))),
      )
    const among = await refusedIn(control.directory, { copiesOf: deskOf(control) })
    expect(among).toMatchObject({ reason: "configuration" })
    expect(among.message).toContain("Unset AIOS_CONTROL")
    const worker = await workerOf(control)
    const alone = await refusedIn(worker.directory, {})
    expect(alone).toMatchObject({ reason: "configuration" })
    expect(alone.message).toContain("the control's own data directory")
  })
})

describe("attachments of a worker elsewhere", () => {
  it("are found at the control, with their keys, as they are stored there", async () => {
    const control = await controlIn(newDirectory())
    const worker = await workerOf(control)
    const content = new Uint8Array(300_000).map((_, n) => n * 11)
    const ref = await Effect.runPromise(control.blobs.put("ada", content))
    expect(await worker.run(worker.blobs.get(ref))).toEqual(content)
    const absent = { ...ref, sha256: "0".repeat(64) }
    expect(await worker.run(worker.blobs.get(absent))).toBeUndefined()
    const mine = await worker.run(worker.blobs.put("bo", content))
    expect(await worker.run(worker.blobs.get(mine))).toEqual(content)
    const stored = await worker.run(worker.blobs.sealed(mine.sha256))
    expect(control.vault.openBytes("bo", stored!)).toEqual(content)
    // Bytes that are not what was asked for.
    const liar = deskOf({
      url: await answering(() => Promise.resolve([200, "something else"])),
      vault: control.vault,
    })
    expect(await worker.run(Effect.flip(liar.blobs.read(ref.sha256))))
      .toMatchObject({ reason: "corrupt" })
    const file = join(control.directory, "blobs", ref.sha256.slice(0, 2), ref.sha256.slice(2))
    writeFileSync(file, "something else")
    const damaged = await worker.run(Effect.flip(worker.blobs.get(ref)))
    expect(damaged).toMatchObject({ _tag: "BlobsUnavailable" })
    await control.shut()
    const away = await worker.run(Effect.flip(worker.blobs.get(absent)))
    expect(String(Object(away).message)).toContain("does not answer")
  })
})

/** A server that is no control. */
const answering = (
  answer: (
    request: import("node:http").IncomingMessage,
    body: string,
  ) => Promise<readonly [number, string, Record<string, string>?]>,
): Promise<string> => {
  const server: Server = createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += chunk
    const [status, text, headers] = await answer(request, body)
    response.writeHead(status, headers)
    response.end(text)
  })
  return served(server)
}
const served = async (server: Server): Promise<string> => {
  await new Promise<void>((then) => server.listen(0, "127.0.0.1", then))
  endings.push(() =>
    new Promise((then) => {
      server.close(() => then())
      server.closeAllConnections()
    })
  )
  const at = server.address()
  return `http://127.0.0.1:${typeof at === "object" ? at?.port : 0}`
}

/** Between worker and control: passes on, and shows what it carries. */
const carrier = (to: () => Control, carries: (request: string, answer: string) => void) =>
  answering(async ({ headers, url }, body) => {
    const { authorization = "" } = headers
    const answer = await fetch(`${to().url}${url}`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body,
    })
    const text = await answer.text()
    carries(body, text)
    return [answer.status, text]
  })

describe("what answers in the place of the control", () => {
  const opened = (directory: string, desk: controlDesk.ControlDesk) =>
    Effect.runPromise(
      Effect.flip(Effect.provide(Vault, sqlite.layer({ directory, copiesOf: desk }))),
    )

  it("is told apart: a wrong token, another company, no AIOS, one in trouble, none", async () => {
    const [control, other] = [await controlIn(newDirectory()), await controlIn(newDirectory())]
    const worker = copyOf(control.directory)
    const fake = (status: number, text: string) => answering(() => Promise.resolve([status, text]))
    const of = (url: string, given = token) => deskOf({ url, vault: control.vault }, given)
    const cases: ReadonlyArray<readonly [string, controlDesk.ControlDesk, string, object]> = [
      ["wrong token", of(control.url, "another token of somebody"), "token", {}],
      ["another company", of(other.url), "another installation", {}],
      ["no AIOS", of(await fake(200, "<html>")), "no AIOS", {}],
      [
        "another shape",
        of(await fake(200, JSON.stringify({ installation: control.vault.installation }))),
        "no AIOS",
        {},
      ],
      [
        "one that says so of itself",
        of(await fake(200, JSON.stringify({ installation: "", life: "", keys: [] }))),
        "another installation",
        {},
      ],
      ["another address", of(`${control.url}/elsewhere`), "is nothing here", {}],
      ["in trouble", of(await fake(503, "")), "does not answer (status 503)", { retryable: true }],
    ]
    for (const [name, desk, words, more] of cases) {
      const refused = await opened(worker, desk)
      expect(refused, name).toMatchObject({ _tag: "VaultUnavailable", ...more })
      expect(refused.message, name).toContain(words)
      expect(refused.message, name).not.toContain(token)
      if (!("retryable" in more)) expect(refused.reason, name).toBe("configuration")
    }
    await control.shut()
    expect(await opened(worker, of(control.url))).toMatchObject({ retryable: true })
  })

  it("is not read without end", async () => {
    const control = await controlIn(newDirectory())
    let given = 0
    const server = createServer(async (_, response) => {
      response.on("error", () => {})
      while (!response.destroyed) {
        given++
        if (response.write(Buffer.alloc(1024 * 1024))) await new Promise(setImmediate)
        else await Promise.race([once(response, "drain"), once(response, "close")])
      }
    })
    const refused = await opened(
      copyOf(control.directory),
      deskOf({ url: await served(server), vault: control.vault }),
    )
    expect(refused.message).toContain("gives more than")
    expect(given).toBeLessThan(64)
  })

  it("gets the token only where it was sent: a redirection is not followed", async () => {
    const control = await controlIn(newDirectory())
    const seen: Array<unknown> = []
    const thief = await answering(({ headers }) => {
      seen.push(headers.authorization)
      return Promise.resolve([200, "{}"])
    })
    const sender = await answering(({ url }) =>
      Promise.resolve([307, "", { location: `${thief}${url}` }])
    )
    const refused = await opened(
      copyOf(control.directory),
      deskOf({ url: sender, vault: control.vault }),
    )
    expect(refused._tag).toBe("VaultUnavailable")
    expect(seen).toEqual([])
  })

  it("cannot give keys that it made itself", async () => {
    const control = await controlIn(newDirectory())
    const worker = await workerOf(control)
    const { installation } = control.vault
    const forged = { id: "AAAAAAAAAAA=", subject: "ada", key: Buffer.alloc(60).toString("base64") }
    const url = await answering((_, body) => {
      const asksForSome = JSON.parse(body).ids.length > 0
      return Promise.resolve([
        200,
        JSON.stringify({ installation, life: "one", keys: asksForSome ? [forged] : [] }),
      ])
    })
    const strange = await workerOf({ ...control, url })
    const refused = await strange.run(Effect.flip(strange.vault.bring([forged.id])))
    expect(String(Object(refused).message)).toContain("secret does not open")
    expect(strange.vault.knows(forged.id)).toBe(false)
    const push = await worker.run(Effect.flip(deskOf(control).take([forged])))
    expect(String(Object(push).message)).toContain("secret")
    expect(control.vault.knows(forged.id)).toBe(false)
    // Nobody destroys a key of the control's.
    const theirs = await flushed(control.vault, "ada", "Ada Weiss")
    const end = { id: theirs.$sealed[1], subject: "ada", key: null }
    await worker.run(Effect.flip(deskOf(control).take([end])))
    expect(control.vault.open(theirs)).toBe("Ada Weiss")
  })
})
