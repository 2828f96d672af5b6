/**
 * Port: segments of recorded events as compressed files, sealed as they are in the log. A segment is a
 * second copy: the log keeps everything, so a lost one is written again.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { RecordedEvent } from "../actors/event-log.ts"

export class ArchiveUnavailable
  extends Schema.TaggedError<ArchiveUnavailable>()("ArchiveUnavailable", {
    /** `full` needs space first; `missing` and `damaged`: write it again. */
    reason: Schema.Literals(["full", "missing", "damaged", "failed"]),
    message: Schema.String,
    retryable: Schema.Boolean,
    cause: Schema.optionalKey(Schema.Defect()),
  }) {}

export interface Written {
  /** Of the file. */
  readonly bytes: number
  readonly sha256: string
  readonly events: number
}

export class Archive extends Context.Service<Archive, {
  /**
   * Writes it beside, flushes it, reads it back, compares and only then gives it its name: all of it or
   * nothing. A segment of that name is replaced.
   */
  write<E>(
    segment: string,
    pages: Stream.Stream<ReadonlyArray<RecordedEvent>, E>,
  ): Effect.Effect<Written, ArchiveUnavailable | E>
  /** Whether its file is there and the same as when it was written. */
  state(
    segment: string,
    sha256: string,
  ): Effect.Effect<"whole" | "missing" | "damaged", ArchiveUnavailable>
  /** What is in a segment, in order of position, for whoever searches all there is. */
  events(
    segment: string,
  ): Stream.Stream<ReadonlyArray<RecordedEvent>, ArchiveUnavailable>
}>()("projections/Archive") {}

/** `12-4031.jsonl.gz`: positions of its first and last event. */
export const segmentName = (from: number, to: number): string => `${from}-${to}.jsonl.gz`
export const isSegmentName = (name: string): boolean => /^\d{1,15}-\d{1,15}\.jsonl\.gz$/.test(name)
