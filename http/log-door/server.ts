/**
 * Serves the event store's protocol in plaintext on a Unix socket, for the processes of the same user
 * only; what listens elsewhere pipes to it. Whoever calls this owns the log, so a socket file that is
 * there already was left by a killed owner and is removed.
 */
import { type Metadata, Server, ServerCredentials } from "@grpc/grpc-js"
import { Effect, type Scope } from "effect"
import { chmod, rm } from "node:fs/promises"
import { createServer, type Server as Listener, type Socket } from "node:net"
import { OperationFailed } from "../../projections/aios.ts"
import { type Authenticate, everybody } from "./access.ts"
import { type Calls, callsUnderWay, type MakeService, type Serving } from "./calls.ts"
import type { Door } from "./door.ts"
import { features } from "./features.ts"
import { gossip } from "./gossip.ts"
import { monitoring } from "./monitoring.ts"
import { projections } from "./projections.ts"
import { streams } from "./streams.ts"

/** The largest message taken in: one append has its own, smaller limit. */
const messageBytesMax = 17 * 1024 * 1024
/** At the end, calls under way get this long before they are cut. */
const drainMillisMax = 1_000

export interface ServeOptions {
  readonly door: Door
  /** Path of the Unix socket. */
  readonly socket: string
  /** Default: everybody is an administrator, as on an insecure server. */
  readonly authenticate?: Authenticate
  /** Beside streams and features. */
  readonly services?: ReadonlyArray<MakeService>
  /** Told of whoever comes for streams, before they are answered. */
  readonly greet?: (headers: Metadata) => Promise<void>
}

const listen = (listener: Listener, socket: string): Promise<void> =>
  new Promise((resolve, reject) => {
    listener.once("error", reject)
    listener.listen(socket, () => {
      listener.off("error", reject)
      resolve()
    })
  })

/**
 * Ends calls with a status that makes clients try again, then the connections. They are cut without the
 * protocol's farewell: sending that, Deno's HTTP/2 sometimes aborts the process.
 */
const close = async (listener: Listener, sockets: ReadonlySet<Socket>, calls: Calls) => {
  const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
  await calls.end(drainMillisMax)
  for (const socket of sockets) socket.destroy()
  await closed
}

/** Serves until its scope closes. */
export const serve = (
  options: ServeOptions,
): Effect.Effect<void, OperationFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const { door, socket, authenticate = () => everybody, greet } = options
        await rm(socket, { force: true })
        const server = new Server({
          "grpc.max_receive_message_length": messageBytesMax,
          "grpc.max_send_message_length": -1,
        })
        const calls = callsUnderWay()
        const serving: Serving = { door, authenticate, calls }
        const greeting: Serving = {
          ...serving,
          authenticate: async (headers) => {
            const user = await authenticate(headers)
            await greet?.(headers)
            return user
          },
        }
        const services = [
          () => streams(greeting),
          gossip,
          monitoring,
          projections,
          ...options.services ?? [],
        ].map((make) => make(serving))
        for (const service of [...services, features(services)(serving)]) {
          server.addService(service.definition, service.handlers)
        }
        const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
        const sockets = new Set<Socket>()
        const listener = createServer((connection) => {
          sockets.add(connection)
          connection.once("close", () => sockets.delete(connection))
          connection.on("error", () => connection.destroy())
          injector.injectConnection(connection)
        })
        await listen(listener, socket)
        await chmod(socket, 0o600)
        return () => close(listener, sockets, calls)
      },
      catch: (cause) =>
        new OperationFailed({
          kind: "failed",
          error: "SocketUnavailable",
          message: `The socket ${options.socket} cannot be opened (${
            cause instanceof Error ? cause.message : String(cause)
          }). Check that its folder is yours and can be written to.`,
        }),
    }),
    (end) => Effect.promise(() => end().then(() => rm(options.socket, { force: true }))),
  ).pipe(Effect.asVoid)
