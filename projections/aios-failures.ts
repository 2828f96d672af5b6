/** Turns what can go wrong below into what a front door says: whether to try again, and what to do. */
import { Effect } from "effect"
import { OperationFailed } from "./aios.ts"

interface Tagged {
  readonly _tag: string
  readonly message: string
}

/** What the caller got wrong; everything else is the world's fault. */
const callersMistakes = new Set(["InvalidEvent", "ProjectionUnknown"])
/** The same command may succeed in a moment. */
const passing = new Set(["SystemClosed", "ProjectionBehind", "ContactsUnavailable"])

const kindOf = (error: Tagged): OperationFailed["kind"] => {
  if (callersMistakes.has(error._tag)) return "usage"
  if (passing.has(error._tag)) return "later"
  return "retryable" in error && error.retryable === true ? "later" : "failed"
}

export const failureOf = (error: Tagged): OperationFailed =>
  error instanceof OperationFailed ? error : new OperationFailed({
    kind: kindOf(error),
    error: error._tag,
    message: error.message,
    ...("reason" in error && typeof error.reason === "string"
      ? { detail: { reason: error.reason } }
      : {}),
  })

/** An operation whose errors are those of a front door. */
export const door = <A, E extends Tagged, R>(
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, OperationFailed, R> => Effect.mapError(effect, failureOf)

export const refuse = (
  kind: OperationFailed["kind"],
  error: string,
  message: string,
): OperationFailed => new OperationFailed({ kind, error, message })
