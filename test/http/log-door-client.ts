/** The official client against the door of a log of its own, for tests. */
import { EventStoreDBClient } from "@eventstore/db-client"
import { Effect, Layer, ManagedRuntime } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EventLog } from "../../actors/event-log.ts"
import { layer as memory } from "../../adapters/event-log-memory.ts"
import { layer as sqlite } from "../../adapters/event-log-sqlite.ts"
import { type Door, type DoorOptions, makeDoor } from "../../http/log-door/door.ts"
import { serve, type ServeOptions } from "../../http/log-door/server.ts"

export interface Opened {
  readonly client: EventStoreDBClient
  readonly door: Door
  readonly log: EventLog["Service"]
  readonly socket: string
  /** A further client of the same door. */
  connect(): EventStoreDBClient
  close(): Promise<void>
}

export interface OpenOptions extends Partial<Omit<ServeOptions, "door" | "socket">> {
  readonly log?: "memory" | "sqlite"
  readonly door?: Omit<DoorOptions, "log">
}

const connect = (socket: string) =>
  new EventStoreDBClient({ endpoint: `unix:${socket}` }, { insecure: true })

/** A door on a new log, and a client of it. */
export const opened = async (
  { log: kind = "memory", door: options, ...serving }: OpenOptions = {},
) => {
  const folder = mkdtempSync(join(tmpdir(), "aios-log-door-"))
  const socket = join(folder, "log.sock")
  const runtime = ManagedRuntime.make(
    kind === "memory" ? memory : sqlite({ file: join(folder, "log.db"), synchronous: "NORMAL" }),
  )
  const log = await runtime.runPromise(Effect.gen(function* () {
    return yield* EventLog
  }))
  const door = makeDoor({ log, ...options })
  const served = ManagedRuntime.make(
    Layer.effectDiscard(serve({ door, socket, ...serving })),
  )
  await served.runPromise(Effect.void)
  const clients = [connect(socket)]
  const opened: Opened = {
    client: clients[0]!,
    door,
    log,
    socket,
    connect: () => {
      const client = connect(socket)
      clients.push(client)
      return client
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.dispose()))
      await served.dispose()
      await door.close()
      await runtime.dispose()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return opened
}
