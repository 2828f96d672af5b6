/**
 * The facts of a subject that a summary must not lose: who, how much, when, and what was promised. They are
 * read from the raw texts by rules, in one normal form, and found again in a summary however they are
 * written there: `1.200 EUR` is `EUR 1,200.00`, `by Friday` is the day it was then.
 */
import { type Day, daysIn, daysSaid, dayWords, localDay } from "./grounded-dates.ts"
import { wordsOf } from "./grounded-names.ts"
import { allAmountsIn, amountWords, numbersIn } from "./grounded-numbers.ts"
import { commitmentsIn } from "./reading-commitments.ts"
import { datesIn } from "./reading-dates.ts"
import { invoiceNamed } from "./reading-rules.ts"
import { sentencesOf } from "./reading-text.ts"
import type { SummarySource } from "./summary-sources.ts"

/** Of each kind so many are important: the weightiest, then the newest. The rest may be lost. */
export const importantMax = { promise: 4, amount: 6, name: 6, date: 4 } as const
/** What "this evening" means does not matter for the day. */
const dayEndsAt = "17:00"
/** So many facts of one subject are looked at. */
const factsMax = 400

export type FactKind = keyof typeof importantMax

export interface Fact {
  readonly kind: FactKind
  /** Normal form: `120000 EUR`, `2026-11-27`, `you 2026-11-27`, `ada weiss`, `invoice 1042`. */
  readonly value: string
  /** As a person says it: `1,200 EUR`, `27 Nov 2026`. */
  readonly words: string
  /** Who said it. */
  readonly by: string
  readonly event: string
  /** When it was said, epoch ms. */
  readonly at: number
  /** The sentence it stands in; empty for names in a mail's head. */
  readonly sentence: string
  /** What the days of it are, of dates and promises. */
  readonly days: ReadonlyArray<Day>
  readonly weight: number
}

const salutation =
  /^(?:hello|hi|hey|dear|hallo|liebe[rs]?|guten (?:tag|morgen|abend)|moin|servus|sehr geehrte[rs]?)(?!\p{L})[^.!?]{0,60}[,!.]?$/iu
const closing =
  /^(?:(?:best|kind|warm|many) (?:regards|wishes)|regards|yours|thanks|thank you|cheers|mit (?:freundlichen|besten|herzlichen) grüßen|(?:viele|beste|liebe|herzliche|schöne|freundliche) grüße|gruß|mfg|danke|vielen dank|bis (?:bald|dann))(?!\p{L})[^.!?]{0,80}[,!.]?$/iu

const startsWithName = (sentence: string, { by, names }: Pick<SummarySource, "by" | "names">) =>
  [by, ...names].some((name) => {
    const first = name.split(" ")[0] ?? ""
    return first.length > 1 && sentence.toLowerCase().startsWith(first.toLowerCase())
  })

/** A sentence that says something: no greeting, no closing, no name alone. */
export const saysSomething = (sentence: string, source: Pick<SummarySource, "by" | "names">) =>
  !salutation.test(sentence) && !closing.test(sentence) &&
  (sentence.split(" ").length > 3 || /[?\d]/.test(sentence)) &&
  // A name and what stands below it is a signature.
  (/[.!?…:]["”)]?$/.test(sentence) || !startsWithName(sentence, source)) &&
  ![source.by, ...source.names].some((name) => sentence.toLowerCase() === name.toLowerCase())

/** Marks of Markdown are no words. */
const unmarked = (text: string) =>
  text.replace(/^#{1,6} +(.*)$/gm, "\n$1\n").replace(/^\s*[-*+] +/gm, "\n\n")
    .replace(/\[([^\]]{1,200})\]\([^)]{1,400}\)/g, "$1").replace(/(\*\*|__|`)/g, "")

/** The sentences of a source that say something. */
export const sentencesIn = (source: SummarySource): ReadonlyArray<string> => {
  const isMarked = source.what === "note" || source.what === "published"
  return sentencesOf(isMarked ? unmarked(source.text) : source.text)
    .filter((sentence) => saysSomething(sentence, source))
}

const otherThan = (source: SummarySource) => source.by === "you" ? source.names[0] ?? "" : "you"

const factsOfSentence = (
  source: SummarySource,
  sentence: string,
  timeZone: string,
): ReadonlyArray<Fact> => {
  const { at, by, event } = source
  const base = { by, event, at, sentence, days: [] as ReadonlyArray<Day> }
  const reckoning = { sentAt: at, timeZone, dayEndsAt }
  const promises = commitmentsIn(sentence, reckoning).map((one): Fact => {
    const day = localDay(one.dueAt, timeZone)
    const who = one.by === "writer" ? by : otherThan(source)
    return {
      ...base,
      kind: "promise",
      value: `${who.toLowerCase()} ${day}`,
      words: dayWords(day),
      days: [day],
      weight: 5,
    }
  })
  const promised = new Set(promises.flatMap(({ days }) => days))
  const written = localDay(at, timeZone)
  const dates = daysIn(sentence, written).flatMap(({ days }): ReadonlyArray<Fact> =>
    days.length !== 1 || days.some((day) => promised.has(day) || day === written) ? [] : [{
      ...base,
      kind: "date",
      value: days[0]!,
      words: dayWords(days[0]!),
      days,
      weight: 2,
    }]
  )
  const amounts = allAmountsIn(sentence).map((amount): Fact => ({
    ...base,
    kind: "amount",
    value: `${amount.minor} ${amount.currency}`,
    words: amountWords(amount),
    weight: 4 + Math.min(1, Math.log10(amount.minor) / 10),
  }))
  const invoices = [...sentence.matchAll(invoiceNamed)].map((hit): Fact => ({
    ...base,
    kind: "name",
    value: `invoice ${(hit[1] ?? "").toLowerCase()}`,
    words: `invoice ${hit[1]}`,
    weight: 3,
  }))
  return [...promises, ...amounts, ...invoices, ...dates]
}

/** All facts of the sources, each once: where it was said last. */
export const factsIn = (
  sources: ReadonlyArray<SummarySource>,
  timeZone: string,
): ReadonlyArray<Fact> => {
  const found = new Map<string, Fact>()
  for (const source of sources) {
    const { at, by, event, names, subject } = source
    const sentences = [...(subject === "" ? [] : [subject]), ...sentencesIn(source)]
    const facts = sentences.flatMap((sentence) => factsOfSentence(source, sentence, timeZone))
    const people = names.map((name): Fact => ({
      ...{ kind: "name", value: name.toLowerCase(), words: name, by, event, at },
      ...{ sentence: "", days: [], weight: name === by ? 4 : 2 },
    }))
    for (const fact of [...facts, ...people]) {
      const known = found.get(`${fact.kind} ${fact.value}`)
      if (known === undefined && found.size >= factsMax) continue
      found.set(`${fact.kind} ${fact.value}`, {
        ...fact,
        // What is said more than once weighs more.
        weight: Math.max(fact.weight, known?.weight ?? 0) + (known === undefined ? 0 : 0.01),
      })
    }
  }
  return [...found.values()]
}

/** Those that must not be lost. */
export const importantOf = (facts: ReadonlyArray<Fact>): ReadonlyArray<Fact> =>
  (["promise", "amount", "name", "date"] as const).flatMap((kind) =>
    facts.filter((fact) => fact.kind === kind)
      .sort((a, b) => b.weight - a.weight || b.at - a.at || (a.value < b.value ? -1 : 1))
      .slice(0, importantMax[kind])
  )

/** So short a part of a name is in many words. */
const namePartCharsMin = 3

const hasName = (value: string, text: string): boolean => {
  const words = wordsOf(text)
  if (value.includes("@")) return text.toLowerCase().includes(value)
  const has = (part: string) => words.has(part) || words.has(`${part}s`)
  const parts = value.split(/[\s,()]+/).filter((part) => part.length >= namePartCharsMin)
  return parts.length === 0 ? text.toLowerCase().includes(value) : parts.some(has)
}

/** Whether a text says the fact, in whatever form. */
export const says = (text: string, fact: Fact, timeZone: string): boolean => {
  switch (fact.kind) {
    case "amount":
      return allAmountsIn(text).some((one) => `${one.minor} ${one.currency}` === fact.value)
    case "date":
    case "promise": {
      const said = new Set(daysSaid(text, fact.at, timeZone))
      return fact.days.some((day) => said.has(day) || said.has(day.slice(5)))
    }
    case "name": {
      const number = /^invoice (.+)$/.exec(fact.value)?.[1]
      if (number === undefined) return hasName(fact.value, text)
      return wordsOf(text).has(number) || text.toLowerCase().includes(number) ||
        numbersIn(text).some(({ value }) => String(value) === number)
    }
  }
}

const kindWords: { readonly [kind in FactKind]: string } = {
  amount: "amount",
  date: "date",
  name: "name",
  promise: "promise for",
}
/** `lost the amount 1,200 EUR`, `lost the promise for 27 Nov 2026 (Ada Weiss)`. */
export const lossOf = ({ by, kind, words }: Fact): string =>
  `lost the ${kindWords[kind]} ${words}${kind === "promise" ? ` (${by})` : ""}`

const cut = "___"
const money =
  /(?:€|\$|£|(?<!\p{L})(?:eur|usd|gbp|chf))\s?\d[\d.,'’]*(?:\s?k)?|\d[\d.,'’]*(?: \d{3})*(?:\s?k)?\s?(?:€|\$|£|(?:eur|usd|gbp|chf|euros?|dollars?|pounds?|francs?|franken)(?!\p{L}))/giu

const questionCharsMax = 160
const shortened = (sentence: string) => {
  if (sentence.length <= questionCharsMax) return sentence
  const at = Math.max(0, sentence.indexOf(cut) - questionCharsMax / 2)
  return `…${sentence.slice(at, at + questionCharsMax).trim()}…`
}

/** A question that the fact answers; undefined where its sentence would leave it open which is meant. */
export const questionOf = (fact: Fact, timeZone: string): string | undefined => {
  const { at, by, kind, sentence } = fact
  const who = `${by === "you" ? "the founder" : by || "a customer"}, ${
    dayWords(localDay(at, timeZone))
  }`
  if (kind === "name") return undefined
  if (kind === "amount") {
    const hits = sentence.match(money) ?? []
    if (hits.length !== 1) return undefined
    return `How much is ${cut} in "${shortened(sentence.replace(money, cut))}" (${who})?`
  }
  const spans = [
    ...daysIn(sentence, localDay(at, timeZone)),
    ...datesIn(sentence, { sentAt: at, timeZone, dayEndsAt }),
  ]
  const first = spans[0]
  if (
    first === undefined || spans.some((one) => one.end <= first.start || one.start >= first.end)
  ) {
    return undefined
  }
  const masked = sentence.slice(0, first.start) + cut + sentence.slice(first.end)
  return `Which date is ${cut} in "${shortened(masked)}" (${who})?`
}

/** Whether an answer names the fact, and no other of its kind beside it. */
export const answers = (answer: string, fact: Fact, timeZone: string): boolean => {
  if (fact.kind === "amount") {
    const amounts = allAmountsIn(answer)
    if (amounts.length > 0) return amounts.length === 1 && says(answer, fact, timeZone)
    const numbers = numbersIn(answer).map(({ value }) => value)
    const [minor] = fact.value.split(" ")
    return numbers.length === 1 && Math.round(numbers[0]! * 100) === Number(minor)
  }
  return says(answer, fact, timeZone)
}
