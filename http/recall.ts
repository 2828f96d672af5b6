/** What is remembered about a question, each with where it is known from. It only reads. */
import { Effect, Schema } from "effect"
import { Aios } from "../projections/aios.ts"
import { momentIn } from "../projections/aios-moment.ts"
import { route } from "./route.ts"

const limitMax = 100
const tokensLimit = 100_000
const Text = Schema.String

const Hit = Schema.Struct({
  tier: Schema.Literals(["hot", "warm", "cold"]),
  score: Schema.Finite.annotate({ description: "0 to 1; comparable within one answer" }),
  text: Text,
  events: Schema.Array(Text).annotate({ description: "Ids of the events it stands for" }),
  person: Text,
  kind: Schema.Literals(["person", "product", "campaign", "task"]),
  what: Text,
  at: Schema.Finite.annotate({ description: "Epoch milliseconds" }),
  suspect: Schema.optionalKey(
    Schema.Literal(true).annotate({
      description: "Spam, not from whom it says, or it speaks to an AI: not to be relied upon",
    }),
  ),
  source: Schema.optionalKey(Schema.Struct({ file: Text, at: Text })),
}).annotate({ identifier: "Hit" })

export const Recalled = Schema.Struct({
  hits: Schema.Array(Hit),
  mode: Schema.Literals(["hybrid", "lexical", "deep"]).annotate({
    description: "By meaning and words, by words only, or from the log itself",
  }),
  position: Schema.Int,
  cached: Schema.Boolean,
  notes: Schema.Array(Text).annotate({
    description: "Why it is not better, and the command that makes it so",
  }),
}).annotate({ identifier: "Recalled" })

export const recall = route({
  id: "recall",
  method: "get",
  path: "/api/recall",
  tag: "memory",
  summary: "What is remembered about a question, best first, each with the events it is known from",
  query: Schema.Struct({
    q: Text.annotate({ description: "A question, or a few words" }),
    person: Schema.optionalKey(Text.annotate({ description: "Name, address or key" })),
    at: Schema.optionalKey(
      Text.annotate({
        description: "As it was known then: a day (its end), an instant, or epoch milliseconds",
      }),
    ),
    position: Schema.optionalKey(
      Schema.Int.annotate({ description: "As it was known at that position of the log" }),
    ),
    deep: Schema.optionalKey(
      Schema.Literals(["true", "false"]).annotate({
        description: "true: from the whole log instead of the index",
      }),
    ),
    segment: Schema.optionalKey(
      Text.annotate({ description: "From this segment of the archive instead" }),
    ),
    limit: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: limitMax })),
    ),
    tokens: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: tokensLimit })).annotate({
        description: "Of all texts together",
      }),
    ),
  }),
  answer: Recalled,
  problems: [404, 422],
  handle: ({ query: { at, deep, limit, person, position, q, segment, tokens } }) =>
    Effect.gen(function* () {
      const aios = yield* Aios
      const then = at === undefined
        ? undefined
        : yield* momentIn("at", at, (yield* aios.settings).timeZone)
      return yield* aios.recall(q, {
        ...(person === undefined ? {} : { person }),
        ...(then === undefined ? {} : { at: then }),
        ...(position === undefined ? {} : { position }),
        ...(deep === "true" ? { deep: true } : {}),
        ...(segment === undefined ? {} : { segment }),
        ...(limit === undefined ? {} : { limit }),
        ...(tokens === undefined ? {} : { tokensMax: tokens }),
      })
    }),
})

export const recallRoutes = [recall]
