/**
 * A summary made by rules, where there is no model or what it wrote was refused: the sentences that carry
 * the key facts, word for word and in order, with who said them and when. A date that was only meant
 * (`by Friday`) is told with its day. The same events give the same text.
 */
import type { Subject } from "../machines/memory.ts"
import { daysIn, dayWords, localDay } from "./grounded-dates.ts"
import { type Fact, factsIn, keyOf, sentencesIn } from "./summary-facts.ts"
import { keeps, lossOf } from "./summary-keeps.ts"
import { datesIn } from "./reading-dates.ts"
import { type SummarySource, unnamed } from "./summary-sources.ts"

export const extractMade = "extract-1"
/** A sentence beyond is told only for a fact. */
const longFrom = 300
/** An extract has room for so much, and for so much more with each event; what does not fit stays out. */
const charsBase = 1_200
const charsPerEvent = 1_000
const charsMax = 24_000
/** One event of which more would have to be told is no matter for a summary: it stays as it is. */
const eventCharsMax = 2_000
/** Beyond what the facts need, so many sentences say what the rest was about. */
const sentencesWanted = 6
const perSourceMax = 3
/** What a day or a person was about is told by so many of them. */
const subjectsMax = 5

const plurals: { readonly [what in SummarySource["what"]]: readonly [string, string] } = {
  mail: ["mail", "mails"],
  message: ["message", "messages"],
  note: ["note", "notes"],
  meeting: ["meeting", "meetings"],
  invoice: ["invoice", "invoices"],
  payment: ["payment", "payments"],
  sent: ["mail sent", "mails sent"],
  published: ["publication", "publications"],
}

const counted = (sources: ReadonlyArray<SummarySource>): string =>
  (Object.keys(plurals) as ReadonlyArray<SummarySource["what"]>).flatMap((what) => {
    const n = sources.filter((one) => one.what === what).length
    return n === 0 ? [] : [`${n} ${plurals[what][n === 1 ? 0 : 1]}`]
  }).join(", ")

const bare = (subject: string) =>
  subject.replace(/^(?:(?:re|aw|antw|sv|fwd?|wg)\s?(?:\[\d{1,4}\])?\s?:\s?)+/i, "").trim()

const namesOf = (sources: ReadonlyArray<SummarySource>): ReadonlyArray<string> => {
  const wrote = sources.map(({ by }) => by).filter((by) =>
    by !== "you" && by !== "" && by !== unnamed
  )
  return [...new Set([...wrote, ...sources.flatMap(({ names }) => names)])]
}

const span = (sources: ReadonlyArray<SummarySource>, timeZone: string): string => {
  const days = sources.map(({ at }) => localDay(at, timeZone)).sort()
  const [first = "", last = ""] = [days[0], days.at(-1)]
  return first === last ? dayWords(first) : `${dayWords(first)} to ${dayWords(last)}`
}

/** What the subject is, in one line. */
export const headOf = (
  of: Subject["of"],
  sources: ReadonlyArray<SummarySource>,
  timeZone: string,
  key = "",
): string => {
  const names = namesOf(sources)
  const who = names.join(", ")
  const subjects = [
    ...new Set(sources.map(({ subject }) => bare(subject)).filter((one) => one !== "")),
  ]
  const about = subjects.slice(0, subjectsMax).join("; ")
  const from = of === "thread" ? subjects[0] ?? "" : of === "campaign" ? about : ""
  const with_ = who === "" ? "" : of === "thread" || of === "campaign" ? `with ${who}` : who
  const parts = [from, with_].filter((part) => part !== "")
  // What an older invoice came to on a day belongs to that day.
  if (of === "day") return `${[dayWords(key), ...parts, counted(sources)].join(" · ")}.`
  return `${[...parts, `${counted(sources)}, ${span(sources, timeZone)}`].join(" · ")}.`
}

/** The place of a sentence among those of its source. */
interface Candidate {
  readonly source: SummarySource
  readonly sentence: string
  readonly place: number
}

const worth = ({ place, sentence, source }: Candidate): number =>
  (sentence.endsWith("?") ? 1 : 0) + (place === 0 ? 0.6 : 0) + (source.by === "you" ? 0 : 0.3) +
  (sentence.length < 40 ? -0.3 : 0) + (sentence.length > longFrom ? -0.5 : 0) +
  (/\b(?:please|need|want|offer|agree|accept|cancel|hold|sorry|bitte|brauche|möchte|angebot)/i
      .test(sentence)
    ? 0.4
    : 0)

/** Says of whom or what only by a word that points back. */
const pointsBack =
  /(?<![\p{L}\d])(?:he|she|they|him|them|hers|theirs|it|er|ihn|ihm)(?![\p{L}\d])|^(?:(?:and|but|so|then|und|aber|also|dann) )?(?:this|that|these|those|es|das|dies) (?=\p{Ll})|(?<![\p{L}\d])(?:one|ones|some|this|that|these|those|welche[rsn]?|eine[rsn]?|es)[.?!]/iu

/** The sentences to tell of each source: all that carry a fact, what they point back to, and some of the rest. */
const chosen = (
  sources: ReadonlyArray<SummarySource>,
  facts: ReadonlyArray<Fact>,
): ReadonlyMap<SummarySource, ReadonlyArray<string>> => {
  const all = sources.map((source) =>
    sentencesIn(source).map((sentence, place): Candidate => ({ source, sentence, place }))
  )
  // The same mail in two folders, or a sentence that somebody repeats, is told once: where it was said last.
  const saidBy = ({ sentence, source: { by, person = "" } }: Candidate) =>
    `${person} ${by} ${sentence}`
  const last = new Map(all.flat().map((one) => [saidBy(one), one]))
  const candidates = all.flat().filter((one) => last.get(saidBy(one)) === one)
  const carrying = new Set(facts.map(({ event, sentence }) => `${event} ${sentence}`))
  const taken = new Set(
    candidates.filter(({ sentence, source }) => carrying.has(`${source.event} ${sentence}`)),
  )
  const perSource = new Map<string, number>()
  for (const { source: { event } } of taken) perSource.set(event, (perSource.get(event) ?? 0) + 1)
  const rest = candidates.filter((one) => !taken.has(one)).sort((a, b) => worth(b) - worth(a))
  // First those who have not been heard yet, then what else is worth telling.
  for (const most of [1, perSourceMax]) {
    for (const one of rest) {
      // Beyond what tells enough, what somebody wants to know is told.
      if (most > 1 && taken.size >= sentencesWanted && !one.sentence.endsWith("?")) continue
      const n = perSource.get(one.source.event) ?? 0
      if (taken.has(one) || n >= most || (most > 1 && worth(one) < 0)) continue
      taken.add(one)
      perSource.set(one.source.event, n + 1)
    }
  }
  for (const mine of all) {
    // From the end, so that what is taken along may point back in turn.
    for (const one of mine.toReversed()) {
      const before = mine[one.place - 1]
      if (taken.has(one) && before !== undefined && pointsBack.test(one.sentence)) {
        taken.add(before)
      }
    }
  }
  return new Map(sources.map((source, n) => [
    source,
    (all[n] ?? []).filter((one) => taken.has(one)).map(({ sentence }) => sentence),
  ]))
}

const lineHead = (
  of: Subject["of"],
  source: SummarySource,
  timeZone: string,
  titled: string,
): string => {
  const who = source.by === "you" ? "you" : source.by
  const to = source.by === "you" && source.names.length > 0 && of !== "thread"
    ? ` to ${source.names[0]}`
    : ""
  const subject = bare(source.subject)
  const about = subject === "" || subject === titled ? "" : ` (${subject})`
  const when = of === "day" ? "" : `${dayWords(localDay(source.at, timeZone))}, `
  return source.what === "invoice" || source.what === "payment" || source.what === "meeting"
    ? `${when}${source.what}`
    : `${when}${who}${to}${about}`
}

const weekday =
  /^(?:(?:next|nächste[nrm]?|kommende[nrm]?|this|diese[nrm]?) )?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch)/i
const nearDay = /^(?:tomorrow|today|(?:bis )?morgen|heute|übermorgen)/i
/** A weekday alone may be any (`you saved our Sunday`); with these around it, it is one to come. */
const toCome =
  /(?<!\p{L})(?:on|by|until|till|before|from|next|bis|am|ab|vor|zum)(?: (?:next|this))? $/iu
const atHour = /^ (?:at|um|from|ab|\d)/i

/** `I wrote on Wednesday`: that one is over. */
const isOver =
  /(?<!\p{L})(?:wrote|was|were|had|sent|met|called|came|asked|said|ago|last|schrieb|schrieben|war|waren|hatten?|letzten?)(?!\p{L})/iu

/** A note of what the days meant that a sentence only points to. */
const meant = (
  sentence: string,
  facts: ReadonlyArray<Fact>,
  { at, event }: SummarySource,
  timeZone: string,
): string => {
  const days = facts.filter((fact) =>
    fact.event === event && fact.kind === "promise" && fact.sentence === sentence &&
    fact.days.length > 0 &&
    // What is written out needs no note.
    !daysIn(sentence).some(({ days }) => days.some((day) => fact.days[0]?.endsWith(day) === true))
  ).map(({ words }) => words)
  if (days.length === 0 && isOver.test(sentence)) return ""
  if (days.length > 0) return ` [by ${[...new Set(days)].join(", ")}]`
  const named = datesIn(sentence, { sentAt: at, timeZone, dayEndsAt: "17:00" })
    .filter(({ end, start }) => {
      const words = sentence.slice(start, end)
      return nearDay.test(words) || (weekday.test(words) &&
        (toCome.test(sentence.slice(0, start)) || atHour.test(sentence.slice(end))))
    })
    .map(({ dueAt }) => dayWords(localDay(dueAt, timeZone)))
  return named.length === 0 ? "" : ` [${[...new Set(named)].join(", ")}]`
}

/** What is told of one source; undefined where nothing is. */
const lineOf = (
  of: Subject["of"],
  source: SummarySource,
  sentences: ReadonlyArray<string>,
  facts: ReadonlyArray<Fact>,
  timeZone: string,
  titled: string,
): string | undefined => {
  if (sentences.length === 0) return undefined
  const isOurs = source.what === "invoice" || source.what === "payment" || source.what === "meeting"
  const said = isOurs
    ? sentences
    : sentences.map((sentence) => `“${sentence}”${meant(sentence, facts, source, timeZone)}`)
  return `${lineHead(of, source, timeZone, titled)}: ${said.join(" ")}`
}

const roomFor = (events: number) => Math.min(charsMax, charsBase + charsPerEvent * events)

/**
 * Those of which something is told, and nothing that matters is lost: a summary may stand for them. Word
 * for word is looked for first, since the other ways take longer.
 */
export const standsFor = (
  text: string,
  sources: ReadonlyArray<SummarySource>,
  isTold: (source: SummarySource) => boolean,
  timeZone: string,
): ReadonlyArray<SummarySource> => {
  // Who else said the same is seen from all of them together.
  const givers = new Map(factsIn(sources, timeZone).map((fact) => [keyOf(fact), fact.givers]))
  const facts = new Map(sources.map((source) => [
    source,
    factsIn([source], timeZone).map((fact) => {
      const who = givers.get(keyOf(fact))
      return who === undefined ? fact : { ...fact, givers: who }
    }),
  ]))
  const told = new Set(
    [...facts.values()].flat().filter((fact) =>
      fact.givers === undefined && fact.sentence !== "" && text.includes(fact.sentence)
    ).map(keyOf),
  )
  // A name means the same whoever says it; what else is said does not.
  const isSaid = (fact: Fact): boolean => {
    if (told.has(keyOf(fact))) return true
    const isHere = keeps(text, fact, timeZone)
    if (isHere && fact.kind === "name") told.add(keyOf(fact))
    return isHere
  }
  return sources.filter((source) => isTold(source) && (facts.get(source) ?? []).every(isSaid))
}

/** Whether a sentence of it is in the text. */
export const isQuoted = (text: string) => (source: SummarySource): boolean =>
  sentencesIn(source).some((sentence) => text.includes(sentence))

export interface Extract {
  readonly text: string
  /** What it stands for, and is made of. */
  readonly stands: ReadonlyArray<SummarySource>
  /** So many did not fit, and stay as they are: those of which too much would have to be told, and the newest. */
  readonly beyond: number
  /** What it could not keep, where it stands for nothing because of that. */
  readonly lost: ReadonlyArray<string>
}

/** The whole text: a head, then a line for each source that is told. */
export const extractOf = (
  subject: Pick<Subject, "key" | "of">,
  all: ReadonlyArray<SummarySource>,
  timeZone: string,
): Extract => {
  const { of } = subject
  let beyond = 0
  let lost: ReadonlyArray<string> = []
  let sources = all
  // Each round leaves some out, or is the last.
  while (sources.length > 0) {
    const facts = factsIn(sources, timeZone)
    const told = chosen(sources, facts)
    const titled = of === "thread" ? bare(sources[0]?.subject ?? "") : ""
    const lines = sources.map((source) =>
      lineOf(of, source, told.get(source) ?? [], facts, timeZone, titled)
    )
    const fitting = sources.filter((_, n) => (lines[n]?.length ?? 0) <= eventCharsMax)
    if (fitting.length < sources.length) {
      beyond += sources.length - fitting.length
      sources = fitting
      continue
    }
    const text = [
      headOf(of, sources, timeZone, subject.key),
      ...lines.filter((line) => line !== undefined),
    ].join("\n")
    let [length, left] = [text.length, sources.length]
    while (left > 0 && length > roomFor(left)) length -= (lines[--left]?.length ?? 0) + 1
    if (left < sources.length) {
      beyond += sources.length - left
      sources = sources.slice(0, left)
      continue
    }
    const stands = standsFor(text, sources, isQuoted(text), timeZone)
    if (stands.length === sources.length) return { text, stands, beyond, lost: [] }
    if (stands.length === 0) lost = facts.filter((fact) => !keeps(text, fact, timeZone)).map(lossOf)
    sources = stands
  }
  return { text: "", stands: [], beyond, lost }
}

/** What the frame says that no source does: how many there are, and of which day. */
export const frameOf = (
  { key, of }: Pick<Subject, "key" | "of">,
  sources: ReadonlyArray<SummarySource>,
): string => of === "day" ? `${counted(sources)}, ${key}` : counted(sources)
