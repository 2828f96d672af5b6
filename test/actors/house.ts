/**
 * AIOS with any agents and activities, opened and closed at will over the same storage. What the storage
 * keeps outlives an opening; the clock is set by hand, pauses are real. `faults` stands between the actor
 * system and the log.
 */
import { Clock, Context, Effect, Exit, Layer, Scope } from "effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Implementation, layer as joinActivities } from "../../actors/activity.ts"
import type { Happening } from "../../actors/activities/job.ts"
import * as runner from "../../actors/activities/runner.ts"
import { ActorSystem, type Proposal } from "../../actors/actor-system.ts"
import * as contacts from "../../actors/contacts.ts"
import { EventLog } from "../../actors/event-log.ts"
import { OpenAsks } from "../../actors/open-asks.ts"
import { SnapshotStore } from "../../actors/snapshot-store.ts"
import * as system from "../../actors/system.ts"
import { Vault } from "../../actors/vault.ts"
import * as memoryLog from "../log-memory.ts"
import { lasting } from "../log-over-door.ts"
import * as sqliteLog from "../log-sqlite.ts"
import * as memoryStore from "../../adapters/read-store-memory.ts"
import * as sqliteStore from "../../adapters/read-store-sqlite.ts"
import * as memorySnapshots from "../../adapters/snapshot-store-memory.ts"
import * as sqliteSnapshots from "../../adapters/snapshot-store-sqlite.ts"
import * as memoryVault from "../../adapters/vault-memory.ts"
import * as sqliteVault from "../../adapters/vault-sqlite.ts"
import type { Agent, Journal, Lane } from "../../machines/agent.ts"
import { projections } from "../../projections/mod.ts"
import * as openAsks from "../../projections/open-asks.ts"
import { ReadStore } from "../../projections/read-store.ts"
import * as follower from "../../projections/runner.ts"

export const minute = 60 * 1000
export const hour = 60 * minute
export const day = 24 * hour
/** When every story begins. */
export const epoch = Date.UTC(2026, 10, 2, 8)

export type Stored = EventLog | Vault | SnapshotStore | ReadStore
export type Env = Stored | ActorSystem | OpenAsks | system.ActorEngine

export interface Storage {
  readonly layer: Layer.Layer<Stored, unknown>
  /** Of files; empty in memory. */
  readonly directory: string
  readonly remove: () => void
}

/** Everything in memory; it lives as long as this object. */
export const inMemory = (): Storage => ({
  layer: lasting(
    Layer.mergeAll(
      memoryLog.layer,
      memoryVault.layer,
      memorySnapshots.layer,
      memoryStore.layer,
    ),
  ),
  directory: "",
  remove: () => {},
})

/** Of another process on the same log with the same keys: what is its own is in memory. */
export const beside = (storage: Storage): Storage => {
  const scope = Effect.runSync(Scope.make())
  const own = Layer.mergeAll(memorySnapshots.layer, memoryStore.layer)
  const built = Effect.runSync(Layer.buildWithScope(own, scope))
  return {
    ...storage,
    layer: Layer.succeedContext(built).pipe(
      Layer.provideMerge(storage.layer),
    ),
    remove: () => {},
  }
}

export const onDisk = (): Storage => {
  const directory = mkdtempSync(join(tmpdir(), "aios-house-"))
  return {
    // The keys before the log: a log without keys means that they were lost.
    layer: Layer.mergeAll(
      sqliteLog.layer({ file: join(directory, "log.db") }),
      sqliteSnapshots.layer({ file: join(directory, "cache.db") }),
      sqliteStore.layer(join(directory, "read.db")),
    ).pipe(Layer.provideMerge(sqliteVault.layer({ directory }))),
    directory,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** Every byte of every file in a folder, as Latin-1 text. */
export const bytesOf = (directory: string): string =>
  readdirSync(directory, { recursive: true }).map((name) => join(directory, String(name)))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, "latin1")).join("\n")

export interface HouseOptions {
  readonly agents: ReadonlyArray<Agent>
  readonly journals?: ReadonlyArray<Journal>
  readonly activities?: ReadonlyArray<Implementation>
  readonly storage?: Storage
  /** Moved by the test; default: the time of the machine. */
  readonly clock?: { now: number }
  readonly faults?: (log: EventLog["Service"]) => EventLog["Service"]
  readonly closeMillisMax?: number
  readonly dispatch?: boolean
  /** Others write the log too; `worker` runs activities only. */
  readonly shared?: boolean
  readonly worker?: string
  readonly leaseMillis?: number
  readonly lookMillis?: number
  readonly lanes?: ReadonlyArray<Lane>
  readonly note?: (happening: Happening) => void
}

export const handClock = (real: Clock.Clock, set: { now: number }): Clock.Clock => ({
  ...real,
  currentTimeMillisUnsafe: () => set.now,
  currentTimeMillis: Effect.sync(() => set.now),
  currentTimeNanosUnsafe: () => BigInt(set.now) * 1_000_000n,
  currentTimeNanos: Effect.sync(() => BigInt(set.now) * 1_000_000n),
  monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: real.monotonicTimeNanos,
  sleep: (duration) => real.sleep(duration),
})

export const houseOf = (options: HouseOptions) => {
  const { agents, journals = [], activities = [], clock, faults, dispatch = true } = options
  const stored = (options.storage ?? inMemory()).layer
  const log = faults === undefined ? stored : Layer.effectContext(Effect.gen(function* () {
    return Context.make(EventLog, faults(yield* EventLog))
  })).pipe(Layer.provideMerge(stored))
  const real = Effect.runSync(Clock.Clock)
  const { lanes, leaseMillis, lookMillis, note, shared = false, worker } = options
  return runner.layer({
    dispatch,
    ...(worker === undefined ? {} : { worker }),
    ...(lanes === undefined ? {} : { lanes }),
    ...(leaseMillis === undefined ? {} : { leaseMillis }),
    ...(lookMillis === undefined ? {} : { lookMillis }),
    ...(note === undefined ? {} : { note }),
  }).pipe(
    Layer.provide(joinActivities(activities)),
    Layer.provideMerge(contacts.layer),
    Layer.provideMerge(system.layer({
      agents,
      journals,
      dispatch,
      shared,
      delivers: worker === undefined,
      ...(options.closeMillisMax === undefined ? {} : { closeMillisMax: options.closeMillisMax }),
    })),
    Layer.provideMerge(openAsks.layer),
    Layer.provideMerge(follower.layer(projections)),
    Layer.provideMerge(log),
    Layer.provideMerge(
      clock === undefined ? Layer.empty : Layer.succeed(Clock.Clock, handClock(real, clock)),
    ),
  )
}

/** One opening of the house: `use` runs in it, then it is closed in good order. */
export const inHouse = <A>(options: HouseOptions, use: Effect.Effect<A, unknown, Env>) =>
  Effect.runPromise(
    use.pipe(Effect.provide(houseOf(options)), Effect.scoped) as Effect.Effect<A, unknown>,
  )

/** An opening that is left as a crash leaves it: nothing is finished, the next one opens beside it. */
export const abandoned = async <A>(
  options: HouseOptions,
  use: Effect.Effect<A, unknown, Env>,
): Promise<A> => {
  const scope = Effect.runSync(Scope.make())
  const exit = await Effect.runPromiseExit(
    Layer.buildWithScope(houseOf({ ...options, closeMillisMax: 0 }), scope).pipe(
      Effect.flatMap((context) => Effect.provideContext(use, context)),
    ) as Effect.Effect<A, unknown>,
  )
  await Effect.runPromise(Scope.close(scope, Exit.void))
  if (Exit.isSuccess(exit)) return exit.value
  throw exit.cause
}

/** Works until nothing is left to do. */
export const settled = Effect.flatMap(ActorSystem, (system) => system.settle(20_000))

export const propose = (
  stream: string,
  event: Proposal | { readonly type: string },
  options: Parameters<ActorSystem["Service"]["propose"]>[2] = {},
) => Effect.flatMap(ActorSystem, (system) => system.propose(stream, event as never, options))
export const view = (stream: string) => Effect.flatMap(ActorSystem, (system) => system.view(stream))
export const eventsOf = (stream: string) =>
  Effect.flatMap(EventLog, (log) => log.readPage(stream, { limit: 100_000 }))
export const typesOf = (stream: string) =>
  Effect.map(eventsOf(stream), (events) => events.map(({ type }) => type))

/** Waits, in real time, until `look` says so. */
export const until = <E, R>(look: Effect.Effect<boolean, E, R>, millisMax = 20_000) =>
  Effect.gen(function* () {
    const end = performance.now() + millisMax
    while (!(yield* look)) {
      if (performance.now() > end) return yield* Effect.die(new Error("It never came"))
      yield* Effect.promise(() => new Promise((then) => setTimeout(then, 10)))
    }
  })
