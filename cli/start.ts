/** `aios start` stays up and works on its own; `aios demo` does so on the sample company. */
import { Clock, Effect, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { basename } from "node:path"
import { OperationFailed } from "../projections/aios.ts"
import { Access, print, settleMillisMax } from "./access.ts"
import { shortIds } from "./approvals.ts"
import { briefText } from "./brief.ts"
import { exitCode } from "./exit-codes.ts"
import { remainingText } from "./finish.ts"
import { importFiles } from "./import.ts"
import { Output } from "./output.ts"

/** While it stays up, AIOS says this often what waits, where that has changed. */
const reportEveryMillis = 60_000

const stay = Effect.gen(function* () {
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

const SampleSettings = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json))

const demo = Command.make(
  "demo",
  {
    exit: Flag.Boolean("exit").pipe(
      Flag.withDescription("Stop after the brief"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ exit }) {
    const access = yield* Access
    const output = yield* Output
    const { aios } = yield* stay
    const dataDir = access.dataDir
    const settings = yield* Schema.decodeUnknownEffect(SampleSettings)(access.sample.settings).pipe(
      Effect.mapError((error) =>
        new OperationFailed({
          kind: "failed",
          error: "SampleBroken",
          message: `sample/settings.json: ${error.message}`,
        })
      ),
    )
    if ((yield* aios.settings).name === undefined) yield* aios.configure(settings)
    const imported = yield* importFiles(aios, access.sample.files)
    for (const file of imported.files) {
      yield* output.log(
        `Imported ${basename(file.path)}: ${file.imported} new, ${file.duplicates} known` +
          (file.faults.length === 0 ? "" : `, ${file.faults.length} faults`),
      )
    }
    yield* output.onInterrupt(exitCode.ok, () => "AIOS stopped.")
    yield* aios.settle(settleMillisMax)
    const brief = yield* aios.brief()
    yield* print(brief, () => briefText(brief, output.columns, output.paint))
    const first = brief.approvals[0]
    if (exit) return
    const id = first === undefined
      ? "ID"
      : shortIds(brief.approvals.map((one) => one.id)).get(first.id)
    const run = `npm run -s aios --`
    const at = `--data-dir ${dataDir}`
    yield* output.log(
      [
        "",
        "In another terminal, in this folder:",
        `  ${run} approvals ${at}`,
        `  ${run} approve ${id} ${at}`,
        `  ${run} reject ${id} --reason "…" ${at}`,
        `  ${run} brief ${at}`,
        `Approved mails are written to ${dataDir}/outbox and sent to nobody. Ctrl-C stops the demo.`,
      ].join("\n"),
    )
    return yield* Effect.never
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "The sample company, from its mailbox to the brief of Tuesday 24 November 2026, 08:00 in Berlin. " +
      "Everything stays in a fresh folder; no mail leaves it.",
  ),
  Command.withShortDescription("Try it on a sample company"),
)

export const startCommands = [start, demo] as const
