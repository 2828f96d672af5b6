/**
 * Hands an approved mail to the mailer, once: the ask's id is the mail's key. Whether the person may be
 * written to is asked right before, since weeks may lie between the approval and the sending.
 */
import { Clock, Effect, Schema } from "effect"
import { sendMail as declaration } from "../../machines/executor.ts"
import { implement } from "../activity.ts"
import { Contacts } from "../contacts.ts"
import { Mailer } from "../mailer.ts"
import { opened } from "./opened.ts"

/** The person must not be written to. Nothing was sent. */
export class NotPermitted extends Schema.TaggedError<NotPermitted>()("NotPermitted", {
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

export const sendMail = implement(declaration, (draft, run) =>
  Effect.gen(function* () {
    const contacts = yield* Contacts
    const mailer = yield* Mailer
    const permission = yield* contacts.mayWrite(draft.person)
    if (!permission.allowed) {
      return yield* new NotPermitted({
        message: `${permission.reason}: nothing was sent`,
        retryable: false,
      })
    }
    const inReplyTo = yield* opened(draft.inReplyTo)
    return yield* mailer.send({
      from: yield* opened(draft.from),
      to: yield* opened(draft.to),
      subject: yield* opened(draft.subject),
      text: yield* opened(draft.text),
      ...(inReplyTo === "" ? {} : { inReplyTo }),
      at: yield* Clock.currentTimeMillis,
    }, run.askId)
  }))
