/**
 * Reads what a mail says by fixed rules, in English and German with some French and Spanish. A mail is
 * data: all that comes out is a score, names of intents, amounts, dates and the words they were read
 * from, and nothing in it is ever followed. Every pattern is bounded, so no text can make it slow.
 */
import type { Findings } from "../machines/analyst.ts"
import type { Language } from "../machines/record.ts"
import { type AmountRead, amountsIn } from "./reading-amounts.ts"
import { commitmentsIn } from "./reading-commitments.ts"
import type { Reckoning } from "./reading-dates.ts"
import { languageOf } from "./reading-language.ts"
import {
  capitalNames,
  capitalsMin,
  capitalWord,
  exclamationsMin,
  harshWords,
  instructing,
  invoiceNamed,
  notUnsubscribing,
  rate,
  rules,
  unsubscribing,
  warmthOfWriting,
} from "./reading-rules.ts"
import {
  bareSubject,
  newText,
  questionOf,
  quoteOf,
  sentenceCharsMax,
  sentencesOf,
} from "./reading-text.ts"

export { bareSubject, newText } from "./reading-text.ts"
export type { Reckoning } from "./reading-dates.ts"

/** Written into what was read; a new name whenever a rule changes. */
export const reader = "rules-2"

const quotesMax = 8
const commitmentsMax = 5
const numbersMax = 5
/** Questions of one mail that are quoted. */
const questionsMax = 3

export type Suspicion = Findings["suspicions"][number]

export interface Reading {
  readonly signals: {
    readonly reader: string
    readonly warmth: number
    readonly intents: ReadonlyArray<string>
    readonly instructsReader: boolean
    /** Absent where the words do not say. */
    readonly language?: Language
  }
  readonly amounts: ReadonlyArray<AmountRead>
  /** With the words each was read from. Empty where nothing says when the mail was sent. */
  readonly commitments: ReadonlyArray<{
    readonly by: "writer" | "reader"
    readonly dueAt: number
    readonly words: string
  }>
  readonly asks: boolean
  /** Numbers of invoices that it names, as written, lower case. */
  readonly invoices: ReadonlyArray<string>
  /** The words the signals were read from, at most 12 each. */
  readonly quotes: ReadonlyArray<string>
  /** The person asks not to be written to. */
  readonly unsubscribes: boolean
}

const firstMatch = (
  patterns: ReadonlyArray<RegExp>,
  sentence: string,
): number | undefined => {
  for (const pattern of patterns) {
    const at = sentence.search(pattern)
    if (at >= 0) return at
  }
  return undefined
}

const isQuestion = (sentence: string): boolean => sentence.endsWith("?")

const isUnsubscribing = (sentence: string): boolean =>
  !notUnsubscribing.test(sentence) && firstMatch(unsubscribing, sentence) !== undefined

/** How a mail sounds. Each is a name of what shows it. */
const tempersOf = (
  sentences: ReadonlyArray<string>,
  intents: ReadonlySet<string>,
): {
  readonly tempers: ReadonlyArray<string>
  readonly harsh: readonly [string, number] | undefined
} => {
  const harsh = sentences.flatMap((sentence) => {
    const at = firstMatch(harshWords, sentence)
    return at === undefined ? [] : [[sentence, at] as const]
  })[0]
  const whole = sentences.join(" ")
  const exclaims = whole.split("!").length - 1 >= exclamationsMin
  const capitals = (whole.match(capitalWord) ?? []).filter((word) => !capitalNames.has(word))
  const shouts = capitals.length >= capitalsMin
  // Who is glad exclaims as well.
  const displeased = harsh !== undefined || intents.has("complains") || intents.has("chargedTwice")
  const angry = harsh !== undefined || (displeased && (exclaims || shouts)) || (exclaims && shouts)
  return {
    harsh,
    tempers: [
      ...(angry ? ["angry"] : []),
      ...(angry && harsh !== undefined ? ["harshWords"] : []),
      ...(angry && exclaims ? ["exclaims"] : []),
      ...(angry && shouts ? ["shouts"] : []),
    ],
  }
}

const warmthOfAnger = -10
/** What somebody wants who may become a client. */
const interests = ["asksPrice", "namesBudget", "asksMeeting", "accepts"]

/** Only that it instructs its reader's AI: whatever else it says changes nothing. */
const instructed = (quotes: ReadonlyArray<string>): Reading => ({
  signals: { reader, warmth: 0, intents: [], instructsReader: true },
  amounts: [],
  commitments: [],
  asks: false,
  invoices: [],
  quotes,
  unsubscribes: false,
})

const titleOf = (subject: string) => bareSubject(subject.slice(0, sentenceCharsMax))

/** Characters that are not seen and break words: what hides between letters. */
const unseen =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g
/** Letters set apart, `i g n o r e`: a word all the same. */
const spaced = /(?<![\p{L}\d])(?:\p{L} ){3,40}\p{L}(?![\p{L}\d])/gu
/** As a reader sees it: wide, small or circled letters are letters, and what is not seen is not there. */
const unmasked = (sentence: string) =>
  sentence.normalize("NFKC").replace(unseen, "").replace(
    spaced,
    (word) => word.replaceAll(" ", ""),
  )

/** Reads one mail. Pure: the same mail reads the same for ever, under the name in `reader`. */
export const readText = (subject: string, text: string, reckoning?: Reckoning): Reading => {
  const written = newText(text)
  const title = titleOf(subject)
  const said = sentencesOf(written)
  const sentences = [...(title === "" ? [] : [title]), ...said]
  const instructions = sentences.flatMap((sentence) => {
    const at = firstMatch(instructing, unmasked(sentence))
    return at === undefined ? [] : [quoteOf(sentence, at)]
  })
  if (instructions.length > 0) return instructed([...new Set(instructions)].slice(0, quotesMax))

  const intents = new Map<string, number>()
  const quotes = new Set<string>()
  const quote = (sentence: string, at: number) => {
    if (quotes.size < quotesMax) quotes.add(quoteOf(sentence, at))
  }
  /** Sentences that only name a date: evidence where there is no better. */
  const dated: Array<readonly [sentence: string, at: number]> = []
  let questions = 0
  const commitments: Array<Reading["commitments"][number]> = []
  let unsubscribes = false
  for (const [index, sentence] of sentences.entries()) {
    const isTitle = index === 0 && title !== ""
    if (isUnsubscribing(sentence) && (!isTitle || written.length < sentenceCharsMax)) {
      unsubscribes = true
      quote(sentence, firstMatch(unsubscribing, sentence) ?? 0)
      continue
    }
    const asks = !isTitle && questions < questionsMax && isQuestion(sentence)
    if (asks) {
      questions++
      if (quotes.size < quotesMax) quotes.add(questionOf(sentence))
    }
    for (const rule of rules) {
      // A subject is read for what went wrong only: it says what a mail is about, not what it says.
      if (intents.has(rule.intent) || (isTitle && rule.intent !== "chargedTwice")) continue
      const at = firstMatch(rule.says, sentence)
      if (at === undefined) continue
      if (rule.and !== undefined && !rule.and.test(sentence)) continue
      if (rule.not?.test(sentence) === true) continue
      intents.set(rule.intent, rule.warmth)
      if (asks || rule.intent === "thanks" || rule.intent === "asks") continue
      if (rule.intent === "namesDate") dated.push([sentence, at])
      else quote(sentence, at)
    }
    if (isTitle || reckoning === undefined || commitments.length >= commitmentsMax) continue
    for (const { at, by, dueAt } of commitmentsIn(sentence, reckoning)) {
      if (commitments.length >= commitmentsMax) break
      commitments.push({ by, dueAt, words: quoteOf(sentence, at) })
      if (!asks) quote(sentence, at)
    }
  }
  if (quotes.size === 0) dated.forEach(([sentence, at]) => quote(sentence, at))
  if (intents.has("chargedTwice") && !intents.has("complains")) intents.set("complains", 0)
  const { harsh, tempers } = tempersOf(sentences, new Set(intents.keys()))
  if (tempers.length > 0) {
    intents.delete("thanks")
    if (!intents.has("complains")) intents.set("complains", -20)
    tempers.forEach((temper, n) => intents.set(temper, n === 0 ? warmthOfAnger : 0))
    if (harsh !== undefined) quote(...harsh)
  }
  if (intents.has("declines")) intents.delete("accepts")
  // A date alone is no interest: invoices and promises name one too.
  if (!interests.some((one) => intents.has(one)) && intents.has("namesDate")) {
    intents.set("namesDate", 0)
  }
  const sum = [...intents.values()].reduce((total, one) => total + one, warmthOfWriting)
  // Who complains is not courted, whatever else the mail names.
  const cooled = unsubscribes || intents.has("complains") ? Math.min(0, sum) : sum
  const whole = sentences.join("\n")
  const language = languageOf(written)
  return {
    signals: {
      reader,
      warmth: Math.max(-100, Math.min(100, cooled)),
      intents: [...intents.keys()],
      instructsReader: false,
      ...(language === undefined ? {} : { language }),
    },
    // Who accepts a price per month has not said what it comes to.
    amounts: intents.has("accepts") && rate.test(whole) ? [] : amountsIn(whole),
    commitments,
    asks: intents.has("asks") || intents.has("asksPrice") || intents.has("asksMeeting"),
    invoices: [
      ...new Set([...whole.matchAll(invoiceNamed)].map((hit) => (hit[1] ?? "").toLowerCase())),
    ].slice(0, numbersMax),
    quotes: [...quotes],
    unsubscribes,
  }
}

/** Intents in words. */
const phrases: Readonly<Record<string, string>> = {
  asksPrice: "asks for a price",
  namesBudget: "names a budget",
  namesDate: "names a date",
  asksMeeting: "asks for a meeting",
  asksQuestion: "asks a question",
  asksRefund: "asks for their money back",
  asksChange: "asks to change what was booked",
  asks: "asks something",
  thanks: "says thanks",
  chargedTwice: "says they were charged twice",
  angry: "looks angry",
  harshWords: "harsh words",
  exclaims: "three or more exclamation marks",
  shouts: "words in capitals",
  forgedFrom: "the sender may not be who the mail says",
  lookalikeAddress: "the address looks like one you know and is another",
  activeContent: "scripts, forms or programs were taken out",
  oversized: "parts too large were left out",
  instructsReader: "tells its reader's AI what to do",
}
/** `asksPrice` → `asks for a price`. */
export const phraseOf = (intent: string) =>
  phrases[intent] ?? intent.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
