/**
 * The policy of the gate: how risky something is that leaves the house, and by which rule. Pure, and the
 * rules are data in one place; the first that fits counts. A grade decides nothing by itself: everything
 * here waits for the founder, but only what is low and alike may be decided together.
 */
import type { Json } from "../../machines/agent.ts"

/** Written with every approval; a new number whenever a rule changes. */
export const policyVersion = 1

export type Grade = "low" | "normal" | "high"

/** What the rules look at. */
export interface Case {
  readonly activity: string
  readonly risk: "none" | "outward" | "money"
  /** The exact content, opened. */
  readonly content: Json
  /** The person is a hot lead. */
  readonly valuable: boolean
}

export interface Graded {
  readonly grade: Grade
  readonly rule: string
  /** Alike and low: they may be approved together. */
  readonly group?: string
}

const field = ({ content }: Case, name: string): string => {
  const value = typeof content === "object" && content !== null && name in content
    ? (content as { readonly [name: string]: Json })[name]
    : undefined
  return typeof value === "string" ? value : ""
}
const isMailFor = (...purposes: ReadonlyArray<string>) => (one: Case) =>
  one.activity === "sendMail" && purposes.includes(field(one, "purpose"))

/** A currency's sign or code beside a number, either way round: a price may be a promise. */
const amount = /[€$£¥]\s?\d|\d\s?[€$£¥]|\b[A-Z]{3}\s?\d|\d\s?(?:[A-Z]{3}\b|euros?\b|dollars?\b)/u
/** Words that bind the founder. */
const agreement =
  /\b(?:agreed|agree|go ahead|deal|accept(?:ed)?|einverstanden|vereinbart|abgemacht|beauftragt)\b/i
const agrees = (one: Case) => agreement.test(field(one, "text"))
const namesAmount = (one: Case) => amount.test(field(one, "text"))
/** A template's words or the founder's own; a model's are read more closely. */
const isOurs = (one: Case) => /^(template-\d+|founder)$/.test(field(one, "made"))

interface Rule {
  readonly name: string
  readonly grade: Grade
  readonly fits: (one: Case) => boolean
}

const rules: ReadonlyArray<Rule> = [
  { name: "it moves money", grade: "high", fits: ({ risk }) => risk === "money" },
  { name: "angry customer", grade: "high", fits: isMailFor("complaint") },
  {
    name: "nobody asked for it, and much is at stake with this person",
    grade: "high",
    fits: (one) => isMailFor("followUp")(one) && one.valuable,
  },
  { name: "nobody asked for it", grade: "normal", fits: isMailFor("followUp") },
  {
    name: "written by a model",
    grade: "normal",
    fits: (one) => isMailFor("answer", "reminder")(one) && !isOurs(one),
  },
  {
    name: "a reminder of what is owed",
    grade: "low",
    fits: isMailFor("reminder"),
  },
  {
    name: "it names an amount",
    grade: "normal",
    fits: (one) => isMailFor("answer")(one) && namesAmount(one),
  },
  {
    name: "it agrees to something",
    grade: "normal",
    fits: (one) => isMailFor("answer")(one) && agrees(one),
  },
  {
    name: "answers who wrote first, names no amount and agrees to nothing",
    grade: "low",
    fits: isMailFor("answer"),
  },
  {
    name: "it becomes public",
    grade: "normal",
    fits: ({ activity }) => activity === "publishArticle",
  },
]
const otherwise = { name: "it leaves the house", grade: "normal" } as const

export const graded = (one: Case): Graded => {
  const { grade, name } = rules.find(({ fits }) => fits(one)) ?? otherwise
  return {
    grade,
    rule: `${name} (policy ${policyVersion})`,
    ...(grade === "low" ? { group: `${one.activity}:${field(one, "purpose")}` } : {}),
  }
}
