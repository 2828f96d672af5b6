/** `aios start` stays up and works on its own; `aios demo` does so on the sample company (demo.ts). */
import { Clock, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { type Aios, OperationFailed } from "../projections/aios.ts"
import {
  Access,
  type LogListening,
  settleMillisMax,
  type Staying,
  type WorkOptions,
} from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { awaitingOf, remainingText } from "./finish.ts"
import { Output } from "./output.ts"
import { listeningOf, logFlags, servedText } from "./serve-log.ts"
import { lanesOf } from "./work.ts"

/** While it stays up, AIOS says this often what waits, where that has changed. */
const reportEveryMillis = 60_000

/** What is away is asked for again this often. */
const awayMillis = 5_000

const portMax = 65_535

export const Port = Flag.Int("port").pipe(
  Flag.withMetavar("<n>"),
  Flag.withDescription(
    "Where the page and the API are served (else AIOS_PORT, else 4680); 0 takes any free port",
  ),
  Flag.optional,
)

const Lanes = Flag.String("lanes").pipe(
  Flag.withMetavar("<lanes>"),
  Flag.withDescription(
    "What it works on itself: interactive, batch, both with a comma, or none; the rest is for aios work",
  ),
  Flag.withDefault("interactive,batch"),
)

/** Where the page is, and how a browser gets in. */
export const doorText = (staying: Staying): ReadonlyArray<string> => [
  `Your brief in the browser (this link works once, for 10 minutes): ${staying.link()}`,
  ...staying.log === undefined ? [] : servedText(staying.log),
]

/** Owns the data directory and works on it until the end. */
export const stay = Effect.fnUntraced(function* (
  asked: Option.Option<number>,
  lanes?: WorkOptions["lanes"],
  log?: LogListening,
) {
  const access = yield* Access
  const output = yield* Output
  const port = Option.getOrUndefined(asked)
  if (port !== undefined && (port < 0 || port > portMax)) {
    return yield* new OperationFailed({
      kind: "usage",
      error: "InvalidValue",
      message:
        `--port: ${port} is no port. Give one from 1 to ${portMax}, or 0 for any that is free.`,
    })
  }
  yield* output.onInterrupt(exitCode.ok, () => "AIOS stopped.")
  const staying = yield* access.stay(port, lanes, log)
  yield* output.log(`AIOS runs on ${access.dataDir} (process ${access.process})`)
  yield* output.log(
    staying.socket === undefined
      ? "No socket: the data directory's path is too long, so other commands wait until this ends."
      : `Other commands reach it at ${staying.socket}`,
  )
  return staying
})

/** What waits, in words. A log that is away for the moment is waited for, as all that works here does. */
export const standing = (aios: Aios["Service"], millis: number) =>
  Effect.gen(function* () {
    const { nextDue: _, ...open } = yield* aios.settle(millis)
    const awaiting = yield* awaitingOf(aios, open)
    const text = remainingText(open, awaiting, yield* Clock.currentTimeMillis)
    return { isAway: false, text: text === "" ? "Nothing waits." : `Waiting: ${text}` }
  }).pipe(
    Effect.catchIf(
      ({ kind }) => kind === "later",
      ({ message }) => Effect.succeed({ isAway: true, text: `AIOS waits. ${message}` }),
    ),
  )

const start = Command.make(
  "start",
  { port: Port, lanes: Lanes, ...logFlags },
  Effect.fnUntraced(function* ({ lanes, port, ...log }) {
    const output = yield* Output
    const staying = yield* stay(port, yield* lanesOf(lanes, true), yield* listeningOf(log))
    const { aios } = staying
    let said = ""
    for (const line of doorText(staying)) yield* output.log(line)
    yield* output.log("Ready. Ctrl-C stops it.")
    // What an earlier process left is told and taken up first; from then on it goes by itself.
    for (let millis = settleMillisMax;; millis = 0) {
      const { isAway, text } = yield* standing(aios, millis)
      if (text !== said) yield* output.log(text)
      said = text
      yield* Effect.sleep(isAway ? awayMillis : reportEveryMillis)
    }
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Stay up: fire timers, keep the cadence (brief, nightly work), run activities. Serves " +
      "the page and the API on this machine only, at http://127.0.0.1:4680. Other `aios` commands on the same data directory then talk to this process. Ctrl-C ends it in order.",
  ),
  Command.withShortDescription("Stay up and work"),
)

export const startCommands = [start] as const
