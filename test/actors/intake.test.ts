/** Taking records in: once each, sealed, in whatever order the files come. */
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { BlobStore, inlineBytesMax } from "../../actors/blob-store.ts"
import { DiskSpace } from "../../actors/disk-space.ts"
import { eventOf } from "../../actors/event-log.ts"
import {
  Intake,
  type ParsedInvoice,
  type ParsedMeeting,
  type ParsedMessage,
  type ParsedNote,
  type ParsedPayment,
  type ParsedRecord,
} from "../../actors/intake.ts"
import { stripeCustomerUrl } from "../../actors/intake-events.ts"
import { Vault } from "../../actors/vault.ts"
import { Blob, MailReceived } from "../../machines/record.ts"
import { seeded } from "../seeded.ts"
import { aMail, aPerson, company, everything, sampleRecords } from "./company.ts"

const { type: _, ...fields } = MailReceived.fields
const decodeMail = Schema.decodeUnknownSync(Schema.Struct(fields))
const accept = (batch: ReadonlyArray<ParsedRecord>) =>
  Effect.flatMap(Intake, (intake) => intake.accept(batch))
const streams = Effect.map(
  everything,
  (events) =>
    events.filter((event) => event.stream.startsWith("record-")).map((event) => event.stream),
)
const mailsIn = Effect.map(
  everything,
  (events) =>
    events.filter((event) => event.type === "MailReceived").map((event) => ({
      event,
      data: decodeMail(event.data),
    })),
)

describe("importing", () => {
  it.live("twice adds nothing, and nothing personal is in the log in plain", () =>
    Effect.gen(function* () {
      const records = yield* sampleRecords
      expect(yield* accept(records)).toMatchObject({ imported: 97, duplicates: 1, faults: [] })
      const before = yield* everything
      expect(yield* accept(records)).toMatchObject({ imported: 0, duplicates: 98, faults: [] })
      expect(yield* everything).toEqual(before)
      expect(JSON.stringify(before)).not.toMatch(/jonas|hafenwerk\.example|budget|almeida/i)
    }).pipe(Effect.provide(company())))

  it.live(
    "in any order, in batches of any size, gives the same set of records",
    () =>
      Effect.gen(function* () {
        const dice = seeded()
        const records = yield* sampleRecords
        yield* accept(records)
        const sorted = Effect.map(streams, (all) => all.toSorted())
        const once = yield* sorted
        for (let round = 0; round < 5; round++) {
          const shuffled = records.map((one) => ({ one, at: dice.below(1_000_000) }))
            .sort((a, b) => a.at - b.at).map(({ one }) => one)
          // The ids of people hang on the installation's secret: another one knows the same mails.
          const mails = shuffled.filter((one) => one.record === "mail")
          const elsewhere = yield* Effect.promise(() =>
            Effect.gen(function* () {
              for (let at = 0; at < mails.length;) {
                const size = 1 + dice.below(10)
                yield* accept(mails.slice(at, at + size))
                at += size
              }
              return yield* streams
            }).pipe(Effect.provide(company()), Effect.runPromise)
          )
          expect(elsewhere).toHaveLength(76)
          expect(elsewhere.every((stream) => once.includes(stream))).toBe(true)
          yield* accept(shuffled)
          expect(yield* sorted).toEqual(once)
        }
      }).pipe(Effect.provide(company())),
    60_000,
  )

  it.live("keeps a mail of the same Message-ID and other content, marked", () =>
    Effect.gen(function* () {
      const first = aMail({ messageId: "<same@a.example>", digest: "a".repeat(64) })
      const second = { ...first, digest: "b".repeat(64), text: "Other." }
      const third = { ...first, digest: "c".repeat(64), text: "Third." }
      expect(yield* accept([first, second, first])).toMatchObject({ imported: 2, duplicates: 1 })
      expect(yield* accept([third, second])).toMatchObject({ imported: 1, duplicates: 1 })
      const mails = yield* mailsIn
      const stream = mails[0]!.event.stream
      expect(mails.map(({ data }) => data.variantOf)).toEqual([undefined, stream, stream])
      expect(new Set(mails.map(({ event }) => event.id)).size).toBe(3)
    }).pipe(Effect.provide(company())))

  it.live("files large text and every attachment as blobs of the person", () =>
    Effect.gen(function* () {
      const content = new TextEncoder().encode("PDF")
      const text = "ä".repeat(inlineBytesMax)
      const attachments = [{ name: "Angebot.pdf", mediaType: "application/pdf", content }]
      yield* accept([aMail({ text, attachments }), aMail({ text: "x".repeat(inlineBytesMax) })])
      const [{ data }, small] = [(yield* mailsIn)[0]!, (yield* mailsIn)[1]!]
      const blobs = yield* BlobStore
      const key = (yield* Vault).personKey("ada@client.example")
      expect(data.person).toBe(key)
      expect(data.textBlob?.subject).toBe(key)
      expect(new TextDecoder().decode(yield* blobs.get(data.textBlob!))).toBe(text)
      expect(data.attachments.map((one) => one.mediaType)).toEqual(["application/pdf"])
      expect(yield* blobs.get(data.attachments[0]!.blob)).toEqual(content)
      expect(small.data.textBlob).toBeUndefined()
    }).pipe(Effect.provide(company())))

  it.live("corrects dates that cannot be and says so", () =>
    Effect.gen(function* () {
      const now = Date.now()
      const taken = yield* accept([
        aMail({ sentAt: now + 10 * 24 * 3600_000 }),
        aMail({ sentAt: -5 }),
        aMail({ sentAt: now + 3600_000 }),
      ])
      expect(taken.notes.map((one) => one.reason)).toEqual([
        expect.stringContaining("future"),
        expect.stringContaining("no usable date"),
      ])
      for (const { data, event } of (yield* mailsIn).slice(0, 2)) {
        expect(Math.abs(data.sentAt - now)).toBeLessThan(60_000)
        expect(event.metadata.occurredAt).toBeUndefined()
      }
    }).pipe(Effect.provide(company())))

  it.live("seals a mail under the other side, also the founder's own", () =>
    Effect.gen(function* () {
      const { personKey } = yield* Vault
      const mara = { name: "Mara", address: "mara@northlight.example" }
      const bob = { name: "Bob", address: "Bob@b.example" }
      const sent = { from: mara, to: [mara, bob], labels: ["Sent"] }
      yield* accept([aMail(sent), aMail({ from: mara, to: [mara], labels: ["Sent"] })])
      yield* accept([aMail({ from: mara, to: [bob] }), aMail({ from: { name: "", address: "" } })])
      const people = (yield* mailsIn).map(({ data }) => data.person)
      expect(people.slice(0, 2)).toEqual([personKey("bob@b.example"), personKey(mara.address)])
      expect(people[3]).toMatch(/^[0-9a-f]{32}$/)
    }).pipe(Effect.provide(company())))

  it.live("knows a person without address by profile, else by name and company", () =>
    Effect.gen(function* () {
      const bare = { address: "" }
      const rows = [
        aPerson({ ...bare, url: "https://www.l.example/in/ada/" }),
        aPerson({ ...bare, url: "http://l.example/in/ada", position: "Owner" }),
        aPerson(bare),
        aPerson({ ...bare, company: "Other" }),
        aPerson({ address: " ADA@client.example ", source: { file: "b.csv", at: "line 9" } }),
        aPerson(),
      ]
      expect(yield* accept(rows)).toMatchObject({ imported: 5, duplicates: 1 })
      const events = yield* everything
      const people = events.flatMap((event) =>
        event.type === "PersonListed" && event.data !== null && typeof event.data === "object" &&
          "person" in event.data
          ? [event.data.person]
          : []
      )
      expect(people).toHaveLength(5)
      const { personKey } = yield* Vault
      expect(people.filter((one) => one === personKey("url:l.example/in/ada"))).toHaveLength(2)
      expect(new Set(people).size).toBe(4)
    }).pipe(Effect.provide(company())))
})

/** What the records of a log say, without what is sealed. */
const dataOf = (type: string) =>
  Effect.map(
    everything,
    (events) => events.filter((event) => event.type === type).map((event) => eventOf(event)),
  )

const anInvoice = (fields: Partial<ParsedInvoice> = {}): ParsedInvoice => ({
  record: "invoice",
  system: "stripe",
  id: "in_1",
  number: "A-1",
  status: "open",
  customer: { id: "cus_1", name: "Ada", address: "" },
  total: { minor: 12_000, currency: "EUR" },
  paid: { minor: 0, currency: "EUR" },
  issuedAt: Date.UTC(2026, 5, 1),
  lines: [{ description: "Consulting", quantity: 1, minor: 12_000 }],
  more: 0,
  source: { file: "stripe.json", at: "line 1" },
  ...fields,
})
const aPayment = (fields: Partial<ParsedPayment> = {}): ParsedPayment => ({
  record: "payment",
  system: "stripe",
  id: "ch_1",
  kind: "charge",
  status: "succeeded",
  amount: { minor: 12_000, currency: "EUR" },
  customer: { id: "cus_1", name: "Ada", address: "ada@client.example" },
  description: "",
  paidAt: Date.UTC(2026, 5, 2),
  source: { file: "stripe.json", at: "line 2" },
  ...fields,
})
const aMessage = (fields: Partial<ParsedMessage> = {}): ParsedMessage => ({
  record: "message",
  network: "linkedin",
  conversation: "c1",
  from: { name: "Ada Weiss", url: "https://www.linkedin.com/in/ada" },
  to: [{ name: "Mara Lindqvist", url: "https://www.linkedin.com/in/mara" }],
  subject: "",
  text: "Hello",
  sentAt: Date.UTC(2026, 5, 3),
  folder: "INBOX",
  source: { file: "messages.csv", at: "line 2" },
  ...fields,
})
const aMeeting = (fields: Partial<ParsedMeeting> = {}): ParsedMeeting => ({
  record: "meeting",
  uid: "m1",
  recurrence: "",
  sequence: 0,
  status: "confirmed",
  title: "Kick-off",
  location: "",
  notes: "",
  organiser: { name: "", address: "" },
  attendees: [{ name: "Ada", address: "ada@client.example" }],
  ics: "BEGIN:VCALENDAR\r\nDTSTAMP:20260101T000000Z\r\nEND:VCALENDAR\r\n",
  startsAt: Date.UTC(2026, 5, 1, 9),
  endsAt: Date.UTC(2026, 5, 1, 10),
  allDay: false,
  timeZone: "Europe/Berlin",
  repeats: false,
  alarms: [],
  source: { file: "calendar.ics", at: "line 2" },
  ...fields,
})
const aNote = (fields: Partial<ParsedNote> = {}): ParsedNote => ({
  record: "note",
  kind: "note",
  topic: "newsletter-47",
  title: "Pricing",
  text: "Ask three people.",
  tags: [],
  matter: {},
  source: { file: "pricing.md", at: "line 1" },
  ...fields,
})

describe("a thing", () => {
  it.live("that comes as object and as event is one fact; in another state it is another", () =>
    Effect.gen(function* () {
      const object = anInvoice()
      const event = anInvoice({
        at: Date.UTC(2026, 5, 1),
        source: { file: "e.json", at: "line 9" },
      })
      expect(yield* accept([object, event])).toMatchObject({ imported: 1, duplicates: 1 })
      const paid = anInvoice({ status: "paid", paid: { minor: 12_000, currency: "EUR" } })
      expect(yield* accept([paid, object])).toMatchObject({ imported: 1, duplicates: 1 })
      expect(yield* accept([aPayment(), aPayment()])).toMatchObject({ imported: 1, duplicates: 1 })
      expect(yield* accept([aPayment({ status: "failed" })])).toMatchObject({ imported: 1 })
      const invoices = yield* dataOf("InvoiceRecorded")
      expect(new Set(invoices.map((one) => one["invoice"])).size).toBe(1)
      expect(JSON.stringify(yield* everything)).not.toMatch(/Consulting|ada@client/)
    }).pipe(Effect.provide(company())))

  it.live("of a calendar is known again after another export, and changed by its content", () =>
    Effect.gen(function* () {
      const again = aMeeting({
        ics: "BEGIN:VCALENDAR\r\nDTSTAMP:20261231T000000Z\r\nEND:VCALENDAR\r\n",
      })
      expect(yield* accept([aMeeting(), again])).toMatchObject({ imported: 1, duplicates: 1 })
      expect(yield* accept([aMeeting({ sequence: 1, startsAt: Date.UTC(2026, 5, 2) })]))
        .toMatchObject({ imported: 1 })
      const meetings = yield* dataOf("MeetingRecorded")
      expect(new Set(meetings.map((one) => one["meeting"])).size).toBe(1)
      expect(meetings[0]!["person"]).toBe((yield* Vault).personKey("ada@client.example"))
    }).pipe(Effect.provide(company())))

  it.live("without currency is in the founder's, and money keeps its smallest unit", () =>
    Effect.gen(function* () {
      const lines = { total: { minor: 12_345, currency: "" }, paid: { minor: 0, currency: "" } }
      yield* accept([anInvoice({ system: "lines", ...lines })])
      expect((yield* dataOf("InvoiceRecorded"))[0]!["total"]).toEqual({
        minor: 12_345,
        currency: "EUR",
      })
    }).pipe(Effect.provide(company())))

  it.live("a note that was edited is another record; a long one is a blob", () =>
    Effect.gen(function* () {
      const long = aNote({ text: "ä".repeat(inlineBytesMax) })
      expect(yield* accept([aNote(), aNote(), long])).toMatchObject({ imported: 2, duplicates: 1 })
      expect(yield* accept([long, aNote({ text: "Ask four." })])).toMatchObject({
        imported: 1,
        duplicates: 1,
      })
      const blob = (yield* dataOf("NoteRecorded")).find((one) => one["textBlob"] !== undefined)
      const ref = Schema.decodeUnknownSync(Blob)(blob?.["textBlob"])
      expect(new TextDecoder().decode(yield* (yield* BlobStore).get(ref))).toBe(long.text)
    }).pipe(Effect.provide(company())))
})

describe("a disk that is nearly full", () => {
  it.live("takes nothing in and says what to do", () =>
    Effect.gen(function* () {
      const refusal = yield* Effect.flip(accept([aMail()]))
      expect([refusal._tag, refusal.message]).toEqual([
        "DiskLow",
        expect.stringContaining("99 MB are free"),
      ])
      expect(yield* everything).toEqual([])
    }).pipe(Effect.provide(
      company().pipe(Layer.provide(Layer.succeed(DiskSpace, {
        free: Effect.succeed(99_500_000),
        least: 100_000_000,
        where: "the data directory",
      }))),
    )))
})

describe("a profile", () => {
  it.live("stands for the address that a list of people gives it", () =>
    Effect.gen(function* () {
      const url = "https://linkedin.com/in/Ada/"
      const listed = aPerson({ url })
      expect(yield* accept([aMessage(), listed])).toMatchObject({ imported: 2 })
      expect(yield* accept([listed, aMessage()])).toMatchObject({ imported: 0, duplicates: 2 })
      expect(yield* accept([aPerson({ address: "", url, position: "CEO" })]))
        .toMatchObject({ imported: 1 })
      const key = (yield* Vault).personKey("ada@client.example")
      for (const type of ["MessageReceived", "PersonListed"]) {
        expect((yield* dataOf(type)).every((one) => one["person"] === key)).toBe(true)
      }
    }).pipe(Effect.provide(company())))

  it.live("of a customer is found by its id", () =>
    Effect.gen(function* () {
      yield* accept([aPerson({ list: "people", url: stripeCustomerUrl("cus_1") })])
      yield* accept([
        anInvoice(),
        anInvoice({ id: "in_2", customer: { id: "cus_2", name: "", address: "" } }),
      ])
      const { personKey } = yield* Vault
      expect((yield* dataOf("InvoiceRecorded")).map((one) => one["person"]).toSorted()).toEqual([
        personKey("ada@client.example"),
        personKey("customer:stripe:cus_2"),
      ].toSorted())
    }).pipe(Effect.provide(company())))

  it.live("in the Sent folder, or with the founder's name, is the founder's", () =>
    Effect.gen(function* () {
      const { from, to } = aMessage()
      yield* accept([aMessage({ from: to[0]!, to: [from], folder: "SENT" })])
      const [message] = yield* dataOf("MessageReceived")
      expect(message).toMatchObject({
        direction: "outward",
        person: (yield* Vault).personKey("url:linkedin.com/in/ada"),
      })
    }).pipe(Effect.provide(company())))
})
