/** The vaults against their suite, and what only keys on a disk can get wrong. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Effect } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { EventLog } from "../../actors/event-log.ts"
import { Vault } from "../../actors/vault.ts"
import * as dataDirectory from "../../adapters/data-directory.ts"
import * as memory from "../../adapters/vault-memory.ts"
import * as sqlite from "../../adapters/vault-sqlite.ts"
import { anEvent } from "../contract/histories-of-appends.ts"
import { vaultContract } from "../contract/vault.ts"

const root = mkdtempSync(join(tmpdir(), "aios-vault-"))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const newDirectory = () => join(root, String(folders++))

vaultContract("vault in memory", () => memory.layer)
vaultContract("vault in SQLite", () => sqlite.layer({ directory: newDirectory() }))

const on = <A>(directory: string, use: (vault: Vault["Service"]) => Effect.Effect<A, unknown>) =>
  Effect.runPromise(Effect.provide(Effect.flatMap(Vault, use), sqlite.layer({ directory })))
const sealFor = (subject: string, flush = true) => (vault: Vault["Service"]) =>
  Effect.gen(function* () {
    const sealed = vault.seal(subject, "Ada Weiss")
    if (flush) yield* vault.flush
    return sealed
  })
const refusedIn = (directory: string) =>
  Effect.runPromise(Effect.flip(Effect.provide(Vault, sqlite.layer({ directory }))))

describe("keys on disk", () => {
  it("are shared by processes: what one made the other opens, also where both make one at one time", async () => {
    const directory = newDirectory()
    await on(directory, sealFor("p1"))
    await on(
      directory,
      (one) =>
        Effect.promise(() =>
          on(directory, (other) =>
            Effect.gen(function* () {
              const early = one.seal("p2", "by one")
              // Not durable yet, so nobody else knows it; nothing in the log names it before it is.
              expect(other.open(early)).toBeUndefined()
              const late = other.seal("p2", "by the other")
              yield* Effect.all([one.flush, other.flush])
              for (const vault of [one, other]) {
                expect(vault.open(early)).toBe("by one")
                expect(vault.open(late)).toBe("by the other")
              }
              const blob = one.sealBytes("p3", new Uint8Array([1, 2, 3]))
              yield* one.flush
              expect(other.openBytes("p3", blob)).toEqual(new Uint8Array([1, 2, 3]))
              expect(other.personKey("ada")).toBe(one.personKey("ada"))
            }))
        ),
    )
    expect(sqlite.statusOf(directory)).toMatchObject({ keys: 4, remade: false })
  })

  it("are there after a restart once flushed, and only the owner may read them", async () => {
    const directory = newDirectory()
    const sealed = await on(directory, sealFor("p1"))
    const person = await on(directory, (vault) => Effect.succeed(vault.personKey("ada")))
    expect(await on(directory, (vault) => Effect.succeed(vault.open(sealed)))).toBe("Ada Weiss")
    expect((await on(directory, sealFor("p1"))).$sealed[1]).toBe(sealed.$sealed[1])
    expect(await on(directory, (vault) => Effect.succeed(vault.personKey("ada")))).toBe(person)
    for (const name of ["keys.db", "secret"]) {
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600)
    }
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(sqlite.statusOf(directory)).toEqual({
      keys: 1,
      destroyed: 0,
      remade: false,
      copies: false,
    })
  })

  it("that were never flushed are gone with the process: the envelope stays closed", async () => {
    const directory = newDirectory()
    const sealed = await on(directory, sealFor("p1", false))
    expect(await on(directory, (vault) => Effect.succeed(vault.open(sealed)))).toBeUndefined()
  })

  it("once destroyed open nothing, and are not made again under their old id", async () => {
    const directory = newDirectory()
    const sealed = await on(directory, sealFor("p1"))
    const keys = new DatabaseSync(join(directory, "keys.db"))
    keys.prepare("UPDATE subject_key SET key = NULL WHERE subject = 'p1'").run()
    keys.close()
    const again = await on(directory, (vault) =>
      Effect.gen(function* () {
        expect(vault.open(sealed)).toBeUndefined()
        expect(vault.knows(sealed.$sealed[1])).toBe(true)
        const again = yield* sealFor("p1")(vault)
        expect(vault.open(sealed)).toBeUndefined()
        expect(vault.open(again)).toBe("Ada Weiss")
        return again
      }))
    expect(again.$sealed[1]).not.toBe(sealed.$sealed[1])
    expect(sqlite.statusOf(directory)).toEqual({
      keys: 2,
      destroyed: 1,
      remade: false,
      copies: false,
    })
  })

  it("that were lost open nothing, and the loss can be told", async () => {
    const directory = newDirectory()
    const both = <A>(
      use: (vault: Vault["Service"], log: EventLog["Service"]) => Effect.Effect<A, unknown>,
    ) =>
      Effect.runPromise(
        Effect.gen(function* () {
          return yield* use(yield* Vault, yield* EventLog)
        }).pipe(Effect.provide(dataDirectory.layer({ directory }))),
      )
    const sealed = await both((vault, log) =>
      Effect.gen(function* () {
        const sealed = yield* sealFor("p1")(vault)
        yield* log.append("lead-1", -1, [anEvent({ data: { name: sealed } })])
        return sealed
      })
    )
    expect(sqlite.statusOf(directory)?.remade).toBe(false)
    rmSync(join(directory, "keys.db"))
    expect(await both((vault) => Effect.succeed(vault.open(sealed)))).toBeUndefined()
    expect(sqlite.statusOf(directory)?.remade).toBe(true)
    rmSync(join(directory, "secret"))
    const refused = await refusedIn(directory)
    expect(refused).toMatchObject({ _tag: "VaultUnavailable" })
    expect(refused.message).toContain("secret is missing")
    expect(existsSync(join(directory, "secret"))).toBe(false)
  })

  it("whose file was only begun when its process was killed are made", async () => {
    const directory = newDirectory()
    await on(directory, (vault) => Effect.succeed(vault.installation))
    for (const name of ["keys.db", "keys.db-wal", "keys.db-shm"]) {
      rmSync(join(directory, name), { force: true })
    }
    writeFileSync(join(directory, "keys.db"), "")
    expect(sqlite.statusOf(directory)).toBeUndefined()
    const opened = Effect.provide(EventLog, dataDirectory.layer({ directory }))
    expect(await Effect.runPromise(Effect.flatMap(opened, () => Effect.succeed("open")))).toBe(
      "open",
    )
    expect(sqlite.statusOf(directory)).toMatchObject({ keys: 0, remade: false })
  })

  it("of another installation are refused", async () => {
    const [mine, theirs] = [newDirectory(), newDirectory()]
    await on(mine, sealFor("p1"))
    await on(theirs, sealFor("p1"))
    rmSync(join(mine, "keys.db"))
    const { copyFileSync } = await import("node:fs")
    copyFileSync(join(theirs, "keys.db"), join(mine, "keys.db"))
    expect((await refusedIn(mine)).message).toContain("another installation")
  })

  it.each([["keys.db"], ["secret"]])("in a damaged %s: a clear error", async (name) => {
    const directory = newDirectory()
    await on(directory, sealFor("p1"))
    writeFileSync(join(directory, name), "dear diary ".repeat(500))
    const refused = await refusedIn(directory)
    expect(refused).toMatchObject({ _tag: "VaultUnavailable" })
    expect(refused.message).toContain(join(directory, name))
  })
})
