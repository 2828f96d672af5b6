/**
 * The door of a log that another process owns, held open over that process's socket. When that one ends,
 * whoever is the next to own the data directory and to take calls is asked again.
 */
import { Deferred, Effect, type Scope, Stream } from "effect"
import { OperationFailed } from "../projections/aios.ts"
import { answers, connect } from "./aios-remote.ts"
import { ownerOf } from "./owner-lock.ts"

/** While nobody owns the log it is looked this often whether somebody does again. */
const againMillis = 250

/** The owner went, or one is there again. */
export type News = "away" | "back"

/** Gives the path of the log's Unix socket, as long as there is one. */
export const heldThere = (
  directory: string,
  secure: boolean,
  told: (news: News) => Effect.Effect<void>,
): Effect.Effect<() => string | undefined, OperationFailed, Scope.Scope> =>
  Effect.gen(function* () {
    let path: string | undefined
    const first = yield* Deferred.make<void, OperationFailed>()
    const hold = Effect.gen(function* () {
      const socket = ownerOf(directory)?.socket
      if (socket === undefined || !(yield* answers(socket))) return
      yield* connect(socket).serveLog(secure).pipe(
        Stream.runForEach((found) =>
          Effect.gen(function* () {
            path = found
            if (!(yield* Deferred.succeed(first, undefined))) yield* told("back")
          })
        ),
        Effect.catch((refused) => Deferred.fail(first, refused)),
      )
      if (path !== undefined) yield* told("away")
      path = undefined
    })
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(hold, Effect.sleep(againMillis))))
    yield* Deferred.await(first)
    return () => path
  })
