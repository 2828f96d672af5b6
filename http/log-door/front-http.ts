/**
 * The few plain HTTP/1.1 answers of the protocol's door: health checks of containers, and what some
 * clients ask for beside gRPC. One request per connection; everything else is a 404 that says where to go.
 */
import type { Duplex } from "node:stream"
import { serverVersion } from "./features.ts"

/** The longest request head; a body is not read. */
const headBytesMax = 16 * 1024
/** A request's head must be there by then. */
const headMillisMax = 10_000

export interface HttpOptions {
  /** Asks whether the log answers. */
  readonly isLive: () => Promise<boolean>
  /** Credentials are asked for. */
  readonly secure: boolean
  /** Where clients reach the door, by the `Host` they named. */
  readonly port: () => number
}

interface Answer {
  readonly status: string
  readonly json?: unknown
}

const nobody = "00000000-0000-0000-0000-000000000000"

const gossip = (host: string, port: number) => ({
  members: [{
    instanceId: nobody,
    timeStamp: new Date().toISOString(),
    state: "Leader",
    isAlive: true,
    // Clients read no member in which one of these is missing, though none uses them.
    internalTcpIp: host,
    internalTcpPort: 0,
    internalSecureTcpPort: 0,
    externalTcpIp: host,
    externalTcpPort: 0,
    externalSecureTcpPort: 0,
    internalHttpEndPointIp: host,
    internalHttpEndPointPort: port,
    httpEndPointIp: host,
    httpEndPointPort: port,
    lastCommitPosition: 0,
    writerCheckpoint: 0,
    chaserCheckpoint: 0,
    epochPosition: 0,
    epochNumber: 0,
    epochId: nobody,
    nodePriority: 0,
    isReadOnlyReplica: false,
  }],
  serverIp: host,
  serverPort: port,
})

const answerOf = async (
  method: string,
  path: string,
  host: string,
  options: HttpOptions,
): Promise<Answer> => {
  if (method === "GET" || method === "HEAD") {
    switch (path) {
      case "/health/live":
      case "/health/ready":
        return { status: await options.isLive() ? "204 No Content" : "503 Service Unavailable" }
      case "/ping":
        return {
          status: "200 OK",
          json: { msgTypeId: 15, text: "Ping request successfully handled" },
        }
      case "/info":
        return {
          status: "200 OK",
          json: {
            dbVersion: serverVersion,
            esVersion: serverVersion,
            server: "aios",
            state: "leader",
            features: { projections: false, userManagement: true, atomPub: false },
            authentication: { type: options.secure ? "internal" : "insecure", properties: {} },
          },
        }
      case "/gossip":
        return { status: "200 OK", json: gossip(host, options.port()) }
    }
  }
  return {
    status: "404 Not Found",
    json: {
      title: "Not Found",
      detail: "This port speaks EventStoreDB's gRPC protocol (esdb://), not its HTTP API. " +
        "Over HTTP there are GET /health/live, /info, /ping and /gossip.",
    },
  }
}

const written = ({ json, status }: Answer, withBody: boolean): string => {
  const body = json === undefined ? "" : `${JSON.stringify(json)}\n`
  return [
    `HTTP/1.1 ${status}`,
    ...json === undefined ? [] : ["content-type: application/json"],
    ...status.startsWith("204") ? [] : [`content-length: ${Buffer.byteLength(body)}`],
    "connection: close",
    "",
    withBody ? body : "",
  ].join("\r\n")
}

/** Reads one request, which begins with `first`, answers it and ends the connection. */
export const answerHttp = (socket: Duplex, first: Uint8Array, options: HttpOptions): void => {
  let head = ""
  let done = false
  const late = setTimeout(() => socket.destroy(), headMillisMax)
  socket.once("close", () => clearTimeout(late))
  const take = (chunk: Uint8Array) => {
    if (done) return
    head += Buffer.from(chunk).toString("latin1")
    const end = head.indexOf("\r\n\r\n")
    if (end < 0 && head.length <= headBytesMax) return
    done = true
    const [request = "", ...headers] = head.slice(0, Math.max(end, 0)).split("\r\n")
    const [, method = "", target = ""] = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/.exec(request) ?? []
    if (method === "") {
      socket.end(written({ status: "400 Bad Request" }, true))
      return
    }
    const host = /^host:\s*(.+?)(?::\d+)?\s*$/i.exec(
      headers.find((one) => /^host:/i.test(one)) ?? "",
    )?.[1] ?? "127.0.0.1"
    const [path = ""] = target.split("?")
    answerOf(method, path, host, options).then(
      (answer) => socket.end(written(answer, method !== "HEAD")),
      () => socket.destroy(),
    )
  }
  take(first)
  socket.on("data", take)
  socket.resume()
}
