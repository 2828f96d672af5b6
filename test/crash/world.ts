/**
 * AIOS over real files, with a clock that is set by hand and a crash at any chosen point: from then on
 * nothing of that incarnation reaches the log, the keys or the outbox any more, and the next one opens
 * the same files.
 */
import { type Clock, Context, Effect, Exit, Layer, Scope } from "effect"
import { Clock as ClockService } from "effect"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as implementations from "../../actors/activities/mod.ts"
import * as runner from "../../actors/activities/runner.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import * as contacts from "../../actors/contacts.ts"
import { EventLog } from "../../actors/event-log.ts"
import { Mailer } from "../../actors/mailer.ts"
import { OpenAsks } from "../../actors/open-asks.ts"
import { Payments } from "../../actors/payments.ts"
import * as languageModel from "../../actors/language-model.ts"
import * as recall from "../../actors/recall.ts"
import * as subjectItems from "../../actors/summary-subjects.ts"
import * as reports from "../../actors/reports.ts"
import * as tiers from "../../actors/tiers.ts"
import { SnapshotStore } from "../../actors/snapshot-store.ts"
import * as system from "../../actors/system.ts"
import { Vault } from "../../actors/vault.ts"
import * as blobs from "../../adapters/blob-store-memory.ts"
import * as sqliteLog from "../log-sqlite.ts"
import * as mailerFolder from "../../adapters/mailer-folder.ts"
import * as outsideFolders from "../../adapters/outside-folders.ts"
import * as readStore from "../../adapters/read-store-sqlite.ts"
import * as snapshots from "../../adapters/snapshot-store-sqlite.ts"
import * as vaultSqlite from "../../adapters/vault-sqlite.ts"
import type { Agent } from "../../machines/agent.ts"
import { agents, journals } from "../../machines/mod.ts"
import { projections } from "../../projections/mod.ts"
import * as openAsks from "../../projections/open-asks.ts"
import * as follower from "../../projections/runner.ts"

/** The simulated process is dead. */
export class Crash {
  readonly _tag = "Crash"
}

export interface World {
  readonly directory: string
  /** Epoch ms; scripts move it. */
  now: number
  /** Crash points passed so far, over all incarnations. */
  points: number
  /** Numbers of the points to crash at, in order. */
  crashAt: ReadonlyArray<number>
  crashes: number
  readonly outbox: () => ReadonlyArray<string>
  /** What the book of payments holds, a line each. */
  readonly book: () => ReadonlyArray<string>
  readonly remove: () => void
}

export const makeWorld = (now: number, crashAt: ReadonlyArray<number> = []): World => {
  const directory = mkdtempSync(join(tmpdir(), "aios-crash-"))
  return {
    directory,
    now,
    points: 0,
    crashAt,
    crashes: 0,
    outbox: () => {
      try {
        return readdirSync(join(directory, "outbox")).filter((name) => name.endsWith(".eml")).sort()
      } catch {
        return []
      }
    },
    book: () => {
      try {
        const text = readFileSync(join(directory, "payments", "book.ndjson"), "utf8")
        return text.split("\n").filter((line) => line !== "")
          .map((line) => String(JSON.parse(line).kind))
      } catch {
        return []
      }
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  }
}

const clockOf = (world: World, real: Clock.Clock): Clock.Clock => ({
  currentTimeMillisUnsafe: () => world.now,
  currentTimeMillis: Effect.sync(() => world.now),
  currentTimeNanosUnsafe: () => BigInt(world.now) * 1_000_000n,
  currentTimeNanos: Effect.sync(() => BigInt(world.now) * 1_000_000n),
  monotonicTimeNanosUnsafe: () => real.monotonicTimeNanosUnsafe(),
  monotonicTimeNanos: real.monotonicTimeNanos,
  sleep: (duration) => real.sleep(duration),
})

export type Env = ActorSystem | EventLog | Vault | OpenAsks | system.ActorEngine

/** One incarnation. `use` runs in it; a crash ends it wherever it is. */
export const incarnation = async <A>(
  world: World,
  use: Effect.Effect<A, unknown, Env>,
  extra: ReadonlyArray<Agent> = [],
): Promise<A | Crash> => {
  const scope = Effect.runSync(Scope.make())
  const real = Effect.runSync(ClockService.Clock)
  const clock = Layer.succeed(ClockService.Clock, clockOf(world, real))
  let dead = false
  let die: (crash: Crash) => void = () => {}
  const death = new Promise<Crash>((resolve) => {
    die = resolve
  })
  /** A point where the process may end: before what comes next in this incarnation. */
  const point = Effect.suspend(() => {
    if (dead) return Effect.never
    world.points++
    if (world.crashAt.includes(world.points)) {
      dead = true
      world.crashes++
      die(new Crash())
      return Effect.never
    }
    return Effect.void
  })
  const around = <B, E, R>(effect: Effect.Effect<B, E, R>) =>
    point.pipe(Effect.andThen(effect), Effect.tap(() => point))

  const base = sqliteLog.layer({ file: join(world.directory, "log.db") }).pipe(
    Layer.provideMerge(vaultSqlite.layer({ directory: world.directory })),
    Layer.provideMerge(snapshots.layer({ file: join(world.directory, "cache.db") })),
    Layer.provideMerge(readStore.layer(join(world.directory, "read.db"))),
  )
  const mortal = Layer.effectContext(Effect.gen(function* () {
    const log = yield* EventLog
    const vault = yield* Vault
    const snapshotStore = yield* SnapshotStore
    return Context.make(EventLog, {
      ...log,
      append: (stream, expected, events) => around(log.append(stream, expected, events)),
      appendBatch: (batch) => around(log.appendBatch(batch)),
    }).pipe(
      Context.add(Vault, { ...vault, flush: around(vault.flush) }),
      Context.add(SnapshotStore, {
        ...snapshotStore,
        put: (entries) => around(snapshotStore.put(entries)),
      }),
    )
  })).pipe(Layer.provideMerge(base))
  const mailer = Layer.effect(
    Mailer,
    Effect.map(
      Mailer,
      (mailer) =>
        Mailer.of({
          ...mailer,
          send: (mail, key) => around(mailer.send(mail, key)),
          recall: (key) => around(mailer.recall(key)),
        }),
    ),
  ).pipe(
    Layer.provide(mailerFolder.layer(join(world.directory, "outbox"))),
  )
  const payments = Layer.effect(
    Payments,
    Effect.map(
      Payments,
      (payments) =>
        Payments.of({
          ...payments,
          refund: (refund, call) => around(payments.refund(refund, call)),
          cancelRefund: (key, call) => around(payments.cancelRefund(key, call)),
        }),
    ),
  )
  const outside = Layer.mergeAll(
    mailer,
    payments,
    recall.absent,
    subjectItems.absent,
    languageModel.absent,
    reports.absent,
    tiers.absent,
    blobs.layer,
  ).pipe(
    Layer.provideMerge(outsideFolders.layer(world.directory)),
  )
  const house = runner.layer().pipe(
    Layer.provide(implementations.layer.pipe(Layer.provide(outside))),
    Layer.provideMerge(contacts.layer),
    Layer.provideMerge(
      system.layer({ agents: [...agents, ...extra], journals, closeMillisMax: 0 }),
    ),
    Layer.provideMerge(openAsks.layer),
    Layer.provideMerge(follower.layer(projections)),
    Layer.provideMerge(mortal),
    Layer.provideMerge(clock),
  )
  const life = new AbortController()
  const work = Effect.runPromiseExit(
    Layer.buildWithScope(house, scope).pipe(
      Effect.flatMap((context) => Effect.provideContext(use, context)),
    ),
    { signal: life.signal },
  )
  const ended = await Promise.race([work, death])
  // The dead do not go on with the story beside the next incarnation.
  life.abort()
  await Effect.runPromise(Scope.close(scope, Exit.void))
  if (ended instanceof Crash) return ended
  if (Exit.isSuccess(ended)) return ended.value
  throw ended.cause
}
