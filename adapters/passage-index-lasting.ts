/**
 * Passages in a file, or in this process where there is none yet, or where it cannot be opened: then each
 * command fills its own from the log, which is slow and says so, and nothing else fails for it.
 */
import { Effect, Layer } from "effect"
import type { PassageIndex } from "../projections/passage-index.ts"
import * as memory from "./passage-index-memory.ts"
import * as sqlite from "./passage-index-sqlite.ts"

/** `file` undefined: nothing is kept. */
export const layer = (file: string | undefined): Layer.Layer<PassageIndex> =>
  file === undefined ? memory.layer : Layer.catch(
    sqlite.layer(file),
    ({ message }) => Layer.merge(memory.layer, Layer.effectDiscard(Effect.logWarning(message))),
  )
