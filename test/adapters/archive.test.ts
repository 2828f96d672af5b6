/** Segments in a folder: all of one or nothing, and what was changed since is said. */
import { execFileSync } from "node:child_process"
import { createHash, randomBytes, randomUUID } from "node:crypto"
import {
  appendFileSync,
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
import { gunzipSync } from "node:zlib"
import { Effect, Stream } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import type { RecordedEvent } from "../../actors/event-log.ts"
import * as folder from "../../adapters/archive-folder.ts"
import { Archive, segmentName } from "../../projections/archive.ts"

const root = mkdtempSync(join(tmpdir(), "aios-archive-"))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const newDirectory = () => join(root, String(folders++))

const event = (position: number, text = "sealed"): RecordedEvent => ({
  id: randomUUID(),
  stream: `record-${position}`,
  revision: 0,
  position,
  type: "MailReceived",
  data: { content: { $sealed: ["subject", "key", "nonce", text] } },
  metadata: { at: 1_700_000_000_000 + position, $correlationId: randomUUID() },
})
const events = Array.from({ length: 1_203 }, (_, n) => event(10 + n))
const pages = (all: ReadonlyArray<RecordedEvent>, size = 400) =>
  Stream.fromIterable(
    Array.from({ length: Math.ceil(all.length / size) }, (_, n) =>
      all.slice(n * size, (n + 1) * size)),
  )
const name = segmentName(10, 1_212)

const on = <A, E>(directory: string, use: (archive: Archive["Service"]) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.provide(Effect.flatMap(Archive, use), folder.layer(directory)))
const write = (directory: string, all = events) =>
  on(directory, (archive) => archive.write(name, pages(all)))
const read = (directory: string) =>
  on(directory, (archive) => Stream.runCollect(archive.events(name)))
const refusalOf = (directory: string) =>
  on(directory, (archive) => Effect.flip(Stream.runDrain(archive.events(name))))
const state = (directory: string, sha256: string) =>
  on(directory, (archive) => archive.state(name, sha256))
const files = (directory: string) => readdirSync(join(directory, "archive")).toSorted()

describe("segments in a folder", () => {
  it("give back the events as they were, in order", async () => {
    const directory = newDirectory()
    const written = await write(directory)
    expect((await read(directory)).flat()).toEqual(events)
    expect(files(directory)).toEqual([name])
    const file = join(directory, "archive", name)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const bytes = readFileSync(file)
    expect(written).toEqual({
      events: events.length,
      bytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    })
    // What others read it with.
    expect(gunzipSync(bytes).toString().trimEnd().split("\n").map((line) => JSON.parse(line)))
      .toEqual(events)
    expect(await state(directory, written.sha256)).toBe("whole")
    expect(await write(directory)).toEqual(written)
  })

  it("say when they are missing, damaged or another", async () => {
    const directory = newDirectory()
    const { sha256 } = await write(directory)
    const file = join(directory, "archive", name)
    appendFileSync(file, "x")
    expect(await state(directory, sha256)).toBe("damaged")
    truncateSync(file, 2_000)
    expect(await state(directory, sha256)).toBe("damaged")
    expect(await refusalOf(directory)).toMatchObject({ reason: "damaged" })
    rmSync(file)
    expect(await state(directory, sha256)).toBe("missing")
    const refused = await refusalOf(directory)
    expect(refused.reason).toBe("missing")
    expect(refused.message).toContain("aios archive writes it again")
    // The log writes the same again.
    expect((await write(directory)).sha256).toBe(sha256)
  })

  it("that break off leave nothing, and what was there before stays", async () => {
    const directory = newDirectory()
    const { sha256 } = await write(directory)
    const broken = Stream.concat(pages(events.slice(0, 800)), Stream.fail("the log is gone"))
    expect(await on(directory, (archive) => Effect.flip(archive.write(name, broken))))
      .toBe("the log is gone")
    expect(files(directory)).toEqual([name])
    expect(await state(directory, sha256)).toBe("whole")
  })

  it("are written over what a crash left", async () => {
    const directory = newDirectory()
    mkdirSync(join(directory, "archive"), { recursive: true })
    writeFileSync(join(directory, "archive", `.${name}.tmp`), "half of somethi")
    await write(directory)
    expect(files(directory)).toEqual([name])
    expect((await read(directory)).flat()).toHaveLength(events.length)
  })

  it("are never outside of it", async () => {
    const directory = newDirectory()
    for (const wrong of ["../x", "1-2.jsonl.gz/../../y", "", "1-2"]) {
      expect(await on(directory, (archive) => Effect.flip(archive.write(wrong, pages(events)))))
        .toMatchObject({ reason: "missing" })
    }
    expect(() => readdirSync(directory)).toThrow()
  })

  it("a full disk: no half segment, and it works once there is space", async (test) => {
    const directory = newDirectory()
    mkdirSync(directory)
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory], {
        stdio: "ignore",
      })
    } catch {
      console.warn("skipped: mounting a small disk needs root")
      return test.skip()
    }
    try {
      const large = Array.from(
        { length: 400 },
        (_, n) => event(n, randomBytes(600).toString("base64")),
      )
      const failure = await on(
        directory,
        (archive) => Effect.flip(archive.write(name, pages(large, 50))),
      )
      expect(failure).toMatchObject({ reason: "full", retryable: true })
      expect(failure.message).toContain("No space left")
      expect(files(directory)).toEqual([])
      await write(directory, events.slice(0, 20))
      expect(files(directory)).toEqual([name])
    } finally {
      execFileSync("umount", [directory])
    }
  })
})
