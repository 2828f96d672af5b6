/** Keeps routing while AIOS stays up: other processes import into the same log. */
import { Effect } from "effect"
import { EventLog } from "./event-log.ts"
import { Router } from "./router.ts"
import { toldOnce } from "./told-once.ts"

/** While it stays up, imported records are routed once the log was quiet for so long: an import is one. */
const quietMillis = 5_000

/** Routes what other processes import here, once they are done with it. */
export const routing = Effect.gen(function* () {
  const log = yield* EventLog
  const route = yield* Router
  const told = toldOnce()
  let routed = -1
  const turn = Effect.gen(function* () {
    const before = yield* log.head
    yield* Effect.sleep(quietMillis)
    if (before === (yield* log.head) && before !== routed) {
      yield* route.routeUpTo()
      routed = yield* log.head
    }
    yield* told.well
  })
  return yield* turn.pipe(
    Effect.catch(({ message }) =>
      Effect.andThen(told.trouble(`Routing waits: ${message}`), Effect.sleep(quietMillis))
    ),
    Effect.forever,
  )
})
