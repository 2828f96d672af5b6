/**
 * Leaves to others what a worker has not the keys for. A key that was destroyed is known to be: its person was
 * forgotten, and that is the outcome. A key that was never here says only that this worker does not use
 * the keys of its control, or an old copy of them: whoever has the key does the work. The control makes
 * the keys; what it has not is lost, and nothing is left to anybody there.
 */
import { Effect } from "effect"
import type { Json } from "../../machines/agent.ts"
import { keysIn, MissingKeys, type Vault } from "../vault.ts"

/** Without a lease to go by, keys are looked for again so often at the least. */
const pauseMillisMax = 60_000

interface Keyed {
  readonly id: string
  readonly ask: { readonly input?: Json }
}

export const makeKeysHere = <J extends Keyed>(options: {
  readonly vault: Vault["Service"]
  readonly isWorker: boolean
  readonly leaseMillis: number
  readonly fork: (effect: Effect.Effect<void>) => void
  /** It was left a while ago, and may be tried. */
  readonly again: (job: J) => void
}) => {
  const { again, fork, isWorker, leaseMillis, vault } = options
  /** What a run found missing beyond what its ask names, by the ask. */
  const missed = new Map<string, Set<string>>()
  let left = new Set<J>()
  /** It is told once, however much waits. */
  let isTold = false

  const wantedBy = (job: J) => [...missed.get(job.id) ?? [], ...keysIn(job.ask.input ?? null)]

  const lookAgain = Effect.suspend(() => {
    const jobs = left
    left = new Set()
    return vault.bring([...jobs].flatMap(wantedBy)).pipe(
      Effect.ignore,
      Effect.andThen(Effect.sync(() => jobs.forEach(again))),
    )
  }).pipe(Effect.delay(Math.min(leaseMillis, pauseMillisMax)))

  const leave = (job: J) => {
    if (left.size === 0) fork(lookAgain)
    left.add(job)
    if (isTold) return
    isTold = true
    fork(Effect.logWarning(
      "Keys are missing here: keys.db is not the one that the control uses, or an old copy of it. What needs " +
        "them is left to others. Give this worker the control's data directory, or AIOS_CONTROL where it runs on " +
        "another machine; see docs/workers.md",
    ))
  }

  return {
    /** Whether the job is to be left alone here for now. */
    isLeft: (job: J): boolean => {
      if (!isWorker) return false
      if (wantedBy(job).every((key) => vault.knows(key))) {
        missed.delete(job.id)
        return false
      }
      leave(job)
      return true
    },
    /** Notes which keys a run finds missing. */
    noting: <A, E, R>(job: J, run: Effect.Effect<A, E, R>) =>
      isWorker
        ? Effect.suspend(() => {
          const keys = new Set<string>()
          missed.set(job.id, keys)
          return Effect.provideService(run, MissingKeys, keys)
        })
        : run,
    /** Whether it is left after its run: what came of it is worth nothing without the keys that were missing. */
    isVoid: (job: J): boolean => {
      if ((missed.get(job.id)?.size ?? 0) > 0) {
        leave(job)
        return true
      }
      missed.delete(job.id)
      return false
    },
    forget: (job: J) => {
      missed.delete(job.id)
      left.delete(job)
    },
  }
}
