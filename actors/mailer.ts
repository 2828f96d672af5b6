/** Port: hands a finished mail to the outside. Keyed: the same key is the same mail, handed over once. */
import { Context, type Effect, Schema } from "effect"

export interface OutgoingMail {
  readonly from: { readonly name?: string; readonly address: string }
  readonly to: { readonly name?: string; readonly address: string }
  readonly subject: string
  readonly text: string
  /** Message-ID of the mail this answers. */
  readonly inReplyTo?: string
  /** Epoch ms for the Date header. */
  readonly at: number
}

/** The mail was not handed over. With `retryable` the same call may succeed later. */
export class MailerUnavailable
  extends Schema.TaggedError<MailerUnavailable>()("MailerUnavailable", {
    message: Schema.String,
    retryable: Schema.Boolean,
    cause: Schema.optionalKey(Schema.Defect()),
  }) {}

/** What is to be taken back has happened outside and cannot be undone from here. */
export class TooLate extends Schema.TaggedError<TooLate>()("TooLate", {
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

export class Mailer extends Context.Service<Mailer, {
  /** `where` tells a person where the mail now is, for example a file's path. */
  send(
    mail: OutgoingMail,
    key: string,
  ): Effect.Effect<{ readonly messageId: string; readonly where: string }, MailerUnavailable>
  /** Takes back what was handed over under `key`. `TooLate` where it has left the house; twice is success. */
  recall(key: string): Effect.Effect<{ readonly where: string }, MailerUnavailable | TooLate>
  /** Whether what is handed over is sent from here; false: it waits in `where` for the founder. */
  readonly sends: boolean
}>()("actors/Mailer") {}
