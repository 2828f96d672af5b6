/** The protocol's door as clients of other languages use it, where the official one does otherwise. */
import shared from "@eventstore/db-client/generated/shared_pb.js"
import { StreamsClient } from "@eventstore/db-client/generated/streams_grpc_pb.js"
import messages from "@eventstore/db-client/generated/streams_pb.js"
import { credentials } from "@grpc/grpc-js"
import empty from "google-protobuf/google/protobuf/empty_pb.js"
import { Buffer } from "node:buffer"
import { randomUUID } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Opened, opened } from "./log-door-client.ts"

const uuid = () => new shared.UUID().setString(randomUUID())

/** One event to any stream, in one message. */
const append = (stream: string) => {
  const event = new messages.BatchAppendReq.ProposedMessage().setId(uuid()).setData(
    Buffer.from("{}"),
  )
  event.getMetadataMap().set("type", "Said").set("content-type", "application/json")
  return new messages.BatchAppendReq()
    .setCorrelationId(uuid())
    .setOptions(
      new messages.BatchAppendReq.Options()
        .setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(stream)))
        .setAny(new empty.Empty()),
    )
    .setProposedMessagesList([event])
    .setIsFinal(true)
}

describe("the log's door, to callers of other languages", () => {
  let at: Opened
  let streams: StreamsClient
  beforeAll(async () => {
    at = await opened({ log: "sqlite" })
    streams = new StreamsClient(`unix:${at.socket}`, credentials.createInsecure())
  })
  afterAll(async () => {
    streams.close()
    await at.close()
  })

  it("answers an append of a call whose caller has no more to say", async () => {
    for (let nr = 0; nr < 20; nr++) {
      const answers: Array<messages.BatchAppendResp> = []
      const call = streams.batchAppend({ deadline: Date.now() + 2_000 })
      call.write(append(`talk-${nr}`))
      call.end()
      for await (const answer of call) answers.push(answer)
      expect(answers.map((answer) => answer.getSuccess()?.getCurrentRevision())).toEqual(["0"])
    }
  })
})
