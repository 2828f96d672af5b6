/** What waits for the founder: `approvals`, and `settle` for outcomes that nobody knows. */
import { Clock, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { Json } from "../machines/agent.ts"
import { type Approval, OperationFailed } from "../projections/aios.ts"
import { open, print } from "./access.ts"
import { contentLine, moneyOf, moneyText } from "../projections/aios-words.ts"
import { finish } from "./finish.ts"
import { oneLine, Output, type Paint, plain, span, wrap } from "./output.ts"

/** Enough of an id to name it; longer where two share a beginning. */
const idCharsMin = 8

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
    const edits = one.activity === "sendMail" ? `   aios edit ${id} --file F` : ""
    return [
      `${paint.bold(id)}  ${wrap(headline(one), columns, "          ")}`,
      `    ${paint.dim(wrap(asked, columns, "    "))}`,
      ...why,
      ...contentText(one.content).split("\n").map((line) =>
        `    ${paint.dim("|")} ${line}`.trimEnd()
      ),
      `    ${paint.accent(`aios approve ${id}`)}   aios reject ${id} --reason "…"${edits}`,
      `    aios later ${id} --until tomorrow`,
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

const settle = Command.make(
  "settle",
  {
    ask: Argument.String("ask").pipe(
      Argument.withDescription("The ask, as `aios doctor` names it: outreach-…/3.0"),
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
  Effect.fnUntraced(function* ({ ask, didNotHappen, happened }) {
    if (happened === didNotHappen) {
      return yield* new OperationFailed({
        kind: "usage",
        error: "InvalidValue",
        message: "Say what you found: either --happened or --did-not-happen.",
      })
    }
    const aios = yield* open("work")
    const result = yield* aios.resolve(ask, happened)
    yield* print(
      result,
      () => `Recorded: ${result.ask} ${result.happened ? "happened" : "did not happen"}.\n`,
    )
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Say what became of something whose outcome is unknown after a crash. AIOS never guesses and " +
      "never does it again by itself.",
  ),
  Command.withShortDescription("Say what became of an unknown outcome"),
)

export const approvalsCommands = [approvals] as const
export const settleCommands = [settle] as const
