/**
 * Writes stored histories from a data directory that the real system has written: for each agent those
 * that have the most to tell, one file per version of its chart. Run it once when a version is released,
 * over a folder without anybody's real mail (`test/crash/sigkill-worker.ts DIRECTORY 0 30` writes one);
 * a file that exists is never written again. Run `deno fmt` afterwards.
 */
import { Effect } from "effect"
import { existsSync, writeFileSync } from "node:fs"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { EventLog, type RecordedEvent } from "../../actors/event-log.ts"
import * as dataDirectory from "../../adapters/data-directory.ts"
import { agents } from "../../machines/mod.ts"

const historiesMax = 6
const eventsMax = 24

const [directory = ""] = process.argv.slice(2)

/** What happened in a history, and where that led. */
const thingsIn = (events: ReadonlyArray<RecordedEvent>) =>
  events.map(({ type, metadata }) => `${type} ${JSON.stringify(metadata.value)}`)

/** Few histories in which as many different things happened as possible. */
const telling = (histories: ReadonlyArray<ReadonlyArray<RecordedEvent>>) => {
  const told = new Set<string>()
  const kept: Array<ReadonlyArray<RecordedEvent>> = []
  while (kept.length < historiesMax) {
    const news = (events: ReadonlyArray<RecordedEvent>) =>
      new Set(thingsIn(events).filter((thing) => !told.has(thing))).size
    const [best] = [...histories].sort((a, b) => news(b) - news(a))
    if (best === undefined || news(best) === 0) break
    kept.push(best)
    thingsIn(best).forEach((thing) => told.add(thing))
  }
  return kept
}

const program = Effect.gen(function* () {
  const log = yield* EventLog
  for (const { name, version } of agents) {
    const file = fileURLToPath(new URL(`./${name}-${version}.json`, import.meta.url))
    if (existsSync(file)) {
      console.info(`${file} exists: histories of a released version are never written again`)
      continue
    }
    const histories = []
    for (const stream of yield* log.streams(name)) {
      histories.push(yield* log.readPage(stream, { limit: eventsMax }))
    }
    if (histories.length === 0) throw new Error(`${directory} has no ${name}`)
    const kept = telling(histories).map((events) => ({
      stream: events[0]!.stream,
      events: events.map(({ id, type, data, metadata }) => ({ id, type, data, metadata })),
    }))
    writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`)
    console.info(`${file}: ${kept.map(({ events }) => events.length).join(", ")} events`)
  }
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, dataDirectory.layer({ directory }))))
