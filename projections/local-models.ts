/**
 * Port: the models on this machine, as `aios models` shows and fetches them, in the process the user started.
 * It needs no data directory and no log; what the founder chose there is given.
 */
import { Context, type Effect } from "effect"
import type { OperationFailed, Progress } from "./aios.ts"

export interface EmbeddingState {
  /** As AIOS_EMBEDDER says. */
  readonly by: "local" | "ollama" | "off"
  readonly model: string
  /** Empty where Ollama has them. */
  readonly folder: string
  /** AIOS_MODELS_DIR names the folder: it is used as it is, and nothing is fetched into it. */
  readonly given: boolean
  /** `other`: it can be used, but these are not the pinned files. */
  readonly state: "whole" | "other" | "missing" | "off"
  /** On disk. */
  readonly bytes: number
  /** Still to fetch; 0 where nothing is, or nobody knows. */
  readonly bytesMissing: number
  readonly files: ReadonlyArray<{
    readonly name: string
    readonly bytes: number
    /** `part`: begun, and taken up where it stopped. */
    readonly state: "whole" | "other" | "part" | "missing"
  }>
}

export interface ChatModelRow {
  readonly name: string
  readonly bytes: number
  readonly parameters: string
  readonly digest: string
  /** Empty: installed, and not used. */
  readonly use: "small" | "large" | "vectors" | ""
}

export interface ChatState {
  readonly host: string
  readonly answers: boolean
  /** One is there, and does not answer: what is installed is not known now. */
  readonly unknown: boolean
  /** Why not, and what to do; empty where it answers. */
  readonly reason: string
  readonly models: ReadonlyArray<ChatModelRow>
  /** Empty: none. */
  readonly small: string
  readonly large: string
  /** Why these. */
  readonly because: string
  /** The one that is used is there. */
  readonly ready: boolean
  /** What `aios models pull` would fetch; bytes 0: nobody knows before. Absent: nothing, or nobody knows now. */
  readonly fetches?: { readonly model: string; readonly bytes: number; readonly because: string }
}

export interface ModelsState {
  readonly embedding: EmbeddingState
  readonly chat: ChatState
  /** Of the machine. */
  readonly memoryBytes: number
}

/** The founder's word in the log; empty: none. */
export interface ModelChoice {
  readonly small: string
  readonly large: string
}

export interface Fetched {
  readonly fetched: boolean
  /** Read from elsewhere in this run. */
  readonly bytes: number
}

export class LocalModels extends Context.Service<LocalModels, {
  status(choice: ModelChoice): Effect.Effect<ModelsState>
  /** Where they are fetched from: `huggingface.co`. */
  readonly source: Effect.Effect<string>
  pullEmbedding(progress: Progress): Effect.Effect<Fetched, OperationFailed>
  pullChat(model: string, progress: Progress): Effect.Effect<Fetched, OperationFailed>
}>()("projections/LocalModels") {}
