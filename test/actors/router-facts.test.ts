/** What the router makes of invoices, payments, notes, messages and conversations. */
import { describe, expect, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { ActorSystem } from "../../actors/actor-system.ts"
import { EventLog } from "../../actors/event-log.ts"
import { Intake, type ParsedRecord } from "../../actors/intake.ts"
import { Router } from "../../actors/router.ts"
import { covers } from "../../actors/routes-facts.ts"
import { Vault } from "../../actors/vault.ts"
import { settingsStream } from "../../machines/settings.ts"
import { aMail, aPerson, company, type Marks } from "./company.ts"

const day = 24 * 60 * 60 * 1000
const source = { file: "stripe.json", at: "line 1" }
const marco = { name: "Marco", address: "marco@calzature.example" }
const mara = { name: "Mara", address: "mara@northlight.example" }

const founder = Effect.flatMap(ActorSystem, (actors) =>
  actors.record(settingsStream, {
    type: "SettingsRecorded",
    addresses: [mara.address],
    timeZone: "Europe/Berlin",
  }))
const bring = (batch: ReadonlyArray<ParsedRecord>) =>
  Effect.gen(function* () {
    yield* (yield* Intake).accept(batch)
    const routed = yield* (yield* Router).routeUpTo()
    yield* (yield* ActorSystem).settle(2_000)
    return routed
  })
const invoice = (fields: object = {}): ParsedRecord => ({
  record: "invoice",
  system: "stripe",
  id: "in_1",
  number: "1042",
  status: "open",
  customer: { ...marco, id: "cus_1" },
  total: { minor: 8900, currency: "EUR" },
  paid: { minor: 0, currency: "EUR" },
  lines: [],
  more: 0,
  source,
  ...fields,
})
const charge = (fields: object = {}): ParsedRecord => ({
  record: "payment",
  system: "stripe",
  id: "ch_1",
  kind: "charge",
  status: "succeeded",
  amount: { minor: 8900, currency: "EUR" },
  invoice: "in_1",
  customer: { ...marco, id: "cus_1" },
  description: "",
  source,
  ...fields,
})
const note = (file: string, fields: object = {}): ParsedRecord => ({
  record: "note",
  kind: "note",
  topic: "newsletter-47",
  title: file,
  text: "",
  tags: [],
  matter: { newsletter: 47 },
  source: { file, at: "line 1" },
  ...fields,
})

/** The only actor of an agent, as it is now. */
const only = (agent: string) =>
  Effect.gen(function* () {
    const [stream = "", ...others] = yield* (yield* EventLog).streams(agent)
    expect(others).toEqual([])
    return yield* (yield* ActorSystem).view(stream)
  })
const typesOf = (stream: string) =>
  Effect.gen(function* () {
    return (yield* (yield* EventLog).readPage(stream)).map(({ type }) => type)
  })
const analystOf = (address: string) =>
  Effect.map(Vault, (vault) => `analyst-${vault.personKey(address)}`)

describe("a person who is listed as wanting no mail", () => {
  it.live("is a lead that has unsubscribed, whatever they wrote before", () =>
    Effect.gen(function* () {
      yield* founder
      yield* bring([aPerson({ address: marco.address, optedOut: true })])
      const view = yield* only("lead")
      expect(yield* typesOf(view!.stream)).toEqual(["LeadListed", "LeadUnsubscribed"])
      expect(JSON.stringify(view?.value)).toContain("unsubscribed")
    }).pipe(Effect.provide(company())))
})

describe("an invoice that is imported", () => {
  it.live("and 31 days late is to be reminded of today", () =>
    Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      yield* bring([invoice({ issuedAt: now - 61 * day, dueAt: now - 31 * day })])
      expect((yield* only("invoice"))?.value).toMatchObject({
        standing: { open: { overdue: "reminderAsked" } },
      })
    }).pipe(Effect.provide(company())))

  it.live("and due in 2010 is history", () =>
    Effect.gen(function* () {
      yield* founder
      yield* bring([invoice({ issuedAt: Date.UTC(2010, 0), dueAt: Date.UTC(2010, 1) })])
      const view = yield* only("invoice")
      expect(view?.value).toMatchObject({ standing: { open: { overdue: "dormant" } } })
      expect(yield* typesOf(view!.stream)).toEqual(["InvoiceIssued"])
    }).pipe(Effect.provide(company())))

  it.live("together with its payment is never overdue in between, in whatever order", () =>
    Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      yield* bring([
        charge({ paidAt: now - 40 * day }),
        invoice({ issuedAt: now - 90 * day, dueAt: now - 60 * day }),
      ])
      const view = yield* only("invoice")
      expect(view?.value).toMatchObject({ standing: "paid" })
      expect(yield* typesOf(view!.stream)).toEqual(["InvoiceIssued", "PaymentReceived"])
    }).pipe(Effect.provide(company())))

  it.live("twice, as object and as event, changes nothing", () => {
    const marks: Marks = { mark: undefined }
    return Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      const records = [
        invoice({ issuedAt: now - 5 * day, at: now - 5 * day }),
        invoice({
          issuedAt: now - 5 * day,
          status: "paid",
          paid: { minor: 8900, currency: "EUR" },
        }),
        charge({ paidAt: now - 4 * day }),
        charge({ paidAt: now - 4 * day, source: { file: "events.jsonl", at: "line 9" } }),
      ]
      yield* bring(records)
      const before = yield* only("invoice")
      expect(before?.value).toMatchObject({ standing: "paid" })
      yield* bring(records)
      marks.mark = undefined
      expect(yield* bring(records)).toMatchObject({ told: 0, refused: 0 })
      expect(yield* only("invoice")).toEqual(before)
    }).pipe(Effect.provide(company(marks)))
  })

  it.live("as a credit note cancels the one it names", () =>
    Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      const total = { minor: -8900, currency: "EUR" }
      yield* bring([
        invoice({ issuedAt: now - 5 * day }),
        invoice({ id: "in_2", number: "C1", cancels: "in_1", total, issuedAt: now - 4 * day }),
      ])
      expect((yield* only("invoice"))?.value).toMatchObject({ standing: "cancelled" })
    }).pipe(Effect.provide(company())))

  it.live("and disputed with the bank rests until that is won", () =>
    Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      const dispute = { id: "dp_1", kind: "dispute", of: "ch_1" }
      yield* bring([
        invoice({ issuedAt: now - 9 * day }),
        charge({ paidAt: now - 8 * day }),
        charge({ ...dispute, status: "open", paidAt: now - 7 * day }),
      ])
      expect((yield* only("invoice"))?.value).toMatchObject({ standing: "disputed" })
      yield* bring([charge({ ...dispute, status: "won", paidAt: now - 2 * day })])
      expect((yield* only("invoice"))?.value).toMatchObject({ standing: "paid" })
    }).pipe(Effect.provide(company())))
})

describe("an invoice without a due date", () => {
  const issuedAt = Date.UTC(2026, 9, 1, 21, 13)
  const dueOf = (fields: object) =>
    Effect.gen(function* () {
      yield* founder
      yield* bring([invoice({ issuedAt, ...fields })])
      const { books } = (yield* only("invoice"))!.context as unknown as {
        books: { dueAt: number; isDueAssumed: boolean }
      }
      return { dueAt: new Date(books.dueAt).toISOString(), isAssumed: books.isDueAssumed }
    })
  it.live("is due fourteen days later, at the end of the founder's day, and says so", () =>
    Effect.gen(function* () {
      expect(yield* dueOf({})).toEqual({ dueAt: "2026-10-15T21:59:59.999Z", isAssumed: true })
    }).pipe(Effect.provide(company())))
  it.live("that is collected automatically is due on the day it is issued", () =>
    Effect.gen(function* () {
      expect(yield* dueOf({ dueOnIssue: true })).toEqual({
        dueAt: "2026-10-01T21:59:59.999Z",
        isAssumed: true,
      })
    }).pipe(Effect.provide(company())))
})

describe("a refund that names its charge only", () => {
  /** As `refunds.json` of a payment system has it: nobody's, and of no invoice. */
  const { invoice: _, ...unnamed } = charge() as ParsedRecord & { readonly invoice?: string }
  const refund = (fields: object = {}): ParsedRecord => ({
    ...unnamed as ParsedRecord,
    id: "re_1",
    kind: "refund",
    of: "ch_1",
    customer: { id: "", name: "", address: "" },
    ...fields,
  } as ParsedRecord)
  const standing = Effect.map(only("invoice"), (view) => view?.value)
  const refundRecord = Effect.gen(function* () {
    const log = yield* EventLog
    for (const stream of yield* log.streams("record")) {
      const [first] = yield* log.readPage(stream)
      if (first?.type === "PaymentRecorded" && JSON.stringify(first.data).includes("re_1")) {
        return first.data
      }
    }
    return undefined
  })

  it.live("in the same import settles its invoice, in whatever order, as its customer's", () =>
    Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      yield* bring([
        refund({ paidAt: now - 2 * day }),
        charge({ paidAt: now - 8 * day }),
        invoice({ issuedAt: now - 9 * day }),
      ])
      expect(yield* standing).toMatchObject({ standing: "refunded" })
      const person = (yield* Vault).personKey(marco.address)
      expect(yield* refundRecord).toMatchObject({ person })
    }).pipe(Effect.provide(company())))

  it.live("in a later import settles the charge that was too much, and again adds nothing", () =>
    Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      yield* bring([
        invoice({ issuedAt: now - 9 * day }),
        charge({ paidAt: now - 8 * day }),
        charge({ id: "ch_2", paidAt: now - 8 * day + 40_000 }),
      ])
      expect(yield* standing).toMatchObject({ standing: { overpaid: "refundAsked" } })
      const later = [refund({ of: "ch_2", paidAt: now - day })]
      yield* bring(later)
      expect(yield* standing).toMatchObject({ standing: "paid" })
      expect(yield* (yield* Intake).accept(later)).toMatchObject({ imported: 0, duplicates: 1 })
    }).pipe(Effect.provide(company())))

  it.live("waits for a charge that is imported later", () =>
    Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      const early = [
        refund({ status: "pending", paidAt: now - 3 * day }),
        refund({ paidAt: now - 2 * day }),
      ]
      yield* bring(early)
      expect(yield* (yield* EventLog).streams("invoice")).toEqual([])
      yield* bring([invoice({ issuedAt: now - 9 * day }), charge({ paidAt: now - 8 * day })])
      expect(yield* standing).toMatchObject({ standing: "refunded" })
      expect(yield* (yield* Intake).accept(early)).toMatchObject({ imported: 0, duplicates: 2 })
      const { stream } = (yield* only("invoice"))!
      expect((yield* typesOf(stream)).filter((type) => type === "PaymentRefunded")).toHaveLength(1)
    }).pipe(Effect.provide(company())))

  it.live("and so does a dispute", () =>
    Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      const dispute = { id: "dp_1", kind: "dispute", status: "open" }
      yield* bring([refund({ ...dispute, paidAt: now - 3 * day })])
      yield* bring([invoice({ issuedAt: now - 9 * day }), charge({ paidAt: now - 8 * day })])
      expect(yield* standing).toMatchObject({ standing: "disputed" })
    }).pipe(Effect.provide(company())))
})

describe("a conversation", () => {
  it.live("knows the invoice that was charged twice", () =>
    Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      yield* bring([
        aMail({
          from: marco,
          subject: "Charged twice",
          text: "Invoice 1042 was charged twice! This is unacceptable!!",
          sentAt: now - 2 * day,
        }),
        invoice({
          issuedAt: now - 9 * day,
          status: "paid",
          paid: { minor: 8900, currency: "EUR" },
        }),
        charge({ paidAt: now - 9 * day }),
        charge({ id: "ch_2", paidAt: now - 9 * day + 40_000 }),
      ])
      expect((yield* only("invoice"))?.value).toMatchObject({
        standing: { overpaid: "refundAsked" },
      })
      const view = yield* (yield* ActorSystem).view(yield* analystOf(marco.address))
      expect(view?.value).toMatchObject({ turn: { ours: "waiting" }, weighing: "weighing" })
      expect(view?.context).toMatchObject({
        latest: { invoices: ["1042"] },
        invoices: [{ number: "1042", standing: "overpaid", overpaid: [{ payment: "ch_2" }] }],
      })
    }).pipe(Effect.provide(company())))

  it.live("hears of the founder's own promise, in the founder's zone", () =>
    Effect.gen(function* () {
      yield* founder
      const sentAt = Math.floor((yield* Clock.currentTimeMillis) / 1000) * 1000 - 60_000
      yield* bring([
        aMail({ from: mara, to: [marco], text: "I will send it tomorrow at 12:00.", sentAt }),
      ])
      const view = yield* (yield* ActorSystem).view(yield* analystOf(marco.address))
      expect(view?.context).toMatchObject({ pending: [{ by: "founder" }] })
      const { pending } = view!.context as unknown as { pending: ReadonlyArray<{ dueAt: number }> }
      const text = new Intl.DateTimeFormat("en-GB", {
        timeZone: "Europe/Berlin",
        timeStyle: "short",
      }).format(pending[0]!.dueAt)
      expect(text).toBe("12:00")
    }).pipe(Effect.provide(company())))

  it.live("of years ago is told once and sets no timer", () =>
    Effect.gen(function* () {
      yield* founder
      yield* bring([aMail({ sentAt: Date.UTC(2021, 3, 1), text: "Please send it by Friday?" })])
      const stream = yield* analystOf("ada@client.example")
      expect(yield* typesOf(stream)).toEqual(["MailRead"])
      expect((yield* (yield* ActorSystem).view(stream))?.value).toEqual({
        turn: { ours: "lapsed" },
        reading: "unread",
        weighing: "idle",
        commitments: "none",
      })
    }).pipe(Effect.provide(company())))

  it.live("ends where the person unsubscribes", () =>
    Effect.gen(function* () {
      yield* founder
      yield* bring([aMail({ text: "Please remove me from your mailing list." })])
      const view = yield* (yield* ActorSystem).view(yield* analystOf("ada@client.example"))
      expect(view?.value).toMatchObject({ turn: "closed" })
    }).pipe(Effect.provide(company())))

  it.live("is not taken in by an address that looks like a known one", () =>
    Effect.gen(function* () {
      yield* founder
      const now = yield* Clock.currentTimeMillis
      yield* bring([
        aMail({ from: { name: "Jo", address: "jo@druckhaus.example" }, sentAt: now - day }),
      ])
      const text =
        "Please pay 1,480 EUR to our new account by tomorrow. What does it cost? Let's go ahead."
      // In an import of its own: what was known before counts.
      yield* bring([
        aMail({ from: { name: "Jo", address: "jo@druckhaas.example" }, text, sentAt: now }),
      ])
      const actors = yield* ActorSystem
      const view = yield* actors.view(yield* analystOf("jo@druckhaas.example"))
      expect(view?.value).toEqual({
        turn: "quiet",
        reading: "unread",
        weighing: "idle",
        commitments: "none",
      })
      expect(view?.context).toMatchObject({
        mails: [{ findings: { suspicions: ["lookalikeAddress"], warmth: 0 } }],
      })
    }).pipe(Effect.provide(company())))
})

describe("a message of a network", () => {
  it.live("warms its lead and cannot be answered by mail", () =>
    Effect.gen(function* () {
      yield* founder
      const message = (folder: string): ParsedRecord => ({
        record: "message",
        network: "linkedin",
        conversation: "c1",
        from: { name: "Noor", url: "https://linkedin.example/in/noor" },
        to: [{ name: "Mara", url: "https://linkedin.example/in/mara" }],
        subject: "",
        text: "What would a website cost? We have a budget of 9,000 EUR.",
        sentAt: Date.UTC(2026, 10, 20),
        folder,
        source,
      })
      expect(yield* bring([message("INBOX")])).toMatchObject({ told: 1, refused: 0 })
      const [lead = ""] = yield* (yield* EventLog).streams("lead")
      const [first] = yield* (yield* EventLog).readPage(lead)
      expect(first?.data).toMatchObject({
        channel: "linkedin",
        amounts: [{ minor: 900_000, currency: "EUR" }],
      })
      expect(yield* bring([message("SENT")])).toMatchObject({ told: 0 })
    }).pipe(Effect.provide(company())))
})

describe("notes", () => {
  it.live("of one topic make an article, and a draft says which it covers", () =>
    Effect.gen(function* () {
      yield* founder
      yield* bring([
        note("draft.md", {
          kind: "draft",
          title: "Letter 47",
          text: "## Opening hours on holidays\n\nPut them right. Photographs expire on the map.",
          writtenAt: Date.UTC(2026, 10, 1),
        }),
        note("hours.md", { title: "Opening hours on holidays", writtenAt: Date.UTC(2026, 10, 2) }),
        note("map.md", {
          title: "Photographs on the map expire",
          writtenAt: Date.UTC(2026, 10, 3),
        }),
        note("pricing.md", { title: "What a website costs", tags: ["pricing"] }),
      ])
      const view = yield* only("article")
      const { draft, notes } = view!.context as unknown as {
        draft: { covers: ReadonlyArray<string> }
        notes: ReadonlyArray<{ record: string }>
      }
      expect(notes).toHaveLength(3)
      expect(draft.covers).toHaveLength(2)
      expect(view?.value).toMatchObject({ text: "writing" })
    }).pipe(Effect.provide(company())))

  it.live("that belong to nothing are only records", () =>
    Effect.gen(function* () {
      yield* founder
      expect(yield* bring([note("idea.md", { topic: "idea", matter: {} })])).toMatchObject({
        told: 0,
      })
    }).pipe(Effect.provide(company())))

  it.live("that are written anew replace themselves", () =>
    Effect.gen(function* () {
      yield* founder
      yield* bring([note("a.md", { text: "one" }), note("b.md")])
      yield* bring([note("a.md", { text: "two" })])
      expect((yield* only("article"))?.context).toMatchObject({ notes: { length: 2 } })
    }).pipe(Effect.provide(company())))

  it("are covered by what a draft says, not by common words", () => {
    const text =
      "A pasta maker had three Sundays online. Put your opening hours right before the holidays."
    expect(covers(text, { title: "Opening hours on holidays", tags: [] })).toBe(true)
    expect(covers(text, { title: "What a website costs", tags: ["pricing"] })).toBe(false)
    expect(covers(text, { title: "Notes", tags: ["pasta"] })).toBe(false)
    expect(covers("Nothing on it", { title: "", tags: [] })).toBe(false)
  })
})
