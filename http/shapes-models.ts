/** Shapes of what the HTTP API says about models. */
import { Schema } from "effect"

const Text = Schema.String
const Int = Schema.Int
const maybe = Schema.optionalKey

const Limits = Schema.Struct({ tokens: maybe(Int), millis: maybe(Int), micros: maybe(Int) })

export const CostTable = Schema.Struct({
  rows: Schema.Array(Schema.Struct({
    agent: Text,
    activity: Text,
    model: Text,
    calls: Int,
    cached: Int,
    tokensIn: Int,
    tokensOut: Int,
    millis: Int,
    failures: Int,
    micros: Int,
  })),
  budgets: Schema.Array(Schema.Struct({
    agent: Text,
    spent: Schema.Struct({ tokens: Int, millis: Int, micros: Int }),
    budget: Limits,
    state: Schema.Literals(["fine", "warning", "stopped"]),
  })),
}).annotate({ identifier: "Costs" })

/** What it is made of is checked where it is chosen. */
export const ModelPolicyShown = Schema.Json.annotate({
  description: "small, large, routeDefault, routes, budgets, prices, softPart",
})

/** One question to a model, as `why` shows it. */
export const ModelUse = Schema.Struct({
  model: Text,
  template: Text,
  tokensIn: Int,
  tokensOut: Int,
  millis: Int,
  cached: Schema.Boolean,
  outcome: Text,
  kept: Schema.Boolean,
}).annotate({ identifier: "ModelUse" })

export const TranscriptsShown = Schema.Struct({
  items: Schema.Array(Schema.Struct({
    model: Text,
    template: Text,
    outcome: Text,
    messages: maybe(Schema.Array(Schema.Struct({ role: Text, content: Text }))),
    answer: maybe(Text),
    forgotten: maybe(Schema.Boolean),
  })),
})
