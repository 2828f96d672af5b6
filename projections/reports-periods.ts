/**
 * The documents of the night, the week, the month and the quarter. Each is a pure function of a period's
 * figures; what is not known is said to be so, and no figure is made up.
 */
import type { ReportDocument } from "../actors/reports.ts"
import { inert } from "./reports-daily.ts"
import { costOf, type Judged, type Period, quantile, type Run } from "./reports-period.ts"
import { adapterOf } from "./runs.ts"
import { clockWords, counted, dateWords } from "./words.ts"

const rowsMax = 30

const took = (millis: number): string =>
  millis < 1_000
    ? `${Math.round(millis)} ms`
    : millis < 120_000
    ? `${(millis / 1_000).toFixed(1)} s`
    : millis < 2 * 3_600_000
    ? `${Math.round(millis / 60_000)} min`
    : `${(millis / 3_600_000).toFixed(1)} h`

const table = (
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

const stretch = ({ from, timeZone, to }: Period): string =>
  `From ${dateWords(from, to, timeZone)} ${clockWords(from, timeZone)} to ${
    dateWords(to, to, timeZone)
  } ${clockWords(to, timeZone)} (${timeZone}).`

const sum = (values: ReadonlyArray<number>) => values.reduce((total, one) => total + one, 0)

/** Per activity: runs, failures, attempts, time and cost; the longest first. */
const activityTable = (runs: ReadonlyArray<Run>, by: (run: Run) => string, head: string) => {
  const rows = [...Map.groupBy(runs, by)].map(([name, group]) => {
    const cost = Object.entries(costOf(group.map((run) => run.cost)))
      .map(([unit, n]) => `${n.toLocaleString("en-US")} ${unit}`).join(", ")
    const millis = sum(group.map((run) => run.millis))
    const failed = group.filter((run) => run.status === "failed").length
    const skipped = group.filter((run) => run.status === "skipped").length
    const attempts = sum(group.map((run) => run.attempts))
    return {
      millis,
      cells: [name, group.length, attempts, failed, skipped, took(millis), cost || "none"],
    }
  }).sort((a, b) => b.millis - a.millis)
  return table(
    [head, "runs", "attempts", "failed", "skipped", "time", "cost"],
    rows.map((one) => one.cells),
  )
}

const problems = (runs: ReadonlyArray<Run>) =>
  [...Map.groupBy(
    runs.filter((run) => run.status === "failed" && run.problem !== "Rejected"),
    (run) => `${run.activity}: ${run.problem || "failed"}`,
  )].map(([name, group]) => `- ${inert(name)}, ${counted(group.length, "time")}`)

const recordKinds: ReadonlyArray<readonly [counter: string, one: string, many: string]> = [
  ["mails", "mail", "mails"],
  ["messages", "message", "messages"],
  ["people", "list row", "list rows"],
  ["invoices", "invoice", "invoices"],
  ["payments", "payment", "payments"],
  ["meetings", "calendar entry", "calendar entries"],
  ["feedItems", "feed item", "feed items"],
  ["notes", "note", "notes"],
]

/** What the night's batch did. */
export const nightlyDocument = (period: Period, date: string): ReportDocument => {
  const { runs } = period
  const records = recordKinds.flatMap(([counter, one, many]) => {
    const n = period.counted(counter)
    return n === 0 ? [] : [counted(n, one, many)]
  })
  const taken = sum(recordKinds.map(([counter]) => period.counted(counter)))
  const of = (name: string) =>
    runs.filter((run) => run.activity === name && run.status === "done").length
  const drafted =
    runs.filter((run) => run.activity.startsWith("draft") && run.status === "done").length
  const failures = problems(runs)
  const failed = runs.filter((run) => run.status === "failed" && run.problem !== "Rejected").length
  const filed = period.done.get("filed") ?? 0
  const refused = period.counted("refused")
  const skipped = runs.filter((run) => run.status === "skipped").length
  const millis = sum(runs.map((run) => run.millis))
  const title = `Night of ${date}`
  return {
    title,
    text: [
      `# ${title}`,
      "",
      stretch(period),
      "",
      "## What came in",
      "",
      records.length === 0 ? "Nothing came in." : `${records.join(", ")}.`,
      "",
      "## What was done",
      "",
      `- ${counted(of("weighConversation"), "conversation")} weighed`,
      `- ${counted(drafted, "draft")} made`,
      `- ${counted(filed, "mail")} filed without anybody looking at them`,
      `- ${counted(refused, "fact")} that no agent could take; they are kept in the records`,
      `- ${counted(skipped, "piece")} of work left alone, because too old to act on`,
      `- ${took(millis)} of work in ${counted(runs.length, "run")}`,
      "",
      ...activityTable(runs, (run) => run.activity, "activity"),
      "## What failed",
      "",
      ...(failures.length === 0 ? ["Nothing failed."] : failures),
      ...period.breakers.map((one) =>
        `- ${inert(one.adapter)} stopped working: ${inert(one.reason)}`
      ),
    ].join("\n").trimEnd() + "\n",
    figures: {
      records: taken,
      weighed: of("weighConversation"),
      drafted,
      filed,
      refused,
      skipped,
      failed,
      runs: runs.length,
      millis,
    },
  }
}

const share = (part: number, whole: number): string =>
  whole === 0 ? "none" : `${part} of ${whole} (${Math.round(part / whole * 100)} %)`

const byFounder = (one: Judged) => one.by !== "policy" && one.by !== "time"

/** What was decided, overridden and late, and what it cost. `owed`: conversations that wait at its end. */
export const weeklyDocument = (
  period: Period,
  date: string,
  state: { readonly owed: number; readonly overdue: number; readonly waiting: number },
): ReportDocument => {
  const said = (decision: string) => period.words.filter((one) => one.decision === decision).length
  const decided = period.decided.filter((one) => byFounder(one) && one.state !== "superseded")
  const edited = period.asked.filter((one) => one.isEdit).length
  const overridden = said("rejected") + edited + said("regretted")
  const waits = decided.map((one) => (one.decidedAt ?? 0) - one.requestedAt)
  const late =
    decided.filter((one) => one.dueAt !== undefined && (one.decidedAt ?? 0) > one.dueAt).length
  const expired = period.decided.filter((one) => one.state === "expired").length
  const title = `Week until ${date}`
  return {
    title,
    text: [
      `# ${title}`,
      "",
      stretch(period),
      "",
      "## Decided",
      "",
      `- ${said("approved")} approved, ${said("rejected")} rejected, ${
        said("postponed")
      } put off, ` +
      `${said("withdrawn")} taken back before it was done`,
      `- half of them within ${took(quantile(waits, 0.5))}, nine of ten within ${
        took(quantile(waits, 0.9))
      }`,
      `- ${counted(state.waiting, "decision")} still open at the end`,
      "",
      "## Overridden",
      "",
      overridden === 0
        ? "Nothing was overridden: what was proposed was done as it was."
        : `${overridden} times you did otherwise: ${edited} drafts in your own words, ${
          said("rejected")
        } rejected, ${said("regretted")} taken back after they were done.`,
      "",
      "## Late",
      "",
      `- ${late} decided after they were due`,
      `- ${expired} never decided, and so not done`,
      `- ${counted(state.owed, "conversation")} waiting for your answer at the end`,
      `- ${counted(state.overdue, "invoice")} overdue at the end`,
      "",
      "## What it cost",
      "",
      ...activityTable(period.runs, (run) => run.activity, "activity"),
      ...activityTable(period.runs, (run) => run.agent, "agent"),
    ].join("\n").trimEnd() + "\n",
    figures: {
      approved: said("approved"),
      rejected: said("rejected"),
      postponed: said("postponed"),
      edited,
      regretted: said("regretted"),
      overridden,
      late,
      expired,
      owed: state.owed,
      overdue: state.overdue,
      waiting: state.waiting,
      decisionMillisMedian: quantile(waits, 0.5),
      runs: period.runs.length,
      attempts: sum(period.runs.map((run) => run.attempts)),
      failed: period.runs.filter((run) => run.status === "failed").length,
      millis: sum(period.runs.map((run) => run.millis)),
    },
  }
}

/** How often the gate was right, by rule, and what there is to keep or forget. */
export const monthlyDocument = (
  period: Period,
  date: string,
  state: { readonly events: number },
): ReportDocument => {
  const settled = period.decided.filter((one) => one.state !== "superseded" || one.edited)
  const unchanged = (one: Judged) => one.decision === "approved" && !one.edited && !one.regretted
  const groupRows = (of: (one: Judged) => string) =>
    [...Map.groupBy(settled, of)].map(([name, group]) => [
      name,
      group.length,
      group.filter((one) => byFounder(one) && unchanged(one) && !one.isEdit).length,
      group.filter((one) => one.edited).length,
      group.filter((one) => one.decision === "rejected").length,
      group.filter((one) => one.regretted).length,
      group.filter((one) => one.by === "policy").length,
      group.filter((one) => one.state === "expired").length,
    ]).sort((a, b) => Number(b[1]) - Number(a[1]))
  const head = ["asked", "unchanged", "edited", "rejected", "regretted", "by policy", "expired"]
  const held = settled.filter(byFounder)
  const falsePositives =
    held.filter((one) => unchanged(one) && !one.isEdit && one.grade === "low").length
  const misses = settled.filter((one) => one.regretted).length
  const caught = held.filter((one) => one.edited || one.decision === "rejected").length
  const made = [...Map.groupBy(period.runs.filter((run) => run.made !== ""), (run) => run.made)]
    .map(([name, group]) => [name, group.length])
  const records = sum(recordKinds.map(([counter]) => period.counted(counter)))
  const title = `Policy review until ${date}`
  return {
    title,
    text: [
      `# ${title}`,
      "",
      stretch(period),
      "",
      "## How often the gate was right",
      "",
      `- stopped what you would not have done as it was: ${share(caught, held.length)}`,
      `- asked for nothing (low risk, approved unchanged, not regretted): ${
        share(falsePositives, held.length)
      }`,
      `- let through what was taken back afterwards: ${share(misses, settled.length)}`,
      "",
      ...table(["rule", ...head], groupRows((one) => one.rule)),
      ...table(["grade", ...head], groupRows((one) => one.grade)),
      "## Rules and templates at work",
      "",
      ...(made.length === 0 ? ["None was used.", ""] : table(["made by", "runs"], made)),
      "## What is kept",
      "",
      `${state.events.toLocaleString("en-US")} events in the log, ${
        records.toLocaleString("en-US")
      } records taken in during the month. Nothing was summarised and nothing was removed: ` +
      "everything is kept.",
    ].join("\n").trimEnd() + "\n",
    figures: {
      decided: settled.length,
      caught,
      falsePositives,
      falseNegatives: misses,
      rules: new Set(settled.map((one) => one.rule)).size,
      events: state.events,
      records,
      summarised: 0,
    },
  }
}

/** How each adapter did. `versions`: of the charts that were in use, by agent. */
export const quarterlyDocument = (
  period: Period,
  date: string,
  versions: ReadonlyArray<readonly [agent: string, version: number]>,
): ReportDocument => {
  const through = period.runs.filter((run) => adapterOf.has(run.activity))
  const calls = Map.groupBy(through, (run) => adapterOf.get(run.activity)!)
  const opened = Map.groupBy(period.breakers, (one) => one.adapter)
  const names = [...new Set([...adapterOf.values(), ...opened.keys()])].toSorted()
  const rows = names.map((name) => {
    const group = calls.get(name) ?? []
    const times = group.filter((run) => run.status === "done").map((run) => run.millis)
    return [
      name,
      group.length,
      group.filter((run) => run.status === "failed" && run.problem !== "Rejected").length,
      sum(group.map((run) => Math.max(0, run.attempts - 1))),
      took(quantile(times, 0.5)),
      took(quantile(times, 0.95)),
      opened.get(name)?.length ?? 0,
    ]
  })
  const failed =
    through.filter((run) => run.status === "failed" && run.problem !== "Rejected").length
  const title = `Adapters until ${date}`
  return {
    title,
    text: [
      `# ${title}`,
      "",
      stretch(period),
      "",
      ...table(["adapter", "calls", "failed", "retries", "p50", "p95", "breaker opened"], rows),
      ...(through.length === 0 ? ["No adapter was used in the quarter.", ""] : []),
      ...(period.breakers.length === 0 ? [] : [
        "## When a breaker opened",
        "",
        ...period.breakers.map((one) =>
          `- ${dateWords(one.at, period.to, period.timeZone)} ${
            clockWords(one.at, period.timeZone)
          } ${inert(one.adapter)}: ${inert(one.reason)}`
        ),
        "",
      ]),
      "## What failed",
      "",
      ...(problems(through).length === 0 ? ["Nothing failed."] : problems(through)),
      "",
      "## Versions of charts",
      "",
      ...table(["agent", "version"], versions.map(([agent, version]) => [agent, version])),
    ].join("\n").trimEnd() + "\n",
    figures: {
      adapters: names.length,
      calls: through.length,
      failed,
      retries: sum(through.map((run) => Math.max(0, run.attempts - 1))),
      breakers: period.breakers.length,
      ...Object.fromEntries(
        names.map((name) => [`calls.${name}`, calls.get(name)?.length ?? 0]),
      ),
    },
  }
}
