/**
 * What operators of a server do. A log of one member, in a file that keeps its own index in order, has
 * nothing to merge, nobody to hand over to and nobody before whom to stand: that is done as soon as it is
 * asked. What would say more than is true is refused: the process that owns the log is started and
 * stopped by AIOS, and the log forgets nothing, so a scavenge would erase nothing.
 */
import { OperationsService } from "@eventstore/db-client/generated/operations_grpc_pb.js"
import type messages from "@eventstore/db-client/generated/operations_pb.js"
import shared from "@eventstore/db-client/generated/shared_pb.js"
import { mustOperate } from "./access.ts"
import { type MakeService, unary } from "./calls.ts"
import { unimplemented } from "./errors.ts"
import type { Groups } from "./persistent-groups.ts"

const noScavenge =
  "Nothing is scavenged here: the log keeps what it has, and truncation only hides."
const noShutdown =
  "This log belongs to AIOS: end the process that serves it (aios doctor names it)."

export const operations = (groups: Groups): MakeService => (serving) => {
  const done = <Request>(what: () => Promise<void> = () => Promise.resolve()) =>
    unary<Request, shared.Empty>(serving, async (_request, { user }) => {
      mustOperate(user)
      await what()
      return new shared.Empty()
    })
  const refused = <Request, Response>(why: string) =>
    unary<Request, Response>(serving, (_request, { user }) => {
      mustOperate(user)
      return Promise.reject(unimplemented(why))
    })
  return {
    definition: OperationsService,
    handlers: {
      mergeIndexes: done<shared.Empty>(),
      resignNode: done<shared.Empty>(),
      setNodePriority: done<messages.SetNodePriorityReq>(),
      restartPersistentSubscriptions: done<shared.Empty>(groups.restart),
      startScavenge: refused<messages.StartScavengeReq, messages.ScavengeResp>(noScavenge),
      stopScavenge: refused<messages.StopScavengeReq, messages.ScavengeResp>(noScavenge),
      shutdown: refused<shared.Empty, shared.Empty>(noShutdown),
    },
  }
}
