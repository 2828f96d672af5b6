/**
 * Subscriptions: everything after a place, then what comes, for as long as the caller stays. A slow
 * caller is waited for, and holds nothing but its place.
 */
import messages from "@eventstore/db-client/generated/streams_pb.js"
import { randomUUID } from "node:crypto"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { readAnswers } from "./encoding.ts"
import { invalidArgument, streamDeleted } from "./errors.ts"
import { filterOf, inAll } from "./filters.ts"
import { pageSize } from "./reads.ts"
import { isTombstone } from "./states.ts"
import { give, positionOf, type Reading } from "./streams-read.ts"

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
  const take = async (events: ReadonlyArray<RecordedEvent>): Promise<number> => {
    let bytes = 0
    for (const event of events) {
      position = event.position
      if (wanted(event)) bytes += await give(reading, event)
      if (filter !== undefined && ++considered >= filter.checkpointEvery) {
        considered = 0
        await checkpoint()
      }
    }
    return bytes
  }
  const size = pageSize(pageMax)
  for (;;) {
    for (;;) {
      if (left.aborted) return
      const page = await door.readAll({ from: position + 1, limit: size.limit(pageMax) })
      if (page.length === 0) break
      size.read(await take(page))
    }
    await checkpoint()
    await send(readAnswers.caughtUp())
    do {
      await take(await door.tail.after(position, left))
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
  const size = pageSize(pageMax)
  for (;;) {
    let position = await door.head()
    for (;;) {
      if (left.aborted) return
      const page = await door.read(stream, { from: revision + 1, limit: size.limit(pageMax) })
      if (page._tag === "StreamDeleted") throw streamDeleted(stream)
      if (page._tag === "NoStream") break
      let bytes = 0
      for (const event of page.events) {
        revision = event.revision
        bytes += await give(reading, event)
      }
      size.read(bytes)
      if (page.next === undefined) break
      revision = Math.max(revision, page.next - 1)
    }
    await send(readAnswers.caughtUp())
    do {
      const events = await door.tail.after(position, left)
      position = events.at(-1)?.position ?? position
      for (const event of await door.among(stream, events, revision)) {
        if (event.revision <= revision) continue
        if (isTombstone(event)) throw streamDeleted(stream)
        revision = event.revision
        await give(reading, event)
      }
    } while (door.tail.head() - position < behindMax)
  }
}
