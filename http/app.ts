/**
 * AIOS over HTTP. One table of routes is served twice: on a Unix socket for the processes of this user
 * (`app`, which also carries their operations at `/aios/<operation>`), and on 127.0.0.1 (`door`), with the
 * pages, behind a token.
 */
import { Cause, Effect, Stream } from "effect"
import { type Context, Hono } from "hono"
import { Aios, OperationFailed } from "../projections/aios.ts"
import {
  aiosVersion,
  answer,
  errorLine,
  isOperation,
  type Line,
  versionHeader,
} from "../projections/aios-wire.ts"
import { type Gate, misdirected, refused } from "./guard.ts"
import { makeMeter, type Meter } from "./meter.ts"
import { openPages } from "./pages/enter.ts"
import { pages } from "./pages/mod.ts"
import { type Problem, problem, problemResponse } from "./problem.ts"
import { type Guarded, mount, type Route, type Services } from "./route.ts"
import { routesOf } from "./routes.ts"

const lineType = "application/x-ndjson"
const encoder = new TextEncoder()
const bytesOf = (line: Line): Uint8Array => encoder.encode(`${JSON.stringify(line)}\n`)

const refusal = (kind: OperationFailed["kind"], error: string, message: string) =>
  new Response(`${JSON.stringify(errorLine(new OperationFailed({ kind, error, message })))}\n`, {
    status: 400,
    headers: { "content-type": lineType, [versionHeader]: aiosVersion },
  })

/** What is left over: a known address with another method, or no address of ours. */
const leftOver = (hono: Hono, routes: ReadonlyArray<Route>, guarded: Guarded) => {
  const known = routes.map(({ method, path }) => ({
    methods: method === "get" ? ["GET", "HEAD"] : ["POST"],
    pattern: new RegExp(`^${path.replaceAll(/:\w+(\{[^}]*\})?/g, "[^/]+")}$`),
  }))
  hono.notFound(guarded((c) => {
    const allow = known.filter(({ pattern }) => pattern.test(c.req.path))
      .flatMap(({ methods }) => methods).join(", ")
    if (allow === "") {
      return problemResponse(
        problem(404, "NotFound", "Not there", `${c.req.path} is nothing here. See /openapi.json.`),
      )
    }
    const wrong = problemResponse(
      problem(405, "OtherMethod", "Other method", `${c.req.path} takes ${allow}.`),
    )
    wrong.headers.set("allow", allow)
    return wrong
  }))
  hono.onError((error) =>
    problemResponse(problem(500, "Defect", "AIOS broke down", `${error.message}. See aios doctor.`))
  )
}

/** The app of the socket. Requests run with the services (clock, log) given here. */
export const app: Effect.Effect<Hono, never, Services> = Effect.gen(function* () {
  const aios = yield* Aios
  const services = yield* Effect.context<Services>()
  const hono = new Hono()

  hono.post("/aios/:operation", async (c) => {
    const theirs = c.req.header(versionHeader)
    if (theirs !== aiosVersion) {
      return refusal(
        "failed",
        "OtherVersion",
        `AIOS ${aiosVersion} runs on this data directory and this is ${theirs ?? "no AIOS"}. ` +
          "Stop it and start it again with this version, or use that version here.",
      )
    }
    const operation = c.req.param("operation")
    if (!isOperation(operation)) {
      return refusal("usage", "UnknownOperation", `AIOS has no operation ${operation}.`)
    }
    const args: unknown = await c.req.json().catch(() => undefined)
    const lines = answer(aios, operation, args).pipe(
      Stream.catchCause((cause) =>
        Stream.succeed(
          errorLine(
            new OperationFailed({
              kind: "failed",
              error: "Defect",
              message: `${operation} broke down in the running AIOS: ${Cause.pretty(cause)}`,
            }),
          ),
        )
      ),
      Stream.map(bytesOf),
    )
    return new Response(Stream.toReadableStreamWith(lines, services), {
      headers: { "content-type": lineType, [versionHeader]: aiosVersion },
    })
  })
  const meter = makeMeter()
  const routes = routesOf(meter)
  mount(hono, routes, services, meter, (handler) => handler)
  leftOver(hono, routes, (handler) => handler)
  return hono
})

/** The app of the TCP port: the same routes and the pages, behind `gate`. */
export const door = (gate: Gate): Effect.Effect<Hono, never, Services> =>
  Effect.gen(function* () {
    const services = yield* Effect.context<Services>()
    const meter: Meter = makeMeter()
    const routes = routesOf(meter)
    const open = new Set([
      ...routes.filter((one) => one.open).map((one) => one.path),
      ...openPages,
    ])
    const hono = new Hono()
    // Not a middleware: Hono answers a route with a single handler in a third of the time.
    const guarded: Guarded = (handler) => (c) => {
      const request = c.req.raw
      const wrong = misdirected(request, gate) ??
        (isOpen(c.req.path) ? undefined : refused(request, gate))
      return wrong === undefined ? handler(c) : turnedAway(c, wrong)
    }
    const isOpen = (path: string) => open.has(path) || path.startsWith("/assets/")
    const turnedAway = (c: Context, wrong: Problem) => {
      // A person in a browser is shown the way in.
      if (wrong.status === 401 && (c.req.raw.headers.get("accept") ?? "").includes("text/html")) {
        return c.redirect("/enter", 303)
      }
      const response = problemResponse(wrong)
      if (wrong.status === 401) response.headers.set("www-authenticate", 'Bearer realm="AIOS"')
      meter.observe("refused", wrong.status, 0)
      return response
    }
    mount(hono, routes, services, meter, guarded)
    pages(hono, gate, services, meter, guarded)
    leftOver(hono, routes, guarded)
    return hono
  })
