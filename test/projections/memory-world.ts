/** The sample company in memory, with an index of memory over embedder, store and file of choice. */
import { Effect, Layer } from "effect"
import { readdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Stream } from "effect"
import type { Embedder } from "../../actors/embedder.ts"
import { Intake } from "../../actors/intake.ts"
import type { ParsedRecord } from "../../actors/parsed-record.ts"
import { RecordReader } from "../../actors/record-reader.ts"
import * as hashing from "../../adapters/embedder-hashing.ts"
import * as vectorsInMemory from "../../adapters/memory-store-memory.ts"
import * as passagesInMemory from "../../adapters/passage-index-memory.ts"
import * as files from "../../adapters/records-files.ts"
import { Aios } from "../../projections/aios.ts"
import * as indexer from "../../projections/memory-indexer.ts"
import type { MemoryStore } from "../../projections/memory-store.ts"
import * as recall from "../../projections/recall-local.ts"
import type { PassageIndex } from "../../projections/passage-index.ts"
import { aiosHouse, type AiosOptions } from "./aios-house.ts"

/** A Tuesday morning, when the sample company is told. */
export const now = Date.UTC(2026, 10, 24, 7)

export interface MemoryOptions extends Omit<AiosOptions, "memory"> {
  readonly embedder?: Layer.Layer<Embedder>
  readonly vectors?: Layer.Layer<MemoryStore>
  readonly passages?: Layer.Layer<PassageIndex, unknown>
}

export const memoryHouse = (options: MemoryOptions = {}) => {
  const { embedder, passages, vectors, ...rest } = options
  const memory = indexer.layer().pipe(
    Layer.provide(passages ?? Layer.fresh(passagesInMemory.layer)),
    Layer.provide(vectors ?? Layer.fresh(vectorsInMemory.layer)),
    Layer.provide(embedder ?? hashing.layer),
  )
  return recall.layer.pipe(Layer.provideMerge(aiosHouse({ clock: { now }, ...rest, memory })))
}

const sample = join(dirname(fileURLToPath(import.meta.url)), "../../sample")

/** Every record of the sample company's files. */
export const sampleRecords: Effect.Effect<ReadonlyArray<ParsedRecord>> = Effect.gen(function* () {
  const reader = yield* RecordReader
  const paths = readdirSync(sample, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name)).sort()
  const records: Array<ParsedRecord> = []
  for (const path of paths) {
    const opened = yield* reader.open(path)
    const items = yield* Stream.runCollect(opened.records)
    records.push(...items.flatMap((one) => "record" in one ? [one.record] : []))
  }
  return records
}).pipe(Effect.provide(files.layer), Effect.orDie)

/** The founder's settings and all of the sample's records, indexed. */
export const sampleImported = Effect.gen(function* () {
  const aios = yield* Aios
  const intake = yield* Intake
  yield* aios.configure({
    name: "Mara Lindqvist",
    addresses: ["mara@northlight.example"],
    timeZone: "Europe/Berlin",
    currency: "EUR",
  })
  yield* intake.accept(yield* sampleRecords)
  yield* aios.settle(30_000)
  return aios
})
