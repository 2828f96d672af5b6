/** The service `Streams`: read, append, delete and tombstone, each in a file of its own. */
import { StreamsService } from "@eventstore/db-client/generated/streams_grpc_pb.js"
import type { Buffer } from "node:buffer"
import type { MakeService } from "./calls.ts"
import { batchRequest } from "./batch-messages.ts"
import { append } from "./streams-append.ts"
import { batchAppend } from "./streams-batch.ts"
import { deleteStream, tombstone } from "./streams-delete.ts"
import { read } from "./streams-read.ts"

const asItIs = (bytes: Buffer) => bytes

/** What is read and appended most comes as bytes, and is not built as objects by the generated code. */
const definition = {
  ...StreamsService,
  read: { ...StreamsService.read, responseSerialize: asItIs },
  batchAppend: {
    ...StreamsService.batchAppend,
    requestDeserialize: batchRequest,
    responseSerialize: asItIs,
  },
}

export const streams: MakeService = (serving) => ({
  definition,
  handlers: {
    read: read(serving),
    append: append(serving),
    batchAppend: batchAppend(serving),
    delete: deleteStream(serving),
    tombstone: tombstone(serving),
  },
})
