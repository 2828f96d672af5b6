/** `SubjectItems` over the rows of `memories.ts`: what is remembered, for the night's planning. */
import { Effect, Layer } from "effect"
import { RecallUnavailable } from "../actors/recall.ts"
import { type SubjectItem, SubjectItems } from "../actors/summary-subjects.ts"
import { itemById, placesInTier, subjectStanding } from "./memory-rows.ts"
import type { Tier } from "./memory-items.ts"
import { ReadStore } from "./read-store.ts"
import { Projections } from "./runner.ts"

/** Rows read at a time: between pages others get their turn. */
const pageItems = 500
/** More are not looked at in one night. */
const itemsMax = 200_000
/** Summaries themselves are warm. */
const tiersOfFacts: ReadonlyArray<Tier> = ["hot", "cold"]

const make = Effect.gen(function* () {
  const store = yield* ReadStore
  const projections = yield* Projections
  const reading = <A>(what: () => A) =>
    Effect.try({
      try: what,
      catch: (cause) => new RecallUnavailable({ message: String(cause), retryable: true }),
    })

  const page = (tier: Tier, after: string | undefined) => {
    const places = placesInTier(store, tier, {
      limit: pageItems,
      newestFirst: true,
      ...(after === undefined ? {} : { after }),
    })
    const items = places.flatMap(({ id }): ReadonlyArray<SubjectItem> => {
      const item = itemById(store, id)
      if (item === undefined || item.what === "summary" || item.suspect === true) return []
      const { at, importance, kind, person, position, summary, thread, what } = item
      return [{
        ...{ id, what, kind, at, position, importance, isSummarised: summary !== undefined },
        ...(person === undefined ? {} : { person }),
        ...(thread === undefined ? {} : { thread }),
      }]
    })
    return { items, next: places.length < pageItems ? undefined : places.at(-1)?.key }
  }

  const all = Effect.gen(function* () {
    yield* projections.catchUp.pipe(
      Effect.mapError((cause) =>
        new RecallUnavailable({ message: cause.message, retryable: true })
      ),
    )
    const found: Array<SubjectItem> = []
    for (const tier of tiersOfFacts) {
      let after: string | undefined
      do {
        const { items, next } = yield* reading(() => page(tier, after))
        found.push(...items)
        after = next
        yield* Effect.yieldNow
      } while (after !== undefined && found.length < itemsMax)
    }
    return found
  })

  return SubjectItems.of({
    all,
    standing: (of, key) =>
      reading(() => {
        const { refusedUpTo, upTo } = subjectStanding(store, of, key)
        return { upTo, refusedUpTo }
      }),
  })
})

export const layer = Layer.effect(SubjectItems, make)
