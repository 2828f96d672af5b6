/**
 * Port: the address book of the business. Contacts are upserted by their address, notes are added under
 * a key; the same key again changes nothing. With `dryRun` nothing is written.
 */
import { Context, type Effect, Schema } from "effect"

export interface CrmContact {
  readonly address: string
  readonly name: string
  readonly company?: string
  readonly position?: string
  readonly phone?: string
  /** HubSpot's lifecycle stage: `lead`, `opportunity`, `customer`. */
  readonly stage?: string
}

export interface CrmCall {
  readonly key: string
  readonly at: number
  readonly dryRun?: boolean
}

export class CrmUnavailable extends Schema.TaggedError<CrmUnavailable>()("CrmUnavailable", {
  message: Schema.String,
  retryable: Schema.Boolean,
  cause: Schema.optionalKey(Schema.Defect()),
}) {}

type Done = Effect.Effect<{ readonly where: string; readonly dryRun: boolean }, CrmUnavailable>

export class Crm extends Context.Service<Crm, {
  readonly version: number
  /** Fields that are absent stay as they were. */
  upsertContact(contact: CrmContact, call: CrmCall): Done
  addNote(note: { readonly address: string; readonly text: string }, call: CrmCall): Done
}>()("actors/Crm") {}
