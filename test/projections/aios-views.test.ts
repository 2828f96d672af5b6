/** Looking at one thing and telling it one event: expected revisions, refusals that say what to do. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { EventLog } from "../../actors/event-log.ts"
import { Vault } from "../../actors/vault.ts"
import { Aios } from "../../projections/aios.ts"
import { aMail, aPerson } from "../actors/company.ts"
import { aiosHouse, refusalOf } from "./aios-house.ts"

const listed = (person: string) => ({
  type: "LeadListed",
  person,
  record: "record-1",
  list: "linkedin",
  contact: { name: "Ada", address: "ada@client.example" },
})

describe("an actor, looked at and told", () => {
  it.live("is told once, at the revision it was seen at", () =>
    Effect.gen(function* () {
      const aios = yield* Aios
      const person = (yield* Vault).personKey("ada@client.example")
      const stream = `lead-${person}`
      expect((yield* refusalOf(aios.view(stream))).error).toBe("UnknownActor")
      const id = "0190a2f0-0000-7000-8000-000000000001"
      const first = yield* aios.propose(stream, listed(person), { id, revision: -1 })
      expect(first).toMatchObject({ duplicate: false, event: { revision: 0, stream } })
      // Said again, whatever was expected: the first outcome.
      expect(yield* aios.propose(stream, listed(person), { id, revision: -1 }))
        .toMatchObject({ duplicate: true, event: { id } })
      const conflict = yield* refusalOf(aios.propose(stream, listed(person), { revision: 4 }))
      expect(conflict).toMatchObject({
        error: "VersionConflict",
        detail: { expected: 4, actual: 0, stream },
      })
      expect(yield* (yield* EventLog).readPage(stream)).toHaveLength(1)
      const seen = yield* aios.view(stream)
      expect(seen).toMatchObject({ stream, revision: 0, status: "active" })
      expect(JSON.stringify(seen.context)).not.toContain("$sealed")
    }).pipe(Effect.provide(aiosHouse())))

  it.live("refuses with the state and what it would take", () =>
    Effect.gen(function* () {
      const aios = yield* Aios
      const person = (yield* Vault).personKey("ada@client.example")
      const stream = `outreach-${person}`
      const refused = yield* refusalOf(aios.propose(stream, { type: "OutreachRetried" }, {}))
      expect(refused.error).toBe("NotAccepted")
      expect(refused.detail).toMatchObject({
        state: null,
        accepts: expect.arrayContaining(["OutreachRequested"]),
      })
      expect(yield* refusalOf(aios.propose(stream, { kind: "x" }, {})))
        .toMatchObject({ error: "InvalidEvent", kind: "usage" })
      expect(yield* refusalOf(aios.propose(stream, { type: "OutreachRetried" }, { id: "1" })))
        .toMatchObject({ error: "InvalidId" })
    }).pipe(Effect.provide(aiosHouse())))
})

describe("read models, people, reports", () => {
  it.live("come opened, page by page", () =>
    Effect.gen(function* () {
      const aios = yield* Aios
      yield* aios.intake([
        aPerson(),
        aPerson({ name: "Bo Åkesson", address: "bo@other.example", company: "Ångström" }),
        aMail(),
      ])
      yield* aios.settle(5_000)
      const models = yield* aios.projections
      expect(models.map(({ name }) => name)).toContain("people")
      for (const model of models) expect(model.position).toBe(model.head)
      const rows = yield* aios.rows("people", { limit: 1 })
      expect(rows).toHaveLength(1)
      expect(JSON.stringify(rows)).not.toContain("$sealed")
      const rest = yield* aios.rows("people", { after: rows[0]![0] })
      expect(rest.some(([key]) => key === rows[0]![0])).toBe(false)
      expect((yield* refusalOf(aios.rows("nothing", {}))).error).toBe("ProjectionUnknown")

      expect((yield* aios.people()).map(({ name }) => name)).toEqual(["Ada Weiss", "Bo Åkesson"])
      // Neither case nor accents count.
      expect((yield* aios.people("angstrom")).map(({ address }) => address))
        .toEqual(["bo@other.example"])
      expect(yield* aios.people("nobody")).toEqual([])
      expect((yield* refusalOf(aios.reports("hourly"))).message).toContain("weekly")
      expect(yield* aios.reports("weekly")).toEqual([])
    }).pipe(Effect.provide(aiosHouse())))
})
