/**
 * The messages of a group that nobody works on yet: those to be given again, in the order of the source,
 * before those that were read and never given. What is replayed after it was parked comes last of the first.
 */
import type { Resolved } from "./terms.ts"

/** A message of a group from its reading until it is acknowledged, skipped or parked. */
export interface Message {
  /** Of the link, where one led to the event: by this the consumer acknowledges it. */
  readonly id: string
  readonly resolved: Resolved
  /** In the source; of a replayed one, in the stream of the parked. */
  readonly place: number
  /** Counts what was considered in the source; -1 for a replayed one. */
  readonly sequence: number
  /** What was considered last before it: as long as it is not done, no later place is the checkpoint. */
  readonly before: number | undefined
  readonly replayed: boolean
  /** Rough size in memory. */
  readonly bytes: number
  retries: number
}

export interface Buffer {
  readonly addRead: (message: Message) => void
  readonly addRetry: (message: Message) => void
  readonly remove: (message: Message) => void
  /** In the order in which they are to be given; what is given may be removed meanwhile. */
  readonly scan: () => Iterable<Message>
  readonly counts: () => {
    readonly retry: number
    readonly read: number
    readonly bytes: number
  }
}

export const makeBuffer = (): Buffer => {
  let retry = new Set<Message>()
  const read = new Set<Message>()
  let bytes = 0
  return {
    addRead: (message) => {
      read.add(message)
      bytes += message.bytes
    },
    addRetry: (message) => {
      bytes += message.bytes
      const isLater = (other: Message) => !other.replayed && message.place < other.place
      const later = message.replayed ? -1 : [...retry].findIndex(isLater)
      if (later < 0) return void retry.add(message)
      retry = new Set([...retry].toSpliced(later, 0, message))
    },
    remove: (message) => {
      if (retry.delete(message) || read.delete(message)) bytes -= message.bytes
    },
    scan: function* () {
      yield* retry
      yield* read
    },
    counts: () => ({ retry: retry.size, read: read.size, bytes }),
  }
}
