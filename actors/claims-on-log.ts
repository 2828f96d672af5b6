/**
 * Claims in the log itself: stream `claim-<ask>`, each change of hands an append at the revision that
 * was seen, so two can never hold one number. A lease runs out for an observer once its stream has not
 * changed for the lease's time by the observer's own monotonic clock, and not while the log, asked then,
 * goes on being there: clocks of machines need not agree, and an outage of the log ends nobody's lease.
 */
import { Clock, Effect, Layer, Schema } from "effect"
import { Claims, claimStream, type Lease, type Taken } from "./claims.ts"
import { EventLog, type LogUnavailable, type NewEvent, type RecordedEvent } from "./event-log.ts"
import { derivedId, mintId } from "./ids.ts"

/** Long enough for a process that is held up by its machine, short enough for who waits for its work. */
const leaseMillisDefault = 30_000
/** What others say of their leases is believed up to this. */
const leaseMillisMax = 10 * 60_000
/** So much of a lease its holder has to renew it once the log answers, before another takes it. */
const graceOfLease = 1 / 2
/** Times a claim is looked at again because another writer was quicker. */
const lostRacesMax = 20

const Claimed = Schema.Struct({
  lease: Schema.Int,
  by: Schema.String,
  /** Of the process: a name outlives it. */
  instance: Schema.String,
  /** It runs out when nothing is heard of it for so long. */
  millis: Schema.Int,
})
type Claimed = typeof Claimed.Type
const isClaimed = Schema.is(Claimed)

const types = ["AskClaimed", "ClaimRenewed", "ClaimConfirmed", "ClaimReleased"] as const
type Type = (typeof types)[number]

/** The last that is known of a claim. */
interface Known extends Claimed {
  readonly type: string
  readonly revision: number
}
type Held = Pick<Known, "revision" | "type">
/** Somebody else's claim, and since when (ms, monotonic) it has not changed. */
interface Watched {
  readonly revision: number
  readonly since: number
  readonly millis: number
  /** The log itself said first (ms, monotonic) that it ran out. */
  over?: number
}

const strange: Claimed = {
  lease: 0,
  by: "somebody else",
  instance: "",
  millis: leaseMillisDefault,
}
/** What is none of ours in a claim's stream holds it as anybody would: nothing is done twice. */
const knownOf = ({ data, revision, type }: RecordedEvent): Known => {
  const content: unknown = data
  return isClaimed(content) ? { ...content, type, revision } : { ...strange, type, revision }
}

export interface Options {
  /** See `Claims.by`. A process of the same name takes over at once what an earlier one had. */
  readonly name: string
  readonly leaseMillis?: number
}

export const layer = (options: Options): Layer.Layer<Claims, never, EventLog> =>
  Layer.effect(
    Claims,
    Effect.gen(function* () {
      const log = yield* EventLog
      const clock = yield* Clock.Clock
      const by = options.name
      const leaseMillis = options.leaseMillis ?? leaseMillisDefault
      const instance = mintId(clock.currentTimeMillisUnsafe())
      /** The claims of this process as they last were. */
      const held = new Map<string, Held>()
      const watched = new Map<string, Watched>()
      const monotonic = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

      const eventOf = (type: Type, ask: string, lease: number): NewEvent => {
        const at = clock.currentTimeMillisUnsafe()
        return {
          id: mintId(at),
          type,
          data: { lease, by, instance, millis: leaseMillis },
          metadata: { at, $correlationId: derivedId(`claim:${ask}`), actor: "worker" },
        }
      }

      /** Appends it there, if that is still the end. */
      const attempt = (
        ask: string,
        expected: number,
        event: NewEvent,
      ): Effect.Effect<boolean, LogUnavailable> =>
        log.append(claimStream(ask), expected, [event]).pipe(
          Effect.map(({ revision }) => {
            held.set(ask, { revision, type: event.type })
            watched.delete(ask)
            return true
          }),
          Effect.catchTag("VersionConflict", () => Effect.succeed(false)),
          Effect.catchTag("EventTooLarge", Effect.die),
        )

      const last = Effect.fnUntraced(function* (ask: string) {
        const [event] = yield* log.readPage(claimStream(ask), { backwards: true, limit: 1 })
        return event === undefined ? undefined : knownOf(event)
      })

      const watch = (ask: string, { millis, revision }: Known) => {
        const before = watched.get(ask)
        if (before !== undefined && before.revision >= revision) return
        const bounded = Math.min(Math.max(millis, 1), leaseMillisMax)
        watched.set(ask, { revision, since: monotonic(), millis: bounded })
      }
      const isOver = (ask: string) => {
        const seen = watched.get(ask)
        return seen !== undefined && monotonic() - seen.since >= seen.millis
      }

      /** After an outage its holder is about to renew it: it is asked for twice, with time between. */
      const isAbandoned = (ask: string, { revision }: Known) => {
        const seen = watched.get(ask)
        if (seen?.revision !== revision || !isOver(ask)) return false
        seen.over ??= monotonic()
        return monotonic() - seen.over >= seen.millis * graceOfLease
      }

      const take = Effect.fn("Claims.take")(function* (
        ask: string,
      ): Effect.fn.Return<Taken, LogUnavailable> {
        const ours = (number: number, inherited: boolean): Taken => ({
          is: "ours",
          lease: { ask, number, inherited },
        })
        if (!watched.has(ask) && !held.has(ask)) {
          if (yield* attempt(ask, -1, eventOf("AskClaimed", ask, 1))) return ours(1, false)
        }
        for (let n = 0; n < lostRacesMax; n++) {
          const known = yield* last(ask)
          if (known === undefined) {
            if (yield* attempt(ask, -1, eventOf("AskClaimed", ask, 1))) return ours(1, false)
            continue
          }
          const isFree = known.type === "ClaimReleased"
          if (known.instance === instance && !isFree) {
            held.set(ask, known)
            return ours(known.lease, false)
          }
          if (!isFree && known.by !== by) {
            watch(ask, known)
            if (!isAbandoned(ask, known)) return { is: "theirs", by: known.by }
          }
          const number = known.lease + 1
          if (yield* attempt(ask, known.revision, eventOf("AskClaimed", ask, number))) {
            return ours(number, !isFree)
          }
        }
        return { is: "theirs", by: "others" }
      })

      /** Writes the next event of a claim that is ours, wherever its stream ends by now. */
      const advance = Effect.fnUntraced(function* (type: Type, { ask, number }: Lease) {
        const event = eventOf(type, ask, number)
        for (let n = 0; n < lostRacesMax; n++) {
          const ours = held.get(ask)
          // A renewal that the confirmation overtook would say that the work goes on.
          if (type === "ClaimRenewed" && ours?.type === "ClaimConfirmed") return true
          if (ours !== undefined && (yield* attempt(ask, ours.revision, event))) return true
          const known = yield* last(ask)
          const isOurs = known?.instance === instance && known.lease === number &&
            known.type !== "ClaimReleased"
          if (known === undefined || !isOurs) {
            held.delete(ask)
            if (known !== undefined) watch(ask, known)
            return false
          }
          held.set(ask, known)
        }
        return false
      })

      return Claims.of({
        by,
        leaseMillis,
        take,
        renew: (lease) => advance("ClaimRenewed", lease),
        confirm: (lease) => advance("ClaimConfirmed", lease),
        release: (lease) =>
          advance("ClaimReleased", lease).pipe(
            Effect.andThen(Effect.sync(() => void held.delete(lease.ask))),
          ),
        heard: (event) => {
          const ask = event.stream.slice("claim-".length)
          const known = knownOf(event)
          if (known.instance === instance) return "held"
          watch(ask, known)
          if (known.type !== "ClaimReleased") return "held"
          return "given up"
        },
        isOver,
        forget: (ask) => {
          held.delete(ask)
          watched.delete(ask)
        },
      })
    }),
  )
