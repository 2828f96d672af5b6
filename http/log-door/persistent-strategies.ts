/**
 * Who of a group's consumers gets the next message. `Pinned` strategies give all messages of one stream
 * (or story) to the same consumer as long as it stays: names are hashed into buckets, and a bucket belongs
 * to one consumer. A message whose consumer is busy is passed over, and keeps its place.
 */
import { sent } from "../../actors/foreign-events.ts"
import { linkType } from "./reads.ts"
import type { StrategyName } from "./persistent-settings.ts"
import type { Resolved } from "./terms.ts"

const bucketsMax = 1024

export interface Consumer {
  /** It can take one more message. */
  readonly isFree: () => boolean
}

/** A consumer, or why there is none: this one is passed over for now, or nobody can take any. */
export type Chosen<C> = C | "skip" | "full"

export interface Strategy<C extends Consumer> {
  readonly added: (consumer: C) => void
  readonly removed: (consumer: C) => void
  readonly choose: (message: Resolved) => Chosen<C>
  /** The message was given to the one that was chosen last. */
  readonly given: (consumer: C, message: Resolved) => void
  /** The consumer has it no more. */
  readonly settled: (consumer: C, message: Resolved) => void
}

const nothing = () => {}

/** The first free one, beginning with the one whose turn it is; `rotates` after each message. */
const inTurn = <C extends Consumer>(rotates: boolean): Strategy<C> => {
  const queue: Array<C> = []
  const turn = () => {
    const first = queue.shift()
    if (first !== undefined) queue.push(first)
  }
  return {
    added: (consumer) => void queue.push(consumer),
    removed: (consumer) => void queue.splice(queue.indexOf(consumer), 1),
    choose: () => {
      for (let tried = 0; tried < queue.length; tried++) {
        const consumer = queue[0]!
        if (consumer.isFree()) {
          if (rotates) turn()
          return consumer
        }
        turn()
      }
      return "full"
    },
    given: nothing,
    settled: nothing,
  }
}

/** FNV-1a. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let place = 0; place < text.length; place++) {
    hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193) >>> 0
  }
  return hash
}

const decoder = new TextDecoder()

/** The stream a message comes from; of a link that was not followed, the one it names. */
const streamOf = ({ event, link }: Resolved): string => {
  const record = event ?? link
  if (record === undefined) return ""
  if (record.type !== linkType) return record.stream
  const named = decoder.decode(sent(record).data)
  return named.slice(named.indexOf("@") + 1)
}

const storyOf = (message: Resolved): string => {
  const record = message.event ?? message.link
  if (record === undefined) return ""
  try {
    const said: unknown = JSON.parse(decoder.decode(sent(record).metadata))
    const story: unknown = typeof said === "object" && said !== null
      ? Reflect.get(said, "$correlationId")
      : undefined
    if (typeof story === "string") return story
  } catch {
    // Metadata that is no JSON names no story.
  }
  return streamOf(message)
}

interface Bucket<C> {
  owner: C | undefined
  inFlight: number
}

const pinned = <C extends Consumer>(sourceOf: (message: Resolved) => string): Strategy<C> => {
  const buckets = Array.from({ length: bucketsMax }, (): Bucket<C> => ({
    owner: undefined,
    inFlight: 0,
  }))
  const consumers = new Set<C>()
  const bucketOf = (message: Resolved) => buckets[hashOf(sourceOf(message)) % bucketsMax]!
  const owned = () => {
    const counts = new Map([...consumers].map((consumer) => [consumer, 0]))
    for (const { owner } of buckets) {
      if (owner !== undefined) counts.set(owner, (counts.get(owner) ?? 0) + 1)
    }
    return counts
  }
  const give = (bucket: Bucket<C>, owner: C | undefined) => {
    bucket.owner = owner
    bucket.inFlight = 0
  }
  return {
    added: (consumer) => {
      consumers.add(consumer)
      const counts = owned()
      const assigned = [...counts.values()].reduce((sum, count) => sum + count, 0)
      const fair = Math.ceil(assigned / consumers.size)
      for (const [owner, count] of counts) {
        // Buckets with nothing under way move first: their order is not disturbed.
        const moving = buckets.filter((bucket) => bucket.owner === owner)
          .toSorted((a, b) => a.inFlight - b.inFlight).slice(0, Math.max(0, count - fair))
        for (const bucket of moving) give(bucket, consumer)
      }
    },
    removed: (consumer) => {
      consumers.delete(consumer)
      for (const bucket of buckets) if (bucket.owner === consumer) give(bucket, undefined)
    },
    choose: (message) => {
      if (![...consumers].some((consumer) => consumer.isFree())) return "full"
      const bucket = bucketOf(message)
      if (bucket.owner === undefined) {
        const [least] = [...owned()].toSorted(([, a], [, b]) => a - b)
        give(bucket, least?.[0])
      }
      return bucket.owner?.isFree() === true ? bucket.owner : "skip"
    },
    given: (_consumer, message) => {
      bucketOf(message).inFlight++
    },
    settled: (consumer, message) => {
      const bucket = bucketOf(message)
      if (bucket.owner === consumer && bucket.inFlight > 0) bucket.inFlight--
    },
  }
}

export const makeStrategy = <C extends Consumer>(name: StrategyName): Strategy<C> => {
  switch (name) {
    case "RoundRobin":
      return inTurn(true)
    case "DispatchToSingle":
      return inTurn(false)
    case "Pinned":
      return pinned(streamOf)
    case "PinnedByCorrelation":
      return pinned(storyOf)
  }
}
