/**
 * Port: what was asked for and is not settled yet; the durable task queue. A projection of the log,
 * caught up to the head before the actor system starts, so that startup reads no history.
 */
import { Context, type Effect } from "effect"
import type { Ask } from "./event-log.ts"

export interface OpenAsk {
  /** `<stream>/<revision>.<place>`. */
  readonly id: string
  readonly stream: string
  readonly ask: Ask
  /** The asking event: its id, story, and the actor's clock when it asked (epoch ms). */
  readonly causation: string
  readonly correlation: string
  readonly clock: number
  /** Position of the asking event. */
  readonly position: number
  /** An `ActivityStarted` mark was recorded and no outcome yet: what happened is unknown. */
  readonly started?: boolean
  /** Stream of the approval it waits for; of a `stop`, the approval that nobody waits for any more. */
  readonly approval?: string
  /** Quarantined: only the operator settles it. */
  readonly quarantined?: boolean
}

export class OpenAsks extends Context.Service<OpenAsks, {
  /** Open asks other than timers in order of position, after `after` (an ask id of the page before). */
  page(after: string | undefined, limit: number): Effect.Effect<ReadonlyArray<OpenAsk>>
  /** Open timers due before `before` (epoch ms), soonest first. */
  timers(before: number, limit: number): Effect.Effect<ReadonlyArray<OpenAsk>>
  /** Waits until the index has seen `position`. */
  caughtUp(position: number): Effect.Effect<void>
}>()("actors/OpenAsks") {}
