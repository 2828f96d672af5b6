/** A door that serves persistent subscriptions, on a log that outlives it, for tests. */
import { EventStoreDBClient, jsonEvent, type ResolvedEvent } from "@eventstore/db-client"
import type { PersistentSubscriptionToStream } from "@eventstore/db-client"
import { Effect, Layer, ManagedRuntime } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EventLog } from "../../actors/event-log.ts"
import { layer as memory } from "../../adapters/event-log-memory.ts"
import { type Door, makeDoor } from "../../http/log-door/door.ts"
import { operations } from "../../http/log-door/operations.ts"
import { persistent } from "../../http/log-door/persistent.ts"
import { makeGroups } from "../../http/log-door/persistent-groups.ts"
import { serve, type ServeOptions } from "../../http/log-door/server.ts"

export interface Served {
  readonly client: EventStoreDBClient
  readonly door: Door
  readonly socket: string
  /** A further client, as from another process. */
  connect(): EventStoreDBClient
  /** Ends the door and opens it anew on the same log, with a new client. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface ServedOptions extends Pick<ServeOptions, "authenticate"> {
  readonly access?: (door: Door) => Door["access"]
}

export const served = async ({ authenticate, access }: ServedOptions = {}): Promise<Served> => {
  const folder = mkdtempSync(join(tmpdir(), "aios-groups-"))
  const socket = join(folder, "log.sock")
  const runtime = ManagedRuntime.make(memory)
  const log = await runtime.runPromise(Effect.gen(function* () {
    return yield* EventLog
  }))
  const clients: Array<EventStoreDBClient> = []
  const connect = () => {
    const client = new EventStoreDBClient({ endpoint: `unix:${socket}` }, { insecure: true })
    clients.push(client)
    return client
  }
  const open = async () => {
    const made = makeDoor({ log })
    const door = access === undefined ? made : { ...made, access: access(made) }
    const groups = makeGroups(door)
    const serving = ManagedRuntime.make(Layer.effectDiscard(serve({
      door,
      socket,
      services: [persistent(groups), operations(groups)],
      ...(authenticate === undefined ? {} : { authenticate }),
    })))
    await serving.runPromise(Effect.void)
    return {
      door,
      client: connect(),
      end: async () => {
        await serving.dispose()
        await groups.close()
        await door.close()
      },
    }
  }
  let now = await open()
  return {
    get client() {
      return now.client
    },
    get door() {
      return now.door
    },
    socket,
    connect,
    restart: async () => {
      await now.end()
      now = await open()
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.dispose()))
      await now.end()
      await runtime.dispose()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** `count` numbered events. */
export const numbered = (count: number, from = 0) =>
  Array.from(
    { length: count },
    (_, n) => jsonEvent({ type: "Numbered", data: { n: from + n } }),
  )
export const numberOf = (resolved: ResolvedEvent): number => {
  const data = resolved.event?.data
  return typeof data === "object" && data !== null ? Number(Reflect.get(data, "n")) : NaN
}

export interface Consumed {
  readonly subscription: PersistentSubscriptionToStream
  readonly got: Array<ResolvedEvent>
  readonly errors: Array<unknown>
  /** Numbers of what it got, in order. */
  numbers(): Array<number>
}

/** Collects what a consumer gets and does `each` with it; by default it acknowledges. */
export const consumed = (
  subscription: PersistentSubscriptionToStream,
  each: (event: ResolvedEvent, retries: number) => unknown = (event) => subscription.ack(event),
): Consumed => {
  const consumer: Consumed = {
    subscription,
    got: [],
    errors: [],
    numbers: () => consumer.got.map(numberOf),
  }
  subscription.on("data", (event) => {
    consumer.got.push(event)
    void Promise.resolve(each(event, event.retryCount)).catch(() => {})
  })
  subscription.on("error", (cause) => consumer.errors.push(cause))
  return consumer
}

/** Waits until `is`, for 10 s at the most. */
export const until = async (is: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + 10_000
  while (!await is()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${is}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
