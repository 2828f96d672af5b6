/** Events as append calls propose them: checked, measured, and as the log's side has them. */
import type streams from "@eventstore/db-client/generated/streams_pb.js"
import type { WireEvent } from "../../actors/foreign-events.ts"
import { requiredMetadataMissing } from "./errors.ts"
import { idOf } from "./names.ts"

/** What one append may hold: content, metadata and types together. */
export const appendBytesMax = 1024 * 1024

/** Throws where a property that every event needs is missing. */
export const proposed = (
  message: streams.AppendReq.ProposedMessage | streams.BatchAppendReq.ProposedMessage,
): WireEvent => {
  const properties = message.getMetadataMap()
  const type = properties.get("type")
  if (type === undefined) throw requiredMetadataMissing("type")
  const contentType = properties.get("content-type")
  if (contentType === undefined) throw requiredMetadataMissing("content-type")
  return {
    id: idOf(message.getId()),
    type,
    json: contentType === "application/json",
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  }
}

/** What an event counts for: a character of its type takes two bytes. */
export const bytesOf = ({ type, data, metadata }: WireEvent): number =>
  data.length + metadata.length + 2 * type.length
