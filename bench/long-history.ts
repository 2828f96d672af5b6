/** How long an agent with 10,000 events takes for its next one, when it is not in memory. */
import { Effect } from "effect"
import { join } from "node:path"
import { ActorSystem } from "../actors/actor-system.ts"
import { ActorEngine } from "../actors/system.ts"
import { inHouse, made, withFolder } from "./house.ts"
import { scan } from "./raw.ts"
import { cost, median, type Result } from "./result.ts"

const history = 10_000
const rounds = 21

export const longHistory = (): Promise<ReadonlyArray<Result>> =>
  withFolder((directory) =>
    inHouse(
      directory,
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const { engine } = yield* ActorEngine
        yield* Effect.forEach(
          Array.from({ length: history }, (_, n) => n),
          (n) => system.propose("contact-long", made(n)),
          { concurrency: 500, discard: true },
        )
        const ours: Array<number> = []
        const limits: Array<number> = []
        for (let n = 0; n < rounds; n++) {
          // Out of memory: what comes next is snapshot, tail, fold, hash, append and fsync.
          engine.evict("contact-long")
          const started = performance.now()
          yield* system.propose("contact-long", made(n))
          ours.push(performance.now() - started)
          limits.push(scan(join(directory, "log.db")).millis)
        }
        return [
          cost(
            "long-history",
            "ms",
            median(ours),
            median(limits),
            "node:sqlite, reading its 10,000 events with JSON.parse",
          ),
        ]
      }),
    )
  )
