/** Makes the document of a slot. The same slot and date give the same document. */
import { Effect } from "effect"
import { composeReport as declaration } from "../../machines/coordinator.ts"
import { implement } from "../activity.ts"
import { Reports } from "../reports.ts"

export const composeReport = implement(declaration, ({ date, slot }) =>
  Effect.gen(function* () {
    const reports = yield* Reports
    const { figures, text, title } = yield* reports.compose(slot, date)
    return { slot, date, title, text, figures: { ...figures } }
  }))
