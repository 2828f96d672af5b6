/**
 * Agents and their actors: lists, the state of one, and proposals. The revision is the `ETag`, so a reader
 * asks `If-None-Match` and a writer says `If-Match`.
 */
import { Context, Effect, Exit, Schema } from "effect"
import { EventLog } from "../actors/event-log.ts"
import { Aios, OperationFailed } from "../projections/aios.ts"
import { objectOf } from "../projections/fields.ts"
import { type Problem, problem } from "./problem.ts"
import { Reply, route, type Services } from "./route.ts"
import { Actor, Agent, Event, pageOf } from "./shapes.ts"

const agentsMax = 1_000
const agentsDefault = 200
/** Actors whose answer is kept until the log moves on. */
const answersKept = 2_048

const Key = Schema.Struct({ agent: Schema.String, key: Schema.String })

export const listed = route({
  id: "listAgents",
  method: "get",
  path: "/api/agents",
  tag: "agents",
  summary: "All actors with their states",
  query: Schema.Struct({
    after: Schema.optionalKey(Schema.String),
    limit: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: agentsMax })),
    ),
  }),
  answer: pageOf(Agent),
  handle: ({ query, request }) => pageOfAgents(undefined, query, request),
})

export const listedOf = route({
  id: "listActors",
  method: "get",
  path: "/api/agents/:agent",
  tag: "agents",
  summary: "The actors of one agent with their states",
  params: Schema.Struct({ agent: Schema.String }),
  query: Schema.Struct({
    after: Schema.optionalKey(Schema.String),
    limit: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: agentsMax })),
    ),
  }),
  answer: pageOf(Agent),
  problems: [404],
  handle: ({ params, query, request }) => pageOfAgents(params.agent, query, request),
})

const pageOfAgents = Effect.fnUntraced(function* (
  agent: string | undefined,
  query: { readonly after?: string; readonly limit?: number },
  request: Request,
) {
  const aios = yield* Aios
  const limit = query.limit ?? agentsDefault
  const all = (yield* Effect.mapError(aios.agents(agent), unknownAgent))
    .map((row) => ({ row, name: `${row.agent}/${row.key}` }))
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .filter(({ name }) => query.after === undefined || name > query.after)
  const items = all.slice(0, limit)
  const next = all.length > limit ? items.at(-1)?.name : undefined
  return new Reply(
    { items: items.map(({ row }) => row), ...(next === undefined ? {} : { next }) },
    nextLink(request, next),
  )
})

/** In an address, an agent that is not there is a place that is not there. */
const unknownAgent = (failure: OperationFailed) =>
  failure.error === "UnknownAgent"
    ? problem(404, failure.error, "Unknown agent", failure.message)
    : failure

/** RFC 8288: where the next page is. */
export const nextLink = (
  request: Request,
  after: string | undefined,
): Readonly<Record<string, string>> => {
  if (after === undefined) return {}
  const url = new URL(request.url)
  url.searchParams.set("after", after)
  return { link: `<${url.pathname}${url.search}>; rel="next"` }
}

interface Answered {
  readonly head: number
  readonly etag: string
  readonly text: string
}

/** Answers as they were when the log stood at `head`: while it stands there, they still are. */
const kept = new WeakMap<EventLog["Service"], Map<string, Answered>>()

const answered = Effect.fnUntraced(function* (stream: string) {
  const log = yield* EventLog
  const head = yield* Effect.mapError(log.head, (error) =>
    new OperationFailed({
      kind: error.retryable ? "later" : "failed",
      error: error._tag,
      message: error.message,
    }))
  const answers = kept.get(log) ?? new Map<string, Answered>()
  kept.set(log, answers)
  const before = answers.get(stream)
  if (before?.head === head) return before
  const { context: _, ...actor } = yield* (yield* Aios).view(stream)
  const answer = { head, etag: `"${actor.revision}"`, text: JSON.stringify(actor) }
  // A parked actor's problem is no event: it is asked for anew.
  if (actor.status !== "parked") {
    if (answers.size >= answersKept) answers.clear()
    answers.set(stream, answer)
  }
  return answer
})

/** An answer that still holds, as long as the log stands where it stood. */
const known = (services: Context.Context<Services>, stream: string): Answered | undefined => {
  const log = Context.get(services, EventLog)
  const answer = kept.get(log)?.get(stream)
  if (answer === undefined) return undefined
  const head = Effect.runSyncExit(log.head)
  return Exit.isSuccess(head) && head.value === answer.head ? answer : undefined
}

const answerOf = (request: Request, answer: Answered): Response =>
  sameAs(request, answer.etag)
    ? new Response(null, { status: 304, headers: headersOf(answer.etag) })
    : new Response(answer.text, {
      headers: { ...headersOf(answer.etag), "content-type": "application/json" },
    })

const headersOf = (etag: string) => ({ etag, "cache-control": "private, no-cache" })

const sameAs = (request: Request, etag: string): boolean => {
  const given = request.headers.get("if-none-match")
  return given !== null && (given.trim() === "*" ||
    given.split(",").some((one) => one.trim().replace(/^W\//, "") === etag))
}

export const viewed = route({
  id: "getActor",
  method: "get",
  path: "/api/agents/:agent/:key",
  tag: "agents",
  summary: "One actor as it is now, from the log",
  params: Key,
  query: Schema.Struct({
    open: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1 })).annotate({
        description: "1: with its context, personal data opened",
      }),
    ),
  }),
  answer: Actor,
  reads: { "if-none-match": "The ETag of an earlier answer: 304 where nothing is new" },
  problems: [404],
  quick: (services, request, params) => {
    const answer = known(services, `${params["agent"]}-${params["key"]}`)
    return answer && answerOf(request, answer)
  },
  handle: ({ params, query, request }) =>
    Effect.gen(function* () {
      const stream = `${params.agent}-${params.key}`
      const answer = yield* answered(stream)
      if (query.open !== 1 || sameAs(request, answer.etag)) return answerOf(request, answer)
      const actor = yield* (yield* Aios).view(stream)
      return new Reply(actor, headersOf(`"${actor.revision}"`))
    }),
})

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

const revisionIn = (request: Request): Effect.Effect<number | undefined, Problem> => {
  const given = request.headers.get("if-match")?.trim()
  if (given === undefined || given === "*") return Effect.succeed(undefined)
  const revision = /^"(-1|\d{1,15})"$/.exec(given)?.[1]
  return revision === undefined
    ? Effect.fail(problem(
      400,
      "InvalidRevision",
      "Invalid revision",
      'If-Match is the ETag of the actor as you saw it, such as "12"; "-1" where there was none.',
    ))
    : Effect.succeed(Number(revision))
}

/** The conflict, with the actor as it is now. */
const conflict = (stream: string, failure: OperationFailed) =>
  Effect.gen(function* () {
    const now = yield* Effect.option((yield* Aios).view(stream))
    const actor = now._tag === "Some"
      ? { revision: now.value.revision, state: now.value.state, accepts: now.value.accepts }
      : { revision: -1 }
    return yield* problem(
      412,
      failure.error,
      "Other revision",
      failure.message,
      { ...objectOf(failure.detail), ...actor },
    )
  })

export const proposed = route({
  id: "proposeEvent",
  method: "post",
  path: "/api/agents/:agent/:key/events",
  tag: "agents",
  summary: "Propose an event; it becomes a fact, or is refused with what the chart would take",
  params: Key,
  body: Schema.StructWithRest(
    Schema.Struct({
      type: Schema.String,
      occurredAt: Schema.optionalKey(
        Schema.Int.annotate({ description: "When it happened in the world, epoch milliseconds" }),
      ),
    }),
    [Schema.Record(Schema.String, Schema.Json)],
  ),
  answer: Schema.Struct({ event: Event, duplicate: Schema.Boolean }),
  status: 201,
  reads: {
    "idempotency-key": "A UUID, the event's id: the same again gives the first outcome",
    "if-match": "The ETag the decision rests on: 412 where the actor has moved on",
  },
  problems: [404, 409, 412, 413, 415, 422],
  handle: ({ body, params, request }) =>
    Effect.gen(function* () {
      const stream = `${params.agent}-${params.key}`
      const id = request.headers.get("idempotency-key")?.trim().replace(/^"(.*)"$/, "$1")
      if (id !== undefined && !uuid.test(id)) {
        return yield* problem(
          400,
          "InvalidIdempotencyKey",
          "Invalid idempotency key",
          "Idempotency-Key is the event's id, a UUID. Mint one, and send it again with each retry.",
        )
      }
      const revision = yield* revisionIn(request)
      const { occurredAt, ...event } = body
      const accepted = yield* (yield* Aios).propose(stream, event, {
        ...(id === undefined ? {} : { id: id.toLowerCase() }),
        ...(revision === undefined ? {} : { revision }),
        ...(typeof occurredAt === "number" ? { occurredAt } : {}),
      }).pipe(
        Effect.catchIf(
          (failure) => failure.error === "VersionConflict",
          (failure) => conflict(stream, failure),
        ),
      )
      return new Reply(accepted, {
        etag: `"${accepted.event.revision}"`,
        location: `/api/events/${accepted.event.id}`,
      })
    }),
})

export const agentRoutes = [listed, listedOf, viewed, proposed]
