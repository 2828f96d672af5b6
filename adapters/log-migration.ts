/**
 * `LogMigration` over the adapters there are: a data directory (or its `log.db`), or a connection string. A
 * data directory is locked meanwhile, so nobody works on its log; what else is in it (keys, secret,
 * attachments) is left as it is and does not travel.
 */
import { Context, Effect, Layer, type Scope } from "effect"
import { existsSync, mkdirSync, statSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { EventLog, type LogUnavailable } from "../actors/event-log.ts"
import { OperationFailed } from "../projections/aios.ts"
import { failureOf } from "../projections/aios-failures.ts"
import { objectOf, textOf } from "../projections/fields.ts"
import { LogMigration } from "../projections/log-migration.ts"
import { clearMark, shownOf, writtenOf } from "./event-log-elsewhere.ts"
import * as memoryLog from "./event-log-memory.ts"
import * as sqliteLog from "./event-log-sqlite.ts"
import * as installations from "./installation.ts"
import { copyLog } from "./log-copy.ts"
import * as ownerLock from "./owner-lock.ts"

/** One end of a migration. */
type Place =
  | { readonly kind: "elsewhere"; readonly connection: string; readonly shown: string }
  | { readonly kind: "here"; readonly directory: string; readonly shown: string }

const placeOf = (written: string): Place =>
  /^[a-z+]+:\/\//i.test(written)
    ? { kind: "elsewhere", connection: written, shown: shownOf(written) }
    : {
      kind: "here",
      directory: basename(written) === "log.db" ? dirname(written) : written,
      shown: written,
    }

const usage = (error: string, message: string) =>
  new OperationFailed({ kind: "usage", error, message })

/** The installation whose log it is: that of the folder which has a secret. */
const installationOf = Effect.fnUntraced(function* (places: ReadonlyArray<Place>) {
  for (const place of places) {
    if (place.kind === "here" && existsSync(join(place.directory, "secret"))) {
      return (yield* installations.open(place.directory)).id
    }
  }
  return undefined
})

const opened = (
  place: Place,
  installation: string | undefined,
  makes: boolean,
): Effect.Effect<EventLog["Service"], LogUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const build = (layer: Layer.Layer<EventLog, LogUnavailable>) =>
      Effect.map(
        Layer.buildWithScope(Layer.fresh(layer), scope),
        (context) => Context.get(context, EventLog),
      )
    const owner = installation === undefined ? {} : { installation }
    if (place.kind === "elsewhere") {
      const client = yield* Effect.promise(() => import("./event-log-eventstoredb.ts"))
      return yield* build(client.layer({
        connection: place.connection,
        ...owner,
        unowned: makes ? "take" : "leave",
      }))
    }
    const file = join(place.directory, "log.db")
    // A dry run makes nothing.
    const makesNone = !makes && !existsSync(file)
    return yield* build(makesNone ? memoryLog.layer : sqliteLog.layer({ file, ...owner }))
  })

const checkPlaces = (from: Place, to: Place): OperationFailed | undefined => {
  const same = from.kind === "here" && to.kind === "here"
    ? from.directory === to.directory
    : from.shown === to.shown
  if (same) return usage("SameLog", "FROM and TO are the same log. Name two.")
  if (from.kind === "here" && !existsSync(join(from.directory, "log.db"))) {
    return usage("NoSuchLog", `There is no event log in ${from.directory}: it has no log.db.`)
  }
  for (const place of [from, to]) {
    if (place.kind === "here" && existsSync(place.directory)) {
      if (!statSync(place.directory).isDirectory()) {
        return usage("NoFolder", `${place.directory} is no data directory, and no log.db in one.`)
      }
    }
  }
  return undefined
}

export const layer: Layer.Layer<LogMigration> = Layer.succeed(
  LogMigration,
  LogMigration.of({
    migrate: Effect.fn("LogMigration.migrate")(
      function* (written, target, dryRun, progress) {
        const from = placeOf(written)
        const to = placeOf(target)
        const problem = checkPlaces(from, to)
        if (problem !== undefined) return yield* problem
        const own = Effect.fnUntraced(function* (place: Place) {
          if (place.kind !== "here" || (dryRun && !existsSync(place.directory))) return
          mkdirSync(place.directory, { recursive: true, mode: 0o700 })
          yield* ownerLock.acquire({ directory: place.directory, command: "aios migrate-log" })
        })
        yield* own(from)
        const installation = yield* installationOf([from, to])
        const source = yield* opened(from, installation, false)
        // Nothing is made for a source that does not answer.
        yield* source.head
        // A folder that only serves a log is not the one whose log it is.
        const [mark] = yield* source.readPage("$$aios", { backwards: true, limit: 1 })
        const owner = textOf(objectOf(mark?.data)["installation"]) || installation
        yield* own(to)
        // Whose it is, is said behind the events: in front of them it would move all their positions.
        const before = to.kind === "elsewhere" ? undefined : installation
        const copied = yield* copyLog(source, yield* opened(to, before, !dryRun), {
          dryRun,
          keepsOrder: to.kind === "here",
          isCounted: from.kind === "here",
          progress,
        })
        if (to.kind === "elsewhere" && !dryRun) yield* opened(to, owner, true)
        // Whoever opens the folder finds its log in it again.
        if (to.kind === "here" && !dryRun) clearMark(to.directory)
        return {
          from: from.shown,
          to: to.shown,
          ...(to.kind === "elsewhere" ? { eventLog: writtenOf(to.connection) } : {}),
          dryRun,
          ...copied,
        }
      },
      Effect.scoped,
      Effect.mapError(failureOf),
    ),
  }),
)
