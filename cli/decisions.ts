/** The founder's word: `approve`, `reject`, `edit`, `later`, `undo`. What was decided is said with what became of it. */
import { Clock, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { readFileSync, statSync } from "node:fs"
import process from "node:process"
import { type Aios, type Approval, type Decision, OperationFailed } from "../projections/aios.ts"
import { dataFolder } from "../projections/aios-words.ts"
import { Access, Json, open, print } from "./access.ts"
import { contentText, headline, shortIds } from "./approvals.ts"
import { exitCode } from "./exit-codes.ts"
import { finish } from "./finish.ts"
import { Output, plain } from "./output.ts"
import { instantOfWords } from "./until.ts"

const idChars = 8
/** A mail's text; what is larger is no mail. */
const fileBytesMax = 256 * 1024
/** How many may be decided in one go. */
const idsMax = 200

const wrong = (message: string) =>
  new OperationFailed({ kind: "usage", error: "InvalidValue", message })

const id = Argument.String("id").pipe(
  Argument.withDescription("The approval's id, or its first 6 characters or more"),
)

const verbs = { approved: "approved", rejected: "rejected", postponed: "postponed" } as const
const decidedText = (dataDir: string) => (decision: Decision): string => {
  const verb = verbs[decision.decision]
  return `${
    decision.already ? `Had been ${verb} before` : `${verb[0]!.toUpperCase()}${verb.slice(1)}`
  }: ${decision.id.slice(0, idChars)}. ${plain(decision.outcome.replace(dataFolder, dataDir))}\n`
}

/** Several at once only where the policy calls them alike and of low risk. */
const mustBeAlike = Effect.fnUntraced(function* (
  aios: Aios["Service"],
  ids: ReadonlyArray<string>,
) {
  if (ids.length > idsMax) return yield* wrong(`That are more than ${idsMax} at once.`)
  const waiting = yield* aios.approvals
  const named = ids.flatMap((word) => {
    const found = waiting.filter((one) => one.id.startsWith(word.trim().toLowerCase()))
    return found.length === 1 ? found : []
  })
  // One that is not known, or was decided otherwise, is told before any other is approved.
  for (const word of ids) {
    if (!named.some((one) => one.id.startsWith(word.trim().toLowerCase()))) {
      yield* aios.preview(word)
    }
  }
  const [first] = named
  const other = named.find((one) => one.group === undefined || one.group !== first?.group)
  if (other === undefined) return
  const short = shortIds(named.map((one) => one.id))
  const shown = (one: Approval) => short.get(one.id) ?? one.id
  return yield* new OperationFailed({
    kind: "usage",
    error: "NotAlike",
    message: (other.grade !== "low" || other.group === undefined
      ? `${shown(other)} is of ${other.grade} risk: it is decided on its own. `
      : `${shown(first!)} and ${shown(other)} are not alike. `) +
      `Nothing was approved. One at a time: ${
        named.map((one) =>
          `aios approve ${shown(one)}`
        ).join("; ")
      }`,
  })
})

const approve = Command.make(
  "approve",
  {
    ids: Argument.String("id").pipe(
      Argument.withDescription("The approval's id, or its first 6 characters or more"),
      Argument.atLeast(0),
    ),
    group: Flag.String("group").pipe(
      Flag.withMetavar("<group>"),
      Flag.withDescription("All that are alike and of low risk, as `aios approvals` names them"),
      Flag.optional,
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Only say what would happen"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ dryRun, group, ids }) {
    const { dataDir } = yield* Access
    const unique = [...new Set(ids)]
    if (unique.length === 0 === Option.isNone(group)) {
      return yield* wrong("Say which: aios approve ID, or aios approve --group GROUP.")
    }
    const aios = yield* open(dryRun ? "read" : "work")
    if (dryRun) {
      const wanted = Option.isNone(group)
        ? unique
        : (yield* aios.approvals).filter((one) => one.group === group.value).map((one) => one.id)
      if (wanted.length === 0) {
        return yield* new OperationFailed({
          kind: "failed",
          error: "GroupNotFound",
          message: `No group ${
            Option.getOrElse(group, () => "")
          } waits. aios approvals shows what does.`,
        })
      }
      const previews = yield* Effect.forEach(wanted, (one) => aios.preview(one))
      yield* print(
        previews.length === 1 ? previews[0] : previews,
        () => previews.map(({ effect }) => `${plain(effect)}\n`).join(""),
      )
      return
    }
    if (Option.isSome(group)) {
      // Exactly those that are shown here: what arrives meanwhile is not approved unseen.
      const listed = (yield* aios.approvals).filter((one) => one.group === group.value)
      const output = yield* Output
      yield* Effect.forEach(
        listed,
        (one) => output.log(`${one.id.slice(0, idChars)}  ${headline(one)}`),
      )
      const decisions = yield* aios.approveGroup(
        group.value,
        listed.length === 0 ? undefined : listed.map((one) => one.id),
      )
      yield* print(decisions, () => decisions.map(decidedText(dataDir)).join(""))
    } else if (unique.length === 1) {
      const decision = yield* aios.approve(unique[0]!)
      yield* print(decision, () => decidedText(dataDir)(decision))
    } else {
      yield* mustBeAlike(aios, unique)
      yield* approveEach(aios, unique)
    }
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Approve exactly what `aios approvals` shows. It is carried out once. Saying it twice is the " +
      "same.\n\nSeveral at once only where they are alike and of low risk. Mail is written to the " +
      "outbox; AIOS does not send it yet.",
  ),
  Command.withShortDescription("Approve one of them; it is carried out once"),
  Command.withExamples([
    { command: "aios approve 7f3a1c09" },
    { command: "aios approve 7f3a1c09 --dry-run", description: "what would happen" },
    {
      command: "aios approve --group sendMail:reminder",
      description: "all of a kind, of low risk",
    },
  ]),
)

/** One after the other; one that fails does not hold up the rest, and is said. */
const approveEach = Effect.fnUntraced(function* (
  aios: Aios["Service"],
  ids: ReadonlyArray<string>,
) {
  const output = yield* Output
  const { dataDir } = yield* Access
  const json = yield* Json
  const results = yield* Effect.forEach(
    ids,
    (one) =>
      aios.approve(one).pipe(
        Effect.map((decision) => ({ decision })),
        Effect.catch((failure) => Effect.succeed({ id: one, failure })),
      ),
  )
  const rows = results.map((one) =>
    "decision" in one
      ? one.decision
      : { id: one.id, error: one.failure.error, message: one.failure.message }
  )
  for (const one of results) {
    if ("decision" in one) continue
    yield* output.exit(exitCode[one.failure.kind])
    if (!json) yield* output.log(`aios: ${plain(one.failure.message)}`)
  }
  yield* print(
    rows,
    () =>
      results.map((one) => "decision" in one ? decidedText(dataDir)(one.decision) : "").join(""),
  )
})

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
      return yield* wrong(
        "--reason: say why, in a few words. The reason is what makes the next draft better.",
      )
    }
    const { dataDir } = yield* Access
    const aios = yield* open("work")
    const decision = yield* aios.reject(id, reason)
    yield* print(decision, () => decidedText(dataDir)(decision))
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Reject what `aios approvals` shows. It will not be carried out; `aios undo` takes that back.",
  ),
  Command.withShortDescription("Reject one of them, with a reason"),
  Command.withExamples([{ command: `aios reject 7f3a1c09 --reason "too early"` }]),
)

/** A text whose first line is `Subject: …` sets the subject; an `aios approvals` copy with `To:` works too. */
export const mailOf = (
  written: string,
): { readonly subject?: string; readonly text: string } => {
  let rest = written.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n").replace(/^\n+/, "")
  let subject: string | undefined
  for (;;) {
    const [, name, value] = /^(To|Subject):[ \t]*(.*)(?:\n|$)/i.exec(rest) ?? []
    if (name === undefined || (name.toLowerCase() === "subject" && subject !== undefined)) break
    rest = rest.slice(rest.indexOf("\n") < 0 ? rest.length : rest.indexOf("\n") + 1)
    if (name.toLowerCase() === "subject") subject = value ?? ""
  }
  return { ...(subject === undefined ? {} : { subject }), text: rest.trim() }
}

const readMail = Effect.fnUntraced(function* (file: string) {
  const access = yield* Access
  return yield* Effect.try({
    try: () => {
      if (file === "-") return readFileSync(process.stdin.fd, "utf8")
      const path = access.path(file)
      if (statSync(path).size > fileBytesMax) throw new Error("it is too large for a mail")
      return readFileSync(path, "utf8")
    },
    catch: (cause) =>
      wrong(
        `--file: ${file} cannot be read (${
          cause instanceof Error ? cause.message : cause
        }). Name a text file, or - for what is piped in.`,
      ),
  })
})

const optionalText = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("<text>"),
    Flag.withDescription(description),
    Flag.optional,
  )

const edit = Command.make(
  "edit",
  {
    id,
    file: Flag.String("file").pipe(
      Flag.withMetavar("<file>"),
      Flag.withDescription("The new text; a first line `Subject: …` sets the subject; - is stdin"),
      Flag.optional,
    ),
    text: optionalText("text", "The new text, where it is short"),
    subject: optionalText("subject", "The new subject"),
  },
  Effect.fnUntraced(function* ({ file, id, subject, text }) {
    if (Option.isSome(file) === Option.isSome(text)) {
      return yield* wrong("Give the new text: either --file FILE (- is stdin) or --text TEXT.")
    }
    const given = Option.isSome(file)
      ? mailOf(yield* readMail(file.value))
      : { text: Option.getOrElse(text, () => "") }
    const output = yield* Output
    const aios = yield* open("work")
    const edited = yield* aios.edit(id, {
      ...given,
      ...(Option.isSome(subject) ? { subject: subject.value } : {}),
    })
    const short = edited.approval.id.slice(0, idChars)
    yield* print(
      edited,
      () =>
        `Edited: ${edited.id.slice(0, idChars)}. In its place waits ${
          output.paint.bold(short)
        }:\n\n${
          plain(edited.difference).trimEnd().split("\n").map((line) =>
            line.startsWith("+") ? output.paint.accent(line) : output.paint.dim(line)
          ).join("\n")
        }\n\n${
          contentText(edited.approval.content).split("\n").map((line) =>
            `${output.paint.dim("|")} ${line}`.trimEnd()
          ).join("\n")
        }\n\n${output.paint.accent(`aios approve ${short}`)}\n`,
    )
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Put your own words in place of a draft's. The new text is a new approval, with an id of its own; " +
      "the old one cannot be approved any more. A text with a gap in it (“[name]”, TODO) is refused.",
  ),
  Command.withShortDescription("Put your own words in place of a draft's"),
  Command.withExamples([
    { command: "aios edit 7f3a1c09 --file reply.txt" },
    { command: `aios edit 7f3a1c09 --subject "Your offer" --text "Dear Ada, …"` },
    { command: "cat reply.txt | aios edit 7f3a1c09 --file -" },
  ]),
)

const later = Command.make(
  "later",
  {
    id,
    until: Flag.String("until").pipe(
      Flag.withMetavar("<when>"),
      Flag.withDescription("tomorrow, friday, 3d, 17:00, 2026-11-27, or a day and an hour"),
    ),
  },
  Effect.fnUntraced(function* ({ id, until }) {
    const { dataDir } = yield* Access
    const aios = yield* open("work")
    const { briefAt, timeZone } = yield* aios.settings
    const now = yield* Clock.currentTimeMillis
    const at = yield* instantOfWords("until", until, { now, timeZone, dayAt: briefAt })
    const decision = yield* aios.later(id, at)
    yield* print(decision, () => decidedText(dataDir)(decision))
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Not now: it leaves the brief and comes back at the time you give. A day without an hour means " +
      "the hour of your brief; times are in your own zone.",
  ),
  Command.withShortDescription("Not now: have it come back at a time you give"),
  Command.withExamples([
    { command: "aios later 7f3a1c09 --until tomorrow" },
    { command: 'aios later 7f3a1c09 --until "friday 9:00"' },
    { command: "aios later 7f3a1c09 --until 3d" },
  ]),
)

const undo = Command.make(
  "undo",
  { id },
  Effect.fnUntraced(function* ({ id }) {
    const { dataDir } = yield* Access
    const aios = yield* open("work")
    const undone = yield* aios.undo(id)
    yield* print(
      undone,
      () =>
        `Taken back: ${undone.id.slice(0, idChars)}. ${
          plain(undone.outcome.replace(dataFolder, dataDir))
        }\n`,
    )
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Take a decision back. What was not done yet waits for you again; what was done is undone as far " +
      "as that can be (a mail that is still in the outbox is removed), and the answer says how far. " +
      "What was rejected or postponed waits again.",
  ),
  Command.withShortDescription("Take a decision back, and what followed from it"),
  Command.withExamples([{ command: "aios undo 7f3a1c09" }]),
)

export const decisionCommands = [approve, reject, edit, later, undo] as const
