/**
 * The facts of a subject that a summary must not lose: who, how much, when, and what was promised. All of
 * them, however many there are. They are read from the raw texts by rules, in one normal form, and found
 * again in a summary however they are written there: `1.200 EUR` is `EUR 1,200.00`, `by Friday` is the day
 * it was then. A promise is found by the words it is made of.
 */
import { type Day, daysIn, daysSaid, dayWords, localDay, looseDays } from "./grounded-dates.ts"
import { unknownNames, wordsOf } from "./grounded-names.ts"
import { allAmountsIn, amountWords, numbersIn, timesIn } from "./grounded-numbers.ts"
import { commitmentsIn, isPromise } from "./reading-commitments.ts"
import { languageOf } from "./reading-language.ts"
import { datesIn } from "./reading-dates.ts"
import { invoiceNamed } from "./reading-rules.ts"
import { allSentencesOf, spaced } from "./reading-text.ts"
import type { SummarySource } from "./summary-sources.ts"

/** What "this evening" means does not matter for the day. */
const dayEndsAt = "17:00"
/** A promise is kept by a sentence that has so much of its words: who tells it in words of their own changes some. */
const promiseWordsMin = 0.5

const kinds = ["promise", "amount", "name", "date"] as const
export type FactKind = typeof kinds[number]

export interface Fact {
  readonly kind: FactKind
  /**
   * Normal form: `120000 EUR`, `2026-11-27`, `14:00`, `december`, `ada weiss`, `invoice 1042`; of a promise
   * who gave it, the day, and the sentence.
   */
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
  /** What the days of it are, of dates and promises; empty where it is for no day. */
  readonly days: ReadonlyArray<Day>
  /** A sentence that has these words, or most of them, tells the promise. */
  readonly told?: ReadonlyArray<string>
  readonly weight: number
}

const salutation =
  /^(?:hello|hi|hey|dear|hallo|liebe[rs]?|guten (?:tag|morgen|abend)|moin|servus|sehr geehrte[rs]?)(?!\p{L})[^.!?,]{0,60}[,!.]?$/iu
const closing =
  /^(?:(?:(?:best|kind|warm|many) (?:regards|wishes)|regards|mit (?:freundlichen|besten|herzlichen) grüßen|(?:viele|beste|liebe|herzliche|schöne|freundliche) grüße|gruß|mfg|until (?:next|then|soon)|bis (?:bald|dann))(?!\p{L})[^.!?]{0,80}|(?:yours|thanks|thank you|cheers|danke|vielen dank)(?:[, ]+[^\s.!?,]{1,30}){0,4})[,!.]?$/iu

const startsWithName = (sentence: string, { by, names }: Pick<SummarySource, "by" | "names">) =>
  [by, ...names].some((name) => {
    const first = name.split(" ")[0] ?? ""
    return first.length > 1 && sentence.toLowerCase().startsWith(first.toLowerCase())
  })

/** What must not be lost is never taken for a greeting or a signature. */
const weighs = (sentence: string): boolean =>
  isPromise(sentence) || looseDays(sentence).length > 0 || daysIn(sentence).length > 0 ||
  allAmountsIn(sentence).length > 0

/** A sentence that says something: no greeting, no closing, no name alone. */
export const saysSomething = (sentence: string, source: Pick<SummarySource, "by" | "names">) =>
  (!salutation.test(sentence) && !closing.test(sentence) &&
    (sentence.split(" ").length > 3 || /[?\d]/.test(sentence)) &&
    // A name and what stands below it is a signature.
    (/[.!?…:]["”)]?$/.test(sentence) || !startsWithName(sentence, source)) &&
    ![source.by, ...source.names].some((name) => sentence.toLowerCase() === name.toLowerCase())) ||
  (!/^until (?:next|then)/i.test(sentence) && weighs(sentence))

/** Marks of Markdown are no words. */
const unmarked = (text: string) =>
  text.replace(/^#{1,6} +(.*)$/gm, "\n$1\n").replace(/^\s*[-*+] +/gm, "\n\n")
    .replace(/\[([^\]]{1,200})\]\([^)]{1,400}\)/g, "$1").replace(/(\*\*|__|`)/g, "")

/** Read once for each source: an extract asks again and again. */
const kept = <A>(read: (source: SummarySource) => A) => {
  const known = new WeakMap<SummarySource, A>()
  return (source: SummarySource): A => {
    const found = known.get(source) ?? read(source)
    known.set(source, found)
    return found
  }
}

/** The sentences of a source that say something. */
export const sentencesIn = kept((source): ReadonlyArray<string> => {
  const isMarked = source.what === "note" || source.what === "published"
  return allSentencesOf(isMarked ? unmarked(source.text) : source.text)
    .filter((sentence) => saysSomething(sentence, source))
})

const fillers = new Set(
  ("will shall would could should have been going that this with from your yours them they their there then when " +
    "what which promise werde werden wird habe haben einen eine einem einer ihnen ihrer ihren dann noch auch euch " +
    "dich mich sich unsere unser dass").split(" "),
)
const wordCharsMin = 4
/** Words with something in them, without what is put at their end: `sends` is `send`. */
export const contentWords = (text: string): ReadonlyArray<string> => [
  ...new Set(
    (text.toLowerCase().normalize("NFC").match(/\p{L}{2,40}/gu) ?? [])
      .filter((word) => word.length >= wordCharsMin && !fillers.has(word))
      .map((word) => word.replace(/(?:ing|ed|en|es|s|e|n|t)$/, "").slice(0, 8)),
  ),
]

/** Words of days are found as days. */
const undated = (sentence: string): string =>
  looseDays(sentence).reduce(
    (rest, { says }) => rest.replace(new RegExp(says.source, `${says.flags}g`), " "),
    daysIn(sentence).reduceRight(
      (rest, { end, start }) => `${rest.slice(0, start)} ${rest.slice(end)}`,
      sentence,
    ),
  )

const nobody: ReadonlySet<string> = new Set()
const titled = /(?<!\p{L})(?:Herrn?|Frau|Mrs?\.?|Ms\.?|Dr\.?) $/u
const greeted = /(?:^|[“"(] ?)(?:hello|hi|hey|hej|dear|hallo|liebe[rs]?|ciao|moin|servus) $/iu
/**
 * Names in a sentence: capitals where the language writes none. The first word has one anyway, and so has
 * every noun in German: there two in a row count, or one that is addressed.
 */
export const namesIn = (sentence: string, isGerman: boolean): ReadonlyArray<string> => {
  const isIn = (name: string) => {
    for (let at = sentence.indexOf(name); at >= 0; at = sentence.indexOf(name, at + 1)) {
      const before = sentence.slice(0, at)
      const after = sentence.slice(at + name.length)
      if (greeted.test(before)) continue
      const starts = /^$|[“"„(:–-]\s?$|[.!?]\s$/u.test(before)
      const beside = /^[ -]\p{Lu}\p{Ll}/u.test(after) || /(?<!^)\p{Lu}\p{Ll}+[ -]$/u.test(before)
      if (titled.test(before) || (isGerman ? beside && !starts : !starts || beside)) return true
    }
    return false
  }
  return unknownNames(sentence, nobody, isGerman).filter((name) => !/\d/.test(name) && isIn(name))
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
  const told = contentWords(undated(sentence))
  const dated = commitmentsIn(sentence, reckoning).map((one): Fact => {
    const day = localDay(one.dueAt, timeZone)
    const who = one.by === "writer" ? by : otherThan(source)
    return {
      ...{ ...base, kind: "promise", words: dayWords(day), days: [day], told, weight: 5 },
      value: `${who.toLowerCase()} ${day} ${sentence.toLowerCase()}`,
    }
  })
  const promises: ReadonlyArray<Fact> = dated.length > 0 || !isPromise(sentence) ? dated : [{
    ...{ ...base, kind: "promise", words: `“${sentence}”`, told, weight: 4.5 },
    value: `${by.toLowerCase()} ${sentence.toLowerCase()}`,
  }]
  const promised = new Set(promises.flatMap(({ days }) => days))
  const written = localDay(at, timeZone)
  const spans = daysIn(sentence, written)
  const fixed = spans.flatMap(({ days }): ReadonlyArray<Fact> =>
    days.some((day) => promised.has(day) || day === written) ? [] : [{
      ...{ ...base, kind: "date", value: days.join(" or "), words: dayWords(days[0]!), days },
      weight: 2,
    }]
  )
  // Without a date: `Wednesday`, `next week`, `Anfang Dezember`. Today is the mail's own day.
  const loose = looseDays(
    spans.reduceRight(
      (rest, { end, start }) => rest.slice(0, start) + " ".repeat(end - start) + rest.slice(end),
      sentence,
    ),
  ).flatMap(({ fits, words }): ReadonlyArray<Fact> =>
    words === "today" || [...promised].some(fits) ? [] : [{
      ...{ ...base, kind: "date", value: words.toLowerCase(), words, weight: 1.5 },
    }]
  )
  const hours = timesIn(sentence).map(({ minutes, words }): Fact => ({
    ...{ ...base, kind: "date", words: words.trim(), weight: 1 },
    value: `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`,
  }))
  const dates = [...fixed, ...loose, ...hours]
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
  const isGerman = (languageOf(source.text) ?? languageOf(sentence))?.startsWith("de") ?? false
  const inHead = wordsOf([by, ...source.names].join(" "))
  const named = namesIn(sentence, isGerman).filter((name) => !inHead.has(name.toLowerCase())).map((
    name,
  ): Fact => ({
    ...{ ...base, kind: "name", value: name.toLowerCase(), words: name, weight: 1.8 },
  }))
  return [...promises, ...amounts, ...invoices, ...dates, ...named]
}

const factsOf = kept((source) => {
  const { at, by, event, names, subject } = source
  const sentences = [...(subject === "" ? [] : [subject]), ...sentencesIn(source)]
  const zones = new Map<string, ReadonlyArray<Fact>>()
  const people = names.map((name): Fact => ({
    ...{ kind: "name", value: name.toLowerCase(), words: name, by, event, at },
    ...{ sentence: "", days: [], weight: name === by ? 4 : 2 },
  }))
  return (timeZone: string): ReadonlyArray<Fact> => {
    const known = zones.get(timeZone) ?? [
      ...sentences.flatMap((sentence) => factsOfSentence(source, sentence, timeZone)),
      ...people,
    ]
    zones.set(timeZone, known)
    return known
  }
})

/** All facts of the sources, each once: where it was said last. */
export const factsIn = (
  sources: ReadonlyArray<SummarySource>,
  timeZone: string,
): ReadonlyArray<Fact> => {
  const found = new Map<string, Fact>()
  for (const source of sources) {
    for (const fact of factsOf(source)(timeZone)) {
      const known = found.get(`${fact.kind} ${fact.value}`)
      found.set(`${fact.kind} ${fact.value}`, {
        ...fact,
        // What is said more than once weighs more.
        weight: Math.max(fact.weight, known?.weight ?? 0) + (known === undefined ? 0 : 0.01),
      })
    }
  }
  return [...found.values()]
}

/** None of them may be lost: the weightiest of each kind first, then the newest. */
export const importantOf = (facts: ReadonlyArray<Fact>): ReadonlyArray<Fact> =>
  kinds.flatMap((kind) =>
    facts.filter((fact) => fact.kind === kind)
      .sort((a, b) => b.weight - a.weight || b.at - a.at || (a.value < b.value ? -1 : 1))
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

const saysDay = (text: string, { at, days }: Fact, timeZone: string): boolean => {
  const said = new Set(daysSaid(text, at, timeZone))
  return days.some((day) => said.has(day) || said.has(day.slice(5)))
}

/** Whether a sentence tells the promise, in words that are enough its own. */
const tells = (text: string, { sentence, told = [] }: Fact): boolean => {
  if (spaced(text).includes(spaced(sentence))) return true
  return told.length > 0 && allSentencesOf(text.replace(/\n/g, "\n\n")).some((one) => {
    const words = new Set(contentWords(one))
    return told.filter((word) => words.has(word)).length / told.length >= promiseWordsMin
  })
}

/** Whether a text says the fact, in whatever form. */
export const says = (text: string, fact: Fact, timeZone: string): boolean => {
  // Word for word is the surest way.
  if (fact.sentence !== "" && text.includes(fact.sentence)) return true
  switch (fact.kind) {
    case "amount":
      return allAmountsIn(text).some((one) => `${one.minor} ${one.currency}` === fact.value)
    case "date": {
      if (fact.days.length > 0) return saysDay(text, fact, timeZone)
      const [loose] = looseDays(fact.words)
      if (loose === undefined) {
        return timesIn(text).some(({ minutes }) =>
          `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}` === fact.value
        )
      }
      return loose.says.test(text) || daysSaid(text, fact.at, timeZone).some(loose.fits)
    }
    case "promise":
      return (fact.days.length === 0 || saysDay(text, fact, timeZone)) && tells(text, fact)
    case "name": {
      const number = /^invoice (.+)$/.exec(fact.value)?.[1]
      if (number === undefined) return hasName(fact.value, text)
      return wordsOf(text).has(number) || text.toLowerCase().includes(number) ||
        numbersIn(text).some(({ value }) => String(value) === number)
    }
  }
}

/** `lost the amount 1,200 EUR`, `lost the promise for 27 Nov 2026 (Ada Weiss)`. */
export const lossOf = ({ by, days, kind, words }: Fact): string =>
  kind === "promise"
    ? `lost the promise ${days.length > 0 ? "for " : ""}${words} (${by})`
    : `lost the ${kind} ${words}`

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
  if (kind === "name" || (kind !== "amount" && fact.days.length !== 1)) return undefined
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
  return fact.days.length > 0 ? saysDay(answer, fact, timeZone) : says(answer, fact, timeZone)
}
