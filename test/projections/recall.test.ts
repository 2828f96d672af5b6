/** What is remembered about a person, for those who draft. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { EventLog } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import { Recall } from "../../actors/recall.ts"
import * as memoryBlobs from "../../adapters/blob-store-memory.ts"
import * as memoryLog from "../log-memory.ts"
import * as memoryStore from "../../adapters/read-store-memory.ts"
import * as recurrences from "../../adapters/recurrences-ical.ts"
import * as memoryVault from "../../adapters/vault-memory.ts"
import { projections } from "../../projections/mod.ts"
import { layer as queries } from "../../projections/queries.ts"
import { layer as recall } from "../../projections/recall-local.ts"
import { layer as runner } from "../../projections/runner.ts"

const world = () =>
  recall.pipe(
    Layer.provideMerge(queries),
    Layer.provideMerge(runner(projections)),
    Layer.provide(recurrences.layer),
    Layer.provideMerge(memoryBlobs.layer),
    Layer.provideMerge(
      Layer.fresh(Layer.mergeAll(memoryLog.layer, memoryStore.layer, memoryVault.layer)),
    ),
  )

const person = "a".repeat(32)
const stream = `analyst-${person}`
const wrote = Effect.fnUntraced(function* (
  sentAt: number,
  direction: "inward" | "outward",
  language?: string,
) {
  const log = yield* EventLog
  const revision = (yield* log.readPage(stream)).length
  yield* log.append(stream, revision - 1, [{
    id: derivedId(`${stream}/${revision}`),
    type: "MailRead",
    data: {
      person,
      sentAt,
      direction,
      record: `record-${sentAt}`,
      findings: language === undefined ? {} : { language },
    },
    metadata: { at: sentAt, $correlationId: derivedId(stream) },
  }])
})
const language = Effect.flatMap(Recall, (one) => one.about(person)).pipe(
  Effect.map((known) => known.language),
)

describe("the language", () => {
  it.effect("is the one of the person's last mail that says it", () =>
    Effect.gen(function* () {
      expect(yield* language).toBeUndefined()
      yield* wrote(3, "inward", "de")
      expect(yield* language).toBe("de")
      yield* wrote(4, "outward", "en")
      yield* wrote(5, "inward")
      yield* wrote(2, "inward", "en")
      expect(yield* language).toBe("de")
      yield* wrote(6, "inward", "en")
      expect(yield* language).toBe("en")
    }).pipe(Effect.provide(world())))
})
