/**
 * Serves a fetch app on a Unix socket, for the processes of the same user only. Whoever calls this owns
 * the data directory: a socket file that is there already was left by a killed owner and is removed.
 */
import { Effect, type Scope } from "effect"
import { chmod, rm } from "node:fs/promises"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { OperationFailed } from "../projections/aios.ts"

/** The largest request: a batch of records with their attachments in base64. */
const requestBytesMax = 192 * 1024 * 1024
/** At the end, calls under way get this long before their connections are cut. */
const drainMillisMax = 2_000

interface Fetching {
  fetch(request: Request): Response | Promise<Response>
}

const bodyOf = async (incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer> | undefined> => {
  const chunks: Array<Uint8Array> = []
  let bytes = 0
  for await (const chunk of incoming) {
    if (!(chunk instanceof Uint8Array)) continue
    bytes += chunk.length
    if (bytes > requestBytesMax) return undefined
    chunks.push(chunk)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

const send = async (response: Response, outgoing: ServerResponse): Promise<void> => {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  const reader = response.body?.getReader()
  if (reader === undefined) {
    outgoing.end()
    return
  }
  const gone = new Promise<"gone">((resolve) => outgoing.once("close", () => resolve("gone")))
  // Also where nothing is written for long: a follower that left must end its stream.
  void gone.then(() => reader.cancel()).catch(() => {})
  outgoing.flushHeaders()
  for (;;) {
    const next = await reader.read()
    if (next.done) break
    if (!outgoing.write(next.value)) {
      const drained = new Promise<"drained">((resolve) =>
        outgoing.once("drain", () => resolve("drained"))
      )
      if (await Promise.race([drained, gone]) === "gone") return
    }
  }
  outgoing.end()
}

const handle = async (app: Fetching, incoming: IncomingMessage, outgoing: ServerResponse) => {
  try {
    const body = await bodyOf(incoming)
    if (body === undefined) {
      outgoing.writeHead(413).end()
      return
    }
    const headers = new Headers()
    for (const [name, value] of Object.entries(incoming.headers)) {
      if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value)
    }
    const method = incoming.method ?? "GET"
    await send(
      await app.fetch(
        new Request(`http://aios${incoming.url ?? "/"}`, {
          method,
          headers,
          ...(method === "GET" || method === "HEAD" ? {} : { body }),
        }),
      ),
      outgoing,
    )
  } catch {
    // The other end went away, or the answer broke off: it sees a line missing and says so.
    outgoing.destroy()
  }
}

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(path, () => {
      server.off("error", reject)
      resolve()
    })
  })

const close = async (server: Server, path: string): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), drainMillisMax)
  await closed
  clearTimeout(cut)
  await rm(path, { force: true })
}

/** Serves until its scope closes. */
export const serve = (
  app: Fetching,
  path: string,
): Effect.Effect<void, OperationFailed, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        await rm(path, { force: true })
        const server = createServer((incoming, outgoing) => void handle(app, incoming, outgoing))
        await listen(server, path)
        await chmod(path, 0o600)
        return server
      },
      catch: (cause) =>
        new OperationFailed({
          kind: "failed",
          error: "SocketUnavailable",
          message: `The socket ${path} cannot be opened (${
            cause instanceof Error ? cause.message : String(cause)
          }). Check that its folder is yours and can be written to.`,
        }),
    }),
    (server) => Effect.promise(() => close(server, path)),
  ).pipe(Effect.asVoid)
