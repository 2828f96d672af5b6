/**
 * Which chat model fits which machine, where nobody chose one: all of these answer without a graphics card,
 * the larger the better and the slower. Ollama's library is where they are fetched from.
 */

export interface ModelSize {
  readonly model: string
  /** To fetch, and on disk. */
  readonly bytes: number
  /** The machine's memory from which on it leaves room for the rest. */
  readonly memoryMin: number
}

const GB = 1e9

/** From the smallest on. */
export const modelSizes: ReadonlyArray<ModelSize> = [
  { model: "gemma3:270m", bytes: 0.29 * GB, memoryMin: 0 },
  { model: "gemma3:1b", bytes: 0.82 * GB, memoryMin: 3.5 * GB },
  { model: "gemma3:4b", bytes: 3.3 * GB, memoryMin: 7.5 * GB },
  // Below that it would fit, but one answer would take a CPU minutes.
  { model: "gemma3:12b", bytes: 8.1 * GB, memoryMin: 30 * GB },
]

/** The largest that fits. */
export const modelFor = (memoryBytes: number): ModelSize =>
  modelSizes.findLast(({ memoryMin }) => memoryBytes >= memoryMin) ?? modelSizes[0]!

/** Where it is one of these; 0: nobody knows before it is fetched. */
export const bytesOf = (model: string): number =>
  modelSizes.find((one) => one.model === model)?.bytes ?? 0
