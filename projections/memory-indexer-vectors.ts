/**
 * The half of the index that needs a model and a place for vectors: what is hot or warm is embedded, newest
 * first, in small batches with pauses, and what left is removed. Without either it waits; what it has still
 * to do is told from the log and its own checkpoint, so it catches up by itself.
 *
 * The store may be deleted at any time: its count, or its ids at a start, tell what is missing or foreign.
 * Vectors of known texts come from the cache in the passage index.
 */
import { Clock, Effect, Fiber, Semaphore } from "effect"
import type { Circuits } from "../actors/circuits.ts"
import { type Embedder, EmbedderUnavailable } from "../actors/embedder.ts"
import type { EventLog } from "../actors/event-log.ts"
import { memoryStream } from "../machines/memory.ts"
import type { Trouble } from "../machines/integration-events.ts"
import type { Progress } from "./aios.ts"
import { numberOf, objectOf, textOf } from "./fields.ts"
import type { Near } from "./memory-index.ts"
import { attempt, eachPage, isFound, movedBy } from "./memory-indexer-words.ts"
import type { MemoryItem } from "./memory-items.ts"
import { countsOf, itemById, itemOfStream } from "./memory-rows.ts"
import type { MemoryStore, MemoryStoreUnavailable, MemoryVector } from "./memory-store.ts"
import { itemOfPassage } from "./memory-passages.ts"
import type { Passage, PassageIndex } from "./passage-index.ts"
import type { ReadStore } from "./read-store.ts"
import { adviceOf, noModelHere } from "./memory-advice.ts"

/** Items worked off at once; texts embedded at once. */
const batchItemsMax = 32
const batchTextsMax = 32
/** Pause after each batch, for others who want the embedder or this thread. */
const pauseMillis = 20
const pageEventsMax = 2_000
/** Whoever asks waits so long for the meaning; then words have to do. */
const nearMillisMax = 3_000
/** The first time a process may have to be started, and its model loaded. */
const firstMillisMax = 8_000
const itemsAtOnceMax = 500

/** In place of a count: something is missing in the store, so the ids are compared. */
const unsure = -1

const troubles = {
  absent: "absent",
  noModel: "noModel",
  failed: "failed",
  timedOut: "slow",
} as const satisfies { readonly [reason: string]: Trouble }

const isWanted = (item: MemoryItem | undefined): item is MemoryItem =>
  item !== undefined && isFound(item) && item.tier !== "cold"

const lateFor = (millisMax: number) =>
  new EmbedderUnavailable({
    reason: "timedOut",
    message: `no vector within ${millisMax / 1000} s`,
    retryable: true,
  })

export const makeVectors = Effect.fnUntraced(function* (parts: {
  readonly log: EventLog["Service"]
  readonly index: PassageIndex["Service"]
  readonly store: ReadStore["Service"]
  readonly vectors: MemoryStore["Service"]
  readonly embedder: Embedder["Service"]
  readonly circuits: Circuits["Service"]
}) {
  const { circuits, embedder, index, log, store, vectors } = parts
  const space = embedder.model
  const noteKey = `vectors:${space}`
  const scope = yield* Effect.scope
  const one = yield* Semaphore.make(1)
  /** Items that wait for vectors, by when they happened; those whose vectors are to go. */
  const pending = new Map<string, number>()
  const gone = new Set<string>()
  /** Position up to which `pending` and `gone` are told; undefined: not begun. */
  let collected: number | undefined
  let compared = false
  let problem: string | undefined = space === "none" ? noModelHere : undefined

  /** Each has answered: nothing has to be started for a question. */
  let embedded = false
  let reached = false
  const chroma = <A>(effect: Effect.Effect<A, MemoryStoreUnavailable>) =>
    circuits.guard("chroma", effect, ({ reason }) => troubles[reason]).pipe(
      Effect.tap(() => Effect.sync(() => void (reached = true))),
    )
  const embed = (texts: ReadonlyArray<string>, millisMax?: number) =>
    circuits.guard(
      "embedder",
      millisMax === undefined ? embedder.embed(texts) : embedder.embed(texts).pipe(
        Effect.timeoutOrElse({
          duration: millisMax,
          orElse: () => Effect.fail(lateFor(millisMax)),
        }),
      ),
      ({ reason }) => troubles[reason],
    ).pipe(Effect.tap(() => Effect.sync(() => void (embedded = true))))

  const patience = () => embedded && reached ? nearMillisMax : firstMillisMax
  /** What is said where nothing was near. */
  const unfound = (expected: boolean) =>
    expected || pending.size > 0
      ? "its vectors are not made yet: aios start makes them in the background"
      : "nothing of it has vectors"

  const kept = () => {
    const text = index.note(noteKey)
    const { count, position } = objectOf(text === undefined ? {} : JSON.parse(text))
    return {
      position: position === undefined ? -1 : numberOf(position),
      count: Math.max(unsure, numberOf(count)),
    }
  }
  const keep = (position: number, count: number) =>
    index.setNote(noteKey, JSON.stringify({ position, count }))

  const want = (id: string) => {
    const item = itemById(store, id)
    if (isWanted(item)) {
      pending.set(id, item.at)
      gone.delete(id)
    } else if (item !== undefined) {
      pending.delete(id)
      gone.add(id)
    }
  }

  /** What is new in the log up to where the words are. */
  const collect = Effect.fnUntraced(function* () {
    const checkpoint = yield* attempt(() => index.checkpoint())
    const upTo = checkpoint?.position ?? -1
    let at = collected ?? (yield* attempt(kept)).position
    // The index was cleared, or is of another log: all is told anew.
    if (at > upTo) at = -1
    while (at < upTo) {
      const page = yield* log.readAll({ from: at + 1, limit: pageEventsMax })
      const last = page.at(-1)
      if (last === undefined) break
      yield* attempt(() => {
        for (const event of page) {
          if (event.position > upTo) break
          const item = itemById(store, event.id)
          // What was never hot has no vector to remove.
          if (item?.stream === event.stream && isWanted(item)) pending.set(item.id, item.at)
          if (event.stream === memoryStream) movedBy(event).forEach(want)
          if (event.type === "MailRead") {
            const read = itemOfStream(store, textOf(objectOf(event.data)["record"]))
            // It was read later than it was taken in, and is not to be trusted.
            if (read?.suspect === true) want(read.id)
          }
        }
      })
      at = Math.min(upTo, last.position)
      yield* Effect.yieldNow
    }
    collected = upTo
  })

  /** Passages of all that is hot or warm. */
  const wantedIds = Effect.fnUntraced(function* () {
    const ids = new Map<string, number>()
    for (const tier of ["hot", "warm"] as const) {
      yield* eachPage(store, tier, (page) => page.forEach(({ at, id }) => ids.set(id, at)))
    }
    return ids
  })

  /** Compares what is in the store with what should be. */
  const compare = Effect.fnUntraced(function* () {
    const items = yield* wantedIds()
    const there = new Set(yield* chroma(vectors.ids(space)))
    const foreign = [...there].filter((id) => !items.has(itemOfPassage(id)))
    if (foreign.length > 0) yield* chroma(vectors.remove(space, foreign))
    const all = [...items.keys()]
    for (let n = 0; n < all.length; n += itemsAtOnceMax) {
      const some = all.slice(n, n + itemsAtOnceMax)
      yield* attempt(() => {
        for (const { at, id, item } of index.passagesOf(some)) {
          if (!there.has(id)) pending.set(item, at)
        }
      })
      yield* Effect.yieldNow
    }
    compared = true
  })

  const vectorsOf = Effect.fnUntraced(function* (passages: ReadonlyArray<Passage>) {
    const texts = new Map(passages.map(({ hash, text }) => [hash, text]))
    const known = new Map(yield* attempt(() => index.vectors(space, [...texts.keys()])))
    const missing = [...texts].filter(([hash]) => !known.has(hash))
    for (let n = 0; n < missing.length; n += batchTextsMax) {
      const some = missing.slice(n, n + batchTextsMax)
      const made = yield* embed(some.map(([, text]) => text))
      const fresh = new Map(some.flatMap(([hash], place) => {
        const vector = made[place]
        return vector === undefined ? [] : [[hash, vector] as const]
      }))
      yield* attempt(() => index.keepVectors(space, fresh))
      for (const [hash, vector] of fresh) known.set(hash, vector)
    }
    return known
  })

  const put = Effect.fnUntraced(function* (ids: ReadonlyArray<string>) {
    const wanted = ids.flatMap((id) => {
      const item = itemById(store, id)
      return isWanted(item) ? [item] : []
    })
    const tiers = new Map(
      wanted.map(({ id, tier }) => [id, tier === "warm" ? "warm" : "hot"] as const),
    )
    const passages = yield* attempt(() => index.passagesOf(wanted.map(({ id }) => id)))
    const known = yield* vectorsOf(passages)
    const ready = passages.flatMap(
      ({ at, hash, id, item, kind, person, position }): ReadonlyArray<MemoryVector> => {
        const vector = known.get(hash)
        const tier = tiers.get(item)
        return vector === undefined || tier === undefined ? [] : [{
          id,
          vector,
          ...(person === undefined ? {} : { person }),
          kind,
          tier,
          at,
          position,
        }]
      },
    )
    if (ready.length > 0) yield* chroma(vectors.upsert(space, ready))
    for (const id of ids) pending.delete(id)
  })

  const removeGone = Effect.fnUntraced(function* () {
    const some = [...gone].slice(0, itemsAtOnceMax)
    const passages = yield* attempt(() => index.passagesOf(some))
    // Of what left the words too, only the first passages are known; the rest goes when ids are compared.
    yield* chroma(vectors.remove(space, [...new Set([...some, ...passages.map(({ id }) => id)])]))
    for (const id of some) gone.delete(id)
  })

  /** Works off what waits; gives whether all is done. */
  const work = Effect.fnUntraced(function* (
    until: number,
    options: { readonly pause: number; readonly progress: Progress },
  ) {
    const total = pending.size
    const newest = [...pending].sort(([, a], [, b]) => b - a).map(([id]) => id)
    for (let n = 0; n < newest.length; n += batchItemsMax) {
      if ((yield* now) >= until) return false
      yield* put(newest.slice(n, n + batchItemsMax))
      options.progress({ what: "vectors of memory", done: total - pending.size, total })
      yield* options.pause > 0 ? Effect.sleep(options.pause) : Effect.yieldNow
    }
    while (gone.size > 0) yield* removeGone()
    return pending.size === 0
  })

  /** The time begins once the store answers: at its start it may take long. */
  const advance = Effect.fnUntraced(function* (
    millisMax: number,
    options: { readonly pause: number; readonly progress: Progress; readonly thorough: boolean },
  ) {
    if (space === "none") return
    yield* collect()
    const before = yield* attempt(kept)
    const idle = pending.size === 0 && gone.size === 0
    if (idle && !options.thorough && before.count !== unsure) {
      // Nothing to do: no service is started for it.
      if (before.position !== collected) {
        yield* attempt(() => keep(collected ?? -1, before.count))
      }
      return
    }
    if (options.thorough) yield* compare()
    else if (!compared) {
      const count = yield* chroma(vectors.count(space))
      if (count !== before.count) yield* compare()
      compared = true
    }
    const done = yield* work((yield* now) + millisMax, options)
    if (done && collected !== undefined) {
      const count = yield* chroma(vectors.count(space))
      yield* attempt(() => keep(collected ?? -1, count))
    }
  })

  const guarded = (
    millisMax: number,
    options: { readonly pause: number; readonly progress: Progress; readonly thorough: boolean },
  ) =>
    one.withPermit(advance(millisMax, options)).pipe(
      Effect.tap(() =>
        Effect.sync(() => {
          if (space !== "none") problem = undefined
        })
      ),
      Effect.catchTags({
        CircuitOpen: (failure) => Effect.sync(() => void (problem = adviceOf(failure))),
        EmbedderUnavailable: (failure) => Effect.sync(() => void (problem = adviceOf(failure))),
        MemoryStoreUnavailable: (failure) =>
          Effect.sync(() => {
            // It may have lost what it had.
            compared = false
            problem = adviceOf(failure)
          }),
      }),
    )

  const near = (
    text: string,
    query: { readonly limit: number; readonly person?: string; readonly positionMax?: number },
  ): Effect.Effect<Near> =>
    Effect.gen(function* () {
      if (space === "none") return { found: [], covered: 0, problem: problem ?? "" }
      const [vector] = yield* embed([text], patience())
      const found = vector === undefined
        ? []
        : yield* chroma(vectors.query(space, { ...query, vector }))
      const before = kept()
      const all = query.person === undefined && query.positionMax === undefined
      if (found.length === 0 && all && before.count > 0) {
        compared = false
        keep(before.position, unsure)
        return { found, covered: 0, problem: "its vectors are gone: aios rebuild memory" }
      }
      const { hot, warm } = countsOf(store)
      return {
        found,
        covered: Math.max(0, 1 - pending.size / Math.max(1, hot + warm)),
        ...(found.length > 0 ? {} : { problem: unfound(all && hot + warm > 0) }),
      }
    }).pipe(
      // Nobody waits for it any longer, but its circuit is to hear how it ended.
      Effect.forkIn(scope),
      Effect.flatMap((asking) =>
        Effect.timeoutOrElse(Fiber.join(asking), {
          duration: patience(),
          orElse: () =>
            Effect.succeed<Near>({
              found: [],
              covered: 0,
              problem: "finding by meaning takes too long just now: aios doctor",
            }),
        })
      ),
      Effect.catch((failure) =>
        Effect.succeed<Near>({ found: [], covered: 0, problem: adviceOf(failure) })
      ),
    )

  return {
    near,
    advance: (millisMax: number) =>
      guarded(millisMax, { pause: pauseMillis, progress: () => {}, thorough: false }),
    /** The same, and what is in the store is compared with what should be. */
    thorough: (millisMax: number) =>
      guarded(millisMax, { pause: pauseMillis, progress: () => {}, thorough: true }),
    /** Everything, thoroughly compared, without pauses. */
    whole: (progress: Progress) =>
      Effect.suspend(() => {
        collected = undefined
        compared = false
        return guarded(Infinity, { pause: 0, progress, thorough: true })
      }),
    /** Drops the space; what it held is made again. */
    forget: chroma(vectors.clear(space)).pipe(
      Effect.ignore,
      Effect.when(Effect.succeed(space !== "none")),
    ),
    /** What waits is told from the log where nobody has begun yet. */
    state: Effect.suspend(() =>
      collected === undefined && space !== "none" ? one.withPermit(collect()) : Effect.void
    ).pipe(Effect.andThen(attempt(() => ({
      model: space,
      vectors: Math.max(0, kept().count),
      waiting: pending.size,
      ...(problem === undefined ? {} : { problem }),
    })))),
  }
})

/** Monotonic, in ms: pauses and limits are real time, also where the clock stands still. */
const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))
