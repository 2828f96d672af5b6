/**
 * The command line as a whole: every command, its help, and how a wrong word is answered. Data goes to
 * stdout; usage errors go to stderr with exit code 2.
 */
import { Effect, FileSystem, Layer, Path, Sink, Stdio, Stream, Terminal } from "effect"
import { CliConfig, CliOutput, Command, GlobalFlag } from "effect/cli"
import { ChildProcessSpawner } from "effect/process"
import { aiosVersion } from "../projections/aios-wire.ts"
import { DataDir, Json } from "./access.ts"
import { archiveCommands } from "./archive.ts"
import { approvalsCommands, settleCommands } from "./approvals.ts"
import { briefCommands } from "./brief.ts"
import { chartCommands } from "./chart.ts"
import { importCommands } from "./import.ts"
import { costsCommands } from "./costs.ts"
import { keptCommands } from "./kept.ts"
import { logCommands } from "./log.ts"
import { decisionCommands } from "./decisions.ts"
import { doneCommands } from "./done.ts"
import { doctorCommands, lookCommands } from "./look.ts"
import { logUsersCommands } from "./log-users.ts"
import { memoryCommands } from "./memory.ts"
import { migrateLogCommands } from "./migrate-log.ts"
import { modelsCommands } from "./models.ts"
import { Output, plain } from "./output.ts"
import { paidCommands } from "./paid.ts"
import { recallCommands } from "./recall.ts"
import { reportCommands } from "./reports.ts"
import { reviewCommands } from "./review.ts"
import { serveLogCommands } from "./serve-log.ts"
import { settingsCommands } from "./settings.ts"
import { demoCommands } from "./demo.ts"
import { startCommands } from "./start.ts"
import { whyCommands } from "./why.ts"
import { workCommands } from "./work.ts"

const aios = Command.make("aios").pipe(
  Command.withDescription(
    "AIOS reads what you already have (mail, people), remembers it, decides what deserves attention, " +
      "drafts the work, asks before anything risky, does it exactly once, and can say why.",
  ),
  Command.withSubcommands([
    {
      group: "Every day",
      commands: [
        ...briefCommands,
        ...approvalsCommands,
        ...decisionCommands,
        ...paidCommands,
        ...doneCommands,
        ...reviewCommands,
        ...settleCommands,
      ],
    },
    {
      group: "Setting up",
      commands: [
        ...settingsCommands,
        ...importCommands,
        ...modelsCommands,
        ...startCommands,
        ...workCommands,
        ...serveLogCommands,
        ...logUsersCommands,
        ...demoCommands,
      ],
    },
    { group: "Remembering", commands: [...recallCommands, ...memoryCommands, ...archiveCommands] },
    { group: "Keeping safe", commands: [...keptCommands, ...migrateLogCommands] },
    {
      group: "Looking",
      commands: [
        ...whyCommands,
        ...reportCommands,
        ...costsCommands,
        ...lookCommands,
        ...logCommands,
        ...chartCommands,
        ...doctorCommands,
      ],
    },
  ]),
  Command.withGlobalFlags([Json, DataDir]),
)

/** Parsing needs these by type only: no flag here reads a file, asks a question or starts a process. */
const unusedServices = Layer.mergeAll(
  FileSystem.layerNoop({}),
  Path.layer,
  Stdio.layerTest({ stdout: () => Sink.drain, stderr: () => Sink.drain, stdin: Stream.empty }),
  Layer.succeed(
    ChildProcessSpawner.ChildProcessSpawner,
    ChildProcessSpawner.make(() => Effect.die("AIOS starts no processes")),
  ),
  Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      size: Effect.die("AIOS draws no screens"),
      readInput: Effect.die("AIOS asks no questions"),
      readLine: Effect.die("AIOS asks no questions"),
      display: () => Effect.void,
    }),
  ),
)

const presenter = Effect.map(Output, (output): CliOutput.Presenter => {
  const formatter = CliOutput.defaultFormatter({
    colors: output.paint.bold("") !== "",
    inheritedFlags: "summary",
    globalFlags: "summary",
  })
  return {
    present: (event) => {
      switch (event._tag) {
        case "Version":
          return output.data(`${event.name} ${event.version}\n`)
        case "Help": {
          const help = `${formatter.formatHelpDoc(event.helpDoc).trim()}\n`
          return event.reason === "Requested" ? output.data(help) : output.log(help.trimEnd())
        }
        case "InvalidInvocation":
          return Effect.forEach(
            [
              ...event.errors.map((error) => `aios: ${plain(error.message)}`),
              `See: ${event.commandPath.join(" ")} --help`,
            ],
            output.log,
            { discard: true },
          )
      }
    },
  }
})

/** Runs the command that the words name. What it fails with is for `endingOf`. */
export const run = (words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    return yield* Command.runWith(aios, { version: aiosVersion })(words).pipe(
      Effect.provideService(CliOutput.Presenter, yield* presenter),
      Effect.provideService(
        CliConfig.CliConfig,
        CliConfig.make({
          builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions],
        }),
      ),
      Effect.provide(unusedServices),
    )
  })
