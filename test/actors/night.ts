/**
 * A whole night in memory: the sample company, the memory's agent, the real activities over the house's own
 * read models, and a desk over the model server that is given.
 */
import { type Context, Deferred, Effect, Layer, Stream } from "effect"
import { readdirSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { implement, type Implementation } from "../../actors/activity.ts"
import { gatherSubjects } from "../../actors/activities/gather-subjects.ts"
import { summarise } from "../../actors/activities/summarise.ts"
import type { BlobStore } from "../../actors/blob-store.ts"
import type { EventLog } from "../../actors/event-log.ts"
import type { Inference } from "../../actors/inference.ts"
import type { ParsedRecord } from "../../actors/intake.ts"
import { LanguageModel } from "../../actors/language-model.ts"
import * as desk from "../../actors/model-desk.ts"
import { RecordReader } from "../../actors/record-reader.ts"
import { SubjectItems } from "../../actors/summary-subjects.ts"
import type { Vault } from "../../actors/vault.ts"
import * as files from "../../adapters/records-files.ts"
import { planEviction } from "../../machines/memory.ts"
import { settingsStream } from "../../machines/settings.ts"
import { Aios } from "../../projections/aios.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import * as modelLedger from "../../projections/model-ledger-local.ts"
import * as subjectItems from "../../projections/subject-items-local.ts"
import { inMemory, type Storage } from "./house.ts"
import { aiosHouse } from "../projections/aios-house.ts"

const sample = join(dirname(fileURLToPath(import.meta.url)), "../../sample")
const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesIn(path) : [path]
  })

/** Everything the sample company has. */
export const sampleCompany = Effect.gen(function* () {
  const reader = yield* RecordReader
  const records: Array<ParsedRecord> = []
  for (const file of filesIn(sample).toSorted()) {
    const { records: found } = yield* reader.open(file)
    yield* Stream.runForEach(
      found,
      (item) => Effect.sync(() => "record" in item && records.push(item.record)),
    )
  }
  return records
}).pipe(Effect.provide(files.layer))

type Ports = EventLog | Vault | BlobStore | LanguageModel | SubjectItems

/** Friday 27 November 2026, 08:00 in Berlin: most conversations have been quiet for a while. */
export const friday = Date.UTC(2026, 10, 27, 7)

export const nightHouse = (
  inference: Layer.Layer<Inference>,
  model?: string,
  storage: Storage = inMemory(),
) => {
  const ports = Deferred.makeUnsafe<Context.Context<Ports>>()
  const late = (one: Implementation<Ports>): Implementation => ({
    ...one,
    run: (input, run) =>
      Effect.flatMap(
        Deferred.await(ports),
        (ready) => Effect.provideContext(one.run(input, run), ready),
      ),
  })
  const clock = { now: friday }
  const activities = [
    late(gatherSubjects),
    late(summarise),
    implement(planEviction, ({ policy: { version: policy } }) =>
      Effect.succeed({
        ...{ evict: [], recall: [], because: {}, kept: 0, spared: 0, more: false, policy },
      })),
  ]
  const open = Effect.gen(function* () {
    const model_ = Layer.provide(
      desk.layer(model === undefined ? {} : { model }),
      Layer.merge(modelLedger.layer, inference),
    )
    yield* Deferred.complete(
      ports,
      Effect.provide(
        Effect.context<Ports>(),
        yield* Layer.build(Layer.merge(model_, subjectItems.layer)),
      ),
    )
    yield* (yield* ActorSystem).record(settingsStream, {
      ...{ type: "SettingsRecorded", name: "Mara Lindqvist" },
      ...{ addresses: ["mara@northlight.example"], timeZone: "Europe/Berlin" },
    })
    const aios = yield* Aios
    yield* aios.intake(yield* sampleCompany)
    yield* aios.settle(20_000)
    return aios
  })
  return { house: aiosHouse({ activities, clock, storage }), open }
}
