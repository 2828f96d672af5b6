/** `aios replay` and `aios rebuild`: proof that state and read models are folds of the log. */
import { Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import type { Rebuilt, Replay } from "../projections/aios.ts"
import { open, print, watch } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { count, cut, Output, type Paint, table } from "./output.ts"

/** Divergences listed to a person; --json has all. */
/** Asks may be long; --json has them whole. */
const hashShown = 40
const divergencesShown = 20

const rate = (n: number, millis: number): string =>
  millis <= 0 ? "" : `, ${Math.round(n / millis * 1000).toLocaleString("en-US")}/s`

const replayText = (result: Replay, paint: Paint): string => {
  const head = `${count(result.actors, "actor")}, ${count(result.events, "event")}, ${
    count(result.divergences.length, "divergence")
  } (${Math.round(result.millis)} ms${rate(result.events, result.millis)})\n`
  if (result.divergences.length === 0) return head
  const more = result.divergences.length - divergencesShown
  return head + table(
    [
      ["STREAM", "REVISION", "RECORDED", "REFOLDED"],
      ...result.divergences.slice(0, divergencesShown).map((one) => [
        one.stream,
        String(one.revision),
        cut(one.expected, hashShown),
        paint.wrong(cut(one.actual, hashShown)),
      ]),
    ],
    0,
    false,
  ) + (more > 0 ? `and ${more} more (--json shows all)\n` : "") +
    "A chart was changed without a new version number: undo the change, or give it a new one. " +
    "Or the log was altered: restore it from a backup.\n"
}

const replay = Command.make(
  "replay",
  {
    agent: Argument.String("agent").pipe(
      Argument.withDescription("Only this agent (lead), or only one of them (lead/6f1c…)"),
      Argument.optional,
    ),
  },
  Effect.fnUntraced(function* ({ agent }) {
    const output = yield* Output
    const line = output.progress("Refolding", "events")
    const aios = yield* open("read")
    const result = yield* aios.replay(Option.getOrUndefined(agent), watch(line)).pipe(
      Effect.ensuring(Effect.sync(line.end)),
    )
    if (result.divergences.length > 0) yield* output.exit(exitCode.failed)
    yield* print(result, () => replayText(result, output.paint))
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Fold every agent again from the log and compare each state with the recorded hash. Exit code 1 " +
      "if one differs.",
  ),
  Command.withShortDescription("Fold the log again and compare every state"),
  Command.withExamples([{ command: "aios replay" }, { command: "aios replay lead" }]),
)

const rebuildText = (projections: ReadonlyArray<Rebuilt>, paint: Paint): string =>
  table(
    [
      ["PROJECTION", "EVENTS", "BEFORE", "AFTER", ""],
      ...projections.map((one) => [
        `${one.name}@${one.version}`,
        String(one.events),
        one.before || "–",
        one.after,
        one.equal ? `equal (${Math.round(one.millis)} ms)` : paint.wrong("differs"),
      ]),
    ],
    0,
    false,
  )

const rebuild = Command.make(
  "rebuild",
  {
    projection: Argument.String("projection").pipe(
      Argument.withDescription("Only this read model"),
      Argument.optional,
    ),
  },
  Effect.fnUntraced(function* ({ projection }) {
    const output = yield* Output
    const line = output.progress("Rebuilding", "events")
    const aios = yield* open("read")
    const result = yield* aios.rebuild(Option.getOrUndefined(projection), watch(line)).pipe(
      Effect.ensuring(Effect.sync(line.end)),
    )
    if (result.projections.some((one) => !one.equal)) yield* output.exit(exitCode.failed)
    yield* print(result, () => rebuildText(result.projections, output.paint))
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Build read models again beside the ones in use, compare checksums, and swap. Exit code 1 if one " +
      "differs.",
  ),
  Command.withShortDescription("Build read models again and compare"),
  Command.withExamples([{ command: "aios rebuild" }, { command: "aios rebuild agents" }]),
)

export const logCommands = [replay, rebuild] as const
