/**
 * The log of a data directory where AIOS_EVENT_LOG names one outside of it. The folder keeps its secret, keys
 * and blobs; what must not happen is that it is used with a log that is not its own, or that two logs
 * go on side by side, so what the folder and that log know of each other is compared before anybody
 * writes. `log-elsewhere.json` remembers that the log is not here any more.
 */
import { Effect, Layer } from "effect"
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { EventLog, LogUnavailable } from "../actors/event-log.ts"
import type * as eventStore from "./event-log-eventstoredb.ts"
import * as sqliteLog from "./event-log-sqlite.ts"
import { isSystems } from "./log-copy.ts"
import * as vault from "./vault-sqlite.ts"

const pageEvents = 100

export interface Options {
  readonly directory: string
  /** Such as `esdb://127.0.0.1:2113?tls=false`; may hold a password. */
  readonly connection: string
  /** Id of the installation whose log it must be. */
  readonly installation: string
}

const markName = "log-elsewhere.json"

/** A connection string without what is secret: the scheme and the hosts. */
export const shownOf = (connection: string): string =>
  connection.replace(/\/\/[^/?]*@/, "//").replace(/[/?]*(\?.*)?$/, "")

/** As it is written, but for user and password, in whose place stand these words. */
export const writtenOf = (connection: string): string =>
  connection.replace(/\/\/[^/?]*@/, "//USER:PASSWORD@")

/** As a shell takes it for one word. */
const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

interface Mark {
  /** Where the log is, without user and password. */
  readonly log: string
  /** It had events when it was opened or closed last. */
  readonly events: boolean
}

/** What the folder knows of a log elsewhere. A mark that cannot be read is one all the same. */
const markIn = (directory: string): Mark | undefined => {
  try {
    const { events, log } = JSON.parse(readFileSync(join(directory, markName), "utf8"))
    if (typeof log === "string") return { log, events: events === true }
  } catch {
    // Not there, or damaged.
  }
  return existsSync(join(directory, markName)) ? { log: "another place", events: true } : undefined
}

const setMark = (directory: string, mark: Mark): void => {
  const text = `${JSON.stringify(mark)}\n`
  const file = join(directory, markName)
  if (existsSync(file) && readFileSync(file, "utf8") === text) return
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
/** Whether the folder has a log or, with a secret or keys, should have one somewhere. */
export const hasLog = (directory: string, connection: string | undefined): boolean =>
  ["log.db", markName, "keys.db", ...connection === undefined ? [] : ["secret"]]
    .some((name) => existsSync(join(directory, name)))
/** The log is in the folder again. */
export const clearMark = (directory: string): void =>
  rmSync(join(directory, markName), { force: true })

const refused = (message: string) =>
  new LogUnavailable({ reason: "foreign", message, retryable: false })

/** The last event of a log that would be in a copy of it. */
const lastCopied = Effect.fnUntraced(function* (log: EventLog["Service"]) {
  let from: number | undefined
  for (;;) {
    const at = from === undefined ? {} : { from }
    const page = yield* log.readAll({ ...at, backwards: true, limit: pageEvents })
    const found = page.find((event) => !isSystems(event))
    const first = page.at(-1)?.position ?? 0
    if (found !== undefined || first === 0) return found
    from = first - 1
  }
})
/** The same of the folder's own log file, if it has one. */
const lastHere = (file: string) =>
  existsSync(file)
    ? EventLog.pipe(
      Effect.flatMap(lastCopied),
      Effect.provide(Layer.fresh(sqliteLog.layer({ file }))),
      Effect.scoped,
    )
    : Effect.succeed(undefined)

/** What the mark does not say, keys do: they are made for events only, in front of the first of them. */
const hadEvents = (directory: string): boolean =>
  markIn(directory)?.events ?? (vault.statusOf(directory)?.keys ?? 0) > 0

const emptied = ({ connection, directory }: Options) =>
  refused(
    `The event log ${
      shownOf(connection)
    } is empty, but ${directory} is that of a log with events. ` +
      "Nothing was changed. Check AIOS_EVENT_LOG and whether that server has its data; or choose " +
      "another data directory.",
  )

/** What the folder and the log know of each other must fit. Gives what is to be remembered of the log. */
const check = Effect.fnUntraced(function* (log: EventLog["Service"], options: Options) {
  const { connection, directory } = options
  const shown = shownOf(connection)
  const file = join(directory, "log.db")
  const last = yield* lastHere(file)
  const [first] = yield* log.readAll({ limit: 1 })
  if (last !== undefined) {
    const [same] = yield* log.readPage(last.stream, { from: last.revision, limit: 1 })
    if (same?.id !== last.id) {
      return yield* refused(
        `AIOS_EVENT_LOG names ${shown}, but ${file} has events that are not there. Nothing was ` +
          `changed. Copy them first: aios migrate-log ${
            shellWord(directory)
          } AIOS_EVENT_LOG. Or unset it.`,
      )
    }
  } else if (first === undefined && hadEvents(directory)) {
    return yield* emptied(options)
  }
  const mark: Mark = { log: writtenOf(connection), events: first !== undefined }
  return mark
})

/** The client is loaded only where it is used. */
const clientOf = (options: eventStore.Options) =>
  Layer.unwrap(Effect.promise(async () => {
    const { layer } = await import("./event-log-eventstoredb.ts")
    return layer(options)
  }))

/** Keys must be open before: see `data-directory.ts`. */
export const layer = (options: Options): Layer.Layer<EventLog, LogUnavailable> => {
  const { connection, directory, installation } = options
  return Layer.unwrap(Effect.sync(() => {
    let mark: Mark | undefined
    const remember = Effect.sync(() => {
      if (mark !== undefined) setMark(directory, mark)
    })
    const rememberAgain = Effect.gen(function* () {
      if (mark === undefined || mark.events) return
      const [first] = yield* (yield* EventLog).readAll({ limit: 1 })
      if (first !== undefined) setMark(directory, { ...mark, events: true })
    })
    const remembered = Effect.acquireRelease(remember, () => Effect.ignore(rememberAgain))
    return Layer.effectDiscard(remembered).pipe(
      Layer.provideMerge(clientOf({
        connection,
        index: join(directory, "log-index.db"),
        installation,
        inspect: (log) =>
          Effect.map(check(log, options), (found) => {
            mark = found
          }),
      })),
    )
  }))
}

/**
 * For a worker, whose own files are in `own`: the log that `aios start` made this installation's, or
 * none. It neither takes a log nor remembers one.
 */
export const shared = (
  options: Options & { readonly own: string },
): Layer.Layer<EventLog, LogUnavailable> => {
  const { connection, directory, installation, own } = options
  // Of a log in the folder, `aios start` lets the worker in itself.
  const isElsewhere = markIn(directory) !== undefined || !existsSync(join(directory, "log.db"))
  const fits = Effect.gen(function* () {
    const [first] = yield* (yield* EventLog).readAll({ limit: 1 })
    if (first === undefined && isElsewhere && hadEvents(directory)) return yield* emptied(options)
  })
  return Layer.effectDiscard(fits).pipe(
    Layer.provideMerge(clientOf({
      connection,
      index: join(own, "log-index.db"),
      installation,
      unowned: "refuse",
    })),
  )
}

/** A log that answers, and is nobody's, or of `installation`: to look at before there is a data directory. */
export const ownerless = (
  connection: string,
  installation = "none",
): Layer.Layer<EventLog, LogUnavailable> =>
  Layer.effectDiscard(Effect.flatMap(EventLog, (log) => log.readAll({ limit: 1 }))).pipe(
    Layer.provideMerge(clientOf({ connection, installation, unowned: "leave" })),
  )

/** Refuses to go on with the folder's own log where its log is elsewhere. */
export const refuseElsewhere = (directory: string): Effect.Effect<void, LogUnavailable> =>
  Effect.suspend(() => {
    const mark = markIn(directory)
    return mark === undefined ? Effect.void : refused(
      `The event log of ${directory} is at ${mark.log}. Set AIOS_EVENT_LOG to it again, or bring it ` +
        `back first: aios migrate-log ${shellWord(mark.log)} ${shellWord(directory)}`,
    )
  })
