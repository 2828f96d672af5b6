/** What repeats in a calendar: the calendar library is loaded by the first question about one. */
import { Effect, Layer } from "effect"
import { Recurrences } from "../projections/recurrences.ts"

const loaded = Effect.gen(function* () {
  const { layer } = yield* Effect.promise(() => import("./recurrences-ical.ts"))
  return yield* Effect.provide(Recurrences, layer)
})

export const layer: Layer.Layer<Recurrences> = Layer.succeed(
  Recurrences,
  Recurrences.of({
    between: (...asked) => Effect.flatMap(loaded, (one) => one.between(...asked)),
    betweenAll: (...asked) => Effect.flatMap(loaded, (one) => one.betweenAll(...asked)),
  }),
)
