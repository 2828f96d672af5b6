/**
 * The documents of the night, the week and the month. Each is a pure function of a period's
 * figures; what is not known is said to be so, and no figure is made up.
 */
import type { ReportDocument } from "../actors/reports.ts"
import { undecidedMillisMax } from "../machines/gatekeeper.ts"
import { inert } from "./reports-daily.ts"
import { hasFailed, type Judged, type Period, quantile, wasTried } from "./reports-period.ts"
import { activityTable, problems, stretch, sum, table, took } from "./reports-words.ts"
import { counted } from "./words.ts"

const undecidedDays = undecidedMillisMax / (24 * 60 * 60 * 1000)

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
  const failed = runs.filter(hasFailed).length
  const ran = runs.filter(wasTried).length
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
      `- ${took(millis)} of work in ${counted(ran, "run")}`,
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
      runs: ran,
      millis,
    },
  }
}

const share = (part: number, whole: number): string =>
  whole === 0 ? "none" : `${part} of ${whole} (${Math.round(part / whole * 100)} %)`

const byFounder = (one: Judged) => one.by !== "policy" && one.by !== "time"

/** How things stood at a period's end. What is late comes as a sentence each, the oldest first. */
export interface Standing {
  /** Conversations that wait for the founder, and decisions. */
  readonly owed: number
  readonly waiting: number
  readonly invoices: ReadonlyArray<string>
  /** Promises of the founder whose day passed without a word since. */
  readonly promises: ReadonlyArray<string>
  /** Answers that were wanted by a day that passed. */
  readonly replies: ReadonlyArray<string>
  readonly articles: ReadonlyArray<string>
}

const lateShown = 5

/** A count, and below it what it is made of. */
const listed = (head: string, lines: ReadonlyArray<string>): ReadonlyArray<string> => [
  `- ${head}`,
  ...lines.slice(0, lateShown).map((line) => `  - ${inert(line)}`),
  ...(lines.length > lateShown ? [`  - and ${lines.length - lateShown} more`] : []),
]

/** What was decided, overridden and late, and what it cost. */
export const weeklyDocument = (
  period: Period,
  date: string,
  state: Standing,
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
      ...(waits.length === 0 ? [] : [
        `- half of them within ${took(quantile(waits, 0.5))}, nine of ten within ${
          took(quantile(waits, 0.9))
        }`,
      ]),
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
      `- ${expired} expired: not decided within ${undecidedDays} days, and so not done`,
      ...listed(
        `${counted(state.promises.length, "promise")} of yours not kept by the day you named`,
        state.promises,
      ),
      `- ${counted(state.owed, "conversation")} waiting for your answer at the end`,
      ...listed(`${state.replies.length} of your answers overdue at the end`, state.replies),
      ...listed(
        `${counted(state.articles.length, "article")} not out by its day`,
        state.articles,
      ),
      ...listed(`${counted(state.invoices.length, "invoice")} overdue at the end`, state.invoices),
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
      overdue: state.invoices.length,
      promisesBroken: state.promises.length,
      repliesOverdue: state.replies.length,
      articlesLate: state.articles.length,
      waiting: state.waiting,
      decisionMillisMedian: quantile(waits, 0.5),
      runs: period.runs.filter(wasTried).length,
      attempts: sum(period.runs.map((run) => run.attempts)),
      failed: period.runs.filter(hasFailed).length,
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
  const head = ["settled", "unchanged", "edited", "rejected", "regretted", "by policy", "expired"]
  const held = settled.filter(byFounder)
  const falsePositives =
    held.filter((one) => unchanged(one) && !one.isEdit && one.grade === "low").length
  const allowed = settled.filter((one) => one.decision === "approved")
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
      `- let through what was taken back afterwards: ${share(misses, allowed.length)}`,
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
