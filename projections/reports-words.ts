/** Words, tables and counts that the documents of the cadence share. */
import { inert } from "./reports-daily.ts"
import { costOf, hasFailed, type Period, type Run, wasTried } from "./reports-period.ts"
import { clockWords, counted, dateWords } from "./words.ts"

const rowsMax = 30

export const took = (millis: number): string =>
  millis < 1_000
    ? `${Math.round(millis)} ms`
    : millis < 120_000
    ? `${(millis / 1_000).toFixed(1)} s`
    : millis < 2 * 3_600_000
    ? `${Math.round(millis / 60_000)} min`
    : `${(millis / 3_600_000).toFixed(1)} h`

export const table = (
  head: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string | number>>,
): ReadonlyArray<string> =>
  rows.length === 0 ? [] : [
    `| ${head.join(" | ")} |`,
    `| ${head.map((_, n) => n === 0 ? "---" : "---:").join(" | ")} |`,
    ...rows.slice(0, rowsMax).map((row) =>
      `| ${
        row.map((cell) => typeof cell === "number" ? cell.toLocaleString("en-US") : inert(cell))
          .join(" | ")
      } |`
    ),
    ...(rows.length > rowsMax ? [`| and ${rows.length - rowsMax} more |`] : []),
    "",
  ]

/** Which stretch of time is told, and what came before it that nobody tells. */
export const stretch = ({ from, missed, timeZone, to }: Period): string =>
  `From ${dateWords(from, to, timeZone)} ${clockWords(from, timeZone)} to ${
    dateWords(to, to, timeZone)
  } ${clockWords(to, timeZone)} (${timeZone}).` +
  (missed === 0
    ? ""
    : ` Before that, ${counted(missed, "document")} of this kind ${
      missed === 1 ? "was" : "were"
    } missed, because AIOS did not run; what was recorded then is not counted here.`)

export const sum = (values: ReadonlyArray<number>) => values.reduce((total, one) => total + one, 0)

/** Per activity: runs, failures, attempts, time and cost; the longest first. What was never tried ran not. */
export const activityTable = (runs: ReadonlyArray<Run>, by: (run: Run) => string, head: string) => {
  const counts = runs.filter((run) => wasTried(run) || hasFailed(run) || run.status === "skipped")
  const rows = [...Map.groupBy(counts, by)].map(([name, group]) => {
    const cost = Object.entries(costOf(group.map((run) => run.cost)))
      .map(([unit, n]) => `${n.toLocaleString("en-US")} ${unit}`).join(", ")
    const millis = sum(group.map((run) => run.millis))
    const failed = group.filter(hasFailed).length
    const skipped = group.filter((run) => run.status === "skipped").length
    const ran = group.filter(wasTried).length
    const attempts = sum(group.map((run) => run.attempts))
    return {
      millis,
      cells: [name, ran, attempts, failed, skipped, took(millis), cost || "none"],
    }
  }).sort((a, b) => b.millis - a.millis)
  return table(
    [head, "runs", "attempts", "failed", "skipped", "time", "cost"],
    rows.map((one) => one.cells),
  )
}

export const problems = (runs: ReadonlyArray<Run>) =>
  [...Map.groupBy(
    runs.filter(hasFailed),
    (run) => `${run.activity}: ${run.problem || "failed"}`,
  )].map(([name, group]) => `- ${inert(name)}, ${counted(group.length, "time")}`)
