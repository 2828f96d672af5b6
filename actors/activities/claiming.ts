/**
 * What claims mean for the work of this process: an ask is claimed before it is carried out, its claim is
 * extended while that goes on and confirmed before the outcome is recorded. Work that another process
 * has is looked at now and then, and taken over when that process is heard of no more.
 */
import { Effect, Fiber, Schedule } from "effect"
import type { ActivityDeclaration } from "../../machines/agent.ts"
import { askOfClaim, type Claims, type Lease } from "../claims.ts"
import type { LogUnavailable, RecordedEvent } from "../event-log.ts"

/** In the time of a lease it is extended so often, and others' leases are looked at so often. */
const renewalsPerLease = 3
const looksPerLease = 4
const pauseMillisMin = 20
/** The log is asked so often whether the outcome may still be recorded. */
const askingAgain = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")])

/** What claiming knows and changes of a job. */
interface Claimable {
  readonly id: string
  readonly declaration: ActivityDeclaration
  state: string
  lease: Lease | undefined
  /** Nobody else can take it any more: its outcome is being recorded. */
  confirmed: boolean
  /** Somebody else took it while it was under way here: nothing of it may be recorded. */
  lost: boolean
}

export const makeClaiming = <J extends Claimable>(options: {
  readonly claims: Claims["Service"]
  readonly isShared: () => boolean
  readonly jobs: ReadonlyMap<string, J>
  /** It may be tried: nobody has it any more, as far as is known. */
  readonly freed: (job: J) => void
  /** Somebody else has it now, and it was under way here. */
  readonly lost: (job: J) => void
}) => {
  const { claims, freed, isShared, jobs, lost } = options

  const lose = (job: J) => {
    job.lease = undefined
    job.lost = true
    lost(job)
  }

  /** Nobody takes back what is on its way to the log: who is not waited for any more gives it up once it is there. */
  const takenOf = Effect.fnUntraced(function* (ask: string) {
    const taking = yield* Effect.forkDetach(claims.take(ask))
    return yield* Fiber.join(taking).pipe(
      Effect.onInterrupt(() =>
        Fiber.join(taking).pipe(
          Effect.flatMap((taken) =>
            taken.is === "ours" ? claims.release(taken.lease) : Effect.void
          ),
          Effect.andThen(Effect.sync(() => claims.forget(ask))),
          Effect.ignoreCause,
          Effect.forkDetach,
        )
      ),
    )
  })

  /** Whether the job may be carried out here. */
  const take = Effect.fnUntraced(function* (job: J) {
    if (!isShared()) return true
    const taken = yield* takenOf(job.id)
    if (taken.is === "theirs") {
      job.lease = undefined
      return false
    }
    job.lost = false
    // Again what we have: who had it before us is still not known.
    if (job.lease?.number !== taken.lease.number) job.lease = taken.lease
    return true
  })

  /** Whether the outcome may be recorded. It waits for the log: what was done is not thrown away. */
  const confirm = (job: J): Effect.Effect<boolean> =>
    Effect.suspend(() => {
      const { lease } = job
      // Without a lease it began when nobody else could.
      if (lease === undefined) return Effect.succeed(!job.lost)
      if (job.confirmed) return Effect.succeed(true)
      return claims.confirm(lease).pipe(
        Effect.retry(askingAgain),
        Effect.orDie,
        Effect.tap((isOurs) =>
          Effect.sync(() => {
            if (isOurs) job.confirmed = true
            else lose(job)
          })
        ),
      )
    })

  /** Given up undone, so that others need not wait. */
  const release = (job: J): Effect.Effect<void> =>
    Effect.suspend(() => {
      const { lease } = job
      job.lease = undefined
      return lease === undefined || job.confirmed
        ? Effect.void
        : Effect.ignore(claims.release(lease))
    })

  /** Extends the claim. False: somebody else has it. */
  const holds = (job: J): Effect.Effect<boolean, LogUnavailable> =>
    Effect.suspend(() => {
      const { lease } = job
      if (lease === undefined || job.confirmed) return Effect.succeed(!job.lost)
      return Effect.map(claims.renew(lease), (isOurs) => {
        if (!isOurs && !job.confirmed && job.lease === lease) lose(job)
        return isOurs
      })
    })
  // Without the log nobody else can take it either; the next time may be in time.
  const renew = (job: J) => Effect.ignore(holds(job))

  const every = (times: number, what: () => Effect.Effect<unknown>) => {
    const millis = Math.max(pauseMillisMin, claims.leaseMillis / times)
    return Number.isFinite(millis)
      ? Effect.forever(Effect.andThen(Effect.sleep(millis), Effect.suspend(what)))
      : Effect.never
  }

  /** For as long as the process works. */
  const keep = Effect.all([
    every(
      renewalsPerLease,
      () =>
        Effect.forEach([...jobs.values()].filter(({ lease }) => lease !== undefined), renew, {
          concurrency: "unbounded",
          discard: true,
        }),
    ),
    every(looksPerLease, () =>
      Effect.sync(() => {
        for (const job of jobs.values()) {
          if (job.state === "elsewhere" && claims.isOver(job.id)) freed(job)
        }
      })),
  ], { concurrency: "unbounded", discard: true })

  return {
    take,
    holds,
    confirm,
    release,
    keep,
    /** Of somebody's claim, ours included. */
    heard: (event: RecordedEvent) => {
      const job = jobs.get(askOfClaim(event.stream))
      if (job === undefined) return
      const heard = claims.heard(event)
      if (heard === "given up" && job.state === "elsewhere") freed(job)
    },
    forget: (job: J) => {
      if (isShared()) claims.forget(job.id)
    },
    /** What runs already is claimed before others are let in. */
    claimRunning: Effect.suspend((): Effect.Effect<void, LogUnavailable> =>
      Effect.forEach(
        [...jobs.values()].filter(({ state }) => /running|pausing|waiting/.test(state)),
        (job) => Effect.map(take(job), (isOurs) => isOurs ? undefined : lose(job)),
        { concurrency: "unbounded", discard: true },
      )
    ),
  }
}
