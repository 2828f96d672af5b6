/**
 * A log served over the event store's protocol on a free TCP port of this machine, in plaintext and
 * without credentials, for tests: `connection` is what `AIOS_EVENT_LOG` would say. It can be cut off and
 * come back on the same port, as a server that is killed and started again.
 */
import { Effect, Layer, ManagedRuntime } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { connect as connectTo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EventLog, type LogUnavailable } from "../actors/event-log.ts"
import { layer as memory } from "../adapters/event-log-memory.ts"
import { type Door, type DoorOptions, makeDoor } from "../http/log-door/door.ts"
import { serve, type ServeOptions } from "../http/log-door/server.ts"

export interface ServedLog {
  readonly connection: string
  readonly port: number
  /** The log itself, beside its door. */
  readonly log: EventLog["Service"]
  readonly door: Door
  /** Cuts every connection and takes no new one, as a killed server. */
  stop(): Promise<void>
  /** Serves again, on the same port. */
  start(): Promise<void>
  close(): Promise<void>
}

export interface ServedOptions extends Partial<Omit<ServeOptions, "door" | "socket">> {
  /** Default: in memory. */
  readonly layer?: Layer.Layer<EventLog, LogUnavailable>
  readonly door?: Omit<DoorOptions, "log">
  /** Default: any that is free. */
  readonly port?: number
}

/** Pipes what comes on a TCP port to a Unix socket. */
const front = (socket: string) => {
  const open = new Set<Socket>()
  let server: Server | undefined
  const pipe = (from: Socket) => {
    const to = connectTo(socket)
    for (const [one, other] of [[from, to], [to, from]] as const) {
      open.add(one)
      one.on("error", () => other.destroy())
      one.on("close", () => {
        open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }
  return {
    listen: (port: number): Promise<number> =>
      new Promise((resolve, reject) => {
        // Small messages go at once: waiting for more of them costs 40 ms each.
        server = createServer({ noDelay: true }, pipe)
        server.once("error", reject)
        server.listen(port, "127.0.0.1", () => {
          const at = server?.address()
          resolve(typeof at === "object" && at !== null ? at.port : port)
        })
      }),
    cut: (): Promise<void> =>
      new Promise((resolve) => {
        const stopped = server
        server = undefined
        for (const one of open) one.destroy()
        if (stopped === undefined) resolve()
        else stopped.close(() => resolve())
      }),
  }
}

export const servedLog = async (
  { door: doorOptions, layer = memory, port: wanted = 0, ...serving }: ServedOptions = {},
): Promise<ServedLog> => {
  const folder = mkdtempSync(join(tmpdir(), "aios-served-log-"))
  const socket = join(folder, "log.sock")
  const runtime = ManagedRuntime.make(layer)
  const log = await runtime.runPromise(Effect.gen(function* () {
    return yield* EventLog
  }))
  const door = makeDoor({ log, ...doorOptions })
  const served = ManagedRuntime.make(Layer.effectDiscard(serve({ door, socket, ...serving })))
  await served.runPromise(Effect.void)
  const tcp = front(socket)
  const port = await tcp.listen(wanted)
  return {
    connection: `esdb://127.0.0.1:${port}?tls=false`,
    port,
    log,
    door,
    stop: tcp.cut,
    start: async () => {
      await tcp.listen(port)
    },
    close: async () => {
      await tcp.cut()
      await door.close()
      await served.dispose()
      await runtime.dispose()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A client layer of a new served log: both begin and end with it. */
export const overDoor = (
  client: (connection: string) => Layer.Layer<EventLog, LogUnavailable>,
  options: ServedOptions = {},
): Layer.Layer<EventLog, LogUnavailable> =>
  Layer.unwrap(
    Effect.map(
      Effect.acquireRelease(
        Effect.promise(() => servedLog(options)),
        (served) => Effect.promise(() => served.close()),
      ),
      ({ connection }) => client(connection),
    ),
  )
