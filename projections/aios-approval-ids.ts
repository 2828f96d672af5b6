/**
 * Which approval the founder means: by the beginning of its id, by the actor that asks, or by the ask.
 * Looked up in the read models; what is decided then is decided by the gatekeeper's own actor.
 */
import { Effect } from "effect"
import type { Approval } from "./aios.ts"
import { door, refuse } from "./aios-failures.ts"
import { type ApprovalRecord, Queries } from "./queries.ts"

/** Shorter beginnings of ids are too easily mistyped. */
export const prefixCharsMin = 6
/** Characters of an id that are shown to a person. */
export const shownChars = 8
const namedMax = 5

const idPattern = /^[0-9a-f-]+$/
const actorPattern = /^([a-z][a-z.]*)[-/]([^/]+?)(\/\d+\.\d+)?$/i

export const shortId = (id: string): string => id.slice(0, shownChars)

/** Whether it still waits for the founder, now or later. */
export const isUndecided = ({ state }: ApprovalRecord): boolean =>
  state === "awaitingApproval" || state === "postponed"

/** Of several approvals of one actor: the one that waits, else the newest. */
const current = (found: ReadonlyArray<ApprovalRecord>): ApprovalRecord | undefined =>
  found.find(isUndecided) ?? [...found].sort((a, b) => b.requestedAt - a.requestedAt)[0]

const ofActor = Effect.fnUntraced(function* (written: string) {
  const queries = yield* Queries
  const [, agent = "", key = "", place = ""] = actorPattern.exec(written) ?? []
  if (agent === "" || key.length < prefixCharsMin) return undefined
  const beginning = `${agent}-${key}`
  const all = yield* door(queries.approvalsNamed(agent === "gatekeeper" ? key : ""))
  if (agent === "gatekeeper") return all
  return place === ""
    ? all.filter((one) => one.agent.startsWith(beginning))
    : all.filter((one) => one.ask === `${beginning}${place}`)
})

const notFound = (written: string) =>
  refuse(
    "failed",
    "ApprovalNotFound",
    `There is no approval ${written}. aios approvals shows those that wait for you.`,
  )
const ambiguous = (written: string, found: ReadonlyArray<string>) =>
  refuse(
    "usage",
    "AmbiguousId",
    `${written} is the beginning of ${found.length} ids (${
      found.slice(0, namedMax).join(", ")
    }). Give more of it.`,
  )

/** The one approval that is meant. */
export const findApproval = Effect.fnUntraced(function* (written: string) {
  const queries = yield* Queries
  const word = written.trim()
  const byActor = idPattern.test(word.toLowerCase()) ? undefined : yield* ofActor(word)
  if (byActor !== undefined) {
    const actors = [...new Set(byActor.map((one) => one.agent))]
    if (actors.length > 1) return yield* ambiguous(written, actors)
    const found = current(byActor)
    return found ?? (yield* notFound(written))
  }
  const prefix = word.toLowerCase()
  if (prefix.length < prefixCharsMin || !idPattern.test(prefix)) {
    return yield* refuse(
      "usage",
      "InvalidId",
      `${written} is no id. Give the first ${prefixCharsMin} characters or more, as aios approvals shows them.`,
    )
  }
  const found = yield* door(queries.approvalsNamed(prefix))
  const exact = found.find((one) => one.id === prefix)
  if (exact !== undefined) return exact
  const [first, second] = found
  if (second !== undefined) return yield* ambiguous(written, found.map((one) => one.id))
  return first ?? (yield* notFound(written))
})

/** What waits of the same actor now, where it is not this one. */
export const inPlaceOf = Effect.fnUntraced(function* (approval: ApprovalRecord) {
  const queries = yield* Queries
  const waiting: ReadonlyArray<Approval> = yield* door(queries.approvals)
  return waiting.find((one) => one.agent === approval.agent && one.id !== approval.id)
})
