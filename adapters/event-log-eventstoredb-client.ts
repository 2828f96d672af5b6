/**
 * The one file that knows `@eventstore/db-client`: appends, pages and subscriptions as plain promises and
 * callbacks, and every failure of the client as a `StoreFailure`. Three of its traps are closed here: an
 * error of one batch stream rejects the appends of every client of the process and lets a late answer
 * throw, a write that waits for room rejects where nobody listens, and cancelled streams end without a word.
 */
import {
  AccessDeniedError,
  BACKWARDS,
  binaryEvent,
  CancelledError,
  DeadlineExceededError,
  END,
  type EventData,
  EventStoreDBClient,
  excludeSystemEvents,
  FORWARDS,
  isCommandError,
  jsonEvent,
  MaxAppendSizeExceededError,
  NO_STREAM,
  NotLeaderError,
  type Position,
  type ResolvedEvent,
  START,
  StreamDeletedError,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  WrongExpectedVersionError,
} from "@eventstore/db-client"
import process from "node:process"
import type { Duplex, Readable, Writable } from "node:stream"
import type { NewEvent } from "../actors/event-log.ts"
import { sent, type WireEvent } from "../actors/foreign-events.ts"
import type { Json } from "../machines/agent.ts"
import { parsed } from "./event-log-eventstoredb-events.ts"
import {
  type Connection,
  connectionOf,
  type StoredEvent,
  StoreFailure,
} from "./event-log-eventstoredb-seam.ts"

/** One call may take so long: the client's own deadlines are of calls, not of what streams. */
const callMillisMax = 10_000
/** Reads in flight; more wait here, where their time does not run yet. */
const readsMax = 64
/** Of one message to the server; a longer append goes in several. */
const messageBytesMax = 3 * 1024 * 1024
/** Events that a filter may skip before the server says how far it is. */
const checkpointEvents = 2_000
/** gRPC statuses that say the call itself was wrong, so that the same call would fail again. */
const hopeless = new Set([3, 7, 8, 12])

const wordsOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).slice(0, 300)

const failureOf = (cause: unknown): StoreFailure => {
  if (cause instanceof StoreFailure) return cause
  const words = wordsOf(cause)
  if (cause instanceof WrongExpectedVersionError) {
    const actual = typeof cause.actualVersion === "bigint" ? Number(cause.actualVersion) : -1
    return new StoreFailure("conflict", words, cause, actual)
  }
  if (cause instanceof StreamDeletedError) return new StoreFailure("deleted", words, cause)
  if (cause instanceof MaxAppendSizeExceededError) {
    return new StoreFailure("tooLarge", words, cause)
  }
  if (cause instanceof AccessDeniedError) return new StoreFailure("denied", words, cause)
  if (cause instanceof DeadlineExceededError) return new StoreFailure("late", words, cause)
  if (
    cause instanceof UnavailableError || cause instanceof CancelledError ||
    cause instanceof TimeoutError || cause instanceof NotLeaderError
  ) return new StoreFailure("away", words, cause)
  const code = isCommandError(asError(cause)) ? Reflect.get(asError(cause), "code") : undefined
  if (code === 7) return new StoreFailure("denied", words, cause)
  return new StoreFailure(hopeless.has(Number(code)) ? "refused" : "away", words, cause)
}
const isUntrusted = ({ message, trouble }: StoreFailure): boolean =>
  trouble === "away" && /No connection established.*(certificate|altnames)/i.test(message)
const asError = (cause: unknown): Error => cause instanceof Error ? cause : new Error(String(cause))

// ------------------------------------------------------------------ what is sent and what comes back

/** JSON of any kind: the client's types know only objects, lists and texts. */
const content = (data: Json) =>
  typeof data === "object" && data !== null ? { ...data } : { toJSON: () => data }

/** Of others. The client writes JSON anew; what only claims to be JSON goes as bytes. */
const foreignEvent = ({ id, type, json, data, metadata }: WireEvent): EventData => {
  const found = json ? parsed(data) : undefined
  const more = metadata.length === 0 ? {} : { metadata }
  return found === undefined
    ? binaryEvent({ id, type, data, ...more })
    : jsonEvent({ id, type, data: contentOf(found.json), ...more })
}

const contentOf = (data: Json) => Array.isArray(data) ? [...data] : content(data)

const proposed = (event: NewEvent): EventData => {
  if (event.metadata.foreign !== undefined) return foreignEvent(sent(event))
  const { id, type, data, metadata } = event
  return jsonEvent({ id, type, data: contentOf(data), metadata: { ...metadata } })
}

const numberOf = (position: bigint | undefined): number | undefined =>
  position === undefined || position > BigInt(Number.MAX_SAFE_INTEGER)
    ? undefined
    : Number(position)

const storedOf = ({ event, commitPosition }: Pick<ResolvedEvent, "event" | "commitPosition">):
  | StoredEvent
  | undefined =>
  event === undefined ? undefined : {
    id: event.id,
    type: event.type,
    stream: event.streamId,
    revision: Number(event.revision),
    position: numberOf(event.position?.commit) ?? numberOf(commitPosition),
    json: event.isJson,
    data: event.data,
    metadata: event.metadata,
    created: event.created.getTime(),
  }

const positionOf = (at: number): Position => ({ commit: BigInt(at), prepare: BigInt(at) })

// ------------------------------------------------------------------ where the client would end the process

/** Connections of this process. */
let connections = 0

/**
 * The client keeps one map of answers to come for the whole process, and an error on any connection
 * empties it: the appends of all others are rejected (and sent again, by their ids), and their answers, which
 * still come, throw in its listener.
 */
const tolerant = <S extends Readable | Writable | Duplex>(stream: S): S => {
  for (const listener of stream.listeners("data")) {
    stream.removeAllListeners("data")
    stream.on("data", (answer: unknown) => {
      try {
        Reflect.apply(listener, stream, [answer])
      } catch {
        // Nobody waits for it any more.
      }
    })
  }
  return stream
}

/** What the client rejects where nobody can listen is told by the call that it belongs to. */
const isOfClient = (cause: unknown): boolean =>
  cause instanceof Error &&
  (isCommandError(cause) || /^Failed to discover after/.test(cause.message) ||
    (typeof Reflect.get(cause, "code") === "number" &&
      typeof Reflect.get(cause, "details") === "string"))
const onRejection = (cause: unknown) => {
  // Whoever else listens decides; with nobody else, it ends the process as it would without us.
  if (!isOfClient(cause) && process.listenerCount("unhandledRejection") === 1) throw cause
}

// ------------------------------------------------------------------ the connection

/** Throws a `StoreFailure` where the string is none the client takes. */
export const connect = (given: string): Connection => {
  const { text, ...shown } = connectionOf(given)
  const client = (() => {
    try {
      return EventStoreDBClient.connectionString(text)
    } catch (cause) {
      // The client's error carries the whole string.
      const words = wordsOf(cause)
      throw new StoreFailure("refused", /certificate/i.test(words) ? words : "its parts")
    }
  })()
  const createStream = client["GRPCStreamCreator"]
  client["GRPCStreamCreator"] = (service, name, creator, cache) =>
    createStream(
      service,
      name,
      async (grpc) => name === "appendToStream" ? tolerant(await creator(grpc)) : creator(grpc),
      cache,
    )
  // It forgets to close what it connects.
  let channel: { close(): void } | undefined
  const create = client["createChannel"]
  client["createChannel"] = async () => channel = await create()

  let closed = false
  /** What has worked may work again: a certificate that is not trusted later is waited for. */
  let hasWorked = false
  /** Of every call under way, to end it with. */
  const pending = new Set<(failure: StoreFailure) => void>()
  const endAll = (failure: StoreFailure) => {
    for (const end of [...pending]) end(failure)
  }
  const drop = () => {
    void client.dispose().catch(() => {})
    endAll(new StoreFailure("away", "the connection was dropped"))
  }
  if (++connections === 1) process.on("unhandledRejection", onRejection)

  /** A call that can be ended from outside, and ends by itself when it takes too long. */
  const call = <A>(
    start: (resolve: (value: A) => void, reject: (cause: unknown) => void) => void,
    ended: () => void = () => {},
  ): Promise<A> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new StoreFailure("closed", "closed"))
      const settle = () => {
        clearTimeout(late)
        pending.delete(fail)
        ended()
      }
      const fail = (cause: unknown) => {
        if (!pending.has(fail)) return
        settle()
        const failure = failureOf(cause)
        const isWrong = !hasWorked && isUntrusted(failure)
        reject(isWrong ? new StoreFailure("untrusted", failure.message, cause) : failure)
      }
      const late = setTimeout(
        () => fail(new StoreFailure("late", `no answer within ${callMillisMax / 1000} s`)),
        callMillisMax,
      )
      pending.add(fail)
      start((value) => {
        if (!pending.has(fail)) return
        settle()
        hasWorked = true
        resolve(value)
      }, fail)
    })

  let reads = 0
  const readers: Array<() => void> = []
  /** Thousands of actors may wake at once; the server answers a few at a time all the same. */
  const reading = async (
    read: () => ReturnType<typeof client.readAll> | ReturnType<typeof client.readStream>,
    take: (event: StoredEvent) => boolean,
  ): Promise<void> => {
    if (++reads > readsMax) await new Promise<void>((then) => readers.push(then))
    await readingNow(read, take).finally(() => {
      reads--
      readers.shift()?.()
    })
  }

  const readingNow = (
    read: () => ReturnType<typeof client.readAll> | ReturnType<typeof client.readStream>,
    take: (event: StoredEvent) => boolean,
  ): Promise<void> => {
    let leave = () => {}
    return call<void>((resolve, reject) => {
      const stream = read()
      let going = true
      leave = () => {
        if (!going) return
        going = false
        stream.cancel().catch(() => {})
      }
      // Stays: an error without a listener would end the process.
      stream.on("error", (cause) => {
        going = false
        if (cause instanceof StreamNotFoundError) resolve()
        else reject(cause)
      })
      stream.on("end", () => {
        going = false
        resolve()
      })
      stream.on("data", (resolved: ResolvedEvent) => {
        if (!going) return
        try {
          const event = storedOf(resolved)
          if (event !== undefined && !take(event)) resolve()
        } catch (cause) {
          reject(cause)
        }
      })
    }, () => leave())
  }

  const append: Connection["append"] = async (stream, expected, events) => {
    try {
      return await call((resolve, reject) => {
        client.appendToStream(stream, events.map(proposed), {
          expectedRevision: expected < 0 ? NO_STREAM : BigInt(expected),
          batchAppendSize: messageBytesMax,
          requiresLeader: true,
        }).then(({ nextExpectedRevision, position }) =>
          resolve({
            revision: Number(nextExpectedRevision),
            position: numberOf(position?.commit),
          }), reject)
      })
    } catch (cause) {
      const failure = failureOf(cause)
      // Its stream may be dead without having said so.
      if (failure.trouble === "late") drop()
      throw failure
    }
  }

  const subscribe: Connection["subscribe"] = (after, subscriber) => {
    let going = true
    const end = (cause: unknown) => {
      if (!going) return
      going = false
      pending.delete(end)
      subscriber.ended(failureOf(cause))
    }
    if (closed) {
      queueMicrotask(() => end(new StoreFailure("closed", "closed")))
      return () => {}
    }
    pending.add(end)
    const subscription = client.subscribeToAll({
      fromPosition: after < 0 ? START : positionOf(after),
      requiresLeader: true,
      filter: excludeSystemEvents({
        maxSearchWindow: checkpointEvents,
        checkpointInterval: 1,
        checkpointReached: (_, { commit }) => {
          // It overtakes events that wait to be taken.
          if (going && subscription.readableLength === 0) subscriber.reached(Number(commit))
        },
      }),
    })
    subscription.on("confirmation", () => {
      if (going) subscriber.reached(after)
    })
    subscription.on("error", end)
    subscription.on("end", () => end(new StoreFailure("away", "the subscription ended")))
    subscription.on("close", () => end(new StoreFailure("away", "the subscription ended")))
    subscription.on("data", (resolved) => {
      if (!going) return
      try {
        const event = storedOf(resolved)
        if (event !== undefined) subscriber.event(event)
      } catch (cause) {
        subscription.unsubscribe().catch(() => {})
        end(cause)
      }
    })
    return () => {
      going = false
      pending.delete(end)
      subscription.unsubscribe().catch(() => {})
    }
  }

  return {
    ...shown,
    append,
    readStream: (stream, { from, backwards = false, limit }, take) =>
      reading(() =>
        client.readStream(stream, {
          fromRevision: from === undefined ? (backwards ? END : START) : BigInt(from),
          direction: backwards ? BACKWARDS : FORWARDS,
          maxCount: limit,
          requiresLeader: true,
        }), take),
    readAll: ({ from, backwards = false, limit }, take) =>
      reading(() =>
        client.readAll({
          fromPosition: from === undefined ? (backwards ? END : START) : positionOf(from),
          direction: backwards ? BACKWARDS : FORWARDS,
          maxCount: limit,
          requiresLeader: true,
        }), take),
    subscribe,
    metadataOf: (stream) =>
      call((resolve, reject) => {
        client.getStreamMetadata(stream, { requiresLeader: true }).then(
          ({ metadata }) => resolve(metadata === undefined ? undefined : { ...metadata }),
          reject,
        )
      }),
    setMetadata: (stream, metadata) =>
      call<void>((resolve, reject) => {
        client.setStreamMetadata(stream, metadata, {
          expectedRevision: NO_STREAM,
          requiresLeader: true,
        }).then(() => resolve(), reject)
      }),
    close: async () => {
      if (closed) return
      closed = true
      endAll(new StoreFailure("closed", "closed"))
      await client.dispose().catch(() => {})
      channel?.close()
      if (--connections === 0) process.off("unhandledRejection", onRejection)
    },
  }
}
