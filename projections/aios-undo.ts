/**
 * Taking a decision back. What did not happen yet is simply decided again; what happened is undone by
 * the executor's compensation, and the answer says how that went. Twice is success.
 */
import { Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { EventLog } from "../actors/event-log.ts"
import { derivedId } from "../actors/ids.ts"
import type { Undone } from "./aios.ts"
import { findApproval, inPlaceOf, shortId } from "./aios-approval-ids.ts"
import {
  changed,
  gatekeeperOf,
  ledgerOf,
  outcomeMillisMax,
  tellGatekeeper,
} from "./aios-decisions.ts"
import { door, refuse } from "./aios-failures.ts"
import { contentLine, dataFolder, stateText } from "./aios-words.ts"
import { objectOf, stateNames, textOf } from "./fields.ts"
import type { ApprovalRecord } from "./queries.ts"

const pageEvents = 200

const waitsAgain = (approval: ApprovalRecord, id: string): Undone => ({
  id: approval.id,
  undone: "decision",
  outcome: `Nothing had happened. The ${
    contentLine(approval.activity, approval.content)
  } waits for you again: aios approve ${shortId(id)}`,
})

/** Tells the actor that asked, once; undefined where its chart does not take that. */
const tellWorker = Effect.fnUntraced(function* (
  approval: ApprovalRecord,
  type: "WorkUndone" | "WorkReopened",
) {
  const system = yield* ActorSystem
  return yield* door(system.propose(approval.agent, { type, by: "operator" }, {
    id: derivedId(`undo:${approval.id}:${type}`),
    actor: "operator",
    ...(approval.events.length > 0 ? { causation: approval.events.at(-1)! } : {}),
  })).pipe(
    Effect.map(({ event }) => event),
    Effect.catch((failure) =>
      failure.error === "NotAccepted" || failure.error === "InvalidEvent"
        ? Effect.succeed(undefined)
        : Effect.fail(failure)
    ),
  )
})

const cannot = (approval: ApprovalRecord, why: string) =>
  refuse("failed", "CannotUndo", `${shortId(approval.id)} cannot be taken back: ${why}`)

/** What the compensations after a revision say of where things are now, and what kept them. */
const compensationsAfter = Effect.fnUntraced(function* (stream: string, revision: number) {
  const log = yield* EventLog
  const page = yield* door(log.readPage(stream, { from: revision + 1, limit: pageEvents }))
  const where = page.filter(({ type }) => type === "ActivitySucceeded")
    .map(({ data }) => textOf(objectOf(objectOf(data)["output"])["where"]))
    .filter((one) => one !== "")
  const problem = page.filter(({ type }) => type === "ActivityFailed" || type === "ActivitySkipped")
    .map(({ data }) =>
      textOf(objectOf(objectOf(data)["error"])["message"]) || textOf(objectOf(data)["reason"])
    ).at(-1)
  return { where, problem }
})

/**
 * An answer or an invoice that was taken back is still owed, so it waits for another word. What an
 * invoice or an article wanted is theirs again: they ask anew when it is time.
 */
const isDecidedAgain = ({ activity, content }: ApprovalRecord) =>
  activity === "draftInvoice" ||
  (activity === "sendMail" && textOf(objectOf(content)["purpose"]) !== "reminder")

/** It was carried out: the executor takes it back, and the gate learns that it was too lenient. */
const undoEffect = Effect.fnUntraced(function* (approval: ApprovalRecord) {
  const system = yield* ActorSystem
  const told = yield* tellWorker(approval, "WorkUndone")
  if (told === undefined) {
    const view = yield* door(system.view(approval.agent))
    const state = stateText(view?.value)
    return yield* cannot(
      approval,
      `${approval.agent} is ${state || "gone"} and has nothing that could be undone. ` +
        `aios why ${shortId(approval.id)} shows what happened.`,
    )
  }
  yield* door(system.settle(outcomeMillisMax))
  const view = yield* door(system.view(approval.agent))
  const names = stateNames(view?.value)
  const line = contentLine(approval.activity, approval.content)
  const { problem, where } = yield* compensationsAfter(approval.agent, told.revision)
  if (names.includes("undoing")) {
    return {
      id: approval.id,
      undone: "effect",
      outcome: `The ${line} is being taken back; aios start keeps at it.`,
    } satisfies Undone
  }
  yield* tellGatekeeper(approval, (names, view) =>
    Effect.succeed(
      names.includes("regretted") || !view.accepts.includes("ApprovalRegretted")
        ? undefined
        : { type: "ApprovalRegretted", by: "operator" },
    ))
  if (names.includes("cannotUndo") || (where.length === 0 && problem !== undefined)) {
    return yield* refuse(
      "failed",
      "TooLate",
      `${shortId(approval.id)} cannot be taken back: ${
        problem ?? "it has happened outside for good."
      }`,
    )
  }
  const taken = where.length === 0
    ? `The ${line} was taken back.`
    : `The ${line} was taken back (${where.join(", ")} in ${dataFolder}).`
  const again = isDecidedAgain(approval) ? yield* tellWorker(approval, "WorkReopened") : undefined
  if (again !== undefined) yield* door(system.settle(outcomeMillisMax))
  const now = again === undefined ? undefined : yield* inPlaceOf(approval)
  return {
    id: approval.id,
    undone: "effect",
    outcome: now === undefined
      ? taken
      : `${taken} It waits for you again: aios approve ${shortId(now.id)}`,
  } satisfies Undone
})

/** It was rejected, or expired: it is decided once more, as another approval. */
const reopen = Effect.fnUntraced(function* (approval: ApprovalRecord) {
  const system = yield* ActorSystem
  // Whoever asked may not have heard yet that it expired.
  yield* door(system.settle(outcomeMillisMax))
  const told = yield* tellWorker(approval, "WorkReopened")
  if (told === undefined) {
    return yield* cannot(
      approval,
      `it is too old, or was answered otherwise. What comes next about it asks anew; aios why ${
        shortId(approval.id)
      } shows what it was.`,
    )
  }
  yield* door(system.settle(outcomeMillisMax))
  const now = yield* inPlaceOf(approval)
  if (now !== undefined) return waitsAgain(approval, now.id)
  const view = yield* door(system.view(approval.agent))
  return {
    id: approval.id,
    undone: "decision",
    outcome: `The ${contentLine(approval.activity, approval.content)} is ${
      stateText(view?.value)
    } now; aios why-not ${approval.agent.replace("-", "/")} says what it waits for.`,
  } satisfies Undone
})

export const undo = Effect.fnUntraced(function* (written: string) {
  const system = yield* ActorSystem
  const approval = yield* findApproval(written)
  const short = shortId(approval.id)
  const log = yield* EventLog

  /** Was its last word taken back, so that it waits only since? */
  const withdrawnBefore = Effect.gen(function* () {
    const page = yield* door(log.readPage(gatekeeperOf(approval), { backwards: true, limit: 1 }))
    return page[0]?.type === "ApprovalWithdrawn"
  })
  const withdraw = tellGatekeeper(approval, (names, view) =>
    Effect.succeed(
      (names.includes("approved") || names.includes("postponed")) &&
        view.accepts.includes("ApprovalWithdrawn")
        ? { type: "ApprovalWithdrawn", by: "operator" }
        : undefined,
    ))

  const view = yield* door(system.view(gatekeeperOf(approval)))
  const names = stateNames(view?.value)
  if (names.includes("awaitingApproval")) {
    if (yield* withdrawnBefore) return waitsAgain(approval, approval.id)
    return yield* refuse(
      "failed",
      "NothingToUndo",
      `${short} waits for your decision; there is nothing to undo. aios approve ${short} or aios reject ${short}`,
    )
  }
  if (names.includes("postponed")) {
    yield* withdraw
    return waitsAgain(approval, approval.id)
  }
  if (names.includes("approved")) {
    const done = (yield* ledgerOf(approval))?.status === "done"
    if (!done && (yield* withdraw)) {
      // It may have happened between the look and the word: then it is undone like all that happened.
      yield* door(system.settle(outcomeMillisMax))
      if ((yield* ledgerOf(approval))?.status !== "done") {
        return waitsAgain(approval, approval.id)
      }
    }
    return yield* undoEffect(approval)
  }
  if (names.includes("carriedOut") || names.includes("regretted")) {
    const entry = yield* ledgerOf(approval)
    if (entry !== undefined && entry.status !== "done") {
      return yield* refuse(
        "failed",
        "NothingToUndo",
        `${short} was approved and came to nothing (${entry.status}); there is nothing to undo.`,
      )
    }
    return yield* undoEffect(approval)
  }
  if (names.includes("rejected") || names.includes("expired")) return yield* reopen(approval)
  return yield* changed(approval)
})
