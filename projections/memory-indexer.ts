/**
 * Keeps the index of memory abreast of the log. The words need the log alone and are brought up to date by
 * whoever asks; vectors follow when there is time. Both are projections: deleted, they come back.
 */
import { Clock, Effect, Layer, Schedule, Stream } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { BlobStore } from "../actors/blob-store.ts"
import { Circuits } from "../actors/circuits.ts"
import { Embedder } from "../actors/embedder.ts"
import { EventLog } from "../actors/event-log.ts"
import { sha256Hex } from "../actors/ids.ts"
import { currentSettings } from "../actors/settings.ts"
import { toldOnce } from "../actors/told-once.ts"
import { Vault } from "../actors/vault.ts"
import { memoryStream } from "../machines/memory.ts"
import type { Progress } from "./aios.ts"
import { MemoryIndex, type MemoryIndexShape } from "./memory-index.ts"
import { makeVectors } from "./memory-indexer-vectors.ts"
import { attempt, eachPage, makeWords } from "./memory-indexer-words.ts"
import { countsOf, policyNow, tiers } from "./memory-rows.ts"
import { MemoryStore } from "./memory-store.ts"
import { PassageIndex } from "./passage-index.ts"
import { ReadStore } from "./read-store.ts"
import { Projections } from "./runner.ts"
import type { Opening } from "./memory-texts.ts"

/** In the background vectors are made for so long before new words are looked for. */
const roundMillisMax = 2_000
/** Pause between rounds, and how long nothing new may come before what failed is tried again. */
const pauseMillis = 500
const idleMillisMax = 15_000
/** An overrun is told once, and again only when it grew by this part. */
const overrunGrowth = 1.05
const overrunKey = "overrun"

const troubled = Schedule.min([Schedule.exponential("500 millis"), Schedule.spaced("30 seconds")])

const make = (options: { readonly dispatch: boolean }) =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const vault = yield* Vault
    const blobs = yield* BlobStore
    const store = yield* ReadStore
    const projections = yield* Projections
    const index = yield* PassageIndex
    const system = yield* ActorSystem
    const settings = currentSettings.pipe(
      Effect.provideService(EventLog, log),
      Effect.provideService(Vault, vault),
    )
    const opening = Effect.map(
      settings,
      ({ timeZone }): Opening => ({ log, vault, blobs, timeZone }),
    )
    const words = yield* makeWords({ log, opening, index, store, projections })
    const vectors = yield* makeVectors({
      log,
      index,
      store,
      vectors: yield* MemoryStore,
      embedder: yield* Embedder,
      circuits: yield* Circuits,
    })

    /** Asks for an eviction once per overrun of the hot tier. */
    const watchCap = Effect.gen(function* () {
      if (!options.dispatch) return
      const [hot, cap, told] = yield* attempt(() =>
        [
          countsOf(store).hot,
          policyNow(store).hot.itemsMax,
          Number(index.note(overrunKey) ?? 0),
        ] as const
      )
      if (hot <= cap) {
        if (told > 0) yield* attempt(() => index.setNote(overrunKey, undefined))
        return
      }
      if (told > 0 && hot <= told * overrunGrowth) return
      yield* system.propose(
        memoryStream,
        { type: "EvictionRequested", by: "index" },
        { actor: "index" },
      ).pipe(Effect.catch((refusal) => Effect.logDebug(`No eviction now: ${refusal.message}`)))
      yield* attempt(() => index.setNote(overrunKey, String(hot)))
    })

    /** Over ids and hashes of all passages: equal for equal content, however it came about. */
    const checksum = Effect.gen(function* () {
      const lines: Array<string> = []
      for (const tier of tiers) {
        yield* eachPage(store, tier, (page) => {
          const found = index.passagesOf(page.map(({ id }) => id))
          lines.push(...found.map(({ hash, id }) => `${id} ${hash}`))
        })
      }
      return sha256Hex(lines.sort().join("\n")).slice(0, 16)
    })

    const rebuild = Effect.fn("MemoryIndex.rebuild")(function* (progress: Progress) {
      const started = yield* monotonic
      // What it should be is only known where it was whole before.
      yield* words()
      const before = yield* checksum
      yield* attempt(() => index.clear())
      yield* vectors.forget
      yield* words(progress)
      const after = yield* checksum
      yield* vectors.whole(progress)
      return {
        name: "memory",
        version: 1,
        events: (yield* projections.lag).reduce((most, { events }) => Math.max(most, events), 0),
        before,
        after,
        equal: before === after,
        millis: Math.round((yield* monotonic) - started),
      }
    })

    /** Somebody makes vectors all the time: nobody else need wait for them. */
    let inBackground = false
    /** At its start a process that stays compares what is there with what should be. */
    let first = true
    const told = toldOnce()
    const round = Effect.gen(function* () {
      const position = yield* words()
      yield* first ? vectors.thorough(roundMillisMax) : vectors.advance(roundMillisMax)
      first = false
      yield* watchCap
      const state = yield* vectors.state
      if (state.waiting === 0 || state.problem !== undefined) {
        yield* Stream.runHead(log.follow(position)).pipe(
          Effect.timeoutOrElse({ duration: idleMillisMax, orElse: () => Effect.void }),
        )
      }
      yield* Effect.sleep(pauseMillis)
    })

    return {
      passages: index,
      words,
      vectors: (millisMax) =>
        Effect.suspend(() =>
          inBackground ? Effect.void : Effect.andThen(vectors.advance(millisMax), watchCap)
        ),
      near: vectors.near,
      state: Effect.gen(function* () {
        const state = yield* vectors.state
        return yield* attempt(() => ({
          words: index.checkpoint()?.position ?? -1,
          passages: index.count(),
          ...state,
        }))
      }),
      rebuild,
      run: Effect.sync(() => void (inBackground = true)).pipe(
        Effect.andThen(Effect.forever(Effect.andThen(round, told.well))),
        Effect.tapError(({ message }) => told.trouble(`The index of memory waits: ${message}`)),
        Effect.retry(troubled),
        Effect.catch(() => Effect.never),
      ),
    } satisfies MemoryIndexShape
  })

/** In ms: real time, also where the clock stands still. */
const monotonic = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** `dispatch` false: nothing is asked of the memory's agent, for commands that only read. */
export const layer = (options: { readonly dispatch?: boolean } = {}) =>
  Layer.effect(MemoryIndex, make({ dispatch: options.dispatch ?? true }))
