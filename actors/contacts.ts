/**
 * Port: may we write to this person? Answered from the lead's own actor, never from a read model, so
 * that what was unsubscribed a moment ago counts.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { ActorSystem } from "./actor-system.ts"

export type Permission =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly reason: string }

/** Nobody can say now whether the person may be written to, so nothing is sent. Try again later. */
export class ContactsUnavailable
  extends Schema.TaggedError<ContactsUnavailable>()("ContactsUnavailable", {
    message: Schema.String,
    retryable: Schema.Boolean,
    cause: Schema.optionalKey(Schema.Defect()),
  }) {}

export class Contacts extends Context.Service<Contacts, {
  /** `person` is a person's key. Somebody of whom nothing is known may be written to. */
  mayWrite(person: string): Effect.Effect<Permission, ContactsUnavailable>
}>()("actors/Contacts") {}

/** States of a lead in which nobody writes to the person, and what to say of it. */
const closed: Readonly<Record<string, string>> = {
  unsubscribed: "The person asked not to be written to",
  unreachable: "Mail to the person came back for good",
}

export const contactsOf = (system: Pick<ActorSystem["Service"], "view">): Contacts["Service"] =>
  Contacts.of({
    mayWrite: Effect.fn("Contacts.mayWrite")(function* (person: string) {
      const lead = yield* system.view(`lead-${person}`).pipe(
        Effect.mapError((cause) =>
          new ContactsUnavailable({
            message: `Cannot tell whether the person may be written to: ${cause.message}`,
            retryable: true,
            cause,
          })
        ),
      )
      if (lead?.status === "parked") {
        return yield* new ContactsUnavailable({
          message: `lead-${person} is parked: ${lead.problem ?? "see aios doctor"}`,
          retryable: true,
        })
      }
      const reason = typeof lead?.value === "string" ? closed[lead.value] : undefined
      return reason === undefined ? { allowed: true } : { allowed: false, reason }
    }),
  })

export const layer: Layer.Layer<Contacts, never, ActorSystem> = Layer.effect(
  Contacts,
  Effect.map(ActorSystem, contactsOf),
)
