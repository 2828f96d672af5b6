/**
 * Port: reads a file that the user gave and says what is in it, one record at a time. The format is
 * told by the content, never by the file's name. A record that cannot be read is a fault among the
 * others and stops nothing; only a file that cannot be read at all is an error.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { ParsedRecord } from "./intake.ts"

export type RecordFormat =
  | "mbox"
  | "eml"
  | "linkedin"
  | "linkedin messages"
  | "hubspot"
  | "salesforce"
  | "people"
  | "stripe"
  | "invoice lines"
  | "calendar"
  | "feed"
  | "markdown"

/** The file cannot be read: missing, a folder, not allowed, or it failed half way. */
export class FileUnreadable extends Schema.TaggedError<FileUnreadable>()("FileUnreadable", {
  path: Schema.String,
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect()),
}) {}

/** The file is no format we know: empty, binary, or other text. */
export class FormatUnknown extends Schema.TaggedError<FormatUnknown>()("FormatUnknown", {
  path: Schema.String,
  message: Schema.String,
  /** What it is and what to do with it, where that is known. */
  advice: Schema.optionalKey(Schema.String),
}) {}

/** A record that was left out. `at` is `byte 1042` or `line 17`. */
export interface Fault {
  readonly at: string
  readonly reason: string
}

export type ReadItem = { readonly record: ParsedRecord } | { readonly fault: Fault }

export interface OpenedFile {
  readonly path: string
  /** Its name without folders. */
  readonly file: string
  readonly format: RecordFormat
  readonly bytes: number
  /** Bytes read so far, for progress. */
  bytesRead(): number
  /** Pulled by its reader: nothing is read ahead but one buffer. To be run once. */
  readonly records: Stream.Stream<ReadItem, FileUnreadable>
}

export class RecordReader extends Context.Service<RecordReader, {
  /** `beside`: the other files of the same import, which may say more of what this one has. */
  open(
    path: string,
    beside?: ReadonlyArray<string>,
  ): Effect.Effect<OpenedFile, FileUnreadable | FormatUnknown>
}>()("actors/RecordReader") {}
