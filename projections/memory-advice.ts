/** What is said where no vectors are made, with the one thing that mends it. */
import type { CircuitOpen } from "../actors/circuits.ts"
import type { EmbedderUnavailable } from "../actors/embedder.ts"
import type { MemoryStoreUnavailable } from "./memory-store.ts"
import { fixOfService } from "./service-words.ts"

type Waits = MemoryStoreUnavailable | EmbedderUnavailable | CircuitOpen

export const noModelHere = "no model is here that finds by meaning: aios models pull"
/** Words that say by themselves what to do. */
const saysWhatToDo = /\baios [a-z]|\brestart AIOS\b|\bSet [A-Z]/

/** What to do where no vectors are made: one thing. */
export const adviceOf = (failure: Waits): string => {
  const { message } = failure
  const or = (fix: string, said: string) => saysWhatToDo.test(said) ? said : `${said}: ${fix}`
  switch (failure._tag) {
    case "EmbedderUnavailable":
      return failure.reason === "noModel"
        ? noModelHere
        : failure.reason === "absent"
        ? message
        : or("aios doctor", `the embedding model does not answer (${message})`)
    case "MemoryStoreUnavailable":
      return or("aios doctor", `the vectors cannot be reached (${message})`)
    default: {
      const { service, trouble = "failed" } = failure
      if (service === "embedder" && trouble === "noModel") return noModelHere
      // That nobody answers is no missing model.
      return or(trouble === "absent" ? "aios doctor" : fixOfService(service, trouble), message)
    }
  }
}
