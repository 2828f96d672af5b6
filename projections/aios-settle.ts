/**
 * The operator's word on what nobody knows: whether something happened after a backup was made, or before a
 * crash. What happened closes its approval; what did not goes back to the gate and waits as before.
 */
import { Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import type { Json } from "../machines/agent.ts"
import type { Unclear } from "./aios.ts"
import { findApproval, isUndecided, shortId } from "./aios-approval-ids.ts"
import { saidByFounder, tellGatekeeper } from "./aios-decisions.ts"
import { door, refuse } from "./aios-failures.ts"
import { contentLine, toldWhere } from "./aios-words.ts"
import { type ApprovalRecord, type LedgerEntry, Queries } from "./queries.ts"

const askPattern = /^[^/]+\/\d+\.\d+$/

/** What an activity's output would be, as far as somebody who only looked can tell. */
const toldOutput = (activity: string): Json => {
  const named: Readonly<Record<string, string>> = {
    sendMail: "messageId",
    refundPayment: "refund",
    draftInvoice: "number",
  }
  const name = named[activity]
  return { ...(name === undefined ? {} : { [name]: "unknown" }), where: toldWhere }
}

interface Open {
  readonly entry: LedgerEntry
  readonly approval: ApprovalRecord | undefined
}

const open = Effect.gen(function* () {
  const queries = yield* Queries
  const entries = (yield* door(queries.ledger())).filter(({ status }) => status === "quarantined")
  if (entries.length === 0) return []
  const approvals = yield* door(queries.approvalsNamed(""))
  return entries.map((entry): Open => {
    const own = approvals.filter(({ ask }) => ask === entry.ask)
    return { entry, approval: own.find(isUndecided) ?? own.at(-1) }
  })
})

const toldOf = ({ approval, entry }: Open): Unclear => ({
  ask: entry.ask,
  what: approval === undefined
    ? `${entry.activity} of ${entry.stream}`
    : contentLine(approval.activity, approval.content),
  ...(approval === undefined ? {} : { approval: approval.id }),
})

export const unclear = Effect.map(open, (all) => all.map(toldOf))

const find = Effect.fnUntraced(function* (written: string) {
  const all = yield* open
  const word = written.trim()
  const named = all.find(({ entry }) => entry.ask === word)
  if (named !== undefined) return named
  const approval = askPattern.test(word) ? undefined : yield* findApproval(word)
  const found = all.find(({ entry }) => entry.ask === approval?.ask)
  if (found !== undefined) return found
  return yield* refuse(
    "failed",
    "NotUnclear",
    `${
      approval === undefined
        ? `Of ${word} it`
        : `Of ${shortId(approval.id)} (${contentLine(approval.activity, approval.content)}) it`
    } is known what became; there is nothing to settle. ${
      all.length === 0
        ? "All outcomes are known."
        : `What is unknown: ${
          all.slice(0, 5).map((one) =>
            one.approval === undefined ? one.entry.ask : shortId(one.approval.id)
          ).join(", ")
        }; aios doctor names all.`
    }`,
  )
})

export const resolve = Effect.fnUntraced(function* (which: string, happened: boolean) {
  const system = yield* ActorSystem
  const found = yield* find(which)
  const { approval, entry } = found
  // First the gate: broken off in between, it is still unknown, and said again.
  if (happened && approval !== undefined) {
    yield* tellGatekeeper(approval, (names, view) =>
      Effect.succeed(
        names.includes("approved") && view.accepts.includes("ApprovalCarriedOut")
          ? { type: "ApprovalCarriedOut", outcome: "succeeded" }
          : view.accepts.includes("ApprovalSuperseded")
          ? { type: "ApprovalSuperseded", by: saidByFounder }
          : undefined,
      ))
  }
  yield* door(
    system.resolveQuarantine(
      entry.ask,
      happened ? { happened, output: toldOutput(entry.activity) } : { happened },
    ),
  )
  return { ...toldOf(found), happened }
})
