/** The OpenAPI document: whole, sound, and true of what is served. */
import { afterAll, beforeAll, expect, test } from "vitest"
import { Effect, Schema } from "effect"
import { ActorSystem } from "../../actors/actor-system.ts"
import type { EventLog } from "../../actors/event-log.ts"
import { door as doorApp } from "../../http/app.ts"
import { keysOf } from "../../http/keys.ts"
import { makeMeter } from "../../http/meter.ts"
import { routesOf } from "../../http/routes.ts"
import type { Aios } from "../../projections/aios.ts"
import { objectOf } from "../../projections/fields.ts"
import { aiosHouse } from "../projections/aios-house.ts"
import { type Door, doorTo } from "./doors.ts"
import { behind } from "./stand-in.ts"

let door: Door<ActorSystem | Aios | EventLog>
let document: Record<string, unknown>
beforeAll(async () => {
  door = await doorTo(aiosHouse())
  document = await (await door.get("/openapi.json")).json()
})
afterAll(() => door.close())

const operations = () =>
  Object.entries(objectOf(document["paths"])).flatMap(([path, methods]) =>
    Object.entries(objectOf(methods)).map(([method, operation]) => ({
      path,
      method,
      operation: objectOf(operation),
    }))
  )

test("says what it is and where one comes in", () => {
  expect(document).toMatchObject({
    openapi: "3.1.0",
    info: { title: "AIOS", version: expect.stringMatching(/^\d+\.\d+\.\d+$/) },
    components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
  })
})

test("has every route that is served, and no other; the rest are pages", async () => {
  const app = await Effect.runPromise(
    doorApp({ keys: keysOf("x".repeat(20)), port: () => 1 }).pipe(Effect.provide(behind({}))),
  )
  const served = app.routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) =>
      `${method.toLowerCase()} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`
    )
  const documented = operations().map(({ method, path }) => `${method} ${path}`)
  expect(documented.filter((one) => !served.includes(one))).toEqual([])
  const page =
    /^(get|post) \/(|enter|agents|agents\/\{agent\}\/\{key\}|why\/\{id\}|people|people\/\{key\}|people\/\{key\}\/done|articles\/.+|reports|assets\/.+|approvals\/.+|invoices\/.+)$/
  expect(served.filter((one) => !documented.includes(one) && !page.test(one))).toEqual([])
  expect(documented.length).toBe(routesOf(makeMeter()).length)
})

test("operations have ids of their own, name every part of their path, and answer with something", () => {
  const all = operations()
  expect(new Set(all.map(({ operation }) => operation["operationId"])).size).toBe(all.length)
  for (const { method, operation, path } of all) {
    const parameters = Array.isArray(operation["parameters"]) ? operation["parameters"] : []
    const inPath = parameters.filter((one) => objectOf(one)["in"] === "path")
    expect(inPath.map((one) => `{${objectOf(one)["name"]}}`).toSorted())
      .toEqual((path.match(/\{\w+\}/g) ?? []).toSorted())
    for (const one of parameters) {
      expect(objectOf(one)).toMatchObject({
        name: expect.any(String),
        required: expect.any(Boolean),
        schema: expect.any(Object),
      })
    }
    expect(Object.keys(objectOf(operation["responses"])).some((status) => status < "300"))
      .toBe(true)
    if (method === "get") expect(operation["requestBody"]).toBeUndefined()
  }
})

test("every reference leads somewhere, and every Schema is one", () => {
  const schemas = objectOf(objectOf(document["components"])["schemas"])
  const types = ["string", "number", "integer", "boolean", "array", "object", "null"]
  let seen = 0
  const walk = (value: unknown, at: string): void => {
    if (Array.isArray(value)) return value.forEach((one, i) => walk(one, `${at}/${i}`))
    for (const [name, inner] of Object.entries(objectOf(value))) {
      if (name === "$ref") {
        seen++
        const target = /^#\/components\/schemas\/(.+)$/.exec(String(inner))?.[1]
        expect([at, target !== undefined && target in schemas]).toEqual([at, true])
      }
      if (name === "type" && typeof inner === "string" && !at.includes("securitySchemes")) {
        expect([at, types.includes(inner)]).toEqual([at, true])
      }
      walk(inner, `${at}/${name}`)
    }
  }
  walk(document, "#")
  expect(seen).toBeGreaterThan(50)
})

test("what is answered is what is documented, field for field", async () => {
  const person = "0123456789abcdef0123456789abcdef"
  await door.post(`/api/agents/lead/${person}/events`, {
    type: "LeadListed",
    person,
    record: "record-1",
    list: "people",
    contact: { name: "Ada", address: "ada@lumen.example" },
  })
  const params: Record<string, string> = { agent: "lead", key: person, name: "agents" }
  const skipped = new Set(["followEvents", "metrics", "getApproval", "getEvent"])
  let checked = 0
  for (const route of routesOf(makeMeter())) {
    if (route.method !== "get" || skipped.has(route.id)) continue
    const path = route.path.replaceAll(
      /:(\w+)(\{[^}]*\})?/g,
      (_, name: string) => params[name] ?? "x",
    )
    const response = await door.get(path)
    // Some operations know nothing about this small company.
    if (response.status !== 200) continue
    const decode = Schema.decodeUnknownSync(route.answer, { onExcessProperty: "error" })
    const body = await response.json()
    if (route.path === "/api/events") {
      // Asks have fields by kind, which the document leaves open.
      for (const one of body.items) delete one.metadata.asks
    }
    expect(() => decode(body), route.path).not.toThrow()
    checked++
  }
  expect(checked).toBeGreaterThanOrEqual(9)
})

test("what stands in front of every route is among its answers", () => {
  for (const { method, operation, path } of operations()) {
    const given = Object.keys(objectOf(operation["responses"]))
    const wanted = [
      "421",
      ...(path === "/livez" ? [] : ["401"]),
      ...(method === "post" ? ["403", "413", "415"] : []),
    ]
    expect([path, wanted.filter((status) => !given.includes(status))]).toEqual([path, []])
  }
})
