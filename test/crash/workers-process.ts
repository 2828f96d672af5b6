/**
 * One of the processes of `workers.test.ts`, until it is killed. `plane <folder> <port>` serves the log over
 * its door. `control <folder> <port> <first> <count>` asks for work, settles what was quarantined by what the
 * folder says, and prints `step <n>` for each that the log has taken, and what it `found` once all is done.
 * `worker <folder> <port> <name>` runs activities. Both print `work` when they begin a piece.
 */
import { Effect, Layer } from "effect"
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { implement, layer as joinActivities } from "../../actors/activity.ts"
import * as runner from "../../actors/activities/runner.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import * as contacts from "../../actors/contacts.ts"
import { EventLog, isBookkeeping } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import { OpenAsks } from "../../actors/open-asks.ts"
import { replay } from "../../actors/replay.ts"
import * as system from "../../actors/system.ts"
import { ActorEngine } from "../../actors/system.ts"
import * as eventStore from "../../adapters/event-log-eventstoredb.ts"
import * as sqliteLog from "../../adapters/event-log-sqlite.ts"
import * as readStore from "../../adapters/read-store-sqlite.ts"
import * as snapshots from "../../adapters/snapshot-store-sqlite.ts"
import * as vault from "../../adapters/vault-sqlite.ts"
import { projections } from "../../projections/mod.ts"
import * as openAsks from "../../projections/open-asks.ts"
import * as follower from "../../projections/runner.ts"
import { clerkOf, counter, declareWork } from "../actors/clerks.ts"
import { everything } from "../contract/event-log.ts"
import { servedLog } from "../log-door.ts"

const [role = "", directory = "", port = "0", name = "0", total = "0"] = process.argv.slice(2)
const connection = `esdb://127.0.0.1:${port}?tls=false`
const leaseMillis = 1_500
/** Half of what a piece of work takes, and the pause between two that are asked for. */
const workMillis = 60
const askMillis = 40
const unsafeFile = join(directory, "unsafe.txt")
const keyedFolder = join(directory, "keyed")

const print = (line: string) => {
  const bytes = new TextEncoder().encode(`${line}\n`)
  for (let done = 0; done < bytes.length;) done += writeSync(1, bytes, done)
}
const pause = (millis: number) =>
  Effect.promise(() => new Promise<void>((then) => setTimeout(then, millis)))

/** Knows what it did: the second time changes nothing. */
const keyed = declareWork("keyed", { lane: "batch", idempotency: "keyed" })
/** Nobody can tell whether it was done. */
const unsafe = declareWork("unsafe", { lane: "batch", idempotency: "unsafe" })
const implementations = [
  implement(keyed, ({ n }, { askId }) =>
    Effect.gen(function* () {
      print("work")
      yield* pause(workMillis)
      const file = join(keyedFolder, derivedId(askId))
      const draft = join(own, `${derivedId(askId)}-${process.pid}`)
      // Whole or not at all: a kill between making a file and filling it would leave an effect without a key.
      if (!existsSync(file)) {
        writeFileSync(draft, askId)
        renameSync(draft, file)
      }
      yield* pause(workMillis)
      return { done: n }
    })),
  implement(unsafe, ({ n }, { askId }) =>
    Effect.gen(function* () {
      print("work")
      yield* pause(workMillis)
      appendFileSync(unsafeFile, `${askId}\n`)
      yield* pause(workMillis)
      return { done: n }
    })),
]

const isControl = role === "control"
const own = join(directory, isControl ? role : name)
mkdirSync(own, { recursive: true })
mkdirSync(keyedFolder, { recursive: true })

const house = () =>
  runner.layer({ leaseMillis, ...(isControl ? {} : { worker: name, lanes: ["batch"] }) }).pipe(
    Layer.provide(joinActivities(implementations)),
    Layer.provideMerge(contacts.layer),
    Layer.provideMerge(system.layer({
      agents: [clerkOf(keyed), clerkOf(unsafe, "guard"), counter],
      shared: true,
      delivers: isControl,
    })),
    Layer.provideMerge(openAsks.layer),
    Layer.provideMerge(follower.layer(projections)),
    Layer.provideMerge(Layer.mergeAll(
      readStore.layer(join(own, "read.db")),
      snapshots.layer({ file: join(own, "cache.db") }),
      eventStore.layer({ connection, index: join(own, "log-index.db") }),
      vault.layer({ directory }),
    )),
  )

const asks = Effect.gen(function* () {
  const system = yield* ActorSystem
  for (let n = Number(name); n < Number(total); n++) {
    const stream = `${n % 3 === 0 ? "guard" : "clerk"}-${n}`
    const { event } = yield* system.propose(stream, { type: "Asked", n }, {
      id: derivedId(`asked:${n}`),
    })
    print(`step ${n} ${event.id} ${event.stream} ${event.revision}`)
    yield* pause(askMillis)
  }
})

/** The founder looks whether it happened, and says so. */
const answers = Effect.gen(function* () {
  const system = yield* ActorSystem
  const open = yield* OpenAsks
  for (const ask of yield* open.page(undefined, 1_000)) {
    if (ask.quarantined !== true) continue
    const happened = existsSync(unsafeFile) &&
      readFileSync(unsafeFile, "utf8").split("\n").includes(ask.id)
    yield* Effect.ignore(system.resolveQuarantine(
      ask.id,
      happened ? { happened, output: { done: -1 } } : { happened },
    ))
  }
})

const control = Effect.gen(function* () {
  const open = yield* OpenAsks
  const log = yield* EventLog
  const { registry } = yield* ActorEngine
  yield* asks
  for (;;) {
    yield* open.caughtUp(yield* log.head)
    yield* answers
    if ((yield* open.page(undefined, 1)).length === 0) break
    yield* pause(100)
  }
  const events = yield* everything(log)
  const { divergences } = yield* replay(registry, undefined, () => {})
  const system = yield* ActorSystem
  const counted = yield* system.view("counter-all")
  const facts = events.filter(({ stream }) => !isBookkeeping(stream))
  const found = {
    divergences,
    counted: counted?.context,
    placed: facts.map(({ id, revision, stream }) => `${id} ${stream} ${revision}`),
    outcomes: facts.filter(({ type }) => /^Activity(Succeeded|Failed|Skipped)$/.test(type)).map(
      ({ data, stream, type }) => ({ stream, type, ...data as { ask: string; lease?: number } }),
    ),
    quarantined: facts.filter(({ type }) => type === "ActivityQuarantined").length,
    claims: events.filter(({ stream }) => stream.startsWith("claim-")).map((
      { data, stream, type },
    ) => ({
      stream,
      type,
      ...data as { lease: number; by: string; instance: string },
    })),
  }
  writeFileSync(join(directory, "found.json"), JSON.stringify(found))
  print("found")
})

if (role === "plane") {
  const layer = sqliteLog.layer({ file: join(own, "log.db") })
  await servedLog({ layer, port: Number(port) })
  print("up")
} else {
  const life = Effect.gen(function* () {
    print("up")
    yield* isControl ? control : Effect.never
  })
  await Effect.runPromise(Effect.scoped(Effect.provide(life, house())))
}
