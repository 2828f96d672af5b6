/**
 * A piece of work: an ask, what is known of the activity it asks for, and how far this process is with it.
 */
import type { Fiber } from "effect"
import {
  type ActivityDeclaration,
  isSealed,
  type Json,
  type JsonObject,
  type Lane,
  personalFields,
} from "../../machines/agent.ts"
import type { Implementation } from "../activity.ts"
import type { Lease } from "../claims.ts"
import type { Ask } from "../event-log.ts"
import type { Vault } from "../vault.ts"

export interface Job {
  readonly id: string
  readonly stream: string
  readonly ask: Extract<Ask, { ask: "activity" }>
  readonly causation: string
  readonly correlation: string
  readonly clock: number
  readonly declaration: ActivityDeclaration
  readonly implementation: Implementation | undefined
  state: "queued" | "running" | "pausing" | "waiting" | "gated" | "quarantined" | "elsewhere"
  fiber: Fiber.Fiber<void> | undefined
  approval: string | undefined
  /** Past the gate: it may be happening outside right now. */
  performing: boolean
  /** Nobody waits for its outcome any more, and it may be happening all the same. */
  stopped: boolean
  /** Goes on with a run that waits for its turn to be tried again. */
  resume: (() => void) | undefined
  /** It is one of those that run at the same time. Between two attempts it is not. */
  holdsPlace: boolean
  /** See `claiming.ts`: only where others work on the same log. */
  lease: Lease | undefined
  confirmed: boolean
  lost: boolean
}

/** What a plain promise actor gets: nothing is known of it, so it is run like something without effects. */
export const undeclared = (name: string): ActivityDeclaration => ({
  name,
  input: undefined as never,
  output: undefined as never,
  risk: "none",
  lane: "interactive",
  idempotency: "pure",
  timeoutMillis: 30_000,
  retriesMax: 0,
  retryDelayMillisMin: 200,
  retryDelayMillisMax: 1_000,
  priority: 0,
})

/** What became of a run in this process. */
export interface Happening {
  readonly what: "started" | "done" | "failed" | "skipped" | "quarantined" | "lost"
  readonly ask: string
  readonly activity: string
  readonly lane: Lane
  /** Number of the claim under which it ran, where it was claimed. */
  readonly lease?: number
  /** Of a failure. */
  readonly message?: string
}

export const placeOf = (id: string) => id.slice(id.lastIndexOf("/") + 1)
export const personOf = (value: Json): string | undefined =>
  typeof value === "object" && value !== null && "person" in value &&
    typeof value["person"] === "string"
    ? value["person"]
    : undefined

/** What is personal in an output is sealed before anybody folds it. */
export const sealOutput = (
  vault: typeof Vault.Service,
  declaration: ActivityDeclaration,
  output: Json,
  input: Json,
): Json => {
  const fields = declaration.output !== undefined && "fields" in declaration.output
    ? personalFields(declaration.output.fields as never)
    : []
  if (fields.length === 0 || typeof output !== "object" || output === null) return output
  const subject = personOf(output) ?? personOf(input) ?? "founder"
  const sealed: Record<string, Json> = { ...output as JsonObject }
  for (const field of fields) {
    const value = sealed[field]
    if (value !== undefined && !isSealed(value)) {
      sealed[field] = vault.seal(subject, value) as unknown as Json
    }
  }
  return sealed
}

/** What an outcome says, as it is told. */
export const whatOf = (type: string): Happening["what"] =>
  type === "ActivitySucceeded" ? "done" : type === "ActivityFailed" ? "failed" : "skipped"
/** Why it did not succeed. */
export const messageOf = ({ error, reason }: JsonObject): string | undefined => {
  const message = typeof error === "object" && error !== null && "message" in error
    ? error["message"]
    : reason
  return typeof message === "string" ? message : undefined
}
