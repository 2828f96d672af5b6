/**
 * The recall test, in one place: what a summary must keep, what it must not say, and how many questions
 * it must answer. A summary that fails stands for nothing: its events stay hot.
 */
import { inventedIn } from "./grounded.ts"
import { type Fact } from "./summary-facts.ts"
import { isInOrder, keeps, lossOf } from "./summary-keeps.ts"
import { answers, questionOf } from "./summary-questions.ts"
import type { SummarySource } from "./summary-sources.ts"

/** The rule. */
export const passRule = {
  /** Part of the important facts that must be found in it: all. */
  factsKeptMin: 1,
  /** Things it may say that no source says: none. */
  inventedMax: 0,
  /** Part of the questions that must be answered from it alone, where a model answers. */
  answeredMin: 0.7,
} as const
/** A refusal is told in so many lines. */
export const reasonsMax = 12
const inventedToldMax = 6
/** The model is asked so many questions about one summary. */
export const questionsMax = 5

export interface Verdict {
  /** Why it is refused; empty where it passes. */
  readonly reasons: ReadonlyArray<string>
  readonly facts: { readonly found: number; readonly kept: number }
}

/** What stands in the sources, for a text to rest on. */
const groundsOf = (sources: ReadonlyArray<SummarySource>, frame: string) => [
  ...sources.map(({ at, by, names, subject, text }) => ({
    text: [subject, by, ...names, text].join("\n\n"),
    sentAt: at,
  })),
  frame,
]

/** The deterministic part, which every summary is put to. `frame` are our own words around it. */
export const checked = (
  text: string,
  important: ReadonlyArray<Fact>,
  sources: ReadonlyArray<SummarySource>,
  timeZone: string,
  frame = "",
): Verdict => {
  const lost = important.filter((fact) => !keeps(text, fact, timeZone))
  const invented = inventedIn(text, groundsOf(sources, frame), { timeZone })
  const kept = important.length - lost.length
  const isKept = important.length === 0 || kept / important.length >= passRule.factsKeptMin
  return {
    reasons: [
      ...(text.trim() === "" ? ["says nothing"] : []),
      ...(invented.length > passRule.inventedMax ? invented : []).slice(0, inventedToldMax),
      ...(isKept ? [] : lost.map(lossOf)),
      ...(isInOrder(text, important)
        ? []
        : ["tells what was said later before what was said earlier"]),
    ].slice(0, reasonsMax),
    facts: { found: important.length, kept },
  }
}

export interface Question {
  readonly fact: Fact
  readonly words: string
}

/** Questions whose answers are the important facts, weightiest first. */
export const questionsFor = (
  important: ReadonlyArray<Fact>,
  timeZone: string,
): ReadonlyArray<Question> => {
  const questions = important.flatMap((fact) => {
    const words = questionOf(fact, timeZone)
    return words === undefined ? [] : [{ fact, words }]
  })
  // Two facts of one sentence may give the same question; it has no one answer then.
  return questions.filter(({ words }) =>
    questions.filter((one) => one.words === words).length === 1
  ).slice(0, questionsMax)
}

export const isAnswered = (
  { fact }: Question,
  answer: string | undefined,
  timeZone: string,
): boolean => answer !== undefined && answers(answer, fact, timeZone)

/** Why the answers do not do; empty where they do. */
export const judged = (
  asked: ReadonlyArray<Question>,
  unanswered: ReadonlyArray<Question>,
): ReadonlyArray<string> =>
  asked.length === 0 || (asked.length - unanswered.length) / asked.length >= passRule.answeredMin
    ? []
    : unanswered.map(({ words }) => `could not answer: ${words}`)
