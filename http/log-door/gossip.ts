/**
 * Who serves this log: one leader, and that is whom the caller has reached. So it is named by the
 * address that the caller used, whatever listens in between.
 */
import { GossipService } from "@eventstore/db-client/generated/gossip_grpc_pb.js"
import messages from "@eventstore/db-client/generated/gossip_pb.js"
import { randomUUID } from "node:crypto"
import type { MakeService } from "./calls.ts"
import { uuidOf } from "./names.ts"

const portDefault = 2113
/** Of .NET's ticks, here counted from 1970. */
const ticksPerMilli = 10_000n

/** Host and port of an `:authority`, also of an IPv6 address; a Unix socket's has neither. */
const endpointOf = (authority: string): messages.EndPoint => {
  const parts = /^(\[[^\]]+\]|[^:/]+)(?::(\d+))?$/.exec(authority)
  return new messages.EndPoint()
    .setAddress(parts?.[1]?.replace(/^\[|\]$/g, "") ?? "localhost")
    .setPort(Number(parts?.[2] ?? portDefault))
}

interface Reached {
  getHost(): string
}

export const gossip: MakeService = () => {
  const instance = randomUUID()
  return {
    definition: GossipService,
    handlers: {
      read: (
        call: Reached,
        done: (cause: null, info: messages.ClusterInfo) => void,
      ) => {
        const member = new messages.MemberInfo()
          .setInstanceId(uuidOf(instance))
          .setTimeStamp(String(BigInt(Date.now()) * ticksPerMilli))
          .setState(messages.MemberInfo.VNodeState.LEADER)
          .setIsAlive(true)
          .setHttpEndPoint(endpointOf(call.getHost()))
        done(null, new messages.ClusterInfo().setMembersList([member]))
      },
    },
  }
}
