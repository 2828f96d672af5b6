/**
 * Recall over 1,000, 10,000 and 100,000 mails: p50 and p95 of a question that was not asked before, beside
 * Chroma's own query over the same vectors in the same run. Vectors are hashed words: what is measured is
 * finding, not embedding.
 */
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { EventLog } from "../actors/event-log.ts"
import { derivedId } from "../actors/ids.ts"
import { Vault } from "../actors/vault.ts"
import { hashed } from "../adapters/embedder-hashing.ts"
import * as stored from "../adapters/memory-store-supervised.ts"
import * as passages from "../adapters/passage-index-sqlite.ts"
import { memoryPolicyDefault, memoryStream } from "../machines/memory.ts"
import { Aios } from "../projections/aios.ts"
import { MemoryIndex } from "../projections/memory-index.ts"
import { MemoryStore } from "../projections/memory-store.ts"
import { onDisk } from "../test/actors/house.ts"
import { memoryHouse, now } from "../test/projections/memory-world.ts"
import { superviseHere } from "../test/supervised.ts"
import { cost, quantile, type Result } from "./result.ts"

/** `AIOS_BENCH_RECALL_MAX` leaves out what is larger: 100,000 mails take minutes to index. */
const sizes = [1_000, 10_000, 100_000].filter((size) =>
  size <= Number(process.env["AIOS_BENCH_RECALL_MAX"] ?? Infinity)
)
const questions = 60
const batch = 1_000
const minute = 60_000

const things = "lamp kiln boat wine bicycle museum garden font printer camera tea shoe".split(" ")
const verbs = "costs breaks arrives sells waits changes grows opens".split(" ")
const names = "Ada Bo Cleo Dan Eva Finn Greta Hugo Ines Jon Kaya Luca".split(" ")
const pick = (from: ReadonlyArray<string>, n: number) => from[n % from.length] ?? ""

const textOf = (n: number) =>
  `The ${pick(things, n)} number ${n} ${pick(verbs, n * 7)} when the ${
    pick(things, n * 5 + 3)
  } of ` +
  `${pick(names, n * 11)} ${pick(verbs, n * 3 + 1)} in week ${n % 52}. Please answer by Friday ${
    n % 31
  }.`

/** Straight into the log: what is measured comes after it. */
const filled = Effect.fnUntraced(function* (count: number) {
  const log = yield* EventLog
  const vault = yield* Vault
  const person = (n: number) => vault.personKey(`p${n % 500}@x.example`)
  yield* log.append(memoryStream, -1, [{
    id: derivedId("policy"),
    type: "MemoryPolicyChosen",
    data: {
      policy: {
        ...memoryPolicyDefault,
        version: 2,
        hot: { ...memoryPolicyDefault.hot, itemsMax: 1_000_000 },
      },
    },
    metadata: { at: now, $correlationId: derivedId("policy") },
  }])
  for (let from = 0; from < count; from += batch) {
    yield* log.appendBatch(Array.from({ length: Math.min(batch, count - from) }, (_, k) => {
      const n = from + k
      const who = person(n)
      const name = pick(names, n * 11)
      const content = {
        from: { name, address: `p${n % 500}@x.example` },
        to: [],
        subject: `About a ${pick(things, n)}`,
        text: textOf(n),
        attachmentNames: [],
      }
      return {
        stream: `record-${derivedId(`bench ${n}`)}`,
        expected: -1,
        events: [{
          id: derivedId(`mail ${n}`),
          type: "MailReceived",
          data: {
            person: who,
            content: { $sealed: [...vault.seal(who, content).$sealed] },
            sentAt: now - n * minute,
            labels: [],
            kind: "personal",
            attachments: [],
            source: { file: "bench.mbox", at: `byte ${n}` },
          },
          metadata: { at: now, occurredAt: now - n * minute, $correlationId: derivedId(`${n}`) },
        }],
      }
    }))
  }
})

const timed = Effect.fnUntraced(function* <A, E, R>(work: Effect.Effect<A, E, R>) {
  const started = performance.now()
  yield* work
  return performance.now() - started
})

const measure = (count: number) =>
  Effect.gen(function* () {
    yield* filled(count)
    const index = yield* MemoryIndex
    if (index === undefined) return yield* Effect.die(new Error("There is no index of memory"))
    yield* index.words()
    yield* index.vectors(Infinity)
    const { vectors, waiting } = yield* index.state
    if (waiting > 0 || vectors < count) {
      return yield* Effect.die(new Error(`${waiting} items of ${count} have no vectors`))
    }
    const aios = yield* Aios
    const store = yield* MemoryStore
    const ours: Array<number> = []
    const bare: Array<number> = []
    for (let n = 0; n < questions; n++) {
      const question = `which ${pick(things, n)} ${pick(verbs, n)} for ${pick(names, n)} in ${n}`
      const vector = hashed(question)
      ours.push(yield* timed(aios.recall(question, {})))
      bare.push(yield* timed(store.query("hashing", { vector, limit: 30 })))
    }
    return [0.5, 0.95].map((part) =>
      cost(
        `recall-${count / 1000}k-p${part * 100}`,
        "ms",
        quantile(ours, part),
        quantile(bare, part),
        "Chroma's own query",
      )
    )
  })

const run = async (count: number): Promise<ReadonlyArray<Result>> => {
  const supervisor = await superviseHere()
  const folder = mkdtempSync(join(tmpdir(), "aios-bench-recall-"))
  const vectors = stored.layer({ dataDir: supervisor.dataDir, url: undefined }).pipe(
    Layer.provide(supervisor.layer),
    Layer.orDie,
  )
  const house = memoryHouse({
    storage: onDisk(),
    vectors,
    passages: passages.layer(join(folder, "memory.db")),
  })
  try {
    return await Effect.runPromise(
      measure(count).pipe(Effect.provide(Layer.provideMerge(house, vectors)), Effect.scoped),
    )
  } finally {
    await supervisor.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

export const recall = async (): Promise<ReadonlyArray<Result>> => {
  const results: Array<Result> = []
  for (const count of sizes) results.push(...await run(count))
  return results
}
