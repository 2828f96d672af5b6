/**
 * A summary made by rules, where there is no model or what it wrote was refused: the sentences that carry
 * the key facts, word for word and in order, with who said them and when. A date that was only meant
 * (`by Friday`) is told with its day. The same events give the same text.
 */
import type { Subject } from "../machines/memory.ts"
import { daysIn, dayWords, localDay } from "./grounded-dates.ts"
import { type Fact, says, sentencesIn } from "./summary-facts.ts"
import { datesIn } from "./reading-dates.ts"
import type { SummarySource } from "./summary-sources.ts"

export const extractMade = "extract-1"
/** Longer sentences are cut. */
const sentenceCharsMax = 300
const sentencesMax = 12
/** Beyond what the facts need, so many sentences say what the rest was about. */
const sentencesWanted = 6
const perSourceMax = 3
const namesMax = 6
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
  const wrote = sources.map(({ by }) => by).filter((by) => by !== "you" && by !== "")
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
  const who = names.slice(0, namesMax).join(", ") + (names.length > namesMax ? " and others" : "")
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

/** Cut at a word, around the fact that must be seen. */
const cutTo = (sentence: string): string => {
  if (sentence.length <= sentenceCharsMax) return sentence
  const end = sentence.lastIndexOf(" ", sentenceCharsMax - 1)
  return `${sentence.slice(0, end > 0 ? end : sentenceCharsMax - 1)}…`
}

interface Candidate {
  readonly source: SummarySource
  readonly sentence: string
  /** Place among all sentences. */
  readonly place: number
  readonly isFirst: boolean
}

const worth = ({ isFirst, sentence, source }: Candidate): number =>
  (sentence.endsWith("?") ? 1 : 0) + (isFirst ? 0.6 : 0) + (source.by === "you" ? 0 : 0.3) +
  (sentence.length < 40 ? -0.3 : 0) +
  (/\b(?:please|need|want|offer|agree|accept|cancel|hold|sorry|bitte|brauche|möchte|angebot)/i
      .test(sentence)
    ? 0.4
    : 0)

/** The sentences to tell, in order. */
const chosen = (
  sources: ReadonlyArray<SummarySource>,
  important: ReadonlyArray<Fact>,
  timeZone: string,
): ReadonlyArray<Candidate> => {
  let place = 0
  const candidates = sources.flatMap((source) =>
    sentencesIn(source).map((sentence, n): Candidate => ({
      source,
      sentence: cutTo(sentence),
      place: place++,
      isFirst: n === 0,
    }))
  ).filter((one, n, all) =>
    // The same mail in two folders, or a sentence that is repeated, is told once: where it was said last.
    !all.slice(n + 1).some(({ sentence }) => sentence === one.sentence)
  )
  const taken = new Set<Candidate>()
  // Names are told in the head.
  let open = important.filter(({ kind, sentence }) => kind !== "name" || sentence !== "")
  const covers = (one: Candidate) =>
    open.filter((fact) => fact.event === one.source.event && says(one.sentence, fact, timeZone))
  while (open.length > 0 && taken.size < sentencesMax) {
    const best = candidates.filter((one) => !taken.has(one))
      .map((one) => ({ one, covered: covers(one) }))
      .filter(({ covered }) => covered.length > 0)
      .sort((a, b) => b.covered.length - a.covered.length || a.one.place - b.one.place)[0]
    if (best === undefined) break
    taken.add(best.one)
    open = open.filter((fact) => !best.covered.includes(fact))
  }
  const rest = candidates.filter((one) => !taken.has(one)).sort((a, b) =>
    worth(b) - worth(a) || a.place - b.place
  )
  const perSource = new Map<string, number>()
  for (const { source: { event } } of taken) perSource.set(event, (perSource.get(event) ?? 0) + 1)
  // First those who have not been heard yet, then what else is worth telling.
  for (const most of [1, perSourceMax]) {
    for (const one of rest) {
      // Everybody is heard, as far as there is room.
      if (taken.size >= (most === 1 ? sentencesMax : sentencesWanted)) break
      const n = perSource.get(one.source.event) ?? 0
      if (taken.has(one) || n >= most || (most > 1 && worth(one) < 0)) continue
      taken.add(one)
      perSource.set(one.source.event, n + 1)
    }
  }
  return [...taken].sort((a, b) => a.place - b.place)
}

const lineHead = (of: Subject["of"], source: SummarySource, timeZone: string): string => {
  const who = source.by === "you" ? "you" : source.by
  const to = source.by === "you" && source.names.length > 0 && of !== "thread"
    ? ` to ${source.names[0]}`
    : ""
  const about = of === "thread" || bare(source.subject) === "" ? "" : ` (${bare(source.subject)})`
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

/** A note of what the days meant that a sentence only points to. */
const meant = (
  sentence: string,
  facts: ReadonlyArray<Fact>,
  { at, event }: SummarySource,
  timeZone: string,
): string => {
  const days = facts.filter((fact) =>
    fact.event === event && fact.sentence !== "" &&
    fact.kind === "promise" && fact.sentence.startsWith(sentence.replace(/…$/, "")) &&
    // What is written out needs no note.
    !daysIn(sentence).some(({ days }) => days.some((day) => fact.days[0]?.endsWith(day) === true))
  ).map(({ words }) => words)
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

/** The whole text: a head, then a line for each source that is told. */
export const extractOf = (
  { key, of }: Pick<Subject, "key" | "of">,
  sources: ReadonlyArray<SummarySource>,
  facts: ReadonlyArray<Fact>,
  important: ReadonlyArray<Fact>,
  timeZone: string,
): string => {
  if (sources.length === 0) return ""
  const lines: Array<string> = [headOf(of, sources, timeZone, key)]
  const told = chosen(sources, important, timeZone)
  for (const source of sources) {
    const sentences = told.filter((one) => one.source === source)
    if (sentences.length === 0) continue
    const quotes = sentences.map(({ sentence }) =>
      `“${sentence}”${meant(sentence, facts, source, timeZone)}`
    )
    const isOurs = source.what === "invoice" || source.what === "payment" ||
      source.what === "meeting"
    lines.push(
      `${lineHead(of, source, timeZone)}: ${
        isOurs ? sentences.map(({ sentence }) => sentence).join(" ") : quotes.join(" ")
      }`,
    )
  }
  return lines.join("\n")
}

/** What the frame says that no source does: how many there are, and of which day. */
export const frameOf = (
  { key, of }: Pick<Subject, "key" | "of">,
  sources: ReadonlyArray<SummarySource>,
): string => of === "day" ? `${counted(sources)}, ${key}` : counted(sources)
