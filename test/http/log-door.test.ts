/** The protocol's door, over the official client and a real socket. */
import { jsonEvent } from "@eventstore/db-client"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Opened, opened } from "./log-door-client.ts"

describe("the log's door", () => {
  let at: Opened
  beforeAll(async () => {
    at = await opened()
  })
  afterAll(() => at.close())

  it("takes and gives events", async () => {
    const event = jsonEvent({ type: "Said", data: { words: "hello ü" }, metadata: { by: "me" } })
    const appended = await at.client.appendToStream("talk-1", event, {
      expectedRevision: "no_stream",
    })
    expect(appended).toMatchObject({ success: true, nextExpectedRevision: 0n })
    const read = []
    for await (const one of at.client.readStream("talk-1")) read.push(one.event)
    expect(read).toMatchObject([{
      id: event.id,
      type: "Said",
      data: event.data,
      metadata: { by: "me" },
      revision: 0n,
      streamId: "talk-1",
      isJson: true,
    }])
  })
})
