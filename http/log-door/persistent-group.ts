/**
 * One group of a persistent subscription: reads its source in order, shares the messages among its
 * consumers, gives again what was not acknowledged in time, parks what fails too often, and remembers how
 * far all is done. Whatever is not done is behind the checkpoint, so a restart gives it again: at least
 * once, never lost. A group without consumers holds in memory only what somebody had tried.
 */
import { persistentDropped, persistentMaximumReached, Refused } from "./errors.ts"
import { makeBuffer, type Message } from "./persistent-buffer.ts"
import {
  type Client,
  type ConnectionInfo,
  makeClients,
  type Subscriber,
} from "./persistent-clients.ts"
import type { Share } from "./persistent-memory.ts"
import { makeParking } from "./persistent-parking.ts"
import { type GroupEntry, strategyOf } from "./persistent-settings.ts"
import type { GroupStore, Page, Source } from "./persistent-store.ts"

/** Memory for messages that were read and not given: nothing is read beyond it. */
const bufferedBytesMax = 16 * 1024 * 1024
/** Messages in the buffers, whatever the settings say. */
const bufferMax = 10_000
/** Messages read at once, and where the settings say nothing. */
const batchMax = 100
const batchDefault = 20
/** A timeout of 0 means: as soon as anybody looks. */
const timeoutMillisMin = 1_000
/** After a failed read the log is left alone for so long. */
const readAgainMillis = 1_000

export type NackAction = "unknown" | "park" | "retry" | "skip" | "stop"

export interface GroupInfo {
  readonly entry: GroupEntry
  readonly status: string
  readonly connections: ReadonlyArray<ConnectionInfo>
  readonly averagePerSecond: number
  readonly totalItems: number
  readonly sinceLast: number
  readonly lastCheckpoint: number | undefined
  readonly lastKnown: number | undefined
  readonly readBuffer: number
  readonly liveBuffer: number
  readonly retryBuffer: number
  readonly outstanding: number
  readonly parked: number
}

export interface Group {
  readonly entry: GroupEntry
  /** Throws where it takes no more; what is returned ends the subscription. */
  readonly subscribe: (subscriber: Subscriber) => () => void
  readonly ack: (ids: ReadonlyArray<string>) => void
  readonly nack: (ids: ReadonlyArray<string>, action: NackAction, reason: string) => void
  /** Gives again what was parked, up to a revision of the parked stream. */
  readonly replayParked: (stopAt?: number) => Promise<void>
  /** There may be new events in the source. */
  readonly wake: () => void
  /** To be called a few times a second. */
  readonly tick: () => void
  readonly info: () => Promise<GroupInfo>
  /** Drops all consumers. */
  readonly close: () => void
}

export interface GroupOptions {
  readonly entry: GroupEntry
  readonly source: Source
  readonly store: GroupStore
  readonly memory: Share
  readonly now: () => number
  /** Where the first event is read that was not checkpointed. */
  readonly next: number
  readonly checkpoint: number | undefined
}

export const makeGroup = (options: GroupOptions): Group => {
  const { entry, source, store, memory, now } = options
  const { settings } = entry
  const batch = Math.min(
    settings.readBatchSize > 0 ? settings.readBatchSize : batchDefault,
    batchMax,
  )
  const historyMax = Math.min(settings.historyBufferSize, bufferMax)
  const liveMax = Math.min(settings.liveBufferSize, bufferMax)
  const timeout = Math.max(
    settings.messageTimeout,
    settings.messageTimeout > 0 ? 1 : timeoutMillisMin,
  )

  const buffer = makeBuffer()
  const clients = makeClients({
    strategy: strategyOf(settings.strategy) ?? "RoundRobin",
    extraStatistics: settings.extraStatistics,
    timeout,
    now,
  })
  /** All that was read and is not done, by sequence, in order. */
  const undone = new Map<number, Message>()

  let { next } = options
  let considered = {
    sequence: options.checkpoint === undefined ? -1 : 0,
    place: options.checkpoint,
  }
  let checkpointed = { ...considered, at: 0 }
  let writing = false
  let reading = false
  /** Reads that were begun before the last release are worth nothing. */
  let generation = 0
  /** The highest sequence that was given to anybody. */
  let given = -1
  let readAgainAt = 0
  let woken = false
  let caughtUp = false
  let live = false
  let closed = false
  let faulted = false
  let total = 0
  let measured = { at: now(), total: 0 }

  const done = (message: Message) => {
    memory.free(message.bytes)
    if (message.replayed) parking.settled(message.place)
    else undone.delete(message.sequence)
  }

  const parking = makeParking({
    store,
    batch,
    hasRoom: () => buffer.counts().retry < historyMax && memory.hasRoom(),
    take: ({ resolved, place, bytes }) => {
      memory.hold(bytes)
      buffer.addRetry({
        id: (resolved.link ?? resolved.event)?.id ?? "",
        resolved,
        place,
        sequence: -1,
        before: undefined,
        replayed: true,
        bytes,
        retries: 0,
      })
      push()
    },
    parked: (message) => {
      done(message)
      progress()
    },
  })

  // Reading

  const hasRoom = () => {
    const { retry, read, bytes } = buffer.counts()
    if (bytes >= bufferedBytesMax || !memory.hasRoom()) return false
    if (live && read >= liveMax) live = false
    return live ? read < liveMax : historyMax - retry - read > settings.readBatchSize
  }

  const take = (page: Page) => {
    let { sequence, place } = considered
    for (const { resolved, place: at, bytes } of page.events) {
      sequence++
      const message: Message = {
        id: (resolved.link ?? resolved.event)?.id ?? "",
        resolved,
        place: at,
        sequence,
        before: place,
        replayed: false,
        bytes,
        retries: 0,
      }
      undone.set(sequence, message)
      memory.hold(bytes)
      buffer.addRead(message)
      place = at
    }
    if (page.last !== undefined) {
      sequence += Math.max(0, page.counted - page.events.length)
      place = page.last
    }
    considered = { sequence, place }
    next = page.next
    caughtUp = page.isEnd
    live = page.isEnd
    if (page.events.length === 0 && page.counted > 0) checkpoint(false)
  }

  const fault = () => {
    faulted = true
    for (const client of clients.all()) drop(client)
  }

  const pump = () => {
    if (closed || faulted || reading || clients.count() === 0 || now() < readAgainAt) return
    if ((caughtUp && !woken) || !hasRoom()) return
    reading = true
    woken = false
    const begun = generation
    source.read(next, batch).then(
      (page) => {
        if (closed || begun !== generation) return
        reading = false
        take(page)
        push()
        pump()
      },
      (cause) => {
        if (closed || begun !== generation) return
        reading = false
        woken = true
        readAgainAt = now() + readAgainMillis
        if (cause instanceof Refused) fault()
      },
    )
  }

  // Giving

  const push = () => {
    if (closed || clients.count() === 0 || parking.isFull()) return
    for (const message of buffer.scan()) {
      const outcome = clients.offer(message)
      if (outcome === "full") return
      if (outcome === "skip") continue
      buffer.remove(message)
      total++
      given = Math.max(given, message.sequence)
    }
  }

  const retry = (message: Message) => {
    message.retries++
    buffer.addRetry(message)
  }
  const retryOrPark = (message: Message) => {
    if (message.retries < settings.maxRetryCount) return retry(message)
    parking.park(message, `Reached retry count of ${settings.maxRetryCount}`)
  }

  // How far all is done

  const checkpoint = (timed: boolean) => {
    if (writing || closed) return
    const [lowest] = undone.values()
    const place = lowest === undefined ? considered.place : lowest.before
    const sequence = lowest === undefined ? considered.sequence : lowest.sequence - 1
    if (place === undefined) return
    const difference = sequence - checkpointed.sequence
    const isDue = settings.checkpointAfter > 0 &&
      now() - checkpointed.at >= settings.checkpointAfter
    const enough = difference >= settings.maxCheckpointCount ||
      (timed && isDue && difference >= settings.minCheckpointCount)
    if (difference <= 0 || !enough) return
    writing = true
    store.saveCheckpoint(place).then(() => {
      checkpointed = { sequence, place, at: now() }
    }, () => {}).then(() => {
      writing = false
    })
  }

  const progress = () => {
    checkpoint(false)
    push()
    pump()
    parking.feed()
  }

  // Consumers

  const leave = (client: Client) => {
    const lost = clients.leave(client)
    if (lost === undefined) return
    for (const message of lost) retry(message)
    if (clients.count() === 0) release()
    else progress()
  }

  const drop = (client: Client) => {
    leave(client)
    client.drop(persistentDropped(entry.stream, entry.group))
  }

  /**
   * Nobody is there: what was read and never given is forgotten, and read again for who comes next. What
   * was given once stays, with its count of retries.
   */
  const release = () => {
    generation++
    reading = false
    caughtUp = false
    live = false
    const forgotten = [...buffer.scan()].filter((message) =>
      !message.replayed && message.sequence > given
    )
    const [first] = forgotten
    if (first === undefined) return
    for (const message of forgotten) {
      buffer.remove(message)
      done(message)
    }
    considered = { sequence: first.sequence - 1, place: first.before }
    next = first.place
  }

  return {
    entry,
    subscribe: (subscriber) => {
      const { maxSubscriberCount } = settings
      if (maxSubscriberCount > 0 && clients.count() >= maxSubscriberCount) {
        throw persistentMaximumReached(entry.stream, entry.group)
      }
      const client = clients.join(subscriber)
      if (faulted || closed) drop(client)
      else progress()
      return () => leave(client)
    },
    ack: (ids) => {
      for (const id of ids) {
        const message = clients.take(id)
        if (message !== undefined) done(message)
      }
      progress()
    },
    nack: (ids, action, reason) => {
      for (const id of ids) {
        const message = clients.take(id)
        if (message === undefined) continue
        if (action === "park") {
          parking.park(message, `Client explicitly NAK'ed message.\n${reason}`)
        } else if (action === "skip" || action === "stop") done(message)
        else retryOrPark(message)
      }
      progress()
    },
    replayParked: async (stopAt) => {
      await parking.replay(stopAt)
      push()
    },
    wake: () => {
      woken = true
      pump()
    },
    tick: () => {
      if (closed) return
      for (const message of clients.expired()) retryOrPark(message)
      push()
      checkpoint(true)
      pump()
      parking.tick()
    },
    info: async () => {
      const at = now()
      const seconds = (at - measured.at) / 1000
      const perSecond = (count: number) => seconds > 0 ? Math.trunc(count / seconds) : 0
      const sinceLast = total - measured.total
      measured = { at, total }
      const { retry: retryBuffer, read: readBuffer } = buffer.counts()
      const last = (await source.end().catch(() => 0)) - 1
      const isLive = live || last < next
      return {
        entry,
        status: `${isLive ? "Live" : "Behind"}${
          parking.isReplaying() ? ", ReplayingParkedMessages" : ""
        }`,
        connections: clients.connections(perSecond),
        averagePerSecond: perSecond(sinceLast),
        totalItems: total,
        sinceLast,
        lastCheckpoint: checkpointed.place,
        // Also of events that nobody was there to read.
        lastKnown: last >= options.next ? last : considered.place,
        readBuffer,
        liveBuffer: live ? readBuffer : 0,
        retryBuffer,
        outstanding: clients.outstanding(),
        parked: parking.count(),
      }
    },
    close: () => {
      closed = true
      for (const client of clients.all()) drop(client)
      parking.close()
      memory.close()
    },
  }
}
