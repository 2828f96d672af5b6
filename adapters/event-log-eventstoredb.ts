/**
 * The event log in EventStoreDB or KurrentDB, over the official client: what the embedded log answers from
 * a file is asked of a server here, so that several processes can share one log. The server may be away at
 * any time, at the start too: calls wait for it a little and then fail so that they can be repeated;
 * followers go on once it is back.
 */
import { Effect, Layer, Option, Semaphore, Stream } from "effect"
import {
  type Append,
  type Appended,
  EventLog,
  type EventTooLarge,
  LogUnavailable,
  type NewEvent,
  type ReadOptions,
  type RecordedEvent,
  type VersionConflict,
} from "../actors/event-log.ts"
import { closedLog, pageBytesMax, pageMax } from "./event-log-embedded.ts"
import { appends, type Outcome } from "./event-log-eventstoredb-appends.ts"
import { connect } from "./event-log-eventstoredb-client.ts"
import { checks, type Unowned } from "./event-log-eventstoredb-checks.ts"
import { pages } from "./event-log-eventstoredb-pages.ts"
import { type Connection, type StoredEvent, StoreFailure } from "./event-log-eventstoredb-seam.ts"
import { tail } from "./event-log-eventstoredb-tail.ts"
import { waits } from "./event-log-eventstoredb-waits.ts"
import { waitingMax } from "./group-commit.ts"
import { open as openIndex } from "./log-index-sqlite.ts"

/** For the index to come to where the log is; a new one reads the whole log first. */
const indexMillisMax = 30_000
/** A follower whose read failed tries again after this. */
const againMillis = 500

export interface Options {
  /** `esdb://…`, with anything the client takes: credentials, several hosts, a CA. */
  readonly connection: string
  /** Path of the index that answers what the protocol cannot; may be deleted at any time. Default: in memory. */
  readonly index?: string
  /** Whose log it is: one that says it is another's is refused. `none`: anybody's is. */
  readonly installation?: string
  /** What becomes of one that is nobody's: it is made this installation's by default. */
  readonly unowned?: Unowned
  /** Looks at the log before it is taken: where that fails, nothing was written. */
  readonly inspect?: (log: EventLog["Service"]) => Effect.Effect<void, LogUnavailable>
}

/** What to do about a failure. Never with the connection string, which may hold a password. */
const unavailable = ({ hasTls, where }: Connection) => (cause: unknown): LogUnavailable => {
  if (cause instanceof LogUnavailable) return cause
  if (!(cause instanceof StoreFailure)) throw cause
  const words = cause.message
  const advice = `See that it runs, ${
    hasTls ? "with" : "without"
  } TLS, as its connection string says`
  const failed = (
    message: string,
    retryable: boolean,
    reason: LogUnavailable["reason"] = "failed",
  ) => new LogUnavailable({ reason, message, retryable, cause: cause.cause ?? cause })
  switch (cause.trouble) {
    case "closed":
      return closedLog()
    case "away":
      return failed(
        `The event store at ${where} does not answer (${words}). ${advice}; ` +
          "what was asked can be asked again.",
        true,
      )
    case "late":
      return failed(
        `The event store at ${where} took too long (${words}). ${advice}; what was asked can be ` +
          "asked again.",
        true,
      )
    case "untrusted":
      return failed(
        `The certificate of the event store at ${where} is not trusted here (${words}). Name the ` +
          "authority that signed it in AIOS_EVENT_LOG: tlsCAFile=/path/ca.crt; aios serve-log says its own.",
        false,
        "configuration",
      )
    case "denied":
      return failed(
        `The event store at ${where} refuses these credentials. Put a user and password that may ` +
          "read and write into AIOS_EVENT_LOG: esdb://user:password@host:port.",
        false,
      )
    default:
      return failed(
        `The event store at ${where} refused the call (${words}). Look at its log; AIOS needs ` +
          "EventStoreDB 22.10 or newer, KurrentDB, or `aios serve-log`.",
        false,
      )
  }
}

const badConnection = (words: string) =>
  new LogUnavailable({
    reason: "configuration",
    message: `AIOS_EVENT_LOG is not a connection string that can be used (${words}). Write it as ` +
      "esdb://host:2113?tls=false, or esdb://user:password@host:2113?tls=true&tlsCAFile=/path/ca.crt.",
    retryable: false,
  })

const make = (
  { connection: given, index: file, inspect, installation, unowned = "take" }: Options,
) =>
  Effect.gen(function* () {
    const waiting = waits()
    const connection = yield* Effect.acquireRelease(
      Effect.try({
        try: () => connect(given),
        catch: (cause) => badConnection(cause instanceof StoreFailure ? cause.message : "its form"),
      }),
      (connection) =>
        Effect.promise(async () => {
          waiting.close()
          await connection.close()
        }),
    )
    const index = yield* Effect.acquireRelease(
      Effect.sync(() => openIndex(file)),
      (index) => Effect.sync(() => index.close()),
    )
    const failureOf = unavailable(connection)

    const placed = async (event: StoredEvent): Promise<number> => {
      await covers(await reading.head())
      const place = index.findIn(event.id, event.stream)
      if (place !== undefined) return place.position
      throw new StoreFailure("refused", "the server does not tell positions: it is too old")
    }
    const reading = pages(connection, index, placed)
    const checking = checks(
      connection,
      index,
      reading,
      installation,
      inspect === undefined ? unowned : "leave",
    )
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const end = tail(
      connection,
      checking.again,
      reading.rawHead,
      waiting,
      () => run(Effect.logInfo(`The event store at ${connection.where} answers again`)),
    )
    const writing = appends(connection, index, reading, end, waiting)

    // ------------------------------------------------------------ calls

    /** A call to the server, tried again for a while where it is away. */
    const call = <A>(run: () => Promise<A>): Effect.Effect<A, LogUnavailable> =>
      Effect.callback<A, LogUnavailable>((resume) => {
        if (waiting.closed) return resume(Effect.fail(closedLog()))
        waiting.patiently(() => checking.isDone ? run() : checking.once().then(run)).then(
          (value) => resume(Effect.succeed(value)),
          (cause) => resume(Effect.suspend(() => Effect.fail(failureOf(cause)))),
        )
      })

    const settle = (
      batch: ReadonlyArray<Append>,
    ): Effect.Effect<ReadonlyArray<Outcome>, LogUnavailable> =>
      Effect.callback((resume) => {
        let left = batch.length
        let failure: StoreFailure | undefined
        const outcomes: Array<Outcome> = []
        batch.forEach((append, place) =>
          writing.append(append, (outcome) => {
            if (outcome instanceof StoreFailure) failure ??= outcome
            else outcomes[place] = outcome
            if (--left > 0) return
            resume(
              failure === undefined ? Effect.succeed(outcomes) : Effect.fail(failureOf(failure)),
            )
          })
        )
      })
    /** Only once the log is known to be ours. */
    const ours = Effect.suspend(() =>
      waiting.closed
        ? Effect.fail(closedLog())
        : checking.isDone
        ? Effect.void
        : call(() => Promise.resolve())
    )
    const appendBatch = (batch: ReadonlyArray<Append>) =>
      Effect.andThen(ours, () => batch.length === 0 ? Effect.succeed([]) : settle(batch))

    const room = yield* Semaphore.make(waitingMax)
    type Refused = VersionConflict | EventTooLarge | LogUnavailable
    const append = (stream: string, expected: number, events: ReadonlyArray<NewEvent>) =>
      Semaphore.withPermit(
        room,
        Effect.flatMap(
          appendBatch([{ stream, expected, events }]),
          ([outcome]): Effect.Effect<Appended, Refused> =>
            outcome === undefined
              ? Effect.fail(closedLog())
              : "_tag" in outcome
              ? Effect.fail(outcome)
              : Effect.succeed(outcome),
        ),
      )

    const read = (stream: string, options: ReadOptions = {}) =>
      Stream.paginate(options, (rest: ReadOptions) => {
        const limit = Math.min(rest.limit ?? pageMax, pageMax)
        return Effect.map(
          call(() => reading.ofStream(stream, { ...rest, limit }, pageBytesMax)),
          (page) => {
            const last = page.at(-1)
            const left = rest.limit === undefined ? Infinity : rest.limit - page.length
            const step = rest.backwards === true ? -1 : 1
            const from = last === undefined ? -1 : last.revision + step
            const next = { ...rest, from, ...(left === Infinity ? {} : { limit: left }) }
            // A page may be short because it is large.
            return [page, left > 0 && from >= 0 ? Option.some(next) : Option.none()] as const
          },
        )
      })

    // ------------------------------------------------------------ followers

    type Page = ReadonlyArray<RecordedEvent>
    const beyond = (position: number) =>
      Effect.callback<void>((resume) => {
        const stop = end.wait(position, () => resume(Effect.void))
        return Effect.sync(stop)
      })
    /** What comes after `after`: from memory where it is there, else from the server. */
    const nextPage = (after: number): Effect.Effect<Page, LogUnavailable> =>
      Effect.suspend(() => {
        if (waiting.closed) return Effect.fail(closedLog())
        const page = end.page(after, pageMax)
        if (page !== undefined) {
          return page.length > 0
            // A reader that catches up lets the rest of the process run between two pages.
            ? Effect.as(Effect.yieldNow, page)
            : Effect.andThen(beyond(after), () => nextPage(after))
        }
        const start = end.start
        return call(() => reading.next(after, pageMax, pageBytesMax)).pipe(
          Effect.flatMap((page) =>
            page.length > 0
              ? Effect.succeed(page)
              : start === undefined
              ? Effect.andThen(beyond(after), () => nextPage(after))
              // It was empty although all up to `start` was there by then.
              : nextPage(Math.max(after, start))
          ),
          Effect.catch((failure) =>
            failure.retryable ? Effect.andThen(pause, () => nextPage(after)) : Effect.fail(failure)
          ),
        )
      })
    const pause = Effect.promise(() => waiting.sleep(againMillis))
    const follow = (position: number) =>
      Stream.paginate(
        position,
        (after: number) =>
          Effect.map(
            nextPage(after),
            (page) => [[page], Option.some(page.at(-1)?.position ?? after)] as const,
          ),
      )

    // ------------------------------------------------------------ the index

    const behind = new Set<() => void>()
    const covers = async (position: number): Promise<void> => {
      const until = Date.now() + indexMillisMax
      while (index.covered < position) {
        if (waiting.closed) throw new StoreFailure("closed", "closed")
        if (Date.now() > until) {
          throw new StoreFailure("late", "the index of the log is still being made")
        }
        await new Promise<void>((resolve) => {
          const done = () => {
            behind.delete(done)
            forget()
            resolve()
          }
          behind.add(done)
          const forget = waiting.onClose(done)
          void waiting.sleep(until - Date.now() + 1).then(done)
        })
      }
    }
    const indexed = Stream.runForEach(
      // The check may have emptied it, so where it begins is asked late.
      Stream.unwrap(Effect.map(startOf(checking, waiting), () => follow(index.covered))),
      (page) =>
        Effect.sync(() => {
          index.fold(page, page.at(-1)!.position)
          for (const done of [...behind]) done()
        }),
    )
    yield* Effect.forkScoped(Effect.catch(indexed, () => Effect.void))

    // Whose log it is can be told at once if the server is there; where it is away, the next call tells.
    yield* Effect.catchIf(
      call(() => Promise.resolve()),
      (failure) => failure.retryable,
      () => Effect.void,
    )

    const log = EventLog.of({
      append,
      appendBatch,
      read,
      readPage: (stream, options = {}) =>
        call(() => reading.ofStream(stream, options, options.bytesMax)),
      readAll: (options = {}) => call(() => reading.all(options)),
      follow,
      byId: (id) =>
        call(async () => {
          await covers(await reading.head())
          const found = await Promise.all(
            index.find(id).map(({ position }) => reading.at(position, id)),
          )
          return found.filter((event) => event !== undefined)
        }),
      head: call(reading.head),
      streams: (category, after, limit = pageMax) =>
        call(async () => {
          await covers(await reading.head())
          return index.streams(category, after, limit)
        }),
    })
    if (inspect !== undefined) {
      yield* inspect(log)
      yield* call(checking.take)
    }
    return log
  })

/** Until the log was checked for the first time, however long the server is away. */
const startOf = (
  checking: { readonly isDone: boolean; readonly once: () => Promise<void> },
  waiting: { readonly closed: boolean; readonly sleep: (millis: number) => Promise<void> },
) =>
  Effect.promise(async () => {
    while (!checking.isDone && !waiting.closed) {
      try {
        await checking.once()
      } catch {
        await waiting.sleep(againMillis)
      }
    }
  })

export const layer = (options: Options): Layer.Layer<EventLog, LogUnavailable> =>
  Layer.effect(EventLog, make(options))
