/** `aios start` stays up and works on its own; `aios demo` does so on the sample company (demo.ts). */
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import { Access, settleMillisMax } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { remainingText } from "./finish.ts"
import { Output } from "./output.ts"

/** While it stays up, AIOS says this often what waits, where that has changed. */
const reportEveryMillis = 60_000

/** Owns the data directory and works on it until the end. */
export const stay = Effect.gen(function* () {
  const access = yield* Access
  const output = yield* Output
  yield* output.onInterrupt(exitCode.ok, () => "AIOS stopped.")
  const staying = yield* access.stay
  yield* output.log(`AIOS runs on ${access.dataDir} (process ${access.process})`)
  yield* output.log(
    staying.socket === undefined
      ? "No socket: the data directory's path is too long, so other commands wait until this ends."
      : `Other commands reach it at ${staying.socket}`,
  )
  return staying
})

const start = Command.make(
  "start",
  {},
  Effect.fnUntraced(function* () {
    const output = yield* Output
    const { aios } = yield* stay
    let said = ""
    yield* output.log("Ready. Ctrl-C stops it.")
    // What an earlier process left is told and taken up first; from then on it goes by itself.
    yield* aios.settle(settleMillisMax)
    for (;;) {
      const remaining = yield* aios.settle(0)
      const { nextDue: _, ...open } = remaining
      const text = remainingText(open, yield* Clock.currentTimeMillis)
      if (text !== said) yield* output.log(text === "" ? "Nothing waits." : `Waiting: ${text}`)
      said = text
      yield* Effect.sleep(reportEveryMillis)
    }
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Stay up: fire timers, keep the cadence (brief, nightly work), run activities. Other `aios` " +
      "commands on the same data directory then talk to this process. Ctrl-C ends it in order.",
  ),
  Command.withShortDescription("Stay up and work"),
)

export const startCommands = [start] as const
