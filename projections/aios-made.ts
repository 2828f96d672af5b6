/**
 * How something came about and what it rests on, as the founder is told: a draft by a template, a model
 * or themselves, with what it cites; a forecast by a model with its evidence.
 */
import { phraseOf } from "../actors/reading.ts"
import { quoted } from "./words.ts"

/** Words as they stand in an event: `aios why EVENT` leads there. */
export interface Cite {
  readonly event: string
  readonly quote: string
}

/** What a person wants and how warm they are, as it was read. Nothing is decided by it. */
export interface Forecast {
  readonly intent: string
  /** 0 to 100. */
  readonly warmth: number
  readonly by: "model" | "rules"
  /** `gemma3:270m readConversation@1f2e3d4c`, or the rules' name. */
  readonly made: string
  readonly evidence: ReadonlyArray<Cite>
  /** Why what a model said does not stand, where one was asked. */
  readonly refusedModel?: ReadonlyArray<string>
  /** Of the reading itself. */
  readonly event: string
}

/** Who is told to be warm, in so many words. */
const warmFrom = 50
const quoteCharsMax = 60
const citedMax = 3

/** `gemma3:270m` of `gemma3:270m draftMail@1f2e3d4c`; undefined for templates, rules and the founder. */
export const modelOf = (made: string): string | undefined => {
  const [name, words] = made.split(" ")
  return words !== undefined && words.includes("@") ? name : undefined
}

/** `asks for a price, warm 78, read by gemma3:270m: “how much would two…”`; empty where the rules alone read it. */
export const forecastWords = (read: Forecast): string => {
  if (read.by !== "model") return ""
  const [first] = read.evidence
  const warmth = `${read.warmth >= warmFrom ? "warm" : "warmth"} ${read.warmth}`
  return `${phraseOf(read.intent)}, ${warmth}, read by ${modelOf(read.made) ?? read.made}${
    first === undefined ? "" : `: ${quoted(first.quote, quoteCharsMax)}`
  }`
}

/** A draft as it waits for the founder's word. */
export interface Drafted {
  readonly made?: string
  readonly evidence?: ReadonlyArray<Cite>
  readonly refusedModel?: ReadonlyArray<string>
}

const times = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`

/** How it was made, without its evidence; empty where nobody drafted it. */
export const madeWords = ({ evidence = [], made, refusedModel = [] }: Drafted): string => {
  if (made === undefined || made === "") return ""
  if (made === "founder") return "written by you"
  const model = modelOf(made)
  if (model !== undefined) {
    return evidence.length === 0
      ? `written by ${model}`
      : `written by ${model}, from ${times(evidence.length, "memory", "memories")}`
  }
  const tried = refusedModel.length === 0
    ? ""
    : `; a model's draft was not taken: ${refusedModel.join(", ")}`
  return `made by a template${evidence.length === 0 ? "" : ", resting on"}${tried}`
}

/** Its evidence, the first few, each with the event it is from. */
export const citesOf = ({ evidence = [] }: Drafted): ReadonlyArray<Cite> =>
  evidence.slice(0, citedMax).map(({ event, quote }) => ({ event, quote: quoted(quote, 100) }))
