/**
 * Keeps the read models abreast of the log: catches each up at the start, follows at its leisure, and
 * at once when a reader needs what was just written. Following is lazy on purpose: it shares the
 * thread with the writer, and what is handled together costs less.
 */
import { Clock, Context, Effect, Latch, Layer, Schedule, Schema, Semaphore, Stream } from "effect"
import { EventLog, type LogUnavailable, type RecordedEvent } from "../actors/event-log.ts"
import type { Progress, Rebuilt } from "./aios.ts"
import { type Fold, makeFold, tableOf } from "./fold.ts"
import { pageReader } from "./pages.ts"
import type { Projection } from "./projection.ts"
import { ReadStore, ReadStoreUnavailable } from "./read-store.ts"

export { tableOf } from "./fold.ts"

/** Pause after each round of following; a reader who waits does not wait for it. */
const followPauseMillis = 100
const waitMillisDefault = 10_000
/** While the log or the store cannot be used. */
const troubled = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("15 seconds")])

/** A read model has not seen a position in time. Asking again later may help. */
export class ProjectionBehind extends Schema.TaggedError<ProjectionBehind>()("ProjectionBehind", {
  name: Schema.String,
  position: Schema.Int,
  seen: Schema.Int,
  message: Schema.String,
}) {}

/** A handler threw; the read model stands still, the others go on. */
export class ProjectionParked extends Schema.TaggedError<ProjectionParked>()("ProjectionParked", {
  name: Schema.String,
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect()),
}) {}

export class ProjectionUnknown extends Schema.TaggedError<ProjectionUnknown>()(
  "ProjectionUnknown",
  { name: Schema.String, message: Schema.String },
) {}

export interface Lag {
  readonly name: string
  readonly version: number
  /** Last position it has seen, and the log's last. */
  readonly position: number
  readonly head: number
  /** How long the oldest event it has not seen has been waiting. */
  readonly millis: number
  /** Events it has seen. */
  readonly events: number
  /** Why it stands still. */
  readonly problem?: string
}

export interface WaitOptions {
  /** One projection; default all. */
  readonly name?: string
  readonly timeoutMillis?: number
}

type Trouble = LogUnavailable | ReadStoreUnavailable

export class Projections extends Context.Service<Projections, {
  /** Brings all to the log's head now and gives that position. Parked ones stay behind. */
  readonly catchUp: Effect.Effect<number, Trouble>
  /** Waits until everything up to `position` can be read; catches up at once if need be. */
  waitFor(
    position: number,
    options?: WaitOptions,
  ): Effect.Effect<void, ProjectionBehind | ProjectionParked | ProjectionUnknown | Trouble>
  readonly lag: Effect.Effect<ReadonlyArray<Lag>, Trouble>
  /** Builds it anew beside the old rows, compares both at the same position and swaps. */
  rebuild(
    name: string,
    progress?: Progress,
  ): Effect.Effect<Rebuilt, ProjectionParked | ProjectionUnknown | Trouble>
  readonly names: ReadonlyArray<string>
}>()("projections/Projections") {}

const attempt = <A>(what: () => A): Effect.Effect<A, ReadStoreUnavailable> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(what())
    } catch (cause) {
      return cause instanceof ReadStoreUnavailable ? Effect.fail(cause) : Effect.die(cause)
    }
  })

const parkedError = (fold: Fold) =>
  new ProjectionParked({
    name: fold.projection.name,
    message: `Read model ${fold.projection.name} stopped at event ${fold.parked?.event} ` +
      `(${fold.parked?.type}): ${
        fold.parked?.cause instanceof Error ? fold.parked.cause.message : fold.parked?.cause
      }. Mend its handler and give it a new version; it rebuilds at the next start`,
    cause: fold.parked?.cause,
  })

const makeProjections = Effect.fnUntraced(function* (
  projections: ReadonlyArray<Projection>,
  progress: Progress,
) {
  const log = yield* EventLog
  const store = yield* ReadStore
  /** One at a time moves the folds. */
  const gate = yield* Semaphore.make(1)
  const rebuilding = yield* Semaphore.make(1)
  let moved = yield* Latch.make()
  const readPage = pageReader(log)

  /** The rows are of this log only if the event at their checkpoint is the one they saw. */
  const verify = Effect.fnUntraced(function* (projection: Projection) {
    const table = tableOf(projection)
    const checkpoint = yield* attempt(() => store.checkpoint(table))
    if (checkpoint === undefined) return
    const [event] = checkpoint.position < 0
      ? []
      : yield* log.readAll({ from: checkpoint.position, limit: 1 })
    const same = checkpoint.position < 0
      ? checkpoint.events === 0
      : event?.position === checkpoint.position && event.id === checkpoint.id
    if (same) return
    yield* Effect.logWarning(
      `Read model ${projection.name} is of another log or of a later state of it: rebuilding`,
    )
    yield* attempt(() => store.drop(table))
  })

  /** Tables of other versions, and what broken-off rebuilds left. */
  const sweep = attempt(() => {
    for (const { name, version } of projections) {
      for (const table of store.tables()) {
        if (table.startsWith(`${name}@`) && table !== `${name}@${version}`) store.drop(table)
      }
    }
  })

  yield* Effect.forEach(projections, verify)
  const folds = new Map(
    yield* attempt(() =>
      projections.map((one) => [one.name, makeFold(one, store, tableOf(one))] as const)
    ),
  )
  const active = () => [...folds.values()].filter((fold) => fold.parked === undefined)
  const behind = () => active().reduce((least, fold) => Math.min(least, fold.position), Infinity)

  const feed = Effect.fnUntraced(function* (page: ReadonlyArray<RecordedEvent>) {
    for (const fold of active()) {
      yield* attempt(() => fold.feed(page))
      if (fold.parked !== undefined) yield* Effect.logError(parkedError(fold).message)
      yield* attempt(() => fold.commit(false))
      yield* Effect.yieldNow
    }
  })
  const commit = Effect.suspend(() => attempt(() => active().forEach((fold) => fold.commit(true))))
    .pipe(Effect.andThen(Effect.suspend(() => {
      const before = moved
      moved = Latch.makeUnsafe()
      return before.open
    })))

  /** Brings all folds to what is the head now. Only inside `gate`. Interrupting it anywhere is safe. */
  const drain = Effect.fnUntraced(function* (
    first: ReadonlyArray<RecordedEvent> = [],
    told: (done: number, total: number) => void = () => {},
  ) {
    if (first.length > 0) yield* feed(first)
    const head = yield* log.head
    while (behind() < head) {
      const { page, last } = yield* readPage(behind())
      yield* feed(page)
      told(Math.min(behind(), head), head)
      if (last) break
    }
    yield* commit
  })

  yield* drain([], (done, total) => progress({ what: "read models", done, total }))
  yield* sweep

  const follow = Effect.gen(function* () {
    while (true) {
      const position = behind()
      if (position < Infinity) {
        const page = yield* Stream.runHead(log.follow(position))
        yield* gate.withPermit(drain(page._tag === "Some" ? page.value : []))
      }
      yield* Effect.sleep(followPauseMillis)
    }
  })
  yield* follow.pipe(
    Effect.tapError((problem) => Effect.logWarning(problem.message)),
    Effect.retry(troubled),
    Effect.forkScoped,
  )

  const named = (name: string | undefined) =>
    Effect.suspend(() => {
      if (name === undefined) return Effect.succeed([...folds.values()])
      const fold = folds.get(name)
      return fold !== undefined ? Effect.succeed([fold]) : Effect.fail(
        new ProjectionUnknown({
          name,
          message: `There is no read model ${name}. There are: ${[...folds.keys()].join(", ")}`,
        }),
      )
    })

  const waitFor = Effect.fnUntraced(function* (position: number, options: WaitOptions = {}) {
    const wanted = yield* named(options.name)
    const lagging = () => wanted.find((fold) => fold.seen < position)
    const wait = Effect.gen(function* () {
      while (true) {
        const fold = lagging()
        if (fold === undefined) return
        if (fold.parked !== undefined) return yield* parkedError(fold)
        const change = moved
        yield* gate.withPermit(
          Effect.suspend(() => lagging() === undefined ? Effect.void : drain()),
        )
        if (lagging()?.parked === undefined && lagging() !== undefined) yield* change.await
      }
    })
    yield* wait.pipe(Effect.timeoutOrElse({
      duration: options.timeoutMillis ?? waitMillisDefault,
      orElse: () => {
        const fold = lagging()
        return fold === undefined ? Effect.void : Effect.fail(
          new ProjectionBehind({
            name: fold.projection.name,
            position,
            seen: fold.seen,
            message: `Read model ${fold.projection.name} has seen ${fold.seen}, not yet ` +
              `${position}. Try again in a moment; aios doctor shows how far behind it is`,
          }),
        )
      },
    }))
  })

  const lag = Effect.gen(function* () {
    const head = yield* log.head
    const now = yield* Clock.currentTimeMillis
    return yield* Effect.forEach([...folds.values()], (fold) =>
      Effect.gen(function* () {
        const [next] = fold.seen >= head
          ? []
          : yield* log.readAll({ from: fold.seen + 1, limit: 1 })
        return {
          name: fold.projection.name,
          version: fold.projection.version,
          position: fold.seen,
          head,
          millis: next === undefined ? 0 : Math.max(0, now - next.metadata.at),
          events: fold.events,
          ...(fold.parked === undefined ? {} : { problem: parkedError(fold).message }),
        }
      }))
  })

  const rebuildFold = Effect.fnUntraced(function* (fold: Fold, told: Progress) {
    const started = yield* Clock.currentTimeNanos
    const { projection } = fold
    const table = tableOf(projection)
    const beside = `${table}~next`
    yield* attempt(() => store.drop(beside))
    const next = makeFold(projection, store, beside)
    const total = yield* log.head

    const advance = Effect.fnUntraced(function* (upTo: number) {
      while (next.position < upTo) {
        const { page, last } = yield* readPage(next.position)
        const within = page.filter((event) => event.position <= upTo)
        yield* attempt(() => next.feed(within))
        if (next.parked !== undefined) return yield* parkedError(next)
        yield* attempt(() => next.commit(false))
        told({ what: projection.name, done: next.position, total: Math.max(total, next.position) })
        yield* Effect.yieldNow
        if (last) break
      }
    })
    const swap = Effect.gen(function* () {
      yield* drain()
      // A parked one stands at its last good position: the new one goes on to the head.
      yield* advance(fold.parked === undefined ? fold.seen : yield* log.head)
      const checksums = yield* attempt(() => {
        next.commit(true)
        const both = { before: store.checksum(table), after: store.checksum(beside) }
        store.swap(beside, table)
        fold.reload()
        return both
      })
      yield* commit
      return checksums
    })
    yield* advance(total)
    const { before, after } = yield* gate.withPermit(swap)
    const ended = yield* Clock.currentTimeNanos
    return {
      name: projection.name,
      version: projection.version,
      events: fold.events,
      before,
      after,
      equal: before === after,
      millis: Math.round(Number(ended - started) / 1e6),
    }
  })

  const rebuild = Effect.fn("Projections.rebuild")(function* (name: string, told?: Progress) {
    const [fold] = yield* named(name)
    if (fold === undefined) return yield* Effect.die(new Error(`No fold ${name}`))
    const leftovers = Effect.sync(() => store.drop(`${tableOf(fold.projection)}~next`))
    return yield* rebuilding.withPermit(
      rebuildFold(fold, told ?? (() => {})).pipe(Effect.onError(() => Effect.ignore(leftovers))),
    )
  })

  return Projections.of({
    catchUp: gate.withPermit(drain()).pipe(Effect.andThen(log.head)),
    waitFor,
    lag,
    rebuild,
    names: [...folds.keys()],
  })
})

/** All of `projections`, caught up with the log when the layer is there. */
export const layer = (
  projections: ReadonlyArray<Projection>,
  options: { readonly progress?: Progress } = {},
) => Layer.effect(Projections, makeProjections(projections, options.progress ?? (() => {})))
