/** Durable transitions per second: 1,000 agents take 6 each, side by side, fsync before each answer. */
import { Effect } from "effect"
import { fill, inHouse, transitionsPerAgent, withFolder } from "./house.ts"
import { insertRate } from "./raw.ts"
import { median, rate, type Result } from "./result.ts"

const agents = 1_000
const rounds = 7
/** The first rounds warm the runtime up, as a process that stays up is. */
const warmUp = 3

export const transitions = (): Promise<ReadonlyArray<Result>> =>
  withFolder((directory) =>
    inHouse(
      directory,
      Effect.gen(function* () {
        const ours: Array<number> = []
        const limits: Array<number> = []
        for (let round = 0; round < warmUp + rounds; round++) {
          const started = performance.now()
          yield* fill(agents, `round${round}x`)
          const millis = performance.now() - started
          // In turn, so that both meet the same noise.
          const limit = insertRate(directory, agents, transitionsPerAgent)
          if (round < warmUp) continue
          ours.push(agents * transitionsPerAgent / millis * 1000)
          limits.push(limit)
        }
        return [
          rate(
            "transitions",
            "transitions/s",
            median(ours),
            median(limits),
            "node:sqlite, WAL, FULL, groups of 1,000 bare inserts",
          ),
        ]
      }),
    )
  )
