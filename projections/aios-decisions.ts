/**
 * The founder's word: approve, reject, settle. It is looked up in the read models by the beginning of
 * an id, and decided by the gatekeeper's own actor, which never lags.
 */
import { Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { EventLog } from "../actors/event-log.ts"
import { derivedId } from "../actors/ids.ts"
import type { Json } from "../machines/agent.ts"
import type { Decision, OperationFailed } from "./aios.ts"
import { door, refuse } from "./aios-failures.ts"
import { objectOf, stateNames, textOf } from "./fields.ts"
import { type ApprovalRecord, Queries } from "./queries.ts"

/** Shorter beginnings of ids are too easily mistyped. */
const prefixCharsMin = 6
/** What was approved gets this long to be carried out before the answer says that it waits. */
const outcomeMillisMax = 20_000
const namedMax = 5

const idPattern = /^[0-9a-f-]+$/

const find = Effect.fnUntraced(function* (written: string) {
  const queries = yield* Queries
  const prefix = written.trim().toLowerCase()
  if (prefix.length < prefixCharsMin || !idPattern.test(prefix)) {
    return yield* refuse(
      "usage",
      "InvalidId",
      `${written} is no id. Give the first ${prefixCharsMin} characters or more, as aios approvals shows them.`,
    )
  }
  const found = yield* door(queries.approvalsNamed(prefix))
  const exact = found.find((one) => one.id === prefix)
  const [first, second] = found
  if (exact === undefined && second !== undefined) {
    const named = found.slice(0, namedMax).map((one) => one.id).join(", ")
    return yield* refuse(
      "usage",
      "AmbiguousId",
      `${written} is the beginning of ${found.length} ids (${named}). Give more of it.`,
    )
  }
  const approval = exact ?? first
  if (approval === undefined) {
    return yield* refuse(
      "failed",
      "ApprovalNotFound",
      `There is no approval ${written}. aios approvals shows those that wait for you.`,
    )
  }
  return approval
})

/** What became of the ask that was approved, in words. */
const outcomeOf = Effect.fnUntraced(function* (approval: ApprovalRecord) {
  const queries = yield* Queries
  const log = yield* EventLog
  const entry = (yield* door(queries.ledger(approval.agent)))
    .find((one) => one.ask === approval.ask)
  const problem = textOf(objectOf(entry?.problem)["message"]) || textOf(entry?.problem)
  switch (entry?.status) {
    case "done": {
      const [event] = entry.outcome === undefined ? [] : yield* door(log.byId(entry.outcome))
      const where = textOf(objectOf(objectOf(event?.data)["output"])["where"])
      return where === "" ? `${approval.activity} is done.` : `Done: ${where}`
    }
    case "failed":
      return `${approval.activity} failed: ${problem}`
    case "skipped":
      return `${approval.activity} was skipped: ${problem}`
    case "stopped":
      return `${approval.activity} is not needed any more; it was stopped.`
    case "quarantined":
      return `Nobody knows whether ${approval.activity} happened. Look, then: aios settle ${approval.ask}`
    default:
      return `${approval.activity} waits for its turn; aios start keeps at it.`
  }
})

/** How a gatekeeper's state reads as a decision. */
const decisionIn = (names: ReadonlyArray<string>) =>
  names.includes("approved") || names.includes("carriedOut")
    ? "approved"
    : names.includes("rejected")
    ? "rejected"
    : undefined

/** What waits instead of a superseded approval, and how its content differs, line by line. */
const changed = Effect.fnUntraced(function* (approval: ApprovalRecord, short: string) {
  const queries = yield* Queries
  const now = (yield* door(queries.approvals)).find((one) => one.agent === approval.agent)
  if (now === undefined) {
    return yield* refuse(
      "failed",
      "ContentChanged",
      `${short} does not wait any more: nobody needs it now. aios approvals shows what waits.`,
    )
  }
  return yield* refuse(
    "failed",
    "ContentChanged",
    `${short} does not wait any more: its content changed.\n${
      difference(approval.content, now.content)
    }Decide on the new one: aios approve ${now.id.slice(0, 8)}`,
  )
})

const difference = (before: Json, after: Json): string => {
  const [was, is] = [objectOf(before), objectOf(after)]
  return [...new Set([...Object.keys(was), ...Object.keys(is)])].flatMap((name) => {
    const lines = (value: Json | undefined) =>
      value === undefined
        ? []
        : (typeof value === "string" ? value : JSON.stringify(value)).split("\n")
    const [old, fresh] = [lines(was[name]), lines(is[name])]
    return [
      ...old.filter((line) => !fresh.includes(line)).map((line) => `- ${name}: ${line}\n`),
      ...fresh.filter((line) => !old.includes(line)).map((line) => `+ ${name}: ${line}\n`),
    ]
  }).join("")
}

const decidedOtherwise = Effect.fnUntraced(function* (
  approval: ApprovalRecord,
  names: ReadonlyArray<string>,
) {
  const short = approval.id.slice(0, 8)
  const decision = decisionIn(names)
  if (decision !== undefined) {
    const reason = approval.reason === undefined ? "" : ` (${approval.reason})`
    return yield* refuse(
      "failed",
      "DecidedDifferently",
      `${short} was ${decision} before${reason}, and that stands. ` +
        "aios approvals shows what still waits for you.",
    )
  }
  if (names.includes("superseded")) return yield* changed(approval, short)
  return yield* refuse(
    "failed",
    "ApprovalExpired",
    `${short} expired: nobody decided in time, so it is not done (${names.join(".")}).`,
  )
})

const decide = Effect.fnUntraced(function* (
  written: string,
  decision: "approved" | "rejected",
  reason: string,
) {
  const system = yield* ActorSystem
  const approval = yield* find(written)
  const stream = `gatekeeper-${approval.id}`
  const view = yield* door(system.view(stream))
  const names = stateNames(view?.value)
  const already = decisionIn(names) === decision
  if (!already && !names.includes("awaitingApproval")) {
    return yield* decidedOtherwise(approval, names)
  }
  if (!already) {
    yield* door(system.propose(
      stream,
      decision === "approved" ? { type: "ApprovalGranted", hash: approval.hash, by: "operator" } : {
        type: "ApprovalRejected",
        reason,
        by: "operator",
        ...(approval.person === undefined ? {} : { person: approval.person }),
      },
      {
        id: derivedId(`decision:${approval.id}:${decision}:${approval.hash}`),
        actor: "operator",
        ...(approval.events.length > 0 ? { causation: approval.events.at(-1)! } : {}),
      },
    ))
    yield* door(system.settle(outcomeMillisMax))
  }
  const outcome = decision === "approved"
    ? yield* outcomeOf(approval)
    : `${approval.activity} will not be done.`
  return { id: approval.id, decision, already, outcome } satisfies Decision
})

type Needs = ActorSystem | EventLog | Queries
export const approve = (id: string): Effect.Effect<Decision, OperationFailed, Needs> =>
  decide(id, "approved", "")
export const reject = (
  id: string,
  reason: string,
): Effect.Effect<Decision, OperationFailed, Needs> => decide(id, "rejected", reason)

/** The operator's word on what nobody knows. */
export const resolve = Effect.fnUntraced(function* (ask: string, happened: boolean) {
  const system = yield* ActorSystem
  if (!/^[^/]+\/\d+\.\d+$/.test(ask)) {
    return yield* refuse(
      "usage",
      "InvalidId",
      `${ask} is no ask. aios doctor names those whose outcome is unknown: outreach-…/3.0`,
    )
  }
  yield* door(
    system.resolveQuarantine(ask, happened ? { happened, output: {} } : { happened }),
  )
  return { ask, happened }
})
