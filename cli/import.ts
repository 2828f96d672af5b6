/**
 * `aios import`: reads the files the user named, record by record, and gives them to AIOS in batches.
 * A file that cannot be read does not keep the others out; running it again adds nothing twice.
 */
import { Effect, Stream } from "effect"
import { Argument, Command } from "effect/cli"
import type { ParsedRecord } from "../actors/intake.ts"
import { type Fault, type ReadItem, RecordReader } from "../actors/record-reader.ts"
import type { Aios } from "../projections/aios.ts"
import { Access, open, print } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { finish } from "./finish.ts"
import { count, oneLine, Output, plain } from "./output.ts"

/** A batch is sent when it holds this many records, or this many characters and bytes. */
const batchRecordsMax = 256
const batchWeightMax = 4 * 1024 * 1024
/** Faults of one file shown to a person; --json has all that were kept. */
const faultsShown = 10
/** Faults of one file that are kept; the rest is counted. */
const faultsKept = 10_000

interface FileResult {
  readonly path: string
  format: string
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

const weightOf = (record: ParsedRecord): number =>
  (record.record === "mail"
    ? record.attachments.reduce((sum, attachment) => sum + attachment.content.length, 0)
    : 0) + ("text" in record ? record.text.length : 0) + 500

/** Imports one file. What it reads is counted in `result` as it goes, so an interrupt knows how far it came. */
const importFile = Effect.fnUntraced(function* (
  aios: Aios["Service"],
  written: string,
  result: FileResult,
) {
  const access = yield* Access
  const reader = yield* RecordReader
  const output = yield* Output
  const file = yield* reader.open(access.path(written))
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
    return Effect.map(aios.intake(full), (taken) => {
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

/** Imports all files; the exit code is set where one could not be read. */
export const importFiles = Effect.fnUntraced(function* (
  aios: Aios["Service"],
  files: ReadonlyArray<string>,
) {
  const output = yield* Output
  const results: Array<FileResult> = []
  const total = (): ImportResult => ({
    files: results,
    imported: results.reduce((sum, one) => sum + one.imported, 0),
    duplicates: results.reduce((sum, one) => sum + one.duplicates, 0),
    faults: results.reduce((sum, one) => sum + one.faults.length, 0),
  })
  yield* output.onInterrupt(
    undefined,
    () =>
      `Stopped: ${
        count(total().imported, "record")
      } of this import are in and stay in. Run the same ` +
      "command again to go on; nothing is imported twice.",
  )
  for (const path of files) {
    const result: FileResult = {
      path,
      format: "",
      records: 0,
      imported: 0,
      duplicates: 0,
      faults: [],
    }
    results.push(result)
    const unreadable = (error: { readonly message: string }) =>
      Effect.gen(function* () {
        result.faults.push({ at: "", reason: error.message })
        yield* output.exit(exitCode.failed)
        yield* output.log(`aios: ${oneLine(path)}: ${plain(error.message)}`)
      })
    yield* importFile(aios, path, result).pipe(
      Effect.catchTag("FileUnreadable", unreadable),
      Effect.catchTag("FormatUnknown", unreadable),
    )
  }
  return total()
})

const shown = (result: ImportResult): string => {
  const lines = result.files.map((file) => {
    const head = `${oneLine(file.path)}: ${
      file.format === "" ? "not read" : `${file.format}, ${count(file.records, "record")}`
    }, ${file.imported} new, ${file.duplicates} known`
    const faults = file.faults.slice(0, faultsShown).map((fault) =>
      `    ${fault.at === "" ? "" : `${fault.at}: `}${plain(fault.reason)}`
    )
    const more = file.faults.length - faultsShown
    return [
      file.faults.length === 0 ? head : `${head}, ${count(file.faults.length, "fault")}`,
      ...faults,
      ...(more > 0 ? [`    and ${more} more (--json shows them)`] : []),
    ].join("\n")
  })
  return `${lines.join("\n")}\n`
}

const command = Command.make(
  "import",
  {
    files: Argument.String("file").pipe(
      Argument.withDescription("mbox (Gmail Takeout too), .eml, or a CSV of people"),
      Argument.atLeast(1),
    ),
  },
  Effect.fnUntraced(function* ({ files }) {
    const aios = yield* open("work")
    const result = yield* importFiles(aios, files)
    yield* print(result, () => shown(result))
    yield* finish(aios)
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Read mail and people into AIOS: mbox (Gmail Takeout too), .eml, CSV of people (LinkedIn, " +
      "HubSpot, others). The format is told by the content. Importing twice adds nothing. A broken " +
      "record is reported with its place, and the rest goes in.",
  ),
  Command.withShortDescription("Read mail and people into AIOS"),
  Command.withExamples([
    { command: "aios import ~/takeout/All\\ mail.mbox" },
    { command: "aios import Connections.csv hubspot-contacts.csv letter.eml" },
  ]),
)

export const importCommands = [command] as const
