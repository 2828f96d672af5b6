/** Passages of one process, gone with it: for tests, and for reading where there is nothing yet. */
import { Layer } from "effect"
import { layer as sqlite } from "./passage-index-sqlite.ts"

/** The same SQL as the file's, so that nothing is found here that is not found there. */
export const layer = Layer.orDie(sqlite(":memory:"))
