/** `Read`: pages of a stream or of the whole log, and subscriptions, which are in a file of their own. */
import { Buffer } from "node:buffer"
import messages from "@eventstore/db-client/generated/streams_pb.js"
import type { RecordedEvent } from "../../actors/event-log.ts"
import { type Caller, type Send, type Serving, streaming } from "./calls.ts"
import { readAnswers } from "./encoding.ts"
import { accessDenied, invalidArgument, streamDeleted } from "./errors.ts"
import { filterOf, inAll, type Wanted } from "./filters.ts"
import { nameOf } from "./names.ts"
import type { StreamRead } from "./reads.ts"
import {
  eventsOfRead,
  give,
  page,
  positionOf,
  type Reading,
  themselves,
} from "./streams-reading.ts"
import { subscribeToAll, subscribeToStream } from "./subscriptions.ts"

const { Options } = messages.ReadReq
const { CountOptionCase, FilterOptionCase, ReadDirection, StreamOptionCase } = Options
const { RevisionOptionCase } = Options.StreamOptions
const { AllOptionCase } = Options.AllOptions

/** Events of a page that is read at once. */
const pageMax = 500
/** The page within which a server looks for the first event that is still there. */
const firstPage = 32

const countOf = (options: messages.ReadReq.Options): number => Number(options.getCount())

const readStream = async (reading: Reading, options: messages.ReadReq.Options) => {
  const { serving: { door }, send } = reading
  const of = options.getStream()!
  const stream = nameOf(of.getStreamIdentifier())
  const backwards = options.getReadDirection() === ReadDirection.BACKWARDS
  const tells = (options.getControlOption()?.getCompatibility() ?? 0) >= 1
  const revision = of.getRevisionOptionCase()
  let from: number | undefined
  if (revision === RevisionOptionCase.REVISION) from = Number(of.getRevision())
  else if (revision === RevisionOptionCase.START) from = 0
  else if (revision === RevisionOptionCase.END) from = backwards ? undefined : Infinity
  else throw invalidArgument("'None' is not a valid RevisionOptionOneofCase")
  let left = countOf(options)
  let isFirst = true
  const take = async (read: StreamRead): Promise<boolean> => {
    if (read._tag === "NoStream") return void await send(readAnswers.streamNotFound(stream)), false
    if (read._tag === "StreamDeleted") throw streamDeleted(stream)
    if (tells && isFirst && !backwards && from !== undefined && from !== Infinity) {
      const lastLooked = from + Math.min(firstPage, left) - 1
      if (lastLooked < read.first) await send(readAnswers.firstStreamPosition(read.first))
      else if (from > read.last + 1) {
        await send(readAnswers.firstStreamPosition(read.last + 1))
      }
    }
    isFirst = false
    for (const event of read.events) await give(reading, event)
    left -= read.events.length
    from = read.next
    if (left > 0 && read.next !== undefined) return true
    if (tells) await send(readAnswers.lastStreamPosition(read.last))
    return false
  }
  const readOn = (bytesMax: number) =>
    door.read(stream, {
      limit: Math.min(left, pageMax),
      backwards,
      bytesMax,
      ...(from === undefined ? {} : { from }),
    })
  while (await page(reading, readOn, eventsOfRead, take));
}

const readAll = async (reading: Reading, options: messages.ReadReq.Options) => {
  const { door } = reading.serving
  const of = options.getAll()!
  const backwards = options.getReadDirection() === ReadDirection.BACKWARDS
  const filter = options.getFilter()
  const wanted: Wanted = filter === undefined ? inAll : filterOf(filter).wanted
  let from: number | undefined
  switch (of.getAllOptionCase()) {
    case AllOptionCase.POSITION: {
      const position = positionOf(of.getPosition()!)
      // A position is where an event begins: forwards it comes first, backwards what is before it.
      from = backwards ? position - 1 : position
      break
    }
    case AllOptionCase.START:
      from = backwards ? -1 : 0
      break
    case AllOptionCase.END:
      from = backwards ? undefined : Infinity
      break
    default:
      throw invalidArgument("'None' is not a valid AllOptionOneofCase")
  }
  let left = countOf(options)
  const readOn = (bytesMax: number) =>
    door.readAll({
      limit: filter === undefined ? Math.min(left, pageMax) : pageMax,
      backwards,
      bytesMax,
      ...(from === undefined ? {} : { from }),
    })
  const take = async (events: ReadonlyArray<RecordedEvent>) => {
    for (const event of events) {
      if (!wanted(event)) continue
      if (left-- <= 0) return undefined
      await give(reading, event)
    }
    return events.at(-1)?.position
  }
  while (left > 0 && from !== Infinity && !(from !== undefined && from < 0)) {
    const last: number | undefined = await page(reading, readOn, themselves, take)
    if (last === undefined) return
    from = backwards ? last - 1 : last + 1
  }
}

const serve = async (
  serving: Serving,
  request: messages.ReadReq,
  send: Send<Buffer>,
  caller: Caller,
) => {
  const options = request.getOptions()
  if (options === undefined) throw invalidArgument("Options are needed.")
  if (!options.hasUuidOption()) throw invalidArgument("'uuidOption' is needed.")
  const reading: Reading = {
    serving,
    caller,
    send,
    form: options.getUuidOption()!.hasString() ? "string" : "structured",
    resolveLinks: options.getResolveLinks(),
  }
  const isStream = options.getStreamOptionCase() === StreamOptionCase.STREAM
  if (!isStream && options.getStreamOptionCase() !== StreamOptionCase.ALL) {
    throw invalidArgument("'None' is not a valid StreamOptionOneofCase")
  }
  const stream = isStream ? nameOf(options.getStream()!.getStreamIdentifier()) : "$all"
  if (isStream && stream === "") throw invalidArgument("A stream must have a name.")
  if (isStream && stream === "$all") throw accessDenied()
  await serving.door.access.check(caller.user, stream, "read")
  const subscribes = options.getCountOptionCase() === CountOptionCase.SUBSCRIPTION
  const forwards = options.getReadDirection() === ReadDirection.FORWARDS
  const filtered = options.getFilterOptionCase() === FilterOptionCase.FILTER
  if (
    options.getCountOptionCase() === CountOptionCase.COUNT_OPTION_NOT_SET ||
    options.getFilterOptionCase() === FilterOptionCase.FILTER_OPTION_NOT_SET ||
    (isStream && filtered) || (subscribes && !forwards)
  ) throw invalidArgument("This combination of options is invalid.")
  if (subscribes) {
    await (isStream
      ? subscribeToStream(reading, stream, options.getStream()!)
      : subscribeToAll(reading, options.getAll()!, filtered ? options.getFilter() : undefined))
  } else await (isStream ? readStream(reading, options) : readAll(reading, options))
}

export const read = (serving: Serving) =>
  streaming<messages.ReadReq, Buffer>(
    serving,
    (request, send, caller) => serve(serving, request, send, caller),
  )
