/**
 * Vectors in the Chroma server that the launcher's supervisor starts, or in the one that AIOS_CHROMA_URL
 * names. Nothing is started and no client is loaded before the first use; where it cannot be had, each use
 * fails and all else goes on.
 */
import { Context, Effect, Layer } from "effect"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { MemoryStore, MemoryStoreUnavailable } from "../projections/memory-store.ts"
import { Helpers } from "./helpers.ts"
import { open } from "./installation.ts"

export interface Options {
  readonly dataDir: string
  /** Of another server; undefined: the supervised one. */
  readonly url: string | undefined
}

/** Starts the supervised server, and says where it is. */
export const supervisedUrl = (
  helpers: Helpers["Service"],
): Effect.Effect<string, MemoryStoreUnavailable> =>
  helpers.start("chroma").pipe(
    Effect.mapError(({ message, reason, retryable }) =>
      new MemoryStoreUnavailable({
        reason: reason === "noModel" ? "failed" : reason,
        message,
        retryable,
      })
    ),
    Effect.map(({ url }) => url ?? ""),
  )

/** Our own server has nobody else's vectors. */
const ours = "local"

/** On a server that others use too, the installation's own id keeps them apart. Hold the folder's lock. */
const installationOf = ({ dataDir, url }: Options) =>
  url === undefined || !existsSync(join(dataDir, "secret"))
    ? Effect.succeed(ours)
    : open(dataDir).pipe(
      Effect.map(({ id }) => id),
      Effect.mapError(({ message }) =>
        new MemoryStoreUnavailable({ reason: "failed", message, retryable: false })
      ),
    )

export const layer = (options: Options): Layer.Layer<MemoryStore, never, Helpers> =>
  Layer.effect(
    MemoryStore,
    Effect.gen(function* () {
      const helpers = yield* Helpers
      const scope = yield* Effect.scope
      const loaded = yield* Effect.cached(Effect.gen(function* () {
        const installation = yield* installationOf(options)
        const chroma = yield* Effect.promise(() => import("./memory-store-chroma.ts"))
        const url = options.url === undefined ? supervisedUrl(helpers) : Effect.succeed(options.url)
        const services = yield* Layer.buildWithScope(chroma.layer({ url, installation }), scope)
        return Context.get(services, MemoryStore)
      }))
      return MemoryStore.of({
        count: (space) => Effect.flatMap(loaded, (store) => store.count(space)),
        upsert: (...given) => Effect.flatMap(loaded, (store) => store.upsert(...given)),
        remove: (...given) => Effect.flatMap(loaded, (store) => store.remove(...given)),
        query: (...given) => Effect.flatMap(loaded, (store) => store.query(...given)),
        ids: (space) => Effect.flatMap(loaded, (store) => store.ids(space)),
        clear: (space) => Effect.flatMap(loaded, (store) => store.clear(space)),
      })
    }),
  )
