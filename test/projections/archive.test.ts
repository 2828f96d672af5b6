/** Old items as segments: they leave the index only once their file is whole, and come back. The log has all. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { afterAll } from "vitest"
import * as folder from "../../adapters/archive-folder.ts"
import { memoryStream } from "../../machines/memory.ts"
import { Aios } from "../../projections/aios.ts"
import { Archive, ArchiveUnavailable } from "../../projections/archive.ts"
import { countsOf } from "../../projections/memory-rows.ts"
import { ReadStore } from "../../projections/read-store.ts"
import { aMail } from "../actors/company.ts"
import { epoch } from "../actors/house.ts"
import { aiosHouse, refusalOf } from "./aios-house.ts"

const day = 24 * 60 * 60 * 1000
const root = mkdtempSync(join(tmpdir(), "aios-segments-"))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0

/** Mails so old that they are cold from the start, and some that are not. */
const mails = (old: number, young: number) => [
  ...Array.from(
    { length: old },
    (_, n) => aMail({ sentAt: epoch - (1_000 - n) * day, text: `Secret number ${n}` }),
  ),
  ...Array.from({ length: young }, (_, n) => aMail({ sentAt: epoch - n * day })),
]
const house = (directory: string, archive = folder.layer(directory)) =>
  aiosHouse({ clock: { now: epoch } }).pipe(Layer.provideMerge(archive))
const nothing = () => {}
const counts = Effect.map(ReadStore, countsOf)

describe("archiving", () => {
  const directory = join(root, String(folders++))
  const segmentsIn = () => readdirSync(join(directory, "archive"))
  it.live("says what it would do, does it once, and gives it back", () =>
    Effect.gen(function* () {
      const aios = yield* Aios
      yield* aios.intake(mails(300, 3))
      yield* aios.settle(20_000)
      const before = yield* aios.memory
      expect(before.tiers).toMatchObject({ hot: { items: 3 }, cold: { items: 300, archived: 0 } })

      const dry = yield* aios.archive({ dryRun: true }, nothing)
      expect(dry).toEqual({ dryRun: true, days: 730, items: 270, segments: [], again: [] })
      expect(() => segmentsIn()).toThrow()

      const steps: Array<number> = []
      const done = yield* aios.archive({}, ({ done }) => void steps.push(done))
      expect(done).toMatchObject({ items: 270, segments: [{ items: 270, ok: true, problem: "" }] })
      expect(steps.at(-1)).toBe(270)
      expect((yield* aios.memory).tiers.cold).toEqual({ items: 30, archived: 270 })
      expect(yield* aios.archive({}, nothing)).toMatchObject({ items: 0, segments: [] })

      // The same events as in the log, sealed as they are there.
      const [segment] = yield* aios.segments
      const bytes = readFileSync(join(directory, "archive", segment!.segment))
      const text = gunzipSync(bytes).toString()
      expect(text).not.toContain("Secret number")
      const stored = (yield* Stream.runCollect((yield* Archive).events(segment!.segment))).flat()
      const log = yield* aios.events({ limit: 10_000 })
      const ids = new Set(stored.map(({ id }) => id))
      expect(stored).toEqual(log.filter(({ id }) => ids.has(id)))
      expect(stored).toHaveLength(270)

      // A lost one is said, and written again to the same bytes.
      truncateSync(join(directory, "archive", segment!.segment), 100)
      expect(yield* aios.segments).toMatchObject([{ ok: false, problem: "damaged" }])
      const events = (yield* aios.events({ stream: memoryStream })).length
      expect(yield* aios.archive({}, nothing)).toMatchObject({ again: [segment!.segment] })
      expect(readFileSync(join(directory, "archive", segment!.segment))).toEqual(bytes)
      expect((yield* aios.events({ stream: memoryStream })).length).toBe(events)

      const restored = yield* aios.restoreSegment(segment!.segment.split(".")[0]!, nothing)
      expect(restored).toMatchObject({ restored: true, ok: true, items: 270 })
      expect((yield* aios.memory).tiers.cold).toEqual({ items: 300, archived: 0 })
      expect(yield* aios.restoreSegment(segment!.segment, nothing)).toEqual(restored)

      // Restored, they may be archived again.
      expect(yield* aios.archive({}, nothing)).toMatchObject({ items: 270 })
      expect(yield* aios.segments).toMatchObject([{ restored: false, ok: true }])
    }).pipe(Effect.provide(house(directory))))

  it.live("cuts what is too much for one segment, and stops where the disk is full", () => {
    const directory = join(root, String(folders++))
    let writes = 0
    const real = folder.layer(directory)
    const oneOnly = Layer.effect(
      Archive,
      Effect.map(Archive, (archive) =>
        Archive.of({
          ...archive,
          write: (segment, pages) =>
            ++writes === 2
              ? Effect.fail(
                new ArchiveUnavailable({
                  reason: "full",
                  message: "No space left; nothing half done was kept. Free space and repeat.",
                  retryable: true,
                }),
              )
              : archive.write(segment, pages),
        })),
    ).pipe(Layer.provide(real))
    return Effect.gen(function* () {
      const aios = yield* Aios
      yield* aios.intake(mails(2_100, 0).map((mail) => ({ ...mail, sentAt: epoch - 900 * day })))
      const refused = yield* refusalOf(aios.archive({}, nothing))
      expect(refused).toMatchObject({ kind: "later" })
      expect(refused.message).toContain("Free space")
      // What was written stays; the rest is as it was.
      expect((yield* aios.memory).tiers.cold).toEqual({ items: 100, archived: 2_000 })
      const done = yield* aios.archive({}, nothing)
      expect(done).toMatchObject({ items: 100, segments: [{ items: 100 }] })
      expect(yield* aios.segments).toHaveLength(2)
      expect((yield* counts).archived).toBe(2_100)
    }).pipe(Effect.provide(house(directory, oneOnly)))
  }, 60_000)

  it.live("refuses what makes no sense, with what would", () =>
    Effect.gen(function* () {
      const aios = yield* Aios
      expect((yield* refusalOf(aios.archive({ days: 0 }, nothing))).message)
        .toBe("Days must be a whole number from 1 to 36,500, not 0.")
      expect((yield* refusalOf(aios.restoreSegment("../../etc/passwd", nothing))).message)
        .toContain("nothing was archived yet")
      expect(yield* aios.segments).toEqual([])
      expect(yield* aios.archive({ days: 1 }, nothing)).toMatchObject({ items: 0 })
    }).pipe(Effect.provide(house(join(root, String(folders++))))))
})
