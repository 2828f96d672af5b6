/**
 * Model server: Ollama, by its own npm client. A request that nobody waits for any more is aborted, which
 * ends the work on the server at once. The client is made anew for each request, because it can only abort
 * all it has; and its own way of reading a refusal prints to stdout, so refusals are read here.
 */
import { Effect, Layer, Stream } from "effect"
import { Ollama } from "ollama"
import {
  Inference,
  InferenceFailed,
  type InferencePiece,
  type InferenceRequest,
} from "../actors/inference.ts"
import { folded, rendersSystem } from "../actors/model-fold.ts"
import { unit } from "../actors/vectors.ts"

/** A server that runs answers this at once. */
const modelsMillisMax = 5_000
/** What a model's template is, a server that runs knows at once too. */
const showMillisMax = 5_000
/** Loading a large model from a slow disk and reading a long prompt on a CPU, before the first word. */
const firstPieceMillisMax = 300_000
/** Between two words. */
const nextPieceMillisMax = 60_000
const embedMillisMax = 120_000
/** Texts of one request for vectors: more are asked for in turn, so that others get theirs in between. */
const embedTexts = 32
/** Ollama needs a minute to cut a word of 10,000 letters into tokens (a picture in a mail); models know none. */
const wordCharsMax = 100
/** No embedding model's window holds more. */
const textCharsMax = 32_768
const longWord = new RegExp(`(\\S{${wordCharsMax}})\\S+`, "g")
/** A download of which nothing is heard for so long is stuck. */
const pullMillisMax = 120_000
/** Of a refusal's text, letters. */
const refusalCharsMax = 300
const nanosPerMilli = 1e6
/** A token is rarely longer than this, in letters, and an answer has some blanks: more is none to `num_predict`. */
const tokenCharsMax = 16
const answerCharsFree = 4_096
/** What a server writes around each piece of a token. */
const tokenBytesMax = 1_024
/** One line of a stream. The client keeps it until it ends. */
const lineBytesMax = 1_048_576
/** All of an answer that is no stream: vectors of a batch, a large model's description. */
const replyBytesMax = 33_554_432
/** All that a download tells of itself, over hours. */
const pullBytesMax = 268_435_456
/** What a server does not count is guessed: letters of a token. */
const guessedTokenChars = 4

/** The server answered, but not with what was asked for. */
class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
/** It could not be spoken to. */
class Unreached extends Error {}

/** It says more than was asked for. */
class TooMuch extends Error {}

interface Bounds {
  readonly bytesMax: number
  readonly lineBytesMax: number
}
const oneReply: Bounds = { bytesMax: replyBytesMax, lineBytesMax: replyBytesMax }

/** An answer of which no more is read than these bounds; beyond them its connection is closed. */
const bounded = (response: Response, { bytesMax, lineBytesMax }: Bounds): Response => {
  if (response.body === null) return response
  let bytes = 0
  let line = 0
  const counting = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform: (chunk, controller) => {
      const lineEnd = chunk.lastIndexOf(10)
      bytes += chunk.length
      line = lineEnd < 0 ? line + chunk.length : chunk.length - lineEnd - 1
      if (bytes > bytesMax || line > lineBytesMax) {
        throw new TooMuch(`more than ${bytes > bytesMax ? bytesMax : lineBytesMax} bytes`)
      }
      controller.enqueue(chunk)
    },
  })
  const { headers, status, statusText } = response
  return new Response(response.body.pipeThrough(counting), { headers, status, statusText })
}

/** What a server that listens everywhere is called is no address to call it by. */
export const hostOf = (written: string): string => {
  const host = written.trim() === "" ? "127.0.0.1:11434" : written.trim()
  return host.replace(/^(\w+:\/\/)?0\.0\.0\.0/, "$1127.0.0.1").replace(
    /^(\w+:\/\/)?\[::\]/,
    "$1[::1]",
  )
}

const refusalOf = (text: string) => {
  try {
    const said: unknown = JSON.parse(text)
    if (typeof said === "object" && said !== null && "error" in said) return String(said.error)
  } catch {
    // No JSON: then it is the text as it is.
  }
  return text.trim()
}

const clientOf = (host: string, signal: AbortSignal, bounds: Bounds) =>
  new Ollama({
    host,
    fetch: async (url, init) => {
      const response = bounded(
        await fetch(url, { ...init, signal }).catch((cause) => {
          throw new Unreached(cause instanceof Error ? cause.message : String(cause), { cause })
        }),
        bounds,
      )
      if (response.ok) return response
      const text = refusalOf(await response.text()).slice(0, refusalCharsMax)
      throw new Refused(response.status, text || `HTTP ${response.status}`)
    },
  })

const failed = (
  reason: InferenceFailed["reason"],
  message: string,
  retryable: boolean,
) => new InferenceFailed({ reason, message, retryable })

const noModel = (model: string) =>
  failed(
    "noModel",
    `Ollama does not have ${model}. Fetch it: aios models pull --model ${model}`,
    false,
  )

/** What kept a request from being answered, in the port's words. */
const failureOf =
  (host: string, model: string | undefined) => (cause: unknown): InferenceFailed => {
    const said = cause instanceof Error ? cause.message : String(cause)
    if (cause instanceof Unreached) {
      return failed(
        "absent",
        `No Ollama server answers at ${host} (${said.slice(0, refusalCharsMax)}). ` +
          "Start it with: ollama serve",
        true,
      )
    }
    if (cause instanceof Refused) {
      if (cause.status === 404 && model !== undefined && /\bmodel\b.*not found/i.test(said)) {
        return noModel(model)
      }
      const passing = cause.status >= 500 || cause.status === 429 || cause.status === 408
      return failed("failed", `Ollama refuses: ${said}`, passing)
    }
    if (cause instanceof TooMuch) {
      return failed("failed", `Ollama says more than was asked for (${said}): broken off`, true)
    }
    if (cause instanceof SyntaxError) {
      return failed("failed", `What answers at ${host} does not speak as Ollama does`, true)
    }
    return failed("failed", `Ollama broke off: ${said.slice(0, refusalCharsMax)}`, true)
  }

/** The client's word for a stream that ended in order, without its last line. */
const unfinished = ({ message }: InferenceFailed) => message.includes("Did not receive done")

const guessed = (chars: number) => Math.ceil(chars / guessedTokenChars)

const timedOut = (what: string, millis: number) =>
  failed("timedOut", `Ollama ${what} within ${Math.round(millis / 1000)} s`, true)

const millisOf = (nanos: number | undefined) => Math.round((nanos ?? 0) / nanosPerMilli)

export const layer = (options: { readonly host: string }): Layer.Layer<Inference> => {
  const host = hostOf(options.host)

  /** One request and its one answer. */
  const asked = <A>(
    model: string | undefined,
    ask: (client: Ollama) => Promise<A>,
    millis: number,
  ): Effect.Effect<A, InferenceFailed> =>
    Effect.tryPromise({
      try: (signal) => ask(clientOf(host, signal, oneReply)),
      catch: failureOf(host, model),
    }).pipe(Effect.timeoutOrElse({
      duration: millis,
      orElse: () => Effect.fail(timedOut("did not answer", millis)),
    }))

  /** Whether the system message reaches a model, by its name, and of which digest that is known. */
  const known = new Map<string, { readonly digest: string | undefined; readonly folds: boolean }>()
  const digests = new Map<string, string>()
  const named = (model: string) => model.includes(":") ? model : `${model}:latest`

  /**
   * Whether all messages must be one. Where the template cannot be read they are: instructions in the user's
   * message reach every model, a system message does not.
   */
  const folds = (model: string) =>
    Effect.gen(function* () {
      const digest = digests.get(named(model))
      const before = known.get(named(model))
      if (before !== undefined && before.digest === digest) return before.folds
      const shown = yield* Effect.result(
        asked(model, (client) => client.show({ model }), showMillisMax),
      )
      if (shown._tag === "Failure") {
        // Whoever cannot be reached, or lacks the model, is not asked for an answer either.
        if (["absent", "noModel"].includes(shown.failure.reason)) return yield* shown.failure
        return true
      }
      const found = !rendersSystem(shown.success)
      known.set(named(model), { digest, folds: found })
      return found
    })

  /** One request whose answer comes piece by piece. It is aborted however the reading of it ends. */
  const streamed = <A>(
    model: string,
    ask: (client: Ollama) => Promise<AsyncIterable<A>>,
    millis: { readonly first: number; readonly next: number },
    bytesMax: number,
  ): Stream.Stream<A, InferenceFailed> =>
    Stream.unwrap(Effect.gen(function* () {
      const { signal } = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (controller) => Effect.sync(() => controller.abort()),
      )
      const failure = failureOf(host, model)
      const pieces = yield* Effect.tryPromise({
        try: () => ask(clientOf(host, signal, { bytesMax, lineBytesMax })),
        catch: failure,
      }).pipe(Effect.timeoutOrElse({
        duration: millis.first,
        orElse: () => Effect.fail(timedOut(`did not begin with ${model}`, millis.first)),
      }))
      return Stream.fromAsyncIterable(pieces, failure).pipe(Stream.timeoutOrElse({
        duration: millis.next,
        orElse: () => Stream.fail(timedOut(`${model} said nothing more`, millis.next)),
      }))
    }))

  /** One answer, piece by piece. */
  const said = (request: InferenceRequest, fold: boolean) =>
    Stream.suspend(() => {
      const messages = fold ? folded(request.messages) : request.messages
      const charsMax = request.tokensMax * tokenCharsMax + answerCharsFree
      let chars = 0
      return streamed(
        request.model,
        (client) =>
          client.chat({
            model: request.model,
            messages: messages.map(({ role, content }) => ({ role, content })),
            stream: true,
            // Thought that nobody reads costs as much as an answer.
            think: false,
            ...(request.format === undefined ? {} : { format: request.format }),
            options: {
              num_predict: request.tokensMax,
              num_ctx: request.contextTokens,
              temperature: request.temperature,
              seed: request.seed,
            },
          }),
        { first: firstPieceMillisMax, next: nextPieceMillisMax },
        request.tokensMax * tokenBytesMax + lineBytesMax,
      ).pipe(
        Stream.flatMap((one): Stream.Stream<InferencePiece, InferenceFailed> => {
          const pieces: Array<InferencePiece> = []
          const text = one.message?.content
          if (typeof text === "string" && text !== "") pieces.push({ text })
          chars += text?.length ?? 0
          if (chars > charsMax) {
            const problem = new TooMuch(`more than ${charsMax} letters`)
            return Stream.fail(failureOf(host, request.model)(problem))
          }
          if (one.done) {
            pieces.push({
              done: true,
              because: one.done_reason === "length" ? "length" : "stop",
              tokensIn: one.prompt_eval_count ?? 0,
              tokensOut: one.eval_count ?? 0,
              millis: millisOf(one.total_duration),
              loadMillis: millisOf(one.load_duration),
            })
          }
          return Stream.fromIterable(pieces)
        }),
        Stream.catch((failure): Stream.Stream<InferencePiece, InferenceFailed> =>
          // It worked, said something, and ended in order, only not with its last word.
          !unfinished(failure) || chars === 0 ? Stream.fail(failure) : Stream.succeed({
            done: true,
            because: "length",
            tokensIn: guessed(messages.reduce((sum, { content }) => sum + content.length, 0)),
            tokensOut: guessed(chars),
            millis: 0,
            loadMillis: 0,
            estimated: true,
          })
        ),
      )
    })

  return Layer.succeed(
    Inference,
    Inference.of({
      system: "ollama",
      chat: (request) =>
        Stream.unwrap(Effect.map(folds(request.model), (fold) => said(request, fold))),
      embed: Effect.fn("Inference.embed")(function* (model, texts) {
        const vectors: Array<Float32Array> = []
        for (let from = 0; from < texts.length; from += embedTexts) {
          const input = texts.slice(from, from + embedTexts).map((text) =>
            text.slice(0, textCharsMax).replace(longWord, "$1")
          )
          const { embeddings } = yield* asked(
            model,
            (client) => client.embed({ model, input, truncate: true }),
            embedMillisMax,
          )
          if (embeddings?.length !== input.length) {
            return yield* failed(
              "failed",
              `Ollama made ${
                embeddings?.length ?? 0
              } vectors of ${input.length} texts with ${model}`,
              false,
            )
          }
          for (const values of embeddings) vectors.push(unit(Float32Array.from(values)))
        }
        return vectors
      }),
      models: asked(undefined, (client) => client.list(), modelsMillisMax).pipe(
        Effect.flatMap(({ models }) =>
          Array.isArray(models)
            ? Effect.sync(() => {
              digests.clear()
              for (const { digest, name } of models) digests.set(named(name), digest)
              return models.map((model) => ({
                name: model.name,
                bytes: model.size,
                digest: model.digest,
                parameters: model.details?.parameter_size ?? "",
              }))
            })
            : Effect.fail(failureOf(host, undefined)(new SyntaxError("no list of models")))
        ),
      ),
      pull: Effect.fn("Inference.pull")(function* (model, progress) {
        const parts = new Map<string, { readonly done: number; readonly total: number }>()
        yield* streamed(
          model,
          (client) => client.pull({ model, stream: true }),
          { first: pullMillisMax, next: pullMillisMax },
          pullBytesMax,
        ).pipe(
          Stream.runForEach(({ status, digest, completed, total }) =>
            Effect.sync(() => {
              if (digest) parts.set(digest, { done: completed ?? 0, total: total ?? 0 })
              const all = [...parts.values()]
              progress({
                what: status,
                done: all.reduce((sum, part) => sum + part.done, 0),
                total: all.reduce((sum, part) => sum + part.total, 0),
              })
            })
          ),
          Effect.mapError((failure) => pullFailure(model, failure)),
        )
      }),
    }),
  )
}

const pullFailure = (model: string, failure: InferenceFailed) => {
  const { message } = failure
  if (/file does not exist|not found/i.test(message)) {
    return failed("noModel", `There is no model ${model} where Ollama fetches models from`, false)
  }
  if (/no such host|dial tcp|timeout|TLS|connection/i.test(message)) {
    return failed(
      "failed",
      `Ollama cannot fetch ${model}: it does not reach its registry. ` +
        "Try again with a network; what was fetched is kept.",
      true,
    )
  }
  return failure
}
