/**
 * Makes `append` out of `appendBatch`: everything that arrives while a commit is under way, or in the
 * same turn, goes into the next one. An append whose caller was interrupted may still be written; its
 * ids make it safe to ask again.
 */
import { Deferred, Effect, Exit, type Scope, Semaphore } from "effect"
import type {
  Append,
  Appended,
  EventTooLarge,
  LogUnavailable,
  NewEvent,
  VersionConflict,
} from "../actors/event-log.ts"

/** Appends in one commit. */
export const groupMax = 1000
/** Appends that wait for a commit; further callers wait for their turn. */
export const waitingMax = 8000

type Outcome = Appended | VersionConflict | EventTooLarge
type Refused = VersionConflict | EventTooLarge | LogUnavailable

interface Waiting {
  readonly append: Append
  readonly done: Deferred.Deferred<Appended, Refused>
}

export const groupCommit = (
  appendBatch: (
    batch: ReadonlyArray<Append>,
  ) => Effect.Effect<ReadonlyArray<Outcome>, LogUnavailable>,
  closed: () => LogUnavailable,
): Effect.Effect<
  (
    stream: string,
    expected: number,
    events: ReadonlyArray<NewEvent>,
  ) => Effect.Effect<Appended, Refused>,
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const room = yield* Semaphore.make(waitingMax)
    let waiting: Array<Waiting> = []
    let draining = false
    let open = true

    const settle = (group: ReadonlyArray<Waiting>, outcomes: ReadonlyArray<Outcome>) => {
      group.forEach(({ done }, place) => {
        const outcome = outcomes[place]
        Deferred.doneUnsafe(
          done,
          outcome === undefined
            ? Exit.fail(closed())
            : "_tag" in outcome
            ? Exit.fail(outcome)
            : Exit.succeed(outcome),
        )
      })
    }

    let group: ReadonlyArray<Waiting> = []
    const drain = Effect.gen(function* () {
      while (true) {
        // One turn of the scheduler, so that callers of the same moment share the first commit too.
        yield* Effect.yieldNow
        group = waiting.slice(0, groupMax)
        waiting = waiting.slice(groupMax)
        // Said in the same turn as it was seen: a caller that comes later starts a new drain.
        if (group.length === 0) return void (draining = false)
        const exit = yield* Effect.exit(appendBatch(group.map((one) => one.append)))
        if (Exit.isSuccess(exit)) settle(group, exit.value)
        else for (const { done } of group) Deferred.doneUnsafe(done, Exit.failCause(exit.cause))
      }
    }).pipe(Effect.onInterrupt(() => Effect.sync(() => settle(group, []))))

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        open = false
        for (const { done } of waiting) Deferred.doneUnsafe(done, Exit.fail(closed()))
        waiting = []
      })
    )

    return (stream, expected, events) =>
      Semaphore.withPermit(
        room,
        Effect.uninterruptibleMask((restore) =>
          Effect.suspend(() => {
            if (!open) return Effect.fail(closed())
            const done = Deferred.makeUnsafe<Appended, Refused>()
            waiting.push({ append: { stream, expected, events }, done })
            const start = draining ? Effect.void : Effect.forkIn(drain, scope)
            draining = true
            return Effect.andThen(start, restore(Deferred.await(done)))
          })
        ),
      )
  })
