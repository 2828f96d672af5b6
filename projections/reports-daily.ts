/** The brief of the day as a Markdown document: what the screen shows, whole and to be kept. */
import type { ReportDocument } from "../actors/reports.ts"
import type { Brief, BriefItem } from "./aios.ts"
import {
  clockWords,
  counted,
  dateWords,
  dueWords,
  moneyWords,
  sumWords,
  waitWords,
} from "./words.ts"

/** Mark-up of strangers stays text: names and quotes may hold any character. */
export const inert = (text: string): string =>
  text.replace(/\s+/g, " ").trim().replace(/([\\`*_[\]<>#|])/g, "\\$1")

const itemLines = (item: BriefItem, n: number, brief: Brief, at: number): ReadonlyArray<string> => {
  const facts = [
    item.dueAt === undefined || item.kind === "content"
      ? ""
      : dueWords(item.dueAt, at, brief.timeZone),
    item.prepared,
    item.since < brief.news.since ? `waits ${waitWords(item.since, at, brief.timeZone)}` : "",
  ].filter((one) => one !== "").join(" · ")
  return [
    `${n}. **${inert(item.what)}**  `,
    ...(facts === "" ? [] : [`   ${inert(facts)}  `]),
    ...(item.why.length === 0 ? [] : [`   why: ${inert(item.why.join(" · "))}  `]),
    `   \`${item.action.replaceAll("`", "'")}\`${item.more.length === 0 ? "" : "  "}`,
    ...item.more.map((one, place) =>
      `   ${inert(one.prepared)}: \`${one.action.replaceAll("`", "'")}\`${
        place === item.more.length - 1 ? "" : "  "
      }`
    ),
  ]
}

const list = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [`## ${title}`, "", ...lines.map((line) => `- ${inert(line)}`), ""]

/** `at`: the instant it is told at. */
export const dailyDocument = (brief: Brief, at: number): ReportDocument => {
  const { money, news, timeZone } = brief
  const { takenIn } = news
  const items = (title: string, all: ReadonlyArray<BriefItem>, from: number) =>
    all.length === 0 ? [] : [
      `## ${title}`,
      "",
      ...all.flatMap((item, n) => itemLines(item, from + n, brief, at)),
      "",
    ]
  const moneyLines = [
    ...(money.overdueCount === 0 ? [] : [
      `${money.overdueCount} overdue, ${sumWords(money.overdue)}` +
      (money.oldest === undefined
        ? ""
        : ` (oldest ${counted(money.oldest.days, "day")}: ${money.oldest.person})`),
    ]),
    ...(money.expected.length === 0 ? [] : [`expected this week ${sumWords(money.expected)}`]),
    ...(money.accepted.length === 0 ? [] : [`to be invoiced ${sumWords(money.accepted)}`]),
    ...(money.received.length === 0 ? [] : [`came in ${sumWords(money.received)}`]),
    ...brief.invoices.map((one) =>
      `invoice ${one.number}, ${one.person}: ${moneyWords(one.open)} open, ` +
      dueWords(one.dueAt, at, timeZone)
    ),
  ]
  const nothing = brief.now.length + brief.week.length === 0
  return {
    title: `Brief of ${brief.date}`,
    text: [
      `# Brief of ${brief.date}`,
      "",
      `Since ${dateWords(news.since, at, timeZone)} ${clockWords(news.since, timeZone)}: ${
        counted(news.mails, "mail")
      }, ${counted(news.leads, "new lead")}, ${counted(news.payments, "payment")}. ` +
      (takenIn.oldest === undefined || takenIn.oldest >= news.since
        ? ""
        : `Taken in today: ${counted(takenIn.records, "record")} back to ${
          dateWords(takenIn.oldest, at, timeZone)
        }. `) +
      (brief.approvals.length === 0
        ? "No decisions wait."
        : `${counted(brief.approvals.length, "decision")} wait.`),
      "",
      ...(nothing ? ["A quiet day: nothing waits for you.", ""] : []),
      ...items("Now", brief.now, 1),
      ...items("This week", brief.week, brief.now.length + 1),
      ...list(
        "Today",
        brief.meetings.map((one) =>
          `${one.allDay ? "all day" : clockWords(one.startsAt, timeZone)} ${one.title}` +
          (one.with === "" ? "" : ` with ${one.with}`)
        ),
      ),
      ...list("Money", moneyLines),
      ...list(
        "Decided",
        brief.decided.map((one) => `${one.decision}: ${one.what} · ${one.outcome}`),
      ),
      ...list("Done without you", brief.done.map((one) => one.what)),
      ...list("Held", brief.held.map((one) => one.what)),
      ...list("Not known", brief.unknown),
      ...list("To mend", brief.checklist.map((one) => `${one.what}: ${one.fix}`)),
    ].join("\n").trimEnd() + "\n",
    figures: {
      now: brief.now.length,
      week: brief.week.length,
      decisions: brief.approvals.length,
      mails: news.mails,
      leads: news.leads,
      payments: news.payments,
      overdue: money.overdueCount,
      decided: brief.decided.length,
      done: brief.done.reduce((sum, one) => sum + one.count, 0),
      held: brief.held.length,
    },
  }
}
