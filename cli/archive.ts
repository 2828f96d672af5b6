/** `aios archive`: old cold items into compressed segments, which there are, and one of them back. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { Archived, Segment } from "../projections/aios-memory.ts"
import { open, print } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { finish } from "./finish.ts"
import { shown } from "./memory.ts"
import { bytes, count, oneLine, Output, table } from "./output.ts"

const stateOf = ({ ok, problem, restored }: Segment) =>
  ok ? restored ? "restored" : "whole" : restored ? `restored (${problem})` : problem

const segmentsShown = (all: ReadonlyArray<Segment>, columns: number): string => {
  if (all.length === 0) {
    return "Nothing was archived yet. aios archive --dry-run says what would be.\n"
  }
  const broken = all.filter(({ ok, restored }) => !ok && !restored)
  return table(
    [
      ["SEGMENT", "ITEMS", "SIZE", "ARCHIVED", "STATE"],
      ...all.map((one) => [
        oneLine(one.segment),
        one.items.toLocaleString("en-US"),
        bytes(one.bytes),
        new Date(one.at).toISOString().slice(0, 10),
        stateOf(one),
      ]),
    ],
    columns,
    false,
  ) + (broken.length === 0
    ? ""
    : `${
      count(broken.length, "segment")
    } missing or damaged: nothing is lost, the log has it all. ` +
      "aios archive writes them again.\n")
}

const archivedText = (done: Archived): string => {
  const { again, days, dryRun, items, segments } = done
  const old = `${count(items, "cold item")} older than ${count(days, "day")}`
  if (dryRun) {
    return items === 0
      ? `There are no cold items older than ${count(days, "day")}. Nothing would be archived.\n`
      : `This would archive ${old}. They leave the index; the log keeps everything.\n`
  }
  return again.map((name) => `${name} was missing or damaged and is written again.\n`).join("") +
    (segments.length === 0
      ? `There are no cold items older than ${count(days, "day")}. Nothing was archived.\n`
      : segments.map((one) =>
        `${one.segment}: ${count(one.items, "item")}, ${bytes(one.bytes)}, read back and compared\n`
      ).join("") +
        `${old} left the index; the log keeps everything. aios recall --deep still finds them.\n`)
}

const list = Command.make(
  "list",
  {},
  Effect.fnUntraced(function* () {
    const output = yield* Output
    const all = yield* (yield* open("read")).segments
    yield* print(all, () => segmentsShown(all, output.columns))
    if (all.some(({ ok, restored }) => !ok && !restored)) yield* output.exit(exitCode.failed)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show the segments and whether each file is there and whole. Exit code 1 if one is not.",
  ),
  Command.withShortDescription("Show the segments, each checked"),
)

const restore = Command.make(
  "restore",
  {
    segment: Argument.String("segment").pipe(
      Argument.withDescription("Its name, as aios archive list shows it"),
    ),
  },
  Effect.fnUntraced(function* ({ segment }) {
    const aios = yield* open("work")
    const one = yield* shown("Restore", (progress) => aios.restoreSegment(segment, progress))
    yield* print(
      one,
      () => `${one.segment}: ${count(one.items, "item")} back in the index.\n`,
    )
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Bring a segment's items back into the index. A file that is missing or damaged is written again from " +
      "the log first.",
  ),
  Command.withShortDescription("Bring a segment's items back"),
  Command.withExamples([{ command: "aios archive restore 12-4031" }]),
)

const archive = Command.make(
  "archive",
  {
    days: Flag.Int("days").pipe(
      Flag.withDescription("Only items older than so many days; without it as the policy says"),
      Flag.optional,
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Only say what would be archived"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ days, dryRun }) {
    const output = yield* Output
    const aios = yield* open(dryRun ? "read" : "work")
    if (!dryRun) {
      yield* output.onInterrupt(
        undefined,
        () => "Stopped: segments that were written stay. Run it again to go on.",
      )
    }
    const done = yield* shown("Archive", (progress) =>
      aios.archive({
        ...(Option.isSome(days) ? { days: days.value } : {}),
        ...(dryRun ? { dryRun } : {}),
      }, progress))
    yield* print(done, () => archivedText(done))
    if (!dryRun) yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Write the events of old cold items into compressed segments in the data directory. Each is read back " +
      "and compared before its items leave the index. The log keeps everything, so a lost segment is " +
      "written again, and nothing is deleted.",
  ),
  Command.withShortDescription("Move old cold items into compressed segments"),
  Command.withExamples([
    { command: "aios archive --dry-run" },
    { command: "aios archive --days 365" },
    { command: "aios archive list" },
    { command: "aios archive restore 12-4031" },
  ]),
  Command.withSubcommands([list, restore]),
)

export const archiveCommands = [archive] as const
