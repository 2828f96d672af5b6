/**
 * `aios brief`: the day on one screen. What wants the founder comes first, ordered by what it costs not
 * to act; then money, what was done without them, what was held, and what is not known. What does not fit on the
 * screen is counted, with the command that shows it.
 */
import { Clock, DateTime, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { type Brief, type BriefItem, OperationFailed } from "../projections/aios.ts"
import {
  clockWords,
  dateWords,
  dueWords,
  moneyWords,
  pastDayWords,
  sumWords,
  waitWords,
} from "../projections/words.ts"
import { open, print } from "./access.ts"
import { finishDay } from "./finish.ts"
import { count, cut, cutAtWord, oneLine, Output, type Paint, wrap } from "./output.ts"

/** One screen. Items that do not fit are counted; at least these few are shown, however small it is. */
const linesMax = 40
const nowShownMin = 3
/** So many are told in full, even where that hides the last ones; of the others a line says who wants what. */
const fullMin = 2
const weekShownMin = 2
/** A line that has no more room than this for what happened would say nothing. */
const whatCharsMin = 12
/** Of a section below the items so many lines; the rest is counted. */
const linesShown = 3
/** Reading an item and deciding about it takes so long. */
const minutesPerDecision = 1.5
const label = 9

const weekday = (date: string): string => {
  const day = new Date(`${date}T12:00:00Z`)
  return Number.isNaN(day.getTime()) ? date : new Intl.DateTimeFormat("en-GB", {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone: "UTC",
  }).format(day).replace(",", "")
}

interface Page {
  readonly brief: Brief
  /** Epoch ms: what `today` and `due` are told against. */
  readonly at: number
  readonly columns: number
  readonly paint: Paint
}

const left = "    "

/**
 * Words, wrapped, and the command to the right of their last line, or in a line of its own: a command is
 * never broken. Lines come without their margin.
 */
const beside = (
  words: string,
  action: string,
  width: number,
  paint: Paint,
): ReadonlyArray<string> => {
  const lines = wrap(words, width, "").split("\n")
  const last = lines.at(-1) ?? ""
  const room = width - [...last].length - action.length
  return room < 2
    ? [...lines, paint.accent(cut(action, width))]
    : [...lines.slice(0, -1), `${last}${" ".repeat(room)}${paint.accent(action)}`]
}

/** What is prepared, since when it waits, and the command. */
const state = (item: BriefItem, { at, brief, columns, paint }: Page): ReadonlyArray<string> => {
  const due = item.dueAt === undefined || item.kind === "content"
    ? ""
    : dueWords(item.dueAt, at, brief.timeZone)
  // News has no age; what was there in an earlier brief has.
  const waits = item.since < brief.news.since ? waitWords(item.since, at, brief.timeZone) : ""
  const words = [
    due,
    oneLine(item.prepared),
    waits === "" ? "" : `waits\u00a0${waits.replace(" ", "\u00a0")}`,
  ]
    .filter((one) => one !== "").join(" · ")
  const late = item.dueAt !== undefined && item.dueAt < at && due !== ""
  const width = columns - left.length
  // What only shows stands beside what decides, where there is room.
  const looks = item.more.filter((one) => one.prepared === "").map((one) => oneLine(one.action))
  const all = [...looks, oneLine(item.action)].join("   ")
  const actions = [...words].length + all.length + 2 <= width ? all : oneLine(item.action)
  return [
    ...beside(words, actions, width, paint)
      .map((line, n) => late && n === 0 ? line.replace(due, paint.wrong(due)) : line),
    ...item.more.filter((one) => one.prepared !== "").flatMap((one) =>
      beside(oneLine(one.prepared), oneLine(one.action), width, paint)
    ),
  ].map((line) => `${left}${line.replaceAll("\u00a0", " ")}`)
}

const itemLines = (item: BriefItem, n: number, page: Page): ReadonlyArray<string> => {
  const { columns, paint } = page
  const why = item.why.length === 0 ? [] : [
    `${left}${
      paint.dim(wrap(`why: ${item.why.map(oneLine).join(" · ")}`, columns, `${left}     `))
    }`,
  ]
  return [
    `${String(n).padStart(2)}  ${paint.bold(wrap(oneLine(item.what), columns, left))}`,
    ...state(item, page),
    ...why,
  ].flatMap((line) => line.split("\n"))
}

interface Line {
  readonly words: string
  readonly action?: string
}

/** An item that has only one line left: what happened, cut, and the command. */
const compact = (item: BriefItem, n: number, { at, brief, columns, paint }: Page): string => {
  const action = oneLine(item.action)
  const room = columns - left.length - 2
  const shown = cut(action, room - whatCharsMin)
  const waits = item.since < brief.news.since && item.dueAt === undefined
    ? waitWords(item.since, at, brief.timeZone)
    : ""
  const short = oneLine(item.short)
  const aged = waits === "" ? short : `${short} · waits ${waits}`
  const width = room - [...shown].length
  const what = [...aged].length <= width ? aged : cutAtWord(short, width)
  const gap = columns - left.length - [...what].length - [...shown].length
  return `${String(n).padStart(2)}  ${what}${" ".repeat(gap)}${paint.accent(shown)}`
}

/** A section below the items: its name in the margin, one line each. */
const section = (
  name: string,
  lines: ReadonlyArray<Line>,
  { columns, paint }: Page,
): ReadonlyArray<string> =>
  lines.flatMap(({ action, words }) => {
    const width = columns - label
    return action === undefined
      ? wrap(oneLine(words), width, "").split("\n")
      : beside(oneLine(words), oneLine(action), width, paint)
  }).map((line, n) => `${n === 0 ? paint.bold(name.padEnd(label)) : " ".repeat(label)}${line}`)

const shorter = (lines: ReadonlyArray<Line>, all: boolean): ReadonlyArray<Line> =>
  all || lines.length <= linesShown ? lines : [
    ...lines.slice(0, linesShown - 1),
    { words: `and ${lines.length - linesShown + 1} more`, action: "aios brief --all" },
  ]

const headline = ({ at, brief, columns }: Page): string => {
  const { leads, mails, messages, payments, since, takenIn } = brief.news
  const came = [
    ...(mails > 0 ? [count(mails, "mail")] : []),
    ...(messages > 0 ? [count(messages, "message")] : []),
    ...(leads > 0 ? [count(leads, "new lead")] : []),
    ...(payments > 0 ? [count(payments, "payment")] : []),
  ].join(", ") || "nothing new"
  // What came since is told already; an import that goes further back is told on its day.
  const { oldest, records } = takenIn
  const imported = records === 0 || (oldest !== undefined && oldest >= since) ? [] : [
    `taken in today: ${count(records, "record")}${
      oldest === undefined ? "" : ` back to ${dateWords(oldest, at, brief.timeZone)}`
    }`,
  ]
  const when = since <= 0
    ? ""
    : `since ${pastDayWords(since, at, brief.timeZone)} ${clockWords(since, brief.timeZone)}: `
  const minutes = Math.max(1, Math.round(brief.approvals.length * minutesPerDecision))
  return wrap(
    [
      weekday(brief.date),
      `${when}${came}`,
      brief.approvals.length === 0
        ? "no decisions"
        : `${count(brief.approvals.length, "decision")}, about ${count(minutes, "minute")}`,
      ...imported,
    ].join(" · "),
    columns,
    "  ",
  )
}

const moneyLine = ({ brief }: Page): ReadonlyArray<Line> => {
  const { accepted, expected, oldest, overdue, overdueCount, received } = brief.money
  const parts = [
    ...(overdueCount === 0 ? [] : [
      `${overdueCount} overdue, ${sumWords(overdue)}` +
      (oldest === undefined
        ? ""
        : ` (oldest ${count(oldest.days, "day")}: ${oneLine(oldest.person)})`),
    ]),
    ...(expected.length === 0 ? [] : [`expected this week ${sumWords(expected)}`]),
    ...(accepted.length === 0 ? [] : [`to be invoiced ${sumWords(accepted)}`]),
    ...(received.length === 0 ? [] : [`came in ${received.map(moneyWords).join(" + ")}`]),
  ]
  return parts.length === 0 ? [] : [{ words: parts.join(" · ") }]
}

const todayLine = ({ brief }: Page): ReadonlyArray<Line> =>
  brief.meetings.length === 0 ? [] : [{
    words: brief.meetings.map((one) => {
      const who = one.with === "" || one.title.includes(one.with) ? "" : ` with ${one.with}`
      const when = one.allDay ? "all day" : clockWords(one.startsAt, brief.timeZone)
      return `${when} ${one.title || "meeting"}${who}`
    }).join(" · "),
  }]

const doneLine = ({ brief }: Page): ReadonlyArray<Line> => {
  if (brief.done.length === 0) return []
  const total = brief.done.reduce((sum, one) => sum + one.count, 0)
  const words = brief.done.map((one) => one.what).join(", ")
  return [{
    words: `${total.toLocaleString("en-US")} without you: ${words}`,
    action: "aios brief --done",
  }]
}

const isEmpty = ({ approvals, news, now, week }: Brief) =>
  !news.known && approvals.length + now.length + week.length === 0

const below = (page: Page, all: boolean): ReadonlyArray<string> => {
  const { checklist, decided, held, unknown } = page.brief
  const decisions = decided.map((one) => ({
    words: `${one.decision}: ${one.what} · ${one.outcome}`,
  }))
  return [
    ...section("TODAY", todayLine(page), page),
    ...section("MONEY", moneyLine(page), page),
    ...section("DECIDED", shorter(decisions, all), page),
    ...section("DONE", doneLine(page), page),
    ...section(
      "HELD",
      shorter(held.map(({ action, what }) => ({ words: what, action })), all),
      page,
    ),
    ...section("UNKNOWN", unknown.length === 0 ? [] : [{ words: unknown.join(" · ") }], page),
    ...section("FIX", checklist.map(({ fix, what }) => ({ words: what, action: fix })), page),
  ]
}

/** `at`: the instant the brief is told at. With `all`, nothing is left out to fit on a screen. */
export const briefText = (
  brief: Brief,
  columns: number,
  paint: Paint,
  at: number,
  all = false,
): string => {
  const page: Page = { brief, at, columns, paint }
  const rest = below(page, all)
  const head = headline(page).split("\n")
  const items = [...brief.now, ...brief.week]
  // Headings and counts take five lines at most; what is left over is for items.
  const room = all ? Infinity : Math.max(nowShownMin, linesMax - head.length - rest.length - 5)
  const full = items.map((item, n) => itemLines(item, n + 1, page))
  const linesOf = (count: number) =>
    full.slice(0, count).reduce((sum, lines) => sum + lines.length, 0)
  // In a narrow window even the first few may be too long.
  let fullShown = fullMin
  while (fullShown > 1 && linesOf(fullShown) + nowShownMin - fullShown + weekShownMin > room) {
    fullShown--
  }
  const first = linesOf(fullShown)
  const shown = Math.min(items.length, Math.max(nowShownMin, fullShown + room - first))
  // However much is for today, the week is not lost from sight.
  const weekShown = Math.min(
    brief.week.length,
    Math.max(shown - brief.now.length, Math.min(weekShownMin, shown - fullShown)),
  )
  const nowShown = Math.min(brief.now.length, shown - weekShown)
  let spare = room - first - Math.max(0, nowShown + weekShown - fullShown)
  let whole = true
  /** The first ones are told in full, the others in a line each. */
  const tell = (n: number): ReadonlyArray<string> => {
    const lines = full[n]!
    if (n < fullShown) return lines
    whole = whole && lines.length - 1 <= spare
    if (!whole) return [compact(items[n]!, n + 1, page)]
    spare -= lines.length - 1
    return lines
  }
  const nowLines = brief.now.slice(0, nowShown).flatMap((_, n) => tell(n))
  const weekLines = brief.week.slice(0, weekShown).flatMap((_, n) => tell(brief.now.length + n))
  const hidden = (count: number) => count === 0 ? [] : [`    and ${count} more: aios brief --all`]
  return [
    ...head,
    "",
    ...(brief.now.length === 0 ? [] : [
      paint.bold("NOW"),
      ...nowLines,
      ...hidden(brief.now.length - nowShown),
    ]),
    ...(brief.week.length === 0 ? [] : [
      paint.bold("THIS WEEK"),
      ...weekLines,
      ...hidden(brief.week.length - weekShown),
    ]),
    ...(isEmpty(brief)
      ? ["Nothing is known yet. aios import mailbox.mbox contacts.csv"]
      : brief.now.length + brief.week.length === 0
      ? ["A quiet day: nothing waits for you."]
      : []),
    ...rest,
  ].join("\n") + "\n"
}

const doneText = ({ decided, done }: Brief, columns: number, paint: Paint): string =>
  done.length + decided.length === 0 ? "Nothing was done without you since the last brief.\n" : [
    ...done.flatMap((group) => [
      paint.bold(group.what),
      ...group.each.map((one) => `  ${wrap(oneLine(one), columns, "  ")}`),
      ...(group.each.length > 0 && group.count > group.each.length
        ? [`  and ${group.count - group.each.length} more`]
        : []),
    ]),
    ...(decided.length === 0 ? [] : [
      paint.bold("by your word"),
      ...decided.map((one) =>
        `  ${
          wrap(`${one.decision}: ${oneLine(one.what)} · ${oneLine(one.outcome)}`, columns, "  ")
        }`
      ),
    ]),
  ].join("\n") + "\n"

/** Now, or the end of a day that is past. */
export const toldAt = (brief: Brief, now: number): number => {
  const next = DateTime.makeZonedUnsafe(`${brief.date}T00:00:00`, {
    timeZone: brief.timeZone,
    adjustForTimeZone: true,
  }).pipe(DateTime.add({ days: 1 }))
  return Math.min(now, DateTime.toEpochMillis(next) - 1)
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
    done: Flag.Boolean("done").pipe(
      Flag.withDescription("All that was done since the last brief, one by one"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
    all: Flag.Boolean("all").pipe(
      Flag.withDescription("Everything, also what does not fit on one screen"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ all, date, done }) {
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
    const at = toldAt(brief, yield* Clock.currentTimeMillis)
    yield* print(
      brief,
      () =>
        done
          ? doneText(brief, output.columns, output.paint)
          : briefText(brief, output.columns, output.paint, at, all),
    )
    if (Option.isNone(date)) yield* finishDay(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "The day on one screen: what waits for you and why, money, what was done without you.\n\n" +
      "First does what is due (timers, today's slot). With --date it only reads.",
  ),
  Command.withShortDescription("The day on one screen"),
  Command.withExamples([{ command: "aios brief" }, { command: "aios brief --done" }, {
    command: "aios brief --date 2026-11-20",
  }]),
)

export const briefCommands = [command] as const
