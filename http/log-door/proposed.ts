/** Events as append calls propose them: checked, measured, and as the log's side has them. */
import type streams from "@eventstore/db-client/generated/streams_pb.js"
import type { WireEvent } from "../../actors/foreign-events.ts"
import { invalidArgument, requiredMetadataMissing } from "./errors.ts"
import { idOf } from "./names.ts"

/** Throws where a property that every event needs is missing. */
export const eventOf = (
  id: string,
  type: string | undefined,
  contentType: string | undefined,
  data: Uint8Array,
  metadata: Uint8Array,
): WireEvent => {
  if (type === undefined) throw requiredMetadataMissing("type")
  if (contentType === undefined) throw requiredMetadataMissing("content-type")
  if (type === "") throw invalidArgument("Empty eventType provided. (Parameter 'eventType')")
  return { id, type, json: contentType === "application/json", data, metadata }
}

export const proposed = (message: streams.AppendReq.ProposedMessage): WireEvent => {
  const properties = message.getMetadataMap()
  return eventOf(
    idOf(message.getId()),
    properties.get("type"),
    properties.get("content-type"),
    message.getData_asU8(),
    message.getCustomMetadata_asU8(),
  )
}

/** What an event counts for: a character of its type takes two bytes. */
export const bytesOf = ({ type, data, metadata }: WireEvent): number =>
  data.length + metadata.length + 2 * type.length
