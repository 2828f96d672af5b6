/**
 * Port: what is known about a person, for those who draft. It is read from the read models, which may
 * lag a moment behind: nothing is decided by it.
 */
import { Context, Effect, Layer, Schema } from "effect"
import type { InvoiceFacts } from "../machines/executor.ts"
import type { Language } from "../machines/record.ts"

export class RecallUnavailable
  extends Schema.TaggedError<RecallUnavailable>()("RecallUnavailable", {
    message: Schema.String,
    retryable: Schema.Boolean,
  }) {}

export interface Remembered {
  readonly name?: string
  readonly address?: string
  readonly company?: string
  readonly mails: number
  /** What the person wrote in last, where that is known. */
  readonly language?: Language
  /** Invoices that are not settled, or overpaid. */
  readonly invoices: ReadonlyArray<InvoiceFacts>
  /** The next meeting with the person, epoch ms. */
  readonly nextMeeting?: { readonly startsAt: number; readonly title: string }
}

/** One thing that is remembered. */
export interface Memory {
  readonly text: string
  readonly tier: "hot" | "warm" | "cold"
  /** 0 to 1, greater is nearer; only comparable within one answer. */
  readonly score: number
  /** Ids of the events it stands for: where it is known from. */
  readonly events: ReadonlyArray<string>
  readonly person?: string
  /** When it happened, epoch ms. */
  readonly at: number
  /** `mail`, `note`, `summary`. */
  readonly what: string
}

export interface MemoryQuestion {
  readonly about: string
  readonly person?: string
  /** Together, as the embedder counts them or four characters each. Default 1,000. */
  readonly tokensMax?: number
  readonly limit?: number
}

export class Recall extends Context.Service<Recall, {
  about(person: string): Effect.Effect<Remembered, RecallUnavailable>
  /** Titles and texts of notes, by the streams of their records; those that are forgotten are left out. */
  notes(
    records: ReadonlyArray<string>,
  ): Effect.Effect<
    ReadonlyArray<{ readonly record: string; readonly title: string; readonly text: string }>,
    RecallUnavailable
  >
  /** What is remembered about a question, best first, each with where it is known from. */
  search(question: MemoryQuestion): Effect.Effect<ReadonlyArray<Memory>, RecallUnavailable>
  /** Plain texts of records (mails, messages, notes), by stream, oldest first; those forgotten are left out. */
  texts(
    records: ReadonlyArray<string>,
  ): Effect.Effect<
    ReadonlyArray<
      {
        readonly record: string
        readonly event: string
        readonly at: number
        readonly text: string
        readonly subject: string
        /** What it is, in a line. */
        readonly title?: string
      }
    >,
    RecallUnavailable
  >
}>()("actors/Recall") {}

const nothing = new RecallUnavailable({ message: "Nothing is remembered here", retryable: false })

/** Where there are no read models: nothing is remembered, and who drafts makes do with what it was given. */
export const absent: Layer.Layer<Recall> = Layer.succeed(
  Recall,
  Recall.of({
    about: () => Effect.fail(nothing),
    notes: () => Effect.fail(nothing),
    search: () => Effect.fail(nothing),
    texts: () => Effect.fail(nothing),
  }),
)
