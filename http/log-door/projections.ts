/**
 * The standard projections by their names, for clients that turn them on, look after them or ask how far
 * they are: what they would write (`derived.ts`) is there for everybody, always and at once, so they
 * run, and there is nothing to stop. A user's own projections do not run here: they are programs that
 * would run within the process that owns the log.
 */
import { ProjectionsService } from "@eventstore/db-client/generated/projections_grpc_pb.js"
import messages from "@eventstore/db-client/generated/projections_pb.js"
import shared from "@eventstore/db-client/generated/shared_pb.js"
import struct from "google-protobuf/google/protobuf/struct_pb.js"
import { mustBeKnown, mustOperate } from "./access.ts"
import { type MakeService, streaming, unary } from "./calls.ts"
import { alwaysRuns, projectionNotFound, unimplemented } from "./errors.ts"

/** `$ce-…`, `$et-…` and `$streams`. */
const standard = ["$by_category", "$by_event_type", "$streams"]

const { ModeCase } = messages.StatisticsReq.Options

/** The name that a call gives, where such a projection runs. */
const named = (options: { getName(): string } | undefined): string => {
  const name = options?.getName() ?? ""
  if (!standard.includes(name)) throw projectionNotFound(name)
  return name
}

/** Which of them a caller asks about. */
const asked = (options: messages.StatisticsReq.Options | undefined): ReadonlyArray<string> => {
  switch (options?.getModeCase()) {
    case ModeCase.NAME:
      return [named(options)]
    case ModeCase.TRANSIENT:
    case ModeCase.ONE_TIME:
      return []
    default:
      return standard
  }
}

const detailsOf = (name: string, head: number) =>
  new messages.StatisticsResp.Details()
    .setName(name)
    .setEffectivename(name)
    .setMode("Continuous")
    .setStatus("Running")
    .setPosition(head < 0 ? "" : `C:${head}/P:${head}`)
    .setProgress(100)

const nothing = () => new struct.Value().setStructValue(new struct.Struct())

export const projections: MakeService = (serving) => ({
  definition: ProjectionsService,
  handlers: {
    create: unary<messages.CreateReq, messages.CreateResp>(serving, (_request, { user }) => {
      mustOperate(user)
      throw unimplemented(
        `Projections of your own do not run here; ${
          standard.join(", ")
        } do. Follow a stream or $all ` +
          "with a subscription, and append what you make of it.",
      )
    }),
    update: unary<messages.UpdateReq, messages.UpdateResp>(serving, (request, { user }) => {
      mustOperate(user)
      throw alwaysRuns(named(request.getOptions()))
    }),
    delete: unary<messages.DeleteReq, messages.DeleteResp>(serving, (request, { user }) => {
      mustOperate(user)
      throw alwaysRuns(named(request.getOptions()))
    }),
    disable: unary<messages.DisableReq, messages.DisableResp>(serving, (request, { user }) => {
      mustOperate(user)
      throw alwaysRuns(named(request.getOptions()))
    }),
    enable: unary<messages.EnableReq, messages.EnableResp>(serving, (request, { user }) => {
      mustOperate(user)
      named(request.getOptions())
      return Promise.resolve(new messages.EnableResp())
    }),
    /** Revisions and links are the same however often they are made. */
    reset: unary<messages.ResetReq, messages.ResetResp>(serving, (request, { user }) => {
      mustOperate(user)
      named(request.getOptions())
      return Promise.resolve(new messages.ResetResp())
    }),
    statistics: streaming<messages.StatisticsReq, messages.StatisticsResp>(
      serving,
      async (request, send, { user }) => {
        mustBeKnown(user)
        const names = asked(request.getOptions())
        const head = await serving.door.head()
        for (const name of names) {
          await send(new messages.StatisticsResp().setDetails(detailsOf(name, head)))
        }
      },
    ),
    state: unary<messages.StateReq, messages.StateResp>(serving, (request, { user }) => {
      mustBeKnown(user)
      named(request.getOptions())
      return Promise.resolve(new messages.StateResp().setState(nothing()))
    }),
    result: unary<messages.ResultReq, messages.ResultResp>(serving, (request, { user }) => {
      mustBeKnown(user)
      named(request.getOptions())
      return Promise.resolve(new messages.ResultResp().setResult(nothing()))
    }),
    restartSubsystem: unary<shared.Empty, shared.Empty>(serving, (_request, { user }) => {
      mustOperate(user)
      return Promise.resolve(new shared.Empty())
    }),
  },
})
