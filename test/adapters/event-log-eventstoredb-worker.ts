/** A process that uses a log over EventStoreDB's client, closes it, and has nothing left to do. */
import { Effect, Stream } from "effect"
import process from "node:process"
import { EventLog } from "../../actors/event-log.ts"
import { layer } from "../../adapters/event-log-eventstoredb.ts"
import { events } from "../contract/histories-of-appends.ts"

await Effect.runPromise(
  Effect.gen(function* () {
    const log = yield* EventLog
    yield* log.append("lead-1", -1, events(3))
    yield* log.follow(-1).pipe(Stream.take(1), Stream.runDrain)
    yield* Effect.forkDetach(Effect.exit(Stream.runDrain(log.follow(-1))))
    yield* log.byId(events(1)[0]!.id)
  }).pipe(Effect.provide(layer({ connection: process.argv[2] ?? "" }))),
)
console.info("closed")
