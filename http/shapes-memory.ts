/** What the answers about memory look like, as Schemas: the shapes of projections/aios-memory.ts. */
import { Schema } from "effect"
import { State } from "./shapes.ts"

const Text = Schema.String
const Texts = Schema.Array(Text)
const Int = Schema.Int
const Millis = Schema.Finite.annotate({ description: "Epoch milliseconds" })
const maybe = Schema.optionalKey
const Counts = Schema.Record(Text, Int)

export const Policy = Schema.Struct({
  version: Int,
  hot: Schema.Struct({ itemsMax: Int, daysMax: Int, importanceMin: Schema.Finite }),
  summaries: Schema.Struct({ perNightMax: Int, tokensMax: Int, quietDaysMin: Int }),
  archive: Schema.Struct({ daysMin: Int }),
}).annotate({ identifier: "MemoryPolicy" })

export const Memory = Schema.Struct({
  tiers: Schema.Struct({
    hot: Schema.Struct({ items: Int, vectors: Int, waiting: Int }),
    warm: Schema.Struct({ items: Int }),
    cold: Schema.Struct({ items: Int, archived: Int }),
  }),
  kinds: Counts,
  policy: Policy,
  summaries: Schema.Struct({ accepted: Int, refused: Int, withdrawn: Int }),
  state: State,
  lastNight: Text,
  night: maybe(Schema.Struct({
    startedAt: Millis,
    endedAt: maybe(Millis),
    accepted: Int,
    refused: Int,
    skipped: Int,
    left: Int,
    tokens: Int,
    problem: Text,
  })),
  waits: Texts,
}).annotate({ identifier: "Memory" })

export const PolicyEffect = Schema.Struct({
  policy: Policy,
  applied: Schema.Boolean,
  evict: Int,
  recall: Int,
  keep: Int,
  spared: Int,
  because: Counts,
}).annotate({ identifier: "PolicyEffect" })

export const Summary = Schema.Struct({
  id: Text,
  of: Text,
  about: Text,
  state: Schema.Literals(["accepted", "refused", "withdrawn", "replaced"]),
  text: Text,
  made: Text,
  facts: Schema.Struct({ found: Int, kept: Int }),
  questions: Schema.Struct({ asked: Int, answered: Int }),
  refused: Texts,
  events: Texts,
  at: Millis,
  already: Schema.optionalKey(Schema.Boolean.annotate({
    description: "Taken back before; nothing changed",
  })),
}).annotate({ identifier: "Summary" })

export const Segment = Schema.Struct({
  segment: Text,
  bytes: Int,
  sha256: Text,
  items: Int,
  from: Int,
  to: Int,
  at: Millis,
  ok: Schema.Boolean,
  problem: Text,
  restored: Schema.Boolean,
}).annotate({ identifier: "Segment" })

export const Archived = Schema.Struct({
  dryRun: Schema.Boolean,
  days: Int,
  items: Int,
  segments: Schema.Array(Segment),
  again: Texts,
}).annotate({ identifier: "Archived" })

/** A line of long work: steps, then the result or what went wrong. */
export const linesOf = <S extends Schema.Top>(result: S, identifier: string) =>
  Schema.Union([
    Schema.Struct({
      progress: Schema.Struct({ what: Text, done: Schema.Finite, total: Schema.Finite }),
    }),
    Schema.Struct({ result }),
    Schema.Struct({ problem: Schema.Json }),
  ]).annotate({ identifier })
