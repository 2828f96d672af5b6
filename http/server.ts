/** Serves a fetch app on 127.0.0.1. Nobody outside this machine can reach it. */
import { createAdaptorServer } from "@hono/node-server"
import { Effect, type Scope } from "effect"
import type { Server } from "node:http"
import { OperationFailed } from "../projections/aios.ts"

const hostname = "127.0.0.1"
/** Connections at once; browsers hold six each. */
const connectionsMax = 1_024
/** At the end, requests under way get this long before their connections are cut. */
const drainMillisMax = 1_000

interface Fetching {
  fetch(request: Request): Response | Promise<Response>
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)

const unavailable = (port: number, cause: unknown): OperationFailed => {
  const code = codeOf(cause)
  const reason = code === "EADDRINUSE"
    ? `Port ${port} is taken by another program.`
    : code === "EACCES" || code === "NotCapable"
    ? `Port ${port} may not be opened.`
    : `Port ${port} cannot be opened (${cause instanceof Error ? cause.message : code}).`
  return new OperationFailed({
    kind: "configuration",
    error: "PortUnavailable",
    message: `${reason} Give another with --port or AIOS_PORT; --port 0 takes any that is free.`,
  })
}

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, hostname, () => {
      server.off("error", reject)
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : port)
    })
  })

const close = async (server: Server): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), drainMillisMax)
  await closed
  clearTimeout(cut)
}

/** Serves until its scope closes; gives the port. */
export const serveOn = (
  app: Fetching,
  port: number,
): Effect.Effect<number, OperationFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const adapted = createAdaptorServer({ fetch: (request) => app.fetch(request), hostname })
    if (!("closeIdleConnections" in adapted)) return yield* Effect.die("no HTTP/1 server")
    adapted.maxConnections = connectionsMax
    return yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => listen(adapted, port),
        catch: (cause) => unavailable(port, cause),
      }),
      () => Effect.promise(() => close(adapted)),
    )
  })
