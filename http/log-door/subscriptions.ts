/**
 * Subscriptions: everything after a place, then what comes, for as long as the caller stays. A slow
 * caller is waited for, and holds nothing but its place.
 */
import messages from "@eventstore/db-client/generated/streams_pb.js"
import { randomUUID } from "node:crypto"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { isDerived } from "./derived.ts"
import { readAnswers } from "./encoding.ts"
import { invalidArgument, streamDeleted } from "./errors.ts"
import { filterOf, inAll } from "./filters.ts"
import type { StreamRead } from "./reads.ts"
import { isTombstone } from "./states.ts"
import {
  eventsOfRead,
  give,
  page,
  positionOf,
  type Reading,
  themselves,
} from "./streams-reading.ts"

const { RevisionOptionCase } = messages.ReadReq.Options.StreamOptions
const { AllOptionCase } = messages.ReadReq.Options.AllOptions

/** Events of a page that is read at once while catching up. */
const pageMax = 500
/** A follower this many events behind catches up again, and is told when it has. */
const behindMax = 2_000

const confirm = (reading: Reading) => reading.send(readAnswers.confirmation(randomUUID()))

export const subscribeToAll = async (
  reading: Reading,
  of: messages.ReadReq.Options.AllOptions,
  filtering: messages.ReadReq.Options.FilterOptions | undefined,
): Promise<void> => {
  const { serving: { door }, caller: { left }, send } = reading
  const filter = filtering === undefined ? undefined : filterOf(filtering)
  const wanted = filter?.wanted ?? inAll
  let position: number
  switch (of.getAllOptionCase()) {
    case AllOptionCase.POSITION:
      position = positionOf(of.getPosition()!)
      break
    case AllOptionCase.START:
      position = -1
      break
    case AllOptionCase.END:
      position = await door.head()
      break
    default:
      throw invalidArgument("'None' is not a valid AllOptionOneofCase")
  }
  await confirm(reading)
  let considered = 0
  let told = -1
  const checkpoint = async () => {
    if (filter === undefined || position <= told) return
    told = position
    await send(readAnswers.checkpoint(position))
  }
  const take = async (events: ReadonlyArray<RecordedEvent>): Promise<boolean> => {
    for (const event of events) {
      position = event.position
      if (wanted(event)) await give(reading, event)
      if (filter !== undefined && ++considered >= filter.checkpointEvery) {
        considered = 0
        await checkpoint()
      }
    }
    return events.length > 0
  }
  const readOn = (bytesMax: number) =>
    door.readAll({ from: position + 1, limit: pageMax, bytesMax })
  for (;;) {
    while (await page(reading, readOn, themselves, take)) if (left.aborted) return
    await checkpoint()
    await send(readAnswers.caughtUp())
    do {
      await door.tail.beyond(position, left)
      await page(reading, () => door.tail.after(position, left), themselves, take)
    } while (door.tail.head() - position < behindMax)
  }
}

export const subscribeToStream = async (
  reading: Reading,
  stream: string,
  of: messages.ReadReq.Options.StreamOptions,
): Promise<void> => {
  const { serving: { door }, caller: { left }, send } = reading
  let revision: number
  switch (of.getRevisionOptionCase()) {
    case RevisionOptionCase.REVISION:
      revision = Number(of.getRevision())
      break
    case RevisionOptionCase.START:
      revision = -1
      break
    case RevisionOptionCase.END:
      revision = await door.lastOf(stream)
      break
    default:
      throw invalidArgument("'None' is not a valid RevisionOptionOneofCase")
  }
  await confirm(reading)
  const readOn = (bytesMax: number) =>
    door.read(stream, { from: revision + 1, limit: pageMax, bytesMax })
  /** Whether there is more. */
  const take = async (read: StreamRead): Promise<boolean> => {
    if (read._tag === "StreamDeleted") throw streamDeleted(stream)
    if (read._tag === "NoStream") return false
    for (const event of read.events) {
      revision = event.revision
      await give(reading, event)
    }
    if (read.next === undefined) return false
    revision = Math.max(revision, read.next - 1)
    return true
  }
  let position = -1
  const takeNew = async (events: ReadonlyArray<RecordedEvent>) => {
    position = events.at(-1)?.position ?? position
    for (const event of events) {
      if (event.stream !== stream || event.revision <= revision) continue
      if (isTombstone(event)) throw streamDeleted(stream)
      revision = event.revision
      await give(reading, event)
    }
  }
  for (;;) {
    position = await door.head()
    while (await page(reading, readOn, eventsOfRead, take)) if (left.aborted) return
    await send(readAnswers.caughtUp())
    do {
      await door.tail.beyond(position, left)
      await page(reading, () => door.tail.after(position, left), themselves, takeNew)
      // What a projection would have linked has revisions of its own.
      if (isDerived(stream)) { while (await page(reading, readOn, eventsOfRead, take)); }
    } while (door.tail.head() - position < behindMax)
  }
}
