/** The brief, the people, the reports and the read models behind them. */
import { Clock, DateTime, Effect, Queue, Schema, Stream } from "effect"
import { Aios } from "../projections/aios.ts"
import { nextLink } from "./agents.ts"
import { toldOf } from "./problem.ts"
import { Reply, route } from "./route.ts"
import { Brief, History, pageOf, Person, ReadModel, Report, Row, ServiceRow } from "./shapes.ts"

const rowsDefault = 100
const rowsMax = 1_000
/** Steps of progress that wait for a slow reader; older ones are dropped. */
const stepsQueued = 16

/** The founder's date now. */
export const today = Effect.gen(function* () {
  const { timeZone } = yield* (yield* Aios).settings
  const now = yield* Clock.currentTimeMillis
  return DateTime.formatIsoDate(DateTime.makeZonedUnsafe(now, { timeZone }))
})

export const brief = route({
  id: "getBrief",
  method: "get",
  path: "/api/brief",
  tag: "brief",
  summary: "The day on one screen: today's brief, or that of `date`; it only reads",
  query: Schema.Struct({
    date: Schema.optionalKey(
      Schema.String.check(Schema.isPattern(/^\d{4}-\d{2}-\d{2}$/)).annotate({
        description: "Local date, 2026-11-24",
      }),
    ),
  }),
  answer: Brief,
  problems: [422],
  handle: ({ query }) =>
    Effect.gen(function* () {
      return yield* (yield* Aios).brief(query.date ?? (yield* today))
    }),
})

export const people = route({
  id: "listPeople",
  method: "get",
  path: "/api/people",
  tag: "people",
  summary: "People; `filter` finds in name, address and company",
  query: Schema.Struct({
    filter: Schema.optionalKey(Schema.String),
    after: Schema.optionalKey(Schema.String),
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: rowsMax }))),
  }),
  answer: pageOf(Person),
  handle: ({ query, request }) =>
    Effect.gen(function* () {
      const limit = query.limit ?? rowsDefault
      const all = (yield* (yield* Aios).people(query.filter))
        .toSorted((a, b) => a.key < b.key ? -1 : 1)
        .filter(({ key }) => query.after === undefined || key > query.after)
      const items = all.slice(0, limit)
      const next = all.length > limit ? items.at(-1)?.key : undefined
      return new Reply(
        { items, ...(next === undefined ? {} : { next }) },
        nextLink(request, next),
      )
    }),
})

export const history = route({
  id: "getHistory",
  method: "get",
  path: "/api/people/:key/history",
  tag: "people",
  summary: "Everything known about a person, in order, with sources; by key, name or address",
  params: Schema.Struct({ key: Schema.String }),
  answer: History,
  problems: [404],
  handle: ({ params }) => Effect.flatMap(Aios, (aios) => aios.history(params.key)),
})

export const reports = route({
  id: "listReports",
  method: "get",
  path: "/api/reports",
  tag: "reports",
  summary: "The documents of the cadence, newest first",
  query: Schema.Struct({
    slot: Schema.optionalKey(
      Schema.Literals(["daily", "nightly", "weekly", "monthly", "quarterly"]),
    ),
  }),
  answer: Schema.Struct({ items: Schema.Array(Report) }),
  handle: ({ query }) =>
    Effect.map(Effect.flatMap(Aios, (aios) => aios.reports(query.slot)), (items) => ({ items })),
})

export const readModels = route({
  id: "listProjections",
  method: "get",
  path: "/api/projections",
  tag: "projections",
  summary: "The read models and how far each has read",
  answer: Schema.Struct({ items: Schema.Array(ReadModel) }),
  handle: () =>
    Effect.map(Effect.flatMap(Aios, (aios) => aios.projections), (items) => ({ items })),
})

export const services = route({
  id: "listServices",
  method: "get",
  path: "/api/services",
  tag: "health",
  summary:
    "The services AIOS leans on: whether they work, since when, and what is done without them",
  answer: Schema.Struct({ items: Schema.Array(ServiceRow) }),
  handle: () => Effect.map(Effect.flatMap(Aios, (aios) => aios.services), (items) => ({ items })),
})

export const rows = route({
  id: "listRows",
  method: "get",
  path: "/api/projections/:name/rows",
  tag: "projections",
  summary: "The rows of a read model in order of key, personal data opened",
  params: Schema.Struct({ name: Schema.String }),
  query: Schema.Struct({
    prefix: Schema.optionalKey(Schema.String),
    after: Schema.optionalKey(Schema.String),
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: rowsMax }))),
  }),
  answer: pageOf(Row),
  problems: [404],
  handle: ({ params, query, request }) =>
    Effect.gen(function* () {
      const limit = query.limit ?? rowsDefault
      const found = yield* (yield* Aios).rows(params.name, { ...query, limit: limit + 1 })
      const items = found.slice(0, limit).map(([key, row]) => ({ key, row }))
      const next = found.length > limit ? items.at(-1)?.key : undefined
      return new Reply(
        { items, ...(next === undefined ? {} : { next }) },
        nextLink(request, next),
      )
    }),
})

const Step = Schema.Union([
  Schema.Struct({
    progress: Schema.Struct({
      what: Schema.String,
      done: Schema.Finite,
      total: Schema.Finite,
    }),
  }),
  Schema.Struct({
    result: Schema.Struct({
      name: Schema.String,
      version: Schema.Int,
      events: Schema.Int,
      before: Schema.String,
      after: Schema.String,
      equal: Schema.Boolean,
      millis: Schema.Finite,
    }),
  }),
  Schema.Struct({ problem: Schema.Json }),
]).annotate({ identifier: "RebuildLine" })

const encoder = new TextEncoder()

export const rebuilt = route({
  id: "rebuildProjection",
  method: "post",
  path: "/api/projections/:name/rebuild",
  tag: "projections",
  summary: "Build it anew beside the old rows and swap; lines of progress, then the result",
  params: Schema.Struct({ name: Schema.String }),
  answer: Step,
  mediaType: "application/x-ndjson",
  problems: [404, 415],
  handle: ({ params }) =>
    Effect.gen(function* () {
      const aios = yield* Aios
      const lines = Stream.callback<unknown>((queue) =>
        aios.rebuild(params.name, (progress) => {
          Queue.offerUnsafe(queue, { progress })
        }).pipe(
          Effect.match({
            onFailure: (failure) => ({ problem: toldOf(failure).body }),
            onSuccess: ({ projections }) => ({ result: projections[0] }),
          }),
          Effect.flatMap((line) => Queue.offer(queue, line)),
          Effect.andThen(Queue.end(queue)),
        ), { bufferSize: stepsQueued, strategy: "sliding" })
      const known = yield* Effect.option(aios.projections)
      if (known._tag === "Some" && !known.value.some(({ name }) => name === params.name)) {
        // Before anything is streamed, so that it can still be a 404.
        yield* aios.rebuild(params.name, () => {})
      }
      const services = yield* Effect.context<never>()
      return new Response(
        Stream.toReadableStreamWith(
          Stream.map(lines, (line) => encoder.encode(`${JSON.stringify(line)}\n`)),
          services,
        ),
        { headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" } },
      )
    }),
})

export const companyRoutes = [brief, people, history, reports, readModels, services, rows, rebuilt]
