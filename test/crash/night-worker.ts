/**
 * A night in a process of its own, over files in the folder it is given: thirty subjects, each of which
 * takes a moment. It prints every subject it is asked to summarise, and `rests` at the end. It may be killed.
 */
import { Effect } from "effect"
import process from "node:process"
import { setTimeout as pause } from "node:timers/promises"
import * as sqliteLog from "../../adapters/event-log-sqlite.ts"
import * as sqliteStore from "../../adapters/read-store-sqlite.ts"
import * as sqliteSnapshots from "../../adapters/snapshot-store-sqlite.ts"
import * as sqliteVault from "../../adapters/vault-sqlite.ts"
import { join } from "node:path"
import { Layer } from "effect"
import { implement, type Implementation } from "../../actors/activity.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import { EventLog } from "../../actors/event-log.ts"
import {
  gatherSubjects,
  memoryStream,
  planEviction,
  type Subject,
  summarise,
} from "../../machines/memory.ts"
import { agents, journals } from "../../machines/mod.ts"
import { listOf, namesIn, objectOf } from "../../projections/fields.ts"
import { houseOf, until } from "../actors/house.ts"

const subjectsAll = 30
const summaryMillis = 8

const [directory] = process.argv.slice(2)
if (directory === undefined) throw new Error("Give a folder")

const subjects = Array.from({ length: subjectsAll }, (_, n): Subject => ({
  ...{ of: n % 3 === 0 ? "day" : "thread", key: `subject-${n}`, upTo: n },
  events: [`event-${n}`],
}))

/** What the log says was summarised: what a read model would. */
const done = Effect.gen(function* () {
  const log = yield* EventLog
  const events = yield* log.readPage(memoryStream, { limit: 10_000 })
  return new Set(events.flatMap(({ data }) => {
    const { accepted, key } = objectOf(objectOf(data)["output"])
    return typeof accepted === "boolean" ? [key] : []
  }))
})

const storage = Layer.mergeAll(
  sqliteLog.layer({ file: join(directory, "log.db") }),
  sqliteSnapshots.layer({ file: join(directory, "cache.db") }),
  sqliteStore.layer(join(directory, "read.db")),
).pipe(Layer.provideMerge(sqliteVault.layer({ directory })))

let log: EventLog["Service"] | undefined
const activities: ReadonlyArray<Implementation> = [
  implement(planEviction, ({ policy }) =>
    Effect.succeed({
      ...{ evict: [], recall: [], because: {}, kept: 0, spared: 0, more: false },
      policy: policy.version,
    })),
  implement(
    gatherSubjects,
    ({ limit }) =>
      log === undefined ? Effect.die("The log is not open yet") : Effect.map(
        Effect.orDie(Effect.provideService(done, EventLog, log)),
        (known) => {
          const left = subjects.filter(({ key }) => !known.has(key))
          return { subjects: left.slice(0, limit), left: Math.max(0, left.length - limit) }
        },
      ),
  ),
  implement(summarise, ({ subject: { events, key, of, upTo } }) =>
    Effect.promise(async () => {
      console.log(`asked ${key}`)
      await pause(summaryMillis)
      return {
        ...{ of, key, events, upTo, persons: [], accepted: true, text: key, made: "extract-1" },
        facts: { found: 1, kept: 1 },
        questions: { asked: 0, answered: 0 },
        ...{ refused: [], attempts: [], tokens: 1 },
      }
    })),
]

const program = Effect.gen(function* () {
  log = yield* EventLog
  const system = yield* ActorSystem
  const before = yield* system.view(memoryStream)
  if (before === undefined) {
    yield* system.propose(memoryStream, { type: "NightReached", date: "2026-11-24" })
  }
  console.log("open")
  yield* until(Effect.gen(function* () {
    yield* system.settle(1_000)
    const view = yield* system.view(memoryStream)
    const { night, queue } = objectOf(view?.context)
    return namesIn(view?.value, "night").includes("idle") && listOf(queue).length === 0 &&
      objectOf(night)["endedAt"] !== null && namesIn(view?.value, "tiers").includes("settled")
  }))
  const view = yield* system.view(memoryStream)
  console.log(`rests ${JSON.stringify(objectOf(view?.context)["night"])}`)
})

await Effect.runPromise(
  Effect.scoped(
    Effect.provide(
      program,
      houseOf({
        agents,
        journals,
        activities,
        storage: { layer: storage, directory, remove: () => {} },
      }),
    ),
  ),
)
process.exit(0)
