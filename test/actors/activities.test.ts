/** The activities by themselves, over a real log, vault, actor system and outbox. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { simpleParser } from "mailparser"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { draftOutreach, textOf } from "../../actors/activities/draft-outreach.ts"
import { sendMail } from "../../actors/activities/send-mail.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import * as cadence from "../../actors/cadence.ts"
import * as contacts from "../../actors/contacts.ts"
import * as system from "../../actors/system.ts"
import { Vault } from "../../actors/vault.ts"
import * as log from "../../adapters/event-log-memory.ts"
import * as mailer from "../../adapters/mailer-folder.ts"
import * as readStore from "../../adapters/read-store-memory.ts"
import * as snapshots from "../../adapters/snapshot-store-memory.ts"
import * as vault from "../../adapters/vault-memory.ts"
import { agents, journals } from "../../machines/mod.ts"
import { settingsStream } from "../../machines/settings.ts"
import * as openAsks from "../../projections/open-asks.ts"
import { projections } from "../../projections/mod.ts"
import * as runner from "../../projections/runner.ts"

let root = ""
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "aios-activities-"))
})
afterAll(() => rm(root, { recursive: true }))

const person = "0123456789abcdef0123456789abcdef"
const how = { askId: "outreach-1/3.0", attempt: 1, clock: 0 }

/** A company of its own for every test. */
const company = () => {
  const outbox = join(root, String(Math.random()).slice(2), "outbox")
  const base = Layer.mergeAll(log.layer, vault.layer, readStore.layer, snapshots.layer)
  const queue = openAsks.layer.pipe(Layer.provideMerge(runner.layer(projections)))
  const layer = Layer.mergeAll(contacts.layer, mailer.layer(outbox)).pipe(
    Layer.provideMerge(system.layer({ agents, journals })),
    Layer.provideMerge(queue),
    Layer.provideMerge(base),
  )
  return { outbox, layer }
}
const run = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  where = company(),
): Promise<A> => {
  const provided = Effect.provide(effect, where.layer) as Effect.Effect<A, E>
  return Effect.runPromise(Effect.scoped(provided))
}

const mail = Effect.gen(function* () {
  const { seal } = yield* Vault
  return {
    person,
    intents: ["asksPrice"],
    contact: seal(person, { name: "Ada Weiss", address: "ada@lumen.example" }),
    subject: seal(person, "AW: Re: Sponsorship"),
    quotes: seal(person, ["how much would a sponsorship cost"]),
  }
})
const record = (event: { readonly [field: string]: string | ReadonlyArray<string> }) =>
  Effect.flatMap(
    ActorSystem,
    (actors) => actors.record(settingsStream, { type: "SettingsRecorded", ...event }),
  )
const founder = record({
  name: "Mara Lindqvist",
  addresses: ["mara@northlight.example"],
  signature: "Mara\nNorthlight",
  timeZone: "Europe/Berlin",
})

describe("draftOutreach", () => {
  it("answers by name, quotes what was asked, signs as the founder does", () =>
    run(Effect.gen(function* () {
      yield* founder
      expect(yield* draftOutreach.run(yield* mail, how)).toEqual({
        person,
        from: { name: "Mara Lindqvist", address: "mara@northlight.example" },
        to: { name: "Ada Weiss", address: "ada@lumen.example" },
        subject: "Re: Sponsorship",
        text: "Hello Ada Weiss,\n\nThank you for your mail. You wrote: “how much would a " +
          "sponsorship cost”\n\nTo name you one price and not a range: what exactly should it " +
          "cover?\n\nMara\nNorthlight\n",
        made: "template-1",
      })
    })))
  it("without settings it fails and names what is missing", () =>
    run(Effect.gen(function* () {
      const failure = yield* Effect.flip(draftOutreach.run(yield* mail, how))
      expect(failure).toMatchObject({ _tag: "MissingSettings", retryable: false })
      expect(failure.message).toContain("name, addresses")
      yield* record({ name: "Mara" })
      const less = yield* Effect.flip(draftOutreach.run(yield* mail, how))
      expect(less.message).toContain("Not known yet: addresses.")
    })))
  it("nothing is drafted for somebody whose key is gone", () =>
    run(Effect.gen(function* () {
      yield* founder
      const lost = { $sealed: [person, "gone", "AAAA", "AAAA"] }
      const failure = yield* Effect.flip(
        draftOutreach.run({ ...yield* mail, contact: lost }, how),
      )
      expect(failure._tag).toBe("PersonForgotten")
    })))
  it("input that does not fit is refused, not guessed at", () =>
    run(Effect.gen(function* () {
      const failure = yield* Effect.flip(draftOutreach.run({ person }, how))
      expect(failure).toMatchObject({ _tag: "MisfitActivity", retryable: false })
    })))
  it.each(["", "ada@lumen.example", "Weiss, Ada", "Lumen <sales>", "Agent 007"])(
    "a name like %j is not used in a greeting",
    (name) => expect(textOf({ name, intents: [], quotes: [] }, "Mara")).toMatch(/^Hello,\n/),
  )
  it("there are no placeholders, whatever is known", () => {
    const names = ["", "Ada"], quotes = [[], [""], ["a\r\nb"], ["long ".repeat(100)]]
    const intents = [[], ["accepts"], ["asksPrice", "namesDate", "namesBudget"], ["unheardOf"]]
    for (const name of names) {
      for (const quoted of quotes) {
        for (const meant of intents) {
          const text = textOf({ name, intents: meant, quotes: quoted }, "Mara")
          expect(text).not.toMatch(/undefined|null|[[\]{}<>]|\bTODO\b|“\s*”|\r| ,/)
          expect(text.length).toBeLessThan(600)
        }
      }
    }
  })
})

describe("sendMail", () => {
  const draft = Effect.gen(function* () {
    const { seal } = yield* Vault
    return {
      person,
      from: seal(person, { name: "Mara", address: "mara@northlight.example" }),
      to: seal(person, { name: "Ada Weiss", address: "ada@lumen.example" }),
      subject: seal(person, "Re: Sponsorship"),
      text: seal(person, "Hello"),
      inReplyTo: seal(person, "<1@lumen.example>"),
    }
  })
  const tellLead = (type: "LeadUnsubscribed" | "LeadBounced") =>
    Effect.flatMap(ActorSystem, (actors) =>
      actors.propose(`lead-${person}`, {
        type,
        person,
        record: "record-1",
        sentAt: 1,
        ...(type === "LeadUnsubscribed" ? { quotes: ["remove me"] } : {}),
      }))

  it("hands over exactly what it was given, once for each ask", async () => {
    const where = company()
    await run(
      Effect.gen(function* () {
        const input = yield* draft
        const first = yield* sendMail.run(input, how)
        expect(yield* sendMail.run(input, { ...how, attempt: 2 })).toEqual(first)
      }),
      where,
    )
    const files = await readdir(where.outbox)
    expect(files.length).toBe(1)
    const sent = await simpleParser(await readFile(join(where.outbox, files[0]!)))
    expect(sent.text).toBe("Hello\n")
    expect(sent.inReplyTo).toBe("<1@lumen.example>")
  })
  it.each(["LeadUnsubscribed", "LeadBounced"] as const)(
    "after %s nothing is sent",
    async (type) => {
      const where = company()
      await run(
        Effect.gen(function* () {
          yield* tellLead(type)
          const failure = yield* Effect.flip(sendMail.run(yield* draft, how))
          expect(failure).toMatchObject({ _tag: "NotPermitted", retryable: false })
        }),
        where,
      )
      expect(await readdir(where.outbox).catch(() => [])).toEqual([])
    },
  )
})

describe("the cadence in a running system", () => {
  const at = (text: string) => Date.parse(`${text}Z`)
  it("tells the coordinator what is due, once, however often it looks", () =>
    run(Effect.gen(function* () {
      yield* founder
      const actors = yield* ActorSystem
      const installed = Date.now()
      const daily = (yield* cadence.catchUp(installed + 40 * 86_400_000))
        .find(({ slot }) => slot === "daily")
      expect(daily?.missed).toBeGreaterThanOrEqual(39)
      const view = yield* actors.view(cadence.coordinatorStream)
      expect(view?.context).toMatchObject({ reached: { daily: daily?.date } })
      const again = yield* Effect.all(
        Array.from({ length: 4 }, () => cadence.catchUp(installed + 40 * 86_400_000)),
        { concurrency: "unbounded" },
      )
      expect(again).toEqual([[], [], [], []])
      const next = yield* cadence.catchUp(installed + 41 * 86_400_000)
      expect(next.map(({ slot, missed }) => [slot, missed])).toContainEqual(["daily", 0])
    })))
  it("a slot that two look at in the same moment happens once", () =>
    run(Effect.gen(function* () {
      yield* founder
      const now = Math.max(at("2027-01-01T12:00"), Date.now() + 40 * 86_400_000)
      const both = yield* Effect.all([cadence.catchUp(now), cadence.catchUp(now)], {
        concurrency: "unbounded",
      })
      const happened = both.flat().map(({ slot, date }) => `${slot} ${date}`)
      expect(new Set(happened).size).toBe(happened.length)
      expect(happened.length).toBeGreaterThan(0)
    })))
})
