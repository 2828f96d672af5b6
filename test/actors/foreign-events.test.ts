/** Events of others and of ours on their way through our record: what came goes out, byte for byte. */
import { Effect, Layer } from "effect"
import { describe, expect, it } from "@effect/vitest"
import { EventLog, foreignBytesMax, isOurs, type NewEvent } from "../../actors/event-log.ts"
import { aliased, received, sent, type WireEvent } from "../../actors/foreign-events.ts"
import * as memory from "../../adapters/event-log-memory.ts"
import * as sqlite from "../../adapters/event-log-sqlite.ts"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Dice, seeded } from "../seeded.ts"

const rounds = 400
const bytes = (text: string) => new TextEncoder().encode(text)
const none = new Uint8Array()

const uuid = (dice: Dice) =>
  "xxxxxxxx-xxxx-4xxx-axxx-xxxxxxxxxxxx".replaceAll("x", () => dice.below(16).toString(16))

/** Our metadata, as AIOS writes it. */
const ourMetadata = (dice: Dice): NewEvent["metadata"] => ({
  at: 1_700_000_000_000 + dice.below(1_000_000),
  $correlationId: uuid(dice),
  ...(dice.chance() ? { $causationId: uuid(dice) } : {}),
  ...(dice.chance() ? { chart: { name: "lead", version: 1, hash: "0123456789abcdef" } } : {}),
  ...(dice.chance() ? { asks: [{ ask: "tell", to: dice.text(), event: { type: "X" } }] } : {}),
  ...(dice.chance() ? { value: { a: { b: "c" } } } : {}),
  ...(dice.chance() ? { actor: dice.text() } : {}),
})

const json = (dice: Dice, depth = 0): unknown => {
  switch (dice.below(depth > 2 ? 5 : 7)) {
    case 0:
      return null
    case 1:
      return dice.pick([0, -0, 1e21, 1.5, -3, 123456789012345])
    case 2:
      return dice.chance()
    case 3:
    case 4:
      return dice.text()
    case 5:
      return Array.from({ length: dice.below(4) }, () => json(dice, depth + 1))
    default:
      return Object.fromEntries(
        Array.from({ length: dice.below(4) }, () => [dice.text(), json(dice, depth + 1)]),
      )
  }
}

/** Any bytes: JSON as we would write it, as others would, broken, or noise. */
const content = (dice: Dice): Uint8Array => {
  const written = JSON.stringify(json(dice))
  switch (dice.below(7)) {
    case 0:
      return none
    case 1:
      return Uint8Array.from({ length: dice.below(40) }, () => dice.below(256))
    case 2:
      return bytes(`\ufeff${written}`)
    case 3:
      return bytes(` ${written}\n`)
    case 4:
      return bytes(written.slice(0, -1))
    case 5:
      return bytes(
        dice.pick(['{"a":1,"a":2}', '"\\u00e9"', "1.0", '{"__proto__":{"x":1}}', '{"2":1,"1":2}']),
      )
    default:
      return bytes(written)
  }
}

const metadata = (dice: Dice): Uint8Array => {
  const ours = ourMetadata(dice)
  switch (dice.below(7)) {
    case 0:
      return none
    case 1:
      return bytes(JSON.stringify(ours))
    case 5:
      return bytes(JSON.stringify({ ...ours, foreign: { data: "AAAA", id: "other" } }))
    case 2:
      return bytes(JSON.stringify({ ...ours, more: 1 }))
    case 3:
      return bytes(JSON.stringify({ ...ours, at: "today" }))
    case 4:
      return bytes(JSON.stringify(ours, null, 2))
    default:
      return content(dice)
  }
}

const anEvent = (dice: Dice): WireEvent => ({
  id: uuid(dice),
  type: dice.pick(["$metadata", "LeadReplied", dice.text(), "", "$>", "日本"]),
  json: dice.chance(),
  data: content(dice),
  metadata: metadata(dice),
})

describe("events of others", () => {
  it("come back as they were, whatever bytes they are", () => {
    const dice = seeded()
    for (let n = 0; n < rounds; n++) {
      const event = anEvent(dice)
      expect(sent(received(event, 5))).toEqual(event)
      const other = uuid(dice)
      const under = aliased(received(event, 5), other)
      expect(under.id).toBe(other)
      expect(sent(under)).toEqual(event)
      expect(isOurs(under)).toBe(false)
    }
  })

  it("and through a log on disk and in memory, in streams of any name", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aios-foreign-"))
    for (const layer of [memory.layer, sqlite.layer({ file: join(folder, "log.db") })]) {
      const dice = seeded()
      const events = Array.from({ length: 60 }, () => anEvent(dice))
      const streams = [
        "$$$x",
        "größe ✨",
        "-",
        "a\nb",
        "lead-1",
        "nodash",
        ".",
        "\ud800".toWellFormed(),
      ]
      const stream = (n: number) => streams[n % streams.length]!
      await Effect.runPromise(
        Effect.gen(function* () {
          const log = yield* EventLog
          for (const [n, event] of events.entries()) {
            yield* log.append(stream(n), Math.floor(n / streams.length) - 1, [received(event, n)])
          }
          const back = yield* log.readAll()
          expect(back.map(sent)).toEqual(events)
          expect(back.map((event) => event.stream)).toEqual(events.map((_, n) => stream(n)))
        }).pipe(Effect.provide(layer as Layer.Layer<EventLog>)),
      )
    }
    rmSync(folder, { recursive: true })
  })

  it("may be as large as the protocol allows, and no larger", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aios-foreign-"))
    const large = (size: number): WireEvent => ({
      id: crypto.randomUUID(),
      type: "Large",
      json: true,
      // Larger as JSON of ours than as it came, and in base64.
      data: bytes(`[${"1e20,".repeat(size / 5)}0 ]`),
      metadata: none,
    })
    await Effect.runPromise(
      Effect.gen(function* () {
        const log = yield* EventLog
        const event = large(1024 * 1024 - 100)
        yield* log.append("large-1", -1, [received(event, 1)])
        const [back] = yield* log.readPage("large-1")
        expect(sent(back!)).toEqual(event)
        const refused = yield* Effect.flip(
          log.append("large-1", 0, [received(large(foreignBytesMax), 1)]),
        )
        expect(refused._tag).toBe("EventTooLarge")
      }).pipe(
        Effect.provide(sqlite.layer({ file: join(folder, "log.db") })),
      ),
    )
    rmSync(folder, { recursive: true })
  })
})

describe("events of ours", () => {
  it("are ours again after the way over the wire", () => {
    const dice = seeded()
    for (let n = 0; n < rounds; n++) {
      const event: NewEvent = {
        id: uuid(dice),
        type: dice.text(),
        data: JSON.parse(JSON.stringify(json(dice))),
        metadata: ourMetadata(dice),
      }
      expect(received(sent(event), 0)).toEqual(event)
    }
  })
})
