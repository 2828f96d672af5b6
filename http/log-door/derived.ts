/**
 * Streams of links that a server's standard projections would write: `$ce-<category>`, `$et-<type>` and
 * `$streams`. Nothing is appended for them: an index in memory, made when the first of them is asked for
 * and extended by what came since, holds where their events are; revisions are those that the
 * projections would give.
 */
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { categoryOf, type RecordedEvent } from "../../actors/event-log.ts"
import { received } from "../../actors/foreign-events.ts"
import { bytesOf } from "./budget.ts"
import type { Log, StreamRange } from "./terms.ts"

export const linkType = "$>"
const categoryPrefix = "$ce-"
const typePrefix = "$et-"
const streamsName = "$streams"
/** Events of a page while the index is made, and what they may take. */
const pageMax = 500
const pageBytesMax = 4 * 1024 * 1024
/** Events that are read at once where they lie scattered in the log: four, and as long as they are small, more. */
const atOnceMin = 4
const atOnceMax = 64

export const isDerived = (stream: string): boolean =>
  stream.startsWith(categoryPrefix) || stream.startsWith(typePrefix) || stream === streamsName

/** Positions of a derived stream's events: the place in the list is the revision. */
type Places = Array<number>

export interface DerivedStream {
  readonly last: number
  readonly page: (range: StreamRange) => Promise<ReadonlyArray<RecordedEvent>>
}

export interface DerivedStreams {
  of(stream: string): Promise<DerivedStream>
  /** What a link of ours leads to, where it was just made. */
  targetOf(link: RecordedEvent): RecordedEvent | undefined
}

/** The same link has the same id whenever it is made. */
const idOf = (stream: string, revision: number): string => {
  const digits = createHash("sha1").update(`${revision}@${stream}`).digest("hex")
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-5${digits.slice(13, 16)}-a${
    digits.slice(17, 20)
  }-${digits.slice(20, 32)}`
}

const encoder = new TextEncoder()

export const derivedStreams = (log: Log): DerivedStreams => {
  const lists = new Map<string, Places>()
  let seen = -1
  let growing: Promise<void> | undefined
  const targets = new WeakMap<RecordedEvent, RecordedEvent>()

  const add = (stream: string, position: number) => {
    const list = lists.get(stream)
    if (list === undefined) lists.set(stream, [position])
    else list.push(position)
  }
  const take = (event: RecordedEvent) => {
    if (event.type === linkType) return
    if (!event.stream.startsWith("$") && event.stream.includes("-")) {
      add(categoryPrefix + categoryOf(event.stream), event.position)
    }
    add(typePrefix + event.type, event.position)
    if (event.revision === 0) add(streamsName, event.position)
  }
  const grow = async () => {
    for (;;) {
      const page = await Effect.runPromise(
        log.readAll({ from: seen + 1, limit: pageMax, bytesMax: pageBytesMax }),
      )
      for (const event of page) {
        take(event)
        seen = event.position
      }
      if (page.length === 0) return
    }
  }
  /** Everything that is in the log now is in the index then. */
  const grown = async () => {
    const head = await Effect.runPromise(log.head)
    while (seen < head) {
      growing ??= grow().finally(() => {
        growing = undefined
      })
      await growing
    }
  }

  const linkTo = (stream: string, revision: number, to: RecordedEvent): RecordedEvent => {
    const link: RecordedEvent = {
      ...received({
        id: idOf(stream, revision),
        type: linkType,
        json: false,
        data: encoder.encode(`${to.revision}@${to.stream}`),
        metadata: encoder.encode(JSON.stringify({ $o: to.stream, $causedBy: to.id })),
      }, to.metadata.at),
      stream,
      revision,
      position: to.position,
    }
    targets.set(link, to)
    return link
  }

  return {
    targetOf: (link) => targets.get(link),
    of: async (stream) => {
      await grown()
      const list = lists.get(stream) ?? []
      return {
        last: list.length - 1,
        page: async ({ from, limit, backwards = false, bytesMax = Infinity }) => {
          const start = Math.min(from ?? (backwards ? list.length - 1 : 0), list.length - 1)
          const count = backwards
            ? Math.min(limit, start + 1)
            : Math.min(limit, list.length - (from ?? 0))
          const revisions = Array.from(
            { length: Math.max(0, count) },
            (_, place) => backwards ? start - place : start + place,
          )
          const links: Array<RecordedEvent> = []
          let bytes = 0
          let atOnce = atOnceMin
          for (let at = 0; at < revisions.length; at += atOnce) {
            if (at > 0) atOnce = Math.min(atOnceMax, atOnce * 2)
            const some = revisions.slice(at, at + atOnce)
            const found = await Promise.all(
              some.map((revision) =>
                Effect.runPromise(log.readAll({ from: list[revision]!, limit: 1 }))
              ),
            )
            for (const [place, [event]] of found.entries()) {
              if (event === undefined) continue
              // What they lead to is held with them.
              bytes += bytesOf(event)
              if (bytes > bytesMax && links.length > 0) return links
              links.push(linkTo(stream, some[place]!, event))
            }
          }
          return links
        },
      }
    },
  }
}
