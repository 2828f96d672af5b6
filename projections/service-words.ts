/**
 * What is said of the services AIOS leans on: in the brief, by `aios doctor` and over HTTP. Each sentence says
 * what does not work, what is done instead, and what mends it.
 */
import type { Trouble } from "../machines/integration-events.ts"

interface Words {
  readonly name: string
  /** What is done meanwhile. */
  readonly without: string
  /** The same where it was never there; absent: no other. */
  readonly never?: string
  readonly fix: { readonly [trouble in Trouble]: string }
}

const ofService: { readonly [service: string]: Words } = {
  ollama: {
    name: "Ollama",
    without: "drafts are templates, summaries wait",
    never: "drafts are templates, summaries are extracts",
    fix: {
      absent: "ollama serve",
      noModel: "aios models pull",
      slow: "aios doctor",
      garbage: "aios models",
      failed: "aios doctor",
    },
  },
  chroma: {
    name: "Chroma",
    without: "recall is by words",
    fix: {
      absent: "aios doctor",
      noModel: "aios doctor",
      slow: "aios doctor",
      garbage: "aios rebuild memory",
      failed: "aios doctor",
    },
  },
  embedder: {
    name: "The embedder",
    without: "recall is by words",
    fix: {
      absent: "aios models pull",
      noModel: "aios models pull",
      slow: "aios doctor",
      garbage: "aios models pull",
      failed: "aios doctor",
    },
  },
}

const troubles: { readonly [trouble in Trouble]: string } = {
  absent: "does not answer",
  noModel: "has no model",
  slow: "answers too late",
  garbage: "gives answers of no use",
  failed: "fails",
}

export const isTrouble = (value: unknown): value is Trouble =>
  typeof value === "string" && value in troubles

export const serviceName = (service: string): string => ofService[service]?.name ?? service
/** `never`: it was never there, so nobody waits for it. */
export const withoutService = (service: string, never = false): string =>
  (never ? ofService[service]?.never : undefined) ?? ofService[service]?.without ?? ""
export const fixOfService = (service: string, trouble: Trouble): string =>
  ofService[service]?.fix[trouble] ?? "aios doctor"

/** `Ollama does not answer`. */
export const troubleWords = (service: string, trouble: Trouble): string =>
  `${serviceName(service)} ${troubles[trouble]}`

/** `14 minutes`, `2 hours`, `3 days`. */
export const outageWords = (millis: number): string => {
  const [n, unit] = millis < 60_000
    ? [Math.round(millis / 1_000), "second"]
    : millis < 2 * 3_600_000
    ? [Math.round(millis / 60_000), "minute"]
    : millis < 2 * 86_400_000
    ? [Math.round(millis / 3_600_000), "hour"]
    : [Math.round(millis / 86_400_000), "day"]
  return `${n} ${unit}${n === 1 ? "" : "s"}`
}

/** One line on what would be better with models; undefined where nothing is missing. */
export const adviceWords = (
  missing: { readonly model: boolean; readonly embedder: boolean },
): { readonly what: string; readonly fix: string } | undefined => {
  const parts = [
    ...(missing.model ? [`no language model: ${withoutService("ollama", true)}`] : []),
    ...(missing.embedder ? ["no embedding model: recall is by words"] : []),
  ]
  return parts.length === 0 ? undefined : { what: parts.join("; "), fix: "aios models pull" }
}
