/** What waits for the founder's word: `approvals`, `approve`, `reject`, and `settle` for unknown outcomes. */
import { Clock, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { Json } from "../machines/agent.ts"
import { type Approval, type Decision, OperationFailed } from "../projections/aios.ts"
import { open, print } from "./access.ts"
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

/** A mail reads as a mail; anything else as JSON. */
export const contentText = (content: Json): string => {
  const to = mailbox(field(content, "to"))
  const subject = field(content, "subject")
  const text = field(content, "text")
  return typeof text === "string" && typeof subject === "string"
    ? `To: ${oneLine(to ?? "?")}\nSubject: ${oneLine(subject)}\n\n${plain(text).trimEnd()}`
    : JSON.stringify(content, null, 2)
}

/** What is ready, where the person is named already. */
export const subjectOf = (approval: Approval): string => {
  const subject = field(approval.content, "subject")
  return typeof subject === "string" ? `mail “${oneLine(subject)}”` : approval.activity
}

/** One line about what an approval is for. */
export const headline = (approval: Approval): string => {
  const to = mailbox(field(approval.content, "to"))
  const subject = field(approval.content, "subject")
  return typeof subject === "string"
    ? `Mail to ${oneLine(to ?? "?")}: ${oneLine(subject)}`
    : `${approval.activity} of ${approval.agent}`
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
    return [
      `${paint.bold(id)}  ${wrap(headline(one), columns, "          ")}`,
      `    ${paint.dim(`${one.activity}, ${one.risk}, asked ${span(now - one.requestedAt)} ago`)}`,
      ...why,
      ...contentText(one.content).split("\n").map((line) =>
        `    ${paint.dim("|")} ${line}`.trimEnd()
      ),
      `    ${paint.accent(`aios approve ${id}`)}   or   aios reject ${id} --reason "…"`,
    ].join("\n")
  }).join("\n\n") + "\n"
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

const decided = (decision: Decision, verb: string) => () =>
  `${decision.already ? `Had been ${verb} before` : `${verb[0]!.toUpperCase()}${verb.slice(1)}`}: ${
    decision.id.slice(0, idCharsMin)
  }. ${plain(decision.outcome)}\n`

const id = Argument.String("id").pipe(
  Argument.withDescription("The approval's id, or its first 6 characters or more"),
)

const approve = Command.make(
  "approve",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const aios = yield* open("work")
    const decision = yield* aios.approve(id)
    yield* print(decision, decided(decision, "approved"))
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Approve exactly what `aios approvals` shows. It is carried out once. Saying it twice is the same.",
  ),
  Command.withShortDescription("Approve one of them; it is carried out once"),
  Command.withExamples([{ command: "aios approve 7f3a1c09" }]),
)

const reject = Command.make(
  "reject",
  {
    id,
    reason: Flag.String("reason").pipe(
      Flag.withMetavar("<text>"),
      Flag.withDescription("Why not; it is kept and shown"),
    ),
  },
  Effect.fnUntraced(function* ({ id, reason }) {
    if (reason.trim() === "") {
      return yield* new OperationFailed({
        kind: "usage",
        error: "InvalidValue",
        message:
          "--reason: say why, in a few words. The reason is what makes the next draft better.",
      })
    }
    const aios = yield* open("work")
    const decision = yield* aios.reject(id, reason)
    yield* print(decision, decided(decision, "rejected"))
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription("Reject what `aios approvals` shows. It will not be carried out."),
  Command.withShortDescription("Reject one of them, with a reason"),
  Command.withExamples([{ command: `aios reject 7f3a1c09 --reason "too early"` }]),
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

export const approvalsCommands = [approvals, approve, reject, settle] as const
