/**
 * AIOS over HTTP. So far the operations that another `aios` process calls over the Unix socket:
 * `POST /aios/<operation>`, answered line by line, so that progress and followed events stream.
 */
import { Cause, Effect, Stream } from "effect"
import { Hono } from "hono"
import { Aios, OperationFailed } from "../projections/aios.ts"
import {
  aiosVersion,
  answer,
  errorLine,
  isOperation,
  type Line,
  versionHeader,
} from "../projections/aios-wire.ts"

const lineType = "application/x-ndjson"
const encoder = new TextEncoder()
const bytesOf = (line: Line): Uint8Array => encoder.encode(`${JSON.stringify(line)}\n`)

const refusal = (kind: OperationFailed["kind"], error: string, message: string) =>
  new Response(`${JSON.stringify(errorLine(new OperationFailed({ kind, error, message })))}\n`, {
    status: 400,
    headers: { "content-type": lineType, [versionHeader]: aiosVersion },
  })

/** The app over the `Aios` of its environment. Requests run with the services (clock, log) given here. */
export const app: Effect.Effect<Hono, never, Aios> = Effect.gen(function* () {
  const aios = yield* Aios
  const services = yield* Effect.context<never>()
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

  return hono
})
