/**
 * `rebuild`: read models and the index of memory anew from the log. `settled`: what a command leaves behind
 * is indexed before it ends, so that the next one finds it.
 */
import { Effect } from "effect"
import type { Progress, Rebuilt } from "./aios.ts"
import { door, refuse } from "./aios-failures.ts"
import { MemoryIndex } from "./memory-index.ts"
import { Projections } from "./runner.ts"

/** Vectors may take so long at a command's end; the rest is made in the background of `aios start`. */
const vectorsMillisMax = 10_000
const memory = "memory"

/** One by name, or all: the index of memory last, since it follows the read models. */
export const rebuild = Effect.fnUntraced(function* (name: string | undefined, progress: Progress) {
  const projections = yield* Projections
  const index = yield* MemoryIndex
  const known = index === undefined ? projections.names : [...projections.names, memory]
  if (name !== undefined && !known.includes(name)) {
    return yield* refuse(
      "usage",
      "ProjectionUnknown",
      `There is no read model ${name}. There are: ${known.join(", ")}`,
    )
  }
  const rebuilt: Array<Rebuilt> = []
  for (const one of name === undefined ? known : [name]) {
    rebuilt.push(
      one === memory && index !== undefined
        ? yield* door(index.rebuild(progress))
        : yield* door(projections.rebuild(one, progress)),
    )
  }
  return rebuilt
})

/**
 * Indexes what is new; what cannot be is left for later, and told. Vectors have a time of their own: work
 * that fills a command's time, such as drafts by a model, would leave them none.
 */
export const settled = Effect.fnUntraced(function* (millisMax: number) {
  const index = yield* MemoryIndex
  if (index === undefined) return
  yield* Effect.gen(function* () {
    yield* index.words()
    yield* index.vectors(Math.min(millisMax, vectorsMillisMax))
  }).pipe(
    Effect.catch((problem) => Effect.logWarning(`Memory is not indexed yet: ${problem.message}`)),
  )
})
