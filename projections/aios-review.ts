/**
 * The founder's word on a draft: passed, it waits for its day and is published through the gate; sent
 * back, it is written again. Without a word it only shows what there is to read.
 */
import { Clock, Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { keyOf } from "../actors/event-log.ts"
import { currentSettings } from "../actors/settings.ts"
import { secondThoughtMillis } from "../machines/article.ts"
import type { Review } from "./aios.ts"
import { isUndecided, shortId } from "./aios-approval-ids.ts"
import { door, refuse } from "./aios-failures.ts"
import { folded } from "./aios-persons.ts"
import { momentText, oneLine } from "./aios-words.ts"
import { listOf, namesIn, numberOf, objectOf, textOf } from "./fields.ts"
import { openedDeep } from "./opening.ts"
import { Queries } from "./queries.ts"
import { Vault } from "../actors/vault.ts"

const prefixCharsMin = 6
const namedMax = 5
/** What follows from it gets so long. */
const settleMillisMax = 20_000
const reasonCharsMax = 500

interface Found extends Omit<Review, "outcome"> {
  readonly revision: number
}

const read = Effect.fnUntraced(function* (stream: string) {
  const system = yield* ActorSystem
  const vault = yield* Vault
  const view = yield* door(system.view(stream))
  const context = objectOf(openedDeep(vault, view?.context ?? null))
  const draft = objectOf(context["draft"])
  const topic = textOf(context["topic"])
  const dueAt = numberOf(context["dueAt"])
  return {
    article: keyOf(stream),
    topic,
    title: textOf(draft["title"]) || topic,
    state: namesIn(view?.value, "text").at(-1) ?? "",
    text: textOf(draft["text"]),
    made: textOf(draft["made"]),
    notes: listOf(context["notes"]).length,
    ...(dueAt > 0 ? { dueAt } : {}),
    revision: view?.revision ?? -1,
  } satisfies Found
})

/** By topic, exactly; else by the beginning of its key or its topic, or by words of its title. */
const find = Effect.fnUntraced(function* (written: string) {
  const queries = yield* Queries
  const word = folded(written.trim().replace(/^article[-/](?=[0-9a-f]{6,}$)/i, ""))
  if (word === "") {
    return yield* refuse("usage", "InvalidValue", "Say which: a topic, such as newsletter-47.")
  }
  const rows = yield* door(queries.agents("article", () => []))
  const known = yield* Effect.forEach(rows, ({ key }) => read(`article-${key}`))
  const rounds: ReadonlyArray<(one: Found) => boolean> = [
    (one) => folded(one.topic) === word || one.article === word,
    (one) => word.length >= prefixCharsMin && one.article.startsWith(word),
    (one) => folded(one.topic).startsWith(word),
    (one) => folded(one.title).includes(word),
  ]
  const alike = rounds.map((fits) => known.filter(fits)).find((some) => some.length > 0) ?? []
  const [first, second] = alike
  if (first === undefined) {
    const named = known.map(({ topic }) => topic).filter((topic) => topic !== "")
    return yield* refuse(
      "failed",
      "ArticleNotFound",
      `There is no article ${written}. ${
        named.length === 0
          ? "None was imported yet: aios import notes.md"
          : `Topics that there are: ${named.slice(0, namedMax).join(", ")}${
            named.length > namedMax ? ", …; aios agents article shows all" : ""
          }.`
      }`,
    )
  }
  if (second !== undefined) {
    return yield* refuse(
      "usage",
      "AmbiguousId",
      `${written} may be ${alike.length} articles (${
        alike.slice(0, namedMax).map((one) => `${one.topic}: article/${one.article.slice(0, 8)}`)
          .join(", ")
      }). Give the whole topic, or the key.`,
    )
  }
  return first
})

/** The publication that waits for the founder's word. */
const waiting = Effect.fnUntraced(function* (article: string) {
  const queries = yield* Queries
  const all = yield* door(queries.approvalsNamed(""))
  return all.find((one) => one.agent.startsWith(`executor-${article}~`) && isUndecided(one))
})

/** Where it stands after the review, and what comes next. */
const standing = Effect.fnUntraced(function* (one: Found) {
  const { timeZone } = yield* door(currentSettings)
  switch (one.state) {
    case "approved":
      return "No day is named, so its publication is asked for in " +
        `${secondThoughtMillis / 60_000} minutes. Nothing is published before you approve it.`
    case "scheduled":
      return `It is scheduled for ${
        momentText(one.dueAt ?? 0, timeZone)
      }: then its publication is asked for. Nothing is published before you approve it.`
    case "publishing": {
      const approval = yield* waiting(one.article)
      return approval === undefined
        ? "Its publication is under way."
        : `Its publication waits for your word: aios approve ${shortId(approval.id)}`
    }
    case "published":
      return "It is published."
    case "writing":
      return "It is being written: change its file, say `status: final` in it, and import it again."
    default:
      return `It is ${one.state}.`
  }
})

/** Why there is nothing to decide, and what to do about it. */
const notInReview = (one: Found): string => {
  switch (one.state) {
    case "few":
    case "enough":
    case "drafting":
    case "undrafted":
      return `has ${
        one.notes === 1 ? "a note" : `${one.notes} notes`
      } and no draft yet. Write one ` +
        "and import it with `status: final`; or wait: one is made of the notes when it is time."
    case "writing":
      return "is being written. When it is finished, say `status: final` in its file and import it again."
    case "published":
      return "is published already; its text stays as it was made public."
    case "withdrawn":
      return "was withdrawn: you did not want it published. To have it published after all: " +
        `aios review ${one.topic} --pass`
    case "shelved":
      return one.text === ""
        ? "was laid aside: it has no draft, and its day is long past. Import a draft of today."
        : `was laid aside. To have it published after all: aios review ${one.topic} --pass`
    default:
      return `is ${one.state}.`
  }
}

/** States in which the founder's word moves it on, and back. */
const passable = (one: Found) =>
  one.state === "inReview" || one.state === "withdrawn" ||
  (one.state === "shelved" && one.text !== "")
const rejectable = new Set(["inReview", "approved", "scheduled", "publishing"])
const passedBefore = new Set(["approved", "scheduled", "publishing"])

const answerOf = ({ revision: _, ...one }: Found, outcome: string): Review => ({ ...one, outcome })

/** What its state allows, for who only looks. */
const possible = Effect.fnUntraced(function* (one: Found) {
  if (one.state === "inReview") {
    return `It waits for your review: aios review ${one.topic} --pass, or --reject "why"`
  }
  return passedBefore.has(one.state)
    ? `It passed its review. ${yield* standing(one)}`
    : `It ${notInReview(one)}`
})

export const review = Effect.fnUntraced(function* (
  written: string,
  verdict?: { readonly passed: boolean; readonly reason?: string },
) {
  const system = yield* ActorSystem
  const one = yield* find(written)
  if (verdict === undefined) return answerOf(one, yield* possible(one))
  const reason = oneLine(verdict.reason ?? "", reasonCharsMax)
  if (!verdict.passed && reason === "") {
    return yield* refuse("usage", "InvalidValue", "Say why it is sent back, in a few words.")
  }
  if (verdict.passed && passedBefore.has(one.state)) {
    return answerOf(one, `It had passed its review before. ${yield* standing(one)}`)
  }
  if (verdict.passed ? !passable(one) : !rejectable.has(one.state)) {
    return yield* refuse(
      "failed",
      "NothingToReview",
      `Nothing is in review there: ${one.topic} ${notInReview(one)}`,
      { state: one.state },
    )
  }
  const stream = `article-${one.article}`
  const now = yield* Clock.currentTimeMillis
  yield* door(system.propose(
    stream,
    verdict.passed
      ? { type: "ReviewPassed", by: "operator" }
      : { type: "ReviewFailed", by: "operator", reason },
    // The word is on the text as it was read, and on no later one.
    { actor: "operator", revision: one.revision, occurredAt: now },
  ))
  yield* door(system.settle(settleMillisMax))
  const after = yield* read(stream)
  return answerOf(
    after,
    verdict.passed
      ? `The review is passed. ${yield* standing(after)}`
      : `Sent back (${reason}). ${yield* standing(after)}`,
  )
})
