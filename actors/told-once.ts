/**
 * Says what keeps background work from going on when that begins, and nothing while it lasts: whoever
 * waits out a night's outage finds one line of it.
 */
import { Clock, Effect } from "effect"

/** What goes and comes is told of so often at the most. */
const pauseMillis = 60_000

export interface ToldOnce {
  /** Warns, unless it has and nothing went well since. */
  readonly trouble: (message: string) => Effect.Effect<void>
  /** It went well: the next trouble is told again. */
  readonly well: Effect.Effect<void>
}

/** `again`: what is said when it goes well after a trouble that was told. */
export const toldOnce = (again?: string): ToldOnce => {
  let isTold = false
  let toldAt = -Infinity
  return {
    trouble: (message) =>
      Effect.flatMap(Clock.monotonicTimeNanos, (nanos) => {
        const now = Number(nanos) / 1e6
        if (isTold || now - toldAt < pauseMillis) return Effect.void
        isTold = true
        toldAt = now
        return Effect.logWarning(message)
      }),
    well: Effect.suspend(() => {
      const tells = isTold && again !== undefined
      isTold = false
      return tells ? Effect.logInfo(again) : Effect.void
    }),
  }
}
