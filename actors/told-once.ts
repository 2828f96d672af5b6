/**
 * Says what keeps background work from going on when that begins, and nothing while it lasts: whoever
 * waits out a night's outage finds one line of it.
 */
import { Effect } from "effect"

export interface ToldOnce {
  /** Warns, unless it has and nothing went well since. */
  readonly trouble: (message: string) => Effect.Effect<void>
  /** It went well: the next trouble is told again. */
  readonly well: Effect.Effect<void>
}

export const toldOnce = (): ToldOnce => {
  let isTold = false
  return {
    trouble: (message) =>
      Effect.suspend(() => {
        if (isTold) return Effect.void
        isTold = true
        return Effect.logWarning(message)
      }),
    well: Effect.sync(() => {
      isTold = false
    }),
  }
}
