/**
 * Port: passages of plain text, found by their words (BM25), and the vectors that were made of them. It is
 * the one place where memory lies open on this machine: a file of its own that may be deleted at any time.
 * Calls are synchronous, as those of `ReadStore`.
 */
import { Context, Schema } from "effect"
import type { MemoryKind } from "./memory-items.ts"

export interface Passage {
  /** `<item id>` or `<item id>#2`: long items are cut into passages. */
  readonly id: string
  readonly item: string
  readonly text: string
  readonly kind: MemoryKind
  readonly person?: string
  readonly at: number
  readonly position: number
  /** SHA-256 of the text. */
  readonly hash: string
}

export interface WordsQuery {
  readonly words: string
  readonly limit: number
  readonly person?: string
  readonly positionMax?: number
}

/** Thrown by every call when the file cannot be used. What is damaged is made anew by itself. */
export class PassageIndexUnavailable
  extends Schema.TaggedError<PassageIndexUnavailable>()("PassageIndexUnavailable", {
    message: Schema.String,
    /** The file was damaged and is empty now: it is filled from the log again. */
    anew: Schema.Boolean,
    cause: Schema.optionalKey(Schema.Defect()),
  }) {}

export class PassageIndex extends Context.Service<PassageIndex, {
  /** Position up to which the log is indexed, and a mark of the log it belongs to; undefined: nothing yet. */
  readonly checkpoint: () => { readonly position: number; readonly id: string } | undefined
  /** One transaction. */
  readonly apply: (change: {
    readonly put: ReadonlyArray<Passage>
    /** Of items: all their passages go. */
    readonly drop: ReadonlyArray<string>
    readonly checkpoint: { readonly position: number; readonly id: string }
  }) => void
  /** Best first; `score` greater is better, only comparable within one answer. */
  readonly search: (
    query: WordsQuery,
  ) => ReadonlyArray<{ readonly id: string; readonly score: number }>
  readonly get: (ids: ReadonlyArray<string>) => ReadonlyArray<Passage>
  readonly passagesOf: (items: ReadonlyArray<string>) => ReadonlyArray<Passage>
  readonly count: () => number
  /** Vectors by content hash and model: what was embedded once is not embedded again. */
  readonly vectors: (
    model: string,
    hashes: ReadonlyArray<string>,
  ) => ReadonlyMap<string, Float32Array>
  readonly keepVectors: (model: string, vectors: ReadonlyMap<string, Float32Array>) => void
  /** Cached answers and the like; small values by key. */
  readonly note: (key: string) => string | undefined
  readonly setNote: (key: string, value: string | undefined) => void
  /** Passages, checkpoint and notes go; vectors stay, since they are of texts and not of a log. */
  readonly clear: () => void
}>()("projections/PassageIndex") {}
