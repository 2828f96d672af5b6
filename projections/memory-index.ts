/**
 * What finds things in memory: passages by their words, and by their meaning where there is a model and a
 * place for vectors. It follows the log behind the read model `memories`; `memory-indexer.ts` is what does.
 */
import { Context, Effect } from "effect"
import type { LogUnavailable } from "../actors/event-log.ts"
import type { BlobsUnavailable } from "../actors/blob-store.ts"
import type { Progress, Rebuilt } from "./aios.ts"
import type { PassageIndex, PassageIndexUnavailable } from "./passage-index.ts"
import type { ReadStoreUnavailable } from "./read-store.ts"

export type IndexTrouble =
  | LogUnavailable
  | BlobsUnavailable
  | ReadStoreUnavailable
  | PassageIndexUnavailable

export interface IndexState {
  /** Position up to which the words are indexed, and passages there are. */
  readonly words: number
  readonly passages: number
  /** Name of the embedding model; `none` where there is none. */
  readonly model: string
  /** Vectors of hot and warm passages, as last counted; and items that wait for theirs. */
  readonly vectors: number
  readonly waiting: number
  /** Why vectors are not made, and the command that helps; undefined where all is well. */
  readonly problem?: string
}

export interface Near {
  readonly found: ReadonlyArray<{ readonly id: string; readonly similarity: number }>
  /** Part of what should have vectors that has them, 0 to 1. */
  readonly covered: number
  /** Why nothing was looked for by meaning. */
  readonly problem?: string
}

export interface MemoryIndexShape {
  readonly passages: PassageIndex["Service"]
  /** Brings the words to the log's head; gives that position. Cheap where nothing is new. */
  readonly words: (progress?: Progress) => Effect.Effect<number, IndexTrouble>
  /**
   * Makes vectors of what waits, newest first, for so long at most, and asks for an eviction where the hot
   * tier is over its cap. What keeps it from that is said by `state`, not failed with.
   */
  readonly vectors: (millisMax: number) => Effect.Effect<void, IndexTrouble>
  /** Passages near a text, nearest first; says why where that cannot be told. */
  readonly near: (
    text: string,
    options: { readonly limit: number; readonly person?: string; readonly positionMax?: number },
  ) => Effect.Effect<Near>
  readonly state: Effect.Effect<IndexState, IndexTrouble>
  /** Words and vectors anew from the log; vectors of known texts come from the cache. */
  readonly rebuild: (progress: Progress) => Effect.Effect<Rebuilt, IndexTrouble>
  /** Does both halves in the background, for as long as the process lives. */
  readonly run: Effect.Effect<never>
}

/** Undefined where there is no index: recall then finds nothing, and nothing waits for it. */
export const MemoryIndex = Context.Reference<MemoryIndexShape | undefined>(
  "projections/MemoryIndex",
  { defaultValue: () => undefined },
)

/** Indexes what comes, for as long as the process stays. */
export const runIndex = Effect.flatMap(MemoryIndex, (index) => index?.run ?? Effect.never)
