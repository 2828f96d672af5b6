/**
 * Vectors in a Chroma server: one collection per embedding model and installation, by cosine. No documents
 * are stored, only ids, vectors and what is filtered by. The server may be killed, emptied or replaced at
 * any time: a collection that is gone is empty when asked, and made anew when written to.
 */
// Before the client, which cannot be loaded otherwise where the web server is.
import { requestOfClient } from "./chroma-request.ts"
import {
  ChromaClient,
  ChromaConnectionError,
  ChromaNotFoundError,
  ChromaRateLimitError,
  ChromaServerError,
  ChromaUniqueError,
  type Collection,
  type Where,
} from "chromadb"
import { Effect, Layer, Schedule } from "effect"
import { sha256Hex } from "../actors/ids.ts"
import {
  type MemoryQuery,
  MemoryStore,
  MemoryStoreUnavailable,
  type MemoryVector,
} from "../projections/memory-store.ts"

/** Of one call over the wire; a batch is the largest. */
const callMillisMax = 20_000
/** Of a question: somebody waits for its answer, and goes on without. */
const askMillisMax = 5_000
/** Vectors of one write, if the server takes as many: 384 dimensions make about 1 MB of it. */
const batchVectorsMax = 500
const idsPage = 5_000
/** Neighbours the index looks at for one question: more than are ever wanted at once. */
const searchNeighbours = 400
/** A question wants no more. */
const queryLimitMax = 300
/** After a connection broke, the server may be just coming back: once more, after this pause. */
const again = Schedule.spaced(400)
const againTimes = 1

const ensureRequest = requestOfClient()

export interface Options {
  /** Where the server is; asked at the first use, and again after a connection broke. */
  readonly url: Effect.Effect<string, MemoryStoreUnavailable>
  /** Keeps installations apart that share a server. */
  readonly installation: string
}

/** What the collection of a space is called: the name of a model may hold anything. */
export const collectionName = (installation: string, space: string): string =>
  `aios-${sha256Hex(`${installation}\n${space}`).slice(0, 32)}`

const trouble = (
  reason: MemoryStoreUnavailable["reason"],
  message: string,
  retryable: boolean,
  cause?: unknown,
) =>
  new MemoryStoreUnavailable({
    reason,
    message,
    retryable,
    ...(cause === undefined ? {} : { cause }),
  })

/** The client has no option for a path, and its inner one takes a base address. */
const setBase = (client: ChromaClient, baseUrl: string): void => {
  const inner: unknown = Reflect.get(client, "apiClient")
  if (typeof inner !== "object" || inner === null) return
  const set: unknown = Reflect.get(inner, "setConfig")
  if (typeof set === "function") Reflect.apply(set, inner, [{ baseUrl }])
}

interface Connection {
  readonly client: ChromaClient
  readonly url: string
  readonly collections: Map<string, Collection>
  /** Ends all calls under way. */
  readonly abort: () => void
}

const connectionTo = (url: string): Connection => {
  const { hostname, pathname, port, protocol } = new URL(url)
  const ssl = protocol === "https:"
  const ending = new AbortController()
  const client = new ChromaClient({
    host: hostname,
    port: Number(port) || (ssl ? 443 : 80),
    ssl,
    fetchOptions: { signal: ending.signal, redirect: "error" },
  })
  if (pathname !== "/") setBase(client, url.replace(/\/+$/, ""))
  return { client, url, collections: new Map(), abort: () => ending.abort() }
}

const whereOf = ({ person, positionMax }: MemoryQuery): Where | undefined => {
  const ofPerson: Where | undefined = person === undefined ? undefined : { person }
  const before: Where | undefined = positionMax === undefined
    ? undefined
    : { position: { $lte: positionMax } }
  if (ofPerson === undefined || before === undefined) return ofPerson ?? before
  return { $and: [ofPerson, before] }
}

/** A field that is not written would keep what it was: nobody is the empty text. */
const metadataOf = ({ at, kind, person = "", position, tier }: MemoryVector) => ({
  kind,
  tier,
  at,
  position,
  person,
})

export const layer = ({ installation, url }: Options): Layer.Layer<MemoryStore> =>
  Layer.effect(
    MemoryStore,
    Effect.gen(function* () {
      let current: Connection | undefined
      yield* Effect.addFinalizer(() => Effect.sync(() => current?.abort()))

      const connected = Effect.suspend(() =>
        current === undefined
          ? Effect.map(url, (found) => current ??= connectionTo(found))
          : Effect.succeed(current)
      )
      const drop = (connection: Connection) => {
        if (current === connection) current = undefined
        connection.abort()
      }

      const failureOf = (cause: unknown, where: string): MemoryStoreUnavailable => {
        if (cause instanceof MemoryStoreUnavailable) return cause
        const words = cause instanceof Error ? cause.message : String(cause)
        if (cause instanceof ChromaConnectionError) {
          return trouble("failed", `Nobody answers at ${where}: Chroma just ended.`, true, cause)
        }
        const later = cause instanceof ChromaServerError || cause instanceof ChromaRateLimitError
        return trouble("failed", `Chroma at ${where} refused (${words}).`, later, cause)
      }

      /** One call, in its time; whoever takes longer is let go of, with all that waits for it. */
      const call = <A>(
        use: (connection: Connection) => Promise<A>,
        millisMax = callMillisMax,
      ) =>
        Effect.flatMap(connected, (connection) =>
          Effect.tryPromise({
            try: () => {
              ensureRequest()
              return use(connection)
            },
            catch: (cause) => {
              if (cause instanceof ChromaConnectionError) drop(connection)
              return failureOf(cause, connection.url)
            },
          }).pipe(
            Effect.timeoutOrElse({
              duration: millisMax,
              orElse: () => {
                drop(connection)
                return Effect.fail(trouble(
                  "timedOut",
                  `Chroma at ${connection.url} gave no answer within ${millisMax / 1000} s.`,
                  true,
                ))
              },
            }),
          )).pipe(
            Effect.retry({
              schedule: again,
              times: againTimes,
              while: (failure) => failure.cause instanceof ChromaConnectionError,
            }),
          )

      const named = (space: string) => collectionName(installation, space)

      const made = async ({ client, collections }: Connection, space: string) => {
        const name = named(space)
        const create = () =>
          client.getOrCreateCollection({
            name,
            configuration: { hnsw: { space: "cosine", ef_search: searchNeighbours } },
            metadata: { model: space },
            embeddingFunction: null,
          })
        // Two may make it at once.
        const collection = await create().catch((cause) => {
          if (cause instanceof ChromaUniqueError) return create()
          throw cause
        })
        collections.set(name, client.collection(collection.id))
        return client.collection(collection.id)
      }

      const found = async ({ client, collections }: Connection, space: string) => {
        const name = named(space)
        const known = collections.get(name)
        if (known !== undefined) return known
        // Its own embedding function is none of ours: a collection is looked up by its id from here on.
        const { id } = await client.getCollection({ name })
        collections.set(name, client.collection(id))
        return client.collection(id)
      }

      /** In the collection of the space, looked up again where it was replaced; `none` where there is none. */
      const inSpace = <A>(
        space: string,
        use: (collection: Collection) => Promise<A>,
        none: A | undefined,
        millisMax?: number,
      ) =>
        call(async (connection) => {
          for (let attempt = 0;; attempt++) {
            try {
              const collection = none === undefined && attempt > 0
                ? await made(connection, space)
                : await found(connection, space)
              return await use(collection)
            } catch (cause) {
              if (!(cause instanceof ChromaNotFoundError)) throw cause
              const known = connection.collections.delete(named(space))
              if (none !== undefined && !known) return none
              if (attempt >= 2) throw cause
            }
          }
        }, millisMax)

      const batchSize = call(async ({ client }) => {
        const most = await client.getMaxBatchSize()
        return most > 0 ? Math.min(most, batchVectorsMax) : batchVectorsMax
      })

      return MemoryStore.of({
        count: Effect.fn("MemoryStore.count")(function* (space) {
          const count: unknown = yield* inSpace(
            space,
            (collection) => collection.count(),
            0,
            askMillisMax,
          )
          if (typeof count === "number") return count
          return yield* trouble("failed", `${yield* url} answers, but it is no Chroma.`, false)
        }),

        upsert: Effect.fn("MemoryStore.upsert")(function* (space, vectors) {
          if (vectors.length === 0) return
          // Of several with one id the last counts; the server refuses a batch that has both.
          const all = [...new Map(vectors.map((one) => [one.id, one])).values()]
          const size = yield* batchSize
          for (let i = 0; i < all.length; i += size) {
            const batch = all.slice(i, i + size)
            const record = {
              ids: batch.map(({ id }) => id),
              embeddings: batch.map(({ vector }) => [...vector]),
              metadatas: batch.map(metadataOf),
            }
            yield* inSpace(space, (collection) => collection.upsert(record), undefined)
          }
        }),

        remove: Effect.fn("MemoryStore.remove")(function* (space, ids) {
          if (ids.length === 0) return
          const all = [...new Set(ids)]
          const size = yield* batchSize
          for (let i = 0; i < all.length; i += size) {
            const batch = all.slice(i, i + size)
            yield* inSpace<unknown>(space, (one) => one.delete({ ids: batch }), null)
          }
        }),

        query: Effect.fn("MemoryStore.query")(function* (space, query) {
          const limit = Math.min(query.limit, queryLimitMax)
          if (!(limit > 0)) return []
          const where = whereOf(query)
          const answer = yield* inSpace(
            space,
            async (collection) => {
              const { distances, ids } = await collection.query({
                queryEmbeddings: [[...query.vector]],
                nResults: limit,
                include: ["distances"],
                ...(where === undefined ? {} : { where }),
              })
              return { ids: ids[0] ?? [], distances: distances[0] ?? [] }
            },
            { ids: [], distances: [] },
            askMillisMax,
          )
          return answer.ids.map((id, i) => ({ id, similarity: 1 - (answer.distances[i] ?? 1) }))
        }),

        ids: Effect.fn("MemoryStore.ids")(function* (space) {
          const all = new Set<string>()
          for (let offset = 0;; offset += idsPage) {
            const page = yield* inSpace(
              space,
              async (collection) =>
                (await collection.get({ limit: idsPage, offset, include: [] })).ids,
              [],
            )
            for (const id of page) all.add(id)
            if (page.length < idsPage) return [...all]
          }
        }),

        clear: Effect.fn("MemoryStore.clear")(function* (space) {
          yield* call(async ({ client, collections }) => {
            collections.delete(named(space))
            await client.deleteCollection({ name: named(space) }).catch((cause) => {
              if (!(cause instanceof ChromaNotFoundError)) throw cause
            })
          })
        }),
      })
    }),
  )
