/**
 * `aios memory`: how memory stands, its policy (shown, simulated, changed), the night's summaries now, and
 * the founder's word on a summary or on items that should stay at hand.
 */
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { memoryStream } from "../machines/memory.ts"
import { type Aios, OperationFailed } from "../projections/aios.ts"
import type { MemoryState, SummaryRow } from "../projections/aios-memory.ts"
import { stateText } from "../projections/aios-words.ts"
import { objectOf } from "../projections/fields.ts"
import { open, print, watch } from "./access.ts"
import { finish } from "./finish.ts"
import { policy } from "./memory-policy.ts"
import { count, cutAtWord, oneLine, Output, type Paint, table, wrap } from "./output.ts"

/** Summaries shown to a person; --json has all. */
const summariesShown = 50
const idShown = 8
const textCharsMax = 400
const prefixCharsMin = 6

const wrong = (message: string) =>
  new OperationFailed({ kind: "usage", error: "InvalidValue", message })

const number = (n: number) => n.toLocaleString("en-US")

/** Shows the steps of long work on stderr while it is done. */
export const shown = <A, E, R>(
  what: string,
  work: (progress: ReturnType<typeof watch>) => Effect.Effect<A, E, R>,
) =>
  Effect.flatMap(Output, (output) =>
    Effect.suspend(() => {
      const line = output.progress(what, "events")
      return Effect.ensuring(work(watch(line)), Effect.sync(line.end))
    }))

const stateShown = (state: MemoryState, columns: number): string => {
  const { cold, hot, warm } = state.tiers
  const { accepted, refused, withdrawn } = state.summaries
  const kinds = Object.entries(state.kinds).filter(([, n]) => n > 0)
  return table(
    [
      [
        "hot",
        `${count(hot.items, "item")} of at most ${number(state.policy.hot.itemsMax)}` +
        (hot.vectors > 0 ? `, ${count(hot.vectors, "vector")}` : "") +
        (hot.waiting > 0 ? `, ${number(hot.waiting)} wait to be indexed` : ""),
      ],
      ["warm", count(warm.items, "summary", "summaries")],
      [
        "cold",
        `${count(cold.items, "item")}` +
        (cold.archived > 0 ? `, and ${number(cold.archived)} in segments` : ""),
      ],
      ["kinds", kinds.map(([kind, n]) => `${kind} ${number(n)}`).join(" · ") || "nothing yet"],
      ["summaries", `${accepted} accepted · ${refused} refused · ${withdrawn} withdrawn`],
      ["policy", `version ${state.policy.version} (aios memory policy shows it)`],
      ["state", stateText(state.state)],
      ["last night", oneLine(state.lastNight)],
    ],
    columns,
    false,
  ) + state.waits.map((one) => `${wrap(`→ ${oneLine(one)}`, columns, "  ")}\n`).join("")
}

const madeLine = ({ facts, made, questions }: SummaryRow) =>
  [
    `by ${oneLine(made)}`,
    `${facts.kept} of ${count(facts.found, "key fact")} kept`,
    ...(questions.asked === 0
      ? []
      : [`${questions.answered} of ${count(questions.asked, "question")} answered from it`]),
  ].join(" · ")

/** In short: without its text, where it was accepted. */
const summaryShown = (
  row: SummaryRow,
  columns: number,
  paint: Paint,
  short: boolean,
): string => {
  const indent = " ".repeat(idShown + 2)
  const isAccepted = row.state === "accepted"
  const state = isAccepted ? paint.accent(row.state) : paint.wrong(row.state)
  // Of an accepted one it says what was tried before.
  const mark = isAccepted ? "·" : "✗"
  const text = cutAtWord(oneLine(row.text), textCharsMax)
  const lines = [
    `${row.id.slice(0, idShown)}  ${state}  ${paint.bold(oneLine(row.about))}`,
    `${indent}${paint.dim(madeLine(row))}`,
    ...(short && isAccepted ? [] : [
      ...(text === "" ? [] : [`${indent}${wrap(text, columns, indent)}`]),
      ...row.refused.map((one) =>
        `${indent}${wrap(`${mark} ${oneLine(one)}`, columns, `${indent}  `)}`
      ),
    ]),
  ]
  return `${lines.join("\n")}\n`
}

const listShown = (
  rows: ReadonlyArray<SummaryRow>,
  columns: number,
  paint: Paint,
  short = false,
): string => {
  const more = rows.length - summariesShown
  return rows.slice(0, summariesShown).map((row) => summaryShown(row, columns, paint, short))
    .join(short ? "" : "\n") +
    (more > 0 ? `and ${more} more (--json shows all)\n` : "")
}

const summaries = Command.make(
  "summaries",
  {
    refused: Flag.Boolean("refused").pipe(
      Flag.withDescription("Only those that failed their test, with the reason"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
    withdrawn: Flag.Boolean("withdrawn").pipe(
      Flag.withDescription("Only those you took back"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ refused, withdrawn }) {
    const output = yield* Output
    if (refused && withdrawn) return yield* wrong("Say either --refused or --withdrawn, not both.")
    const aios = yield* open("read")
    const rows = yield* aios.summaries(
      refused ? "refused" : withdrawn ? "withdrawn" : undefined,
    )
    yield* print(
      rows,
      () =>
        rows.length === 0
          ? refused || withdrawn
            ? `No summary was ${refused ? "refused" : "withdrawn"}.\n`
            : "No summaries yet. They are made at night; aios memory night makes them now.\n"
          : listShown(rows, output.columns, output.paint),
    )
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show summaries, newest first: what each stands for, who made it, and how it did in its test. One " +
      "that lost a name, a date, an amount or a promise is refused and says so; its events stay at hand. " +
      "aios why ID leads to the events a summary stands for.",
  ),
  Command.withShortDescription("Show what was summarised, and what was refused"),
  Command.withExamples([{ command: "aios memory summaries --refused" }]),
)

const withdraw = Command.make(
  "withdraw",
  {
    id: Argument.String("id").pipe(
      Argument.withDescription("Of the summary, or its first 6 characters or more"),
    ),
    reason: Flag.String("reason").pipe(
      Flag.withMetavar("<text>"),
      Flag.withDescription("Required: why it is wrong; it is recorded"),
    ),
  },
  Effect.fnUntraced(function* ({ id, reason }) {
    const aios = yield* open("work")
    const row = yield* aios.withdrawSummary(id, reason)
    yield* print(
      row,
      () =>
        row.already === true
          ? `${oneLine(row.about)} was withdrawn before; nothing changed.\n`
          : `Withdrawn: ${oneLine(row.about)}. It is not recalled any more; the ${
            count(row.events.length, "event")
          } it stood for ${
            row.events.length === 1 ? "stands for itself" : "stand for themselves"
          }.\n`,
    )
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Take an accepted summary back: aios memory withdraw <id> --reason <text>. What it stood for is at hand again where the policy lets it, and is " +
      "summarised anew once something new comes.",
  ),
  Command.withShortDescription("Take a summary back"),
  Command.withExamples([{ command: 'aios memory withdraw 0190a2f0 --reason "the date is wrong"' }]),
)

const nightShown = (
  state: MemoryState,
  rows: ReadonlyArray<SummaryRow>,
  columns: number,
  paint: Paint,
) =>
  (rows.length === 0 ? "" : `${listShown(rows, columns, paint, true)}\n`) +
  `${wrap(oneLine(state.lastNight), columns, "  ")}\n` +
  state.waits.map((one) => `${wrap(`→ ${oneLine(one)}`, columns, "  ")}\n`).join("")

const night = Command.make(
  "night",
  {},
  Effect.fnUntraced(function* () {
    const output = yield* Output
    const aios = yield* open("work")
    yield* output.onInterrupt(
      undefined,
      () =>
        "Stopped: what was summarised stays. Run it again to go on; nothing is summarised twice.",
    )
    const state = yield* shown("Night", aios.summarise)
    const since = state.night?.startedAt ?? 0
    const rows = (yield* aios.summaries()).filter(({ at }) => at >= since)
    yield* print(
      { ...state, made: rows },
      () => nightShown(state, rows, output.columns, output.paint),
    )
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Do the night's work now: gather what is to be summarised, summarise it one by one, test each summary, " +
      "and look at the tiers. It costs what the policy allows for a night (summaries.tokensMax).",
  ),
  Command.withShortDescription("Summarise now what the night would"),
  Command.withExamples([{ command: "aios memory night" }]),
)

/** The item that a beginning of its id names. */
const itemNamed = Effect.fnUntraced(function* (aios: Aios["Service"], written: string) {
  const id = written.trim().toLowerCase()
  const found = id.length < prefixCharsMin ? [] : yield* aios.rows("memories", {
    prefix: `item:${id}`,
    limit: 2,
  })
  const [first, second] = found
  if (first === undefined || second !== undefined) {
    return yield* wrong(
      first === undefined
        ? `Nothing that is remembered is called ${written}. An item has the id of the event that made ` +
          "it; aios recall --json shows them."
        : `${written} is the beginning of several ids. Give more of it.`,
    )
  }
  const row = objectOf(first[1])
  if (row["what"] === "summary" || row["suspect"] === true) {
    return yield* wrong(
      row["what"] === "summary"
        ? `${written} is a summary: it is always at hand until you withdraw it.`
        : `${written} is spam or not from whom it says: it is never at hand.`,
    )
  }
  return { id: first[0].slice("item:".length), isKept: row["kept"] === true }
})

const keepShown = (changed: number, already: number, release: boolean): string =>
  [
    ...(changed === 0 ? [] : [
      release
        ? `${count(changed, "item")} left to the policy again.`
        : `${count(changed, "item")} kept in the hot tier, whatever the policy says. ` +
          "--release leaves them to it again.",
    ]),
    ...(already === 0 ? [] : [
      `${count(already, "item")} ${already === 1 ? "was" : "were"} ${
        release ? "left to the policy" : "kept"
      } before; nothing changed.`,
    ]),
  ].join("\n") + "\n"

const keep = Command.make(
  "keep",
  {
    ids: Argument.String("id").pipe(
      Argument.withDescription("Of items: of the events that made them"),
      Argument.atLeast(1),
    ),
    release: Flag.Boolean("release").pipe(
      Flag.withDescription("The other way round: the policy counts for them again"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ ids, release }) {
    const aios = yield* open("work")
    const named = yield* Effect.forEach(ids, (id) => itemNamed(aios, id))
    const all = [...new Map(named.map((one) => [one.id, one])).values()]
    const items = all.filter(({ isKept }) => isKept === release).map(({ id }) => id)
    const already = all.filter(({ isKept }) => isKept !== release).map(({ id }) => id)
    if (items.length > 0) {
      yield* aios.propose(
        memoryStream,
        { type: release ? "ItemsReleased" : "ItemsRecalled", items },
        {},
      )
    }
    yield* print(
      { ...(release ? { released: items } : { kept: items }), already },
      () => keepShown(items.length, already.length, release),
    )
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Keep items in the hot tier, whatever the policy says; with --release leave them to it again.",
  ),
  Command.withShortDescription("Keep items at hand"),
  Command.withExamples([{ command: "aios memory keep 0190a2f0 0190a2f1" }]),
)

const memory = Command.make(
  "memory",
  {},
  Effect.fnUntraced(function* () {
    const output = yield* Output
    const aios = yield* open("read")
    const state = yield* aios.memory
    yield* print(state, () => stateShown(state, output.columns))
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show how memory stands: what is at hand (hot), what is summarised (warm), what is in the log alone " +
      "(cold), how the last night went and what waits.",
  ),
  Command.withShortDescription("Show memory: its tiers, its policy, its nights"),
  Command.withExamples([
    { command: "aios memory" },
    { command: "aios memory policy --set hot.itemsMax=5000" },
    { command: "aios memory night" },
  ]),
  Command.withSubcommands([policy, night, summaries, withdraw, keep]),
)

export const memoryCommands = [memory] as const
