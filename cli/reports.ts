/** `reports` lists the documents of the slots; `report` prints one, as Markdown. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { OperationFailed, type ReportRow } from "../projections/aios.ts"
import { open, print } from "./access.ts"
import { oneLine, Output, plain, table } from "./output.ts"

const reportsShown = 50

const noneText = (slot: string | undefined): string =>
  `No ${
    slot === undefined ? "" : `${slot} `
  }report yet. It is made when its slot comes, by aios start ` +
  `or aios brief; which slots get one: aios settings --report ${slot ?? "weekly"}`

const reports = Command.make(
  "reports",
  {
    slot: Argument.String("slot").pipe(
      Argument.withDescription("daily, nightly, weekly, monthly or quarterly"),
      Argument.optional,
    ),
  },
  Effect.fnUntraced(function* ({ slot }) {
    const output = yield* Output
    const rows = yield* (yield* open("read")).reports(Option.getOrUndefined(slot))
    const more = rows.length - reportsShown
    yield* print(
      rows,
      () =>
        rows.length === 0 ? `${noneText(Option.getOrUndefined(slot))}\n` : table(
          [
            ["SLOT", "DATE", "TITLE"],
            ...rows.slice(0, reportsShown).map((row) => [row.slot, row.date, oneLine(row.title)]),
          ],
          output.columns,
          output.interactive,
        ) + (more > 0 ? `and ${more} more (--json shows all)\n` : ""),
    )
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "List the documents that were made: briefs, weekly retrospectives, policy reviews.",
  ),
  Command.withShortDescription("List the documents that were made"),
  Command.withExamples([{ command: "aios reports weekly" }]),
)

const isOf = (date: string | undefined) => (row: ReportRow) =>
  date === undefined || row.date === date

const report = Command.make(
  "report",
  {
    slot: Argument.String("slot").pipe(
      Argument.withDescription("daily, nightly, weekly, monthly or quarterly"),
    ),
    date: Flag.String("date").pipe(
      Flag.withMetavar("<date>"),
      Flag.withDescription("Of this day, 2026-11-24; without it the newest"),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ date, slot }) {
    const all = yield* (yield* open("read")).reports(slot)
    const wanted = Option.getOrUndefined(date)
    const found = all.find(isOf(wanted))
    if (found === undefined) {
      const [newest] = all
      return yield* new OperationFailed({
        kind: "failed",
        error: "ReportNotFound",
        message: newest === undefined || wanted === undefined
          ? noneText(slot)
          : `There is no ${slot} report of ${wanted}. There are ${
            all.slice(0, 5).map((row) => row.date).join(", ")
          }.`,
      })
    }
    yield* print(found, () => `${plain(found.text).trimEnd()}\n`)
  }, Effect.scoped),
).pipe(
  Command.withDescription("Print a document as Markdown: the newest of a slot, or that of a day."),
  Command.withShortDescription("Print one of them, as Markdown"),
  Command.withExamples([
    { command: "aios report weekly" },
    { command: "aios report weekly --date 2026-11-23 > week.md" },
  ]),
)

export const reportCommands = [reports, report] as const
