/**
 * `aios backup`, `aios restore` and `aios export`. A backup is packed under another name, read back, opened and folded
 * again before it gets its own; a restore does the same before the data directory is there.
 */
import { Clock, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { join, sep } from "node:path"
import { type Aios, OperationFailed, type Progress } from "../projections/aios.ts"
import { Keeping } from "../projections/keeping.ts"
import { Access, open, print, watch } from "./access.ts"
import { bytes, count, oneLine, Output } from "./output.ts"

/** Beside the file until it is whole and checked; the launcher grants both names. */
export const unfinishedSuffix = ".partial"
/** Beside the new data directory until all of it is there; the launcher grants both names. */
export const restoringSuffix = ".restoring"
/** Where a backup is read back to, in the data directory. */
const checkPrefix = "backup-check-"
/** Events read at a time. */
const exportEvents = 200
/** Quarantined asks listed to a person; --json has all. */
const asksShown = 20

const usage = (error: string, message: string) =>
  new OperationFailed({ kind: "usage", error, message })

const filed = <A>(what: string, act: () => A) =>
  Effect.try({
    try: act,
    catch: (cause) =>
      new OperationFailed({
        kind: "failed",
        error: "FileUnusable",
        message: `${what} (${cause instanceof Error ? cause.message : String(cause)}). ` +
          "Check the path, the space and the permissions.",
      }),
  })

/** Work with a progress line of its own, so that its rate is its own too. */
const phase = <A, E, R>(
  what: string,
  unit: "bytes" | "events",
  work: (progress: Progress) => Effect.Effect<A, E, R>,
) =>
  Effect.flatMap(Output, (output) =>
    Effect.suspend(() => {
      const line = output.progress(what, unit)
      return Effect.ensuring(work(watch(line)), Effect.sync(line.end))
    }))

const stamp = (at: number) => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`

const kindOf = (path: string) =>
  !existsSync(path) ? "nothing" : statSync(path).isDirectory() ? "folder" : "file"

const checkTarget = Effect.fnUntraced(function* (file: string, force: boolean) {
  const { dataDir } = yield* Access
  if (file === dataDir || file.startsWith(dataDir + sep)) {
    return yield* usage(
      "InsideDataDirectory",
      `${file} is inside the data directory: a backup there is lost with it. Name a file on another disk.`,
    )
  }
  if (kindOf(file) === "folder") {
    return yield* usage("IsFolder", `${file} is a folder: name a file, such as ${file}/aios.backup`)
  }
  if (kindOf(file) === "file" && !force) {
    return yield* usage("FileExists", `${file} exists. Name another file, or say --force.`)
  }
})

const backup = Command.make(
  "backup",
  {
    file: Argument.String("file").pipe(
      Argument.withDescription("Where to, on another disk: a file that does not exist yet"),
    ),
    force: Flag.Boolean("force").pipe(
      Flag.withDescription("Replace the file, once the new backup is whole"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* (given) {
    const access = yield* Access
    const keeping = yield* Keeping
    const file = access.path(given.file)
    yield* checkTarget(file, given.force)
    const unfinished = `${file}${unfinishedSuffix}`
    const beside = join(access.dataDir, `${checkPrefix}${access.process}`)
    const started = yield* Clock.monotonicTimeNanos
    const aios = yield* open("read")
    const remove = (path: string) =>
      Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    const copy = yield* Effect.acquireRelease(
      phase("Backup", "bytes", aios.backup),
      ({ folder }) => Effect.ignore(aios.backupDone(folder)),
    )
    const { checked, size } = yield* Effect.gen(function* () {
      const size = yield* phase(
        "Backup",
        "bytes",
        (progress) => keeping.pack(copy, unfinished, progress),
      )
      yield* aios.backupDone(copy.folder)
      yield* phase(
        "Backup",
        "bytes",
        (progress) => keeping.unpack(unfinished, beside, false, progress),
      )
      const checked = yield* phase(
        "Backup",
        "events",
        (progress) => keeping.check(beside, copy.head, progress),
      )
      yield* filed(`${file} could not be written`, () => renameSync(unfinished, file))
      return { size, checked }
    }).pipe(
      Effect.ensuring(Effect.all([
        remove(beside),
        remove(unfinished),
      ])),
    )
    // For aios doctor alone: without it, it does not know.
    yield* Effect.ignore(filed("", () => {
      const word = JSON.stringify({ at: copy.at, file, head: copy.head })
      writeFileSync(join(access.dataDir, "last-backup.json"), `${word}\n`, { mode: 0o600 })
    }))
    const millis = Number(((yield* Clock.monotonicTimeNanos) - started) / 1_000_000n)
    const plain = copy.files.reduce((sum, one) => sum + one.bytes, 0)
    const result = {
      file,
      at: copy.at,
      head: copy.head,
      files: copy.files.length,
      plainBytes: plain,
      bytes: size,
      events: checked.events,
      actors: checked.actors,
      millis,
    }
    yield* print(
      result,
      () =>
        `${oneLine(file)}: ${bytes(size)}, ${count(copy.files.length, "file")} of ${
          bytes(plain)
        }, ` +
        `as of ${stamp(copy.at)}\n` +
        `Read back and folded again: ${count(checked.actors, "actor")}, ${
          count(checked.events, "event")
        }, no divergence (${(millis / 1000).toFixed(1)} s)\n` +
        "Whoever has this file has everything, keys included: keep it where only you can read it.\n" +
        `Restore it with: aios restore ${oneLine(given.file)} --data-dir NEW-FOLDER\n`,
    )
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Write everything that must not be lost into one file: log, keys, secret, attachments, outbox, " +
      "payments, contacts, published articles. Works while AIOS runs. The file is read back, opened " +
      "and folded again before it counts. Whoever has the file has everything: it is not encrypted, " +
      "and the keys are in it.",
  ),
  Command.withShortDescription("Write everything into one file, checked"),
  Command.withExamples([
    { command: "aios backup /media/disk/aios-2026-11-24.backup" },
    { command: "aios backup ~/backups/aios.backup --force" },
  ]),
)

const checkEmpty = Effect.fnUntraced(function* (directory: string, remedy: string) {
  if (kindOf(directory) === "file") {
    return yield* usage("IsFile", `${directory} is a file. ${remedy}`)
  }
  if (kindOf(directory) === "folder" && readdirSync(directory).length > 0) {
    return yield* usage(
      "NotEmpty",
      `${directory} is not empty. Nothing was changed. ${remedy}`,
    )
  }
})

const restore = Command.make(
  "restore",
  {
    file: Argument.String("file").pipe(Argument.withDescription("A file of aios backup")),
  },
  Effect.fnUntraced(function* (given) {
    const access = yield* Access
    const keeping = yield* Keeping
    const file = access.path(given.file)
    const directory = access.dataDir
    if (kindOf(file) !== "file") {
      return yield* usage("NoSuchFile", `There is no file ${file}.`)
    }
    yield* checkEmpty(directory, "Give a new folder with --data-dir.")
    const beside = `${directory}${restoringSuffix}`
    // What a restore left that was broken off; only restores use this name.
    yield* filed(`${beside} could not be made`, () => {
      rmSync(beside, { recursive: true, force: true })
      mkdirSync(beside, { recursive: true, mode: 0o700 })
      rmSync(beside, { recursive: true })
    })
    const { asks, checked, unpacked } = yield* Effect.gen(function* () {
      const unpacked = yield* phase(
        "Restore",
        "bytes",
        (progress) => keeping.unpack(file, beside, true, progress),
      )
      const checked = yield* phase(
        "Restore",
        "events",
        (progress) => keeping.check(beside, unpacked.head, progress),
      )
      const asks = yield* keeping.quarantine(beside, stamp(unpacked.at))
      yield* filed(`${directory} could not be made`, () => renameSync(beside, directory))
      return { unpacked, checked, asks }
    }).pipe(
      Effect.ensuring(Effect.sync(() => {
        rmSync(beside, { recursive: true, force: true })
      })),
    )
    const result = { dataDir: directory, ...unpacked, ...checked, quarantined: asks }
    yield* print(result, () => {
      const more = asks.length - asksShown
      return [
        `${oneLine(directory)}: ${count(unpacked.files, "file")}, ${
          bytes(unpacked.bytes)
        }, as of ` +
        `${stamp(unpacked.at)}. Folded again: ${count(checked.actors, "actor")}, ${
          count(checked.events, "event")
        }, no divergence.`,
        "What happened after the backup was made is not known here, and nothing is done again by itself.",
        ...(asks.length === 0 ? [] : [
          `${count(asks.length, "thing")} may have been done since and ${
            asks.length === 1 ? "is" : "are"
          } held. Look at each, then say so; what did not happen goes on.`,
          ...asks.slice(0, asksShown).flatMap(({ about, activity, ask }) => [
            `  ${activity}${about === "" ? "" : `, ${oneLine(about)}`}`,
            `    aios settle ${ask} --happened      or --did-not-happen`,
          ]),
          ...(more > 0 ? [`  and ${more} more: aios approvals`] : []),
          ...(asks.length > 1
            ? ["  When none of them was done: aios settle --all --did-not-happen"]
            : []),
        ]),
        "Stop the AIOS that this was a backup of before you start this one, or both will write.",
      ].join("\n") + "\n"
    })
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Make a data directory from a backup. --data-dir names a folder that does not exist or is empty. " +
      "The file is checked, every agent is folded again, and whatever leaves the house and was open when " +
      "the backup was made is held until you say whether it happened since: nothing is sent twice.",
  ),
  Command.withShortDescription("Make a data directory from a backup"),
  Command.withExamples([
    { command: "aios restore /media/disk/aios-2026-11-24.backup --data-dir ~/aios-restored" },
  ]),
)

const exportText = (
  directory: string,
  written: Readonly<Record<string, number>>,
): string => {
  const { forgotten, ...names } = written
  return [
    `${oneLine(directory)}:`,
    ...Object.entries(names).map(([name, n]) => `  ${name.padEnd(16)}${n.toLocaleString("en-US")}`),
    ...(forgotten === undefined
      ? []
      : [`  ${count(forgotten, "record")} left out: the people were forgotten.`]),
    "Everything in it is plain text that anybody can read who has the folder.",
  ].join("\n") + "\n"
}

const exported = Command.make(
  "export",
  {
    folder: Argument.String("folder").pipe(
      Argument.withDescription("A folder that does not exist yet, or is empty"),
    ),
  },
  Effect.fnUntraced(function* (given) {
    const access = yield* Access
    const keeping = yield* Keeping
    const output = yield* Output
    const directory = access.path(given.folder)
    if (directory === access.dataDir || directory.startsWith(access.dataDir + sep)) {
      return yield* usage(
        "InsideDataDirectory",
        `${directory} is inside the data directory. Name a folder elsewhere.`,
      )
    }
    yield* checkEmpty(directory, "Name a new folder.")
    const unfinished = `${directory}${unfinishedSuffix}`
    const aios = yield* open("read")
    const line = output.progress("Exporting", "events")
    const written = yield* Effect.scoped(Effect.gen(function* () {
      yield* filed(`${unfinished} could not be made`, () => {
        // What an export left that was broken off.
        rmSync(unfinished, { recursive: true, force: true })
        mkdirSync(unfinished, { mode: 0o700 })
      })
      const exporting = yield* keeping.exporting(unfinished)
      const total = yield* headOf(aios)
      for (let after = -1;;) {
        const page = yield* aios.exported({ after, limit: exportEvents })
        yield* exporting.take(page, aios)
        line.step(page.last + 1, Math.max(total, page.last) + 1)
        if (page.done) break
        after = page.last
      }
      const written = yield* exporting.finish
      yield* filed(`${directory} could not be made`, () => renameSync(unfinished, directory))
      return written
    })).pipe(
      Effect.ensuring(Effect.sync(() => {
        rmSync(unfinished, { recursive: true, force: true })
        line.end()
      })),
    )
    yield* print({ folder: directory, written }, () => exportText(directory, written))
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Write everything into a folder in open formats: events.ndjson (CloudEvents), mail.mbox, people.csv, " +
      "messages.csv, invoices.csv, payments.csv, calendar.ics, notes/ and attachments/. Works while " +
      "AIOS runs. It is all or nothing, and in plain text.",
  ),
  Command.withShortDescription("Write everything in open formats"),
  Command.withExamples([{ command: "aios export ~/aios-export" }]),
)

/** For the progress only: where it is not known, the rest is not told. */
const headOf = (aios: Aios["Service"]) =>
  aios.projections.pipe(
    Effect.map((all) => Math.max(-1, ...all.map(({ head }) => head))),
    Effect.catch(() => Effect.succeed(-1)),
  )

export const keptCommands = [backup, restore, exported] as const
