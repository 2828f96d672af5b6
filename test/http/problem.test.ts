/** One failure, one status: what the caller can mend is 4xx, what only we can is 5xx. */
import { expect, test } from "vitest"
import { toldOf } from "../../http/problem.ts"
import { OperationFailed } from "../../projections/aios.ts"

test.each(
  [
    ["usage", "InvalidEvent", 422],
    ["usage", "AmbiguousId", 422],
    ["usage", "UnknownAgent", 404],
    ["failed", "ApprovalNotFound", 404],
    ["failed", "NotAccepted", 409],
    ["failed", "CannotUndo", 409],
    ["failed", "VersionConflict", 412],
    ["failed", "NotImplemented", 501],
    ["failed", "ActorParked", 500],
    ["failed", "LogUnavailable", 500],
    ["later", "LogUnavailable", 503],
    ["later", "SystemClosed", 503],
    ["configuration", "WrongConfiguration", 500],
  ] as const,
)("%s %s is %i", (kind, error, status) => {
  const failure = new OperationFailed({
    kind,
    error,
    message: "What to do.",
    detail: { state: "warm", status: 200, detail: "no" },
  })
  const { body, headers } = toldOf(failure)
  // What the failure knows stands beside the standard members, never in their place.
  expect(body).toMatchObject({
    type: `urn:aios:problem:${error}`,
    status,
    detail: "What to do.",
    state: "warm",
  })
  expect(headers["content-type"]).toBe("application/problem+json")
  expect("retry-after" in headers).toBe(status === 503)
})
