/**
 * Files made to hurt whoever reads them. Each is read in bounded time and memory, nothing in it is run,
 * followed or unpacked, and what was wrong is named with its place. The time a test may take is generous:
 * it catches what hangs, not what is slow.
 */
import { Buffer } from "node:buffer"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { deflateRawSync, gzipSync } from "node:zlib"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { ParsedRecord } from "../../actors/intake.ts"
import { RecordReader } from "../../actors/record-reader.ts"
import * as files from "../../adapters/records-files.ts"
import * as ical from "../../adapters/recurrences-ical.ts"
import { Recurrences } from "../../projections/recurrences.ts"
import { seeded } from "../seeded.ts"

/** A file that takes longer hangs. */
const hangMillis = 90_000

const folder = mkdtempSync(join(tmpdir(), "aios-hostile-"))
afterAll(() => rmSync(folder, { recursive: true }))
let names = 0

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
const refused = (content: string | Uint8Array, name?: string) =>
  Effect.map(Effect.flip(read(content, name)), (error) => error.message)
const of = <K extends ParsedRecord["record"]>(records: ReadonlyArray<ParsedRecord>, kind: K) =>
  records.filter((one): one is Extract<ParsedRecord, { readonly record: K }> => one.record === kind)

const mail = (headers: string, body: string) =>
  `From: Ada <ada@lumen.example>\nTo: m@n.example\nSubject: Offer\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n${headers}\n${body}\n`

describe("hostile mail", () => {
  it.effect("with 10 MB of headers is read and marked", () =>
    Effect.gen(function* () {
      const { records } = yield* read(mail(`X-Long: ${"x".repeat(10_000_000)}\n`, "Hello"))
      expect(of(records, "mail")).toEqual([
        expect.objectContaining({ subject: "Offer", text: "Hello\n", suspicions: ["oversized"] }),
      ])
      const many = yield* read(mail("X-A: b\n".repeat(1_000_000), "Hello"))
      expect(of(many.records, "mail")[0]?.suspicions).toEqual(["oversized"])
    }), hangMillis)

  it.effect("with scripts and forms is text and marked", () =>
    Effect.gen(function* () {
      const { records } = yield* read(mail(
        "Content-Type: text/html\n",
        "<p>Hi</p><script>document.title='x'</script><form action='https://x.example'><input></form>",
      ))
      const [one] = of(records, "mail")
      expect(one?.suspicions).toEqual(["activeContent"])
      expect(one?.text).toContain("Hi")
      expect(one?.text).not.toMatch(/script|document|<|form/)
    }), hangMillis)

  it.effect("of a forged sender and with a program in it is marked", () =>
    Effect.gen(function* () {
      const { records } = yield* read(mail(
        "Authentication-Results: mx.n.example; spf=fail; dmarc=fail\n" +
          "Content-Type: multipart/mixed; boundary=b\n",
        '--b\n\nSee attached.\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename="invoice.pdf.exe"\n\nMZ\n--b--',
      ))
      expect(of(records, "mail")[0]?.suspicions).toEqual(["forgedFrom", "activeContent"])
    }), hangMillis)

  it.effect("with parts within parts ends", () =>
    Effect.gen(function* () {
      const parts = Array.from({ length: 5_000 }, (_, n) =>
        `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`)
      const { faults, records } = yield* read(mail(parts.join(""), "x"))
      expect(records.length + faults.length).toBe(1)
    }), hangMillis)

  it.effect("of 10,000 separators is cut without end of memory", () =>
    Effect.gen(function* () {
      const line = "From a@a.example Mon Mar  2 10:00:00 2026\n"
      const { faults, format } = yield* read(
        `${line}From: a@a.example\n\nx\n\n${`${line}\n`.repeat(10_000)}`,
      )
      expect(format).toBe("mbox")
      expect(faults.length).toBeGreaterThan(9_000)
    }), hangMillis)
})

describe("packed files", () => {
  it.effect("are named and never unpacked, so a bomb is a stone", () =>
    Effect.gen(function* () {
      const zeros = Buffer.alloc(50_000_000)
      const packed = deflateRawSync(zeros)
      const head = Buffer.alloc(30)
      head.write("PK\u0003\u0004", 0, "latin1")
      head.writeUInt16LE(8, 8)
      head.writeUInt32LE(packed.length, 18)
      head.writeUInt32LE(0xffff_ffff, 22)
      head.writeUInt16LE(1, 26)
      const zip = Buffer.concat([head, Buffer.from("a"), packed])
      expect(yield* refused(zip, "mails.mbox")).toContain("unpack it")
      expect(yield* refused(gzipSync(zeros), "mails.eml")).toContain("gzip")
      expect(readdirSync(folder).filter((name) => !name.startsWith("file-"))).toEqual([
        "mails.eml",
        "mails.mbox",
      ])
    }), hangMillis)
})

describe("hostile CSV", () => {
  it.effect("with formulas keeps them as the text they are", () =>
    Effect.gen(function* () {
      const { records } = yield* read(
        'Name,Email,Company\n"=HYPERLINK(""http://x.example"",""click"")",a@a.example,"=cmd|\'/c calc\'!A0"\n+1,b@b.example,@SUM(1)\n',
      )
      expect(of(records, "person").map((one) => [one.name, one.company])).toEqual([
        ['=HYPERLINK("http://x.example","click")', "=cmd|'/c calc'!A0"],
        ["+1", "@SUM(1)"],
      ])
    }), hangMillis)

  it.effect(
    "with a million columns is named, in the header and in a row",
    () =>
      Effect.gen(function* () {
        const wide = "a,".repeat(1_000_000)
        expect(yield* refused(wide)).toContain("none that is known")
        const header = yield* refused(`Name,Email,${wide}\nAda,a@a.example\n`).pipe(
          Effect.catch(() => Effect.succeed("read")),
        )
        expect(header).toMatch(/none that is known|read/)
        const { faults, records } = yield* read(
          `Name,Email\nAda,a@a.example\nBo,b@b.example,${wide}\nCy,c@c.example\n`,
        )
        expect(records).toHaveLength(2)
        expect(faults).toEqual([{ at: "line 3", reason: expect.stringMatching(/fields|longer/) }])
      }),
    hangMillis,
  )

  it.effect("whose every line opens a quote ends", () =>
    Effect.gen(function* () {
      for (const row of ['"a,b@b.example\n', '"""\n', '"a""b"c,"x\n']) {
        const { faults } = yield* read(`Name,Email\n${row.repeat(100_000)}`)
        expect(faults.length).toBeGreaterThan(0)
      }
    }), hangMillis)

  it.effect("of 100,000 lines that are nothing names each", () =>
    Effect.gen(function* () {
      const { faults } = yield* read(
        `Invoice,Item,Quantity,Price\n${"1,a,x,y\n".repeat(100_000)}`,
      )
      expect(faults.length).toBeGreaterThanOrEqual(100_000)
    }), hangMillis)
})

describe("a hostile calendar", () => {
  const calendar = (...lines: ReadonlyArray<string>) =>
    [
      "BEGIN:VCALENDAR",
      "BEGIN:VEVENT",
      "UID:a",
      "SUMMARY:Trap",
      "DTSTART:19700101T000000Z",
      ...lines,
      "END:VEVENT",
      "END:VCALENDAR",
      "",
    ]
      .join("\r\n")

  it.effect(
    "with a recurrence without end is one record, and its days are counted when asked",
    () =>
      Effect.gen(function* () {
        for (const rule of ["FREQ=SECONDLY", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY"]) {
          const { records } = yield* read(calendar(`RRULE:${rule}`))
          const [meeting] = of(records, "meeting")
          expect(meeting?.repeats).toBe(true)
          const found = yield* (yield* Recurrences).between(
            { ics: meeting!.ics, timeZone: "UTC" },
            Date.UTC(2026, 0),
            Date.UTC(2027, 0),
            50,
          )
          expect(found.length).toBeLessThanOrEqual(50)
        }
      }).pipe(Effect.provide(ical.layer)),
    hangMillis,
  )

  it.effect("with rules and values beyond reason is named", () =>
    Effect.gen(function* () {
      for (
        const line of [
          "RRULE:FREQ=DAILY;INTERVAL=99999999999",
          `RRULE:FREQ=DAILY;BYMONTHDAY=${"1,".repeat(50_000)}1`,
          "RRULE:NONSENSE",
        ]
      ) {
        const { faults } = yield* read(calendar(line))
        expect(faults.length, line.slice(0, 60)).toBeGreaterThan(0)
      }
      const long = yield* read(calendar(`DESCRIPTION:${"x".repeat(3_000_000)}`))
      expect(long.faults[0]).toEqual({ at: "line 2", reason: expect.stringContaining("more than") })
      const guests = "ATTENDEE:mailto:a@a.example\r\n".repeat(20_000).trim()
      const { records } = yield* read(calendar(guests))
      expect(of(records, "meeting")[0]?.attendees.length).toBeLessThanOrEqual(100)
      const nested = yield* read(`BEGIN:VCALENDAR\r\n${"BEGIN:VEVENT\r\n".repeat(100_000)}`)
      expect(nested.faults.length).toBeGreaterThan(0)
    }), hangMillis)
})

describe("hostile JSON", () => {
  it.effect("nested without end is named and the rest is read", () =>
    Effect.gen(function* () {
      const charge = '{"object":"charge","id":"ch_1","amount":1,"currency":"eur"}'
      const deep = `${'{"object":"charge","a":'.repeat(100_000)}1${"}".repeat(100_000)}`
      for (const text of [`[${charge},${deep},${charge}]`, `${charge}\n${deep}\n${charge}`]) {
        const { faults, records } = yield* read(text)
        expect(records).toHaveLength(2)
        expect(faults).toEqual([{
          at: expect.any(String),
          reason: expect.stringContaining("nested"),
        }])
      }
      const open = yield* read(`{"object":"list","data":${"[".repeat(1_000_000)}`)
      expect(open.records).toEqual([])
    }), hangMillis)

  it.effect(
    "with names that mean something to programs means nothing",
    () =>
      Effect.gen(function* () {
        const { records } = yield* read(
          '[{"object":"charge","id":"ch_1","amount":1,"currency":"eur","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}]',
        )
        expect(records).toHaveLength(1)
        expect("polluted" in {}).toBe(false)
      }),
    hangMillis,
  )

  it.effect("with one value of 20 MB names it", () =>
    Effect.gen(function* () {
      const { faults, records } = yield* read(
        `[{"object":"charge","id":"ch_1","x":"${
          "y".repeat(20_000_000)
        }"},{"object":"charge","id":"ch_2","amount":1,"currency":"eur"}]`,
      )
      expect(records).toHaveLength(1)
      expect(faults[0]?.reason).toContain("more than")
    }), hangMillis)
})

describe("hostile feeds and notes", () => {
  it.effect("with entities of their own stay small", () =>
    Effect.gen(function* () {
      const entities = Array.from(
        { length: 9 },
        (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`,
      ).join("")
      const { records } = yield* read(
        `<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "lol">${entities}<!ENTITY f SYSTEM "file:///etc/passwd">]>` +
          '<rss version="2.0"><channel><title>x</title><item><title>&l9;&f;</title><link>https://x.example</link></item></channel></rss>',
      )
      expect(JSON.stringify(records).length).toBeLessThan(5_000)
      expect(JSON.stringify(records)).not.toMatch(/root:|lollol/)
    }), hangMillis)

  it.effect("nested or unclosed without end are read or named", () =>
    Effect.gen(function* () {
      const rss = (item: string) =>
        `<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>${item}</channel></rss>`
      for (
        const item of [
          `<item><title>a</title><description>${"<b>".repeat(100_000)}</description></item>`,
          "<item>".repeat(50_000),
          `<item><title>a</title><description><![CDATA[${
            "<script>".repeat(50_000)
          }]]></description></item>`,
          `<item><title>a</title><description><![CDATA[${
            "<!--".repeat(50_000)
          }]]></description></item>`,
        ]
      ) {
        const { faults, records } = yield* read(rss(item))
        expect(records.length + faults.length).toBeGreaterThan(0)
      }
    }), hangMillis)

  it.effect(
    "with YAML that unfolds to more than it is say so, and their text goes in",
    () =>
      Effect.gen(function* () {
        const lines = Array.from(
          { length: 12 },
          (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(", ")}]`,
        )
        for (
          const matter of [
            `a0: &a0 [x, x]\n${lines.join("\n")}`,
            `a: ${"[".repeat(20_000)}`,
            `${"a: {".repeat(10_000)}`,
            `a: !!js/function "function () { throw 1 }"`,
            `${"x".repeat(100_000)}: 1`,
          ]
        ) {
          const { faults, records } = yield* read(`---\n${matter}\n---\nThe text.\n`)
          expect(of(records, "note")[0]?.text).toBe("The text.")
          expect(faults.length, matter.slice(0, 40)).toBeLessThanOrEqual(1)
          expect(JSON.stringify(records).length).toBeLessThan(300_000)
        }
      }),
    hangMillis,
  )

  it.effect("of 100,000 lines are one note", () =>
    Effect.gen(function* () {
      const { records } = yield* read(`# Long\n\n${"- [a](b) **c**\n".repeat(100_000)}`)
      expect(of(records, "note")).toHaveLength(1)
    }), hangMillis)
})

describe("bytes of every kind", () => {
  const people = "Name;Email\nMüller;m@x.example\n"
  it.effect("are read as what they are: marks, UTF-16, Latin", () =>
    Effect.gen(function* () {
      const utf16be = Buffer.from(`\ufeff${people}`, "utf16le").swap16()
      for (
        const bytes of [
          Buffer.from(people),
          Buffer.from(`\ufeff${people}`),
          Buffer.from(`\ufeff${people}`, "utf16le"),
          utf16be,
          Buffer.from(people, "latin1"),
        ]
      ) {
        const { records } = yield* read(bytes)
        expect(of(records, "person").map((one) => one.name)).toEqual(["Müller"])
      }
      const ics =
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:Größe\r\nDTSTART:20260601T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
      for (
        const bytes of [
          `\ufeff${ics}`,
          Buffer.from(`\ufeff${ics}`, "utf16le"),
          Buffer.from(ics, "latin1"),
        ]
      ) {
        expect(of((yield* read(bytes)).records, "meeting")[0]?.title).toBe("Größe")
      }
      const charge =
        '\ufeff[{"object":"charge","id":"ch_1","amount":1,"currency":"eur","description":"ü"}]'
      for (const bytes of [Buffer.from(charge), Buffer.from(charge, "utf16le")]) {
        expect(of((yield* read(bytes)).records, "payment")[0]?.description).toBe("ü")
      }
      const xml =
        '<?xml version="1.0" encoding="iso-8859-1"?><rss version="2.0"><channel><item><title>Größe</title></item></channel></rss>'
      expect(of((yield* read(Buffer.from(xml, "latin1"))).records, "feedItem")[0]?.title).toBe(
        "Größe",
      )
    }), hangMillis)

  it.effect("with NULs and broken UTF-8 in them are read or named", () =>
    Effect.gen(function* () {
      const bad = Buffer.from([0xff, 0xc3, 0x28, 0x00, 0xed, 0xa0, 0x80])
      const around = (head: string, tail: string) =>
        Buffer.concat([Buffer.from(head + "x".repeat(70_000)), bad, Buffer.from(tail)])
      for (
        const [head, tail] of [
          ["Name,Email\nAda,a@a.example\n", "\nBo,b@b.example\n"],
          [
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260601T090000Z\r\nDESCRIPTION:",
            "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
          ],
          ['[{"object":"charge","id":"ch_1","amount":1,"currency":"eur","description":"', '"}]'],
          ["# Note\n\n", "\n"],
          [
            '<rss version="2.0"><channel><item><title>a</title><description>',
            "</description></item></channel></rss>",
          ],
        ] as const
      ) {
        const { faults, records } = yield* read(around(head, tail))
        expect(records.length + faults.length, head).toBeGreaterThan(0)
        expect(JSON.stringify(records).isWellFormed()).toBe(true)
      }
    }), hangMillis)

  it.effect("cut and flipped at random never stop a reader", () =>
    Effect.gen(function* () {
      const dice = seeded()
      const originals = [
        "InvoiceNo,Description,Quantity,UnitPrice\n1,a,1,2.5\n2,b,2,3\n",
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART;TZID=Europe/Berlin:20260601T090000\r\nRRULE:FREQ=WEEKLY;BYDAY=MO\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        '{"object":"list","data":[{"object":"invoice","id":"in_1","total":5,"currency":"eur","lines":{"data":[{"amount":5}]}}]}',
        '<?xml version="1.0"?><rss version="2.0"><channel><title>t</title><item><title>a</title><link>/x</link></item></channel></rss>',
        "---\ntitle: a\ntags: [a, b]\ndue: 2026-01-01\n---\n# Text\n\nx\n",
        "FROM,TO,DATE,CONTENT,FOLDER\nAda,Mara,2026-01-01,Hello,INBOX\n",
        '{"records":[{"attributes":{"type":"Account"},"Name":"x"}]}',
      ]
      for (let round = 0; round < 700; round++) {
        const bytes = Buffer.from(originals[round % originals.length]!)
        for (let flips = dice.below(6); flips > 0; flips--) {
          bytes[dice.below(bytes.length)] = dice.below(256)
        }
        const cut = bytes.subarray(0, dice.below(4) === 0 ? dice.below(bytes.length) : bytes.length)
        yield* Effect.result(read(cut, "random"))
      }
    }), hangMillis)
})
