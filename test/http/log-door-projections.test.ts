/** The standard projections by their names, as the official client looks after them. */
import {
  type EventStoreDBClient,
  jsonEvent,
  type RecordedEvent,
  RUNNING,
} from "@eventstore/db-client"
import { status } from "@grpc/grpc-js"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Opened, opened } from "./log-door-client.ts"

const standard = ["$by_category", "$by_event_type", "$streams"]
const missing = "no-such-projection"
const notFound = {
  type: "not-found",
  code: status.NOT_FOUND,
  message: expect.stringContaining(`Projection '${missing}' not found`),
}
const accessDenied = { type: "access-denied" }
const query = "fromAll().when({ $init() { return 0 } })"

const readOf = (client: EventStoreDBClient, name: string) => [
  () => client.getProjectionStatus(name),
  () => client.getProjectionState(name),
  () => client.getProjectionResult(name),
]
const changeOf = (client: EventStoreDBClient, name: string) => [
  () => client.enableProjection(name),
  () => client.disableProjection(name),
  () => client.abortProjection(name),
  () => client.resetProjection(name),
  () => client.deleteProjection(name),
  () => client.updateProjection(name, query),
]

describe("projections", () => {
  let at: Opened
  beforeAll(async () => {
    at = await opened()
  })
  afterAll(() => at.close())

  it("of the standard kind run, and say how far they are", async () => {
    const { position } = await at.client.appendToStream(
      "order-1",
      jsonEvent({ type: "A", data: {} }),
    )
    const all = await at.client.listProjections()
    expect(all.map(({ name }) => name)).toEqual(standard)
    for (const one of all) {
      expect(one).toMatchObject({
        projectionStatus: RUNNING,
        progress: 100,
        position: `C:${position?.commit}/P:${position?.prepare}`,
      })
    }
    expect(await at.client.getProjectionStatus("$streams")).toEqual(all[2])
    expect(await at.client.getProjectionState("$streams")).toEqual({})
    expect(await at.client.getProjectionResult("$streams")).toEqual({})
  })

  it("of the standard kind are enabled and reset as they are, and their links stay the same", async () => {
    const links = async () => {
      const found: Array<RecordedEvent | undefined> = []
      for await (const { event } of at.client.readStream("$ce-order")) found.push(event)
      return found
    }
    const before = await links()
    expect(before.length).toBeGreaterThan(0)
    for (const name of standard) {
      await at.client.enableProjection(name)
      await at.client.resetProjection(name)
    }
    await at.client.restartSubsystem()
    expect(await links()).toEqual(before)
  })

  it("of the standard kind are neither stopped nor changed", async () => {
    const [, disable, abort, , remove, update] = changeOf(at.client, "$by_category")
    for (const change of [disable!, abort!, remove!, update!]) {
      await expect(change()).rejects.toMatchObject({ code: status.FAILED_PRECONDITION })
    }
    expect((await at.client.getProjectionStatus("$by_category")).projectionStatus).toBe(RUNNING)
  })

  it("that are not there are not found", async () => {
    for (const call of [...readOf(at.client, missing), ...changeOf(at.client, missing)]) {
      await expect(call()).rejects.toMatchObject(notFound)
    }
  })

  it("of one's own are not made, and say what to do instead", async () => {
    await expect(at.client.createProjection("mine", query)).rejects.toMatchObject({
      code: status.UNIMPLEMENTED,
      message: expect.stringContaining("subscription"),
    })
    await expect(at.client.getProjectionStatus("mine")).rejects.toMatchObject({ type: "not-found" })
  })

  it("are looked after by operators, and seen by whoever is known", async () => {
    let caller: { name?: string; groups: Array<string> } = { groups: [] }
    const guarded = await opened({ authenticate: () => caller })
    try {
      const { client } = guarded
      const [see] = readOf(client, "$streams")
      const [enable] = changeOf(client, "$streams")
      const change = [...changeOf(client, "$streams"), () => client.restartSubsystem()]
      for (const call of [see!, ...change]) await expect(call()).rejects.toMatchObject(accessDenied)
      caller = { name: "mara", groups: ["readers"] }
      await see!()
      for (const call of change) await expect(call()).rejects.toMatchObject(accessDenied)
      caller = { name: "olaf", groups: ["$ops"] }
      await enable!()
      await client.restartSubsystem()
    } finally {
      await guarded.close()
    }
  })
})
