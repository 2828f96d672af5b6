/**
 * Port: vectors by which memory is found by meaning. A projection like any other: it may be deleted at
 * any time and comes back from the log. It holds ids, vectors and what is filtered by, never a text: who
 * reads it learns no word.
 */
import { Context, Effect, Layer, Schema } from "effect"

export class MemoryStoreUnavailable
  extends Schema.TaggedError<MemoryStoreUnavailable>()("MemoryStoreUnavailable", {
    reason: Schema.Literals(["absent", "failed", "timedOut"]),
    message: Schema.String,
    retryable: Schema.Boolean,
    cause: Schema.optionalKey(Schema.Defect()),
  }) {}

export interface MemoryVector {
  /** Of the passage: `<item>`, or `<item>#2`; see `passage-index.ts`. */
  readonly id: string
  readonly vector: Float32Array
  /** Key of the person; absent where it is about nobody. */
  readonly person?: string
  readonly kind: string
  readonly tier: "hot" | "warm"
  /** When it happened in the world, epoch ms. */
  readonly at: number
  /** Of the event that made it. */
  readonly position: number
}

export interface MemoryQuery {
  readonly vector: Float32Array
  readonly limit: number
  readonly person?: string
  /** Only what the log knew up to here. */
  readonly positionMax?: number
}

type Trouble<A> = Effect.Effect<A, MemoryStoreUnavailable>

/** All calls concern one space: the vectors of one embedding model. */
export class MemoryStore extends Context.Service<MemoryStore, {
  /** Says it is there and gives the number of vectors of the space. */
  count(space: string): Trouble<number>
  /** Replaces what has the same id. Any number: the adapter cuts it into batches. */
  upsert(space: string, vectors: ReadonlyArray<MemoryVector>): Trouble<void>
  /** What is not there is no error. */
  remove(space: string, ids: ReadonlyArray<string>): Trouble<void>
  /** Nearest first; `similarity` is the cosine, -1 to 1. */
  query(
    space: string,
    query: MemoryQuery,
  ): Trouble<ReadonlyArray<{ readonly id: string; readonly similarity: number }>>
  /** All ids, in no order: what is there is compared with what should be. */
  ids(space: string): Trouble<ReadonlyArray<string>>
  /** Drops the space. */
  clear(space: string): Trouble<void>
}>()("projections/MemoryStore") {}

const nowhere = Effect.fail(
  new MemoryStoreUnavailable({
    reason: "absent",
    message: "There is no place for vectors here",
    retryable: false,
  }),
)

/** Where there is no place for vectors: what is remembered is found by its words. */
export const absent: Layer.Layer<MemoryStore> = Layer.succeed(
  MemoryStore,
  MemoryStore.of({
    count: () => nowhere,
    upsert: () => nowhere,
    remove: () => nowhere,
    query: () => nowhere,
    ids: () => nowhere,
    clear: () => nowhere,
  }),
)
