/** What waits for the founder: `approvals`, and `settle` for outcomes that nobody knows. */
import { Clock, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { Json } from "../machines/agent.ts"
import { type Approval, OperationFailed, type Unclear } from "../projections/aios.ts"
import { citesOf, madeWords } from "../projections/aios-made.ts"
import { open, print } from "./access.ts"
import { contentLine, moneyOf, moneyText } from "../projections/aios-words.ts"
import { finish } from "./finish.ts"
import { oneLine, Output, type Paint, plain, span, wrap } from "./output.ts"

/** Enough of an id to name it; longer where two share a beginning. */
const idCharsMin = 8
/** Enough of an event to find it: ids that are minted begin with their instant. */
const eventCharsShown = 13

/** The shortest beginnings, of at least 8 characters, that tell these ids apart. */
export const shortIds = (ids: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const short = new Map<string, string>()
  for (const id of ids) {
    let length = idCharsMin
    while (
      length < id.length &&
      ids.some((other) => other !== id && other.startsWith(id.slice(0, length)))
    ) length++
    short.set(id, id.slice(0, length))
  }
  return short
}

const field = (content: Json, name: string): Json | undefined =>
  typeof content === "object" && content !== null && !Array.isArray(content)
    ? Reflect.get(content, name)
    : undefined

const mailbox = (value: Json | undefined): string | undefined => {
  const address = value === undefined ? undefined : field(value, "address")
  if (typeof address !== "string") return typeof value === "string" ? value : undefined
  const name = field(value!, "name")
  return typeof name === "string" && name !== "" ? `${name} <${address}>` : address
}

/** A mail reads as a mail; anything else field by field. */
export const contentText = (content: Json): string => {
  const to = mailbox(field(content, "to"))
  const subject = field(content, "subject")
  const text = field(content, "text")
  if (typeof text === "string" && typeof subject === "string") {
    return `To: ${oneLine(to ?? "?")}\nSubject: ${oneLine(subject)}\n\n${plain(text).trimEnd()}`
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    return JSON.stringify(content, null, 2)
  }
  return Object.entries(content).filter(([name]) => !hidden.has(name)).map(([name, value]) => {
    const shown = moneyOf(value) === undefined
      ? mailbox(value) ?? (typeof value === "string" ? plain(value) : JSON.stringify(value))
      : moneyText(moneyOf(value)!)
    return shown.includes("\n") ? `${name}:\n${shown.trimEnd()}` : `${name}: ${shown}`
  }).join("\n")
}
/** Keys that say nothing to a person. */
const hidden = new Set(["person"])

/** What is ready, where the person is named already. */
export const subjectOf = (approval: Approval): string => {
  const subject = field(approval.content, "subject")
  return typeof subject === "string" ? `mail “${oneLine(subject)}”` : approval.activity
}

/** One line about what an approval is for. */
export const headline = (approval: Approval): string => {
  const line = oneLine(contentLine(approval.activity, approval.content))
  return line === approval.activity
    ? `${approval.activity} of ${approval.agent}`
    : `${line[0]!.toUpperCase()}${line.slice(1)}`
}

/** How it was drafted, and what it rests on with the command that leads there. */
const drafted = (approval: Approval, columns: number, paint: Paint): ReadonlyArray<string> => {
  const made = madeWords(approval)
  return [
    ...(made === "" ? [] : [`    ${paint.dim(wrap(oneLine(made), columns, "    "))}`]),
    ...citesOf(approval).map(({ event, quote }) =>
      `      ${
        wrap(
          `${oneLine(quote)} aios\u00a0why\u00a0${event.slice(0, eventCharsShown)}`,
          columns,
          "      ",
        ).replaceAll("\u00a0", " ")
      }`
    ),
  ]
}

const shown = (
  approvals: ReadonlyArray<Approval>,
  now: number,
  columns: number,
  paint: Paint,
): string => {
  if (approvals.length === 0) {
    return "Nothing waits for your word. aios brief says what else there is.\n"
  }
  const short = shortIds(approvals.map((one) => one.id))
  return approvals.map((one) => {
    const id = short.get(one.id)!
    const why = one.reasons.length === 0
      ? []
      : [`    why: ${wrap(one.reasons.map(oneLine).join(" · "), columns, "         ")}`]
    const risk = one.rule === "" ? one.risk : `${one.grade} risk: ${oneLine(one.rule)}`
    const back = one.postponedUntil === undefined ? "" : ", back after you postponed it"
    const asked = `${one.activity}, ${risk}, asked ${span(now - one.requestedAt)} ago${back}`
    const acts = one.unclear === true
      ? [
        "    Nobody knows whether this happened already. Look, then say so:",
        `    ${paint.accent(`aios settle ${id} --happened`)}   aios settle ${id} --did-not-happen`,
      ]
      : undefined
    const edits = one.activity === "sendMail" ? `   aios edit ${id} --file F` : ""
    return [
      `${paint.bold(id)}  ${wrap(headline(one), columns, "          ")}`,
      `    ${paint.dim(wrap(asked, columns, "    "))}`,
      ...why,
      ...drafted(one, columns, paint),
      ...contentText(one.content).split("\n").map((line) =>
        `    ${paint.dim("|")} ${line}`.trimEnd()
      ),
      ...acts ?? [
        `    ${paint.accent(`aios approve ${id}`)}   aios reject ${id} --reason "…"${edits}`,
        `    aios later ${id} --until tomorrow`,
      ],
    ].join("\n")
  }).join("\n\n") + `\n${groupsText(approvals)}`
}

/** Those that may be approved together, with the command that does it. */
const groupsText = (approvals: ReadonlyArray<Approval>): string => {
  const groups = Map.groupBy(
    approvals.filter((one) => one.group !== undefined),
    (one) => one.group!,
  )
  const lines = [...groups].filter(([, alike]) => alike.length > 1).map(([group, alike]) =>
    `${alike.length} are alike and of low risk: aios approve --group ${group}\n`
  )
  return lines.length === 0 ? "" : `\n${lines.join("")}`
}

const approvals = Command.make(
  "approvals",
  {},
  Effect.fnUntraced(function* () {
    const output = yield* Output
    const list = yield* (yield* open("read")).approvals
    const now = yield* Clock.currentTimeMillis
    yield* print(list, () => shown(list, now, output.columns, output.paint))
  }, Effect.scoped),
).pipe(
  Command.withDescription("Show what waits for your word, with the exact content of each."),
  Command.withShortDescription("Show what waits for your word"),
)

const wrongly = (message: string) =>
  new OperationFailed({ kind: "usage", error: "InvalidValue", message })

type Settled = Unclear & { readonly happened: boolean }

const settledText = (all: ReadonlyArray<Settled>): string =>
  all.map(({ approval, ask, happened, what }) =>
    `Recorded: ${approval?.slice(0, idCharsMin) ?? ask}, ${oneLine(what)}: ${
      happened ? "you said that it happened" : "it did not happen, and goes on as before"
    }.\n`
  ).join("")

const settle = Command.make(
  "settle",
  {
    which: Argument.String("which").pipe(
      Argument.withDescription(
        "The approval's id or its beginning, or the ask as `aios doctor` names it: executor-…/3.0",
      ),
      Argument.atLeast(0),
    ),
    all: Flag.Boolean("all").pipe(
      Flag.withDescription("All of which nobody knows whether it happened; with --did-not-happen"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
    happened: Flag.Boolean("happened").pipe(
      Flag.withDescription("You looked, and it was done"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
    didNotHappen: Flag.Boolean("did-not-happen").pipe(
      Flag.withDescription("You looked, and it was not done"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ all, didNotHappen, happened, which }) {
    if (happened === didNotHappen) {
      return yield* new OperationFailed({
        kind: "usage",
        error: "InvalidValue",
        message: "Say what you found: either --happened or --did-not-happen.",
      })
    }
    if (all === which.length > 0) {
      return yield* wrongly("Say which: aios settle ID --happened, or --all --did-not-happen.")
    }
    if (all && happened) {
      return yield* wrongly("--all is for what did not happen. What happened is named one by one.")
    }
    const aios = yield* open("work")
    const named = all ? (yield* aios.unclear).map(({ ask }) => ask) : [...new Set(which)]
    const results: Array<Settled> = []
    for (const one of named) {
      const result = yield* aios.resolve(one, happened).pipe(
        Effect.mapError((failure) =>
          results.length === 0 ? failure : new OperationFailed({
            ...failure,
            message: `${failure.message}\nBefore that:\n${settledText(results)}`,
          })
        ),
      )
      results.push(result)
    }
    yield* print(
      results.length === 1 && !all ? results[0]! : results,
      () =>
        results.length === 0
          ? "Nothing is unknown; there is nothing to settle.\n"
          : settledText(results),
    )
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Say what became of something whose outcome is unknown after a crash or a restore. AIOS never " +
      "guesses and never does it again by itself. What happened closes its approval; what did not " +
      "goes on as before: it waits for your decision, or is done where you had approved it.",
  ),
  Command.withExamples([
    { command: "aios settle 7f3a1c09 --happened" },
    {
      command: "aios settle --all --did-not-happen",
      description: "after a restore: none was done",
    },
  ]),
  Command.withShortDescription("Say what became of an unknown outcome"),
)

export const approvalsCommands = [approvals] as const
export const settleCommands = [settle] as const
