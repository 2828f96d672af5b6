/**
 * The service `PersistentSubscriptions`: its eight calls over the groups of the log. To manage groups one
 * is of `$admins` or `$ops`; to see them one has shown credentials; to consume one may read the source.
 */
import { Buffer } from "node:buffer"
import { PersistentSubscriptionsService } from "@eventstore/db-client/generated/persistent_grpc_pb.js"
import messages from "@eventstore/db-client/generated/persistent_pb.js"
import shared from "@eventstore/db-client/generated/shared_pb.js"
import { mustBeKnown, mustOperate, type User } from "./access.ts"
import { type Caller, conversing, type MakeService, type Send, unary } from "./calls.ts"
import { field, numberField, readEvent, textField } from "./encoding.ts"
import { invalidArgument, persistentFailed } from "./errors.ts"
import { matching } from "./filters.ts"
import { idOf, nameOf } from "./names.ts"
import type { GroupInfo, NackAction } from "./persistent-group.ts"
import type { Groups } from "./persistent-groups.ts"
import {
  allStream,
  type GroupEntry,
  type GroupFilter,
  keyOf,
  placeOf,
  placeText,
  settingsIn,
} from "./persistent-settings.ts"

const { Action } = messages.ReadReq.Nack
const { ContentCase } = messages.ReadReq

/** The stream that a request names, or `$all`. */
const sourceIn = (of: {
  hasAll(): boolean
  hasStreamIdentifier(): boolean
  getStreamIdentifier(): shared.StreamIdentifier | undefined
}): string => {
  if (of.hasAll()) return allStream
  if (!of.hasStreamIdentifier()) {
    throw invalidArgument("'None' is not a valid StreamOptionOneofCase")
  }
  return nameOf(of.getStreamIdentifier())
}

type Options = messages.CreateReq.Options | messages.UpdateReq.Options

const startOf = (options: Options): { readonly place: number; readonly prepare?: number } => {
  const [stream, all] = [options.getStream(), options.getAll()]
  const of = stream ?? all
  if (of === undefined) return { place: placeOf(options.getSettings()?.getRevision() ?? "0") }
  if (of.hasStart()) return { place: 0 }
  if (of.hasEnd()) return { place: -1 }
  if (stream?.hasRevision()) return { place: placeOf(stream.getRevision()) }
  const position = all?.getPosition()
  if (position === undefined) {
    throw invalidArgument(
      `'None' is not a valid ${
        all === undefined ? "RevisionOptionOneofCase" : "AllOptionOneofCase"
      }`,
    )
  }
  return {
    place: placeOf(position.getCommitPosition()),
    prepare: placeOf(position.getPreparePosition()),
  }
}

const filterIn = (
  of: messages.CreateReq.AllOptions.FilterOptions | undefined,
): GroupFilter | undefined => {
  if (of === undefined) return undefined
  const expression = of.getStreamIdentifier() ?? of.getEventType()
  if (expression === undefined) throw invalidArgument("'None' is not a valid FilterOneofCase")
  // Throws where it is no regular expression.
  matching(expression)
  const on = of.hasStreamIdentifier() ? "stream" : "type"
  const regex = expression.getRegex()
  return regex === "" ? { on, prefixes: expression.getPrefixList() } : { on, regex }
}

const entryIn = (options: Options | undefined, named: string): GroupEntry => {
  const settings = options?.getSettings()
  if (options === undefined || settings === undefined) throw invalidArgument("Settings are needed.")
  const all = options.getAll()
  const stream = all !== undefined
    ? allStream
    : nameOf(options.getStream()?.getStreamIdentifier() ?? options.getStreamIdentifier())
  const group = options.getGroupName()
  if (all === undefined && stream === allStream) {
    throw persistentFailed(
      stream,
      group,
      "Persistent subscriptions to $all are only supported over gRPC through gRPC clients",
    )
  }
  const filter = all !== undefined && "getFilter" in all ? filterIn(all.getFilter()) : undefined
  return {
    stream,
    group,
    ...(filter === undefined ? {} : { filter }),
    settings: settingsIn(settings, startOf(options), named),
  }
}

const infoMessage = (info: GroupInfo): messages.SubscriptionInfo => {
  const { entry: { stream, group, settings } } = info
  const placed = (place: number | undefined) => place === undefined ? "" : placeText(stream, place)
  return new messages.SubscriptionInfo()
    .setEventSource(stream)
    .setGroupName(group)
    .setStatus(info.status)
    .setConnectionsList(info.connections.map((one) =>
      new messages.SubscriptionInfo.ConnectionInfo()
        .setUsername(one.user)
        .setConnectionName(one.connectionName)
        .setAverageItemsPerSecond(one.averagePerSecond)
        .setTotalItems(String(one.totalItems))
        .setCountSinceLastMeasurement(String(one.sinceLast))
        .setAvailableSlots(one.availableSlots)
        .setInFlightMessages(one.inFlight)
        .setObservedMeasurementsList(one.measurements.map(({ key, value }) =>
          new messages.SubscriptionInfo.Measurement().setKey(key).setValue(String(value))
        ))
    ))
    .setAveragePerSecond(info.averagePerSecond)
    .setTotalItems(String(info.totalItems))
    .setCountSinceLastMeasurement(String(info.sinceLast))
    .setLastCheckpointedEventPosition(placed(info.lastCheckpoint))
    .setLastKnownEventPosition(placed(info.lastKnown))
    .setResolveLinkTos(settings.resolveLinks)
    .setStartFrom(placeText(stream, settings.startFrom, settings.prepareFrom))
    .setMessageTimeoutMilliseconds(settings.messageTimeout)
    .setExtraStatistics(settings.extraStatistics)
    .setMaxRetryCount(settings.maxRetryCount)
    .setLiveBufferSize(settings.liveBufferSize)
    .setBufferSize(settings.historyBufferSize)
    .setReadBatchSize(settings.readBatchSize)
    .setCheckPointAfterMilliseconds(settings.checkpointAfter)
    .setMinCheckPointCount(settings.minCheckpointCount)
    .setMaxCheckPointCount(settings.maxCheckpointCount)
    .setReadBufferCount(info.readBuffer)
    .setLiveBufferCount(String(info.liveBuffer))
    .setRetryBufferCount(info.retryBuffer)
    .setTotalInFlightMessages(info.connections.reduce((sum, one) => sum + one.inFlight, 0))
    .setOutstandingMessagesCount(info.outstanding)
    .setNamedConsumerStrategy(settings.strategy)
    .setMaxSubscriberCount(settings.maxSubscriberCount)
    .setParkedMessageCount(String(info.parked))
}

const bySource = (a: GroupInfo, b: GroupInfo) =>
  a.entry.stream < b.entry.stream ? -1 : a.entry.stream > b.entry.stream ? 1 : 0

const actions: Readonly<Record<number, NackAction>> = {
  [Action.UNKNOWN]: "unknown",
  [Action.PARK]: "park",
  [Action.RETRY]: "retry",
  [Action.SKIP]: "skip",
  [Action.STOP]: "stop",
}

/** One consumer, until it leaves or is dropped. */
const consume = async (
  groups: Groups,
  check: (user: User, stream: string) => Promise<void>,
  requests: AsyncIterable<messages.ReadReq>,
  send: Send<Buffer>,
  { user, headers, left }: Caller,
): Promise<void> => {
  const incoming = requests[Symbol.asyncIterator]()
  const first = await incoming.next()
  if (first.done === true) return
  const options: messages.ReadReq.Options | undefined = first.value.getOptions()
  if (options === undefined) throw invalidArgument("The first message must have options.")
  const stream = sourceIn(options)
  mustBeKnown(user)
  await check(user, stream)
  const slots = options.getBufferSize()
  if (slots <= 0) throw invalidArgument(`'${slots}' is not a valid buffer size`)
  const form = options.getUuidOption()?.hasString() === true ? "string" : "structured"
  const group = await groups.group(stream, options.getGroupName())
  // A slow reader holds up nobody else; `isReading` bounds what waits for it here.
  let waiting = [field(2, textField(1, keyOf(stream, group.entry.group)))]
  let writing = false
  const write = async () => {
    if (writing) return
    writing = true
    try {
      while (waiting.length > 0 && !left.aborted) {
        const answers = waiting
        waiting = []
        for (const answer of answers) {
          const slow = send(answer)
          if (slow !== undefined) await slow
        }
      }
    } catch {
      // It left, and `left` says so.
    } finally {
      writing = false
    }
  }

  const dropped = Promise.withResolvers<never>()
  dropped.promise.catch(() => {})
  const leave = group.subscribe({
    user: user.name ?? "anonymous",
    connectionName: headers.get("connection-name").map(String)[0] ?? "<unknown>",
    slots,
    // What it does not read comes to be late, and is given again: not on top of what it has not read.
    isReading: () => waiting.length <= slots,
    give: (resolved, retries) => {
      const event = readEvent(resolved, form)
      waiting.push(field(1, Buffer.concat([event, numberField(5, retries)])))
      void write()
    },
    drop: (cause) => dropped.reject(cause),
  })
  // The confirmation, where no event has pushed it out yet.
  void write()
  try {
    const gone = new Promise<never>((_, reject) => {
      if (left.aborted) reject(left.reason)
      else left.addEventListener("abort", () => reject(left.reason))
    })
    gone.catch(() => {})
    const settling = settle(group, incoming)
    settling.catch(() => {})
    await Promise.race([dropped.promise, gone, settling])
    // It sends nothing more, but may still listen.
    await Promise.race([dropped.promise, gone])
  } finally {
    leave()
  }
}

/** Acknowledgements, as they come. */
const settle = async (
  group: Awaited<ReturnType<Groups["group"]>>,
  incoming: AsyncIterator<messages.ReadReq>,
): Promise<void> => {
  for (let next = await incoming.next(); next.done !== true; next = await incoming.next()) {
    const request = next.value
    switch (request.getContentCase()) {
      case ContentCase.ACK:
        group.ack(request.getAck()?.getIdsList().map(idOf) ?? [])
        break
      case ContentCase.NACK: {
        const nack = request.getNack()
        const action = actions[nack?.getAction() ?? 0]
        if (nack === undefined || action === undefined) {
          throw invalidArgument(`'${nack?.getAction()}' is not a valid Action`)
        }
        group.nack(nack.getIdsList().map(idOf), action, nack.getReason())
        break
      }
      default:
        throw invalidArgument("After the options, messages acknowledge events.")
    }
  }
}

/** Answers of `Read` come as bytes already. */
const definition = {
  ...PersistentSubscriptionsService,
  read: { ...PersistentSubscriptionsService.read, responseSerialize: (bytes: Buffer) => bytes },
}

/** The groups are of the whole door; the service is made for each of its sockets. */
export const persistent = (groups: Groups): MakeService => (serving) => ({
  definition,
  handlers: {
    create: unary<messages.CreateReq, messages.CreateResp>(serving, async (request, { user }) => {
      mustOperate(user)
      const options = request.getOptions()
      await groups.create(
        entryIn(options, options?.getSettings()?.getConsumerStrategy() ?? ""),
        user.name ?? "",
      )
      return new messages.CreateResp()
    }),
    update: unary<messages.UpdateReq, messages.UpdateResp>(serving, async (request, { user }) => {
      mustOperate(user)
      await groups.update(entryIn(request.getOptions(), ""), user.name ?? "")
      return new messages.UpdateResp()
    }),
    delete: unary<messages.DeleteReq, messages.DeleteResp>(serving, async (request, { user }) => {
      mustOperate(user)
      const options = request.getOptions() ?? new messages.DeleteReq.Options()
      await groups.remove(sourceIn(options), options.getGroupName(), user.name ?? "")
      return new messages.DeleteResp()
    }),
    getInfo: unary<messages.GetInfoReq, messages.GetInfoResp>(
      serving,
      async (request, { user }) => {
        mustBeKnown(user)
        const options = request.getOptions() ?? new messages.GetInfoReq.Options()
        const group = await groups.group(sourceIn(options), options.getGroupName())
        return new messages.GetInfoResp().setSubscriptionInfo(infoMessage(await group.info()))
      },
    ),
    list: unary<messages.ListReq, messages.ListResp>(serving, async (request, { user }) => {
      mustBeKnown(user)
      const options = request.getOptions() ?? new messages.ListReq.Options()
      const of = options.getListForStream()
      if (of === undefined && !options.hasListAllSubscriptions()) {
        throw invalidArgument("'None' is not a valid ListOptionOneofCase")
      }
      const listed = of === undefined
        ? await groups.all()
        : await groups.of(of.hasAll() ? allStream : nameOf(of.getStream()))
      const infos = await Promise.all(listed.map((group) => group.info()))
      return new messages.ListResp().setSubscriptionsList(infos.toSorted(bySource).map(infoMessage))
    }),
    replayParked: unary<messages.ReplayParkedReq, messages.ReplayParkedResp>(
      serving,
      async (request, { user }) => {
        mustOperate(user)
        const options = request.getOptions() ?? new messages.ReplayParkedReq.Options()
        const stream = sourceIn(options)
        if (!options.hasStopAt() && !options.hasNoLimit()) {
          throw invalidArgument("'None' is not a valid StopAtOptionOneofCase")
        }
        const stopAt = options.hasStopAt() ? Number(options.getStopAt()) : undefined
        if (stopAt !== undefined && stopAt < 0) {
          throw persistentFailed(
            stream,
            options.getGroupName(),
            "Cannot stop replaying parked message at a negative version.",
          )
        }
        const group = await groups.group(stream, options.getGroupName())
        await group.replayParked(stopAt)
        return new messages.ReplayParkedResp()
      },
    ),
    restartSubsystem: unary<shared.Empty, shared.Empty>(serving, async (_request, { user }) => {
      mustOperate(user)
      await groups.restart()
      return new shared.Empty()
    }),
    read: conversing<messages.ReadReq, Buffer>(serving, (requests, send, caller) =>
      consume(
        groups,
        (user, stream) => serving.door.access.check(user, stream, "read"),
        requests,
        send,
        caller,
      )),
  },
})
