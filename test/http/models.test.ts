/** What models cost, over HTTP and for `why`: from a run that asked one, down to the words it was asked. */
import { Effect, Schema } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { setup } from "xstate"
import { implement } from "../../actors/activity.ts"
import { type BlobRef, BlobStore } from "../../actors/blob-store.ts"
import { EventLog } from "../../actors/event-log.ts"
import { Payer, type Usage } from "../../actors/usage.ts"
import { activity, type ActivityLogic, defineAgent, event } from "../../machines/agent.ts"
import { agents, journals } from "../../machines/mod.ts"
import { Aios } from "../../projections/aios.ts"
import { objectOf } from "../../projections/fields.ts"
import { Projections } from "../../projections/runner.ts"
import { eventsOf, propose, settled } from "../actors/house.ts"
import { aiosHouse } from "../projections/aios-house.ts"
import { doorTo } from "./doors.ts"

const Asked = event("Asked", {})
const judge = activity({
  name: "judge",
  input: Schema.Struct({}),
  output: Schema.Struct({}),
}) as ActivityLogic<object, object>
const asking = defineAgent({
  name: "asking",
  version: 1,
  events: [Asked],
  machine: setup({ types: { events: {} as typeof Asked.Type }, actors: { judge } }).createMachine({
    id: "asking",
    initial: "idle",
    states: {
      idle: { on: { Asked: "judging" } },
      judging: { invoke: { id: "judge", src: "judge", input: {}, onDone: "done" } },
      done: {},
    },
  }),
})

const used = (more: Partial<Usage>): Usage => ({
  model: "tiny",
  prompt: "0".repeat(64),
  template: "weigh@12345678",
  cached: false,
  tokensIn: 100,
  tokensOut: 20,
  millis: 1_500,
  outcome: "ok",
  micros: 7,
  ...more,
})
let transcript: BlobRef | undefined
const carriedOut = implement(judge, () =>
  Effect.gen(function* () {
    const { note } = yield* Payer
    note(used({ outcome: "misfit" }))
    note(used({ ...(transcript === undefined ? {} : { transcript: { ...transcript } }) }))
    note(used({ cached: true }))
    note(used({ outcome: "refused", tokensIn: 0, tokensOut: 0, millis: 0, micros: 0 }))
    note(used({ outcome: "preempted", tokensIn: 0, tokensOut: 0, millis: 500, micros: 0 }))
    return {}
  }))

const makeDoor = () =>
  doorTo(aiosHouse({ agents: [...agents, asking], journals, activities: [carriedOut] }))
let door: Awaited<ReturnType<typeof makeDoor>>
const put = (body: unknown) =>
  door.raw("/api/models/policy", {
    method: "PUT",
    headers: {
      authorization: "Bearer a token for the tests of the door",
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  })
const json = async (path: string) => objectOf(await (await door.get(path)).json())

let outcome = ""
beforeAll(async () => {
  door = await makeDoor()
  await door.run(
    Effect.gen(function* () {
      transcript = yield* (yield* BlobStore).put(
        "founder",
        new TextEncoder().encode(JSON.stringify({
          request: { messages: [{ role: "system", content: "Say how warm." }] },
          answer: '{"warmth":7}',
          model: "tiny",
          cutOff: false,
          millis: 1,
          tokensIn: 1,
          tokensOut: 1,
        })),
      )
      yield* propose("asking-1", { type: "Asked" })
      yield* settled
      yield* (yield* Projections).catchUp
      outcome = (yield* eventsOf("asking-1")).find(({ type }) => type === "ActivitySucceeded")!.id
    }) as Effect.Effect<void, unknown, never>,
  )
})
afterAll(() => door.close())

describe("costs", () => {
  it("adds up calls, answers that were there, tokens, time, failures and money", async () => {
    expect(await json("/api/costs")).toEqual({
      rows: [{
        agent: "asking",
        activity: "judge",
        model: "tiny",
        calls: 3,
        cached: 1,
        tokensIn: 200,
        tokensOut: 40,
        millis: 3_500,
        failures: 2,
        micros: 14,
      }],
      budgets: [],
    })
  })
  it("of later are none, and an agent that is not there is told with those that are", async () => {
    expect((await json(`/api/costs?since=${Date.now() + 3_600_000}`))["rows"]).toEqual([])
    const unknown = await door.get("/api/costs?agent=nobody")
    expect(unknown.status).toBe(404)
    expect(objectOf(await unknown.json())["detail"]).toContain("memory")
  })
  it("are metrics too", async () => {
    const text = await (await door.get("/metrics")).text()
    expect(text).toContain(
      'aios_model_calls_total{agent="asking",activity="judge",model="tiny",cached="true"} 1',
    )
    expect(text).toContain(
      'aios_model_tokens_total{agent="asking",activity="judge",model="tiny",type="input"} 200',
    )
  })
})

describe("the policy", () => {
  it("is what was chosen last, over what was", async () => {
    expect(await json("/api/models/policy")).toMatchObject({
      routeDefault: ["small", "large", "rules"],
      budgets: {},
      softPart: 0.8,
    })
    expect((await put({ budgets: { "*": { tokens: 250 } } })).status).toBe(200)
    expect((await put({ budgets: { memory: { millis: 10 } }, small: "tiny" })).status).toBe(200)
    expect(await json("/api/models/policy")).toMatchObject({
      small: "tiny",
      budgets: { "*": { tokens: 250 }, memory: { millis: 10 } },
    })
    expect((await json("/api/costs"))["budgets"]).toEqual([
      {
        agent: "asking",
        spent: { tokens: 240, millis: 3_500, micros: 14 },
        budget: { tokens: 250 },
        state: "warning",
      },
      {
        agent: "memory",
        spent: { tokens: 0, millis: 0, micros: 0 },
        budget: { millis: 10 },
        state: "fine",
      },
    ])
    await put({ budgets: { memory: {} } })
    expect(objectOf((await json("/api/models/policy"))["budgets"])["memory"]).toBeUndefined()
  })
  it("that changes nothing is no event", async () => {
    const head = () => door.run(Effect.flatMap(EventLog, (log) => log.head))
    await put({ softPart: 0.5 })
    const before = await head()
    expect((await put({ softPart: 0.5 })).status).toBe(200)
    expect(await head()).toBe(before)
  })
  it.each([
    [{ routes: { nothing: ["small"] } }, "There is no activity nothing"],
    [{ routes: { draftMail: ["tiny"] } }, "A route is a list of small, large"],
    [{ budgets: { nobody: { tokens: 1 } } }, "There is no agent nobody"],
    [{ budgets: { memory: { tokens: -1 } } }, "less than nothing"],
    [{ budgets: { memory: { hours: 1 } } }, "has no hours"],
    [{ budgets: { memory: { tokens: "many" } } }, "cannot be that"],
    [{ softPart: 2 }, "at most 1"],
    [{ colour: "red" }, "The policy has no colour"],
  ])("%j is refused", async (choice, reason) => {
    const refused = await put(choice)
    expect(refused.status).toBe(422)
    expect(objectOf(await refused.json())["detail"]).toContain(reason)
  })
})

describe("why", () => {
  it("names the models that were asked on the way", async () => {
    const found = await json(`/api/lineage/${outcome}`)
    expect(found["causes"]).toMatchObject([
      {
        models: [
          { model: "tiny", template: "weigh@12345678", outcome: "misfit", kept: false },
          { outcome: "ok", kept: true, tokensIn: 100, cached: false },
          { cached: true },
          { outcome: "refused" },
          { outcome: "preempted" },
        ],
      },
      { type: "Asked" },
    ])
  })
  it("shows question and answer word for word", async () => {
    const { items } = await json(`/api/events/${outcome}/transcripts`)
    expect(items).toMatchObject([
      { outcome: "misfit" },
      { messages: [{ role: "system", content: "Say how warm." }], answer: '{"warmth":7}' },
      {},
      {},
      {},
    ])
    expect((await door.get("/api/events/nothing/transcripts")).status).toBe(404)
  })
  it("of something without a model has none", async () => {
    const aios = await door.run(Effect.map(Aios, (aios) => aios))
    const [first] = await door.run(aios.events({ stream: "asking-1", limit: 1 }))
    expect(await door.run(aios.transcripts(first!.id))).toEqual([])
  })
})
