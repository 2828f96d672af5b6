/**
 * The log as it grows, as server-sent events: `id` is the position, so a reader that was cut off says
 * `Last-Event-ID` and misses nothing. A slow reader is waited for; it holds up nobody else.
 */
import { Effect, Schedule, Schema, Stream } from "effect"
import { EventLog } from "../actors/event-log.ts"
import { Aios } from "../projections/aios.ts"
import { failureOf } from "../projections/aios-failures.ts"
import { type Problem, problem, toldOf } from "./problem.ts"
import { route } from "./route.ts"
import { Event } from "./shapes.ts"

/** Readers at once. */
const readersMax = 64
/** So that a connection that died is noticed, on both sides. */
const beatMillis = 15_000
/** A browser that lost the connection comes back after so long. */
const retryMillis = 1_000

let readers = 0
/** How many read along now. */
export const readersNow = (): number => readers

const encoder = new TextEncoder()
const bytes = (text: string) => encoder.encode(text)

/** Whoever says a position that is none would miss events without knowing it. */
const positionIn = (request: Request): Effect.Effect<number | undefined, Problem> => {
  const id = request.headers.get("last-event-id")?.trim() ?? ""
  if (id === "") return Effect.succeed(undefined)
  return /^(-1|\d{1,15})$/.test(id) ? Effect.succeed(Number(id)) : Effect.fail(problem(
    400,
    "InvalidPosition",
    "Invalid position",
    "Last-Event-ID is the id of an event of this stream: its position, such as 42. Without it the " +
      "stream begins now.",
  ))
}

export const live = route({
  id: "followEvents",
  method: "get",
  path: "/api/events/stream",
  tag: "events",
  summary: "Events as they happen, as server-sent events whose id is the position",
  query: Schema.Struct({
    stream: Schema.optionalKey(Schema.String),
    type: Schema.optionalKey(Schema.String),
    after: Schema.optionalKey(
      Schema.Int.annotate({ description: "The position to begin after; default: now" }),
    ),
  }),
  answer: Event,
  mediaType: "text/event-stream",
  reads: { "last-event-id": "The last position seen; goes before `after`" },
  problems: [503],
  handle: ({ query, request }) =>
    Effect.gen(function* () {
      const last = yield* positionIn(request)
      if (readers >= readersMax) {
        return yield* problem(
          503,
          "TooManyReaders",
          "Too many readers",
          `${readersMax} readers follow the log already. Close one, then try again.`,
        )
      }
      const aios = yield* Aios
      const after = last ?? query.after ??
        (yield* Effect.mapError((yield* EventLog).head, failureOf))
      const events = aios.follow({
        after,
        ...(query.stream === undefined ? {} : { stream: query.stream }),
      }).pipe(
        Stream.filter((event) => query.type === undefined || event.type === query.type),
        Stream.map((event) => bytes(`id: ${event.position}\ndata: ${JSON.stringify(event)}\n\n`)),
        Stream.catch((failure) =>
          Stream.succeed(bytes(`event: problem\ndata: ${JSON.stringify(toldOf(failure).body)}\n\n`))
        ),
      )
      const beats = Stream.fromSchedule(Schedule.spaced(beatMillis)).pipe(
        Stream.map(() => bytes(": still here\n\n")),
      )
      readers++
      let left = false
      const leave = () => {
        if (!left) readers--
        left = true
      }
      const all = Stream.succeed(bytes(`retry: ${retryMillis}\nid: ${after}\n\n`)).pipe(
        Stream.concat(Stream.merge(events, beats, { haltStrategy: "left" })),
        Stream.ensuring(Effect.sync(leave)),
      )
      return new Response(
        Stream.toReadableStreamWith(all, yield* Effect.context<never>()),
        {
          headers: {
            "content-type": "text/event-stream",
            "cache-control": "no-store",
            "x-accel-buffering": "no",
          },
        },
      )
    }),
})

export const liveRoutes = [live]
