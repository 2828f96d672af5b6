/** Reading what a company has besides mail: each kind in the shapes that programs write it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { ParsedRecord } from "../../actors/intake.ts"
import { RecordReader } from "../../actors/record-reader.ts"
import { minorOf, parseDecimal } from "../../adapters/records-decimals.ts"
import * as files from "../../adapters/records-files.ts"
import { plainText } from "../../adapters/records-html.ts"

const folder = mkdtempSync(join(tmpdir(), "aios-kinds-"))
afterAll(() => rmSync(folder, { recursive: true }))
let names = 0

/** Reads `content` as a file whose name says nothing, unless `name` is given. */
const read = (content: string | Uint8Array, name = `file-${names++}`) =>
  Effect.gen(function* () {
    const path = join(folder, name)
    writeFileSync(path, content)
    const opened = yield* (yield* RecordReader).open(path)
    const items = yield* Stream.runCollect(opened.records)
    return {
      format: opened.format,
      records: items.flatMap((item) => "record" in item ? [item.record] : []),
      faults: items.flatMap((item) => "fault" in item ? [item.fault] : []),
    }
  }).pipe(Effect.provide(files.layer))

const of = <K extends ParsedRecord["record"]>(records: ReadonlyArray<ParsedRecord>, kind: K) =>
  records.filter((one): one is Extract<ParsedRecord, { readonly record: K }> => one.record === kind)

const invoice = {
  id: "in_1",
  object: "invoice",
  number: "A-1",
  customer: "cus_1",
  total: 8900,
  amount_due: 8900,
  amount_paid: 8900,
  currency: "eur",
  status: "paid",
  created: 1_759_000_000,
  due_date: 1_760_500_000,
  status_transitions: { paid_at: 1_760_000_000, finalized_at: 1_759_000_100 },
  lines: { object: "list", data: [{ description: "Sponsorship", quantity: 1, amount: 8900 }] },
}
const stripe = [
  {
    object: "event",
    id: "evt_1",
    created: 1_760_000_000,
    type: "invoice.paid",
    data: { object: invoice },
  },
  {
    id: "ch_1",
    object: "charge",
    amount: 8900,
    currency: "eur",
    customer: "cus_1",
    invoice: "in_1",
    status: "succeeded",
    created: 1_760_000_000,
    payment_intent: "pi_1",
  },
  {
    id: "pi_1",
    object: "payment_intent",
    amount: 8900,
    currency: "eur",
    status: "succeeded",
    latest_charge: "ch_1",
  },
  {
    id: "pi_2",
    object: "payment_intent",
    amount: 500,
    amount_received: 500,
    currency: "jpy",
    status: "succeeded",
  },
  {
    id: "re_1",
    object: "refund",
    amount: 8900,
    currency: "eur",
    charge: "ch_1",
    status: "succeeded",
    created: 1_760_000_100,
  },
  {
    id: "dp_1",
    object: "dispute",
    amount: 500,
    currency: "eur",
    charge: "ch_1",
    status: "needs_response",
    created: 1_760_000_100,
  },
  { id: "po_1", object: "payout", amount: 1 },
  { id: "cus_1", object: "customer", name: "Marco Rossi", email: "Marco@Rossi.example" },
]
const shapes: Readonly<Record<string, string>> = {
  "an array": JSON.stringify(stripe),
  "an array on many lines": JSON.stringify(stripe, null, 2),
  "JSON lines": stripe.map((one) => JSON.stringify(one)).join("\n"),
  "a list object": JSON.stringify({ object: "list", has_more: false, url: "/v1/x", data: stripe }),
  "a list object in another order": JSON.stringify({ data: stripe, object: "list" }),
  "a fixtures file": JSON.stringify({
    resources: Object.fromEntries(stripe.map((one, n) => [`resource-${n}`, one])),
  }),
  "objects one after the other": stripe.map((one) => JSON.stringify(one, null, 1)).join("\n"),
}

describe("Stripe", () => {
  for (const [name, text] of Object.entries(shapes)) {
    it.effect(`as ${name} says the same`, () =>
      Effect.gen(function* () {
        const { format, records, faults } = yield* read(text)
        expect([format, faults]).toEqual(["stripe", []])
        const customer = { id: "cus_1", name: "Marco Rossi", address: "marco@rossi.example" }
        expect(of(records, "invoice")).toEqual([expect.objectContaining({
          id: "in_1",
          number: "A-1",
          status: "paid",
          customer,
          total: { minor: 8900, currency: "EUR" },
          paid: { minor: 8900, currency: "EUR" },
          issuedAt: 1_759_000_100_000,
          dueAt: 1_760_500_000_000,
          paidAt: 1_760_000_000_000,
          at: 1_760_000_000_000,
          lines: [{ description: "Sponsorship", quantity: 1, minor: 8900 }],
        })])
        expect(
          of(records, "payment").map((one) => [one.id, one.kind, one.status, one.invoice, one.of]),
        )
          .toEqual([
            ["ch_1", "charge", "succeeded", "in_1", undefined],
            ["pi_2", "charge", "succeeded", undefined, undefined],
            ["re_1", "refund", "succeeded", "in_1", "ch_1"],
            ["dp_1", "dispute", "open", "in_1", "ch_1"],
          ])
        expect(of(records, "payment")[1]?.amount).toEqual({ minor: 500, currency: "JPY" })
        expect(of(records, "payment")[2]?.customer).toEqual(customer)
        expect(of(records, "person").map((one) => one.address)).toEqual(["marco@rossi.example"])
      }))
  }

  it.effect("of newer versions tells by its payments what a charge pays; of older by flags", () =>
    Effect.gen(function* () {
      const { records } = yield* read(JSON.stringify([
        {
          ...invoice,
          payments: {
            data: [{
              object: "invoice_payment",
              payment: { type: "payment_intent", payment_intent: "pi_9" },
            }],
          },
        },
        {
          id: "ch_9",
          object: "charge",
          amount: 1,
          currency: "eur",
          status: "succeeded",
          payment_intent: "pi_9",
        },
        {
          id: "in_2",
          object: "invoice",
          total: 5,
          amount_due: 5,
          currency: "usd",
          paid: true,
          closed: true,
          date: 1_400_000_000,
        },
      ]))
      expect(of(records, "payment")[0]?.invoice).toBe("in_1")
      expect(of(records, "invoice")[1]).toMatchObject({
        status: "paid",
        paid: { minor: 5, currency: "USD" },
        issuedAt: 1_400_000_000_000,
      })
    }))

  const refunded = {
    ...stripe[1],
    refunded: true,
    amount_refunded: 8900,
  }
  it.effect("of newer versions says by the charge alone that it was refunded", () =>
    Effect.gen(function* () {
      const { records } = yield* read(JSON.stringify([
        { ...refunded, id: "ch_7", refunded: false, amount_refunded: 300 },
        {
          object: "event",
          id: "evt_2",
          created: 1_760_000_900,
          type: "charge.refunded",
          data: { object: { ...refunded, payment_intent: "pi_7" } },
        },
      ]))
      expect(
        of(records, "payment").map((
          one,
        ) => [one.id, one.kind, one.of, one.amount.minor, one.paidAt]),
      ).toEqual([
        ["ch_7", "charge", undefined, 8900, 1_760_000_000_000],
        ["ch_7:refunded:300", "refund", "ch_7", 300, undefined],
        ["ch_1", "charge", undefined, 8900, 1_760_000_000_000],
        ["ch_1:refunded:8900", "refund", "ch_1", 8900, 1_760_000_900_000],
      ])
      const listed = yield* read(JSON.stringify([refunded, stripe[4]]))
      expect(of(listed.records, "payment").map((one) => one.id)).toEqual(["ch_1", "re_1"])
    }))

  it.effect("takes no running total for a refund that stands in another file of the import", () =>
    Effect.gen(function* () {
      const [charges, refunds] = [join(folder, "charges"), join(folder, "refunds")]
      writeFileSync(charges, JSON.stringify([refunded]))
      writeFileSync(refunds, JSON.stringify([stripe[4]]))
      const reader = yield* RecordReader
      const ids = (path: string, beside: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const opened = yield* reader.open(path, beside)
          const items = yield* Stream.runCollect(opened.records)
          return items.flatMap((item) =>
            "record" in item && item.record.record === "payment" ? [item.record.id] : []
          )
        })
      expect(yield* ids(charges, [charges, refunds, join(folder, "missing")])).toEqual(["ch_1"])
      expect(yield* ids(charges, [])).toEqual(["ch_1", "ch_1:refunded:8900"])
    }).pipe(Effect.provide(files.layer)))

  it.effect("names who paid as a guest", () =>
    Effect.gen(function* () {
      const guest = { ...stripe[1], customer: null, invoice: null }
      const { records } = yield* read(JSON.stringify([
        { ...guest, billing_details: { email: "Guest@Shop.example", name: "Gina Guest" } },
        {
          ...guest,
          id: "ch_2",
          payment_intent: null,
          receipt_email: "other@shop.example",
          billing_details: { email: null, name: "Otto" },
        },
        {
          ...stripe[3],
          customer: null,
          latest_charge: { id: "ch_x", billing_details: { email: "pi@shop.example", name: "Pia" } },
        },
      ]))
      expect(of(records, "payment").map((one) => one.customer)).toEqual([
        { id: "", name: "Gina Guest", address: "guest@shop.example" },
        { id: "", name: "Otto", address: "other@shop.example" },
        { id: "", name: "Pia", address: "pi@shop.example" },
      ])
    }))

  it.effect("with an amount that is none is a fault; an old credit note is read or says why not", () =>
    Effect.gen(function* () {
      const note = { object: "credit_note", id: "cn_1", invoice: "in_1", amount: 500 }
      const { records, faults } = yield* read(JSON.stringify([
        { ...invoice, total: "abc" },
        invoice,
        note,
        { ...note, id: "cn_2", invoice: "in_9", amount: undefined },
      ]))
      expect(of(records, "invoice").map((one) => [one.id, one.total])).toEqual([
        ["in_1", { minor: 8900, currency: "EUR" }],
        ["cn_1", { minor: -500, currency: "EUR" }],
      ])
      expect(faults.map((one) => one.reason)).toEqual([
        'the invoice in_1 is left out: its total is "abc" and no amount',
        "the credit note cn_2 is left out: it has no total and no currency",
      ])
    }))

  it.effect("that is broken in one place is read in the others, and says where", () =>
    Effect.gen(function* () {
      const lines = [
        JSON.stringify(stripe[1]),
        "{broken",
        '{"object":"invoice","id":"in_3"}',
        JSON.stringify(stripe[4]),
      ]
      const { records, faults } = yield* read(lines.join("\n"))
      expect(records).toHaveLength(2)
      expect(faults.map((one) => one.at)).toEqual(["line 2", "line 3"])
      const cut = yield* read(JSON.stringify(stripe, null, 2).slice(0, -300))
      expect(cut.faults.at(-1)?.reason).toContain("the file ends within")
      expect(cut.records.length).toBeGreaterThan(3)
    }))
})

describe("Salesforce", () => {
  it.effect("as a tree, a query's result and CSV gives people", () =>
    Effect.gen(function* () {
      const tree = yield* read(JSON.stringify({
        records: [
          {
            attributes: { type: "Account", referenceId: "AccountRef1" },
            Name: "Lumen",
            Contacts: {
              records: [{
                attributes: { type: "Contact", referenceId: "C1" },
                FirstName: "Ada",
                LastName: "Weiss",
                Email: "ada@lumen.example",
              }],
            },
          },
          {
            attributes: { type: "Contact", referenceId: "C2" },
            LastName: "Bo",
            AccountId: "@AccountRef1",
            Email: "nonsense",
          },
        ],
      }))
      expect(tree.format).toBe("salesforce")
      expect(of(tree.records, "person").map((one) => [one.name, one.company])).toEqual([
        ["Lumen", "Lumen"],
        ["Ada Weiss", "Lumen"],
      ])
      expect(tree.faults[0]?.reason).toContain("no mail address")
      const query = yield* read(JSON.stringify({
        totalSize: 1,
        done: true,
        records: [{
          attributes: { type: "Lead", url: "/x" },
          Name: "Cy",
          Company: "Acme",
          Email: "cy@acme.example",
          CreatedDate: "2024-01-02T03:04:05.000+0000",
        }],
      }))
      expect(query.records).toEqual([expect.objectContaining({
        list: "salesforce",
        company: "Acme",
        since: Date.UTC(2024, 0, 2, 3, 4, 5),
      })])
      const csv = yield* read(
        '"ID","FIRSTNAME","LASTNAME","EMAIL","ACCOUNTID"\n"1","A","B","a@b.example","9"\n"2","C"\n',
      )
      expect([csv.format, csv.records.length]).toEqual(["salesforce", 1])
      expect(csv.faults).toEqual([{ at: "line 3", reason: expect.stringContaining("2 fields") }])
    }))
})

describe("invoices as lines", () => {
  it.effect("are grouped, summed exactly, and their cancellations know them", () =>
    Effect.gen(function* () {
      const { format, records, faults } = yield* read(
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n" +
          "1,a,A,3,13/12/2010 08:26,0.1,17,UK\n1,b,B,1,13/12/2010 08:26,0.2,17,UK\n" +
          "C2,b,B,-1,13/12/2010 09:26,0.2,17,UK\nC2,a,A,-3,13/12/2010 09:26,0.1,17,UK\n" +
          "3,a,A,two,13/12/2010,1,17,UK\n3,a,A,2,13/12/2010,1,17,UK\n,a,A,1,x,1,1,UK\n",
      )
      expect(format).toBe("invoice lines")
      expect(
        of(records, "invoice").map((one) => [one.id, one.total.minor, one.cancels, one.issuedAt]),
      )
        .toEqual([
          ["1", 50, undefined, Date.UTC(2010, 11, 13, 8, 26)],
          ["C2", -50, "1", Date.UTC(2010, 11, 13, 9, 26)],
        ])
      expect(faults.map((one) => one.at)).toEqual(["line 6", "line 8", "line 6"])
      expect(faults[2]?.reason).toContain("left out")
    }))

  it.effect("may be of another program, language and currency", () =>
    Effect.gen(function* () {
      const german = yield* read(
        "Rechnungsnummer;Kunde;E-Mail;Rechnungsdatum;Fälligkeit;Beschreibung;Menge;Einzelpreis;Währung;Status\n" +
          "R-1;Müller;m@x.example;01.02.2026;15.02.2026;Beratung;2,5;1.234,50;EUR;bezahlt\n",
      )
      expect(german.records).toEqual([expect.objectContaining({
        status: "paid",
        total: { minor: 308_625, currency: "EUR" },
        dueAt: Date.UTC(2026, 1, 15),
        customer: { id: "", name: "Müller", address: "m@x.example" },
      })])
      const yen = yield* read("Invoice,Item,Qty,Price,Currency,Date\n9,Tea,3,150,JPY,2026-01-02\n")
      expect(yen.records).toEqual([
        expect.objectContaining({ total: { minor: 450, currency: "JPY" } }),
      ])
    }))

  it.effect("that come again far below are named", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 200 }, (_, n) => `${n},a,1,1,2026-01-02`)
      const { records, faults } = yield* read(
        `InvoiceNo,Description,Quantity,UnitPrice,InvoiceDate\n${
          rows.join("\n")
        }\n5,b,1,1,2026-01-02\n`,
      )
      expect(records).toHaveLength(200)
      expect(faults).toEqual([{ at: "line 202", reason: expect.stringContaining("comes again") }])
    }))

  it("have numbers as people write them", () => {
    const minor = (text: string, comma = false) => {
      const value = parseDecimal(text, comma)
      return value === undefined ? undefined : minorOf(value, 2)
    }
    expect(
      ["1,234.50", "1.234,50", "£2.55", "(12.00)", "-3", "3-", "1'000", "12 EUR", "1e3", "0.005"]
        .map((
          one,
        ) => minor(one)),
    ).toEqual([123_450, 123_450, 255, -1200, -300, -300, 100_000, 1200, 100_000, 1])
    expect([minor("1.234", true), minor("1.234"), minor("0.125", true)]).toEqual([123_400, 123, 13])
    expect([minor("1,234"), minor("1,234", true), minor("abc"), minor("")])
      .toEqual([123_400, 123, undefined, undefined])
  })
})

describe("LinkedIn messages", () => {
  it.effect("tell who the founder is and what was written", () =>
    Effect.gen(function* () {
      const ada = "Ada Weiss,https://www.linkedin.com/in/ada"
      const mara = "Mara Lindqvist,https://www.linkedin.com/in/mara"
      const { format, records, faults } = yield* read(
        "CONVERSATION ID,CONVERSATION TITLE,FROM,SENDER PROFILE URL,TO,RECIPIENT PROFILE URLS,DATE,SUBJECT," +
          "CONTENT,FOLDER,ATTACHMENTS\n" +
          `c1,,${ada},${mara},2026-01-02 10:00:00 UTC,,"Hello, Mara\n\n""how"" much?",INBOX,\n` +
          `c1,,${mara},${ada},2026-01-02 11:00:00 UTC,,<p>1&amp;000</p>,INBOX,\n` +
          `c2,,Bob,https://www.linkedin.com/in/bob,${mara},2026-01-03 11:00:00 UTC,Hi,Yo,INBOX,\n` +
          `c3,,Spam,https://x.example,${mara},2026-01-03 11:00:00 UTC,Hi,Buy,SPAM,\nc2,,Bob\n`,
      )
      expect(format).toBe("linkedin messages")
      expect(of(records, "message").map((one) => [one.from.name, one.text, one.folder, one.sentAt]))
        .toEqual([
          ["Ada Weiss", 'Hello, Mara\n\n"how" much?', "INBOX", Date.UTC(2026, 0, 2, 10)],
          ["Mara Lindqvist", "1&000", "SENT", Date.UTC(2026, 0, 2, 11)],
          ["Bob", "Yo", "INBOX", Date.UTC(2026, 0, 3, 11)],
        ])
      expect(faults.map((one) => one.at)).toEqual(["line 7", "line 8"])
    }))
})

const calendar = (...entries: ReadonlyArray<ReadonlyArray<string>>) =>
  ["BEGIN:VCALENDAR", "VERSION:2.0", ...entries.flat(), "END:VCALENDAR", ""].join("\r\n")
const event = (...lines: ReadonlyArray<string>) => ["BEGIN:VEVENT", ...lines, "END:VEVENT"]

describe("a calendar", () => {
  it.effect("keeps zone, guests, alarms and its own text", () =>
    Effect.gen(function* () {
      const { format, records, faults } = yield* read(calendar(event(
        "UID:m1",
        "SUMMARY:Kick-off\\, part 1",
        "DTSTART;TZID=Europe/Berlin:20260601T090000",
        "DTEND;TZID=Europe/Berlin:20260601T100000",
        "RRULE:FREQ=WEEKLY;COUNT=3",
        "SEQUENCE:2",
        "ORGANIZER;CN=Ada:mailto:Ada@client.example",
        'ATTENDEE;CN="Weiss, Bo":mailto:bo@client.example',
        "BEGIN:VALARM",
        "TRIGGER:-PT15M",
        "END:VALARM",
        "BEGIN:VALARM",
        "TRIGGER;VALUE=DATE-TIME:20260601T060000Z",
        "END:VALARM",
      )))
      expect([format, faults]).toEqual(["calendar", []])
      expect(records).toEqual([expect.objectContaining({
        uid: "m1",
        sequence: 2,
        title: "Kick-off, part 1",
        organiser: { name: "Ada", address: "ada@client.example" },
        attendees: [{ name: "Weiss, Bo", address: "bo@client.example" }],
        startsAt: Date.UTC(2026, 5, 1, 7),
        endsAt: Date.UTC(2026, 5, 1, 8),
        timeZone: "Europe/Berlin",
        repeats: true,
        alarms: [15, 60],
        ics: expect.stringContaining("RRULE:FREQ=WEEKLY;COUNT=3"),
      })])
    }))

  it.effect("keeps an entry once whose rule cannot be, and names a zone that nobody knows", () =>
    Effect.gen(function* () {
      const { records, faults } = yield* read(calendar(
        event("UID:a", "SUMMARY:Zero", "DTSTART:20260601T100000Z", "RRULE:FREQ=DAILY;INTERVAL=0"),
        event("UID:b", "DTSTART:20260601T100000Z", "RRULE:FREQ=WEEKLY;BYDAY=XX,9ZZ"),
        event("UID:c", "SUMMARY:Mars", "DTSTART;TZID=Mars/Olympus:20260601T100000"),
      ))
      expect(of(records, "meeting").map((one) => [one.uid, one.repeats, one.ics.includes("RRULE")]))
        .toEqual([["a", false, false], ["b", false, false], ["c", false, false]])
      expect(of(records, "meeting")[2]).toMatchObject({
        timeZone: "",
        startsAt: Date.UTC(2026, 5, 1, 10),
      })
      expect(faults.map((one) => one.reason)).toEqual([
        'the entry "Zero" repeats by a rule that cannot be (INTERVAL=0 is no interval): it is kept as ' +
        "happening once",
        expect.stringContaining("happening once"),
        expect.stringContaining('"Mars/Olympus", which nobody describes'),
      ])
    }))

  it.effect("knows days, floating times, changes, what is cancelled and what is left out", () =>
    Effect.gen(function* () {
      const { records, faults } = yield* read(calendar(
        event("UID:a", "SUMMARY:Day", "DTSTART:20260601"),
        event("UID:b", "SUMMARY:Floating", "DTSTART:20260601T090000", "DURATION:PT30M"),
        event(
          "UID:c",
          "RECURRENCE-ID:20260601T090000Z",
          "DTSTART:20260601T100000Z",
          "STATUS:CANCELLED",
        ),
        event("UID:d", "SUMMARY:No start"),
        event("UID:e", "DTSTART:20260601T100000Z", "RRULE:FREQ=DAILY;INTERVAL=0"),
        ["BEGIN:VTODO", "UID:t", "SUMMARY:Tidy", "END:VTODO"],
        ["BEGIN:VEVENT", "UID:f", "DTSTART:20260601T100000Z"],
      ))
      expect(
        of(records, "meeting").map((
          one,
        ) => [one.uid, one.allDay, one.timeZone, one.status, one.recurrence]),
      ).toEqual([
        ["a", true, "", "confirmed", ""],
        ["b", false, "", "confirmed", ""],
        ["c", false, "UTC", "cancelled", "20260601T090000Z"],
        ["e", false, "UTC", "confirmed", ""],
      ])
      expect(of(records, "meeting")[0]).toMatchObject({
        startsAt: Date.UTC(2026, 5, 1),
        endsAt: Date.UTC(2026, 5, 2),
      })
      expect(faults.map((one) => one.reason)).toEqual([
        expect.stringContaining("no start"),
        expect.stringContaining("INTERVAL=0"),
        expect.stringContaining("has no end"),
        expect.stringContaining("tasks are not read"),
      ])
    }))

  it.effect("waits for a zone that is described below", () =>
    Effect.gen(function* () {
      const zone = [
        "BEGIN:VTIMEZONE",
        "TZID:Office",
        "BEGIN:STANDARD",
        "DTSTART:19700101T000000",
        "TZOFFSETFROM:+0500",
        "TZOFFSETTO:+0500",
        "END:STANDARD",
        "END:VTIMEZONE",
      ]
      const { records } = yield* read(
        calendar(event("UID:a", "DTSTART;TZID=Office:20260601T090000"), zone),
      )
      expect(of(records, "meeting")[0]?.startsAt).toBe(Date.UTC(2026, 5, 1, 4))
      expect(of(records, "meeting")[0]?.ics).toContain("TZOFFSETTO:+0500")
    }))
})

describe("a feed", () => {
  const rss = (items: string, head = "") =>
    `<?xml version="1.0"?><rss version="2.0"><channel><title>News &amp;amp; more</title>` +
    `<link>https://n.example/</link>${head}${items}</channel></rss>`
  it.effect("of every family gives plain entries with whole links", () =>
    Effect.gen(function* () {
      const two = yield* read(rss(
        `<item><title>One <![CDATA[<b>x</b>]]></title><link>/one</link><guid>g1</guid>` +
          `<description><![CDATA[<p>Hi<script>alert(1)</script> there</p><p>2</p>]]></description>` +
          `<pubDate>Mon, 2 Mar 2026 10:00:00 +0100</pubDate></item>` +
          `<item><title>Two</title><link>javascript:alert(1)</link></item>`,
      ))
      expect(two.format).toBe("feed")
      expect(of(two.records, "feedItem")).toEqual([
        expect.objectContaining({
          id: "g1",
          title: "One x",
          url: "https://n.example/one",
          summary: "Hi there\n\n2",
          publishedAt: Date.UTC(2026, 2, 2, 9),
        }),
        expect.objectContaining({ title: "Two", url: "", id: expect.stringMatching(/^sha256:/) }),
      ])
      const rdf = yield* read(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">' +
          '<channel rdf:about="http://x.example/"><title>T</title><link>http://x.example/</link></channel>' +
          '<item rdf:about="http://x.example/1"><title>One</title><link>http://x.example/1</link></item></rdf:RDF>',
      )
      expect(rdf.records).toEqual([expect.objectContaining({ id: "http://x.example/1" })])
      const atom = yield* read(
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><link href="https://a.example/"/>' +
          '<entry><id>u:1</id><title type="html">T &lt;i&gt;x&lt;/i&gt;</title><link href="p.html"/>' +
          "<updated>2026-01-01T00:00:00Z</updated><author><name>N</name></author></entry></feed>",
      )
      expect(atom.records).toEqual([expect.objectContaining({
        title: "T x",
        url: "https://a.example/p.html",
        author: "N",
        publishedAt: Date.UTC(2026, 0, 1),
      })])
      const json = yield* read(JSON.stringify({
        version: "https://jsonfeed.org/version/1.1",
        title: "J",
        home_page_url: "https://j.example",
        items: [{ id: 1, title: "A", content_html: "<p>x</p>", url: "https://j.example/1" }],
      }))
      expect([json.format, json.records]).toEqual([
        "feed",
        [expect.objectContaining({ id: "1", summary: "x" })],
      ])
    }))

  it.effect("that is broken is read entry by entry", () =>
    Effect.gen(function* () {
      const { records, faults } = yield* read(
        rss(
          "<item><title>One</title></item>\n<item><title>Two</item>\n<item><title>Three</title></item>",
        )
          .replace("</channel>", ""),
      )
      expect(of(records, "feedItem").map((one) => one.title)).toEqual(
        expect.arrayContaining(["One", "Three"]),
      )
      expect(faults.map((one) => one.at)).toContain("line 1")
    }))

  it("is plain text in the end", () => {
    expect(
      plainText(
        "<ul><li>a</li><li>b &lt;c&gt; &#8364;</li></ul><!-- x --><style>p{}</style>d<br>e",
      ),
    )
      .toBe("- a\n- b <c> €\nd\ne")
    expect(plainText("1 < 2 & 3")).toBe("1 < 2 & 3")
  })
})

describe("Markdown", () => {
  it.effect("is note, draft or article by its front matter, and belongs to its issue", () =>
    Effect.gen(function* () {
      const kinds = yield* Effect.forEach(
        [
          [
            "---\ntitle: A\nstatus: draft\nnewsletter: 47\ndue: 2026-11-26\ntags: [a, b]\n---\nText\n",
            "x.md",
          ],
          ["---\ntitle: B\ntype: note\ntopic: Pricing Page\n---\nText\n", "x.md"],
          ["---\ntitle: C\npublished: 2026-01-02\nissue: 46\n---\nText\n", "x.md"],
          ["# Heading\n\nSome text.\n", "newsletter-48-ideas.md"],
          ["---\ntitle: D\ndraft: true\n---\nText\n", "my draft.md"],
        ] as const,
        ([text, name]) => read(text, name),
      )
      expect(kinds.map((one) => one.format)).toEqual(Array(5).fill("markdown"))
      expect(kinds.flatMap((one) => of(one.records, "note").map((note) => [note.kind, note.topic])))
        .toEqual([
          ["draft", "newsletter-47"],
          ["note", "pricing-page"],
          ["article", "newsletter-46"],
          ["note", "newsletter-48"],
          ["draft", "my-draft"],
        ])
      expect(kinds[0]?.records).toEqual([expect.objectContaining({
        title: "A",
        text: "Text",
        tags: ["a", "b"],
        dueAt: Date.UTC(2026, 10, 26),
        matter: expect.objectContaining({ newsletter: 47 }),
      })])
    }))

  it.effect("that quotes the header of a list is still a text", () =>
    Effect.gen(function* () {
      const { format } = yield* read("# Exports\n\nTheir columns:\n\nFirst Name,Last Name,Email\n")
      expect(format).toBe("markdown")
    }))

  it.effect("with broken front matter goes in and says so", () =>
    Effect.gen(function* () {
      for (
        const text of [
          "---\ntitle: [a\n---\nText\n",
          "---\ntitle: a\nText without end\n",
          "+++\ntitle = 'a'\n+++\nText\n",
          "---\n- a\n- b\n---\nText\n",
        ]
      ) {
        const { records, faults } = yield* read(text, "n.md")
        expect(of(records, "note")[0]?.text, text).toContain("Text")
        expect(faults, text).toEqual([{ at: "line 1", reason: expect.any(String) }])
      }
    }))
})
