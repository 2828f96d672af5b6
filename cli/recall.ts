/** `aios recall`: what is remembered about a question, each with when, who, the words that matched, and its event. */
import { Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { Hit, Recalled } from "../projections/aios-memory.ts"
import { momentIn } from "../projections/aios-moment.ts"
import { momentText } from "../projections/aios-words.ts"
import { termsOfQuestion, wordsIn } from "../projections/passage-words.ts"
import { open, print } from "./access.ts"
import { oneLine, Output, type Paint, plain, wrap } from "./output.ts"

/** Of a text, around what matched; --json has the passage. */
const snippetCharsMax = 280
const idShown = 8

/** The part of a text in which most of the question's words stand, with them marked. */
export const snippetOf = (
  text: string,
  question: string,
  mark: (word: string) => string,
): string => {
  const asked = new Set(termsOfQuestion(question))
  const flat = oneLine(text)
  const hits = wordsIn(flat).filter(({ term }) => asked.has(term))
  const counts = hits.map(({ from }) =>
    hits.filter((other) => other.from >= from && other.to <= from + snippetCharsMax - 40).length
  )
  const best = hits[counts.indexOf(Math.max(0, ...counts))]
  const begun = Math.max(0, Math.min((best?.from ?? 0) - 40, flat.length - snippetCharsMax))
  // From a word's beginning on.
  const start = begun === 0 ? 0 : flat.indexOf(" ", begun) + 1
  const end = Math.min(flat.length, start + snippetCharsMax)
  let shown = ""
  let at = start
  for (const { from, to } of hits) {
    if (from < at || to > end) continue
    shown += flat.slice(at, from) + mark(flat.slice(from, to))
    at = to
  }
  shown += flat.slice(at, end)
  return `${start > 0 ? "…" : ""}${shown.trim()}${end < flat.length ? "…" : ""}`
}

const hitText = (
  { at, events, person, score, source, suspect, text, tier, what }: Hit,
  question: string,
  shown: { readonly zone: string; readonly columns: number; readonly paint: Paint },
): string => {
  const { columns, paint, zone } = shown
  const line = text.indexOf("\n")
  const title = oneLine(line < 0 ? text : text.slice(0, line))
  const body = line < 0 ? "" : snippetOf(plain(text.slice(line + 1)), question, paint.bold)
  const from = source === undefined ? "" : ` · ${oneLine(source.file)}, ${source.at}`
  const [event] = events
  return [
    `${paint.accent(tier)}  ${wrap(title, columns, "     ")}`,
    `     ${
      paint.dim(
        `${momentText(at, zone)} · ${what}${person === "" ? "" : ` · ${oneLine(person)}`} · ${
          score.toFixed(2)
        }${from}`,
      )
    }`,
    ...(suspect === true
      ? [
        `     ${
          paint.wrong("not to be trusted: spam, not from whom it says, or written for an AI")
        }`,
      ]
      : []),
    ...(body === "" ? [] : [`     ${wrap(body, columns, "     ")}`]),
    ...(event === undefined ? [] : [
      `     ${paint.dim(`aios why ${event.slice(0, idShown)}`)}${
        events.length > 1 ? paint.dim(` and ${events.length - 1} more events`) : ""
      }`,
    ]),
  ].join("\n")
}

const modes = {
  hybrid: "by meaning and by words",
  lexical: "by words",
  deep: "from the events themselves",
} as const

export const recalledText = (
  recalled: Recalled,
  question: string,
  zone: string,
  columns: number,
  paint: Paint,
  isPast = false,
): string =>
  [
    ...(recalled.hits.length === 0
      ? [
        isPast
          ? "Nothing was remembered about that then."
          : "Nothing is remembered about that. Other words may find it, or --deep, which reads the whole log.",
      ]
      : recalled.hits.map((hit) => `${hitText(hit, question, { zone, columns, paint })}\n`)),
    paint.dim(
      `Found ${modes[recalled.mode]}, up to position ${recalled.position}${
        recalled.cached ? "; answered before, nothing new since" : ""
      }.`,
    ),
    ...recalled.notes.map((note) => wrap(`→ ${oneLine(note)}`, columns, "  ")),
  ].join("\n") + "\n"

const recall = Command.make(
  "recall",
  {
    question: Argument.String("question").pipe(
      Argument.withDescription("A question, or a few words"),
      Argument.atLeast(1),
    ),
    person: Flag.String("person").pipe(
      Flag.withMetavar("<who>"),
      Flag.withDescription("Only what is about them: a name, an address or a key"),
      Flag.optional,
    ),
    at: Flag.String("at").pipe(
      Flag.withMetavar("<date>"),
      Flag.withDescription(
        "As AIOS knew it at the end of that day, such as 2026-11-24, or at an instant",
      ),
      Flag.optional,
    ),
    position: Flag.Int("position").pipe(
      Flag.withMetavar("<n>"),
      Flag.withDescription("As AIOS knew it at that position of the log (aios events shows them)"),
      Flag.optional,
    ),
    deep: Flag.Boolean("deep").pipe(
      Flag.withDescription("Read the whole log instead of the index: slower, leaves nothing out"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
    segment: Flag.String("segment").pipe(
      Flag.withMetavar("<segment>"),
      Flag.withDescription("Read a segment of the archive instead (aios archive list shows them)"),
      Flag.optional,
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withMetavar("<n>"),
      Flag.withDescription("At most so many answers (10)"),
      Flag.optional,
    ),
  },
  Effect.fnUntraced(function* ({ at, deep, limit, person, position, question, segment }) {
    const output = yield* Output
    const aios = yield* open("read")
    const { timeZone } = yield* aios.settings
    const words = question.join(" ")
    const recalled = yield* aios.recall(words, {
      ...(Option.isSome(person) ? { person: person.value } : {}),
      ...(Option.isSome(at) ? { at: yield* momentIn("--at", at.value, timeZone) } : {}),
      ...(Option.isSome(position) ? { position: position.value } : {}),
      ...(deep ? { deep } : {}),
      ...(Option.isSome(segment) ? { segment: segment.value } : {}),
      ...(Option.isSome(limit) ? { limit: limit.value } : {}),
    })
    yield* print(
      recalled,
      () =>
        recalledText(
          recalled,
          words,
          timeZone,
          output.columns,
          output.paint,
          Option.isSome(at) || Option.isSome(position),
        ),
    )
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Find what is remembered about a question: mails, messages, notes, meetings, invoices, decisions and " +
      "what was done, each with where it is known from. By meaning where the models are there " +
      "(aios models pull), by words always. It only reads.",
  ),
  Command.withShortDescription("Find what is remembered about a question, with its sources"),
  Command.withExamples([
    { command: "aios recall 'what did Ada ask about pricing'" },
    { command: "aios recall invoice --person ada@lumen.example" },
    {
      command: "aios recall 'opening hours' --at 2026-11-24",
      description: "As it was known that evening; before AIOS was first filled nothing was",
    },
    { command: "aios recall 'opening hours' --position 120" },
  ]),
)

export const recallCommands = [recall] as const
