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

export class Recall extends Context.Service<Recall, {
  about(person: string): Effect.Effect<Remembered, RecallUnavailable>
  /** Titles and texts of notes, by the streams of their records; those that are forgotten are left out. */
  notes(
    records: ReadonlyArray<string>,
  ): Effect.Effect<
    ReadonlyArray<{ readonly record: string; readonly title: string; readonly text: string }>,
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
  }),
)
