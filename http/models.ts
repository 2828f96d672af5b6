/** What models cost, which model does what, and what was asked of them. */
import { Effect, Schema } from "effect"
import { Aios } from "../projections/aios.ts"
import { route } from "./route.ts"
import { CostTable, ModelPolicyShown, TranscriptsShown } from "./shapes-models.ts"

export const costs = route({
  id: "getCosts",
  method: "get",
  path: "/api/costs",
  tag: "models",
  summary:
    "What models cost, by agent, activity and model; today's budgets and how far they are spent",
  query: Schema.Struct({
    since: Schema.optionalKey(
      Schema.Int.annotate({
        description: "Epoch ms: only from then on, to the quarter of an hour",
      }),
    ),
    agent: Schema.optionalKey(Schema.String),
  }),
  answer: CostTable,
  problems: [404],
  handle: ({ query }) => Effect.flatMap(Aios, (aios) => aios.costs(query)),
})

export const policy = route({
  id: "getModelPolicy",
  method: "get",
  path: "/api/models/policy",
  tag: "models",
  summary: "Which model does what, in which order, and what it may cost",
  answer: ModelPolicyShown,
  handle: () => Effect.flatMap(Aios, (aios) => aios.modelPolicy(null)),
})

export const choose = route({
  id: "putModelPolicy",
  method: "put",
  path: "/api/models/policy",
  tag: "models",
  summary:
    "Changes what is given and leaves the rest: models, routes by activity, budgets by agent, prices",
  body: Schema.Record(Schema.String, Schema.Json),
  answer: ModelPolicyShown,
  problems: [422],
  handle: ({ body }) => Effect.flatMap(Aios, (aios) => aios.modelPolicy(body)),
})

export const transcripts = route({
  id: "getTranscripts",
  method: "get",
  path: "/api/events/:id/transcripts",
  tag: "models",
  summary: "What models were asked by the run whose outcome the event is, word for word",
  params: Schema.Struct({ id: Schema.String }),
  answer: TranscriptsShown,
  problems: [404],
  handle: ({ params }) =>
    Effect.map(
      Effect.flatMap(Aios, (aios) => aios.transcripts(params.id)),
      (items) => ({ items }),
    ),
})

export const modelRoutes = [costs, policy, choose, transcripts]
