/**
 * Port: the document of a slot, made from the log. The same slot and date give the same document as
 * long as nothing earlier is imported.
 */
import { Context, Effect, Layer, Schema } from "effect"
import type { LocalDate, Slot } from "../machines/coordinator.ts"

export class ReportsUnavailable
  extends Schema.TaggedError<ReportsUnavailable>()("ReportsUnavailable", {
    message: Schema.String,
    retryable: Schema.Boolean,
  }) {}

export interface ReportDocument {
  readonly title: string
  /** Markdown. */
  readonly text: string
  readonly figures: { readonly [name: string]: number }
}

export class Reports extends Context.Service<Reports, {
  /** `date`: the day of the slot, in the founder's zone. */
  compose(
    slot: Slot,
    date: typeof LocalDate.Type,
  ): Effect.Effect<ReportDocument, ReportsUnavailable>
}>()("actors/Reports") {}

/** Where there are no read models: no document is made. */
export const absent: Layer.Layer<Reports> = Layer.succeed(
  Reports,
  Reports.of({
    compose: () =>
      Effect.fail(
        new ReportsUnavailable({ message: "No reports are made here", retryable: false }),
      ),
  }),
)
