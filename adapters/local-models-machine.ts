/**
 * The models of this machine: MiniLM's files in their folder, and what Ollama has. What it says of the chat
 * model is what the desk does (`actors/model-routes.ts`).
 */
import { totalmem } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { Inference, type InferenceFailed, type InstalledModel } from "../actors/inference.ts"
import { chooseModels, generates, policyDefault, sameModel } from "../actors/model-routes.ts"
import { bytesOf, modelFor } from "../actors/model-sizes.ts"
import { OperationFailed } from "../projections/aios.ts"
import {
  type ChatState,
  type EmbeddingState,
  LocalModels,
  type ModelChoice,
} from "../projections/local-models.ts"
import type { Choice } from "./embedder-chosen.ts"
import { modelDefault } from "./embedder-ollama.ts"
import { fetchFiles, filesOf, miniLM, missingOf, sourceDefault } from "./model-files.ts"

/** `all-minilm` at Ollama, to fetch. */
const ollamaEmbeddingBytes = 46_000_000

export interface Options {
  readonly dataDir: string
  readonly embedder: Choice
  /** As AIOS_MODELS_DIR names it, absolute; the launcher says the usual one where the user named none. */
  readonly modelsDir: string
  /** AIOS_MODELS_URL. */
  readonly modelsUrl: string | undefined
  /** AIOS_MODEL. */
  readonly model: string | undefined
  /** Where Ollama answers. */
  readonly ollama: string
}

const failureOf = ({ reason, message, retryable }: InferenceFailed) =>
  new OperationFailed({
    kind: retryable && reason === "timedOut" ? "later" : "failed",
    error: `Model${reason[0]!.toUpperCase()}${reason.slice(1)}`,
    message,
  })

const sourceOf = (url: string | undefined) => {
  const written = url ?? sourceDefault
  return URL.canParse(written) && /^https?:$/.test(new URL(written).protocol)
    ? new URL(written)
    : undefined
}

/** Which chat models are used, and why, in words. */
const chatOf = (
  options: Options,
  choice: ModelChoice,
  installed: ReadonlyArray<InstalledModel>,
  memoryBytes: number,
): Omit<ChatState, "host" | "answers" | "unknown" | "reason" | "models"> => {
  const { small = "", large = "" } = chooseModels(
    { ...policyDefault, ...choice },
    options.model,
    installed,
  )
  const has = (name: string) => installed.some((one) => sameModel(one.name, name))
  const able = installed.filter(generates)
  const fits = modelFor(memoryBytes)
  const because = choice.small !== ""
    ? "you chose it"
    : options.model !== undefined
    ? "AIOS_MODEL names it"
    : able.length === 1
    ? "it is the only one that is installed"
    : able.length > 1
    ? "of those installed it is the smallest; the next larger one helps where it fails"
    : ""
  if (small !== "" && has(small)) return { small, large, because, ready: true }
  return {
    small,
    large,
    because,
    ready: false,
    fetches: small !== "" ? { model: small, bytes: bytesOf(small), because } : {
      model: fits.model,
      bytes: fits.bytes,
      because: `it fits this machine's memory, ${(memoryBytes / 1e9).toFixed(1)} GB`,
    },
  }
}

export const layer = (options: Options): Layer.Layer<LocalModels, never, Inference> =>
  Layer.effect(
    LocalModels,
    Effect.gen(function* () {
      const inference = yield* Inference
      const given = options.modelsDir !== join(options.dataDir, "models")
      const memoryBytes = totalmem()

      const local: Effect.Effect<EmbeddingState> = Effect.map(
        filesOf(options.modelsDir, miniLM),
        (files) => {
          const there = files.filter(({ state }) => state === "whole" || state === "other")
          return {
            by: "local",
            model: miniLM.model,
            folder: options.modelsDir,
            given,
            state: there.length < files.length
              ? "missing"
              : there.every(({ state }) => state === "whole")
              ? "whole"
              : "other",
            bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
            bytesMissing: given
              ? 0
              : miniLM.files.reduce((sum, file, n) => sum + missingOf(file, files[n]!), 0),
            files,
          }
        },
      )
      const ofOllama = (installed: ReadonlyArray<InstalledModel>): EmbeddingState => {
        const found = installed.find(({ name }) => sameModel(name, modelDefault))
        return {
          by: "ollama",
          model: modelDefault,
          folder: "",
          given: false,
          state: found === undefined ? "missing" : "whole",
          bytes: found?.bytes ?? 0,
          bytesMissing: found === undefined ? ollamaEmbeddingBytes : 0,
          files: [],
        }
      }
      const off: EmbeddingState = {
        by: "off",
        model: "",
        folder: "",
        given: false,
        state: "off",
        bytes: 0,
        bytesMissing: 0,
        files: [],
      }

      const pullOf = (model: string, progress: Parameters<typeof inference.pull>[1]) =>
        Effect.gen(function* () {
          const before = yield* inference.models
          if (before.some(({ name }) => sameModel(name, model))) return { fetched: false, bytes: 0 }
          let bytes = 0
          yield* inference.pull(model, (step) => {
            bytes = Math.max(bytes, step.done)
            progress(step)
          })
          return { fetched: true, bytes }
        }).pipe(Effect.mapError(failureOf))

      return LocalModels.of({
        source: Effect.succeed(sourceOf(options.modelsUrl)?.host ?? ""),
        status: Effect.fn("LocalModels.status")(function* (choice) {
          const found = yield* Effect.result(inference.models)
          const answers = found._tag === "Success"
          const installed = answers ? found.success : []
          // Where none is, nothing is installed; where one does not answer, nobody knows.
          const unknown = !answers && found.failure.reason !== "absent"
          const { fetches, ...chat } = chatOf(options, choice, installed, memoryBytes)
          const use = (model: InstalledModel) =>
            !generates(model)
              ? "vectors"
              : sameModel(model.name, chat.small)
              ? "small"
              : sameModel(model.name, chat.large)
              ? "large"
              : ""
          return {
            embedding: options.embedder === "off"
              ? off
              : options.embedder === "ollama"
              ? ofOllama(installed)
              : yield* local,
            chat: {
              host: options.ollama,
              answers,
              unknown,
              reason: answers ? "" : found.failure.message,
              models: installed.map((model) => ({ ...model, use: use(model) })),
              ...chat,
              ...(fetches === undefined || unknown ? {} : { fetches }),
            },
            memoryBytes,
          }
        }),
        pullEmbedding: (progress) =>
          Effect.gen(function* () {
            if (options.embedder === "off") return { fetched: false, bytes: 0 }
            if (options.embedder === "ollama") return yield* pullOf(modelDefault, progress)
            if (given) {
              const { state, folder, files } = yield* local
              if (state !== "missing") return { fetched: false, bytes: 0 }
              const lacks = files.filter((file) => file.state !== "whole" && file.state !== "other")
              return yield* new OperationFailed({
                kind: "configuration",
                error: "ModelsDirIncomplete",
                message: `AIOS_MODELS_DIR is ${folder}, and ${join(folder, miniLM.model)} lacks ${
                  lacks.map(({ name }) => name).join(", ")
                }. It is used as it is: put them there, or unset it to have them fetched.`,
              })
            }
            const source = sourceOf(options.modelsUrl)
            if (source === undefined) {
              return yield* new OperationFailed({
                kind: "configuration",
                error: "WrongConfiguration",
                message:
                  `AIOS_MODELS_URL is no address: ${options.modelsUrl}. Such as ${sourceDefault}`,
              })
            }
            return yield* fetchFiles(options.modelsDir, miniLM, source.href, progress)
          }),
        pullChat: pullOf,
      })
    }),
  )
