/** The routes over a real AIOS in memory, and decisions over a stand-in: what is asked reaches it as it is. */
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { Effect, Stream } from "effect"
import { ActorSystem } from "../../actors/actor-system.ts"
import type { EventLog, RecordedEvent } from "../../actors/event-log.ts"
import { type Aios, OperationFailed } from "../../projections/aios.ts"
import { aiosHouse } from "../projections/aios-house.ts"
import { type Door, doorTo } from "./doors.ts"
import { behind } from "./stand-in.ts"

const person = "0123456789abcdef0123456789abcdef"
const listed = {
  type: "LeadListed",
  person,
  record: "record-1",
  list: "people",
  contact: { name: "Ada Weiss", address: "ada@lumen.example" },
}
const lead = `/api/agents/lead/${person}`
const outreach = "/api/agents/outreach/1"
const requested = {
  type: "OutreachRequested",
  person,
  answers: 1,
  intents: [],
  records: [],
  contact: listed.contact,
  subject: "Rates",
  messageId: "<1@lumen.example>",
  quotes: [],
}

describe("over a real AIOS", () => {
  let door: Door<ActorSystem | EventLog | Aios>
  beforeEach(async () => {
    door = await doorTo(aiosHouse())
    expect((await door.post(`${lead}/events`, listed)).status).toBe(201)
  })
  afterEach(() => door.close())

  test("an actor: its state, its revision as ETag, its context only when asked for", async () => {
    const seen = await door.get(lead)
    expect(seen.headers.get("etag")).toBe('"0"')
    const actor = await seen.json()
    expect(actor).toMatchObject({ stream: `lead-${person}`, revision: 0, state: "new" })
    expect(actor.context).toBeUndefined()
    expect(JSON.stringify(actor)).not.toContain("Ada")
    const again = await door.get(lead, { "if-none-match": '"7", "0"' })
    expect([again.status, await again.text()]).toEqual([304, ""])
    expect((await door.get(lead, { "if-none-match": '"1"' })).status).toBe(200)
    await door.post(`${outreach}/events`, requested)
    expect(await (await door.get(outreach)).text()).not.toContain("Ada Weiss")
    expect(await (await door.get(`${outreach}?open=1`)).text()).toContain("Ada Weiss")
    expect((await door.get("/api/agents/lead/nobody")).status).toBe(404)
    expect((await door.get("/api/agents/nothing/one")).status).toBe(404)
  })

  test("a proposal is seen at once by the next look", async () => {
    await door.get(lead)
    await door.post(`${lead}/events`, { ...listed, list: "hubspot", record: "record-2" })
    const seen = await door.get(lead, { "if-none-match": '"0"' })
    expect([seen.status, seen.headers.get("etag")]).toEqual([200, '"1"'])
  })

  test("the same Idempotency-Key is the same event", async () => {
    const headers = { "idempotency-key": "0190a000-0000-7000-8000-000000000001" }
    const event = { ...listed, record: "record-3" }
    const first = await (await door.post(`${lead}/events`, event, headers)).json()
    const second = await (await door.post(`${lead}/events`, event, headers)).json()
    expect([first.duplicate, second.duplicate]).toEqual([false, true])
    expect(second.event.id).toBe(headers["idempotency-key"])
    expect(second.event.position).toBe(first.event.position)
    expect((await door.post(`${lead}/events`, event, { "idempotency-key": "x" })).status).toBe(400)
  })

  test("If-Match: who decided on an older revision is told the present one", async () => {
    const stale = await door.post(`${lead}/events`, listed, { "if-match": '"4"' })
    expect(stale.status).toBe(412)
    expect(await stale.json()).toMatchObject({
      revision: 0,
      state: "new",
      error: "VersionConflict",
    })
    const fresh = await door.post(`${lead}/events`, { ...listed, record: "r" }, {
      "if-match": '"0"',
    })
    expect([fresh.status, fresh.headers.get("etag")]).toEqual([201, '"1"'])
    expect((await door.post(`${lead}/events`, listed, { "if-match": "1" })).status).toBe(400)
  })

  test("what a chart does not take is refused with its state and what it would take", async () => {
    const retried = { type: "OutreachRetried" }
    const early = await door.post(`${outreach}/events`, retried)
    expect(early.status).toBe(409)
    expect(await early.json()).toMatchObject({
      error: "NotAccepted",
      state: null,
      accepts: expect.arrayContaining(["OutreachRequested"]),
    })
    expect((await door.post(`${lead}/events`, { type: "NoEvent" })).status).toBe(422)
  })

  test("events page by position, and the links lead through all of them", async () => {
    for (let i = 0; i < 25; i++) {
      await door.post(`/api/agents/lead/${person.slice(2)}${10 + i}/events`, {
        ...listed,
        person: `${person.slice(2)}${10 + i}`,
      })
    }
    const all: Array<RecordedEvent> = []
    let path: string | undefined = "/api/events?limit=4"
    while (path !== undefined) {
      const response = await door.get(path)
      const { items, next } = await response.json()
      expect(items.length).toBeLessThanOrEqual(4)
      all.push(...items)
      const link: string | null = response.headers.get("link")
      expect(link === null).toBe(next === undefined)
      path = link === null ? undefined : /^<([^>]+)>; rel="next"$/.exec(link)?.[1]
    }
    const whole = await (await door.get("/api/events?limit=1000")).json()
    expect(all.map((one) => one.position)).toEqual(
      whole.items.map((one: RecordedEvent) => one.position),
    )
    expect(all.length).toBeGreaterThanOrEqual(26)
    const one = await (await door.get(`/api/events?stream=lead-${person}`)).json()
    expect(one.items).toHaveLength(1)
    const typed = await (await door.get("/api/events?type=LeadListed&limit=3")).json()
    expect(typed.items.map((event: RecordedEvent) => event.type)).toEqual(
      Array.from({ length: 3 }, () => "LeadListed"),
    )
    expect(await (await door.get(`/api/events/${one.items[0].id}`)).json()).toEqual(one.items[0])
    expect((await door.get("/api/events/0190a000-0000-7000-8000-00000000dead")).status).toBe(404)
    expect((await door.get("/api/events?limit=0")).status).toBe(400)
    expect((await door.get("/api/events?after=x")).status).toBe(400)
  })

  test("what the founder dealt with, and drafts: known by name and topic, or told that they are not", async () => {
    expect((await door.post("/api/people/Nobody/done", {})).status).toBe(404)
    const silent = await door.post(`/api/people/${person}/done`, {})
    expect([silent.status, (await silent.json()).error]).toEqual([404, "NoConversation"])
    expect((await door.get("/api/articles/letter-1/review")).status).toBe(404)
    const written = (type: string, more: object) =>
      door.post(`/api/agents/article/${"1".repeat(32)}/events`, {
        type,
        topic: "letter-1",
        record: "record-1",
        title: "Holidays",
        text: "Dear reader",
        at: Date.now(),
        ...more,
      })
    expect((await written("DraftWritten", { covers: [] })).status).toBe(201)
    const early = await door.post("/api/articles/letter-1/review", { passed: true })
    expect([early.status, await early.json()]).toMatchObject([409, {
      error: "NothingToReview",
      state: "writing",
    }])
    await written("ArticleFinished", {})
    expect(await (await door.get("/api/articles/letter-1/review")).json()).toMatchObject({
      title: "Holidays",
      text: "Dear reader",
      state: "inReview",
    })
    expect((await door.post("/api/articles/letter-1/review", {})).status).toBe(400)
    expect((await door.post("/api/articles/letter-1/review", { passed: false })).status).toBe(422)
    const passed = await door.post(`/api/articles/${"1".repeat(8)}/review`, { passed: true })
    expect([passed.status, await passed.json()]).toMatchObject([200, { state: "approved" }])
    const back = await door.post("/api/articles/letter-1/review", {
      passed: false,
      reason: "too short",
    })
    expect(await back.json()).toMatchObject({ state: "writing" })
  })

  test("a position that is none is refused before anything is missed", async () => {
    for (const id of ["x", "1.5", "-2", "12 13"]) {
      const response = await door.get("/api/events/stream", { "last-event-id": id })
      expect([id, response.status, (await response.json()).error])
        .toEqual([id, 400, "InvalidPosition"])
    }
  })

  test("agents page by name", async () => {
    const others = [1, 2, 3, 4, 5].map((n) => String(n).repeat(32))
    for (const key of others) {
      await door.post(`/api/agents/lead/${key}/events`, { ...listed, person: key })
    }
    const seen: Array<string> = []
    let path: string | undefined = "/api/agents/lead?limit=2"
    while (path !== undefined) {
      const response = await door.get(path)
      for (const row of (await response.json()).items) seen.push(row.key)
      path = /^<([^>]+)>/.exec(response.headers.get("link") ?? "")?.[1]
    }
    expect(seen).toEqual([person, ...others])
    expect((await door.get("/api/agents/nothing")).status).toBe(404)
  })

  test("read models: how far they are, their rows, a rebuild with progress", async () => {
    const models = (await (await door.get("/api/projections")).json()).items
    expect(models.map((one: { name: string }) => one.name)).toContain("agents")
    const rows = await (await door.get("/api/projections/agents/rows")).json()
    expect(rows.items[0]).toMatchObject({ key: `lead-${person}`, row: { state: "new" } })
    expect((await door.get("/api/projections/nothing/rows")).status).toBeGreaterThanOrEqual(404)
    const rebuilt = await door.post("/api/projections/agents/rebuild", {})
    expect(rebuilt.headers.get("content-type")).toBe("application/x-ndjson")
    const lines = (await rebuilt.text()).trim().split("\n").map((line) => JSON.parse(line))
    expect(lines.at(-1).result).toMatchObject({ name: "agents", equal: true })
    expect((await door.post("/api/projections/nothing/rebuild", {})).status).toBe(404)
  })

  test("brief, people, health", async () => {
    expect(await (await door.get("/api/brief")).json()).toMatchObject({ timeZone: "UTC" })
    expect((await door.get("/api/brief?date=2026-1-1")).status).toBe(400)
    expect((await (await door.get("/api/people")).json()).items).toEqual(expect.any(Array))
    expect(await (await door.get("/readyz")).json()).toMatchObject({
      ok: true,
      services: [{ name: "ollama" }, { name: "chroma" }, { name: "embedder" }],
    })
    const { items: services } = await (await door.get("/api/services")).json()
    expect(services[0]).toMatchObject({ name: "ollama", fix: "", reason: "" })
    expect(services[0].without).not.toBe("")
    const metrics = await (await door.get("/metrics")).text()
    for (const line of metrics.split("\n")) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? -?[\d.e+-]+|)$/,
      )
    }
    expect(metrics).toMatch(/aios_http_requests_total\{route="proposeEvent",status="201"\} 1/)
    expect(metrics).toContain("aios_log_head_position")
  })

  test("events stream from where a reader was cut off, then as they happen", async () => {
    const { items } = await (await door.get("/api/events")).json()
    const after = items[0].position
    const reader = async (headers: Record<string, string>, path: string, count: number) => {
      const response = await door.get(path, headers)
      expect(response.headers.get("content-type")).toBe("text/event-stream")
      const ids: Array<number> = []
      let text = ""
      const body = response.body!.getReader()
      while (ids.length < count) {
        const { value } = await body.read()
        text += new TextDecoder().decode(value)
        ids.splice(
          0,
          ids.length,
          ...[...text.matchAll(/^id: (-?\d+)\ndata: /gm)].map((one) => Number(one[1])),
        )
      }
      await body.cancel()
      return ids
    }
    const later = items.slice(1).map((one: RecordedEvent) => one.position)
    const live = reader({ "last-event-id": String(after) }, "/api/events/stream", later.length + 1)
    const fresh = reader({}, "/api/events/stream", 1)
    await new Promise((then) => setTimeout(then, 100))
    const made = await (await door.post(`${lead}/events`, { ...listed, record: "r2" })).json()
    expect(await live).toEqual([...later, made.event.position])
    expect(await fresh).toEqual([made.event.position])
  })
})

describe("decisions", () => {
  const calls: Array<unknown> = []
  const decision = (id: string, kind: "approved" | "rejected" | "postponed") => {
    calls.push([kind, id])
    return Effect.succeed({ id, decision: kind, already: false, outcome: "Done." })
  }
  const approval = {
    id: "7f3a1c00-0000-8000-8000-000000000000",
    agent: "outreach-1",
    activity: "sendMail",
    risk: "mail",
    reasons: [],
    content: { text: "Hi" },
    hash: "a".repeat(64),
    events: [],
    requestedAt: 1,
    grade: "low" as const,
    rule: "r",
  }
  let door: Door<Aios | EventLog>
  beforeEach(async () => {
    calls.length = 0
    door = await doorTo(behind({
      approvals: Effect.succeed([approval]),
      approve: (id) =>
        id.startsWith("7f3a1c") ? decision(id, "approved") : Effect.fail(
          new OperationFailed({ kind: "failed", error: "ApprovalNotFound", message: "None." }),
        ),
      reject: (id, reason) =>
        Effect.tap(decision(id, "rejected"), () => Effect.sync(() => calls.push(reason))),
      later: (id, until) =>
        Effect.tap(decision(id, "postponed"), () => Effect.sync(() => calls.push(until))),
      edit: (id, patch) =>
        Effect.sync(() => {
          calls.push(patch)
          return { id, approval, difference: "" }
        }),
      undo: (id) => Effect.succeed({ id, undone: "decision", outcome: "Back." }),
      approveGroup: (group) => Effect.map(decision(group, "approved"), (one) => [one]),
      paid: (invoice, payment) =>
        Effect.sync(() => {
          calls.push(payment)
          return { invoice, state: "paid", outcome: "Paid." }
        }),
    }))
  })
  afterEach(() => door.close())

  test("each reaches its operation with what was said", async () => {
    const at = (verb: string) => `/api/approvals/${approval.id}/${verb}`
    expect(await (await door.get("/api/approvals")).json()).toEqual({ items: [approval] })
    expect(await (await door.get("/api/approvals/7f3a1c")).json()).toEqual(approval)
    expect((await door.get("/api/approvals/7f3a1d")).status).toBe(404)
    expect((await door.get("/api/approvals?limit=0")).status).toBe(400)
    expect((await door.get("/api/approvals?after=x")).status).toBe(400)
    expect(await (await door.post(at("approve"), { hash: approval.hash })).json())
      .toMatchObject({ decision: "approved" })
    await door.post(at("reject"), { reason: "too early" })
    await door.post(at("later"), { until: 5 })
    await door.post(at("edit"), { text: "Hello", subject: "S" })
    expect(await (await door.post(at("undo"), {})).json()).toMatchObject({ undone: "decision" })
    expect(await (await door.post("/api/approvals/approve-group", { group: "g" })).json())
      .toMatchObject({ items: [{ id: "g" }] })
    const amount = { minor: 100, currency: "EUR" }
    await door.post("/api/invoices/1042/paid", { amount })
    expect(calls).toEqual([
      ["approved", approval.id],
      ["rejected", approval.id],
      "too early",
      ["postponed", approval.id],
      5,
      { text: "Hello", subject: "S" },
      ["approved", "g"],
      { amount },
    ])
  })

  test("content that is not what was seen is not approved", async () => {
    const changed = await door.post(`/api/approvals/${approval.id}/approve`, {
      hash: "b".repeat(64),
    })
    expect(await changed.json()).toMatchObject({ status: 409, error: "ContentChanged" })
    expect(calls).toEqual([])
  })

  test("bad words are refused before anything is decided", async () => {
    const at = (verb: string) => `/api/approvals/${approval.id}/${verb}`
    expect((await door.post(at("reject"), {})).status).toBe(400)
    expect((await door.post(at("reject"), { reason: "" })).status).toBe(400)
    expect((await door.post(at("later"), { until: "tomorrow" })).status).toBe(400)
    expect((await door.post("/api/approvals/000000/approve", {})).status).toBe(404)
    expect(calls).toEqual([])
  })
})

test("a reader that leaves ends the stream behind the door", async () => {
  let began = false
  let left = false
  const until = async (is: () => boolean) => {
    for (let i = 0; i < 100 && !is(); i++) await new Promise((then) => setTimeout(then, 10))
  }
  const door = await doorTo(behind({
    follow: () =>
      Stream.fromEffect(Effect.sync(() => began = true)).pipe(
        Stream.flatMap(() => Stream.never),
        Stream.ensuring(Effect.sync(() => left = true)),
      ),
  }))
  const response = await door.get("/api/events/stream")
  const reader = response.body!.getReader()
  await reader.read()
  await until(() => began)
  await reader.cancel()
  await until(() => left)
  expect([began, left]).toEqual([true, true])
  await door.close()
})

test("approvals page by when they were asked, also where one is decided meanwhile", async () => {
  const all = [3, 1, 2, 2, 5].map((at, n) => ({
    id: `${n}f3a1c00-0000-8000-8000-000000000000`,
    agent: "outreach-1",
    activity: "sendMail",
    risk: "mail",
    reasons: [],
    content: { text: "Hi" },
    hash: "a".repeat(64),
    events: [],
    requestedAt: at,
    grade: "low" as const,
    rule: "r",
  }))
  let left = all
  const door = await doorTo(behind({ approvals: Effect.sync(() => left) }))
  try {
    const first = await door.get("/api/approvals?limit=2")
    const { items, next } = await first.json()
    expect(items.map((one: { id: string }) => one.id[0])).toEqual(["1", "2"])
    expect(first.headers.get("link")).toContain('rel="next"')
    // The one the page ended with is gone.
    left = all.filter((one) => one.id !== items[1].id)
    const second = await (await door.get(`/api/approvals?limit=2&after=${next}`)).json()
    expect(second.items.map((one: { id: string }) => one.id[0])).toEqual(["3", "0"])
    const third = await (await door.get(`/api/approvals?limit=2&after=${second.next}`)).json()
    expect([third.items.length, third.next]).toEqual([1, undefined])
  } finally {
    await door.close()
  }
})
