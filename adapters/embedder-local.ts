/**
 * Embedder: MiniLM on this machine, in the helper process beside (`bin/helpers/embedder.mjs`). Texts go there a
 * few at a time: whoever waits for a recall is served between two such parts of a long indexing.
 */
import { Effect } from "effect"
import { Embedder, EmbedderUnavailable } from "../actors/embedder.ts"

/** The space its vectors are in; the same as of `@chroma-core/default-embed`. */
export const model = "Xenova/all-MiniLM-L6-v2"
const dimensions = 384
/** Texts asked for at once: one batch of the model. */
const textsMax = 32
/** For one part: the process may have to be started, and the model loaded from a slow disk. */
const partMillisMax = 60_000

/** What is said to the helper process, see `Helpers` in `helpers.ts`. */
export interface Relay {
  embed(texts: ReadonlyArray<string>): Effect.Effect<
    ReadonlyArray<Float32Array>,
    Pick<EmbedderUnavailable, "reason" | "message" | "retryable">
  >
}

const unavailable = (
  reason: EmbedderUnavailable["reason"],
  message: string,
  retryable: boolean,
) => new EmbedderUnavailable({ reason, message, retryable })

const finite = (vector: Float32Array) =>
  vector.length === dimensions && vector.every((value) => Number.isFinite(value))

export const over = (relay: Relay): Embedder["Service"] =>
  Embedder.of({
    model,
    embed: Effect.fn("Embedder.embed")(function* (texts) {
      const vectors: Array<Float32Array> = []
      for (let from = 0; from < texts.length; from += textsMax) {
        const part = texts.slice(from, from + textsMax)
        const made = yield* relay.embed(part).pipe(
          Effect.mapError(({ reason, message, retryable }) =>
            unavailable(reason, message, retryable)
          ),
          Effect.timeoutOrElse({
            duration: partMillisMax,
            orElse: () =>
              Effect.fail(unavailable(
                "timedOut",
                `The embedding process made no vectors of ${part.length} texts within ` +
                  `${partMillisMax / 1000} s; recall is by words meanwhile`,
                true,
              )),
          }),
        )
        if (made.length !== part.length || !made.every(finite)) {
          return yield* unavailable(
            "failed",
            "The embedding process answered what are no vectors: its model's files may be damaged. " +
              "See: aios models",
            false,
          )
        }
        vectors.push(...made)
      }
      return vectors
    }),
  })
