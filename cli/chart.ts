/**
 * `aios chart check`: what of an XState machine AIOS cannot run durably, where, and what to do instead.
 * It imports the file, so the file's own code runs; the launcher lets it read its folder and no more.
 */
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { readFileSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { checkModule } from "../actors/chart-source.ts"
import { OperationFailed } from "../projections/aios.ts"
import { Access, print } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { count, Output } from "./output.ts"

const load = (file: string) =>
  Effect.tryPromise({
    try: async () => {
      const source = readFileSync(file, "utf8")
      // What the file prints while it is loaded is not our data.
      console.log = console.error
      const module: object = await import(pathToFileURL(file).href)
      return checkModule(source, module)
    },
    catch: (cause) =>
      new OperationFailed({
        kind: "failed",
        error: "FileUnreadable",
        message: `${file} cannot be loaded: ${
          cause instanceof Error ? cause.message : String(cause)
        }\nGive a module (.ts, .js) that exports machines and imports only xstate and files beside it.`,
      }),
  })

const check = Command.make(
  "check",
  {
    file: Argument.String("file").pipe(
      Argument.withDescription("A module that exports XState machines"),
    ),
  },
  Effect.fnUntraced(function* ({ file }) {
    const access = yield* Access
    const output = yield* Output
    const checked = yield* load(access.path(file))
    if (checked.charts.length === 0) {
      return yield* new OperationFailed({
        kind: "failed",
        error: "NoMachine",
        message:
          `${file} exports no XState machine. Export it: export const order = createMachine(…)`,
      })
    }
    if (!checked.ok) yield* output.exit(exitCode.failed)
    yield* print(
      { file, ...checked },
      () =>
        checked.charts.map(({ name, problems }) =>
          problems.length === 0
            ? `${name}: everything in it is supported.\n`
            : problems.map((one) =>
              `${file}:${one.line}  ${one.severity}: ${name} ${one.where}\n` +
              `    ${one.what}\n    → ${one.remedy}\n`
            ).join("") + `${name}: ${count(problems.length, "problem")}\n`
        ).join(""),
    )
  }),
).pipe(
  Command.withDescription(
    "List every use of XState in a file that AIOS cannot run durably, with its line and the remedy. " +
      "Exit code 1 if there is one.",
  ),
  Command.withShortDescription("Check an XState machine"),
  Command.withExamples([{ command: "aios chart check checkout.ts" }]),
)

const chart = Command.make("chart").pipe(
  Command.withDescription("Work with statecharts."),
  Command.withShortDescription("Check an XState machine (chart check FILE)"),
  Command.withSubcommands([check]),
)

export const chartCommands = [chart] as const
