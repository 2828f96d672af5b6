/**
 * The actor system: what `ActorSystem` promises, done by the engine. Opening it reads no history: open
 * tells are delivered again first, then it takes proposals, and each actor is folded when spoken to.
 */
import {
  Clock,
  Context,
  Effect,
  Fiber,
  Layer,
  Result,
  Schedule,
  Scope,
  Semaphore,
  Stream,
} from "effect"
import type { Agent, Journal } from "../machines/agent.ts"
import {
  type Accepted,
  ActorSystem,
  InvalidEvent,
  type Proposal,
  type ProposeOptions,
  type Refusal,
  type Remaining,
  SystemClosed,
} from "./actor-system.ts"
import { clockAt } from "./actor-clock.ts"
import { clockProblem } from "./clocks.ts"
import { Engine, type Heard, type Item } from "./engine.ts"
import { EventLog, type LogUnavailable, type RecordedEvent } from "./event-log.ts"
import { OpenAsks } from "./open-asks.ts"
import { prepare, type Registry, registryOf } from "./registry.ts"
import { SnapshotStore } from "./snapshot-store.ts"
import { toldOnce } from "./told-once.ts"
import { Vault } from "./vault.ts"

/** Open asks fetched at once when the system opens. */
const pageAsks = 1_000
/** How far ahead wake-ups are kept in memory, and how many are fetched at once. */
const horizonMillis = 60 * 60 * 1000
const pageTimers = 10_000
/** Pause between two looks for due timers. */
const tickMillis = 50
/** What a graceful stop may take. */
const closeMillisMax = 10_000
/** What may be added to that, as a part of it, for what is being committed then. */
const answerShare = 0.1
/** While a log that others write too cannot be followed. */
const troubled = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")])

/** What runs activities, as the system needs to know it; the runner joins itself to it. */
export interface ActivityWork {
  readonly counts: () => { interactive: number; batch: number; gated: number; quarantined: number }
  /** Interactive activities that run or could run now. */
  readonly busy: () => boolean
  /** Nothing is held any more: asks that waited may start. */
  readonly resume: () => void
  readonly resolveQuarantine: ActorSystem["Service"]["resolveQuarantine"]
  /** Stops taking asks, gives running ones the time to finish. */
  readonly stop: Effect.Effect<void>
  /** Others may work on the same log from now on: what runs is claimed first. */
  readonly shared: Effect.Effect<void, LogUnavailable>
}

/** The engine behind `ActorSystem`, for what runs activities. */
export class ActorEngine extends Context.Service<ActorEngine, {
  readonly engine: Engine
  readonly registry: Registry
  /** Something is being told that must be complete before anything happens of its own accord. */
  readonly isHeld: () => boolean
  /** Whether other processes may write this log, and work on it. */
  readonly isShared: () => boolean
  /**
   * Others may write from now on: done once what they write would be heard and what runs here is claimed.
   * Whoever lets others in waits for it. Safe to do again.
   */
  readonly share: Effect.Effect<void, LogUnavailable>
  attach(work: ActivityWork): void
  /** Records a neutral event of an actor: an outcome, a mark. It waits for the log rather than fail. */
  report(
    stream: string,
    event: Proposal,
    options: ProposeOptions,
  ): Effect.Effect<Accepted, Refusal>
}>()("actors/ActorEngine") {}

export interface SystemOptions {
  readonly agents: ReadonlyArray<Agent>
  readonly journals?: ReadonlyArray<Journal>
  /** False: nothing is delivered, no timer fires; for commands that only read. Default true. */
  readonly dispatch?: boolean
  /** True: nothing happens of its own accord before the first `settle`, so that what was imported can be told first. */
  readonly held?: boolean
  /** What a graceful stop may take, in ms. */
  readonly closeMillisMax?: number
  /** Other processes write the log too, from the start on. Default false; see `ActorEngine.share`. */
  readonly shared?: boolean
  /** False: tells, child machines and timers are left to another process. Default true. */
  readonly delivers?: boolean
}

export const layer = (
  options: SystemOptions,
): Layer.Layer<
  ActorSystem | ActorEngine,
  LogUnavailable,
  EventLog | Vault | SnapshotStore | OpenAsks
> =>
  Layer.effectContext(Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const log = yield* EventLog
    const vault = yield* Vault
    const snapshots = yield* SnapshotStore
    const openAsks = yield* OpenAsks
    const context = yield* Effect.context<EventLog | Vault | SnapshotStore>()
    const delivers = options.dispatch !== false && (options.delivers ?? true)
    const registry = registryOf(options.agents, options.journals)
    const fork = Effect.runForkWith(context)
    const engine = new Engine({
      registry,
      clock,
      log,
      vault,
      snapshots,
      delivers,
      run: (effect, then) => {
        fork(effect).addObserver(then)
      },
    })
    const dispatch = options.dispatch ?? true
    // Made first, so it is closed last: what is committed until then is heard.
    const hearingScope = yield* Scope.fork(yield* Effect.scope)
    const sharing = yield* Semaphore.make(1)
    let shared = false
    let isHearing = false
    let work: ActivityWork | undefined
    let held = options.held === true ? 1 : 0
    let heldAtFirst = options.held === true
    const release = () => {
      held--
      if (held === 0) work?.resume()
    }
    let refilled = -Infinity
    /** More timers are due within the horizon than one page holds. */
    let isPartial = false

    /** Posts an item and answers with its outcome; an abandoned answer does not take it back. */
    const ask = (item: Omit<Item, "done" | "conflicts" | "fired">) =>
      Effect.callback<Accepted | undefined, Refusal>((resume) => {
        const post = () => engine.post({ ...item, conflicts: 0, fired: 0, done: resume })
        return item.internal ? post() : Effect.sync(engine.whenRoom(post))
      })

    const propose = (
      kind: "event" | "journal",
      stream: string,
      event: Proposal,
      how: ProposeOptions,
    ) =>
      Effect.suspend((): Effect.Effect<Accepted, Refusal> => {
        const found = kind === "event" ? registry.find(stream) : undefined
        const shapes = kind === "event" ? found?.entry : registry.journal(stream)
        if (shapes === undefined || !stream.includes("-")) {
          return Effect.fail(unknownStream(kind, stream, event.type, options))
        }
        const isChild = found !== undefined && found.chart !== found.entry.chart
        const prepared = prepare(shapes, isChild, stream, event, vault)
        if (Result.isFailure(prepared)) return Effect.fail(prepared.failure)
        return ask({
          actor: "operator",
          ...how,
          kind,
          stream,
          ...prepared.success,
          internal: false,
        }) as Effect.Effect<Accepted, Refusal>
      })

    const hasMoreTimers = () => isPartial && engine.timers.size < pageTimers / 2
    /** Nothing is under way between actors, and no timer is due that may fire. */
    const isQuiet = () =>
      engine.isIdle && !hasMoreTimers() &&
      (held > 0 || (engine.timers.next ?? Infinity) > engine.now)

    /** Moves the horizon and fetches the wake-ups up to it. */
    const refill = Effect.fnUntraced(function* () {
      const now = engine.now
      if (!(isPartial ? hasMoreTimers() : refilled + horizonMillis / 2 <= now)) return
      const horizon = now + horizonMillis
      engine.timers.horizon = horizon
      // Timers set from here on are kept; those before are in the index once it has seen the head.
      yield* openAsks.caughtUp(yield* log.head)
      const found = yield* openAsks.timers(horizon, pageTimers)
      for (const { ask, stream } of found) {
        if (ask.ask === "timer") engine.timers.add(ask.due, stream)
      }
      refilled = now
      // More than a page: the rest is fetched once most of these have fired.
      isPartial = found.length === pageTimers
      if (isPartial) {
        const last = found[found.length - 1]!.ask
        if (last.ask === "timer") engine.timers.horizon = last.due
      }
    })

    const idle = Effect.callback<void>((resume) =>
      Effect.sync(engine.onIdle(() => resume(Effect.void)))
    )

    /** The clock its actor had by an event that was written elsewhere, where anything depends on it. */
    const heard = (event: RecordedEvent): Effect.Effect<Heard, LogUnavailable> => {
      const { asks, at, occurredAt } = event.metadata
      const clock = occurredAt ?? at
      return occurredAt === undefined || asks === undefined || engine.isOwn(event.position)
        ? Effect.succeed({ event, clock })
        : Effect.map(
          clockAt(log, event.stream, event.revision, clock),
          (clock) => ({ event, clock }),
        )
    }

    const unheard = toldOnce()
    /** Acts upon what comes after a position, whoever wrote it, until the scope ends. */
    const hearing = (from: number) =>
      Effect.suspend(() => {
        isHearing = true
        return Stream.runForEach(log.follow(from), (page) =>
          Effect.gen(function* () {
            yield* unheard.well
            const events = yield* Effect.forEach(page, heard)
            yield* Effect.callback<void>((resume) => engine.hear(events, () => resume(Effect.void)))
            from = page[page.length - 1]!.position
          }))
      }).pipe(
        Effect.tapError(({ message }) => unheard.trouble(`Others are not heard: ${message}`)),
        Effect.retry(troubled),
        Effect.forkIn(hearingScope),
      )

    /** Gives the position from which on others are heard. */
    const prepareHearing = Effect.gen(function* () {
      shared = true
      engine.startHearing()
      const from = yield* log.head
      const problem = yield* clockProblem(log)
      if (problem !== undefined) yield* Effect.logWarning(problem)
      engine.hearFrom(from)
      return from
    })
    const share = sharing.withPermit(Effect.gen(function* () {
      if (isHearing || !dispatch) return
      yield* hearing(yield* prepareHearing)
      yield* work?.shared ?? Effect.void
    }))

    if (dispatch) {
      const head = options.shared === true ? yield* prepareHearing : yield* log.head
      yield* openAsks.caughtUp(head)
      if (delivers) {
        yield* refill()
        let after: string | undefined
        for (;;) {
          const page = yield* openAsks.page(after, pageAsks)
          for (const open of page) {
            // What came since is heard in its turn.
            const isLater = shared && open.position > head
            if (open.ask.ask !== "activity" && !isLater) engine.deliver(open)
          }
          // Wait: a later tell of the same sender must not overtake. Where others write it cannot.
          if (shared) {
            yield* Effect.callback<void>((resume) => {
              engine.whenRoom(() => resume(Effect.void))
            })
          } else yield* idle
          if (page.length < pageAsks) break
          after = page[page.length - 1]!.id
        }
      }
      if (shared) yield* hearing(head)
      const ticking = yield* Effect.forkScoped(
        Effect.forever(Effect.gen(function* () {
          yield* Effect.sleep(tickMillis)
          if (!delivers) return
          // Without the log no timer is fetched and none can fire; both are tried again.
          yield* refill().pipe(Effect.ignore, Effect.catchDefect(() => Effect.void))
          if (held === 0) engine.wakeDue()
        })),
      )
      const closing = options.closeMillisMax ?? closeMillisMax
      yield* Effect.addFinalizer(() =>
        Fiber.interrupt(ticking).pipe(
          Effect.andThen(work?.stop ?? Effect.void),
          Effect.andThen(
            Effect.callback<void>((resume) => engine.close(() => resume(Effect.void))),
          ),
          Effect.timeoutOption(closing),
          Effect.andThen(Effect.sync(() => engine.refuse())),
          // What a log on a server is writing just now is answered as what it comes to.
          Effect.andThen(Effect.timeoutOption(idle, closing * answerShare)),
        )
      )
    } else yield* Effect.addFinalizer(() => Effect.sync(() => engine.refuse()))

    const remaining = (): Remaining => {
      const counts = work?.counts() ?? { interactive: 0, batch: 0, gated: 0, quarantined: 0 }
      const nextDue = engine.timers.next
      return {
        ...counts,
        parked: engine.parked.size,
        ...(nextDue === undefined ? {} : { nextDue }),
      }
    }

    /** Where others write, what they wrote may not be heard yet; the answer is as of now all the same. */
    const latest = (stream: string) =>
      !shared
        ? Effect.void
        : Effect.map(log.readPage(stream, { backwards: true, limit: 1 }), ([last]) => {
          if (last !== undefined) engine.noteRevision(stream, last.revision)
        })

    const system = ActorSystem.of({
      propose: (stream, event, how = {}) => propose("event", stream, event, how),
      record: (stream, event, how = {}) => propose("journal", stream, event, how),
      view: (stream) =>
        Effect.suspend(() =>
          registry.find(stream) === undefined ? Effect.succeed(undefined) : latest(stream).pipe(
            Effect.andThen(
              ask({ kind: "view", stream, type: "", data: null, internal: false }),
            ),
            Effect.map(() => engine.viewOf(stream)),
            // A view records nothing, so nothing else can go wrong with it.
            Effect.mapError((refusal) => refusal as LogUnavailable | SystemClosed),
          )
        ),
      settle: Effect.fn("ActorSystem.settle")(function* (millisMax) {
        const end = performance.now() + millisMax
        if (heldAtFirst) {
          heldAtFirst = false
          release()
        }
        while (dispatch) {
          if (delivers) yield* refill()
          const woken = delivers && held === 0 ? engine.wakeDue() : 0
          // While the log is away, what is queued waits, and may wait longer than we are to.
          yield* Effect.timeoutOption(idle, Math.max(1, end - performance.now()))
          if (performance.now() > end) break
          if (work?.busy()) yield* Effect.promise(() => new Promise((then) => setTimeout(then, 2)))
          else if (woken === 0 && isQuiet()) break
        }
        return remaining()
      }),
      remaining: Effect.sync(remaining),
      resolveQuarantine: (name, outcome) =>
        Effect.suspend((): Effect.Effect<Accepted, Refusal> =>
          work?.resolveQuarantine(name, outcome) ??
            Effect.fail(new SystemClosed({ message: "No activities run here" }))
        ),
      holding: (effect) =>
        Effect.acquireUseRelease(
          Effect.sync(() => held++),
          () => effect,
          () => Effect.sync(release),
        ),
    })
    const core = ActorEngine.of({
      engine,
      registry,
      isHeld: () => held > 0,
      isShared: () => shared,
      share,
      attach: (one) => {
        work = one
      },
      report: (stream, { type, ...data }, how) =>
        ask({ ...how, kind: "neutral", stream, type, data, internal: true }) as Effect.Effect<
          Accepted,
          Refusal
        >,
    })
    return Context.make(ActorSystem, system).pipe(Context.add(ActorEngine, core))
  }))

const unknownStream = (
  kind: "event" | "journal",
  stream: string,
  type: string,
  options: SystemOptions,
) => {
  const names = (kind === "event" ? options.agents : options.journals ?? []).map(({ name }) => name)
  return new InvalidEvent({
    stream,
    type,
    message: `"${stream}" names no ${
      kind === "event" ? "agent" : "journal"
    }: a stream is <name>-<key>, with ${names.join(", ")} as names`,
  })
}
