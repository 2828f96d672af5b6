/** Port: the processes beside AIOS (vectors, embeddings, a language model), as `aios doctor` tells of them. */
import { Context, type Effect } from "effect"
import type { Check } from "./aios.ts"

export class ProcessesBeside extends Context.Service<ProcessesBeside, {
  /** One per process: whether it runs, since when, how often it came back. Starts none. */
  readonly checks: Effect.Effect<ReadonlyArray<Check>>
}>()("projections/ProcessesBeside") {}
