/**
 * A log whose events come with their keys: nobody sees an event before the keys are here that it was
 * sealed with, if the vault has copies only. A key is durable where it is kept before any event names it, so
 * asked then it is there; what nobody has is lost. Where the keys are kept may be away: then events wait.
 */
import { Effect, Layer, Schedule, Stream } from "effect"
import { EventLog, isOurs, type RecordedEvent } from "../actors/event-log.ts"
import { keysIn, Vault } from "../actors/vault.ts"

const again = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")])

export const layer: Layer.Layer<EventLog, never, EventLog | Vault> = Layer.effect(
  EventLog,
  Effect.gen(function* () {
    const log = yield* EventLog
    const vault = yield* Vault
    const keyed = <E extends ReadonlyArray<RecordedEvent>>(events: E): Effect.Effect<E> =>
      vault.bring(
        // Nothing is believed of what others wrote, so nothing is asked for because of it.
        events.filter(isOurs)
          .flatMap(({ data, metadata }) => [...keysIn(data), ...keysIn(metadata.asks ?? [])]),
      ).pipe(Effect.retry(again), Effect.orDie, Effect.as(events))
    return {
      ...log,
      read: (stream, options) =>
        log.read(stream, options).pipe(Stream.mapArrayEffect((events) => keyed(events))),
      readPage: (stream, options) => Effect.flatMap(log.readPage(stream, options), keyed),
      readAll: (options) => Effect.flatMap(log.readAll(options), keyed),
      follow: (position) => Stream.mapEffect(log.follow(position), keyed),
      byId: (id) => Effect.flatMap(log.byId(id), keyed),
    }
  }),
)
