/**
 * `aios import`: reads the files and folders the user named, record by record, and gives them to AIOS in
 * batches. A file that cannot be read does not keep the others out; running it again adds nothing twice.
 */
import { join, relative } from "node:path"
import { Effect, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { ParsedRecord } from "../actors/intake.ts"
import {
  type Fault,
  type OpenedFile,
  type ReadItem,
  RecordReader,
} from "../actors/record-reader.ts"
import { type Aios, OperationFailed } from "../projections/aios.ts"
import { Access, open, print } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { finish } from "./finish.ts"
import {
  changeIn,
  filesIn,
  inOrder,
  isFolder,
  type Skipped,
  skippedLines,
  stateOf,
} from "./import-files.ts"
import { count, oneLine, Output, plain } from "./output.ts"

/** A batch is sent when it holds this many records, or this many characters and bytes. */
const batchRecordsMax = 256
const batchWeightMax = 4 * 1024 * 1024
/** Faults of one file shown to a person; --json has all that were kept. */
const faultsShown = 10
/** Faults of one file that are kept; the rest is counted. */
const faultsKept = 10_000
/** Files of a folder that a person is shown. */
const filesShown = 40
/** With --watch a folder is looked at this often, and a file that did not change between two looks rests. */
const lookEveryMillis = 5_000
const restMillis = 1_000

interface FileResult {
  readonly path: string
  format: string
  /** With --dry-run: how many of each kind it holds. */
  readonly holds?: Map<ParsedRecord["record"], number>
  records: number
  imported: number
  duplicates: number
  readonly faults: Array<Fault>
}

export interface ImportResult {
  readonly files: ReadonlyArray<FileResult>
  readonly imported: number
  readonly duplicates: number
  readonly faults: number
}

/** A file of a folder that is no format of ours: no failure, and said in one line. */
const resultOf = (path: string): FileResult => ({
  path,
  format: "",
  records: 0,
  imported: 0,
  duplicates: 0,
  faults: [],
})

const weightOf = (record: ParsedRecord): number =>
  (record.record === "mail"
    ? record.attachments.reduce((sum, attachment) => sum + attachment.content.length, 0)
    : 0) + ("text" in record ? record.text.length : 0) + 500

/** Where a file's records go: to AIOS, or nowhere with --dry-run. */
type Sink = (batch: ReadonlyArray<ParsedRecord>) => ReturnType<Aios["Service"]["intake"]>

/** Reads one file. What it reads is counted in `result` as it goes, so an interrupt knows how far it came. */
const readFile = Effect.fnUntraced(function* (sink: Sink, file: OpenedFile, result: FileResult) {
  const output = yield* Output
  result.format = file.format
  const progress = output.progress(`Importing ${oneLine(file.file)}`, "bytes")
  let batch: Array<ParsedRecord> = []
  let weight = 0
  let faultsLeftOut = 0

  const fault = (one: Fault) => {
    if (result.faults.length < faultsKept) result.faults.push(one)
    else faultsLeftOut++
  }
  const flush = Effect.suspend(() => {
    if (batch.length === 0) return Effect.void
    const full = batch
    batch = []
    weight = 0
    return Effect.map(sink(full), (taken) => {
      result.imported += taken.imported
      result.duplicates += taken.duplicates
      taken.faults.forEach(fault)
    })
  })
  const take = (item: ReadItem) =>
    Effect.suspend(() => {
      progress.step(file.bytesRead(), file.bytes, count(result.records, "record"))
      if ("fault" in item) {
        fault(item.fault)
        return Effect.void
      }
      result.records++
      const kind = item.record.record
      result.holds?.set(kind, (result.holds.get(kind) ?? 0) + 1)
      batch.push(item.record)
      weight += weightOf(item.record)
      return batch.length >= batchRecordsMax || weight >= batchWeightMax ? flush : Effect.void
    })

  yield* Stream.runForEach(file.records, take).pipe(
    // A file that breaks off half way: what was read before goes in.
    Effect.catchTag("FileUnreadable", (error) => Effect.andThen(flush, Effect.fail(error))),
    Effect.andThen(flush),
    Effect.ensuring(Effect.sync(progress.end)),
  )
  if (faultsLeftOut > 0) {
    result.faults.push({ at: "", reason: `${faultsLeftOut} further faults are not listed` })
  }
})

const totalOf = (files: ReadonlyArray<FileResult>): ImportResult => ({
  files,
  imported: files.reduce((sum, one) => sum + one.imported, 0),
  duplicates: files.reduce((sum, one) => sum + one.duplicates, 0),
  faults: files.reduce((sum, one) => sum + one.faults.length, 0),
})

/** Reads files into `sink`; the exit code is set where one that was named could not be read. */
const readFiles = Effect.fnUntraced(function* (
  sink: Sink,
  paths: ReadonlyArray<string>,
  options: { readonly holds?: boolean; readonly skipped?: Array<Skipped> } = {},
) {
  const access = yield* Access
  const reader = yield* RecordReader
  const output = yield* Output
  const results: Array<FileResult> = []
  // Of the batch that is being taken in, some may be in already.
  let taking = 0
  const counting: Sink = (batch) => {
    taking = batch.length
    return Effect.tap(sink(batch), () => Effect.sync(() => void (taking = 0)))
  }
  yield* output.onInterrupt(undefined, () => {
    const more = taking === 0 ? "" : `, and so may be some of the next ${taking}`
    const inside = count(totalOf(results).imported, "record")
    return `Stopped: ${inside} of this import are in and stay in${more}. Run the same ` +
      "command again to go on; nothing is imported twice."
  })
  const begin = (path: string) => {
    const result: FileResult = {
      ...resultOf(path),
      ...(options.holds === true ? { holds: new Map() } : {}),
    }
    results.push(result)
    return result
  }
  const unreadable = (path: string, result: FileResult, message: string) =>
    Effect.gen(function* () {
      result.faults.push({ at: "", reason: message })
      yield* output.exit(exitCode.failed)
      yield* output.log(`aios: ${oneLine(path)}: ${plain(message)}`)
    })
  const opened: Array<{ readonly path: string; readonly format: OpenedFile["format"] }> = []
  for (const path of paths) {
    yield* Effect.matchEffect(reader.open(access.path(path)), {
      onSuccess: ({ format }) => Effect.sync(() => opened.push({ path, format })),
      onFailure: (error) =>
        error._tag === "FormatUnknown" && options.skipped !== undefined
          ? Effect.sync(() =>
            options.skipped?.push({
              path,
              reason: error.message,
              ...(error.advice === undefined ? {} : { advice: error.advice }),
            })
          )
          : unreadable(path, begin(path), error.message),
    })
  }
  const stripe = opened.filter(({ format }) => format === "stripe")
    .map(({ path }) => access.path(path))
  for (const { path } of inOrder(opened)) {
    const result = begin(path)
    yield* reader.open(access.path(path), stripe).pipe(
      Effect.flatMap((file) => readFile(counting, file, result)),
      Effect.catchTag("FileUnreadable", (error) => unreadable(path, result, error.message)),
      Effect.catchTag("FormatUnknown", (error) => unreadable(path, result, error.message)),
    )
  }
  return totalOf(results)
})

/** Imports files; the exit code is set where one could not be read. */
export const importFiles = (aios: Aios["Service"], files: ReadonlyArray<string>) =>
  readFiles((batch) => aios.intake(batch), files)

const kinds: { readonly [kind in ParsedRecord["record"]]: string } = {
  mail: "mail",
  person: "person",
  message: "message",
  invoice: "invoice",
  payment: "payment",
  meeting: "meeting",
  feedItem: "feed item",
  note: "note",
}

const held = (file: FileResult): string => {
  if (file.holds === undefined) return `${file.imported} new, ${file.duplicates} known`
  const parts = [...file.holds].map(([kind, n]) =>
    kind === "person" && n !== 1 ? `${n} people` : count(n, kinds[kind])
  )
  return parts.length === 0 ? "nothing to take in" : parts.join(", ")
}

const shown = (result: ImportResult, skipped: ReadonlyArray<Skipped>): string => {
  // What went wrong is shown before what went well.
  const listed = new Set(
    result.files.toSorted((a, b) => Math.min(1, b.faults.length) - Math.min(1, a.faults.length))
      .slice(0, filesShown),
  )
  const lines = result.files.filter((file) => listed.has(file)).map((file) => {
    const head = `${oneLine(file.path)}: ${
      file.format === "" ? "not read" : `${file.format}, ${count(file.records, "record")}`
    }, ${held(file)}`
    // Why a file was not read at all was said when it was opened.
    const faults = (file.format === "" ? [] : file.faults.slice(0, faultsShown)).map((fault) =>
      `    ${fault.at === "" ? "" : `${fault.at}: `}${plain(fault.reason)}`
    )
    const more = file.faults.length - faultsShown
    return [
      file.faults.length === 0 ? head : `${head}, ${count(file.faults.length, "fault")}`,
      ...faults,
      ...(more > 0 ? [`    and ${more} more (--json shows them)`] : []),
    ].join("\n")
  })
  const more = result.files.length - filesShown
  if (more > 0) lines.push(`and ${more} more ${more === 1 ? "file" : "files"} (--json shows them)`)
  lines.push(...skippedLines(skipped))
  if (result.files.length > 1 && result.files.every((file) => file.holds === undefined)) {
    lines.push(
      `${count(result.files.length, "file")}: ${result.imported} new, ${result.duplicates} known` +
        (result.faults === 0 ? "" : `, ${count(result.faults, "fault")}`),
    )
  }
  return lines.length === 0 ? "Nothing in it that AIOS reads.\n" : `${lines.join("\n")}\n`
}

interface Named {
  readonly files: ReadonlyArray<string>
  readonly folders: ReadonlyArray<string>
}

/** What the user named, files and folders apart. */
const named = Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
  const access = yield* Access
  const [folders, files]: [Array<string>, Array<string>] = [[], []]
  for (const path of paths) {
    ;(yield* isFolder(access.path(path))) ? folders.push(path) : files.push(path)
  }
  return { files, folders } satisfies Named
})

const asJson = (result: ImportResult, skipped: ReadonlyArray<Skipped>) => ({
  ...result,
  files: result.files.map(({ holds, ...file }) =>
    holds === undefined ? file : { ...file, holds: Object.fromEntries(holds) }
  ),
  ...(skipped.length === 0 ? {} : { skipped }),
})

/** Everything that was named, once. */
const importOnce = Effect.fnUntraced(
  function* (sink: Sink, paths: ReadonlyArray<string>, dry: boolean) {
    const access = yield* Access
    const output = yield* Output
    const { files, folders } = yield* named(paths)
    const skipped: Array<Skipped> = []
    const results = [...(yield* readFiles(sink, files, { holds: dry })).files]
    for (const folder of folders) {
      const found = yield* filesIn(access.path(folder), access.dataDir)
      for (const one of found.passedOver) yield* output.log(`Passed over ${oneLine(one)}`)
      // As the user wrote the folder: shorter, and what they know it by.
      const below = found.files.map((path) => join(folder, relative(access.path(folder), path)))
      results.push(...(yield* readFiles(sink, below, { holds: dry, skipped })).files)
    }
    const result = totalOf(results)
    yield* print(asJson(result, skipped), () => shown(result, skipped))
  },
)

/** Keeps folders imported: each file that is new or has changed, as soon as it rests. */
const importForEver = Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
  const access = yield* Access
  const output = yield* Output
  const { files, folders } = yield* named(paths)
  if (files.length > 0 || folders.length === 0) {
    return yield* new OperationFailed({
      kind: "usage",
      error: "InvalidValue",
      message: `--watch keeps folders imported, and ${oneLine(files[0] ?? "nothing")} is none. ` +
        "Give the folder that your exports are saved in.",
    })
  }
  /** By path, its state when it was imported, and when it was last looked at. */
  const imported = new Map<string, string>()
  const seen = new Map<string, string>()
  const told = new Set<string>()
  yield* output.log(`Watching ${folders.map(oneLine).join(", ")}. Ctrl-C stops it.`)
  for (;;) {
    const resting: Array<string> = []
    let unsettled = false
    for (const folder of folders) {
      for (const path of (yield* filesIn(access.path(folder), access.dataDir)).files) {
        const state = yield* stateOf(path)
        if (state === undefined || imported.get(path) === state) continue
        if (seen.get(path) === state) resting.push(path)
        else unsettled = true
        seen.set(path, state)
      }
    }
    if (resting.length > 0) {
      const skipped: Array<Skipped> = []
      const result = yield* Effect.scoped(Effect.gen(function* () {
        const aios = yield* open("work")
        const read = yield* readFiles((batch) => aios.intake(batch), resting, { skipped })
        yield* finish(aios)
        return read
      }))
      for (const path of resting) imported.set(path, seen.get(path) ?? "")
      for (const { path, reason } of skipped) {
        if (!told.has(path)) yield* output.log(`Passed over: ${plain(reason)}`)
        told.add(path)
      }
      if (result.files.length > 0) {
        yield* print(asJson(result, []), () => shown(result, []))
      }
    }
    yield* output.onInterrupt(exitCode.ok, () => "Stopped watching. Run it again to go on.")
    if (unsettled) yield* Effect.sleep(restMillis)
    else yield* Effect.raceAll(folders.map((one) => changeIn(access.path(one), lookEveryMillis)))
  }
})

/** Takes nothing in, and says so of each record. */
const nowhere: Sink = () => Effect.succeed({ imported: 0, duplicates: 0, faults: [] })

const command = Command.make(
  "import",
  {
    files: Argument.String("file").pipe(
      Argument.withDescription("A file, or a folder with all that is in it"),
      Argument.atLeast(1),
    ),
    watch: Flag.Boolean("watch").pipe(
      Flag.withDescription("Stay up and keep a folder imported, as files come into it"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Say what each file is and holds, and import nothing"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* ({ dryRun, files, watch }) {
    if (dryRun) return yield* importOnce(nowhere, files, true)
    if (watch) return yield* importForEver(files)
    const aios = yield* open("work")
    yield* importOnce((batch) => aios.intake(batch), files, false)
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Read what you have into AIOS: mail (mbox, Gmail Takeout too, and .eml), people (CSV of LinkedIn, " +
      "HubSpot, Salesforce and others, Salesforce JSON), LinkedIn messages, Stripe objects and events, " +
      "invoices as CSV of their lines, calendars (ICS), feeds (RSS, Atom, JSON Feed) and Markdown. A " +
      "folder is read with all that is in it. The format is told by the content. Importing twice adds " +
      "nothing. A broken record is reported with its place, and the rest goes in.",
  ),
  Command.withShortDescription("Read mail, people, money, meetings and notes into AIOS"),
  Command.withExamples([
    { command: "aios import ~/takeout/All\\ mail.mbox" },
    { command: "aios import Connections.csv stripe-events.jsonl calendar.ics" },
    { command: "aios import --dry-run ~/exports" },
    { command: "aios import --watch ~/exports" },
  ]),
)

export const importCommands = [command] as const
