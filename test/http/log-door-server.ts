/** A process that owns a log and serves its door with persistent subscriptions, to be killed by tests. */
import { Effect, Layer, ManagedRuntime } from "effect"
import { join } from "node:path"
import process from "node:process"
import { EventLog } from "../../actors/event-log.ts"
import { layer as sqlite } from "../../adapters/event-log-sqlite.ts"
import { makeDoor } from "../../http/log-door/door.ts"
import { persistent } from "../../http/log-door/persistent.ts"
import { makeGroups } from "../../http/log-door/persistent-groups.ts"
import { serve } from "../../http/log-door/server.ts"

const folder = process.argv[2] ?? ""
const runtime = ManagedRuntime.make(sqlite({ file: join(folder, "log.db") }))
const log = await runtime.runPromise(Effect.gen(function* () {
  return yield* EventLog
}))
const door = makeDoor({ log })
const serving = ManagedRuntime.make(Layer.effectDiscard(serve({
  door,
  socket: join(folder, "log.sock"),
  services: [persistent(makeGroups(door))],
})))
await serving.runPromise(Effect.void)
console.log("serving")
