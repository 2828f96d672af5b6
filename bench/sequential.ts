/** How long one agent waits for one durable transition when nothing else happens. */
import { Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { inHouse, made, withFolder } from "./house.ts"
import { insertMillis } from "./raw.ts"
import { cost, quantile, type Result } from "./result.ts"

const warmUp = 500
const samples = 2_000
/** Ours and the limit take turns in blocks of this many. */
const block = 100

export const sequential = (): Promise<ReadonlyArray<Result>> =>
  withFolder((directory) =>
    inHouse(
      directory,
      Effect.gen(function* () {
        const system = yield* ActorSystem
        const ours: Array<number> = []
        const limit: Array<number> = []
        for (let n = -warmUp; n < samples; n++) {
          const started = performance.now()
          yield* system.propose("contact-one", made(n))
          const millis = performance.now() - started
          if (n < 0) continue
          ours.push(millis)
          if (n % block === 0) limit.push(...insertMillis(directory, block))
        }
        const limitName = "node:sqlite, WAL, FULL, one bare insert at a time"
        return ([["sequential-p50", 0.5], ["sequential-p99", 0.99]] as const).map(([name, part]) =>
          cost(name, "ms", quantile(ours, part), quantile(limit, part), limitName)
        )
      }),
    )
  )
