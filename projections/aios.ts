/**
 * AIOS as its front doors see it: one operation per command. It runs in the process that owns the log
 * or, over a Unix socket, in another one; the door cannot tell which.
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { RecordedEvent } from "../actors/event-log.ts"
import type { ParsedRecord } from "../actors/intake.ts"
import type { Settings } from "../actors/settings.ts"
import type { Json, StateValue } from "../machines/agent.ts"
import type { Remaining } from "../actors/actor-system.ts"

/** An operation failed; `kind` decides the exit code, `message` says what to do next. */
export class OperationFailed extends Schema.TaggedError<OperationFailed>()("OperationFailed", {
  /** failed 1 · usage 2 · later 75 · configuration 78 */
  kind: Schema.Literals(["failed", "usage", "later", "configuration"]),
  /** The typed error's tag, for scripts. */
  error: Schema.String,
  message: Schema.String,
  detail: Schema.optionalKey(Schema.Json),
}) {}

export type { Settings }

export interface Approval {
  readonly id: string
  /** Stream of the actor that asked. */
  readonly agent: string
  readonly activity: string
  readonly risk: string
  readonly reasons: ReadonlyArray<string>
  /** The exact content, opened. */
  readonly content: Json
  /** SHA-256 over the canonical JSON of `content`, 64 hex digits. */
  readonly hash: string
  /** Event ids that led here, oldest first. */
  readonly events: ReadonlyArray<string>
  readonly requestedAt: number
}

export interface BriefLead {
  /** As a person reads it: name or address. */
  readonly person: string
  readonly key: string
  readonly state: string
  readonly score: number
  readonly reasons: ReadonlyArray<string>
  readonly events: ReadonlyArray<string>
}

export interface Brief {
  /** Local date, `2026-11-23`. */
  readonly date: string
  readonly leads: ReadonlyArray<BriefLead>
  readonly approvals: ReadonlyArray<Approval>
  /** What came in since the last brief. */
  readonly news: { readonly mails: number; readonly people: number; readonly since: number }
  /** Done without the founder, and outcomes of what was decided. */
  readonly done: ReadonlyArray<{ readonly what: string; readonly events: ReadonlyArray<string> }>
  readonly held: ReadonlyArray<{ readonly what: string; readonly events: ReadonlyArray<string> }>
  /** What is not known today, and what is missing. */
  readonly unknown: ReadonlyArray<string>
}

export interface Decision {
  readonly id: string
  readonly decision: "approved" | "rejected"
  /** True where it had been decided the same before: nothing changed now. */
  readonly already: boolean
  /** What became of it, as far as it is known now: `sent to …`, or what it waits for. */
  readonly outcome: string
}

export interface AgentRow {
  readonly agent: string
  readonly key: string
  readonly state: StateValue
  readonly status: string
  readonly revision: number
  readonly accepts: ReadonlyArray<string>
}

export interface Replay {
  readonly actors: number
  readonly events: number
  readonly divergences: ReadonlyArray<{
    readonly stream: string
    readonly revision: number
    readonly expected: string
    readonly actual: string
  }>
  readonly millis: number
}

export interface Rebuilt {
  readonly name: string
  readonly version: number
  readonly events: number
  readonly before: string
  readonly after: string
  readonly equal: boolean
  readonly millis: number
}

export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
  /** One command or sentence that mends it; empty where ok. */
  readonly fix: string
}

/** Progress of long work: `done` of `total` (0 where unknown). */
export type Progress = (
  step: { readonly what: string; readonly done: number; readonly total: number },
) => void

type Op<A> = Effect.Effect<A, OperationFailed>

export class Aios extends Context.Service<Aios, {
  readonly settings: Op<Settings>
  configure(patch: { readonly [name: string]: Json }): Op<Settings>
  /** Records what a file gave; `duplicates` were there before. */
  intake(
    batch: ReadonlyArray<ParsedRecord>,
  ): Op<{
    readonly imported: number
    readonly duplicates: number
    /** Records that could not be taken in, by place in their file. */
    readonly faults: ReadonlyArray<{ readonly at: string; readonly reason: string }>
  }>
  /**
   * Routes what was taken in, fires due timers and works until nothing interactive is runnable. With 0
   * it does nothing but say what remains.
   */
  settle(millisMax: number): Op<Remaining>
  /** Without a date: does what is due (timers, today's slot) first. With one: only reads. */
  brief(date?: string): Op<Brief>
  readonly approvals: Op<ReadonlyArray<Approval>>
  approve(id: string): Op<Decision>
  reject(id: string, reason: string): Op<Decision>
  agents(filter?: string): Op<ReadonlyArray<AgentRow>>
  events(
    options: { readonly stream?: string; readonly after?: number; readonly limit?: number },
  ): Op<ReadonlyArray<RecordedEvent>>
  follow(
    options: { readonly stream?: string; readonly after?: number },
  ): Stream.Stream<RecordedEvent, OperationFailed>
  replay(filter: string | undefined, progress: Progress): Op<Replay>
  rebuild(
    projection: string | undefined,
    progress: Progress,
  ): Op<{ readonly projections: ReadonlyArray<Rebuilt> }>
  readonly doctor: Op<{ readonly ok: boolean; readonly checks: ReadonlyArray<Check> }>
  /** The operator's word on an activity whose outcome is unknown. */
  resolve(ask: string, happened: boolean): Op<{ readonly ask: string; readonly happened: boolean }>
}>()("projections/Aios") {}
