/** The log: pages of it by position, single events, and why something happened. */
import { Effect, Schema } from "effect"
import { EventLog, type RecordedEvent } from "../actors/event-log.ts"
import { Aios } from "../projections/aios.ts"
import { failureOf } from "../projections/aios-failures.ts"
import { nextLink } from "./agents.ts"
import { problem } from "./problem.ts"
import { Reply, route } from "./route.ts"
import { Event, pageOf, Why, WhyNot } from "./shapes.ts"

const eventsDefault = 100
const eventsMax = 1_000
/** With `type`, so many events are looked at for one page. */
const scannedMax = 20_000

const Filter = {
  stream: Schema.optionalKey(Schema.String),
  type: Schema.optionalKey(Schema.String),
}

export const paged = route({
  id: "listEvents",
  method: "get",
  path: "/api/events",
  tag: "events",
  summary: "Events in order of position; `Link: rel=next` leads on",
  query: Schema.Struct({
    ...Filter,
    after: Schema.optionalKey(
      Schema.Int.annotate({ description: "The position after which to begin; default the start" }),
    ),
    limit: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: eventsMax })),
    ),
  }),
  answer: pageOf(Event),
  handle: ({ query, request }) =>
    Effect.gen(function* () {
      const aios = yield* Aios
      const limit = query.limit ?? eventsDefault
      const items: Array<RecordedEvent> = []
      let after = query.after ?? -1
      let scanned = 0
      let isLast = false
      while (!isLast && items.length < limit && scanned < scannedMax) {
        const wanted = query.type === undefined ? limit + 1 : eventsMax
        const page = yield* aios.events({
          ...(query.stream === undefined ? {} : { stream: query.stream }),
          after,
          limit: wanted,
        })
        isLast = page.length < wanted
        for (const event of page) {
          if (items.length === limit) {
            isLast = false
            break
          }
          scanned++
          after = event.position
          if (query.type === undefined || event.type === query.type) items.push(event)
        }
      }
      const next = isLast ? undefined : String(after)
      return new Reply(
        { items, ...(next === undefined ? {} : { next }) },
        nextLink(request, next),
      )
    }),
})

export const single = route({
  id: "getEvent",
  method: "get",
  path: "/api/events/:id",
  tag: "events",
  summary: "One event by its id",
  params: Schema.Struct({ id: Schema.String }),
  answer: Event,
  problems: [404],
  handle: ({ params }) =>
    Effect.gen(function* () {
      const [event] = yield* Effect.mapError((yield* EventLog).byId(params.id), failureOf)
      return event ?? (yield* problem(
        404,
        "UnknownEvent",
        "Unknown event",
        `There is no event ${params.id}. Give the whole id, as /api/events shows it.`,
      ))
    }),
})

export const lineage = route({
  id: "getLineage",
  method: "get",
  path: "/api/lineage/:id{.+}",
  tag: "events",
  summary: "Why: the chain of causes of an event, an activity or an approval",
  params: Schema.Struct({ id: Schema.String }),
  answer: Why,
  problems: [404],
  handle: ({ params }) => Effect.flatMap(Aios, (aios) => aios.why(params.id)),
})

export const whyNot = route({
  id: "getObstacles",
  method: "get",
  path: "/api/why-not/:agent/:key",
  tag: "events",
  summary: "Why an actor does not go on: which guard, rule or gate said no",
  params: Schema.Struct({ agent: Schema.String, key: Schema.String }),
  answer: WhyNot,
  problems: [404],
  handle: ({ params }) =>
    Effect.flatMap(Aios, (aios) => aios.whyNot(`${params.agent}/${params.key}`)),
})

export const eventRoutes = [paged, single, lineage, whyNot]
