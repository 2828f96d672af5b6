/**
 * Every error of the protocol, in one place: its status, its words and the trailers by which clients
 * tell it (`exception` and what belongs to it). What is thrown here ends a call; `statuses.ts` has those
 * that a batch append answers within its stream.
 */
import { Metadata, type ServiceError, status } from "@grpc/grpc-js"
import { EventTooLarge, LogUnavailable } from "../../actors/event-log.ts"

/** What one append may hold: content, metadata and types together. */
export const appendBytesMax = 1024 * 1024

/** Why a call ends. */
export class Refused extends Error {
  readonly code: status
  readonly trailers: Readonly<Record<string, string>>
  constructor(code: status, message: string, trailers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = "Refused"
    this.code = code
    this.trailers = trailers
  }
}

const exception = (name: string, more: Readonly<Record<string, string>> = {}) => ({
  exception: name,
  ...more,
})

export const accessDenied = () =>
  new Refused(status.PERMISSION_DENIED, "Access Denied", exception("access-denied"))

export const unauthenticated = () => new Refused(status.UNAUTHENTICATED, "Unauthenticated")

export const streamNotFound = (stream: string) =>
  new Refused(
    status.NOT_FOUND,
    `Event stream '${stream}' is not found.`,
    exception("stream-not-found", { "stream-name": stream }),
  )

export const streamDeleted = (stream: string) =>
  new Refused(
    status.FAILED_PRECONDITION,
    `Event stream '${stream}' is deleted.`,
    exception("stream-deleted", { "stream-name": stream }),
  )

/** `actual` is -1 where there is no stream. */
export const wrongExpectedVersion = (
  operation: string,
  stream: string,
  expected: number | string,
  actual: number,
) =>
  new Refused(
    status.FAILED_PRECONDITION,
    `${operation} failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ` +
      `${expected}, Actual version: ${actual}`,
    exception("wrong-expected-version", {
      "stream-name": stream,
      "expected-version": String(expected),
      "actual-version": String(actual),
    }),
  )

export const invalidTransaction = () =>
  new Refused(status.INVALID_ARGUMENT, "Invalid Transaction", exception("invalid-transaction"))

export const maximumAppendSizeExceeded = (bytes: number) =>
  new Refused(
    status.INVALID_ARGUMENT,
    `Maximum Append Size of ${bytes} Exceeded.`,
    exception("maximum-append-size-exceeded", { "maximum-append-size": String(bytes) }),
  )

export const requiredMetadataMissing = (property: string) =>
  new Refused(
    status.INVALID_ARGUMENT,
    `Required Metadata Property '${property}' is missing`,
    exception("missing-required-metadata-property", {
      "required-metadata-properties": "type,content-type",
    }),
  )

export const invalidArgument = (what: string) => new Refused(status.INVALID_ARGUMENT, what)

export const unimplemented = (what: string) => new Refused(status.UNIMPLEMENTED, what)

export const unavailable = (message: string) => new Refused(status.UNAVAILABLE, message)

const ofGroup = (stream: string, group: string) => ({ "stream-name": stream, "group-name": group })

export const persistentFailed = (stream: string, group: string, reason: string) =>
  new Refused(
    status.INTERNAL,
    `Subscription group ${group} on stream ${stream} failed: '${reason}'`,
    exception("persistent-subscription-failed", { ...ofGroup(stream, group), reason }),
  )

export const persistentDoesNotExist = (stream: string, group: string) =>
  new Refused(
    status.NOT_FOUND,
    `Subscription group ${group} on stream ${stream} does not exist.`,
    exception("persistent-subscription-does-not-exist", ofGroup(stream, group)),
  )

export const persistentExists = (stream: string, group: string) =>
  new Refused(
    status.ALREADY_EXISTS,
    `Subscription group ${group} on stream ${stream} exists.`,
    exception("persistent-subscription-exists", ofGroup(stream, group)),
  )

export const persistentMaximumReached = (stream: string, group: string) =>
  new Refused(
    status.FAILED_PRECONDITION,
    `Maximum subscriptions reached for subscription group ${group} on stream ${stream}.`,
    exception("maximum-subscribers-reached", ofGroup(stream, group)),
  )

export const persistentDropped = (stream: string, group: string) =>
  new Refused(
    status.CANCELLED,
    `Subscription group ${group} on stream ${stream} was dropped.`,
    exception("persistent-subscription-dropped", ofGroup(stream, group)),
  )

/** Names in trailers may be anything, but a header holds printable ASCII only: the rest is left out. */
const inHeader = (text: string): string => text.replace(/[^\x20-\x7e]/g, "?")

/** What the log itself says becomes what a server in the same need would say. */
export const refusedBy = (cause: unknown): Refused => {
  if (cause instanceof Refused) return cause
  if (cause instanceof LogUnavailable) return unavailable(cause.message)
  if (cause instanceof EventTooLarge) return maximumAppendSizeExceeded(appendBytesMax)
  return new Refused(status.UNKNOWN, cause instanceof Error ? cause.message : String(cause))
}

/** Any failure as grpc-js ends a call with it. */
export const serviceError = (cause: unknown): ServiceError => {
  const refused = refusedBy(cause)
  const metadata = new Metadata()
  for (const [key, value] of Object.entries(refused.trailers)) metadata.set(key, inHeader(value))
  return Object.assign(new Error(refused.message), {
    code: refused.code,
    details: refused.message,
    metadata,
  })
}

export const loginNotFound = (login: string) =>
  new Refused(
    status.NOT_FOUND,
    `User '${login}' is not found.`,
    exception("user-not-found", { "login-name": login }),
  )

export const loginConflict = (login: string) =>
  new Refused(
    status.FAILED_PRECONDITION,
    "Conflict.",
    exception("user-conflict", { "login-name": login }),
  )

export const projectionNotFound = (name: string) =>
  new Refused(status.NOT_FOUND, `Projection '${name}' not found`)

/** A standard projection is neither stopped nor changed. */
export const alwaysRuns = (name: string) =>
  new Refused(
    status.FAILED_PRECONDITION,
    `Projection '${name}' always runs here: it is neither stopped nor changed.`,
  )
