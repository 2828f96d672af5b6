/**
 * Where clients of the log come in: it listens on this machine's own address, with TLS or without, and on
 * a Unix socket, looks at the first bytes, and pipes what speaks HTTP/2 to the Unix socket of the server
 * that owns the log. It understands nothing of what it carries, so it may be a process of its own.
 */
import { Effect, type Scope } from "effect"
import { lstatSync } from "node:fs"
import { chmod, rm } from "node:fs/promises"
import { connect, createServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer } from "node:tls"
import { OperationFailed } from "../../projections/aios.ts"
import { withoutFarewell } from "./farewell.ts"
import { answerHttp } from "./front-http.ts"

const hostname = "127.0.0.1"
/** Connections at once, each with one to the log; a client holds one or two. */
const connectionsDefault = 1_024
/** A client that says nothing at first, or does not finish its TLS handshake, is let go after so long. */
const firstBytesMillisMax = 10_000
/** After one side has ended, the other gets so long to finish. */
const halfOpenMillisMax = 30_000
/** At the end, what was cut gets so long to be gone. */
const closeMillisMax = 1_000
/** To see whether the log answers. */
const liveMillisMax = 2_000
/** How every HTTP/2 connection begins: `PRI * HTTP/2.0`. */
const preface = Buffer.from("PRI")

export interface FrontOptions {
  /** TCP port on the loopback address; 0 takes any that is free. */
  readonly port?: number
  /** Path of a Unix socket to listen on, always in plaintext. */
  readonly socket?: string
  /** PEM; without it TCP is in plaintext. */
  readonly tls?: { readonly key: string; readonly certificate: string }
  /** Path of the Unix socket of the server that owns the log, as long as there is one. */
  readonly upstream: () => string | undefined
  /** Credentials are asked for. */
  readonly secure: boolean
  /** Default 1,024. */
  readonly connectionsMax?: number
}

export interface Front {
  /** -1 where it does not listen on TCP. */
  readonly port: number
  /** Connections that are open now. */
  readonly connections: () => number
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)

const portUnavailable = (port: number, cause: unknown): OperationFailed => {
  const code = codeOf(cause)
  const reason = code === "EADDRINUSE"
    ? `Port ${port} is taken by another program.`
    : code === "EACCES" || code === "EPERM"
    ? `Port ${port} may be opened by the system's administrator only.`
    : code === "NotCapable"
    ? `Port ${port} may not be opened.`
    : `Port ${port} cannot be opened (${cause instanceof Error ? cause.message : code}).`
  return new OperationFailed({
    kind: "configuration",
    error: "PortUnavailable",
    message: `${reason} Give another port for the log; 0 takes any that is free.`,
  })
}

const socketUnavailable = (path: string, cause: unknown) =>
  new OperationFailed({
    kind: "failed",
    error: "SocketUnavailable",
    message: codeOf(cause) === "EADDRINUSE"
      ? `${path} is there already: somebody answers at it, or it is no socket. Give another path.`
      : `The socket ${path} cannot be opened (${
        cause instanceof Error ? cause.message : String(cause)
      }). Check that its folder is yours and that the path has 107 bytes at most.`,
  })

/** Whether somebody accepts connections at a Unix socket. */
export const isServed = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const tried = connect({ path })
    const settle = (served: boolean) => {
      clearTimeout(late)
      tried.destroy()
      resolve(served)
    }
    const late = setTimeout(() => settle(false), liveMillisMax)
    tried.once("connect", () => settle(true))
    tried.once("error", () => settle(false))
  })

const listen = (server: Server, where: { port: number; host: string } | { path: string }) =>
  new Promise<number>((resolve, reject) => {
    server.once("error", reject)
    server.listen(where, () => {
      server.off("error", reject)
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : -1)
    })
  })

/** Carries bytes both ways until both sides have ended; where one breaks, the other is cut. */
const pipe = (client: Socket, first: Uint8Array, path: string): void => {
  const log = connect({ path, allowHalfOpen: true })
  const cut = () => {
    client.destroy()
    log.destroy()
  }
  let late: ReturnType<typeof setTimeout> | undefined
  for (const side of [client, log]) {
    side.once("error", cut)
    side.once("close", () => {
      clearTimeout(late)
      cut()
    })
    // `pipe` ends the other side after what is under way; one that does not end then is cut.
    side.once("end", () => late ??= setTimeout(cut, halfOpenMillisMax))
  }
  log.setNoDelay?.(true)
  const heard = withoutFarewell()
  heard.pipe(log)
  heard.write(first)
  client.pipe(heard)
  log.pipe(client)
}

/** Listens until its scope closes; then every connection is cut. */
export const front = (
  options: FrontOptions,
): Effect.Effect<Front, OperationFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const open = new Set<Socket>()
    /** TCP connections under TLS, also those without a handshake so far. */
    const raw = new Set<Socket>()
    let port = -1
    const isLive = async () => {
      const path = options.upstream()
      return path !== undefined && await isServed(path)
    }
    const http = { isLive, secure: options.secure, port: () => port }

    const accept = (client: Socket) => {
      client.on("error", () => client.destroy())
      if (open.size >= (options.connectionsMax ?? connectionsDefault)) {
        client.destroy()
        return
      }
      open.add(client)
      client.once("close", () => open.delete(client))
      client.setNoDelay?.(true)
      let seen = Buffer.alloc(0)
      const late = setTimeout(() => client.destroy(), firstBytesMillisMax)
      client.once("close", () => clearTimeout(late))
      const look = (chunk: Uint8Array) => {
        seen = Buffer.concat([seen, chunk])
        const known = Math.min(seen.length, preface.length)
        const mayBeH2 = seen.subarray(0, known).equals(preface.subarray(0, known))
        if (mayBeH2 && known < preface.length) return
        client.off("data", look)
        client.pause()
        clearTimeout(late)
        if (!mayBeH2) return answerHttp(client, seen, http)
        const path = options.upstream()
        // Nobody owns the log just now: the client sees a lost connection and tries again.
        if (path === undefined) client.destroy()
        else pipe(client, seen, path)
      }
      client.on("data", look)
    }

    /** Closes the listener, and cuts what came in by it. */
    const close = (server: Server) =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          const late = setTimeout(resolve, closeMillisMax)
          server.close(() => {
            clearTimeout(late)
            resolve()
          })
          for (const client of [...open, ...raw]) client.destroy()
        })
      )

    if (options.port !== undefined) {
      const wanted = options.port
      const { tls } = options
      const server = tls === undefined
        ? createServer({ allowHalfOpen: true }, accept)
        : createTlsServer({
          key: tls.key,
          cert: tls.certificate,
          ALPNProtocols: ["h2", "http/1.1"],
          handshakeTimeout: firstBytesMillisMax,
          allowHalfOpen: true,
          minVersion: "TLSv1.2",
        }, accept)
      // Whoever does not finish the handshake is none of our clients.
      server.on("tlsClientError", (_cause, client) => client.destroy())
      if (tls !== undefined) {
        server.on("connection", (client: Socket) => {
          if (raw.size >= 2 * (options.connectionsMax ?? connectionsDefault)) client.destroy()
          raw.add(client)
          client.once("close", () => raw.delete(client))
        })
      }
      port = yield* Effect.acquireRelease(
        Effect.tryPromise({
          try: () => listen(server, { port: wanted, host: hostname }),
          catch: (cause) => portUnavailable(wanted, cause),
        }),
        () => close(server),
      )
    }
    if (options.socket !== undefined) {
      const path = options.socket
      const server = createServer({ allowHalfOpen: true }, accept)
      yield* Effect.acquireRelease(
        Effect.tryPromise({
          try: async () => {
            // A socket that nobody serves was left by a killed process. No other file is removed.
            const isLeft = lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
            if (isLeft && !await isServed(path)) await rm(path, { force: true })
            await listen(server, { path })
            await chmod(path, 0o600)
          },
          catch: (cause) => socketUnavailable(path, cause),
        }),
        () => Effect.andThen(close(server), Effect.promise(() => rm(path, { force: true }))),
      )
    }
    return { port, connections: () => open.size }
  })
