/** The address book in memory: its rules without files, for tests and trials. */
import { Layer } from "effect"
import { Crm, CrmUnavailable } from "../actors/crm.ts"
import { bookOver, type Line } from "./crm-book.ts"
import { inMemory } from "./keyed-journal.ts"

/** `seen` is called with all lines after each entry. */
export const layerWith = (seen: (lines: ReadonlyArray<Line>) => void): Layer.Layer<Crm> =>
  Layer.sync(
    Crm,
    () =>
      Crm.of(bookOver(inMemory(), {
        show: seen,
        where: (kind) => `memory:${kind}s`,
        trouble: (cause) => new CrmUnavailable({ message: String(cause), retryable: false, cause }),
      })),
  )

export const layer: Layer.Layer<Crm> = layerWith(() => {})
