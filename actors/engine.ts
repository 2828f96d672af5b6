/**
 * Mailboxes and the one writer. Whatever arrived since the last commit is folded, appended in one
 * durable batch, and only then acknowledged and acted upon. Nothing here waits while it folds, so the
 * actors of one process never see each other half done.
 */
import { type Clock, Effect, Exit, HashMap } from "effect"
import type { Json, JsonObject } from "../machines/agent.ts"
import {
  type Accepted,
  ActorParked,
  type ActorView,
  InvalidEvent,
  NotAccepted,
  type Refusal,
  SystemClosed,
} from "./actor-system.ts"
import { plainError } from "./canonical.ts"
import {
  type Append,
  type Appended,
  askId,
  type EventLog,
  EventTooLarge,
  LogUnavailable,
  type Metadata,
  type RecordedEvent,
  VersionConflict,
} from "./event-log.ts"
import { mintId, outcomeId, tellId } from "./ids.ts"
import {
  acceptsIn,
  type ActorState,
  type Chart,
  fold,
  type FoldEvent,
  isNeutral,
  persist,
  type Step,
  valueOf,
} from "./kernel.ts"
import { loadActor, snapshotOf } from "./loading.ts"
import type { AgentEntry, Registry } from "./registry.ts"
import type { SnapshotStore, StoredSnapshot } from "./snapshot-store.ts"
import { TimerQueue } from "./timer-queue.ts"
import type { Vault } from "./vault.ts"

/** Proposals one commit takes at the most. */
const batchItemsMax = 1_000
/**
 * Actors that are loaded at the same time. A log on a server answers in turn: were all of a burst asked
 * for at once, the commits of the first would wait behind the loads of the last.
 */
const loadsMax = 200
/** Proposals waiting in memory; more wait with their proposers. */
export const queuedItemsMax = 20_000
/** Actors kept in memory; beyond that the ones idle longest are passivated. */
const actorsMax = 20_000
/** Events after which an actor in memory gets a new snapshot; one that many talk to, whose is larger, later. */
const snapshotEvery = 200
/** Rounds an item may lose against other writers: beside two that never rest, one in three is won. */
const conflictsMax = 30
/** Timers that may fire in front of one event: more is a chart that wakes itself for ever. */
const timersPerEventMax = 10_000
/** Pauses while the log cannot be written. */
const pauseMillisMin = 100
const pauseMillisMax = 5_000

export interface Item {
  readonly kind: "event" | "neutral" | "wake" | "view" | "journal"
  readonly stream: string
  readonly type: string
  readonly data: Json
  readonly id?: string
  readonly revision?: number
  readonly occurredAt?: number
  readonly actor?: string
  readonly ask?: string
  readonly causation?: string
  readonly correlation?: string
  readonly traceparent?: string
  /** AIOS's own: it waits for the log instead of failing, for its ask stays open otherwise. */
  readonly internal: boolean
  readonly done: (exit: Exit.Exit<Accepted | undefined, Refusal>) => void
  /** Rounds it lost against another writer, and timers that fired in front of it. */
  conflicts: number
  fired: number
}

interface Cell {
  readonly stream: string
  readonly entry: AgentEntry | undefined
  readonly chart: Chart | undefined
  /** Folded up to the last event, staged ones included. */
  state: ActorState | undefined
  lastEvent: string
  correlation: string
  /** Of a journal: last revision known, -1 where it is taken to be new. */
  revision: number
  mail: Array<Item>
  phase: "asleep" | "loading" | "awake"
  snapshotRevision: number
  upgradeFrom: number | undefined
  parked: string | undefined
  /** What a commit held of which nobody knows whether it became durable; the next load tells. */
  unsure: ReadonlyArray<Staged>
  /** The last revision that somebody else is known to have written. */
  seen: number
}

/** One fold that waits for the commit, or an answer that must not be given before it. */
interface Staged {
  readonly cell: Cell
  readonly item: Item | undefined
  readonly append: Append | undefined
  /** Given when the commit is durable, where there is nothing to append. */
  readonly answer?: () => void
  readonly step?: Step
}

/** An event that is being folded; its metadata is completed once its state is known. */
type Draft = Omit<FoldEvent, "metadata"> & {
  readonly metadata: { -readonly [Key in keyof Metadata]: Metadata[Key] }
}

const foldEvent = (
  id: string,
  type: string,
  data: Json,
  now: number,
  occurredAt: number | undefined,
): Draft => {
  const metadata: Draft["metadata"] = { at: now, $correlationId: id }
  if (occurredAt !== undefined && occurredAt !== now) metadata.occurredAt = occurredAt
  return { id, type, data, metadata }
}

export interface Committed {
  readonly event: RecordedEvent
  /** The actor's clock after it, epoch ms. */
  readonly clock: number
  /** Another process wrote it. */
  readonly foreign?: true
}
/** An event that somebody may have written, and the clock its actor had by it. */
export type Heard = Pick<Committed, "event" | "clock">
export type CommitListener = (events: ReadonlyArray<Committed>) => void

/** Records nothing and tells nobody. */
const idleItem = { type: "", data: null, internal: true, done: () => {} } as const

type Env = EventLog | Vault | SnapshotStore

export class Engine {
  readonly timers = new TimerQueue()
  readonly listeners = new Set<CommitListener>()
  readonly emitted = new Set<(stream: string, event: JsonObject) => void>()
  readonly parked = new Map<string, string>()
  /** The log has not taken anything since (by the monotonic clock, ms). */
  trouble: { readonly since: number; readonly failure: LogUnavailable } | undefined
  readonly #cells = new Map<string, Cell>()
  readonly #ready = new Set<Cell>()
  readonly #dirty = new Map<string, StoredSnapshot>()
  readonly #waiting: Array<() => void> = []
  readonly #idle: Array<() => void> = []
  /** Pages that others may have written into, and whom to tell that they were taken in. */
  readonly #heard: Array<readonly [page: ReadonlyArray<Heard>, then: () => void]> = []
  /** What was committed here and not heard of yet, by position. */
  readonly #own = new Map<number, Committed>()
  /** Actors in memory that may be behind the log. */
  readonly #behind = new Set<Cell>()
  readonly #delivers: boolean
  /** Others write too: all is acted upon in the order of the log, when it is heard. */
  #follows = false
  /** What the log had when that began; undefined while it is asked. */
  #from: number | undefined
  readonly #registry: Registry
  readonly #clock: Clock.Clock
  readonly #log: typeof EventLog.Service
  readonly #vault: typeof Vault.Service
  readonly #snapshots: typeof SnapshotStore.Service
  readonly #run: <A, E>(
    effect: Effect.Effect<A, E, Env>,
    then: (exit: Exit.Exit<A, E>) => void,
  ) => void
  #queued = 0
  #loading = 0
  #loads = 0
  /** Actors that are loaded once there is room for it. */
  #toLoad: Array<Cell> = []
  /** Actors in memory at which idle ones are looked for next; a look costs one pass over all. */
  #passivateAt = actorsMax
  #scheduled = false
  #flushing = false
  #paused = false
  #pauseMillis = 0
  #closing = false
  #closed = false

  constructor(options: {
    readonly registry: Registry
    readonly clock: Clock.Clock
    readonly log: typeof EventLog.Service
    readonly vault: typeof Vault.Service
    readonly snapshots: typeof SnapshotStore.Service
    /** False: tells, spawns and timers are left to another process. */
    readonly delivers?: boolean
    readonly run: <A, E>(
      effect: Effect.Effect<A, E, Env>,
      then: (exit: Exit.Exit<A, E>) => void,
    ) => void
  }) {
    this.#registry = options.registry
    this.#clock = options.clock
    this.#log = options.log
    this.#vault = options.vault
    this.#snapshots = options.snapshots
    this.#delivers = options.delivers ?? true
    this.#run = options.run
  }

  get now(): number {
    return this.#clock.currentTimeMillisUnsafe()
  }
  /** Nothing queued, loading or in flight. */
  get isIdle(): boolean {
    return this.#queued === 0 && this.#loading === 0 && !this.#flushing && this.#own.size === 0
  }
  get loadedActors(): number {
    return this.#cells.size
  }

  /** Calls back once nothing is queued or in flight. */
  onIdle(then: () => void): () => void {
    if (this.isIdle) {
      then()
      return () => {}
    }
    this.#idle.push(then)
    return () => {
      const at = this.#idle.indexOf(then)
      if (at >= 0) this.#idle.splice(at, 1)
    }
  }

  /** Calls back when there is room in the queue: at once where there is. Returns how to give up waiting. */
  whenRoom(then: () => void): () => void {
    if (this.#queued < queuedItemsMax && this.#waiting.length === 0) {
      then()
      return () => {}
    }
    this.#waiting.push(then)
    return () => {
      const at = this.#waiting.indexOf(then)
      if (at >= 0) this.#waiting.splice(at, 1)
    }
  }

  /** Puts an item into its actor's mailbox. */
  post(item: Item): void {
    if (this.#closed || (this.#closing && !item.internal)) {
      return item.done(
        Exit.fail(
          new SystemClosed({ message: "AIOS is shutting down; try again after the next start" }),
        ),
      )
    }
    const cell = this.#cellOf(item.stream)
    cell.mail.push(item)
    this.#queued++
    this.#ready.add(cell)
    this.#schedule()
  }

  /** Wakes every actor with a timer due at the clock. Returns how many. */
  wakeDue(): number {
    const now = this.now
    let woken = 0
    const streams = new Set<string>()
    for (let stream = this.timers.take(now); stream !== undefined; stream = this.timers.take(now)) {
      if (streams.has(stream)) continue
      streams.add(stream)
      woken++
      this.post({ ...idleItem, kind: "wake", stream, conflicts: 0, fired: 0 })
    }
    return woken
  }

  /**
   * From now on others write too. What an actor tells must not overtake what it told before, and who
   * wrote which of its events is chance: so own commits are acted upon when they are heard as well.
   */
  startHearing(): void {
    this.#follows = true
  }

  /** What comes after this position will be heard; ask the log for it after `startHearing`. */
  hearFrom(position: number): void {
    this.#from = position
    this.#actUpon(this.#heardAlready())
  }

  /** Whether it was committed here and waits to be heard. */
  isOwn(position: number): boolean {
    return this.#own.has(position)
  }

  /** Takes in a page of the log, in order, each event once; `then`: when that is done. */
  hear(page: ReadonlyArray<Heard>, then: () => void): void {
    this.#heard.push([page, then])
    this.#schedule()
  }

  /** Somebody knows that the stream has this revision: an actor in memory may be behind it. */
  noteRevision(stream: string, revision: number): void {
    const cell = this.#cells.get(stream)
    if (cell === undefined || cell.seen >= revision) return
    cell.seen = revision
    this.#behind.add(cell)
  }

  /** Forgets an actor's memory, for example after its chart was mended. */
  evict(stream: string): void {
    const cell = this.#cells.get(stream)
    if (cell) this.#forget(cell)
  }

  /** Takes no more, finishes what is queued, keeps snapshots. */
  close(then: () => void): void {
    this.#closing = true
    this.onIdle(() => {
      this.#closed = true
      const all: Array<readonly [string, StoredSnapshot]> = []
      for (const cell of this.#cells.values()) {
        const saved = this.#snapshotDue(cell, 1)
        if (saved) all.push([cell.stream, saved])
      }
      this.#run(this.#snapshots.put(all), () => then())
    })
  }
  /** From now on proposals are refused; what is queued goes on. */
  refuse(): void {
    this.#closed = true
    for (const cell of this.#cells.values()) {
      for (const item of cell.mail) {
        item.done(
          Exit.fail(new SystemClosed({ message: "AIOS was stopped before this was recorded" })),
        )
      }
      cell.mail = []
    }
    this.#queued = 0
    this.#ready.clear()
    for (const cell of this.#toLoad.splice(0)) cell.phase = "asleep"
    // Whoever waits for room hears it too.
    for (const post of this.#waiting.splice(0)) post()
  }

  // -------------------------------------------------------------- scheduling

  #schedule() {
    if (this.#scheduled || this.#flushing || this.#paused) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#drain()
    })
  }

  #cellOf(stream: string): Cell {
    const known = this.#cells.get(stream)
    if (known) return known
    const found = this.#registry.find(stream)
    const cell: Cell = {
      stream,
      entry: found?.entry,
      chart: found?.chart,
      state: undefined,
      lastEvent: "",
      correlation: "",
      revision: -1,
      mail: [],
      phase: found === undefined ? "awake" : "asleep",
      snapshotRevision: -1,
      upgradeFrom: undefined,
      parked: undefined,
      unsure: [],
      seen: -1,
    }
    this.#cells.set(stream, cell)
    if (this.#cells.size > this.#passivateAt) this.#passivate()
    return cell
  }

  /** Lets the actors go that have been in memory longest and have nothing to do. */
  #passivate() {
    // What is being committed may belong to any of them.
    if (this.#flushing) return
    let surplus = this.#cells.size - Math.floor(actorsMax * 0.9)
    for (const cell of this.#cells.values()) {
      if (surplus <= 0) break
      if (cell.mail.length > 0 || cell.phase === "loading" || cell.parked !== undefined) continue
      const saved = this.#snapshotDue(cell, 20)
      if (saved) this.#dirty.set(cell.stream, saved)
      this.#cells.delete(cell.stream)
      surplus--
    }
    this.#passivateAt = Math.max(actorsMax, this.#cells.size + actorsMax / 10)
    this.#saveSnapshots()
  }

  #snapshotDue(cell: Cell, events: number): StoredSnapshot | undefined {
    const { state, chart } = cell
    if (state === undefined || chart === undefined || cell.upgradeFrom !== undefined) {
      return undefined
    }
    if (state.revision - cell.snapshotRevision < events) return undefined
    cell.snapshotRevision = state.revision
    return snapshotOf(state, chart)
  }

  #saveSnapshots() {
    if (this.#dirty.size === 0) return
    const entries = [...this.#dirty]
    this.#dirty.clear()
    this.#run(this.#snapshots.put(entries), () => {})
  }

  /** True where the actor is in memory; else it is being loaded, and is ready when it is. */
  #wake(cell: Cell): boolean {
    if (cell.phase === "asleep") this.#load(cell)
    return cell.phase === "awake"
  }

  #load(cell: Cell) {
    cell.phase = "loading"
    if (this.#loads >= loadsMax) {
      this.#toLoad.push(cell)
      return
    }
    this.#loads++
    this.#loading++
    const { unsure } = cell
    const load = Effect.all([
      loadActor(cell.entry!, cell.chart!, cell.stream),
      unsure.length === 0 ? Effect.succeed([]) : this.#log.readPage(cell.stream, {
        from: unsure[0]!.append!.expected + 1,
        limit: unsure.length,
      }),
    ])
    this.#run(load, (exit) => {
      this.#loads--
      this.#loading--
      if (Exit.isFailure(exit)) {
        const failure = failureOf(exit)
        const isAway = failure._tag === "LogUnavailable" && failure.retryable
        // A log that is away for one is away for those that wait: each need not find that out by itself.
        for (const one of isAway ? [cell, ...this.#toLoad.splice(0)] : [cell]) {
          one.phase = "asleep"
          this.#putBack(one, [], failure)
        }
        this.#loadNext()
        return
      }
      this.#loadNext()
      const [{ state, lastEvent, snapshotRevision, upgradeFrom, problem }, found] = exit.value
      cell.state = state
      cell.snapshotRevision = snapshotRevision
      cell.upgradeFrom = upgradeFrom
      cell.lastEvent = lastEvent?.id ?? ""
      cell.correlation = lastEvent?.metadata.$correlationId ?? ""
      cell.phase = "awake"
      if (problem !== undefined) this.#park(cell, problem)
      cell.unsure = []
      // What others may write is heard, and that includes it.
      if (!this.#follows) this.#actUpon(this.#durableAfterAll(unsure, found))
      this.#refresh(cell)
      if (cell.mail.length > 0) this.#ready.add(cell)
      this.#schedule()
    })
  }

  #loadNext() {
    const next = this.#toLoad.shift()
    if (next !== undefined) this.#load(next)
  }

  /** Those whose answer was lost: what they ask for was not acted upon yet. */
  #durableAfterAll(
    unsure: ReadonlyArray<Staged>,
    found: ReadonlyArray<RecordedEvent>,
  ): ReadonlyArray<Committed> {
    return unsure.flatMap(({ append, step }) => {
      const event = found.find(({ id }) => id === append!.events[0]!.id)
      return event === undefined ? [] : { event, clock: step!.state!.clock }
    })
  }

  #actUpon(events: ReadonlyArray<Committed>) {
    if (events.length === 0) return
    for (const committed of events) this.#dispatch(committed)
    for (const listener of this.listeners) listener(events)
  }

  /** An actor in memory that others went beyond is loaded again when it is spoken to. Never amid a commit. */
  #refresh(cell: Cell) {
    if (cell.chart === undefined) cell.revision = Math.max(cell.revision, cell.seen)
    else if (cell.phase === "awake" && cell.seen > (cell.state?.revision ?? -1)) this.#forget(cell)
  }

  /** Takes in what was heard. Nothing is staged now, so what is in memory is what the log had. */
  #takeIn() {
    if (this.#heard.length === 0) return
    const events: Array<Committed> = []
    const told: Array<() => void> = []
    for (const [page, then] of this.#heard.splice(0)) {
      for (const heard of page) {
        const own = this.#own.get(heard.event.position)
        this.#own.delete(heard.event.position)
        events.push(own ?? this.#takeInOne(heard))
      }
      told.push(then)
    }
    this.#actUpon(events)
    for (const then of told) then()
  }

  /** Own commits that the log had before hearing began. */
  #heardAlready(): ReadonlyArray<Committed> {
    const from = this.#from
    if (from === undefined) return []
    const found = [...this.#own.values()].filter(({ event }) => event.position <= from)
    for (const { event } of found) this.#own.delete(event.position)
    return found
  }

  /** An actor in memory folds it as it would its own; where that does not give what was recorded, it is forgotten. */
  #takeInOne({ clock: known, event }: Heard): Committed {
    const { chart, state: hash } = event.metadata
    const cell = this.#cells.get(event.stream)
    let clock = known
    if (cell !== undefined) {
      cell.seen = Math.max(cell.seen, event.revision)
      const { state } = cell
      const follows = state !== undefined && cell.phase === "awake" && cell.parked === undefined &&
        cell.upgradeFrom === undefined && state.revision === event.revision - 1 &&
        chart?.hash === cell.chart?.ref.hash && event.type !== "ChartUpgraded"
      if (follows) {
        const step = fold(cell.chart!, state, event, event.stream)
        if (step.accepted && step.defect === undefined && step.state?.hash === hash) {
          cell.state = step.state
          cell.lastEvent = event.id
          cell.correlation = event.metadata.$correlationId
        }
      }
      if (cell.state?.revision === event.revision) clock = cell.state.clock
      this.#refresh(cell)
    }
    return { event, clock, foreign: true }
  }

  #park(cell: Cell, problem: string) {
    cell.parked = problem
    this.parked.set(cell.stream, problem)
  }

  // -------------------------------------------------------------- one batch

  #drain() {
    if (this.#flushing || this.#paused) return
    this.#takeIn()
    for (const cell of this.#behind) this.#refresh(cell)
    this.#behind.clear()
    const batch: Array<Staged> = []
    /**
     * Where others write, an actor has one append in a commit: of two, the first might lose to somebody
     * else's event, and the second then stand on its revision with a state that never was.
     */
    const staged = new Set<Cell>()
    for (const cell of this.#ready) {
      if (batch.length >= batchItemsMax) break
      if (staged.has(cell)) {
        this.#ready.delete(cell)
        continue
      }
      // An embedded log answers at once: then the actor is awake when `#wake` returns.
      if (!this.#wake(cell)) {
        this.#ready.delete(cell)
        continue
      }
      const item = cell.mail.shift()
      if (item === undefined) {
        this.#ready.delete(cell)
        continue
      }
      // Behind the others, so that one busy actor does not hold up the rest.
      this.#ready.delete(cell)
      if (cell.mail.length > 0) this.#ready.add(cell)
      this.#queued--
      try {
        this.#process(cell, item, batch)
      } catch (cause) {
        const { name, message } = plainError(cause)
        this.#park(cell, `${item.type} met a defect: ${name}: ${message}`)
        item.done(Exit.fail(new ActorParked({ stream: cell.stream, message: cell.parked! })))
      }
      const last = batch.at(-1)
      if (this.#follows && last?.cell === cell && last.append !== undefined) staged.add(cell)
    }
    for (const cell of staged) if (cell.mail.length > 0) this.#ready.add(cell)
    if (batch.length === 0) return this.#settled()
    const appends = batch.flatMap(({ append }) => append ?? [])
    if (appends.length === 0) {
      for (const { answer } of batch) answer?.()
      return this.#settled()
    }
    this.#flushing = true
    const commit = this.#vault.flush.pipe(Effect.andThen(this.#log.appendBatch(appends)))
    this.#run(commit, (exit) => {
      this.#flushing = false
      if (Exit.isFailure(exit)) this.#failed(batch, failureOf(exit))
      else this.#committed(batch, exit.value)
      this.#settled()
    })
  }

  #settled() {
    while (this.#waiting.length > 0 && this.#queued < queuedItemsMax) this.#waiting.shift()!()
    if (this.#ready.size > 0 || this.#heard.length > 0) this.#schedule()
    else if (this.isIdle) { for (const then of this.#idle.splice(0)) then() }
  }

  #process(cell: Cell, item: Item, batch: Array<Staged>) {
    const { chart } = cell
    if (item.kind === "journal") return this.#stageJournal(cell, item, batch)
    if (chart === undefined) {
      const message = `There is no agent named ${cell.stream.split("-")[0]}`
      return item.done(
        Exit.fail(new InvalidEvent({ stream: cell.stream, type: item.type, message })),
      )
    }
    if (item.kind === "view") {
      batch.push({ cell, item, append: undefined, answer: () => item.done(Exit.void as never) })
      return
    }
    if (cell.parked !== undefined) {
      return item.done(Exit.fail(new ActorParked({ stream: cell.stream, message: cell.parked })))
    }
    const now = this.now
    // Looking whether a timer is due records nothing, so it does not move the actor over either.
    const isInVain = item.kind === "wake" && !cell.state?.timers.some(({ due }) => due <= now)
    const before = batch.length
    if (cell.upgradeFrom !== undefined && !isInVain) this.#stageUpgrade(cell, chart, batch)
    const world = item.kind === "wake" ? now : item.occurredAt ?? now
    if (!this.#fireTimers(cell, chart, Math.max(world, cell.state?.clock ?? 0), now, item, batch)) {
      return item.done(Exit.fail(new ActorParked({ stream: cell.stream, message: cell.parked! })))
    }
    if (this.#follows && batch.length > before) {
      // It comes with the next commit: see `#drain`.
      cell.mail.unshift(item)
      this.#queued++
      return
    }
    if (item.kind === "wake") return
    if (item.kind === "neutral" && cell.state === undefined && item.type !== "ActorStarted") {
      return item.done(Exit.fail(this.#notAccepted(cell, item)))
    }
    const actual = cell.state?.revision ?? -1
    if (item.revision !== undefined && item.revision !== actual) {
      const { revision: expected } = item
      const conflict = new VersionConflict({ stream: cell.stream, expected, actual })
      const answer = () => this.#firstOutcome(cell, item, item.id, conflict)
      batch.push({ cell, item, append: undefined, answer })
      return
    }
    const event = foldEvent(item.id ?? mintId(now), item.type, item.data, now, item.occurredAt)
    if (item.actor !== undefined) event.metadata.actor = item.actor
    if (item.ask !== undefined) event.metadata.ask = item.ask
    if (item.type === "ActorStarted" && cell.state !== undefined) {
      // Told twice: the first start counts.
      batch.push({ cell, item, append: undefined, answer: () => this.#firstOutcome(cell, item) })
      return
    }
    const step = fold(chart, cell.state, event, cell.stream)
    if (step.heardBefore) {
      batch.push({ cell, item, append: undefined, answer: () => this.#firstOutcome(cell, item) })
      return
    }
    if (step.defect !== undefined) {
      const { name, message } = plainError(step.defect)
      this.#park(cell, `${item.type} met a defect in the chart: ${name}: ${message}`)
      return item.done(Exit.fail(new ActorParked({ stream: cell.stream, message: cell.parked! })))
    }
    if (!step.accepted || step.state === undefined) {
      batch.push({ cell, item, append: undefined, answer: () => this.#firstOutcome(cell, item) })
      return
    }
    this.#stage(cell, chart, item, event, step, batch)
  }

  /** Folds every timer of the actor that is due at `clock`, soonest first. False where the chart broke. */
  #fireTimers(
    cell: Cell,
    chart: Chart,
    clock: number,
    now: number,
    item: Item,
    batch: Array<Staged>,
  ): boolean {
    for (; cell.state !== undefined && cell.state.timers.length > 0; item.fired++) {
      if (this.#follows && batch.at(-1)?.cell === cell) return true
      let first = cell.state.timers[0]!
      for (const timer of cell.state.timers) if (timer.due < first.due) first = timer
      if (first.due > clock) return true
      const id = outcomeId(`${cell.stream}/${first.of}`)
      const event = foldEvent(id, "TimerFired", { ask: first.of }, now, first.due)
      event.metadata.actor = "timer"
      const step = item.fired < timersPerEventMax
        ? fold(chart, cell.state, event, cell.stream)
        : { defect: new Error("Its timers wake it without end"), state: undefined, asks: [] }
      if (step.defect !== undefined || step.state === undefined) {
        const { name, message } = plainError(step.defect)
        this.#park(cell, `Timer ${first.name} met a defect in the chart: ${name}: ${message}`)
        return false
      }
      this.#stage(cell, chart, undefined, event, step as Step, batch)
    }
    return true
  }

  #stageUpgrade(cell: Cell, chart: Chart, batch: Array<Staged>) {
    const from = cell.upgradeFrom!
    const state = cell.state!
    const id = outcomeId(`${cell.stream}/upgrade/${chart.ref.version}`)
    const data = { from, to: chart.ref.version, state: persist(state) }
    const event = foldEvent(id, "ChartUpgraded", data, this.now, undefined)
    event.metadata.actor = "upgrade"
    cell.upgradeFrom = undefined
    this.#stage(cell, chart, undefined, event, fold(chart, state, event, cell.stream), batch)
  }

  #stage(
    cell: Cell,
    chart: Chart,
    item: Item | undefined,
    event: Draft,
    step: Step,
    batch: Array<Staged>,
  ) {
    const state = step.state!
    const { status } = state.snapshot
    const correlation = item?.correlation ??
      (item === undefined || isNeutral(event.type) ? cell.correlation : "")
    const { metadata } = event
    metadata.$correlationId = correlation === "" ? event.id : correlation
    if (item?.causation !== undefined) metadata.$causationId = item.causation
    metadata.chart = chart.ref
    if (step.asks.length > 0) metadata.asks = step.asks
    metadata.state = state.hash
    metadata.value = valueOf(state)
    if (status !== "active") metadata.status = status
    if (item?.traceparent !== undefined) metadata.traceparent = item.traceparent
    batch.push({
      cell,
      item,
      step,
      append: { stream: cell.stream, expected: cell.state?.revision ?? -1, events: [event] },
    })
    cell.state = state
    cell.lastEvent = event.id
    cell.correlation = metadata.$correlationId
  }

  #stageJournal(cell: Cell, item: Item, batch: Array<Staged>) {
    const now = this.now
    const id = item.id ?? mintId(now)
    const metadata: Metadata = {
      at: now,
      ...(item.occurredAt === undefined || item.occurredAt === now
        ? {}
        : { occurredAt: item.occurredAt }),
      $correlationId: item.correlation ?? id,
      ...(item.causation === undefined ? {} : { $causationId: item.causation }),
      ...(item.actor === undefined ? {} : { actor: item.actor }),
      ...(item.traceparent === undefined ? {} : { traceparent: item.traceparent }),
    }
    batch.push({
      cell,
      item,
      append: {
        stream: cell.stream,
        expected: cell.revision,
        events: [{ id, type: item.type, data: item.data, metadata }],
      },
    })
    cell.revision++
  }

  // -------------------------------------------------------------- after the commit

  #committed(
    batch: ReadonlyArray<Staged>,
    results: ReadonlyArray<Appended | VersionConflict | EventTooLarge>,
  ) {
    this.#pauseMillis = 0
    this.trouble = undefined
    const events: Array<Committed> = []
    /** Cells whose memory is ahead of the log, with what must be done again, in order. */
    const spoiled = new Map<Cell, Array<Item>>()
    /** Cells that cannot go on, and why. */
    const stuck = new Map<Cell, string>()
    let n = 0
    const accepted: Array<() => void> = []
    for (const staged of batch) {
      const { cell, item, append } = staged
      const again = spoiled.get(cell)
      if (append === undefined) {
        if (again && item) again.push(item)
        else accepted.push(staged.answer!)
        continue
      }
      const result = results[n++]!
      if (result instanceof EventTooLarge) {
        if (!again) spoiled.set(cell, [])
        if (item === undefined) {
          // A timer or an upgrade stands in front of whatever comes: it would be in the way for ever.
          stuck.set(
            cell,
            `${
              append.events[0]!.type
            } with its asks takes ${result.bytes} bytes, more than an event may: ` +
              "mend the chart so that it keeps large content in blobs",
          )
        } else item.done(Exit.fail(result))
      } else if (result instanceof VersionConflict) {
        const redo = again ?? []
        if (!again) spoiled.set(cell, redo)
        if (item === undefined) {
          this.#wakeAgain(cell)
          continue
        }
        if (cell.chart === undefined) cell.revision = result.actual
        // AIOS's own goes on: what it reports or tells must be recorded sometime.
        if (again === undefined && ++item.conflicts > conflictsMax && !item.internal) {
          const message =
            `${cell.stream} is being written by somebody else all the time; try again later`
          item.done(Exit.fail(new LogUnavailable({ reason: "failed", message, retryable: true })))
        } else redo.push(item)
      } else if (result.duplicate) {
        // The log had this id: its first outcome counts, and what was folded after it did not happen.
        if (!again) spoiled.set(cell, [])
        if (item) accepted.push(() => this.#firstOutcome(cell, item, append.events[0]!.id))
      } else {
        const { id, type, data, metadata } = append.events[0]!
        const recorded: RecordedEvent = {
          id,
          type,
          data,
          metadata,
          stream: append.stream,
          revision: result.revision,
          position: result.positions[0]!,
        }
        const { at, occurredAt } = recorded.metadata
        events.push({ event: recorded, clock: staged.step?.state?.clock ?? occurredAt ?? at })
        if (staged.step) { for (const one of staged.step.emitted) this.#emit(cell.stream, one) }
        if (item) {
          accepted.push(() => item.done(Exit.succeed({ event: recorded, duplicate: false })))
        }
        if (
          cell.state !== undefined &&
          cell.state.revision - cell.snapshotRevision >=
            snapshotEvery + HashMap.size(cell.state.heard)
        ) {
          const saved = again === undefined ? this.#snapshotDue(cell, snapshotEvery) : undefined
          if (saved) this.#dirty.set(cell.stream, saved)
        }
      }
    }
    for (const [cell, items] of spoiled) {
      this.#forget(cell)
      const problem = stuck.get(cell)
      if (problem !== undefined) {
        cell.phase = "awake"
        this.#park(cell, problem)
      }
      this.#requeue(cell, items)
    }
    if (this.#follows) {
      for (const one of events) this.#own.set(one.event.position, one)
      this.#actUpon(this.#heardAlready())
    } else this.#actUpon(events)
    for (const tell of accepted) tell()
    this.#saveSnapshots()
  }

  #emit(stream: string, event: JsonObject) {
    for (const listener of this.emitted) listener(stream, event)
  }

  /** A timer of it was folded and not recorded: nothing else would come back to it. */
  #wakeAgain(cell: Cell) {
    this.timers.add(Math.min(this.now, this.timers.horizon), cell.stream)
  }

  /** Its memory is dropped; the next item loads it from the log again. */
  #forget(cell: Cell) {
    cell.state = undefined
    cell.upgradeFrom = undefined
    if (cell.chart !== undefined) cell.phase = "asleep"
    if (cell.parked !== undefined) {
      cell.parked = undefined
      this.parked.delete(cell.stream)
    }
  }

  #requeue(cell: Cell, items: ReadonlyArray<Item>) {
    if (items.length === 0) return
    this.#cells.set(cell.stream, cell)
    cell.mail.unshift(...items)
    this.#queued += items.length
    this.#ready.add(cell)
  }

  /** The log took nothing: what is ours is tried again in the same order, the rest is told. */
  #failed(batch: ReadonlyArray<Staged>, failure: Refusal) {
    const again = new Map<Cell, Array<Item>>()
    const unsure = new Map<Cell, Array<Staged>>()
    for (const staged of batch) {
      const { cell, item } = staged
      const items = again.get(cell) ?? []
      again.set(cell, items)
      if (item) items.push(item)
      else this.#wakeAgain(cell)
      if (staged.step === undefined) continue
      const steps = unsure.get(cell) ?? []
      unsure.set(cell, steps)
      steps.push(staged)
    }
    for (const [cell, items] of again) {
      this.#forget(cell)
      cell.revision = -1
      this.#putBack(cell, items, failure)
    }
    for (const [cell, steps] of unsure) {
      cell.unsure = steps
      // Nobody else may come to have it loaded.
      this.post({ ...idleItem, kind: "view", stream: cell.stream, conflicts: 0, fired: 0 })
    }
  }

  #putBack(cell: Cell, items: ReadonlyArray<Item>, failure: Refusal) {
    const waiting = [...items, ...cell.mail]
    this.#queued -= cell.mail.length
    cell.mail = []
    const keeps = (item: Item) => item.internal && !this.#closed
    for (const item of waiting) if (!keeps(item)) item.done(Exit.fail(failure))
    this.#requeue(cell, waiting.filter(keeps))
    this.#pause(failure)
  }

  #pause(failure: Refusal) {
    if (failure._tag === "LogUnavailable") {
      this.trouble ??= { since: performance.now(), failure }
    }
    if (this.#paused) return
    this.#paused = true
    this.#pauseMillis = Math.min(Math.max(pauseMillisMin, this.#pauseMillis * 2), pauseMillisMax)
    setTimeout(() => {
      this.#paused = false
      for (const cell of this.#cells.values()) if (cell.mail.length > 0) this.#ready.add(cell)
      this.#settled()
    }, this.#pauseMillis)
  }

  /** Answers an item that recorded nothing: with what its id recorded before, else with a refusal. */
  #firstOutcome(
    cell: Cell,
    item: Item,
    id = item.id,
    refusal: Refusal = this.#notAccepted(cell, item),
  ) {
    if (id === undefined) return item.done(Exit.fail(refusal))
    // Until it is answered, whoever waits for all to be done waits for this too.
    this.#loading++
    this.#run(this.#log.byId(id), (exit) => {
      this.#loading--
      this.#schedule()
      if (Exit.isFailure(exit)) {
        if (!item.internal || this.#closed) return item.done(Exit.fail(failureOf(exit)))
        this.#requeue(cell, [item])
        return this.#pause(failureOf(exit))
      }
      const first = exit.value.find((event) => event.stream === cell.stream)
      item.done(first ? Exit.succeed({ event: first, duplicate: true }) : Exit.fail(refusal))
    })
  }

  #notAccepted(cell: Cell, item: Item): NotAccepted {
    const view = this.viewOf(cell.stream)
    const accepts = view?.accepts ??
      (cell.chart ? acceptsIn(cell.chart, initialValue(cell.chart)) : [])
    const state = view?.value ?? null
    const ended = view !== undefined && view.status !== "active"
      ? ` and has ended (${view.status})`
      : ""
    return new NotAccepted({
      stream: cell.stream,
      type: item.type,
      state: state as Json,
      accepts,
      message: view === undefined
        ? `${cell.stream} does not exist yet; it starts with ${list(accepts)}`
        : `${cell.stream} is ${
          JSON.stringify(state)
        }${ended} and does not take ${item.type} now; it takes ${list(accepts)}`,
    })
  }

  /** What an event asked for between actors goes to their mailboxes; activities are for the listeners. */
  #dispatch({ event, clock }: Committed) {
    const { asks } = event.metadata
    if (asks === undefined || !this.#delivers) return
    for (const [place, ask] of asks.entries()) {
      if (ask.ask === "timer") this.timers.add(ask.due, event.stream)
      else if (
        ask.ask === "tell" || ask.ask === "spawn" || (ask.ask === "stop" && ask.to !== undefined)
      ) {
        this.deliver({
          id: askId(event.stream, event.revision, place),
          stream: event.stream,
          ask,
          causation: event.id,
          correlation: event.metadata.$correlationId,
          clock,
        })
      }
    }
  }

  /** Gives an actor what another one asked to be given. Safe to do again. */
  deliver(open: {
    readonly id: string
    readonly stream: string
    readonly ask: NonNullable<Metadata["asks"]>[number]
    readonly causation: string
    readonly correlation: string
    /** The sender's clock when it asked: the receiver lives it then. */
    readonly clock: number
    /** Of a `stop`: the approval that nobody waits for any more. */
    readonly approval?: string
  }): void {
    const { ask, stream } = open
    const place = open.id.slice(open.id.lastIndexOf("/") + 1)
    const base = {
      id: tellId(open.id),
      actor: stream,
      ask: place,
      causation: open.causation,
      correlation: open.correlation,
      occurredAt: open.clock,
      internal: true,
      conflicts: 0,
      fired: 0,
    }
    switch (ask.ask) {
      case "tell": {
        const { type, ...data } = ask.event as { type: string } & JsonObject
        const found = this.#registry.find(ask.to)
        const done = this.#refusedTells(open, ask.to, type)
        if (found === undefined) {
          return done(Exit.fail(
            new InvalidEvent({ stream: ask.to, type, message: `There is no agent for ${ask.to}` }),
          ))
        }
        return this.post({
          ...base,
          kind: isNeutral(type) ? "neutral" : "event",
          stream: ask.to,
          type,
          data,
          done,
        })
      }
      case "spawn":
        return this.post({
          ...base,
          kind: "neutral",
          stream: ask.to,
          type: "ActorStarted",
          data: {
            ...(ask.input === undefined ? {} : { input: ask.input }),
            parent: { stream, child: ask.child, of: place },
          },
          done: this.#refusedTells(open, ask.to, "ActorStarted"),
        })
      case "stop":
        if (open.approval !== undefined) {
          return this.post({
            ...base,
            kind: "event",
            stream: open.approval,
            type: "ApprovalSuperseded",
            data: { by: stream },
            done: this.#refusedTells(open, open.approval, "ApprovalSuperseded"),
          })
        }
        if (ask.to === undefined) return
        return this.post({
          ...base,
          kind: "neutral",
          stream: ask.to,
          type: "ActorStopped",
          data: {},
          done: this.#refusedTells(open, ask.to, "ActorStopped"),
        })
    }
  }

  /** A refusal is recorded with the sender and loses nothing. A parked receiver leaves the ask open. */
  #refusedTells(
    open: {
      readonly id: string
      readonly stream: string
      readonly causation: string
      readonly correlation: string
    },
    to: string,
    refused: string,
  ) {
    return (exit: Exit.Exit<Accepted | undefined, Refusal>) => {
      if (Exit.isSuccess(exit)) return
      const failure = failureOf(exit)
      if (failure._tag !== "NotAccepted" && failure._tag !== "InvalidEvent") return
      this.post({
        kind: this.#registry.find(open.stream) ? "neutral" : "journal",
        stream: open.stream,
        type: "TellRefused",
        data: {
          to,
          refused,
          state: failure._tag === "NotAccepted" ? failure.state : null,
          reason: failure.message,
          ask: open.id.slice(open.id.lastIndexOf("/") + 1),
        },
        id: outcomeId(open.id),
        causation: open.causation,
        correlation: open.correlation,
        actor: to,
        internal: true,
        done: () => {},
        conflicts: 0,
        fired: 0,
      })
    }
  }

  /** The actor as it is in memory; undefined where it is not. Ask through a `view` item to have it loaded. */
  viewOf(stream: string): ActorView | undefined {
    const cell = this.#cells.get(stream)
    const state = cell?.state
    if (cell?.chart === undefined || state === undefined) {
      return cell?.parked === undefined ? undefined : {
        stream,
        revision: -1,
        status: "parked",
        value: "unknown",
        context: null,
        accepts: [],
        clock: 0,
        lastEvent: cell.lastEvent,
        problem: cell.parked,
      }
    }
    const { snapshot } = state
    const isActive = snapshot.status === "active"
    const problem = cell.parked ??
      (snapshot.error === undefined ? undefined : plainError(snapshot.error).message)
    return {
      stream,
      revision: state.revision,
      status: cell.parked !== undefined ? "parked" : snapshot.status,
      value: valueOf(state),
      context: snapshot.context as Json,
      accepts: isActive ? acceptsIn(cell.chart, valueOf(state)) : [],
      clock: state.clock,
      lastEvent: cell.lastEvent,
      ...(problem === undefined ? {} : { problem }),
    }
  }
}

const list = (types: ReadonlyArray<string>) => (types.length === 0 ? "nothing" : types.join(", "))

const initialValues = new WeakMap<Chart, ReturnType<typeof valueOf>>()
/** State value a new actor of the chart starts in. */
const initialValue = (chart: Chart) => {
  const known = initialValues.get(chart)
  if (known !== undefined) return known
  const step = fold(chart, undefined, {
    id: "",
    type: "ActorStarted",
    data: { input: { key: "" } },
    metadata: { at: 0 },
  }, `${chart.ref.name}-`)
  const value = step.state === undefined ? {} : valueOf(step.state)
  initialValues.set(chart, value)
  return value
}

/** The refusal in an exit; a defect of an adapter counts as the log's. */
const failureOf = (exit: Exit.Failure<unknown, Refusal>): Refusal => {
  const found = Exit.findErrorOption(exit)
  return found._tag === "Some" ? found.value : new LogUnavailable({
    reason: "failed",
    message: `The log adapter broke: ${String(exit.cause)}`,
    retryable: true,
    cause: exit.cause,
  })
}
