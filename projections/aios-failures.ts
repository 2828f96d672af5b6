/** Turns what can go wrong below into what a front door says: whether to try again, and what to do. */
import { Effect, Schema } from "effect"
import { VersionConflict } from "../actors/event-log.ts"
import type { Json } from "../machines/agent.ts"
import { OperationFailed } from "./aios.ts"

interface Tagged {
  readonly _tag: string
  readonly message: string
}

/** What a refusal knows beyond its words, for programs. */
const detailOf = (error: Tagged): Json | undefined => {
  const known: { readonly [name: string]: unknown } = { ...error }
  const fields = detailFields.filter((name) => name in known)
  return fields.length === 0
    ? undefined
    : Object.fromEntries(fields.map((name) => [name, asJson(known[name])]))
}
const detailFields = ["reason", "stream", "state", "accepts", "expected", "actual"]
const asJson: (value: unknown) => Json = Schema.decodeUnknownSync(Schema.Json)

/** A port's error without words of its own. */
const messageOf = (error: Tagged): string =>
  error instanceof VersionConflict
    ? `${error.stream} is at revision ${error.actual}, not ${error.expected}: ` +
      "somebody was first. Look at it again, then decide."
    : error.message

/** What the caller got wrong; everything else is the world's fault. */
const callersMistakes = new Set(["InvalidEvent", "ProjectionUnknown"])
/** The same command may succeed in a moment. */
const passing = new Set(["SystemClosed", "ProjectionBehind", "ContactsUnavailable"])

const kindOf = (error: Tagged): OperationFailed["kind"] => {
  if (callersMistakes.has(error._tag)) return "usage"
  if (passing.has(error._tag)) return "later"
  if ("reason" in error && error.reason === "configuration") return "configuration"
  return "retryable" in error && error.retryable === true ? "later" : "failed"
}

export const failureOf = (error: Tagged): OperationFailed => {
  if (error instanceof OperationFailed) return error
  const detail = detailOf(error)
  return new OperationFailed({
    kind: kindOf(error),
    error: error._tag,
    message: messageOf(error),
    ...(detail === undefined ? {} : { detail }),
  })
}

/** An operation whose errors are those of a front door. */
export const door = <A, E extends Tagged, R>(
  effect: Effect.Effect<A, E, R>,
): Effect.Effect<A, OperationFailed, R> => Effect.mapError(effect, failureOf)

export const refuse = (
  kind: OperationFailed["kind"],
  error: string,
  message: string,
  detail?: Json,
): OperationFailed =>
  new OperationFailed({ kind, error, message, ...(detail === undefined ? {} : { detail }) })
