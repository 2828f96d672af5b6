/** Enters in the address book who was written to, and a note about it, each once. */
import { Effect } from "effect"
import { noteContact as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { Crm } from "../crm.ts"
import { opened } from "./opened.ts"

export const noteContact = implement(declaration, (noted, run) =>
  Effect.gen(function* () {
    const crm = yield* Crm
    const { address, name } = yield* opened(noted.contact)
    const text = yield* opened(noted.note)
    const { at } = noted
    yield* crm.upsertContact({ address, name }, { key: `${run.askId}#contact`, at })
    const { where } = yield* crm.addNote({ address, text }, { key: `${run.askId}#note`, at })
    return { where }
  }))
