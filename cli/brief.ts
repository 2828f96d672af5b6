/**
 * `aios brief`: the day on one screen. Ordered by what it costs not to act: decisions first, then who is
 * warm, then what was done and what was held; what was left out is counted.
 */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { type Approval, type Brief, type BriefLead, OperationFailed } from "../projections/aios.ts"
import { headline, shortIds, subjectOf } from "./approvals.ts"
import { open, print } from "./access.ts"
import { finish } from "./finish.ts"
import { count, cut, oneLine, Output, type Paint, plain, wrap } from "./output.ts"

/** One screen: items beyond these are counted. */
const decisionsShown = 7
const leadsShown = 7
const linesShown = 4
/** An honest guess of what reading and deciding takes. */
const minutesPerDecision = 1.5

const weekday = (date: string): string => {
  const day = new Date(`${date}T12:00:00Z`)
  return Number.isNaN(day.getTime()) ? date : new Intl.DateTimeFormat("en-GB", {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone: "UTC",
  }).format(day).replace(",", "")
}

const why = (
  reasons: ReadonlyArray<string>,
  events: ReadonlyArray<string>,
  columns: number,
): ReadonlyArray<string> =>
  reasons.length === 0 && events.length === 0 ? [] : [
    `    why: ${
      wrap(
        [...reasons.map(oneLine), ...(events.length > 0 ? [count(events.length, "event")] : [])]
          .join(" · "),
        columns,
        "         ",
      )
    }`,
  ]

/** The lead that an approval is about: its outreach carries the person's key in its name. */
const leadOf = (approval: Approval, leads: ReadonlyArray<BriefLead>): BriefLead | undefined =>
  leads.find((one) => approval.agent.includes(one.key))

/** Who and what, what is ready, and beside it the command that decides about it. */
const decision = (
  approval: Approval,
  about: BriefLead | undefined,
  id: string,
  n: number,
  columns: number,
  paint: Paint,
): string => {
  const action = `aios approve ${id}`
  const what = about === undefined
    ? headline(approval)
    : `${oneLine(about.person)} is ${about.state} (score ${about.score}).`
  const room = columns - 4 - action.length - 2
  const ready = cut(about === undefined ? "ready" : `ready: ${subjectOf(approval)}`, room)
  const gap = columns - 4 - [...ready].length - action.length
  return [
    `${String(n).padStart(2)}  ${paint.bold(wrap(what, columns, "    "))}`,
    `    ${paint.dim(ready)}${" ".repeat(Math.max(2, gap))}${paint.accent(action)}`,
    ...why(about?.reasons ?? approval.reasons, about?.events ?? approval.events, columns),
  ].join("\n")
}

const lead = (one: BriefLead, n: number, columns: number): string =>
  [
    `${String(n).padStart(2)}  ${
      wrap(`${oneLine(one.person)} is ${one.state} (score ${one.score}).`, columns, "    ")
    }`,
    ...why(one.reasons, one.events, columns),
  ].join("\n")

const labelled = (
  label: string,
  lines: ReadonlyArray<string>,
  columns: number,
  paint: Paint,
): ReadonlyArray<string> =>
  lines.map((line, i) =>
    `${i === 0 ? paint.bold(label.padEnd(8)) : " ".repeat(8)} ${
      wrap(plain(line), columns, " ".repeat(9))
    }`
  )

const shorter = (lines: ReadonlyArray<string>, where: string): ReadonlyArray<string> =>
  lines.length <= linesShown
    ? lines
    : [...lines.slice(0, linesShown), `and ${lines.length - linesShown} more (${where})`]

export const briefText = (brief: Brief, columns: number, paint: Paint): string => {
  const since = brief.news.since > 0 ? "since yesterday: " : ""
  const minutes = Math.max(1, Math.round(brief.approvals.length * minutesPerDecision))
  const head = [
    weekday(brief.date),
    `${since}${count(brief.news.mails, "mail")}, ${
      brief.news.people === 1 ? "1 person" : `${brief.news.people} people`
    }`,
    brief.approvals.length === 0
      ? "no decisions"
      : `${count(brief.approvals.length, "decision")}, about ${count(minutes, "minute")}`,
  ].join(" · ")

  const short = shortIds(brief.approvals.map((one) => one.id))
  // The warmest first: that is where waiting costs most.
  const open = brief.approvals.map((one) => ({ one, about: leadOf(one, brief.leads) }))
    .sort((a, b) => (b.about?.score ?? 0) - (a.about?.score ?? 0))
  const now = open.slice(0, decisionsShown).map(({ about, one }, i) =>
    decision(one, about, short.get(one.id)!, i + 1, columns, paint)
  )
  const more = open.length - decisionsShown
  const others = brief.leads.filter((one) => !open.some(({ about }) => about === one))
  const leads = others.slice(0, leadsShown).map((one, i) => lead(one, now.length + i + 1, columns))
  const moreLeads = others.length - leadsShown
  const empty = brief.news.mails + brief.news.people + brief.leads.length +
      brief.approvals.length + brief.done.length + brief.held.length === 0

  return [
    wrap(head, columns, "  "),
    "",
    ...(now.length > 0 ? [paint.bold("NOW"), ...now] : []),
    ...(more > 0 ? [`    and ${count(more, "more decision")}: aios approvals`] : []),
    ...(leads.length > 0 ? [paint.bold("WARM"), ...leads] : []),
    ...(moreLeads > 0 ? [`    and ${moreLeads} more: aios agents lead`] : []),
    ...labelled(
      "DONE",
      shorter(brief.done.map((one) => one.what), "aios brief --json"),
      columns,
      paint,
    ),
    ...labelled(
      "HELD",
      shorter(brief.held.map((one) => one.what), "aios brief --json"),
      columns,
      paint,
    ),
    ...(empty ? ["Nothing is known yet. aios import mailbox.mbox contacts.csv"] : []),
    ...(!empty && brief.approvals.length + brief.leads.length === 0
      ? ["A quiet day: nothing waits for you, and nobody is warm."]
      : []),
    ...labelled("UNKNOWN", brief.unknown, columns, paint),
  ].join("\n") + "\n"
}

const isDate = (text: string): boolean => {
  const at = new Date(`${text}T00:00:00Z`)
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(at.getTime()) &&
    at.toISOString().startsWith(text)
}

const command = Command.make(
  "brief",
  {
    date: Flag.String("date").pipe(
      Flag.withMetavar("<yyyy-mm-dd>"),
      Flag.withDescription("The brief of that day, as far as it is known; only reads"),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ date }) {
    const output = yield* Output
    if (Option.isSome(date) && !isDate(date.value)) {
      return yield* new OperationFailed({
        kind: "usage",
        error: "InvalidValue",
        message: `--date: ${date.value} is no date. Give it as 2026-11-24.`,
      })
    }
    const aios = yield* open(Option.isSome(date) ? "read" : "work")
    const brief = yield* aios.brief(Option.getOrUndefined(date))
    yield* print(brief, () => briefText(brief, output.columns, output.paint))
    if (Option.isNone(date)) yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "The day on one screen: what waits for you, who is warm and why, what was done without you.\n\n" +
      "First does what is due (timers, today's slot). With --date it only reads.",
  ),
  Command.withShortDescription("The day on one screen"),
  Command.withExamples([{ command: "aios brief" }, { command: "aios brief --date 2026-11-20" }]),
)

export const briefCommands = [command] as const
