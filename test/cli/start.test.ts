/** What `aios start` says of what waits: it outlives a log that is away for a while. */
import { Effect } from "effect"
import { expect, it } from "vitest"
import { standing } from "../../cli/start.ts"
import { Aios, OperationFailed } from "../../projections/aios.ts"
import { aiosHouse } from "../projections/aios-house.ts"

const failing = (kind: OperationFailed["kind"]) =>
  new OperationFailed({ kind, error: "LogUnavailable", message: "It does not answer." })

it("waits for a log that is away, says when it is back, and ends where waiting does not help", () =>
  Effect.runPromise(
    Effect.gen(function* () {
      const aios = yield* Aios
      const away = (kind: OperationFailed["kind"]) => ({
        ...aios,
        settle: () => Effect.fail(failing(kind)),
      })
      expect(yield* standing(away("later"), 0))
        .toEqual({ isAway: true, text: "AIOS waits. It does not answer." })
      expect(yield* standing(aios, 0)).toEqual({ isAway: false, text: "Nothing waits." })
      expect(yield* Effect.flip(standing(away("failed"), 0))).toEqual(failing("failed"))
    }).pipe(Effect.provide(aiosHouse()), Effect.scoped),
  ))
