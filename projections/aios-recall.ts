/**
 * `recall`: what is remembered about a question, each with where it is known from. Answers are kept until
 * something new is remembered; that what they show can still be opened is tried each time.
 */
import { Clock, Effect } from "effect"
import { BlobStore } from "../actors/blob-store.ts"
import { EventLog } from "../actors/event-log.ts"
import { sha256Hex } from "../actors/ids.ts"
import { currentSettings } from "../actors/settings.ts"
import { Vault } from "../actors/vault.ts"
import { segmentEvents } from "./aios-archive.ts"
import { door, refuse } from "./aios-failures.ts"
import type { Hit, Recalled, RecallOptions } from "./aios-memory.ts"
import { noSuchPerson, personNamed } from "./aios-persons.ts"
import { listOf, numberOf, objectOf, textOf, textsOf } from "./fields.ts"
import { MemoryIndex, type MemoryIndexShape } from "./memory-index.ts"
import { attempt } from "./memory-indexer-words.ts"
import { itemById, lastChange } from "./memory-rows.ts"
import { textOfItem } from "./memory-texts.ts"
import { Queries } from "./queries.ts"
import { eventsOfLog, searchDeep } from "./recall-deep.ts"
import {
  type Found,
  limitDefault,
  type Question,
  search,
  type Searched,
  tokensMaxDefault,
} from "./recall-search.ts"
import { ReadStore } from "./read-store.ts"

const limitMax = 100
const tokensLimit = 100_000
const questionCharsMax = 2_000
/** Of answers that are kept, the oldest goes first. */
const answersMax = 200
const answersKey = "answers"
/** Among so many events the first that is remembered is looked for. */
const firstEventsMax = 2_000

const noMemory = refuse(
  "failed",
  "NoMemory",
  "The index of memory cannot be opened here. aios doctor says why; memory.db in the data " +
    "directory may be deleted, it is made anew from the log.",
)

const wrong = (message: string) => refuse("usage", "InvalidValue", message)

/** Position of the last event that was recorded by then; -1 before the first. */
export const positionAt = Effect.fnUntraced(function* (at: number) {
  const log = yield* EventLog
  const after = Effect.fnUntraced(function* (position: number) {
    const [event] = yield* log.readAll({ from: position, limit: 1 })
    return event === undefined || event.metadata.at > at
  })
  // Positions grow with the time of recording: the first that is too late is found by halving.
  let low = 0
  let high = (yield* log.head) + 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (yield* after(middle)) high = middle
    else low = middle + 1
  }
  return low - 1
})

/** Names by person, as long as nothing new is remembered; they weigh and are never shown. */
const names = new WeakMap<
  MemoryIndexShape,
  { readonly change: number; readonly known: Map<string, string> }
>()

/** How people are called, asked once each. */
const namesOf = (queries: Queries["Service"], index: MemoryIndexShape, change: number) => {
  const before = names.get(index)
  const kept = before?.change === change ? before : { change, known: new Map<string, string>() }
  names.set(index, kept)
  return (person: string): Effect.Effect<string> =>
    Effect.gen(function* () {
      const name = kept.known.get(person)
      if (name !== undefined) return name
      const found = yield* Effect.orElseSucceed(queries.person(person), () => undefined)
      // A domain is made of everyday words: `books`, `shop`.
      const words = found?.name ?? found?.address?.split("@")[0] ?? ""
      kept.known.set(person, words)
      return words
    })
}

export const searchedHere = Effect.fnUntraced(function* (index: MemoryIndexShape) {
  const log = yield* EventLog
  const vault = yield* Vault
  const { timeZone } = yield* currentSettings
  const store = yield* ReadStore
  const change = yield* attempt(() => lastChange(store))
  return {
    index,
    store,
    log,
    vault,
    blobs: yield* BlobStore,
    timeZone,
    nameOf: namesOf(yield* Queries, index, change),
  } satisfies Searched
})

const hitOf = Effect.fnUntraced(function* ({ item, opened, score, text, tier }: Found) {
  const queries = yield* Queries
  const person = item.person === undefined ? undefined : yield* queries.person(item.person)
  return {
    tier,
    score: Math.round(score * 1e4) / 1e4,
    text,
    events: item.events,
    person: person?.name ?? person?.address ?? opened.who,
    kind: item.kind,
    what: item.what,
    at: item.at,
    ...(item.suspect === true ? { suspect: true as const } : {}),
    ...(opened.source === undefined ? {} : { source: opened.source }),
  } satisfies Hit
})

/** What was answered before, by the question as it was put. */
interface Kept {
  readonly change: string
  readonly mode: "hybrid" | "lexical"
  readonly problem: string
  readonly items: ReadonlyArray<string>
  readonly hits: ReadonlyArray<Hit>
}

const keyOf = (about: string, options: RecallOptions, person: string | undefined) => {
  const { at, limit, position, tokensMax } = options
  const words = about.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").replace(/[?!.\s]+$/, "")
  return `answer:${
    sha256Hex(
      JSON.stringify([
        words.trim(),
        person ?? "",
        ...[at ?? "", position ?? "", limit ?? "", tokensMax ?? ""],
      ]),
    ).slice(0, 32)
  }`
}

const keptIn = (index: MemoryIndexShape, key: string): Kept | undefined => {
  const text = index.passages.note(key)
  if (text === undefined) return undefined
  const row = objectOf(JSON.parse(text))
  return {
    change: textOf(row["change"]),
    mode: row["mode"] === "hybrid" ? "hybrid" : "lexical",
    problem: textOf(row["problem"]),
    items: textsOf(row["items"]),
    hits: listOf(row["hits"]).flatMap((one) => hitIn(objectOf(one)) ?? []),
  }
}

const tiers = ["hot", "warm", "cold"] as const
const kinds = ["person", "product", "campaign", "task"] as const

const hitIn = (row: ReturnType<typeof objectOf>): Hit | undefined => {
  const tier = tiers.find((one) => one === row["tier"])
  const kind = kinds.find((one) => one === row["kind"])
  const { at: place, file } = objectOf(row["source"])
  return tier === undefined || kind === undefined ? undefined : {
    tier,
    kind,
    score: numberOf(row["score"]),
    text: textOf(row["text"]),
    events: textsOf(row["events"]),
    person: textOf(row["person"]),
    what: textOf(row["what"]),
    at: numberOf(row["at"]),
    ...(row["suspect"] === true ? { suspect: true as const } : {}),
    ...(typeof file === "string" ? { source: { file, at: textOf(place) } } : {}),
  }
}

const keepAnswer = (index: MemoryIndexShape, key: string, answer: Kept) => {
  const known = index.passages.note(answersKey)
  const keys = textsOf(known === undefined ? [] : JSON.parse(known)).filter((one) => one !== key)
  for (const old of keys.slice(0, Math.max(0, keys.length + 1 - answersMax))) {
    index.passages.setNote(old, undefined)
  }
  index.passages.setNote(answersKey, JSON.stringify([...keys, key].slice(-answersMax)))
  index.passages.setNote(key, JSON.stringify(answer))
}

/** It was answered before, nothing changed since, and all of it can still be opened. */
const stillStands = Effect.fnUntraced(function* (
  searched: Searched,
  kept: Kept | undefined,
  change: string,
) {
  if (kept === undefined || kept.change !== change) return false
  for (const id of kept.items) {
    const item = yield* attempt(() => itemById(searched.store, id))
    if (item === undefined || (yield* textOfItem(searched, item)) === undefined) return false
  }
  return true
})

/** What the founder is told beside the hits. */
const notesOf = (
  problem: string,
  state: { readonly waiting: number; readonly model: string },
): ReadonlyArray<string> => [
  ...(problem === "" ? [] : [`By words only: ${problem}`]),
  ...(state.waiting > 0 && state.model !== "none" && problem === ""
    ? [`${state.waiting} items wait to be found by meaning: aios start does it in the background`]
    : []),
]

/** Up to where the log is asked; undefined: to its end. */
const positionAsked = Effect.fnUntraced(function* ({ at, position }: RecallOptions) {
  if (position === undefined) return at === undefined ? undefined : yield* door(positionAt(at))
  if (at !== undefined) return yield* wrong("Give either a time or a position, not both.")
  const log = yield* EventLog
  const head = yield* door(log.head)
  if (!Number.isInteger(position) || position < 0 || position > head) {
    return yield* wrong(
      head < 0
        ? "The log is empty: there is no position to ask for yet."
        : `A position is a number from 0 to ${head}, the last one of the log.`,
    )
  }
  return position
})

/** Nothing had been taken in by then: says since when something is known. */
const beganLater = Effect.fnUntraced(function* (
  { log, store, timeZone }: Searched,
  positionMax: number | undefined,
) {
  if (positionMax === undefined) return []
  for (const event of yield* log.readAll({ from: 0, limit: firstEventsMax })) {
    if ((yield* attempt(() => itemById(store, event.id))) === undefined) continue
    if (event.position <= positionMax) return []
    const day = new Intl.DateTimeFormat("en-GB", {
      day: "numeric",
      month: "long",
      year: "numeric",
      timeZone,
    }).format(event.metadata.at)
    return [
      `Before ${day} nothing was known: that is when AIOS was first filled (position ` +
      `${event.position}); --at and --position ask what was known then, not what happened then`,
    ]
  }
  return []
})

const asked = Effect.fnUntraced(function* (about: string, options: RecallOptions) {
  const { limit = limitDefault, tokensMax = tokensMaxDefault } = options
  if (about.trim() === "") return yield* wrong("Say what to recall: a few words or a question.")
  if (about.length > questionCharsMax) {
    return yield* wrong(`A question has at most ${questionCharsMax} characters.`)
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
    return yield* wrong(`--limit is a number from 1 to ${limitMax}.`)
  }
  if (!Number.isInteger(tokensMax) || tokensMax < 1 || tokensMax > tokensLimit) {
    return yield* wrong(`tokensMax is a number from 1 to ${tokensLimit}.`)
  }
  const person = options.person === undefined ? undefined : yield* personNamed(options.person)
  if (options.person !== undefined && person === undefined) {
    return yield* noSuchPerson(options.person)
  }
  const positionMax = yield* positionAsked(options)
  return {
    about,
    limit,
    tokensMax,
    now: yield* Clock.currentTimeMillis,
    ...(person === undefined ? {} : { person: person.key }),
    ...(positionMax === undefined ? {} : { positionMax }),
  } satisfies Question
})

export const recall = Effect.fnUntraced(function* (about: string, options: RecallOptions) {
  const index = yield* MemoryIndex
  if (index === undefined) return yield* noMemory
  const question = yield* asked(about, options)
  const head = yield* door(index.words())
  const searched = yield* door(searchedHere(index))
  const position = Math.min(head, question.positionMax ?? head)
  if (options.deep === true || options.segment !== undefined) {
    const found = options.segment === undefined
      ? yield* door(searchDeep(searched, question, eventsOfLog(searched.log)))
      : yield* door(searchDeep(searched, question, yield* segmentEvents(options.segment)))
    const hits = yield* door(Effect.forEach(found, hitOf))
    const notes = hits.length > 0 ? [] : yield* door(beganLater(searched, question.positionMax))
    return { hits, mode: "deep", position, cached: false, notes } satisfies Recalled
  }
  const before = yield* door(index.state)
  // New vectors may find more: an answer counts for what could be found when it was given.
  const change = `${lastChange(searched.store)}:${before.vectors}`
  const key = keyOf(about, options, question.person)
  const kept = yield* door(attempt(() => keptIn(index, key)))
  if (kept !== undefined && (yield* door(stillStands(searched, kept, change)))) {
    const notes = [
      ...(kept.hits.length > 0 ? [] : yield* door(beganLater(searched, question.positionMax))),
      ...notesOf(kept.problem, before),
    ]
    return { hits: kept.hits, mode: kept.mode, position, cached: true, notes } satisfies Recalled
  }
  const answer = yield* door(search(searched, question))
  const hits = yield* door(Effect.forEach(answer.found, hitOf))
  const problem = answer.problem ?? ""
  const items = answer.found.map(({ item }) => item.id)
  // What was found by words for want of a service is looked for again once it may be there.
  if (answer.mode === "hybrid" || before.vectors === 0 || problem === "") {
    const { mode } = answer
    yield* door(attempt(() => keepAnswer(index, key, { change, mode, problem, items, hits })))
  }
  const notes = [
    ...(hits.length > 0 ? [] : yield* door(beganLater(searched, question.positionMax))),
    ...notesOf(problem, yield* door(index.state)),
  ]
  return { hits, mode: answer.mode, position, cached: false, notes } satisfies Recalled
})
