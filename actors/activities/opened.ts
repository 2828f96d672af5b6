/**
 * Opens what a chart passed on sealed. What was forgotten meanwhile cannot be opened, and then nothing
 * that needs it is done.
 */
import { Effect, Schema } from "effect"
import { isSealed, type Sealed } from "../../machines/agent.ts"
import { Vault } from "../vault.ts"

/** The key was destroyed: the person was forgotten. */
export class PersonForgotten extends Schema.TaggedError<PersonForgotten>()("PersonForgotten", {
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

/** The plain value of a personal field. What was sealed fitted its Schema then, so it does now. */
export const opened = <A>(field: A): Effect.Effect<Exclude<A, Sealed>, PersonForgotten, Vault> =>
  Effect.flatMap(Vault, (vault) => {
    if (!isSealed(field)) return Effect.succeed(field as Exclude<A, Sealed>)
    const plain = vault.open(field)
    return plain === undefined
      ? Effect.fail(
        new PersonForgotten({
          message: "The person was forgotten meanwhile, or their key is lost: nothing was done",
          retryable: false,
        }),
      )
      : Effect.succeed(plain as Exclude<A, Sealed>)
  })
