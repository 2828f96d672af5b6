/**
 * Memory: how it stands, its policy (simulated or chosen), summaries, the night's work, and the archive.
 * What takes long answers with lines: its steps, then the result or the problem.
 */
import { Effect, Queue, Schema, Stream } from "effect"
import { Aios, OperationFailed, type Progress } from "../projections/aios.ts"
import { toldOf } from "./problem.ts"
import { route } from "./route.ts"
import { Archived, linesOf, Memory, PolicyEffect, Segment, Summary } from "./shapes-memory.ts"

/** Steps of progress that wait for a slow reader; older ones are dropped. */
const stepsQueued = 16
const encoder = new TextEncoder()

/** Long work as lines. It ends with the reader: who goes away stops waiting, what was done stays. */
const lines = Effect.fnUntraced(function* <A>(
  work: (progress: Progress) => Effect.Effect<A, OperationFailed>,
) {
  const told = Stream.callback<unknown>((queue) =>
    work((progress) => {
      Queue.offerUnsafe(queue, { progress })
    }).pipe(
      Effect.match({
        onFailure: (failure): unknown => ({ problem: toldOf(failure).body }),
        onSuccess: (result): unknown => ({ result }),
      }),
      Effect.flatMap((line) => Queue.offer(queue, line)),
      Effect.andThen(Queue.end(queue)),
    ), { bufferSize: stepsQueued, strategy: "sliding" })
  const services = yield* Effect.context<never>()
  return new Response(
    Stream.toReadableStreamWith(
      Stream.map(told, (line) => encoder.encode(`${JSON.stringify(line)}\n`)),
      services,
    ),
    { headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" } },
  )
})

export const memory = route({
  id: "getMemory",
  method: "get",
  path: "/api/memory",
  tag: "memory",
  summary: "How memory stands: its tiers, its policy, the last night, what waits",
  answer: Memory,
  handle: () => Effect.flatMap(Aios, (aios) => aios.memory),
})

export const policy = route({
  id: "getMemoryPolicy",
  method: "get",
  path: "/api/memory/policy",
  tag: "memory",
  summary: "The policy now, and what it would do if it were applied at this moment",
  answer: PolicyEffect,
  handle: () => Effect.flatMap(Aios, (aios) => aios.memoryPolicy({}, false)),
})

export const policyChosen = route({
  id: "chooseMemoryPolicy",
  method: "post",
  path: "/api/memory/policy",
  tag: "memory",
  summary: "Another policy: what it would do, or with `apply` does",
  body: Schema.Struct({
    set: Schema.Record(Schema.String, Schema.Json).annotate({
      description: 'Numbers by name, `{ "hot.itemsMax": 5000 }`',
    }),
    apply: Schema.optionalKey(Schema.Boolean),
  }),
  answer: PolicyEffect,
  problems: [409, 415, 422],
  handle: ({ body }) =>
    Effect.flatMap(Aios, (aios) => aios.memoryPolicy(body.set, body.apply ?? false)),
})

export const summaries = route({
  id: "listSummaries",
  method: "get",
  path: "/api/memory/summaries",
  tag: "memory",
  summary: "Summaries, newest first: what each stands for and how it did in its test",
  query: Schema.Struct({
    state: Schema.optionalKey(
      Schema.Literals(["accepted", "refused", "withdrawn", "replaced"]),
    ),
  }),
  answer: Schema.Struct({ items: Schema.Array(Summary) }),
  handle: ({ query }) =>
    Effect.map(
      Effect.flatMap(Aios, (aios) => aios.summaries(query.state)),
      (items) => ({ items }),
    ),
})

export const withdrawn = route({
  id: "withdrawSummary",
  method: "post",
  path: "/api/memory/summaries/:id/withdraw",
  tag: "memory",
  summary: "Take a summary back: what it stood for stands for itself again",
  params: Schema.Struct({ id: Schema.String }),
  body: Schema.Struct({ reason: Schema.String.check(Schema.isMinLength(1)) }),
  answer: Summary,
  problems: [409, 415, 422],
  handle: ({ body, params }) =>
    Effect.flatMap(Aios, (aios) => aios.withdrawSummary(params.id, body.reason)),
})

export const night = route({
  id: "runNight",
  method: "post",
  path: "/api/memory/night",
  tag: "memory",
  summary: "The night's work now; lines of progress, then how memory stands",
  answer: linesOf(Memory, "NightLine"),
  mediaType: "application/x-ndjson",
  problems: [415],
  handle: () => Effect.flatMap(Aios, (aios) => lines(aios.summarise)),
})

export const segments = route({
  id: "listSegments",
  method: "get",
  path: "/api/archive",
  tag: "memory",
  summary: "Archived segments, each checked",
  answer: Schema.Struct({ items: Schema.Array(Segment) }),
  handle: () => Effect.map(Effect.flatMap(Aios, (aios) => aios.segments), (items) => ({ items })),
})

export const archived = route({
  id: "archive",
  method: "post",
  path: "/api/archive",
  tag: "memory",
  summary: "Old cold items into segments; lines of progress, then what was archived",
  body: Schema.Struct({
    days: Schema.optionalKey(Schema.Int),
    dryRun: Schema.optionalKey(Schema.Boolean),
  }),
  answer: linesOf(Archived, "ArchiveLine"),
  mediaType: "application/x-ndjson",
  problems: [415, 422],
  handle: ({ body }) =>
    Effect.gen(function* () {
      const aios = yield* Aios
      // Before anything is streamed, so that a wrong number can still be a 422.
      yield* aios.archive({ ...body, dryRun: true }, () => {})
      return yield* lines((progress) => aios.archive(body, progress))
    }),
})

export const restored = route({
  id: "restoreSegment",
  method: "post",
  path: "/api/archive/:segment/restore",
  tag: "memory",
  summary: "A segment's items back into the index; lines of progress, then the segment",
  params: Schema.Struct({ segment: Schema.String }),
  answer: linesOf(Segment, "RestoreLine"),
  mediaType: "application/x-ndjson",
  problems: [415, 422],
  handle: ({ params }) =>
    Effect.gen(function* () {
      const aios = yield* Aios
      const known = yield* aios.segments
      // One that is not there is told before anything is streamed.
      if (!known.some(({ segment }) => segment.split(".")[0] === params.segment.split(".")[0])) {
        return yield* aios.restoreSegment(params.segment, () => {})
      }
      return yield* lines((progress) => aios.restoreSegment(params.segment, progress))
    }),
})

export const memoryRoutes = [
  memory,
  policy,
  policyChosen,
  summaries,
  withdrawn,
  night,
  segments,
  archived,
  restored,
]
