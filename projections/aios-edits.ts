/**
 * The founder's own words in place of a draft's. New content is a new approval, which waits in turn; a
 * text with a gap in it is refused, for nobody wants to send one.
 */
import { Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { canonical } from "../actors/canonical.ts"
import { EventLog } from "../actors/event-log.ts"
import { derivedId, sha256Hex } from "../actors/ids.ts"
import type { Approval, Edited } from "./aios.ts"
import { findApproval, inPlaceOf, isUndecided, shortId } from "./aios-approval-ids.ts"
import { changed, ledgerOf, outcomeMillisMax } from "./aios-decisions.ts"
import { door, refuse } from "./aios-failures.ts"
import { changedLines, stateText } from "./aios-words.ts"
import { objectOf, textOf } from "./fields.ts"
import { type ApprovalRecord, Queries } from "./queries.ts"

/** A mail of the founder's: what is longer belongs into an attachment. */
const textCharsMax = 64 * 1024
const subjectCharsMax = 300
/** Tried again where the draft moved meanwhile. */
const triesMax = 5

export interface Patch {
  readonly subject?: string
  readonly text: string
}

/** `[name]`, `{{price}}`, `TODO`, `XXX`. A link's `[words](address)` and a note's `[1]` are none. */
const gaps = [
  /\[\s*\p{L}[^\]\n]{0,60}\](?!\()/u,
  /\{\{[^}\n]{0,60}\}\}/,
  /\bTODO\b/,
  /\bXXX+\b/,
]

/** What is left open in a text, as written. */
export const gapIn = (text: string): string | undefined => {
  for (const gap of gaps) {
    const found = gap.exec(text)
    if (found !== null) return found[0]
  }
  return undefined
}

/** What cannot be edited here, and what to do instead. */
const instead: { readonly [activity: string]: (short: string) => string } = {
  refundPayment: (short) =>
    `A refund is approved or rejected as it is. For another amount: aios reject ${short} --reason "…", ` +
    "and refund it where the payment was made.",
  draftInvoice: (short) =>
    `A draft invoice is approved or rejected as it is. For another amount: aios reject ${short} ` +
    '--reason "…", or approve it and change the draft before you send it.',
  publishArticle: () =>
    "An article is edited in its own file: change it and import it again; the new text asks anew.",
}

const wrong = (message: string) => refuse("usage", "InvalidValue", message)

const checked = Effect.fnUntraced(function* (patch: Patch) {
  const text = patch.text.replace(/\r\n?/g, "\n").trim()
  const subject = patch.subject?.trim()
  if (text === "") return yield* wrong("The text is empty. Say what the mail should say.")
  if (text.length > textCharsMax) {
    return yield* wrong(`The text is longer than ${textCharsMax} characters. Shorten it.`)
  }
  if (subject !== undefined) {
    if (subject === "") {
      return yield* wrong("The subject is empty. Leave it out to keep it as it is.")
    }
    if (/[\n\r]/.test(subject)) return yield* wrong("A subject is one line.")
    if (subject.length > subjectCharsMax) {
      return yield* wrong(`The subject is longer than ${subjectCharsMax} characters. Shorten it.`)
    }
  }
  const gap = gapIn(subject ?? "") ?? gapIn(text)
  if (gap !== undefined) {
    return yield* refuse(
      "usage",
      "PlaceholderLeft",
      `There is a gap left in it: “${gap}”. Nothing is sent with a gap: say what belongs there, or leave it out.`,
    )
  }
  return { text, ...(subject === undefined ? {} : { subject }) }
})

/** The newest approval of the same actor, decided or not. */
const newestOf = Effect.fnUntraced(function* (approval: ApprovalRecord) {
  const waiting = yield* inPlaceOf(approval)
  if (waiting !== undefined) return waiting
  const queries = yield* Queries
  const all = yield* door(queries.approvalsNamed(""))
  const others = all.filter((one) => one.agent === approval.agent && one.id !== approval.id)
  return others.sort((a, b) => b.requestedAt - a.requestedAt)[0] as Approval | undefined
})

/** Tells the executor, at the state in which it waits for just this approval. */
const tell = Effect.fnUntraced(function* (approval: ApprovalRecord, patch: Patch, id: string) {
  const system = yield* ActorSystem
  for (let tries = 1;; tries++) {
    const view = yield* door(system.view(approval.agent))
    const entry = yield* ledgerOf(approval)
    if (entry?.status === "stopped") return yield* changed(approval)
    if (view?.accepts.includes("DraftEdited") !== true) {
      return yield* refuse(
        "failed",
        "NotEditable",
        `${shortId(approval.id)} cannot be edited: ${approval.agent} is ${
          stateText(view?.value) || "gone"
        }. aios reject ${shortId(approval.id)} --reason "…" says what should be different.`,
      )
    }
    const told = yield* door(system.propose(approval.agent, {
      type: "DraftEdited",
      ...patch,
      ...(approval.person === undefined ? {} : { person: approval.person }),
    }, {
      id,
      revision: view.revision,
      actor: "operator",
      ...(approval.events.length > 0 ? { causation: approval.events.at(-1)! } : {}),
    })).pipe(
      Effect.as(true),
      Effect.catch((failure) =>
        failure.error === "VersionConflict" && tries < triesMax
          ? Effect.succeed(false)
          : Effect.fail(failure)
      ),
    )
    if (told) return
  }
})

export const edit = Effect.fnUntraced(function* (written: string, given: Patch) {
  const system = yield* ActorSystem
  const log = yield* EventLog
  const approval = yield* findApproval(written)
  const short = shortId(approval.id)
  if (approval.activity !== "sendMail") {
    const what = instead[approval.activity]?.(short) ??
      `Approve it as it is, or: aios reject ${short} --reason "…"`
    return yield* refuse("failed", "NotEditable", `${short} cannot be edited. ${what}`)
  }
  const patch = yield* checked(given)
  const { subject: subjectNow, text: textNow } = objectOf(approval.content)
  const words = { subject: patch.subject ?? textOf(subjectNow), text: patch.text }
  const id = derivedId(`edit:${approval.id}:${sha256Hex(canonical(words))}`)
  const before = (yield* door(log.byId(id))).some((event) => event.stream === approval.agent)
  if (!before) {
    if (!isUndecided(approval)) {
      if (approval.state === "superseded") return yield* changed(approval)
      return yield* refuse(
        "failed",
        "DecidedDifferently",
        `${short} was ${
          approval.decision ?? approval.state
        } before. To change it after all: aios undo ${short}`,
      )
    }
    if (textOf(subjectNow) === words.subject && textOf(textNow).trim() === words.text) {
      return yield* refuse(
        "failed",
        "NothingChanged",
        `That is what ${short} says already. aios approve ${short}`,
      )
    }
    yield* tell(approval, words, id)
    yield* door(system.settle(outcomeMillisMax))
  }
  const now = yield* newestOf(approval)
  if (now === undefined) {
    const view = yield* door(system.view(approval.agent))
    return yield* refuse(
      "later",
      "NotAskedYet",
      `Your words are kept; the mail does not wait for you yet (${
        stateText(view?.value)
      }). aios why-not ${approval.agent.replace("-", "/")} says why.`,
    )
  }
  return {
    id: approval.id,
    approval: now,
    difference: changedLines(approval.content, now.content),
  } satisfies Edited
})
