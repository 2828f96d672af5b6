/**
 * Port: who does a piece of work, where several processes work on one log. An ask is claimed before it
 * is carried out, for a time that is extended while the work goes on, and its number travels with the
 * outcome. Who lost its claim records nothing: it asks (`confirm`) right before it would.
 */
import { Context, type Effect } from "effect"
import type { LogUnavailable, RecordedEvent } from "./event-log.ts"

/** Work of this process, until it is confirmed, released, or lost. */
export interface Lease {
  readonly ask: string
  /** 1 for the first who took this ask, then one more for each. */
  readonly number: number
  /** Taken from somebody who did not give it up: nobody knows how far they came. */
  readonly inherited: boolean
}

export type Taken =
  | { readonly is: "ours"; readonly lease: Lease }
  /** `by`: the worker that has it. */
  | { readonly is: "theirs"; readonly by: string }

/** What somebody else's event says of an ask. */
export type Heard = "held" | "given up"

export class Claims extends Context.Service<Claims, {
  /** The name under which this process claims; among processes that run at one time it is the only one. */
  readonly by: string
  /** A claim that was not extended for so long may be taken over. */
  readonly leaseMillis: number
  /** Claims the ask; again for what this process has already gives the same lease. */
  take(ask: string): Effect.Effect<Taken, LogUnavailable>
  /** Extends it. False: somebody else has it. */
  renew(lease: Lease): Effect.Effect<boolean, LogUnavailable>
  /** The last word before the outcome. False: somebody else has it, and nothing may be recorded. */
  confirm(lease: Lease): Effect.Effect<boolean, LogUnavailable>
  /** Gives it up undone: others may take it at once. */
  release(lease: Lease): Effect.Effect<void, LogUnavailable>
  /** An event that somebody else wrote in a claim's stream. */
  heard(event: RecordedEvent): Heard
  /** Whether a claim of somebody else has run out, by what was seen of it here. */
  isOver(ask: string): boolean
  /** The ask is settled: nothing more needs to be known of its claim. */
  forget(ask: string): void
}>()("actors/Claims") {}

export const claimStream = (ask: string): string => `claim-${ask}`
/** The ask that a claim's stream is about. */
export const askOfClaim = (stream: string): string => stream.slice("claim-".length)
