/** The document of the quarter: how each adapter did. A pure function of a period's figures. */
import type { ReportDocument } from "../actors/reports.ts"
import { inert } from "./reports-daily.ts"
import { hasFailed, type Period, quantile, wasTried } from "./reports-period.ts"
import { problems, stretch, sum, table, took } from "./reports-words.ts"
import { adapterOf } from "./runs.ts"
import { clockWords, dateWords } from "./words.ts"

/**
 * How each adapter did. `charts`: versions of the charts, by agent. `adapters`: versions of those in use
 * while this is written; the log does not tell which one a call went through.
 */
export const quarterlyDocument = (
  period: Period,
  date: string,
  charts: ReadonlyArray<readonly [agent: string, version: number]>,
  adapters: ReadonlyMap<string, number>,
): ReportDocument => {
  const through = period.runs.filter((run) => adapterOf.has(run.activity))
  const tried = through.filter(wasTried)
  const calls = Map.groupBy(tried, (run) => adapterOf.get(run.activity)!)
  const opened = Map.groupBy(period.breakers, (one) => one.adapter)
  const names = [...new Set([...adapterOf.values(), ...opened.keys()])].toSorted()
  const rows = names.map((name) => {
    const group = calls.get(name) ?? []
    const times = group.filter((run) => run.status === "done").map((run) => run.millis)
    const version = adapters.get(name)
    return [
      name,
      version === undefined ? "not recorded" : `${version}`,
      group.length,
      group.filter(hasFailed).length,
      sum(group.map((run) => Math.max(0, run.attempts - 1))),
      times.length === 0 ? "none" : took(quantile(times, 0.5)),
      times.length === 0 ? "none" : took(quantile(times, 0.95)),
      opened.get(name)?.length ?? 0,
    ]
  })
  const title = `Adapters until ${date}`
  return {
    title,
    text: [
      `# ${title}`,
      "",
      stretch(period),
      "",
      ...table(
        ["adapter", "version now", "calls", "failed", "retries", "p50", "p95", "breaker opened"],
        rows,
      ),
      "A call is one that was tried; what was rejected, expired or still waits for your word is none. " +
      "Calls do not record which version they went through.",
      "",
      ...(tried.length === 0 ? ["No adapter was called in the quarter.", ""] : []),
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
      "## Versions of charts now",
      "",
      ...table(["agent", "version"], charts.map(([agent, version]) => [agent, version])),
    ].join("\n").trimEnd() + "\n",
    figures: {
      adapters: names.length,
      calls: tried.length,
      failed: through.filter(hasFailed).length,
      retries: sum(tried.map((run) => Math.max(0, run.attempts - 1))),
      breakers: period.breakers.length,
      ...Object.fromEntries(
        names.map((name) => [`calls.${name}`, calls.get(name)?.length ?? 0]),
      ),
    },
  }
}
