/** Who hears of an imported record, and that doing it again changes nothing. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { ActorSystem } from "../../actors/actor-system.ts"
import { EventLog } from "../../actors/event-log.ts"
import { Intake, type ParsedRecord } from "../../actors/intake.ts"
import { Router } from "../../actors/router.ts"
import { bouncedAddresses } from "../../actors/routes-mail.ts"
import { currentSettings } from "../../actors/settings.ts"
import { setup } from "xstate"
import { derivedId } from "../../actors/ids.ts"
import { Vault } from "../../actors/vault.ts"
import { throughDoor } from "../log-over-door.ts"
import { defineAgent, isSealed } from "../../machines/agent.ts"
import { agents } from "../../machines/mod.ts"
import { LeadWrote } from "../../machines/lead.ts"
import { settingsStream } from "../../machines/settings.ts"
import { seeded } from "../seeded.ts"
import {
  aMail,
  aPerson,
  company,
  everything,
  leadOf,
  type Marks,
  sampleRecords,
} from "./company.ts"

const founder = Effect.flatMap(ActorSystem, (actors) =>
  actors.record(settingsStream, {
    type: "SettingsRecorded",
    addresses: ["mara@northlight.example"],
  }))
const bring = (batch: ReadonlyArray<ParsedRecord>) =>
  Effect.gen(function* () {
    yield* (yield* Intake).accept(batch)
    return yield* (yield* Router).routeUpTo()
  })
/** Types of the events of a lead that the router told, in order. */
const heard = (address: string) =>
  Effect.gen(function* () {
    const events = yield* (yield* EventLog).readPage(yield* leadOf(address))
    return events.map((event) => event.type).filter((type) => /^Lead/.test(type))
  })
const leads = Effect.gen(function* () {
  return yield* (yield* EventLog).streams("lead")
})
/** What import and routing wrote; agents may still be telling each other. */
const brought = Effect.map(
  everything,
  (events) =>
    events.filter(({ metadata }) => metadata.actor === "importer" || metadata.actor === "router"),
)
const mara = { name: "Mara", address: "mara@northlight.example" }
const bob = { name: "Bob", address: "bob@b.example" }

/** A lead that takes one mail and no more. */
const refusing = defineAgent({
  name: "lead",
  version: 1,
  events: [LeadWrote],
  machine: setup({}).createMachine({
    id: "lead",
    initial: "open",
    states: { open: { on: { LeadWrote: "closed" } }, closed: {} },
  }),
})

describe("the router", () => {
  it.live("tells the leads of the sample company, and nobody else", () =>
    Effect.gen(function* () {
      yield* founder
      const routed = yield* bring(yield* sampleRecords)
      expect(routed).toMatchObject({ refused: 0, proposed: [] })
      expect(yield* heard("jonas.weber@hafenwerk.example")).toEqual([
        "LeadListed",
        "LeadWrote",
        "LeadAnswered",
        "LeadWrote",
      ])
      expect(yield* heard("greta.olsen@kystlinje.example")).toEqual(["LeadUnsubscribed"])
      expect(yield* heard("orla@byrne-garden.example")).toEqual([
        "LeadListed",
        "LeadAnswered",
        "LeadBounced",
      ])
      expect(yield* heard("sofia@almeida-ceramics.example")).toEqual(["LeadListed", "LeadWrote"])
      const nobodies = [
        "mara@northlight.example",
        "letter@typeweekly.example",
        "claim@winner-office.example",
      ]
      nobodies.push("noreply@terminbuch.example", "mailer-daemon@mx.relay.example")
      for (const address of nobodies) expect(yield* heard(address), address).toEqual([])
      const actors = yield* ActorSystem
      const state = (address: string) =>
        Effect.flatMap(leadOf(address), (lead) =>
          Effect.map(actors.view(lead), (view) => view?.value))
      expect(yield* state("jonas.weber@hafenwerk.example")).toBe("hot")
      expect(yield* state("greta.olsen@kystlinje.example")).toBe("unsubscribed")
      expect(yield* state("orla@byrne-garden.example")).toBe("unreachable")
      expect(yield* state("viktor@sandpartners.example")).toBe("new")
    }).pipe(Effect.provide(company())))

  it.live("tells what a mail is about without the marks of answers, and what it is written in", () =>
    Effect.gen(function* () {
      yield* founder
      const text = "Guten Tag, was kostet eine Website bei Ihnen?"
      yield* bring([aMail({ subject: "AW: Re: Unsere Website", text })])
      const lead = yield* leadOf("ada@client.example")
      const { subject, signals } = yield* (yield* EventLog).readPage(lead).pipe(
        Effect.map(([event]) => event!.data as unknown as typeof LeadWrote.Type),
      )
      expect(isSealed(subject) ? (yield* Vault).open(subject) : subject).toBe("Unsere Website")
      expect(signals.language).toBe("de")
    }).pipe(Effect.provide(company())))

  it.live("changes nothing when it runs again or loses its checkpoint", () => {
    const marks: Marks = { mark: undefined }
    return Effect.gen(function* () {
      yield* founder
      const records = yield* sampleRecords
      yield* bring(records)
      const before = yield* brought
      const again = Effect.gen(function* () {
        const routed = yield* bring(records)
        expect(routed).toMatchObject({ told: 0, refused: 0 })
        expect(yield* brought).toEqual(before)
      })
      yield* again
      marks.mark = undefined
      yield* again
      marks.mark = { position: 3, id: "of another log" }
      yield* again
    }).pipe(Effect.provide(company(marks)))
  })

  it.live("tells in the order things happened, whatever the order of the import", () =>
    Effect.gen(function* () {
      yield* founder
      const dice = seeded()
      const mails = Array.from({ length: 40 }, (_, n) =>
        aMail({
          from: { name: "", address: `p${n % 3}@c.example` },
          sentAt: Date.UTC(2021, 0, 1) + n * 3_600_000,
        }))
      const shuffled = mails.map((one) => ({ one, at: dice.below(1_000_000) }))
        .sort((a, b) => a.at - b.at).map(({ one }) => one)
      yield* bring(shuffled)
      for (const n of [0, 1, 2]) {
        const events = yield* (yield* EventLog).readPage(yield* leadOf(`p${n}@c.example`))
        const times = events.filter((event) => event.type === "LeadWrote")
          .map((event) => event.metadata.occurredAt)
        expect(times).toEqual([...times].sort())
        expect(times.length).toBeGreaterThan(10)
      }
    }).pipe(Effect.provide(company())))

  it.live("does not let a list without dates make old mail look new", () =>
    Effect.gen(function* () {
      yield* founder
      yield* bring([aPerson()])
      yield* bring([aMail({ sentAt: Date.UTC(2021, 2, 1) })])
      const view = yield* (yield* ActorSystem).view(yield* leadOf("ada@client.example"))
      expect(view?.clock).toBeLessThan(Date.UTC(2022, 0))
    }).pipe(Effect.provide(company())))

  it.live("finds the founder's own addresses, so that the founder is no lead", () =>
    Effect.gen(function* () {
      const delivered = { deliveredTo: [mara.address] }
      const routed = yield* bring([
        ...Array.from(
          { length: 6 },
          (_, n) => aMail({ ...delivered, from: { name: "", address: `p${n}@c.example` } }),
        ),
        aMail({ from: mara, to: [bob] }),
        aMail({ deliveredTo: ["list@lists.example"] }),
      ])
      expect(routed.proposed).toEqual([mara.address])
      expect((yield* currentSettings).proposedAddresses).toEqual([mara.address])
      expect(yield* leads).not.toContain(yield* leadOf(mara.address))
      expect(yield* leads).toHaveLength(7)
    }).pipe(Effect.provide(company())))

  it.live("proposes nothing where no address clearly wins", () =>
    Effect.gen(function* () {
      const routed = yield* bring(
        ["a", "b", "c", "d"].map((name) => aMail({ deliveredTo: [`${name}@x.example`] })),
      )
      expect(routed.proposed).toEqual([])
    }).pipe(Effect.provide(company())))

  it.live("never acts upon spam, trash, drafts, lists, automatic mail or mail to oneself", () =>
    Effect.gen(function* () {
      yield* founder
      const routed = yield* bring([
        aMail({ labels: ["Spam"] }),
        aMail({ labels: ["Papierkorb"] }),
        aMail({ labels: ["Drafts"], from: mara, to: [bob] }),
        aMail({ kind: "list" }),
        aMail({ kind: "automatic" }),
        aMail({ from: mara, to: [mara] }),
        aMail({ from: { name: "", address: "" } }),
      ])
      expect(routed).toMatchObject({ records: 7, told: 0, refused: 0 })
      expect(yield* leads).toEqual([])
    }).pipe(Effect.provide(company())))

  it.live("records a refusal once, and does not ask again", () => {
    const marks: Marks = { mark: undefined }
    return Effect.gen(function* () {
      yield* founder
      yield* bring([aMail({ sentAt: Date.UTC(2026, 0, 1), subject: "first" })])
      const [mail] = (yield* everything).filter((event) => event.type === "MailReceived")
      const to = yield* leadOf("ada@client.example")
      const refused = {
        type: "TellRefused",
        to,
        refused: "LeadWrote",
        state: "warm",
        reason: "a test",
      }
      const route = derivedId(`route:${mail!.id}:${to}:LeadWrote`)
      const how = { id: derivedId(`refused:${route}`), actor: "router" }
      const actors = yield* ActorSystem
      yield* actors.record(mail!.stream, refused, how)
      const before = yield* brought
      marks.mark = undefined
      expect(yield* (yield* Router).routeUpTo()).toMatchObject({ records: 1, told: 0, refused: 0 })
      expect(yield* brought).toEqual(before)
    }).pipe(Effect.provide(company(marks)))
  })

  it.live("records what the chart does not take in the record's stream", () => {
    const marks: Marks = { mark: undefined }
    return Effect.gen(function* () {
      yield* founder
      expect(yield* bring([aMail(), aMail()])).toMatchObject({ records: 2, told: 3, refused: 1 })
      const written = yield* brought
      const refusals = written.filter((event) => event.type === "TellRefused")
      expect(refusals).toMatchObject([{ data: { refused: "LeadWrote", state: "closed" } }])
      expect(refusals[0]?.stream).toMatch(/^record-/)
      marks.mark = undefined
      expect(yield* (yield* Router).routeUpTo()).toMatchObject({ told: 0, refused: 0 })
      expect(yield* brought).toEqual(written)
    }).pipe(
      Effect.provide(company(marks, [refusing, ...agents.filter(({ name }) => name !== "lead")])),
    )
  })

  it.live("follows what comes", () =>
    Effect.gen(function* () {
      yield* founder
      const fiber = yield* Effect.forkChild((yield* Router).run)
      yield* (yield* Intake).accept([aMail()])
      const lead = yield* leadOf("ada@client.example")
      const actors = yield* ActorSystem
      while ((yield* actors.view(lead)) === undefined) yield* Effect.sleep(10)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(company())), 20_000)

  it.live.skipIf(throughDoor)(
    "routes 10,000 mails of 2021 in bounded time",
    () =>
      Effect.gen(function* () {
        yield* founder
        const mails = Array.from({ length: 10_000 }, (_, n) =>
          aMail({
            from: { name: `P ${n}`, address: `p${n % 2_000}@c.example` },
            text: "What would a website cost? We have a budget of 5,000 EUR.",
            sentAt: Date.UTC(2021, 0, 1) + n * 600_000,
          }))
        const started = performance.now()
        yield* (yield* Intake).accept(mails)
        const taken = performance.now()
        const routed = yield* (yield* Router).routeUpTo()
        const done = performance.now()
        console.info(
          `10,000 mails: taken in ${Math.round(taken - started)} ms, routed ${
            Math.round(done - taken)
          } ms`,
        )
        expect(routed).toMatchObject({ records: 10_000, told: 20_000, refused: 0 })
        expect(done - started).toBeLessThan(60_000)
      }).pipe(Effect.provide(company())),
    120_000,
  )
})

const report = (address: string, action: string, status: string) =>
  `Your message could not be delivered.\n\nReporting-MTA: dns; mx.x.example\n\n` +
  `Final-Recipient: rfc822; ${address}\nAction: ${action}\nStatus: ${status}\n`

describe("a delivery report", () => {
  it("names who cannot be reached for good", () => {
    expect(bouncedAddresses(report("A@b.example", "failed", "5.1.1"))).toEqual(["a@b.example"])
    expect(bouncedAddresses(report("a@b.example", "delayed", "4.4.1"))).toEqual([])
    expect(bouncedAddresses(report("a@b.example", "failed", "4.2.2"))).toEqual([])
    expect(bouncedAddresses("X-Failed-Recipients: a@b.example, c@d.example")).toHaveLength(2)
    expect(bouncedAddresses("I could not reach a@b.example")).toEqual([])
  })
})
