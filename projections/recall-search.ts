/**
 * Finds what is remembered about a question: by words and by meaning, joined by reciprocal rank fusion, so
 * that neither kind of score has to be compared with the other. What is important, recent, or of a person
 * the question names comes a little earlier; what says the same twice comes once.
 */
import { Effect } from "effect"
import type { Vault } from "../actors/vault.ts"
import type { EventLog } from "../actors/event-log.ts"
import type { BlobStore } from "../actors/blob-store.ts"
import type { MemoryIndexShape } from "./memory-index.ts"
import { attempt, isFound } from "./memory-indexer-words.ts"
import { type MemoryItem, type Tier, tierAsOf } from "./memory-items.ts"
import { itemById } from "./memory-rows.ts"
import { type OpenedText, textOfItem } from "./memory-texts.ts"
import type { Passage } from "./passage-index.ts"
import { termsIn, termsOfQuestion } from "./passage-words.ts"
import type { ReadStore } from "./read-store.ts"

/** Of each list so many are joined, and for more answers twice as many as are wanted: deep places are chance. */
const joinedMin = 30
/** Looked for on each side. */
const candidatesMax = 200
/** Of reciprocal rank fusion, as its authors chose it: how much a first place outweighs a tenth. */
const fusionK = 60
/** Vectors this far apart are of texts that have nothing to do with each other. */
const similarityMin = 0.2
/** What has the very words comes before what is only near, all else being equal. */
const nearWeight = 0.98
/** A passage with this part of what the question's words tell is meant, whatever a vector says of it. */
const coveredMin = 0.6
/** Fewer words than these may stand in it by chance. */
const coveredTermsMin = 2
/**
 * How much each can add to a score. Places of a list differ by hundredths, so these decide among neighbours
 * only; greater ones made the answers over the sample company worse.
 */
const weights = {
  importance: 0.02,
  recency: 0.02,
  named: 0.3,
  suspect: -0.5,
  summary: -0.1,
  listing: -0.15,
}
/** After so long recency counts half. */
const recencyMillis = 90 * 24 * 60 * 60 * 1000
/** Texts that share this part of their words say the same. */
const sameMin = 0.85
/** Fewer words than these are a greeting, not the same text. */
const sameWordsMin = 5
const charsPerToken = 4
export const limitDefault = 10
export const tokensMaxDefault = 1_000
/** So little is left of the budget that no further text is begun. */
const tokensMin = 20

export interface Searched {
  readonly index: MemoryIndexShape
  readonly store: ReadStore["Service"]
  readonly log: EventLog["Service"]
  readonly vault: typeof Vault.Service
  readonly blobs: BlobStore["Service"]
  readonly timeZone: string
  /** How a person is called; empty where nobody knows. */
  readonly nameOf: (person: string) => Effect.Effect<string>
}

export interface Question {
  readonly about: string
  readonly person?: string
  /** As of then, by position of the log. */
  readonly positionMax?: number
  readonly limit: number
  readonly tokensMax: number
  /** Epoch ms, for what is recent. */
  readonly now: number
  /** Without looking by meaning. */
  readonly wordsOnly?: boolean
}

export interface Found {
  readonly item: MemoryItem
  readonly tier: Tier
  /** 0 to 1. */
  readonly score: number
  readonly text: string
  readonly opened: OpenedText
}

export interface Answer {
  readonly found: ReadonlyArray<Found>
  readonly mode: "hybrid" | "lexical"
  /** Why it was not looked for by meaning. */
  readonly problem?: string
}

export interface Candidate {
  readonly item: MemoryItem
  readonly tier: Tier
  readonly passage: Passage
  readonly score: number
}

/** Reciprocal ranks of passages, added over the lists they are in. */
export const fused = (
  byWords: ReadonlyArray<string>,
  byMeaning: ReadonlyArray<string>,
  /** Part of the vectors that are there: what has none yet is not to be less for it. */
  covered: number,
  /** These are as near as they are good by words, at least. */
  meant: ReadonlySet<string> = new Set(),
): ReadonlyMap<string, number> => {
  const scores = new Map<string, number>()
  const near = new Map(byMeaning.map((id, rank) => [id, rank]))
  for (const [rank, id] of byWords.entries()) {
    scores.set(id, 1 / (fusionK + rank + 1))
    if (meant.has(id)) near.set(id, Math.min(near.get(id) ?? rank, rank))
  }
  for (const [id, rank] of near) {
    scores.set(id, (scores.get(id) ?? 0) + nearWeight * covered / (fusionK + rank + 1))
  }
  return scores
}

/**
 * Passages that hold most of what the question's words tell: of those that share a word with it, a word in
 * few of them tells more than one in many, and one in none of them tells nothing.
 */
export const meantBy = (
  question: string,
  passages: ReadonlyArray<Pick<Passage, "id" | "text">>,
): ReadonlySet<string> => {
  const asked = termsOfQuestion(question)
  const holding = passages.map(({ id, text }) => {
    const terms = new Set(termsIn(text))
    return { id, terms: asked.filter((term) => terms.has(term)) }
  })
  const weights = new Map(asked.flatMap((term) => {
    const n = holding.filter(({ terms }) => terms.includes(term)).length
    return n === 0 ? [] : [[term, Math.log(1 + passages.length / n)] as const]
  }))
  const told = (terms: Iterable<string>) =>
    [...terms].reduce((sum, term) => sum + (weights.get(term) ?? 0), 0)
  const all = told(weights.keys())
  return new Set(
    holding.filter(({ terms }) =>
      terms.length >= coveredTermsMin && told(terms) >= coveredMin * all
    ).map(({ id }) => id),
  )
}

export const isSame = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean => {
  if (Math.min(a.size, b.size) < sameWordsMin) return false
  let shared = 0
  for (const one of a) if (b.has(one)) shared++
  return shared / (a.size + b.size - shared) >= sameMin
}

const bodyOf = ({ text }: Passage) => text.slice(text.indexOf("\n") + 1)

/** Each thing once: one passage of an item, one of texts that say the same, the source before its summary. */
export const distinct = (ranked: ReadonlyArray<Candidate>): ReadonlyArray<Candidate> => {
  const kept: Array<{ readonly one: Candidate; readonly words: ReadonlySet<string> }> = []
  const items = new Set<string>()
  const sources = new Set(
    ranked.filter(({ item }) => item.what !== "summary").map(({ item }) => item.id),
  )
  for (const one of ranked) {
    if (items.has(one.item.id)) continue
    if (one.item.what === "summary" && one.item.events.some((id) => sources.has(id))) continue
    const words = new Set(termsIn(bodyOf(one.passage)))
    const twin = kept.some((other) =>
      other.one.item.person === one.item.person && isSame(words, other.words)
    )
    items.add(one.item.id)
    if (!twin) kept.push({ one, words })
  }
  return kept.map(({ one }) => one)
}

/** Passage of the text without its title, at most so many tokens, on one place around what matched. */
const cutTo = (text: string, tokens: number): string => {
  const most = tokens * charsPerToken
  return text.length <= most ? text : `${text.slice(0, Math.max(0, most - 1)).trimEnd()}…`
}

export const tokensOf = (text: string): number => Math.ceil(text.length / charsPerToken)

const recency = (at: number, now: number) => 1 / (1 + Math.max(0, now - at) / recencyMillis)

/** Weighs candidates by what is known of their items. */
const weighed = Effect.fnUntraced(function* (
  { nameOf, store }: Pick<Searched, "nameOf" | "store">,
  question: Question,
  passages: ReadonlyArray<Passage>,
  scores: ReadonlyMap<string, number>,
) {
  const asked = new Set(termsOfQuestion(question.about))
  const named = new Map<string, boolean>()
  const isNamed = Effect.fnUntraced(function* (person: string | undefined) {
    if (person === undefined) return false
    const known = named.get(person)
    if (known !== undefined) return known
    const found = termsIn(yield* nameOf(person)).some((term) => asked.has(term))
    named.set(person, found)
    return found
  })
  const positionMax = question.positionMax ?? Infinity
  const candidates: Array<Candidate> = []
  const stale: Array<string> = []
  for (const passage of passages) {
    const item = yield* attempt(() => itemById(store, passage.item))
    if (item === undefined || !isFound(item)) {
      stale.push(passage.item)
      continue
    }
    const tier = tierAsOf(item, positionMax)
    if (tier === undefined) continue
    const factor = 1 + weights.importance * item.importance +
      weights.recency * recency(item.at, question.now) +
      ((yield* isNamed(item.person)) ? weights.named : 0) +
      (item.suspect === true ? weights.suspect : 0) +
      (item.what === "summary" ? weights.summary : 0) +
      (item.what === "listing" ? weights.listing : 0)
    candidates.push({ item, tier, passage, score: (scores.get(passage.id) ?? 0) * factor })
  }
  candidates.sort((a, b) => b.score - a.score || b.item.position - a.item.position)
  return { candidates, stale }
})

/** Greatest score there can be: by it scores are made comparable with 1. */
const scoreMax = (isHybrid: boolean) =>
  (isHybrid ? 1 + nearWeight : 1) / (fusionK + 1) *
  (1 + weights.importance + weights.recency + weights.named)

/** Opens the best of them until limit or budget are reached; what cannot be opened is forgotten. */
export const openBest = Effect.fnUntraced(function* (
  searched: Searched,
  ranked: ReadonlyArray<Candidate>,
  question: Pick<Question, "limit" | "tokensMax">,
  scoreOf: (candidate: Candidate) => number,
) {
  const found: Array<Found> = []
  const forgotten: Array<string> = []
  let left = question.tokensMax
  for (const candidate of ranked) {
    if (found.length >= question.limit || left < tokensMin) break
    const { item, passage, tier } = candidate
    const opened = yield* textOfItem(searched, item)
    if (opened === undefined) {
      forgotten.push(item.id)
      continue
    }
    const text = cutTo(passage.text, left)
    left -= tokensOf(text)
    found.push({ item, tier, score: Math.min(1, scoreOf(candidate)), text, opened })
  }
  return { found, forgotten }
})

/** What is no longer remembered goes from the index, wherever it is found there. */
export const purge = ({ index }: Searched, items: ReadonlyArray<string>) =>
  attempt(() => {
    const checkpoint = index.passages.checkpoint()
    if (items.length === 0 || checkpoint === undefined) return
    index.passages.apply({ put: [], drop: items, checkpoint })
  })

export const search = Effect.fn("Recall.search")(function* (
  searched: Searched,
  question: Question,
) {
  const { index } = searched
  const { about, person, positionMax } = question
  const options = {
    limit: Math.min(candidatesMax, Math.max(joinedMin, 2 * question.limit)),
    ...(person === undefined ? {} : { person }),
    ...(positionMax === undefined ? {} : { positionMax }),
  }
  const near = question.wordsOnly === true
    ? { found: [], covered: 0, problem: "" }
    : yield* index.near(about, options)
  const byWords = yield* attempt(() => index.passages.search({ words: about, ...options }))
  const isHybrid = near.found.length > 0
  const related = near.found.filter(({ similarity }) => similarity >= similarityMin)
  const wordIds = new Set(byWords.map(({ id }) => id))
  const passages = yield* attempt(() =>
    index.passages.get([...new Set([...wordIds, ...related.map(({ id }) => id)])])
  )
  const scores = fused(
    [...wordIds],
    related.map(({ id }) => id),
    near.covered,
    isHybrid ? meantBy(about, passages.filter(({ id }) => wordIds.has(id))) : new Set(),
  )
  const { candidates, stale } = yield* weighed(searched, question, passages, scores)
  const best = scoreMax(isHybrid)
  const { found, forgotten } = yield* openBest(
    searched,
    distinct(candidates),
    question,
    ({ score }) => score / best,
  )
  yield* purge(searched, [...new Set([...stale, ...forgotten])])
  return {
    found,
    mode: isHybrid ? "hybrid" : "lexical",
    ...(near.problem === undefined || near.problem === "" ? {} : { problem: near.problem }),
  } satisfies Answer
})
