/**
 * The facts of a subject that a summary must not lose: who, how much, when, what was promised, and what was
 * said after that. All of them, however many there are. They are read from the raw texts by rules; what no rule
 * can read is a fact with its whole sentence.
 */
import { type Day, daysIn, dayWords, localDay, looseDays } from "./grounded-dates.ts"
import { unknownNames, wordsOf } from "./grounded-names.ts"
import { allAmountsIn, amountWords, timesIn } from "./grounded-numbers.ts"
import { commitmentsIn } from "./reading-commitments.ts"
import { languageOf } from "./reading-language.ts"
import { datesIn } from "./reading-dates.ts"
import { invoiceNamed } from "./reading-rules.ts"
import { allSentencesOf, bareSubject, spaced } from "./reading-text.ts"
import { hasSigns, isBinding, isRetraction, netOf } from "./summary-net.ts"
import type { SummarySource } from "./summary-sources.ts"

/** What "this evening" means does not matter for the day. */
export const dayEndsAt = "17:00"

const kinds = ["promise", "sentence", "amount", "number", "name", "date"] as const
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
  /** Key of the person; a promise is each one's own. */
  readonly person?: string
  /** Others said the same sentence: all who did. It has to be told of each, or of so many. */
  readonly givers?: ReadonlyArray<string>
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
  isBinding(sentence) || isRetraction(sentence) || looseDays(sentence).length > 0 ||
  daysIn(sentence).length > 0 || allAmountsIn(sentence).length > 0 || hasSigns(sentence)

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
const besideName = /(?<!\p{L})(?:von|mit|bei|für|gegen|ohne|an) $/iu
/**
 * Names in a sentence: capitals where the language writes none. Every noun has one in German: there two in a
 * row count, one that is addressed, and one behind `von` or `mit` without an article. A word too many only
 * brings its sentence along.
 */
export const namesIn = (sentence: string, isGerman: boolean): ReadonlyArray<string> => {
  const isIn = (name: string) => {
    for (let at = sentence.indexOf(name); at >= 0; at = sentence.indexOf(name, at + 1)) {
      const before = sentence.slice(0, at)
      const after = sentence.slice(at + name.length)
      if (greeted.test(before)) continue
      const starts = /^$|[“"„(:–-]\s?$|[.!?]\s$/u.test(before)
      const beside = /^[ -]\p{Lu}\p{Ll}/u.test(after) || /(?<!^)\p{Lu}\p{Ll}+[ -]$/u.test(before)
      if (
        titled.test(before) || (isGerman ? (beside && !starts) || besideName.test(before) : true)
      ) return true
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
  isTitle = false,
): ReadonlyArray<Fact> => {
  const { at, by, event, person = "" } = source
  const base = { by, event, at, person, sentence, days: [] as ReadonlyArray<Day> }
  const reckoning = { sentAt: at, timeZone, dayEndsAt }
  const told = contentWords(undated(sentence))
  const commitments = commitmentsIn(sentence, reckoning)
  const dated = commitments.map((one): Fact => {
    const day = localDay(one.dueAt, timeZone)
    const who = one.by === "writer" ? by : otherThan(source)
    return {
      ...{ ...base, kind: "promise", words: dayWords(day), days: [day], told, weight: 5 },
      value: `${who.toLowerCase()} ${day} ${sentence.toLowerCase()}`,
    }
  })
  const promises: ReadonlyArray<Fact> = dated.length > 0 || !isBinding(sentence) ? dated : [{
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
  const due = datesIn(sentence, reckoning).filter(({ start }) =>
    commitments.some((one) => one.at === start)
  )
  const net = netOf(sentence, written, due)
  const numbers = net.numbers.map(({ value, words }): Fact => ({
    ...{ ...base, kind: "number", value, words, weight: 1.2 },
  }))
  const whole: ReadonlyArray<Fact> = !isTitle && (net.isUnread || isRetraction(sentence))
    ? [{
      ...{ ...base, kind: "sentence", words: `“${sentence}”`, weight: 4.8 },
      value: `${by.toLowerCase()} ${sentence.toLowerCase()}`,
    }]
    : []
  return [...promises, ...whole, ...amounts, ...numbers, ...invoices, ...dates, ...named]
}

const factsOf = kept((source) => {
  const { at, by, event, names, subject } = source
  const title = bareSubject(subject)
  const sentences = sentencesIn(source)
  const zones = new Map<string, ReadonlyArray<Fact>>()
  const people = names.map((name): Fact => ({
    ...{ kind: "name", value: name.toLowerCase(), words: name, by, event, at },
    ...{ sentence: "", days: [], weight: name === by ? 4 : 2 },
  }))
  return (timeZone: string): ReadonlyArray<Fact> => {
    const known = zones.get(timeZone) ?? [
      ...(title === "" ? [] : factsOfSentence(source, title, timeZone, true)),
      ...sentences.flatMap((sentence) => factsOfSentence(source, sentence, timeZone)),
      ...people,
    ]
    zones.set(timeZone, known)
    return known
  }
})

export const isSaid = ({ kind }: Fact) => kind === "promise" || kind === "sentence"
/** What is the same fact; what somebody else says is another, even where both have one name, and so is another sentence. */
export const keyOf = (fact: Fact): string =>
  fact.kind === "name" && fact.sentence === ""
    ? `name ${fact.value}`
    : [fact.kind, fact.person ?? "", fact.value, spaced(fact.sentence)].join(" ")

/** Who said a sentence, by key of the person. */
const giversIn = (facts: Iterable<Fact>): ReadonlyMap<string, ReadonlyArray<string>> => {
  const found = new Map<string, Map<string, string>>()
  for (const fact of facts) {
    if (!isSaid(fact)) continue
    const sentence = spaced(fact.sentence)
    const known = found.get(sentence) ?? new Map<string, string>()
    found.set(sentence, known.set(`${fact.person ?? ""} ${fact.by}`, fact.by))
  }
  return new Map([...found].map(([sentence, who]) => [sentence, [...who.values()]]))
}

/**
 * What somebody says after a promise of theirs may change it, in words that no rule knows: it stands as it is.
 * `bound` are those who promised something before.
 */
const aftermath = (
  source: SummarySource,
  facts: ReadonlyArray<Fact>,
  bound: Set<string>,
): ReadonlyArray<Fact> => {
  const { at, by, event, person = "" } = source
  const sentences = sentencesIn(source)
  const promised = sentences.findIndex((sentence) =>
    facts.some((fact) => fact.kind === "promise" && fact.sentence === sentence)
  )
  const who = `${person} ${by}`
  const from = bound.has(who) ? 0 : promised < 0 ? sentences.length : promised + 1
  if (promised >= 0) bound.add(who)
  const known = new Set(facts.filter(isSaid).map(({ sentence }) => sentence))
  return sentences.slice(from).filter((sentence) => !known.has(sentence)).map((sentence) => ({
    ...{ kind: "sentence", words: `“${sentence}”`, by, event, at, person, sentence, days: [] },
    ...{ value: `${by.toLowerCase()} ${sentence.toLowerCase()}`, weight: 1 },
  }))
}

/** All facts of the sources, each once: where it was said last. */
export const factsIn = (
  sources: ReadonlyArray<SummarySource>,
  timeZone: string,
): ReadonlyArray<Fact> => {
  const found = new Map<string, Fact>()
  const bound = new Set<string>()
  for (const source of sources.toSorted((a, b) => a.at - b.at)) {
    const facts = factsOf(source)(timeZone)
    for (const fact of [...facts, ...aftermath(source, facts, bound)]) {
      const known = found.get(keyOf(fact))
      found.set(keyOf(fact), {
        ...fact,
        // What is said more than once weighs more.
        weight: Math.max(fact.weight, known?.weight ?? 0) + (known === undefined ? 0 : 0.01),
      })
    }
  }
  const givers = giversIn(found.values())
  return [...found.values()].map((fact) => {
    const who = isSaid(fact) ? givers.get(spaced(fact.sentence)) ?? [] : []
    return who.length > 1 ? { ...fact, givers: who } : fact
  })
}

/** None of them may be lost: the weightiest of each kind first, then the newest. */
export const importantOf = (facts: ReadonlyArray<Fact>): ReadonlyArray<Fact> =>
  kinds.flatMap((kind) =>
    facts.filter((fact) => fact.kind === kind)
      .sort((a, b) => b.weight - a.weight || b.at - a.at || (a.value < b.value ? -1 : 1))
  )
