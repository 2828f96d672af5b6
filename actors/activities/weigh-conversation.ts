/**
 * Weighs a conversation by fixed rules: what the unanswered mails are about and what it costs not to
 * act, from deadline, money, anger, how often somebody wrote in vain, and how well they are known.
 * Reasons are plain phrases, with nothing personal in them.
 */
import { Effect } from "effect"
import { weighConversation as declaration } from "../../machines/analyst.ts"
import { type Findings, wantsAnswer } from "../../machines/conversation.ts"
import { implement } from "../activity.ts"
import { phraseOf, reader } from "../reading.ts"

const day = 24 * 60 * 60 * 1000
const reasonsMax = 5
/** So many mails to and fro are a relationship. */
const relationMailsMin = 4

interface Mail {
  readonly direction: "inward" | "outward"
  readonly sentAt: number
  readonly findings: Findings
}

type About = "complaint" | "deal" | "question" | "promise" | "thanks" | "other"

/** What each kind weighs by itself. */
const weights: Readonly<Record<About, number>> = {
  complaint: 45,
  deal: 35,
  promise: 25,
  question: 20,
  other: 10,
  thanks: 0,
}

/** The mails nobody answered: those of the person since the founder last wrote. */
const unansweredOf = (mails: ReadonlyArray<Mail>) => {
  const last = mails.reduce(
    (at, one) => one.direction === "outward" ? Math.max(at, one.sentAt) : at,
    0,
  )
  return mails.filter(({ direction, findings, sentAt }) =>
    direction === "inward" && sentAt > last && wantsAnswer(findings) && !findings.instructsReader &&
    !findings.suspicions.includes("forgedFrom") && !findings.suspicions.includes("lookalikeAddress")
  )
}

const aboutOf = (
  intents: ReadonlySet<string>,
  asks: boolean,
  hasDeadline: boolean,
): About => {
  if (intents.has("complains")) return "complaint"
  if (["accepts", "namesBudget", "asksPrice"].some((one) => intents.has(one))) return "deal"
  if (asks || intents.has("asksMeeting")) return "question"
  if (hasDeadline) return "promise"
  return intents.has("thanks") ? "thanks" : "other"
}

const deadlineWeight = (millis: number) =>
  millis <= day ? 30 : millis <= 3 * day ? 20 : millis <= 7 * day ? 10 : 0
/** By the largest amount, whatever its currency: rates are not known. */
const moneyWeight = (minor: number) =>
  minor >= 100_000 ? 15 : minor >= 10_000 ? 8 : minor > 0 ? 4 : 0

const ordinals = ["", "first", "second", "third", "fourth", "fifth"]
const quiet = new Set(["asks", "thanks", "namesDate"])
const anger = new Set(["harshWords", "exclaims", "shouts"])

/** Anger with what shows it, then the other intents in the order they were read. */
const intentReasons = (intents: ReadonlyArray<string>) => {
  const shown = intents.filter((one) => anger.has(one)).map(phraseOf)
  const others = intents.filter((one) => !anger.has(one) && !quiet.has(one) && one !== "angry")
  return [
    ...others.filter((one) => one !== "complains" || others.length === 1).map(phraseOf),
    ...(intents.includes("angry") ? [`looks angry: ${shown.join(", ")}`] : []),
  ]
}

export const weigh = (mails: ReadonlyArray<Mail>, now: number) => {
  const unanswered = unansweredOf(mails)
  const intents = [...new Set(unanswered.flatMap(({ findings }) => findings.intents))]
  const named = new Set(intents)
  const [dueAt] = unanswered.flatMap(({ findings }) => findings.commitments)
    .filter(({ by }) => by === "founder").map((one) => one.dueAt).sort((a, b) => a - b)
  const about = aboutOf(
    named,
    unanswered.some(({ findings }) => findings.asks),
    dueAt !== undefined,
  )
  const largest = Math.max(
    0,
    ...unanswered.flatMap(({ findings }) => findings.amounts.map(({ minor }) => minor)),
  )
  const count = unanswered.length
  const knows = mails.length >= relationMailsMin && mails.some((one) => one.direction === "outward")
  const pressing = count === 0
    ? 0
    : Math.max(weights[about], dueAt === undefined ? 0 : weights.promise) +
      (dueAt === undefined ? 0 : deadlineWeight(dueAt - now)) +
      moneyWeight(largest) + (named.has("angry") ? 15 : 0) + (named.has("chargedTwice") ? 10 : 0) +
      (named.has("accepts") ? 10 : 0) + (count >= 3 ? 15 : count === 2 ? 8 : 0) + (knows ? 5 : 0)
  const reasons = [
    ...intentReasons(intents),
    ...(dueAt === undefined ? [] : [
      dueAt <= now
        ? "the time they named has passed"
        : dueAt - now <= day
        ? "wants it within a day"
        : "named a time for it",
    ]),
    ...(count >= 2 ? [`${ordinals[count] ?? `${count}th`} mail without an answer`] : []),
  ]
  return {
    about,
    pressing: Math.min(100, pressing),
    ...(dueAt === undefined ? {} : { dueAt }),
    made: reader,
    reasons: (reasons.length === 0 && intents.includes("asks") ? [phraseOf("asks")] : reasons)
      .slice(0, reasonsMax),
  }
}

export const weighConversation = implement(
  declaration,
  ({ mails }, { clock }) => Effect.succeed(weigh(mails, clock)),
)
