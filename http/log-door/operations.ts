/**
 * What operators of a server do. The process that owns the log is started, stopped and kept by AIOS, so
 * its administration is refused here, and there is nothing to scavenge: the log forgets nothing.
 */
import { OperationsService } from "@eventstore/db-client/generated/operations_grpc_pb.js"
import type { ServiceDefinition } from "@grpc/grpc-js"
import { type MakeService, streaming, unary } from "./calls.ts"
import { unimplemented } from "./errors.ts"

/** Every method of a service answers that it is not there, and why. */
const without = (definition: ServiceDefinition, why: string): MakeService => (serving) => ({
  definition,
  handlers: Object.fromEntries(
    Object.entries(definition).map(([name, { responseStream }]) => [
      name,
      responseStream
        ? streaming(serving, () => Promise.reject(unimplemented(why)))
        : unary(serving, () => Promise.reject(unimplemented(why))),
    ]),
  ),
})

export const operations = without(
  OperationsService,
  "This log belongs to AIOS: use its own commands (aios start, aios status, aios backup).",
)
