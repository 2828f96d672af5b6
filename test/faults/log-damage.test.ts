/**
 * Files that are damaged, cut off or somebody else's, and disks without space: each is a clear error,
 * nothing is overwritten, and what was acknowledged stays.
 */
import { execFileSync } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Effect } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { type Appended, EventLog } from "../../actors/event-log.ts"
import * as sqlite from "../../adapters/event-log-sqlite.ts"
import { everything } from "../contract/event-log.ts"
import { anEvent, events } from "../contract/histories-of-appends.ts"
import { seeded } from "../seeded.ts"

const root = mkdtempSync(join(tmpdir(), "aios-damage-"))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const newFile = () => {
  const folder = join(root, String(folders++))
  mkdirSync(folder)
  return join(folder, "log.db")
}
const on = <A, E>(
  options: Parameters<typeof sqlite.layer>[0],
  use: (log: EventLog["Service"]) => Effect.Effect<A, E>,
) => Effect.runPromise(Effect.provide(Effect.flatMap(EventLog, use), sqlite.layer(options)))
const refusedAt = (file: string, installation?: string) =>
  Effect.runPromise(Effect.flip(Effect.provide(
    Effect.flatMap(EventLog, everything),
    sqlite.layer({ file, ...(installation === undefined ? {} : { installation }) }),
  )))
/** Names and bytes of all files beside `file`. */
const picture = (file: string) => {
  const folder = join(file, "..")
  return readdirSync(folder).sort().map((name) =>
    [name, readFileSync(join(folder, name)).toString("base64")] as const
  )
}
const written = async (count = 2000) => {
  const file = newFile()
  await on({ file }, (log) =>
    Effect.forEach(
      Array.from({ length: count / 2 }, (_, n) => n),
      (n) => log.append(`lead-${n}`, -1, events(2)),
      { concurrency: "unbounded" },
    ))
  return file
}

describe("files that are not a whole log", () => {
  const cases: ReadonlyArray<readonly [string, string, (file: string) => void]> = [
    ["text", "foreign", (file) => writeFileSync(file, "dear diary\n".repeat(999))],
    ["a few bytes", "foreign", (file) => writeFileSync(file, "SQLite")],
    ["zeros", "foreign", (file) => writeFileSync(file, new Uint8Array(20_000))],
    ["cut off to nothing", "corrupt", (file) => truncateSync(file, 0)],
    ["cut in half", "corrupt", (file) => truncateSync(file, statSync(file).size / 2)],
    ["cut by a page", "corrupt", (file) => truncateSync(file, statSync(file).size - 4096)],
    ["begun anew with garbage", "foreign", (file) => {
      const bytes = readFileSync(file)
      bytes.fill(7, 0, 64)
      writeFileSync(file, bytes)
    }],
    ["damaged at its end", "corrupt", (file) => {
      const bytes = readFileSync(file)
      bytes.fill(0xa5, 8192)
      writeFileSync(file, bytes)
    }],
    ["gone, with its write-ahead log left", "corrupt", (file) => {
      writeFileSync(`${file}-wal`, "x")
      rmSync(file)
    }],
    ["of a later format", "foreign", (file) => {
      const bytes = readFileSync(file)
      bytes.writeUInt32BE(99, 60)
      writeFileSync(file, bytes)
    }],
    ["SQLite of another program", "foreign", (file) => {
      rmSync(file)
      const db = new DatabaseSync(file)
      db.exec("CREATE TABLE recipe (name TEXT); INSERT INTO recipe VALUES ('Käsekuchen')")
      db.close()
    }],
  ]
  it.each(cases)("%s: %s, and not a byte is changed", async (_, reason, damage) => {
    const file = await written()
    damage(file)
    const before = picture(file)
    const refused = await refusedAt(file)
    expect(refused).toMatchObject({ _tag: "LogUnavailable", reason, retryable: false })
    expect(refused.message).toContain(file)
    expect(picture(file)).toEqual(before)
  })

  it("damage anywhere is never read as something else", async () => {
    const dice = seeded()
    const whole = await written()
    const before = await on({ file: whole }, everything)
    for (let round = 0; round < 40; round++) {
      const file = newFile()
      const bytes = readFileSync(whole)
      const at = 100 + dice.below(bytes.length - 600)
      bytes.fill(dice.below(256), at, at + 1 + dice.below(500))
      writeFileSync(file, bytes)
      const exit = await Effect.runPromiseExit(
        Effect.provide(Effect.flatMap(EventLog, everything), sqlite.layer({ file })),
      )
      // SQLite has no checksums: changed content may be read, but no event may be made up or crash us.
      if (exit._tag === "Success") expect(exit.value.length).toBeLessThanOrEqual(before.length)
      else expect(JSON.stringify(exit.cause)).toContain("LogUnavailable")
    }
  })

  it("a log of another installation is refused", async () => {
    const file = newFile()
    await on({ file, installation: "a".repeat(32) }, (log) => log.append("lead-1", -1, events(1)))
    const refused = await refusedAt(file, "b".repeat(32))
    expect(refused).toMatchObject({ reason: "foreign" })
    expect(await on({ file, installation: "a".repeat(32) }, everything)).toHaveLength(1)
  })

  it("a start that was cut off before the log had its name is repeated", async () => {
    const file = newFile()
    writeFileSync(`${file}.new`, "half")
    await on({ file }, (log) => log.append("lead-1", -1, events(1)))
    expect(existsSync(`${file}.new`)).toBe(false)
    expect(await on({ file }, everything)).toHaveLength(1)
  })
})

/** Appends until the log says that it is full; gives what was acknowledged. */
const fill = (log: EventLog["Service"], stream: string) =>
  Effect.gen(function* () {
    const acknowledged: Array<string> = []
    while (true) {
      const event = anEvent({ data: "x".repeat(50_000) })
      const outcome = yield* Effect.result(log.append(stream, acknowledged.length - 1, [event]))
      if (outcome._tag === "Success") acknowledged.push(event.id)
      else return { acknowledged, refused: outcome.failure }
    }
  })
const idsOf = (all: ReadonlyArray<{ readonly id: string }>) => all.map((one) => one.id)

describe("no space", () => {
  it("at the log's own limit: full, and nothing acknowledged is lost", async () => {
    const file = newFile()
    const bytesMax = 3_000_000
    const acknowledged = await on({ file, bytesMax }, (log) =>
      Effect.gen(function* () {
        const { acknowledged, refused } = yield* fill(log, "lead-1")
        expect(acknowledged.length).toBeGreaterThan(20)
        expect(refused).toMatchObject({ _tag: "LogUnavailable", reason: "full", retryable: true })
        expect(idsOf(yield* everything(log))).toEqual(acknowledged)
        return acknowledged
      }))
    await on({ file }, (log) =>
      Effect.gen(function* () {
        const more: Appended = yield* log.append("lead-1", acknowledged.length - 1, events(1))
        expect(more.revision).toBe(acknowledged.length)
      }))
  })

  it("on a full disk: the same log works on once there is space", async (context) => {
    const disk = join(root, "disk")
    mkdirSync(disk)
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "none", disk], { stdio: "ignore" })
    } catch {
      console.info("skipped: needs the right to mount a small tmpfs")
      return context.skip()
    }
    try {
      const file = join(disk, "log.db")
      const ballast = join(disk, "ballast")
      writeFileSync(ballast, new Uint8Array(2_000_000))
      const acknowledged = await on({ file }, (log) =>
        Effect.gen(function* () {
          const first = yield* fill(log, "lead-1")
          expect(first.refused).toMatchObject({ _tag: "LogUnavailable", reason: "full" })
          // Other streams, other words: nothing of a refused append may stay in a cache.
          const other = yield* Effect.result(
            log.append("new-1", -1, [anEvent({ type: "NeverSeen", data: "y".repeat(500_000) })]),
          )
          expect(other).toMatchObject({ failure: { reason: "full" } })
          expect(idsOf(yield* everything(log))).toEqual(first.acknowledged)
          rmSync(ballast)
          const later = anEvent({ type: "NeverSeen" })
          yield* log.append("new-1", -1, [later])
          const again = yield* log.append("lead-1", first.acknowledged.length - 1, [anEvent()])
          expect(again.revision).toBe(first.acknowledged.length)
          const all = yield* everything(log)
          expect(all.find((event) => event.id === later.id)).toMatchObject({
            type: "NeverSeen",
            stream: "new-1",
            revision: 0,
          })
          return idsOf(all)
        }))
      const copy = newFile()
      // What found no space in the file when the log was closed is still in its write-ahead log.
      for (const part of ["", "-wal"]) {
        if (existsSync(file + part)) copyFileSync(file + part, copy + part)
      }
      expect(idsOf(await on({ file: copy }, everything))).toEqual(acknowledged)
    } finally {
      execFileSync("umount", ["-l", disk])
    }
  })
})
