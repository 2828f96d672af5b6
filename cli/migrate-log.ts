/** `aios migrate-log`: a whole event log from one place to another, read back before it counts. */
import { Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { type LogMigrated, LogMigration } from "../projections/log-migration.ts"
import { Access, print, watch } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { count, oneLine, Output } from "./output.ts"

const isConnection = (written: string) => /^[a-z+]+:\/\//i.test(written)

const next = (
  { ahead, dryRun, eventLog, from, to, samePositions }: LogMigrated,
): ReadonlyArray<string> => {
  if (dryRun) return []
  const positions = samePositions ? [] : [
    "Positions are others than before: read models are made anew at the next start by themselves.",
  ]
  if (ahead > 0) {
    return [
      ...positions,
      `${oneLine(to)} has ${count(ahead, "event")} more: it is the one in use since the last copy.`,
    ]
  }
  return eventLog !== undefined
    ? [
      ...positions,
      "To go on with it, with the same data directory, which keeps keys, secret and attachments:",
      `    export AIOS_EVENT_LOG='${oneLine(eventLog)}'`,
    ]
    : [
      ...positions,
      isConnection(from)
        ? "To go on with it, unset AIOS_EVENT_LOG and use the data directory that has its keys."
        : "Only the log was copied. Without the keys and the secret of the other folder it is sealed.",
    ]
}

const text = (done: LogMigrated): string => {
  const { alreadyThere, copied, dryRun, events, renumbered, streams, systemEventsLeftOut } = done
  return [
    `${oneLine(done.from)} → ${oneLine(done.to)}: ${count(events, "event")} in ${
      count(streams, "stream")
    }; ${count(copied, "event")} ${dryRun ? "to copy" : "copied"}${
      alreadyThere > 0 ? `, ${count(alreadyThere, "event")} there already` : ""
    }.`,
    ...(dryRun
      ? ["Nothing was written."]
      : [`Read back: every stream has the same events. SHA-256 of all: ${done.sha256}`]),
    ...(systemEventsLeftOut > 0
      ? [
        `${
          count(systemEventsLeftOut, "event")
        } of the protocol's own left out: its users, persistent subscriptions, metadata of ` +
        "streams ($maxCount, $acl …) and deletions. What was only hidden by them is visible in the copy.",
      ]
      : []),
    ...(renumbered.length > 0
      ? [
        `Their beginning is gone, so these are numbered anew: ${
          renumbered.map(oneLine).join(", ")
        }`,
      ]
      : []),
    ...next(done),
  ].join("\n") + "\n"
}

const place = (name: string, what: string) =>
  Argument.String(name).pipe(Argument.withDescription(
    `${what}: a data directory, esdb://…, or AIOS_EVENT_LOG for what that variable says`,
  ))

const migrate = Command.make(
  "migrate-log",
  {
    from: place("from", "The log to copy"),
    to: place("to", "Where to: an empty log, or one it was copied to before"),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Say what would be copied; write nothing"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* (given) {
    const access = yield* Access
    const output = yield* Output
    const migration = yield* LogMigration
    yield* output.onInterrupt(
      exitCode.SIGINT,
      () => "Stopped. What was copied is kept: run it again to go on.",
    )
    const named = (written: string) => isConnection(written) ? written : access.path(written)
    const line = output.progress("Migrating the log", "events")
    const done = yield* migration.migrate(
      named(given.from),
      named(given.to),
      given.dryRun,
      watch(line),
    ).pipe(Effect.ensuring(Effect.sync(line.end)))
    yield* print(done, () => text(done))
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Copy a whole event log, in its order, between a data directory and an event store (EventStoreDB, " +
      "KurrentDB, aios serve-log), either way or from one to another. The copy is read back: the " +
      "number and the hash of the events of every stream must be the same. Broken off, it goes on " +
      "where it was; a target that holds something else is refused. Keys, secret and attachments " +
      "stay in the data directory.",
  ),
  Command.withShortDescription("Copy the event log to another place, checked"),
  Command.withExamples([
    { command: "aios migrate-log ~/.local/share/aios 'esdb://127.0.0.1:2113?tls=false' --dry-run" },
    { command: "aios migrate-log AIOS_EVENT_LOG ~/.local/share/aios" },
  ]),
)

export const migrateLogCommands = [migrate] as const
