/** A log that holds nothing but events of others, in streams and with types of any name: AIOS lives with it. */
import { Effect } from "effect"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { EventLog } from "../../actors/event-log.ts"
import { received, sent, type WireEvent } from "../../actors/foreign-events.ts"
import { layer } from "../../adapters/event-log-sqlite.ts"
import { home } from "./aios.ts"

const house = home()
afterAll(house.remove)

const types = [
  "LeadReplied",
  "MailReceived",
  "MemoryKept",
  "SettingsRecorded",
  "ActivitySucceeded",
  "TellRefused",
  "ApprovalRequested",
  "$metadata",
  "$>",
  "",
  "größe ✨",
]
const streams = [
  "settings-founder",
  "policy-models",
  "record-abc",
  "$$lead-1",
  "$settings",
  "größe/日本-✨",
  "nodash",
  "-",
  "memory-1",
  "claim-x",
]
const bodies = ["null", "[1]", '"text"', '{"ask":"0.0","content":null}', "no JSON", ""]

test("rebuild, replay and brief go on over events of others", async () => {
  await house.json("settings", "--name", "Mara Lindqvist", "--time-zone", "Europe/Berlin")
  let count = 0
  await Effect.runPromise(
    Effect.gen(function* () {
      const log = yield* EventLog
      for (const stream of streams) {
        const [last] = yield* log.readPage(stream, { backwards: true, limit: 1 })
        const events = types.flatMap((type) =>
          bodies.map((body): WireEvent => ({
            id: crypto.randomUUID(),
            type,
            json: true,
            data: new TextEncoder().encode(body),
            metadata: new TextEncoder().encode('{"$correlationId":"x","by":"somebody"}'),
          }))
        )
        yield* log.append(
          stream,
          last?.revision ?? -1,
          events.map((event) => received(event, Date.UTC(2026, 10, 23))),
        )
        count += events.length
        const back = yield* log.readPage(stream, { from: (last?.revision ?? -1) + 1 })
        expect(back.map(sent)).toEqual(events)
      }
    }).pipe(Effect.provide(layer({ file: join(house.dir, "log.db") }))),
  )
  expect(count).toBe(streams.length * types.length * bodies.length)
  const rebuilt = await house.json("rebuild") as {
    projections: ReadonlyArray<{ equal: boolean; name: string }>
  }
  expect(rebuilt.projections.length).toBeGreaterThan(6)
  expect(rebuilt.projections.filter(({ equal }) => !equal)).toEqual([])
  // Where somebody else wrote into an actor's own stream, exactly that actor is told of.
  const replay = await house.aios("replay", "--json")
  expect(JSON.parse(replay.out).divergences).toMatchObject([{ stream: "memory-1", revision: 0 }])
  const brief = await house.aios("brief")
  expect(brief.err).toBe("")
  expect(brief.code).toBe(0)
  // What was said before still holds.
  expect(await house.json("settings")).toMatchObject({ name: "Mara Lindqvist" })
}, 60_000)
