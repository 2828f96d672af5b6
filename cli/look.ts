/** Reading commands: `agents`, `events`, `doctor`. They append nothing and run nothing. */
import { Effect, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { RecordedEvent } from "../actors/event-log.ts"
import type { AgentRow, Check } from "../projections/aios.ts"
import { OperationFailed } from "../projections/aios.ts"
import { stateText } from "../projections/aios-words.ts"
import { Access, Json, open, print } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { oneLine, Output, type Paint, plain, table } from "./output.ts"

/** Events read at a time. */
const pageEvents = 1_000
/** Agents listed to a person; --json has all. */
const agentsShown = 200

const agentsText = (rows: ReadonlyArray<AgentRow>, output: Output["Service"]): string => {
  if (rows.length === 0) return "No agents yet. aios import mailbox.mbox contacts.csv\n"
  if (rows.length === 1) {
    const one = rows[0]!
    return table(
      [
        ["agent", `${one.agent}/${one.key}`],
        ["state", stateText(one.state)],
        ["status", one.status],
        ["revision", String(one.revision)],
        ["accepts", one.accepts.join(", ") || "nothing more"],
      ],
      output.columns,
      false,
    )
  }
  const more = rows.length - agentsShown
  return table(
    [
      ["AGENT", "STATE", "REVISION"],
      ...rows.slice(0, agentsShown).map((row) => [
        `${row.agent}/${row.key}`,
        row.status === "active" ? stateText(row.state) : `${stateText(row.state)} (${row.status})`,
        String(row.revision),
      ]),
    ],
    output.columns,
    output.interactive,
  ) + (more > 0 ? `and ${more} more (--json shows all)\n` : "")
}

const agents = Command.make(
  "agents",
  {
    agent: Argument.String("agent").pipe(
      Argument.withDescription("An agent (lead), or one of them (lead/6f1c…)"),
      Argument.optional,
    ),
  },
  Effect.fnUntraced(function* ({ agent }) {
    const output = yield* Output
    const rows = yield* (yield* open("read")).agents(Option.getOrUndefined(agent))
    yield* print(rows, () => agentsText(rows, output))
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show agents: their state, their revision, and the events they accept now.",
  ),
  Command.withShortDescription("Show agents and their states"),
  Command.withExamples([{ command: "aios agents lead" }]),
)

const eventLine = (event: RecordedEvent, paint: Paint): string => {
  const at = new Date(event.metadata.occurredAt ?? event.metadata.at).toISOString()
  const state = event.metadata.value === undefined ? "" : ` → ${stateText(event.metadata.value)}`
  return `${String(event.position).padStart(7)}  ${paint.dim(at.slice(0, 19).replace("T", " "))}  ${
    oneLine(event.stream)
  }@${event.revision}  ${paint.bold(oneLine(event.type))}${state}\n`
}

const nonNegative = (name: string, value: number | undefined) =>
  value !== undefined && value < 0
    ? Effect.fail(
      new OperationFailed({
        kind: "usage",
        error: "InvalidValue",
        message: `--${name}: give a number that is not negative.`,
      }),
    )
    : Effect.void

const events = Command.make(
  "events",
  {
    stream: Flag.String("stream").pipe(
      Flag.withMetavar("<stream>"),
      Flag.withDescription("Only this stream (lead-6f1c…, settings-founder)"),
      Flag.optional,
    ),
    after: Flag.Int("after").pipe(
      Flag.withDescription("Only events after this position"),
      Flag.optional,
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withDescription("At most so many"),
      Flag.optional,
    ),
    follow: Flag.Boolean("follow").pipe(
      Flag.withDescription("Go on with what comes, until Ctrl-C; with --json one event per line"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* (given) {
    const output = yield* Output
    const json = yield* Json
    yield* nonNegative("after", Option.getOrUndefined(given.after))
    yield* nonNegative("limit", Option.getOrUndefined(given.limit))
    const aios = yield* open("read")
    const stream = Option.isSome(given.stream) ? { stream: given.stream.value } : {}
    let after = Option.getOrElse(given.after, () => -1)
    let left = Option.getOrElse(given.limit, () => Number.POSITIVE_INFINITY)

    if (given.follow) {
      yield* output.onInterrupt(exitCode.ok)
      const followed = aios.follow({ ...stream, after })
      return yield* Stream.runForEach(
        Number.isFinite(left) ? Stream.take(followed, left) : followed,
        (event) =>
          output.data(json ? `${JSON.stringify(event)}\n` : eventLine(event, output.paint)),
      )
    }

    let first = true
    if (json) yield* output.data("[")
    while (left > 0) {
      const page = yield* aios.events({ ...stream, after, limit: Math.min(pageEvents, left) })
      const text = page.map((event) => {
        const comma = first ? "\n" : ",\n"
        first = false
        return json ? `${comma}${JSON.stringify(event)}` : eventLine(event, output.paint)
      }).join("")
      if (text !== "") yield* output.data(text)
      left -= page.length
      if (page.length < pageEvents) break
      after = page.at(-1)!.position
    }
    if (json) yield* output.data(first ? "]\n" : "\n]\n")
    else if (first) yield* output.log("No events. aios import mailbox.mbox contacts.csv")
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Show what happened, in order. Personal data stays sealed here.\n\n" +
      "--follow goes on with what comes.",
  ),
  Command.withShortDescription("Show what happened, in order"),
  Command.withExamples([
    { command: "aios events --stream settings-founder" },
    { command: "aios events --follow --json | jq .type" },
  ]),
)

const checksText = (checks: ReadonlyArray<Check>, output: Output["Service"]): string =>
  checks.map((check) =>
    `${check.ok ? "ok   " : output.paint.wrong("wrong")}  ${check.name}: ${plain(check.detail)}\n${
      check.fix === "" ? "" : `       → ${plain(check.fix)}\n`
    }`
  ).join("")

const doctor = Command.make(
  "doctor",
  {},
  Effect.fnUntraced(function* () {
    const output = yield* Output
    const access = yield* Access
    const host = yield* access.hostChecks
    const inner = yield* Effect.flatMap(open("read"), (aios) => aios.doctor).pipe(
      Effect.map((report) => report.checks),
      Effect.catch((error) =>
        Effect.succeed<ReadonlyArray<Check>>([{
          name: "log",
          ok: false,
          detail: `AIOS does not open here (${error.error})`,
          fix: error.message,
        }])
      ),
    )
    const checks = [...host, ...inner]
    const report = { ok: checks.every((check) => check.ok), checks }
    if (!report.ok) yield* output.exit(exitCode.failed)
    yield* print(report, () => checksText(checks, output))
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Check the installation; each problem comes with one fix. Exit code 1 if there is one.",
  ),
  Command.withShortDescription("Check the installation"),
)

export const lookCommands = [agents, events] as const
export const doctorCommands = [doctor] as const
