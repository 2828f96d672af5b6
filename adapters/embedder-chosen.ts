/** The embedder that AIOS_EMBEDDER names. Nothing is started or loaded before it is first asked. */
import { Effect, Layer } from "effect"
import { absent, Embedder } from "../actors/embedder.ts"
import type { Inference } from "../actors/inference.ts"
import { over } from "./embedder-local.ts"
import * as ollama from "./embedder-ollama.ts"
import { Helpers } from "./helpers.ts"

export const choices = ["local", "ollama", "off"] as const
export type Choice = typeof choices[number]
export const choiceOf = (written: string): Choice | undefined =>
  choices.find((choice) => choice === written)

export const layer = (choice: Choice): Layer.Layer<Embedder, never, Helpers | Inference> =>
  choice === "off"
    ? absent
    : choice === "ollama"
    ? ollama.layer()
    : Layer.effect(Embedder, Effect.map(Helpers, over))
