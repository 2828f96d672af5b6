/**
 * The same question put to the events themselves, of the log or of a segment of the archive: each is opened
 * and weighed by its words, without the index and without vectors. Slow, and it finds what is in no index
 * any more.
 */
import { Effect, Option, Stream } from "effect"
import type { EventLog, LogUnavailable, RecordedEvent } from "../actors/event-log.ts"
import { attempt } from "./memory-indexer-words.ts"
import { type MemoryItem, tierAsOf } from "./memory-items.ts"
import { passagesOf } from "./memory-passages.ts"
import { itemById } from "./memory-rows.ts"
import { textOfEvent } from "./memory-texts.ts"
import type { Passage } from "./passage-index.ts"
import { beginningIn, termsIn, termsOfQuestion } from "./passage-words.ts"
import {
  type Candidate,
  distinct,
  openBest,
  type Question,
  type Searched,
} from "./recall-search.ts"

const pageEventsMax = 500
/** Passages that share a word with the question, kept until all are known; the poorest go first. */
const matchesMax = 5_000
/** Of BM25, as everywhere. */
const k1 = 1.2
const b = 0.75

interface Match {
  readonly item: MemoryItem
  readonly passage: Passage
  /** How often each term of the question is in it, by place. */
  readonly counts: ReadonlyArray<number>
  readonly length: number
}

const total = (counts: ReadonlyArray<number>) => counts.reduce((sum, n) => sum + Math.min(n, 1), 0)

/** Counts the question's words in a text; undefined where there are none. */
const counted = (terms: ReadonlyArray<string>, beginning: string | undefined, text: string) => {
  const words = termsIn(text)
  const counts = terms.map((term) => words.filter((word) => word === term).length)
  if (beginning !== undefined) {
    counts.push(words.filter((word) => word.startsWith(beginning)).length)
  }
  return { counts, length: words.length, some: counts.some((n) => n > 0) }
}

/** All of the log, from its first event on. */
export const eventsOfLog = (
  log: EventLog["Service"],
): Stream.Stream<ReadonlyArray<RecordedEvent>, LogUnavailable> =>
  Stream.paginate(0, (from) =>
    Effect.map(log.readAll({ from, limit: pageEventsMax }), (page) => {
      const last = page.at(-1)
      return [[page], last === undefined ? Option.none() : Option.some(last.position + 1)] as const
    }))

/** `pages`: the events to look at, in order of position. */
export const searchDeep = Effect.fn("Recall.searchDeep")(function* <E>(
  searched: Searched,
  question: Question,
  pages: Stream.Stream<ReadonlyArray<RecordedEvent>, E>,
) {
  const { store } = searched
  const terms = termsOfQuestion(question.about)
  const beginning = beginningIn(question.about)
  const positionMax = question.positionMax ?? Infinity
  const holding = [...terms.map(() => 0), ...(beginning === undefined ? [] : [0])]
  let matches: Array<Match> = []
  let passages = 0
  let words = 0
  const look = Effect.fnUntraced(function* (page: ReadonlyArray<RecordedEvent>) {
    for (const event of page) {
      if (event.position > positionMax) return false
      const item = yield* attempt(() => itemById(store, event.id))
      if (item === undefined || item.stream !== event.stream) continue
      if (tierAsOf(item, positionMax) === undefined) continue
      if (question.person !== undefined && item.person !== question.person) continue
      const opened = yield* textOfEvent(searched, event)
      if (opened === undefined) continue
      for (const passage of passagesOf(item, opened)) {
        passages++
        const { some, ...found } = counted(terms, beginning, passage.text)
        words += found.length
        if (!some) continue
        for (const [place, n] of found.counts.entries()) if (n > 0) holding[place]!++
        matches.push({ item, passage, ...found })
      }
    }
    if (matches.length > 2 * matchesMax) {
      matches = matches.sort((one, other) => total(other.counts) - total(one.counts))
        .slice(0, matchesMax)
    }
    yield* Effect.yieldNow
    return true
  })
  yield* Stream.runForEachWhile(pages, look)
  const average = words / Math.max(1, passages) || 1
  const weights = holding.map((n) => Math.log(1 + (passages - n + 0.5) / (n + 0.5)))
  const most = weights.reduce((sum, one) => sum + one * (k1 + 1), 0) || 1
  const ranked = matches.map(({ counts, item, length, passage }): Candidate => {
    const norm = k1 * (1 - b + b * length / average)
    const score = counts.reduce(
      (sum, n, place) => sum + (weights[place] ?? 0) * n * (k1 + 1) / (n + norm),
      0,
    )
    const tier = tierAsOf(item, positionMax) ?? item.tier
    return { item, tier, passage, score: item.suspect === true ? score / 2 : score }
  }).sort((one, other) => other.score - one.score || other.item.position - one.item.position)
  const { found } = yield* openBest(
    searched,
    distinct(ranked),
    question,
    ({ score }) => score / most,
  )
  return found
})
