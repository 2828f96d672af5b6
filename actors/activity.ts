/**
 * How an activity is implemented: `implement(declaration, run)` beside the declaration that its chart
 * names. Whoever implements sees decoded input with its envelopes and opens them itself; the ask's id is
 * the key under which the outside world is told, so that a second run changes nothing.
 */
import { Context, Effect, Layer, Schema } from "effect"
import type { ActivityDeclaration, ActivityLogic, Json } from "../machines/agent.ts"
import type { Contacts } from "./contacts.ts"

/** What a run knows of itself. */
export interface Run {
  /** `<stream>/<revision>.<place>`: the idempotency key, the same for every attempt. */
  readonly askId: string
  /** From 1. */
  readonly attempt: number
  /** The asking actor's clock when it asked, epoch ms. */
  readonly clock: number
}

/**
 * What went wrong, as the chart's `onError` sees it: `name` is the tag. `retryable` says whether the
 * same run may succeed later without anyone doing anything. Every typed error with these fields fits.
 */
export interface ActivityFailure {
  readonly _tag: string
  readonly message: string
  readonly retryable: boolean
}

/** An ask, or an outcome, that does not fit its declaration's Schema. A fault in our code. */
export class MisfitActivity extends Schema.TaggedError<MisfitActivity>()("MisfitActivity", {
  message: Schema.String,
  retryable: Schema.Boolean,
}) {}

export interface Implementation<R = Contacts> {
  readonly declaration: ActivityDeclaration
  /** JSON in (envelopes included), JSON out (personal fields in plain: the actor system seals them). */
  readonly run: (input: unknown, run: Run) => Effect.Effect<Json, ActivityFailure, R>
}

export const implement = <Input, Output, E extends ActivityFailure, R>(
  logic: ActivityLogic<Input, Output>,
  run: (input: Input, run: Run) => Effect.Effect<Output, E, R>,
): Implementation<R> => {
  const declaration = logic.activity
  // The declaration has lost the Schemas' types; ActivityLogic kept them for us.
  const input = declaration.input as Schema.Codec<Input, unknown>
  const output = declaration.output as Schema.Codec<Output, Json>
  const decode = Schema.decodeUnknownEffect(input)
  const encode = Schema.encodeEffect(output)
  const misfit = (what: string) => (issue: { readonly message: string }) =>
    new MisfitActivity({
      message: `The ${what} of ${declaration.name} does not fit its declaration: ${issue.message}`,
      retryable: false,
    })
  return {
    declaration,
    run: (given, how) =>
      decode(given).pipe(
        Effect.mapError(misfit("input")),
        Effect.flatMap((decoded) => run(decoded, how)),
        Effect.flatMap((result) => Effect.mapError(encode(result), misfit("output"))),
      ),
  }
}

/** Every implementation by its declaration's name, with its ports joined. */
export class Activities extends Context.Service<Activities, ReadonlyMap<string, Implementation>>()(
  "actors/Activities",
) {}

/** What an implementation needs. */
type Needs<I> = I extends Implementation<infer R> ? R : never

/**
 * Joins implementations with their ports. `Contacts` alone is left to the runner: it answers from the
 * actor system, which needs the activities first.
 */
export const layer = <I extends Implementation<unknown>>(
  implementations: ReadonlyArray<I>,
): Layer.Layer<Activities, never, Exclude<Needs<I>, Contacts>> =>
  Layer.effect(
    Activities,
    Effect.map(Effect.context<Exclude<Needs<I>, Contacts>>(), (ports) =>
      new Map(implementations.map(({ declaration, run }) => [declaration.name, {
        declaration,
        run: (input: unknown, how: Run) =>
          // All but Contacts is in `ports`; the compiler cannot subtract from an unknown R.
          Effect.provideContext(run(input, how), ports) as Effect.Effect<
            Json,
            ActivityFailure,
            Contacts
          >,
      }]))),
  )
