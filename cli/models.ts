/**
 * `aios models`: which models there are, which are used and what is missing; `aios models pull` fetches them, in
 * this process, whoever else runs. Nothing of it touches the log.
 */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { OperationFailed } from "../projections/aios.ts"
import { objectOf } from "../projections/fields.ts"
import {
  type ChatState,
  type EmbeddingState,
  LocalModels,
  type ModelChoice,
  type ModelsState,
} from "../projections/local-models.ts"
import { Json, open, print, watch } from "./access.ts"
import { exitCode } from "./exit-codes.ts"
import { bytes, oneLine, Output, table, wrap } from "./output.ts"

/** Names of models at Ollama: `gemma3:4b`, `hf.co/someone/model:Q4_K_M`. */
const modelName = /^[\w][\w./:-]{0,199}$/
const indent = "            "

/** What the founder chose is in the log; where that cannot be read now, what is installed counts. */
const choice: Effect.Effect<ModelChoice, never, Effect.Services<ReturnType<typeof open>>> = Effect
  .gen(function* () {
    const policy = objectOf(yield* (yield* open("read")).modelPolicy(null))
    const text = (value: unknown) => typeof value === "string" ? value : ""
    return { small: text(policy["small"]), large: text(policy["large"]) }
  }).pipe(Effect.catch(() => Effect.succeed({ small: "", large: "" })))

const size = (n: number) => n === 0 ? "size not known yet" : bytes(n)

const embeddingLines = (state: EmbeddingState): ReadonlyArray<string> => {
  if (state.by === "off") {
    return ["switched off (AIOS_EMBEDDER=off): recall is by words"]
  }
  const where = state.by === "ollama" ? "at Ollama" : `in ${state.folder}`
  const damaged = state.files.filter((file) => file.state === "other").map(({ name }) => name)
  const told = {
    off: "",
    whole: `whole, ${bytes(state.bytes)} ${where}`,
    other: state.given
      ? `used as it is, ${bytes(state.bytes)} ${where} (AIOS_MODELS_DIR): not the pinned files`
      : `${damaged.join(", ")} ${where}: not the pinned files. Fetch them anew: aios models pull`,
    missing: state.given
      ? `missing ${where} (AIOS_MODELS_DIR): ${
        state.files.filter((file) => file.state === "missing").map(({ name }) => name).join(", ")
      }. Put them there, or unset it and: aios models pull`
      : `missing ${where}: recall is by words. Fetch it, ${
        size(state.bytesMissing)
      }: aios models pull`,
  }
  return [state.model, told[state.state]]
}

const chatLines = (state: ChatState, output: Output["Service"]): ReadonlyArray<string> => {
  const fetches = state.fetches === undefined ? [] : [
    `Fetch ${state.fetches.model}, ${size(state.fetches.bytes)} (${state.fetches.because}): ` +
    "aios models pull",
  ]
  const without = "without a model, rules and templates do the work"
  if (state.unknown) {
    return [
      `not known now: Ollama does not answer at ${state.host}`,
      oneLine(state.reason),
      "Meanwhile rules and templates do the work. What is installed is seen when it answers: aios doctor",
    ]
  }
  if (!state.answers) {
    return [`none: ${without}`, oneLine(state.reason), ...fetches]
  }
  const rows = state.models.map((model) => [
    oneLine(model.name),
    bytes(model.bytes),
    oneLine(model.parameters),
    { small: "used", large: "used where the small one fails", vectors: "makes vectors", "": "" }[
      model.use
    ],
  ])
  return [
    `Ollama answers at ${state.host}`,
    ...table(rows, output.columns - indent.length, output.interactive).split("\n").filter(Boolean),
    ...(state.ready
      ? [`${state.small} is used: ${state.because}`]
      : state.small === ""
      ? [`no model that could answer: ${without}`]
      : [`${state.small} is missing (${state.because}): ${without}`]),
    ...fetches,
  ]
}

const statusText = (state: ModelsState, output: Output["Service"]): string => {
  const part = (name: string, lines: ReadonlyArray<string>) =>
    `${output.paint.bold(name.padEnd(indent.length))}${
      lines.map((line) => wrap(line, output.columns, indent)).join(`\n${indent}`)
    }\n`
  return part("EMBEDDINGS", embeddingLines(state.embedding)) +
    part("CHAT", chatLines(state.chat, output))
}

const status = Effect.fnUntraced(function* () {
  const output = yield* Output
  const models = yield* LocalModels
  const state = yield* models.status(yield* choice)
  yield* print(state, () => statusText(state, output))
}, Effect.scoped)

/** What is still to do, said before it begins. */
const planText = (state: ModelsState, source: string, which: Which): ReadonlyArray<string> => {
  const { embedding } = state
  const embeddings = embedding.by === "off"
    ? "Embeddings: switched off (AIOS_EMBEDDER=off)"
    : embedding.state === "whole" || (embedding.given && embedding.state === "other")
    ? `Embeddings: ${embedding.model} is there (${bytes(embedding.bytes)})`
    : embedding.by === "ollama"
    ? `Embeddings: ${embedding.model}, ${size(embedding.bytesMissing)}, through Ollama`
    : embedding.given
    ? `Embeddings: ${embedding.folder} is used as it is (AIOS_MODELS_DIR)`
    : `Embeddings: ${embedding.model}, ${size(embedding.bytesMissing)} from ${source} ` +
      `into ${embedding.folder}`
  const { fetches } = which
  const chat = state.chat.unknown && fetches === undefined
    ? `Chat: not known now: ${oneLine(state.chat.reason)}`
    : fetches === undefined
    ? `Chat: ${state.chat.small} is there: ${state.chat.because}`
    : `Chat: ${fetches.model}, ${size(fetches.bytes)} to fetch and on disk, through Ollama ` +
      `(${fetches.because})`
  return [...(which.embedding ? [embeddings] : []), ...(which.chat ? [chat] : [])]
}

interface Which {
  readonly embedding: boolean
  readonly chat: boolean
  readonly fetches: ChatState["fetches"]
}

const usage = (message: string) =>
  new OperationFailed({ kind: "usage", error: "InvalidValue", message })

/** The named one, else what the status says would be fetched. */
const wanted = (state: ModelsState, named: string | undefined): ChatState["fetches"] => {
  if (named === undefined) return state.chat.fetches
  const there = state.chat.models.some(({ name }) => name === named || name === `${named}:latest`)
  return there ? undefined : { model: named, bytes: 0, because: "you named it" }
}

const pull = Command.make(
  "pull",
  {
    embeddingOnly: Flag.Boolean("embedding-only").pipe(
      Flag.withDescription("Only the embedding model"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
    chatOnly: Flag.Boolean("chat-only").pipe(
      Flag.withDescription("Only the chat model"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
    model: Flag.String("model").pipe(
      Flag.withMetavar("<name>"),
      Flag.withDescription(
        "This chat model, as Ollama names it (else AIOS_MODEL, else one that fits)",
      ),
      Flag.optional,
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Say what would be fetched and what it costs on disk; fetch nothing"),
      Flag.withDefault(false),
      Flag.withoutNegation,
    ),
  },
  Effect.fnUntraced(function* (given) {
    const output = yield* Output
    const models = yield* LocalModels
    const named = Option.getOrUndefined(given.model)
    if (given.embeddingOnly && given.chatOnly) {
      return yield* usage("--embedding-only and --chat-only exclude each other: give one, or none.")
    }
    if (named !== undefined && given.embeddingOnly) {
      return yield* usage("--model names a chat model: it is of no use with --embedding-only.")
    }
    if (named !== undefined && !modelName.test(named)) {
      return yield* usage(`--model: ${named} is no model's name. Such as gemma3:4b`)
    }
    yield* output.onInterrupt(
      exitCode.SIGINT,
      () => "Stopped. What was fetched is kept: run it again to go on.",
    )
    const before = yield* models.status(yield* choice)
    const which: Which = {
      embedding: !given.chatOnly,
      chat: !given.embeddingOnly,
      fetches: wanted(before, named),
    }
    const plan = planText(before, yield* models.source, which)
    if (given.dryRun) {
      const fetches = which.chat ? which.fetches ?? null : null
      return yield* print(
        {
          dryRun: true,
          embedding: which.embedding ? { bytes: before.embedding.bytesMissing } : null,
          chat: fetches,
        },
        () => `${plan.join("\n")}\n`,
      )
    }
    if (!(yield* Json)) { for (const line of plan) yield* output.log(line) }

    const phase = <A, E, R>(
      what: string,
      work: (line: ReturnType<typeof watch>) => Effect.Effect<A, E, R>,
    ) =>
      Effect.suspend(() => {
        const line = output.progress(what, "bytes")
        return Effect.ensuring(work(watch(line)), Effect.sync(line.end))
      })
    const nothing = { fetched: false, bytes: 0 }
    const { fetches } = which
    // The one is of use without the other: what cannot be fetched does not keep the other out.
    const embedding = yield* Effect.result(
      which.embedding ? phase("Embeddings", models.pullEmbedding) : Effect.succeed(nothing),
    )
    const chat = yield* Effect.result(
      which.chat && fetches === undefined && before.chat.unknown
        ? Effect.fail(
          new OperationFailed({
            kind: "later",
            error: "ModelTimedOut",
            message: before.chat.reason,
          }),
        )
        : which.chat && fetches !== undefined
        ? phase(fetches.model, (progress) => models.pullChat(fetches.model, progress))
        : Effect.succeed(nothing),
    )
    if (embedding._tag === "Failure" && chat._tag === "Failure") {
      yield* output.log(`aios: ${embedding.failure.message}`)
      return yield* chat.failure
    }
    const after = yield* models.status({ small: "", large: "" })
    const of = (result: typeof chat) => result._tag === "Success" ? result.success : nothing
    yield* print(
      {
        embedding: { ...of(embedding), state: after.embedding.state },
        chat: { ...of(chat), model: fetches?.model ?? after.chat.small, ready: after.chat.ready },
      },
      () => {
        const said = (what: string, result: typeof chat) =>
          result._tag === "Failure"
            ? ""
            : result.success.fetched
            ? `${what}: fetched, ${bytes(result.success.bytes)}\n`
            : `${what}: nothing to fetch\n`
        return (which.embedding ? said("Embeddings", embedding) : "") +
          (which.chat ? said(fetches?.model ?? "Chat", chat) : "")
      },
    )
    if (embedding._tag === "Failure") return yield* embedding.failure
    if (chat._tag === "Failure") return yield* chat.failure
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Fetch the embedding model (91 MB, its files are checked) and a chat model that fits this machine's " +
      "memory, through Ollama. Afterwards nothing needs the network. What was begun is taken up again; " +
      "AIOS_MODELS_URL names a mirror of huggingface.co.",
  ),
  Command.withShortDescription("Fetch what is missing, once"),
)

const models = Command.make("models", {}, status).pipe(
  Command.withDescription(
    "Show which models there are, which are used and why, what is missing and what it costs on disk.",
  ),
  Command.withShortDescription("Show models, fetch them (models pull)"),
  Command.withSubcommands([pull]),
)

export const modelsCommands = [models] as const
