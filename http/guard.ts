/**
 * What every request over TCP passes first: it must be meant for us (`Host`: a page elsewhere whose name
 * is pointed at this machine is not), must not be sent by another site's page (`Origin`), and must show
 * the token or a session. The Unix socket needs none of it: the file's mode keeps others out.
 */
import type { Keys } from "./keys.ts"
import { type Problem, problem } from "./problem.ts"

export interface Gate {
  readonly keys: Keys
  /** Known once the door is open, as `--port 0` lets the system choose. */
  readonly port: () => number
}

const unsafe = (method: string) => method !== "GET" && method !== "HEAD" && method !== "OPTIONS"

/** Cookies do not know ports: each AIOS on this machine has a name of its own. */
export const cookieName = (port: number): string => `aios_session_${port}`

export const sessionIn = (request: Request, gate: Gate): string | undefined => {
  const wanted = `${cookieName(gate.port())}=`
  const found = (request.headers.get("cookie") ?? "").split(";").map((one) => one.trim())
    .find((one) => one.startsWith(wanted))?.slice(wanted.length)
  return found !== undefined && gate.keys.isSession(found) ? found : undefined
}

const isOurs = (host: string, port: number): boolean =>
  host === `127.0.0.1:${port}` || host === `localhost:${port}` ||
  (port === 80 && (host === "127.0.0.1" || host === "localhost"))

/** Whether the request is meant for this address and sent by no other site. */
export const misdirected = (request: Request, gate: Gate): Problem | undefined => {
  const host = request.headers.get("host") ?? ""
  if (!isOurs(host.toLowerCase(), gate.port())) {
    return problem(
      421,
      "OtherHost",
      "Not this host",
      `AIOS answers at http://127.0.0.1:${gate.port()} only. Use that address.`,
    )
  }
  if (!unsafe(request.method)) return undefined
  const origin = request.headers.get("origin")
  const site = request.headers.get("sec-fetch-site")
  const foreign = (origin !== null && origin.toLowerCase() !== `http://${host.toLowerCase()}`) ||
    (site !== null && site !== "same-origin" && site !== "none")
  if (!foreign) return undefined
  return problem(
    403,
    "OtherOrigin",
    "Sent by another site",
    "Changes are taken from AIOS's own pages and from programs with the token only.",
  )
}

/** Whether the request may come in; a browser's change must say where it was made. */
export const refused = (request: Request, gate: Gate): Problem | undefined => {
  if (gate.keys.bears(request.headers.get("authorization"))) return undefined
  if (sessionIn(request, gate) !== undefined) {
    if (!unsafe(request.method) || request.headers.get("origin") !== null) return undefined
    return problem(
      403,
      "OriginMissing",
      "Origin missing",
      "A change made with a session must say its Origin. Programs use the token instead.",
    )
  }
  return problem(
    401,
    "TokenWanted",
    "Token wanted",
    "Send `Authorization: Bearer …` with the token from the file `token` in the data directory " +
      "(or AIOS_TOKEN). A browser comes in by the link that aios start prints.",
  )
}
