/**
 * What this server can do, so that clients choose the right calls: the methods that are served, and the
 * version whose behaviour they have.
 */
import { ServerFeaturesService } from "@eventstore/db-client/generated/serverfeatures_grpc_pb.js"
import messages from "@eventstore/db-client/generated/serverfeatures_pb.js"
import { type MakeService, type Service, unary } from "./calls.ts"

/** The long-term release whose behaviour is followed. */
export const serverVersion = "24.10.0"

/** What a method can do beyond its first release. */
const featuresOf = (service: string, method: string): ReadonlyArray<string> =>
  service.endsWith(".persistentsubscriptions")
    ? ["stream", "all"]
    : service.endsWith(".streams") && method === "read"
    ? ["position", "events"]
    : []

export const features = (services: ReadonlyArray<Service>): MakeService => (serving) => {
  const supported = new messages.SupportedMethods()
  supported.setEventStoreServerVersion(serverVersion)
  const definitions = [...services.map((service) => service.definition), ServerFeaturesService]
  for (const { path } of definitions.flatMap((definition) => Object.values(definition))) {
    const [, service = "", method = ""] = path.toLowerCase().split("/")
    const known = new messages.SupportedMethod()
    known.setServiceName(service)
    known.setMethodName(method)
    known.setFeaturesList([...featuresOf(service, method)])
    supported.addMethods(known)
  }
  return {
    definition: ServerFeaturesService,
    handlers: { getSupportedMethods: unary(serving, () => Promise.resolve(supported)) },
  }
}
