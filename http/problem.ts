/**
 * The one place that maps failures to HTTP: `application/problem+json` (RFC 9457). `type` names the error
 * as the command line does, `detail` says what to do next, and what the failure knows more (the state,
 * what would be accepted, the current revision) stands beside them.
 */
import { Schema } from "effect"
import { type Json, type JsonObject } from "../machines/agent.ts"
import { OperationFailed } from "../projections/aios.ts"
import { objectOf } from "../projections/fields.ts"

export const problemType = "application/problem+json"

export const ProblemSchema = Schema.StructWithRest(
  Schema.Struct({
    type: Schema.String,
    title: Schema.String,
    status: Schema.Int,
    /** What is wrong, and what to do next. */
    detail: Schema.String,
  }),
  [Schema.Record(Schema.String, Schema.Json)],
).annotate({ identifier: "Problem" })

/** A refusal that is HTTP's own: a precondition, a missing token, a body too large. */
export class Problem extends Schema.TaggedError<Problem>()("Problem", {
  status: Schema.Int,
  /** The word that scripts know it by, as `OperationFailed.error`. */
  error: Schema.String,
  title: Schema.String,
  message: Schema.String,
  /** Members beside the standard ones. */
  more: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
  headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
}) {}

/** Errors with a status of their own; the rest goes by kind. */
const statuses: Readonly<Record<string, number>> = {
  NotAccepted: 409,
  VersionConflict: 412,
  DecidedDifferently: 409,
  ContentChanged: 409,
  ApprovalExpired: 409,
  ApprovalNotFound: 404,
  UnknownActor: 404,
  UnknownAgent: 404,
  UnknownEvent: 404,
  UnknownPerson: 404,
  UnknownInvoice: 404,
  UnknownGroup: 404,
  NotFound: 404,
  ProjectionUnknown: 404,
  EventTooLarge: 413,
  NotImplemented: 501,
  NoSpace: 507,
  DiskFull: 507,
}

/** `failed` is a refusal: the request was sound, and cannot be granted as things are. */
const statusOfKind: Readonly<Record<OperationFailed["kind"], number>> = {
  usage: 422,
  later: 503,
  configuration: 500,
  failed: 409,
}
/** Something of ours or of the machine is broken; asking otherwise does not help. */
const faults = /(Unavailable|Parked|Defect|Corrupt|Broken|Closed|Behind)$/

/** Names end in what they say: `PersonNotFound` is a 404 wherever it comes from. */
const statusOf = (failure: OperationFailed): number =>
  statuses[failure.error] ??
    (/(NotFound|Unknown|Missing)$/.test(failure.error) || /^(Unknown|No[A-Z])/.test(failure.error)
      ? 404
      : faults.test(failure.error) && failure.kind === "failed"
      ? 500
      : statusOfKind[failure.kind])

/** `ContentChanged` reads as `Content changed`. */
const titleOf = (error: string): string => {
  const words = error.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()
  return words.slice(0, 1).toUpperCase() + words.slice(1)
}

const retryAfterSeconds = "2"

export interface Told {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: JsonObject
}

/** What a failure is in HTTP. */
export const toldOf = (failure: OperationFailed | Problem): Told => {
  const status = failure instanceof Problem ? failure.status : statusOf(failure)
  const { error } = failure
  const detail: Json | undefined = failure instanceof Problem ? failure.more : failure.detail
  return {
    status,
    headers: {
      "content-type": problemType,
      "cache-control": "no-store",
      ...(status === 503 ? { "retry-after": retryAfterSeconds } : {}),
      ...(failure instanceof Problem ? failure.headers : {}),
    },
    body: {
      ...objectOf(detail),
      type: `urn:aios:problem:${error}`,
      title: failure instanceof Problem ? failure.title : titleOf(error),
      status,
      detail: failure.message,
      error,
    },
  }
}

export const problemResponse = (failure: OperationFailed | Problem): Response => {
  const { body, headers, status } = toldOf(failure)
  return new Response(JSON.stringify(body), { status, headers })
}

export const problem = (
  status: number,
  error: string,
  title: string,
  message: string,
  more?: Readonly<Record<string, Json>>,
): Problem =>
  new Problem({ status, error, title, message, ...(more === undefined ? {} : { more }) })
