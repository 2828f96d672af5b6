/**
 * The log as the event store's protocol sees it: appends with any expected revision, streams that can be
 * truncated, deleted and closed for ever, links, and what comes next. Every service of the door stands on
 * this. Deletion is a fact like any other, so nothing is ever taken from the log.
 */
import { type Access, open } from "./access.ts"
import { type Appends, appends } from "./appends.ts"
import { type Budget, budget } from "./budget.ts"
import { type Reads, reads } from "./reads.ts"
import { type States, states } from "./states.ts"
import { type Tail, tail } from "./tail.ts"
import type { Log } from "./terms.ts"

export interface Door extends Appends, Reads {
  readonly log: Log
  readonly access: Access
  readonly states: States
  readonly tail: Tail
  /** What is held for callers. */
  readonly held: Budget
  /** Ends followers; the log is the caller's. */
  close(): Promise<void>
}

export interface DoorOptions {
  readonly log: Log
  /** Made over what streams say of themselves (their `$acl`). Default: everybody may everything. */
  readonly access?: (states: States) => Access
  /** Epoch milliseconds. Default: the machine's clock. */
  readonly now?: () => number
  /** What callers together may hold in memory. Default 224 MiB. */
  readonly heldBytesMax?: number
}

export const makeDoor = (options: DoorOptions): Door => {
  const { log, now = Date.now } = options
  const known = states(log)
  const following = tail(log, known)
  return {
    log,
    access: (options.access ?? (() => open))(known),
    states: known,
    tail: following,
    held: budget(options.heldBytesMax),
    ...appends(log, known, now),
    ...reads(log, known, now),
    close: following.close,
  }
}
