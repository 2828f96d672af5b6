/**
 * The consumers of a group, and who has which message since when. A consumer gets as many messages as it
 * said it takes, and no more than fit into some memory.
 */
import type { Refused } from "./errors.ts"
import type { Message } from "./persistent-buffer.ts"
import type { StrategyName } from "./persistent-settings.ts"
import { makeStrategy } from "./persistent-strategies.ts"
import { makeTimings, type Measurement, type Timings } from "./persistent-timings.ts"
import type { Resolved } from "./terms.ts"

/** Memory for the messages one consumer has: beyond it, it gets none before it acknowledges. */
const inFlightBytesMax = 16 * 1024 * 1024
/** Messages one consumer may have, whatever it asks for. */
const slotsMax = 10_000

/** Who subscribes, as the service knows them. */
export interface Subscriber {
  readonly user: string
  readonly connectionName: string
  /** How many messages it takes without having acknowledged any. */
  readonly slots: number
  /** It has read what it was given before, or most of it. */
  readonly isReading: () => boolean
  readonly give: (resolved: Resolved, retries: number) => void
  readonly drop: (cause: Refused) => void
}

export interface Client extends Subscriber {
  readonly inFlight: Map<string, Message>
  bytes: number
  total: number
  /** At the last look. */
  lastTotal: number
  readonly timings: Timings | undefined
  readonly isFree: () => boolean
}

export interface ConnectionInfo {
  readonly user: string
  readonly connectionName: string
  readonly averagePerSecond: number
  readonly totalItems: number
  readonly sinceLast: number
  readonly availableSlots: number
  readonly inFlight: number
  readonly measurements: ReadonlyArray<Measurement>
}

export interface Clients {
  readonly count: () => number
  readonly all: () => ReadonlyArray<Client>
  readonly join: (subscriber: Subscriber) => Client
  /** What it had, in the order of the source; undefined where it left before. */
  readonly leave: (client: Client) => ReadonlyArray<Message> | undefined
  /** Gives a message to whom it is due: who is busy is passed over, and nobody may be free. */
  readonly offer: (message: Message) => "given" | "skip" | "full"
  /** Takes a message from whoever has it. */
  readonly take: (id: string) => Message | undefined
  /** Takes what was not acknowledged in time. */
  readonly expired: () => ReadonlyArray<Message>
  readonly outstanding: () => number
  readonly connections: (
    perSecond: (count: number) => number,
  ) => ReadonlyArray<ConnectionInfo>
}

export interface ClientsOptions {
  readonly strategy: StrategyName
  readonly extraStatistics: boolean
  /** Milliseconds within which a message is to be acknowledged. */
  readonly timeout: number
  readonly now: () => number
}

interface Outstanding {
  readonly message: Message
  readonly client: Client
  readonly due: number
}

const byPlace = (a: Message, b: Message) => a.place - b.place

export const makeClients = (options: ClientsOptions): Clients => {
  const { timeout, now } = options
  const clients = new Set<Client>()
  const strategy = makeStrategy<Client>(options.strategy)
  /** By id, in the order in which they were given, which is that in which they fall due. */
  const outstanding = new Map<string, Outstanding>()

  const take = (id: string): Message | undefined => {
    const found = outstanding.get(id)
    if (found === undefined) return undefined
    const { message, client } = found
    outstanding.delete(id)
    client.inFlight.delete(id)
    client.bytes -= message.bytes
    client.timings?.ended(id, performance.now())
    strategy.settled(client, message.resolved)
    return message
  }

  return {
    count: () => clients.size,
    all: () => [...clients],
    join: (subscriber) => {
      const slots = Math.min(subscriber.slots, slotsMax)
      const client: Client = {
        ...subscriber,
        slots,
        inFlight: new Map(),
        bytes: 0,
        total: 0,
        lastTotal: 0,
        timings: options.extraStatistics ? makeTimings() : undefined,
        isFree: () =>
          client.inFlight.size < slots && client.bytes < inFlightBytesMax &&
          subscriber.isReading(),
      }
      clients.add(client)
      strategy.added(client)
      return client
    },
    leave: (client) => {
      if (!clients.delete(client)) return undefined
      const lost = [...client.inFlight.keys()].flatMap((id) => take(id) ?? [])
      strategy.removed(client)
      return lost.toSorted(byPlace)
    },
    offer: (message) => {
      // Two events of one id (in two streams): the second waits until the first is done.
      if (outstanding.has(message.id)) return "skip"
      const client = strategy.choose(message.resolved)
      if (client === "full" || client === "skip") return client
      outstanding.set(message.id, { message, client, due: now() + timeout })
      client.inFlight.set(message.id, message)
      client.bytes += message.bytes
      client.total++
      client.timings?.began(message.id, performance.now())
      strategy.given(client, message.resolved)
      client.give(message.resolved, message.retries)
      return "given"
    },
    take,
    expired: () => {
      const late: Array<Message> = []
      for (const [id, { due }] of outstanding) {
        if (due > now()) break
        const message = take(id)
        if (message !== undefined) late.push(message)
      }
      return late
    },
    outstanding: () => outstanding.size,
    connections: (perSecond) =>
      [...clients].map((client) => {
        const sinceLast = client.total - client.lastTotal
        client.lastTotal = client.total
        return {
          user: client.user,
          connectionName: client.connectionName,
          averagePerSecond: perSecond(sinceLast),
          totalItems: client.total,
          sinceLast,
          availableSlots: client.slots - client.inFlight.size,
          inFlight: client.inFlight.size,
          measurements: client.timings?.measurements() ?? [],
        }
      }),
  }
}
