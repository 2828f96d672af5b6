/**
 * `aios serve-log` lets clients of EventStoreDB's protocol in, to the log of the AIOS that runs, or to a log
 * that nobody else owns. The same door within `aios start` is opened by its `--log-port`.
 */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { OperationFailed } from "../projections/aios.ts"
import { Access, Json, type LogListening, type LogServed } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { Output } from "./output.ts"

const portMax = 65_535

const portOf = (flag: string, asked: Option.Option<number>) => {
  const port = Option.getOrUndefined(asked)
  return port === undefined || (port >= 0 && port <= portMax) ? Effect.succeed(port) : Effect.fail(
    new OperationFailed({
      kind: "usage",
      error: "InvalidValue",
      message:
        `--${flag}: ${port} is no port. Give one from 1 to ${portMax}, or 0 for any that is free.`,
    }),
  )
}

const insecureWords = "in plaintext and without credentials: whoever reaches it may do everything"

/** The door's flags within `aios start`. */
export const logFlags = {
  logPort: Flag.Int("log-port").pipe(
    Flag.withMetavar("<n>"),
    Flag.withDescription(
      "Let clients of EventStoreDB's protocol in there (else AIOS_LOG_PORT, else not); 0 takes any free port",
    ),
    Flag.optional,
  ),
  logInsecure: Flag.Boolean("log-insecure").pipe(
    Flag.withDescription(`Let them in ${insecureWords}`),
    Flag.withDefault(false),
    Flag.withoutNegation,
  ),
}
export const listeningOf = Effect.fnUntraced(function* (
  given: { readonly logPort: Option.Option<number>; readonly logInsecure: boolean },
) {
  const port = yield* portOf("log-port", given.logPort)
  if (port === undefined && !given.logInsecure) return undefined
  return { port, socket: undefined, insecure: given.logInsecure } satisfies LogListening
})

/** A line per fact: where, how to connect, what to mind. */
export const servedText = (served: LogServed): ReadonlyArray<string> => [
  ...served.port === undefined
    ? []
    : [`Clients of EventStoreDB's protocol reach the log at 127.0.0.1:${served.port}`],
  ...served.socket === undefined
    ? []
    : [`They reach it at the Unix socket ${served.socket}, in plaintext`],
  ...served.connection === undefined ? [] : [`Connect with ${served.connection}`],
  ...served.passwordFile === undefined
    ? []
    : [`The password of admin is AIOS_TOKEN, or the text of ${served.passwordFile}`],
  ...served.insecure ? [`WARNING: it is open ${insecureWords}.`] : [],
  "It is a subset of the protocol; docs/log-door.md says what is missing.",
]

const serveLog = Command.make(
  "serve-log",
  {
    port: Flag.Int("port").pipe(
      Flag.withMetavar("<n>"),
      Flag.withDescription(
        "Where on 127.0.0.1 (else AIOS_LOG_PORT, else 2113); 0 takes any free port",
      ),
      Flag.optional,
    ),
    socket: Flag.String("socket").pipe(
      Flag.withMetavar("<path>"),
      Flag.withDescription(
        "A Unix socket, for this user only, in plaintext; without --port in place of a port",
      ),
      Flag.optional,
    ),
    insecure: Flag.Boolean("insecure").pipe(
      Flag.withDescription(`Open it ${insecureWords}`),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* (given) {
    const access = yield* Access
    const output = yield* Output
    const port = yield* portOf("port", given.port)
    const socket = Option.getOrUndefined(given.socket)
    yield* output.onInterrupt(exitCode.ok, () => "The log is served no longer.")
    const { alone, ...served } = yield* access.serveLog(
      {
        port: port ?? (socket === undefined ? "default" : undefined),
        socket,
        insecure: given.insecure,
      },
      (news) =>
        output.log(
          news === "away"
            ? "AIOS has ended: clients wait until it runs again."
            : "AIOS runs again: clients are served.",
        ),
    )
    if (yield* Json) {
      yield* output.data(`${JSON.stringify({ ...served, alone, process: access.process })}\n`)
    }
    yield* output.log(
      alone
        ? `The log of ${access.dataDir} is served alone: no agent runs here.`
        : `The log of the AIOS that runs on ${access.dataDir} is served.`,
    )
    for (const line of servedText(served)) yield* output.log(line)
    yield* output.log("Ready. Ctrl-C ends it.")
    return yield* Effect.never
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Let clients of EventStoreDB (KurrentDB) in: the log is served by a subset of its gRPC protocol, on " +
      "this machine only, with TLS and credentials (user admin, the token as password). Where AIOS runs on the " +
      "data directory it answers for its log; where it does not, the log is served alone. Ctrl-C ends it.",
  ),
  Command.withShortDescription("Let clients of EventStoreDB's protocol in"),
)

export const serveLogCommands = [serveLog] as const
