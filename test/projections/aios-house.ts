/** `Aios` in memory over real parts: what the front doors call, with agents and activities of choice. */
import { Effect, Layer } from "effect"
import type { BlobStore } from "../../actors/blob-store.ts"
import type { Circuits } from "../../actors/circuits.ts"
import * as circuits from "../../actors/circuits-live.ts"
import { Mailer } from "../../actors/mailer.ts"
import * as intake from "../../actors/intake.ts"
import * as router from "../../actors/router.ts"
import * as blobs from "../../adapters/blob-store-memory.ts"
import * as recurrences from "../../adapters/recurrences-ical.ts"
import { agents, journals } from "../../machines/mod.ts"
import type { OperationFailed } from "../../projections/aios.ts"
import * as aiosLocal from "../../projections/aios-local.ts"
import * as queries from "../../projections/queries.ts"
import { houseOf, type HouseOptions } from "../actors/house.ts"

/** Says that nothing is sent from here; what hands mail over in a test is its own activity. */
const mailer = Layer.succeed(
  Mailer,
  Mailer.of({
    send: () => Effect.die("No activity here has this mailer"),
    recall: () => Effect.die("No activity here has this mailer"),
    sends: false,
  }),
)

type Env = Layer.Success<ReturnType<typeof houseOf>>

export interface AiosOptions extends Partial<HouseOptions> {
  /** The index of memory; default none. See `memory-world.ts`. */
  readonly memory?: Layer.Layer<
    never,
    unknown,
    Env | BlobStore | Circuits | queries.Queries
  >
}

export const aiosHouse = ({ memory, ...options }: AiosOptions = {}) => {
  let mark: router.RouterMark | undefined
  const checkpoint = Layer.succeed(
    router.RouterCheckpoint,
    router.RouterCheckpoint.of({
      load: Effect.sync(() => mark),
      save: (next) => Effect.sync(() => void (mark = next)),
    }),
  )
  return aiosLocal.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(intake.layer, router.layer)),
    Layer.provideMerge(memory ?? Layer.empty),
    Layer.provideMerge(queries.layer),
    Layer.provideMerge(Layer.mergeAll(blobs.layer, checkpoint, recurrences.layer)),
    Layer.provideMerge(circuits.layer({ dispatch: options.dispatch ?? true })),
    Layer.provideMerge(Layer.merge(houseOf({ agents, journals, ...options }), mailer)),
  )
}

/** How an operation failed. */
export const refusalOf = <A, R>(operation: Effect.Effect<A, OperationFailed, R>) =>
  Effect.flip(operation)
