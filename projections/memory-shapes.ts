/** Rows of `memories.ts` as what they are, trusting no shape: a row of an older version is no item. */
import { Option, Schema } from "effect"
import type { Json, JsonObject } from "../machines/agent.ts"
import { MemoryPolicy, memoryPolicyDefault } from "../machines/memory.ts"
import type { MemoryItem, SummaryRecord } from "./memory-items.ts"

const Tier = Schema.Literals(["hot", "warm", "cold"])
const Item = Schema.Struct({
  id: Schema.String,
  tier: Tier,
  kind: Schema.Literals(["person", "product", "campaign", "task"]),
  what: Schema.String,
  person: Schema.optionalKey(Schema.String),
  thread: Schema.optionalKey(Schema.String),
  at: Schema.Finite,
  position: Schema.Finite,
  stream: Schema.String,
  events: Schema.Array(Schema.String),
  importance: Schema.Finite,
  moved: Schema.Array(Schema.Struct({ position: Schema.Finite, tier: Tier })),
  summary: Schema.optionalKey(Schema.String),
  segment: Schema.optionalKey(Schema.String),
  suspect: Schema.optionalKey(Schema.Boolean),
  kept: Schema.optionalKey(Schema.Boolean),
  until: Schema.optionalKey(Schema.Finite),
})
const Summary = Schema.Struct({
  id: Schema.String,
  of: Schema.String,
  key: Schema.String,
  person: Schema.optionalKey(Schema.String),
  state: Schema.Literals(["accepted", "refused", "withdrawn", "replaced"]),
  text: Schema.Json,
  made: Schema.String,
  facts: Schema.Struct({ found: Schema.Finite, kept: Schema.Finite }),
  questions: Schema.Struct({ asked: Schema.Finite, answered: Schema.Finite }),
  persons: Schema.Array(Schema.String),
  refused: Schema.Json,
  attempts: Schema.Json,
  events: Schema.Array(Schema.String),
  upTo: Schema.Finite,
  tokens: Schema.Finite,
  at: Schema.Finite,
  position: Schema.Finite,
})

const decodeItem = Schema.decodeUnknownOption(Item)
const decodeSummary = Schema.decodeUnknownOption(Summary)
const decodePolicy = Schema.decodeUnknownOption(MemoryPolicy)

export const itemOf = (row: Json | undefined): MemoryItem | undefined =>
  row === undefined ? undefined : Option.getOrUndefined(decodeItem(row))

export const itemRow = (item: MemoryItem): JsonObject => ({
  ...item,
  events: [...item.events],
  moved: item.moved.map((one) => ({ ...one })),
})

export const summaryOf = (row: Json | undefined): SummaryRecord | undefined =>
  row === undefined ? undefined : Option.getOrUndefined(decodeSummary(row))

export const policyOf = (row: Json | undefined): MemoryPolicy =>
  Option.getOrElse(decodePolicy(row), () => memoryPolicyDefault)
