/** How drafts and forecasts are told: what made them, and where what they rest on is known from. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { EventLog } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import { Vault } from "../../actors/vault.ts"
import * as memoryLog from "../log-memory.ts"
import * as memoryStore from "../../adapters/read-store-memory.ts"
import * as recurrences from "../../adapters/recurrences-ical.ts"
import * as memoryVault from "../../adapters/vault-memory.ts"
import type { Json, StateValue } from "../../machines/agent.ts"
import { citesOf, forecastWords, madeWords } from "../../projections/aios-made.ts"
import { people } from "../../projections/aios-views.ts"
import { projections } from "../../projections/mod.ts"
import { layer as queries, Queries } from "../../projections/queries.ts"
import { layer as runner } from "../../projections/runner.ts"

const world = queries.pipe(
  Layer.provideMerge(runner(projections)),
  Layer.provide(recurrences.layer),
  Layer.provideMerge(Layer.mergeAll(memoryLog.layer, memoryStore.layer, memoryVault.layer)),
)
const hour = 3_600_000
const now = Date.UTC(2026, 10, 24, 7)
const ada = "b".repeat(32)
const work = `executor-${ada}~1`
const gate = "aaaaaa22"
const model = "gemma3:270m draftMail@1f2e3d4c"

const append = Effect.fnUntraced(function* (
  stream: string,
  type: string,
  data: Json,
  value: StateValue = "x",
  at = now - hour,
) {
  const log = yield* EventLog
  const revision = (yield* log.readPage(stream)).length
  const id = derivedId(`${stream}/${revision}`)
  const metadata = {
    ...{ at, occurredAt: at, $correlationId: derivedId(stream), value },
    chart: { name: "x", version: 1, hash: "0" },
  }
  yield* log.append(stream, revision - 1, [{ id, type, data, metadata }])
  return id
})
const sealed = (plain: Json) =>
  Effect.map(Vault, (vault): Json => ({ $sealed: [...vault.seal(ada, plain).$sealed] }))

const wrote = Effect.gen(function* () {
  yield* append(
    `analyst-${ada}`,
    "MailRead",
    {
      ...{ person: ada, record: "record-1", direction: "inward", sentAt: now - 2 * hour },
      contact: yield* sealed({ name: "Ada Weiss", address: "ada@x.example" }),
      subject: yield* sealed("Sponsorship"),
      findings: {
        ...{ reader: "rules-2", warmth: 30, intents: ["asksPrice"], instructsReader: false },
        ...{ asks: true, amounts: [], commitments: [], suspicions: [] },
      },
      quotes: yield* sealed(["how much would it cost?"]),
      commitmentWords: yield* sealed([]),
    },
    { turn: { ours: "waiting" } },
    now - 2 * hour,
  )
  yield* append("record-1", "PersonListed", {
    ...{ person: ada, list: "people" },
    listing: yield* sealed({ name: "Ada Weiss", address: "ada@x.example", company: "" }),
  })
})
const read = (by: "model" | "rules", more: { readonly [name: string]: Json } = {}) =>
  Effect.gen(function* () {
    return yield* append(`analyst-${ada}`, "ActivitySucceeded", {
      ask: "1.0",
      output: {
        ...{ person: ada, intent: "asksPrice", warmth: 78, by, upTo: now - 2 * hour },
        made: by === "model" ? "gemma3:270m readConversation@1f2e" : "rules-2",
        evidence: yield* sealed([{ event: "event-1", quote: "how much would two cost" }]),
        ...more,
      },
    }, { turn: { ours: "waiting" } })
  })
const on = (to: number) => ({
  ...{ date: "2026-11-24", timeZone: "UTC", since: to - 24 * hour, to },
  ...{ missing: [], parked: 0, fixes: [] },
})

describe("what a model read", () => {
  it.live("is told with its evidence and the event that is from", () =>
    Effect.gen(function* () {
      yield* wrote
      const event = yield* read("model")
      const brief = yield* (yield* Queries).brief(on(now))
      const told = "asks for a price, warm 78, read by gemma3:270m: “how much would two cost”"
      expect([...brief.now, ...brief.week].flatMap(({ why }) => why)).toContain(told)
      expect([...brief.now, ...brief.week].flatMap(({ events }) => events)).toContain("event-1")
      expect(brief.replies[0]?.reading).toEqual({
        ...{ intent: "asksPrice", warmth: 78, by: "model", event },
        made: "gemma3:270m readConversation@1f2e",
        evidence: [{ event: "event-1", quote: "how much would two cost" }],
      })
      expect((yield* people())[0]?.reading?.warmth).toBe(78)
    }).pipe(Effect.provide(world)))

  it.live("is not told where the rules alone read it, and what is newer counts", () =>
    Effect.gen(function* () {
      yield* wrote
      yield* read("model")
      yield* read("rules", { warmth: 30, refusedModel: ["there is no evidence"] })
      const brief = yield* (yield* Queries).brief(on(now))
      expect([...brief.now, ...brief.week].flatMap(({ why }) => why).join()).not.toContain("warm")
      expect(brief.replies[0]?.reading).toMatchObject({
        ...{ by: "rules", warmth: 30, refusedModel: ["there is no evidence"] },
      })
    }).pipe(Effect.provide(world)))

  it.live("is known no more of who closed the conversation, and of nobody before it was read", () =>
    Effect.gen(function* () {
      yield* wrote
      yield* read("model")
      const ask = yield* Queries
      expect((yield* ask.brief(on(now - 1.5 * hour))).replies[0]).not.toHaveProperty("reading")
      yield* append(`analyst-${ada}`, "ConversationClosed", { because: "LeadUnsubscribed" })
      expect((yield* people())[0]).not.toHaveProperty("reading")
    }).pipe(Effect.provide(world)))
})

const drafted = (made: string, more: { readonly [name: string]: Json }) =>
  append(work, "ActivitySucceeded", {
    ask: "0.0",
    output: { person: ada, text: "sealed", subject: "sealed", made, ...more },
  }, "claiming")
const requested = (made: string, id = gate) =>
  Effect.gen(function* () {
    yield* append(`gatekeeper-${id}`, "ApprovalRequested", {
      ...{ ask: `${work}/1.0`, stream: work, activity: "sendMail", risk: "outward", hash: "ff" },
      ...{ reasons: [], person: ada, events: [] },
      content: yield* sealed({ text: "Hello Ada", subject: "Re: Sponsorship", made }),
    }, "awaitingApproval")
  })

describe("an approval", () => {
  it.live("says what drafted it and what that rests on", () =>
    Effect.gen(function* () {
      yield* drafted(model, { cites: yield* sealed([{ event: "event-2", quote: "as last year" }]) })
      yield* requested(model)
      const [approval] = yield* (yield* Queries).approvals
      expect(approval).toMatchObject({
        made: model,
        evidence: [{ event: "event-2", quote: "as last year" }],
      })
      expect(madeWords(approval!)).toBe("written by gemma3:270m, from 1 memory")
      expect(citesOf(approval!)).toEqual([{ event: "event-2", quote: "“as last year”" }])
    }).pipe(Effect.provide(world)))

  it.live("says why a model's draft was not taken", () =>
    Effect.gen(function* () {
      yield* drafted("template-2", { refusedModel: ["it invents an amount"] })
      yield* requested("template-2")
      const [approval] = yield* (yield* Queries).approvals
      expect(madeWords(approval!)).toBe(
        "made by a template; a model's draft was not taken: it invents an amount",
      )
    }).pipe(Effect.provide(world)))

  it.live("of what the founder wrote in its place rests on nothing of the draft", () =>
    Effect.gen(function* () {
      yield* drafted(model, { cites: yield* sealed([{ event: "event-2", quote: "as last year" }]) })
      yield* requested("founder")
      const [approval] = yield* (yield* Queries).approvals
      expect(approval).toMatchObject({ made: "founder" })
      expect(approval).not.toHaveProperty("evidence")
      expect(madeWords(approval!)).toBe("written by you")
    }).pipe(Effect.provide(world)))
})

it("a forecast of the rules is told nowhere", () => {
  const read = { intent: "asks", warmth: 40, made: "rules-2", evidence: [], event: "e" } as const
  expect(forecastWords({ ...read, by: "rules" })).toBe("")
  expect(forecastWords({ ...read, by: "model", made: "m readConversation@1" }))
    .toBe("asks something, warmth 40, read by m")
})
