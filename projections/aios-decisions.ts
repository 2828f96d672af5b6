/**
 * The founder's word: approve, reject, later. A decision binds to the hash of the content that
 * was shown, is taken by the gatekeeper's own actor, which never lags, and twice the same is success.
 */
import { Clock, Effect } from "effect"
import { ActorSystem, type ActorView } from "../actors/actor-system.ts"
import { EventLog } from "../actors/event-log.ts"
import { derivedId } from "../actors/ids.ts"
import { Mailer } from "../actors/mailer.ts"
import { currentSettings } from "../actors/settings.ts"
import type { JsonObject } from "../machines/agent.ts"
import type { Decision } from "./aios.ts"
import { findApproval, inPlaceOf, isUndecided, shortId } from "./aios-approval-ids.ts"
import { door, refuse } from "./aios-failures.ts"
import { contentLine, difference, doneText, effectText, momentText } from "./aios-words.ts"
import { objectOf, stateNames, textOf } from "./fields.ts"
import { type ApprovalRecord, Queries } from "./queries.ts"

/** What supersedes an approval once the founder said that what it is for happened. */
export const saidByFounder = "ActivitySucceeded"
/** What was approved gets this long to be carried out before the answer says that it waits. */
export const outcomeMillisMax = 20_000
/** A decision is tried again after another one came between. */
const triesMax = 5
/** Nobody plans further ahead than that; a greater number is a mistake. */
const laterMillisMax = 366 * 24 * 60 * 60 * 1000

/** The ledger's line about the ask that an approval is for. */
export const ledgerOf = Effect.fnUntraced(function* (approval: ApprovalRecord) {
  const queries = yield* Queries
  return (yield* door(queries.ledger(approval.agent))).find((one) => one.ask === approval.ask)
})

const unclearText = ({ activity, content, id }: ApprovalRecord): string =>
  `Nobody knows whether the ${contentLine(activity, content)} happened already. Look, then: ` +
  `aios settle ${shortId(id)} --happened, or --did-not-happen`

/** What became of the ask that was approved, in words. */
const outcomeOf = Effect.fnUntraced(function* (approval: ApprovalRecord) {
  const log = yield* EventLog
  const mailer = yield* Mailer
  const entry = yield* ledgerOf(approval)
  const problem = textOf(objectOf(entry?.problem)["message"]) || textOf(entry?.problem)
  switch (entry?.status) {
    case "done": {
      const [event] = entry.outcome === undefined ? [] : yield* door(log.byId(entry.outcome))
      const where = textOf(objectOf(objectOf(event?.data)["output"])["where"])
      const done = doneText(approval.activity, where, mailer.sends)
      return approval.regrettedAt === undefined
        ? done
        : `${approval.activity} was done and taken back afterwards; it is not done again.`
    }
    case "failed":
      return `${approval.activity} failed: ${problem}`
    case "skipped":
      return `${approval.activity} was skipped: ${problem}`
    case "stopped":
      return `${approval.activity} is not needed any more; it was stopped.`
    case "quarantined":
      return unclearText(approval)
    default:
      return `${approval.activity} waits for its turn; aios start keeps at it.`
  }
})

/** How a gatekeeper's state reads as a decision. */
const decisionIn = (names: ReadonlyArray<string>): "approved" | "rejected" | undefined =>
  ["approved", "carriedOut", "regretted"].some((name) => names.includes(name))
    ? "approved"
    : names.includes("rejected")
    ? "rejected"
    : undefined

/** What waits instead of a superseded approval, and how its content differs, line by line. */
export const changed = Effect.fnUntraced(function* (approval: ApprovalRecord) {
  const short = shortId(approval.id)
  if (approval.supersededBy === saidByFounder) {
    return yield* refuse(
      "failed",
      "SaidToHaveHappened",
      `${short} does not wait any more: you said that the ${
        contentLine(approval.activity, approval.content)
      } happened. It is not done from here, nor taken back.`,
    )
  }
  const now = yield* inPlaceOf(approval)
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
    }Decide on the new one: aios approve ${shortId(now.id)}`,
    { instead: now.id },
  )
})

const decidedOtherwise = Effect.fnUntraced(function* (
  approval: ApprovalRecord,
  names: ReadonlyArray<string>,
  looksOnly = false,
) {
  const short = shortId(approval.id)
  const decision = decisionIn(names)
  if (decision !== undefined) {
    const reason = approval.reason === undefined ? "" : ` (${approval.reason})`
    return yield* refuse(
      "failed",
      "DecidedDifferently",
      `${short} was ${decision} before${reason}, and that stands. ` +
        `To take it back: aios undo ${short}`,
    )
  }
  if (names.includes("superseded")) return yield* changed(approval)
  // Who asked may not have heard yet, and takes it up again only where it is not too old for that.
  const system = yield* ActorSystem
  if (!looksOnly) yield* door(system.settle(outcomeMillisMax))
  const worker = yield* door(system.view(approval.agent))
  return yield* refuse(
    "failed",
    "ApprovalExpired",
    `${short} expired: nobody decided in time, so it is not done. ${
      worker?.accepts.includes("WorkReopened") === true
        ? `To decide on it after all: aios undo ${short}`
        : `It is too old to be taken up again; do it yourself where it is still wanted: aios why ${short}`
    }`,
  )
})

export const gatekeeperOf = ({ id }: ApprovalRecord): string => `gatekeeper-${id}`

/**
 * Tells a gatekeeper the founder's word, at the state it was looked at. `word` gives the event for a
 * state, or undefined where that state says it already; somebody may come between, then it looks again.
 * The id holds the revision: the same word after it was taken back is a new one.
 */
export const tellGatekeeper = <E, R>(
  approval: ApprovalRecord,
  word: (
    names: ReadonlyArray<string>,
    view: ActorView,
  ) => Effect.Effect<({ readonly type: string } & JsonObject) | undefined, E, R>,
) =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const stream = gatekeeperOf(approval)
    for (let tries = 1;; tries++) {
      const view = yield* door(system.view(stream))
      if (view === undefined) {
        return yield* refuse("failed", "ApprovalNotFound", `There is no approval ${approval.id}.`)
      }
      const event = yield* word(stateNames(view.value), view)
      if (event === undefined) return false
      const told = yield* door(system.propose(stream, event, {
        id: derivedId(`decision:${approval.id}:${event.type}:${view.revision}`),
        revision: view.revision,
        actor: "operator",
        ...(approval.events.length > 0 ? { causation: approval.events.at(-1)! } : {}),
      })).pipe(
        Effect.as(true),
        Effect.catch((failure) =>
          (failure.error === "VersionConflict" || failure.error === "NotAccepted") &&
            tries < triesMax
            ? Effect.succeed(false)
            : Effect.fail(failure)
        ),
      )
      if (told) return true
    }
  })

const decide = Effect.fnUntraced(function* (
  written: string,
  decision: "approved" | "rejected",
  reason: string,
) {
  const system = yield* ActorSystem
  const approval = yield* findApproval(written)
  const told = yield* tellGatekeeper(approval, (names) => {
    if (decisionIn(names) === decision) return Effect.succeed(undefined)
    if (!names.includes("awaitingApproval") && !names.includes("postponed")) {
      return decidedOtherwise(approval, names)
    }
    if (decision === "approved" && approval.unclear === true) {
      return refuse("failed", "OutcomeUnknown", unclearText(approval))
    }
    return Effect.succeed(
      decision === "approved" ? { type: "ApprovalGranted", hash: approval.hash, by: "operator" } : {
        type: "ApprovalRejected",
        reason,
        by: "operator",
        ...(approval.person === undefined ? {} : { person: approval.person }),
      },
    )
  })
  if (told) yield* door(system.settle(outcomeMillisMax))
  const outcome = decision === "approved"
    ? yield* outcomeOf(yield* findApproval(approval.id))
    : `${approval.activity} will not be done.`
  return { id: approval.id, decision, already: !told, outcome } satisfies Decision
})

export const approve = (id: string) => decide(id, "approved", "")
export const reject = (id: string, reason: string) => decide(id, "rejected", reason)

/** All of a group that wait now, oldest first; of a group that was approved before, what became of it. */
export const approveGroup = Effect.fnUntraced(function* (
  group: string,
  /** Those that were shown: what came since is not approved unseen. */
  ids?: ReadonlyArray<string>,
) {
  const queries = yield* Queries
  const all = (yield* door(queries.approvalsNamed(""))).filter((one) =>
    one.group === group && one.unclear !== true && (ids === undefined || ids.includes(one.id))
  )
  const grown = all.find((one) => one.grade !== "low")
  if (grown !== undefined) {
    return yield* refuse(
      "failed",
      "NotAlike",
      `${
        shortId(grown.id)
      } of group ${group} is of ${grown.grade} risk. Decide on each: aios approvals`,
    )
  }
  const waiting = all.filter((one) => one.state === "awaitingApproval")
  const chosen = waiting.length > 0
    ? waiting
    : all.filter((one) => one.decision === "approved" || one.decision === "regretted")
  if (chosen.length === 0) {
    const groups = (yield* door(queries.approvals)).flatMap((one) => one.group ?? [])
    return yield* refuse(
      "failed",
      "GroupNotFound",
      groups.length === 0
        ? `No group ${group} waits: nothing that waits now is alike and of low risk. Decide on each: aios approvals`
        : `No group ${group} waits. Those that do: ${[...new Set(groups)].join(", ")}`,
    )
  }
  const ordered = [...chosen].sort((a, b) => a.requestedAt - b.requestedAt)
  return yield* Effect.forEach(ordered, (one) => approve(one.id))
})

export const preview = Effect.fnUntraced(function* (written: string) {
  const mailer = yield* Mailer
  const settings = yield* door(currentSettings)
  const approval = yield* findApproval(written)
  const { sends } = mailer
  const short = shortId(approval.id)
  if (!isUndecided(approval)) {
    const names = [approval.state]
    if (decisionIn(names) === "approved") {
      return { id: approval.id, effect: `Nothing: ${short} was approved before.` }
    }
    return yield* decidedOtherwise(approval, names, true)
  }
  if (approval.unclear === true) {
    return {
      id: approval.id,
      effect: `Nothing: ${short} is not to be approved. ${unclearText(approval)}`,
    }
  }
  const { timeZone } = settings
  const effect = effectText(approval.activity, approval.content, { sends, timeZone })
  return { id: approval.id, effect: `Approving ${short} ${effect}.` }
})

/** Not now: it comes back at `until`. */
export const later = Effect.fnUntraced(function* (written: string, until: number) {
  const { timeZone } = yield* door(currentSettings)
  const now = yield* Clock.currentTimeMillis
  if (until <= now) {
    return yield* refuse(
      "usage",
      "InvalidValue",
      `${
        momentText(until, timeZone)
      } is past. Give a time that is still to come: tomorrow, friday, 3d.`,
    )
  }
  if (until - now > laterMillisMax) {
    return yield* refuse(
      "usage",
      "InvalidValue",
      `${
        momentText(until, timeZone)
      } is more than a year away. If it is not to be done, reject it.`,
    )
  }
  const approval = yield* findApproval(written)
  const told = yield* tellGatekeeper(approval, (names, view) => {
    if (names.includes("postponed") && approval.postponedUntil === until) {
      return Effect.succeed(undefined)
    }
    if (!names.includes("awaitingApproval") && !names.includes("postponed")) {
      return decidedOtherwise(approval, names)
    }
    return view.accepts.includes("ApprovalPostponed")
      ? Effect.succeed({ type: "ApprovalPostponed", until, by: "operator" })
      : refuse(
        "failed",
        "NotAccepted",
        `${shortId(approval.id)} cannot be postponed: it is ${names.join(".")}.`,
      )
  })
  return {
    id: approval.id,
    decision: "postponed",
    already: !told,
    outcome: `The ${contentLine(approval.activity, approval.content)} comes back ${
      momentText(until, timeZone)
    } (${timeZone}).`,
  } satisfies Decision
})
