/** Events per second at which a read model is rebuilt from the log, and swapped in. */
import { Effect } from "effect"
import { join } from "node:path"
import { Projections } from "../projections/runner.ts"
import { fill, inHouse, withFolder } from "./house.ts"
import { scan } from "./raw.ts"
import { median, rate, type Result } from "./result.ts"

const agents = 20_000
const rounds = 3
const readModel = "agents"

export const rebuild = (): Promise<ReadonlyArray<Result>> =>
  withFolder((directory) =>
    inHouse(
      directory,
      Effect.gen(function* () {
        yield* fill(agents, "rebuilt")
        const projections = yield* Projections
        const ours: Array<number> = []
        const limits: Array<number> = []
        for (let round = 0; round < rounds; round++) {
          const started = performance.now()
          const { events, equal } = yield* projections.rebuild(readModel, () => {})
          ours.push(events / (performance.now() - started) * 1000)
          if (!equal) throw new Error("It was rebuilt differently")
          const bare = scan(join(directory, "log.db"))
          limits.push(bare.events / bare.millis * 1000)
        }
        return [
          rate(
            "rebuild",
            "events/s",
            median(ours),
            median(limits),
            "node:sqlite, scan of the log with JSON.parse",
          ),
        ]
      }),
    )
  )
