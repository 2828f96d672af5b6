/** `why`, `why-not`, `history`, `people`: what is known, why it is so, and who said what. They only read. */
import { Clock, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { History, PersonRow, Why, WhyNot } from "../projections/aios.ts"
import type { ModelUse, TranscriptRow } from "../projections/aios-memory.ts"
import { momentText, stateText } from "../projections/aios-words.ts"
import { open, print } from "./access.ts"
import { count, cut, oneLine, Output, type Paint, plain, span, table, wrap } from "./output.ts"

/** People and entries listed to a person; --json has all. */
const peopleShown = 100
const entriesShown = 200
const detailCharsMax = 120

const sourceText = (source: { readonly file: string; readonly at: string } | undefined): string =>
  source === undefined ? "" : `${oneLine(source.file)}, ${source.at}`

/** What was asked of models, by the event whose run asked. */
type Told = ReadonlyMap<string, ReadonlyArray<TranscriptRow>>

const modelText = (one: ModelUse): string =>
  `${plain(one.model)} ${plain(one.template)}: ${
    one.cached
      ? "answered before"
      : `${one.tokensIn} tokens in, ${one.tokensOut} out, ${span(one.millis)}`
  }${one.outcome === "ok" ? "" : `, ${one.outcome}`}`

const transcriptText = (one: TranscriptRow, paint: Paint): string => {
  const parts = [
    ...(one.messages ?? []),
    ...(one.answer === undefined ? [] : [{ role: "answer", content: one.answer }]),
    ...(one.forgotten === true ? [{ role: "forgotten", content: "its person was forgotten" }] : []),
  ]
  return parts.map(({ content, role }) =>
    `\n    ${paint.bold(`${role} (${one.template})`)}\n${
      plain(content).split("\n").map((line) => `      ${line}`).join("\n")
    }`
  ).join("\n")
}

const whyText = (
  why: Why,
  told: Told,
  zone: string,
  columns: number,
  paint: Paint,
): string => {
  const steps = why.causes.map((cause, n) => {
    const source = sourceText(cause.source)
    return [
      `${String(n + 1).padStart(2)}  ${
        wrap(plain(cause.what).replace(/\s+/g, " "), columns, "    ")
      }`,
      `    ${
        paint.dim(
          `${momentText(cause.at, zone)} · ${cause.type} · ${cause.event.slice(0, 18)}${
            source === "" ? "" : ` · ${source}`
          }`,
        )
      }`,
      ...(cause.models ?? []).map((one) => `    ${paint.dim(modelText(one))}`),
      ...(told.get(cause.event) ?? []).map((one) => transcriptText(one, paint)),
    ].join("\n")
  })
  return `${paint.bold(plain(why.of))}\n\n${steps.join("\n")}\n`
}

const why = Command.make(
  "why",
  {
    id: Argument.String("id").pipe(
      Argument.withDescription("An event, an approval or an ask; ids may be cut to 6 characters"),
    ),
    transcript: Flag.Boolean("transcript").pipe(
      Flag.withDescription("Also what models were asked on the way, and answered, word for word"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ id, transcript }) {
    const output = yield* Output
    const aios = yield* open("read")
    const found = yield* aios.why(id)
    const { timeZone } = yield* aios.settings
    const asking = transcript ? found.causes.filter(({ models }) => models !== undefined) : []
    const told: Told = new Map(
      yield* Effect.forEach(
        asking,
        ({ event }) => Effect.map(aios.transcripts(event), (rows) => [event, rows] as const),
      ),
    )
    if (transcript && asking.length === 0) {
      yield* output.log("No model was asked on the way: rules and templates did it.")
    }
    yield* print(
      transcript ? { ...found, transcripts: Object.fromEntries(told) } : found,
      () => whyText(found, told, timeZone, output.columns, output.paint),
    )
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show why something is so: the chain of causes, newest first, down to the line of the file it " +
      "began with. Of an approval also who asked, what was quoted, and the rule that held it.",
  ),
  Command.withShortDescription("Show the chain of causes of anything, down to the imported line"),
  Command.withExamples([
    { command: "aios why 7f3a1c09" },
    { command: "aios why lead/6f1c…", description: "what an actor did last" },
  ]),
)

const whyNotText = (found: WhyNot, columns: number, paint: Paint): string =>
  `${paint.bold(`${found.agent}/${found.key}`)} is ${stateText(found.state)}\n\n` +
  found.obstacles.map((one) =>
    `  ${paint.accent(plain(one.by))}\n    ${wrap(plain(one.what), columns, "    ")}\n` +
    one.events.slice(-1).map((event) => `    ${paint.dim(`aios why ${event}`)}\n`).join("")
  ).join("") +
  (found.accepts.length === 0
    ? "\nNothing moves it any more.\n"
    : `\nIt takes ${wrap(found.accepts.join(", "), columns, "  ")}\n`)

const whyNot = Command.make(
  "why-not",
  {
    agent: Argument.String("agent").pipe(
      Argument.withDescription("AGENT/KEY, or a person's name or address"),
      Argument.atLeast(1),
    ),
  },
  Effect.fnUntraced(function* ({ agent }) {
    const output = yield* Output
    const found = yield* (yield* open("read")).whyNot(agent.join(" "))
    yield* print(found, () => whyNotText(found, output.columns, output.paint))
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show why an actor does not go on: which guard, rule, gate or floor said no, with the evidence. " +
      "A person's name or address stands for their lead and all that is done for them.",
  ),
  Command.withShortDescription("Show which guard, rule, gate or floor said no"),
  Command.withExamples([
    { command: "aios why-not ada@lumen.example" },
    { command: "aios why-not executor/6f1c…" },
  ]),
)

const historyText = (found: History, zone: string, columns: number, paint: Paint): string => {
  const name = found.address === "" || found.address === found.person
    ? found.person
    : `${found.person} <${found.address}>`
  const left = found.entries.length - entriesShown
  const shown = found.entries.slice(-entriesShown)
  return [
    `${paint.bold(oneLine(name))}  ${paint.dim(found.key.slice(0, 8))}`,
    "",
    ...(left > 0
      ? [`${count(left, "older entry", "older entries")} left out (--json has all)`]
      : []),
    ...shown.map((entry) => {
      const source = sourceText(entry.source)
      const detail = cut(oneLine(entry.detail), detailCharsMax)
      return [
        `${paint.dim(momentText(entry.at, zone))}  ${wrap(plain(entry.what), columns, "    ")}`,
        ...(detail === "" ? [] : [`    ${wrap(detail, columns, "    ")}`]),
        `    ${paint.dim(source === "" ? `event ${entry.event.slice(0, 18)}` : source)}`,
      ].join("\n")
    }),
    ...(shown.length === 0 ? ["Nothing is known but the name."] : []),
  ].join("\n") + "\n"
}

const history = Command.make(
  "history",
  {
    person: Argument.String("person").pipe(
      Argument.withDescription("A name, an address, a key, or the beginning of one"),
      Argument.atLeast(1),
    ),
  },
  Effect.fnUntraced(function* ({ person }) {
    const output = yield* Output
    const aios = yield* open("read")
    const found = yield* aios.history(person.join(" "))
    const { timeZone } = yield* aios.settings
    yield* print(found, () => historyText(found, timeZone, output.columns, output.paint))
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show everything known about a person, in order: mail in and out, messages, lists, invoices, " +
      "payments, meetings, drafts, decisions. Each line says where it comes from.",
  ),
  Command.withShortDescription("Show everything known about a person, in order"),
  Command.withExamples([
    { command: "aios history ada@lumen.example" },
    { command: "aios history Ada Weiss" },
  ]),
)

const peopleText = (
  rows: ReadonlyArray<PersonRow>,
  filter: string | undefined,
  now: number,
  output: Output["Service"],
): string => {
  if (rows.length === 0) {
    return filter === undefined
      ? "No people yet. aios import mailbox.mbox contacts.csv\n"
      : `Nobody has “${
        oneLine(filter)
      }” in their name, address or company. aios people shows all.\n`
  }
  const more = rows.length - peopleShown
  return table(
    [
      ["NAME", "ADDRESS", "COMPANY", "MAILS", "LAST", "KEY"],
      ...rows.slice(0, peopleShown).map((row) => [
        oneLine(row.name) || "–",
        oneLine(row.address) || (row.name === "" ? "(forgotten or never named)" : "–"),
        oneLine(row.company) || "–",
        String(row.mails),
        row.lastAt === undefined ? "–" : `${span(now - row.lastAt)} ago`,
        row.key.slice(0, 8),
      ]),
    ],
    output.columns,
    false,
  ) + (more > 0 ? `and ${more} more (--json shows all)\n` : "")
}

const people = Command.make(
  "people",
  {
    filter: Argument.String("filter").pipe(
      Argument.withDescription("Part of a name, an address or a company"),
      Argument.optional,
    ),
    limit: Flag.Int("limit").pipe(Flag.withDescription("At most so many"), Flag.optional),
  },
  Effect.fnUntraced(function* ({ filter, limit }) {
    const output = yield* Output
    const given = Option.getOrUndefined(filter)
    const all = yield* (yield* open("read")).people(given)
    const rows = Option.isSome(limit) ? all.slice(0, Math.max(0, limit.value)) : all
    const now = yield* Clock.currentTimeMillis
    yield* print(rows, () => peopleText(rows, given, now, output))
  }, Effect.scoped),
).pipe(
  Command.withDescription("Show the people in your records, last heard of first."),
  Command.withShortDescription("Show the people in your records"),
  Command.withExamples([{ command: "aios people" }, { command: "aios people lumen" }]),
)

export const whyCommands = [why, whyNot, history, people] as const
