/** Reading files: formats told by content, every fault with its place, and no file that stops a reader. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { Buffer } from "node:buffer"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import type { ParsedMail, ParsedPerson } from "../../actors/intake.ts"
import { type ReadItem, RecordReader } from "../../actors/record-reader.ts"
import { cutMbox } from "../../adapters/records-mbox.ts"
import { digestOf } from "../../adapters/records-mail.ts"
import { parseListDate, parseMailDate } from "../../adapters/records-dates.ts"
import * as files from "../../adapters/records-files.ts"
import { seeded } from "../seeded.ts"

const here = dirname(fileURLToPath(import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "aios-records-"))
afterAll(() => rmSync(folder, { recursive: true }))
let names = 0
const write = (content: string | Uint8Array, name = `file-${names++}`) => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const read = (path: string) =>
  Effect.gen(function* () {
    const opened = yield* (yield* RecordReader).open(path)
    const items = yield* Stream.runCollect(opened.records)
    return { ...opened, items, read: opened.bytesRead() }
  }).pipe(Effect.provide(files.layer))
const refusal = (path: string) =>
  RecordReader.pipe(
    Effect.flatMap((reader) => reader.open(path)),
    Effect.flip,
    Effect.provide(files.layer),
  )

const mails = (items: ReadonlyArray<ReadItem>): ReadonlyArray<ParsedMail> =>
  items.flatMap((item) => "record" in item && item.record.record === "mail" ? [item.record] : [])
const people = (items: ReadonlyArray<ReadItem>): ReadonlyArray<ParsedPerson> =>
  items.flatMap((item) => "record" in item && item.record.record === "person" ? [item.record] : [])
const faults = (items: ReadonlyArray<ReadItem>) =>
  items.flatMap((item) => "fault" in item ? [item.fault] : [])

const mail = (n: number, body = `Body ${n}.`) =>
  `Message-ID: <${n}@a.example>\nFrom: A <a${n}@a.example>\nTo: b@b.example\n` +
  `Subject: Mail ${n}\nDate: Mon, 2 Mar 2026 10:00:0${n % 10} +0100\n\n${body}\n`
const separators = [
  (n: number) => `From 184434779226711787${n % 10}@xxx Mon Mar 02 10:00:00 +0000 2026`,
  (n: number) => `From 184434779226711787${n % 10}@xxx`,
  () => "From - Mon Mar  2 10:00:00 2026",
  () => "From - ",
  (n: number) => `From a${n}@a.example Mon Mar  2 10:00:00 2026`,
  (n: number) => `From a${n}@a.example`,
]

describe("an mbox", () => {
  it.effect("is cut at every known separator, with line ends of either kind", () =>
    Effect.gen(function* () {
      for (const separator of separators) {
        for (const lineEnd of ["\n", "\r\n"]) {
          const text = [1, 2, 3].map((n) => `${separator(n)}\n${mail(n)}\n`).join("")
          const { format, items, read: bytesRead, bytes } = yield* read(
            write(text.replaceAll("\n", lineEnd)),
          )
          expect(format).toBe("mbox")
          expect(mails(items).map((one) => one.subject)).toEqual(["Mail 1", "Mail 2", "Mail 3"])
          expect(bytesRead).toBe(bytes)
        }
      }
    }))

  it.effect("keeps sentences that start with From in the body", () =>
    Effect.gen(function* () {
      const body = "Hello,\n\nFrom here on it is easy.\n\n>From now on, too.\n\n" +
        "From a@a.example\nand so on.\n\nFrom Monday, 10:30 we are there.\n\nFrom: nobody\n"
      const text = `${separators[0]!(1)}\n${mail(1, body)}\n${separators[0]!(2)}\n${mail(2)}`
      const [first, second] = mails((yield* read(write(text))).items)
      expect(first?.text.trimEnd()).toBe(body.replace(">From", "From").trimEnd())
      expect(second?.subject).toBe("Mail 2")
    }))

  it.effect("says where a broken mail is and reads the rest", () =>
    Effect.gen(function* () {
      const first = `${separators[0]!(1)}\n${mail(1)}\n`
      const text = `${first}${separators[0]!(2)}\nno header at all\n\n${separators[0]!(3)}\n${
        mail(3)
      }`
      const { items } = yield* read(write(text))
      expect(mails(items).map((one) => one.source.at)).toEqual([
        "byte 0",
        `byte ${text.indexOf(separators[0]!(3))}`,
      ])
      expect(faults(items).map((one) => one.at)).toEqual([`byte ${first.length}`])
      expect(faults(items)[0]?.reason).toContain("no mail header")
    }))

  it("gives the same messages however the bytes arrive", async () => {
    const dice = seeded()
    const text = Array.from(
      { length: 12 },
      (_, n) => `${dice.pick(separators)(n)}\n${mail(n, "line\n\nFrom here.\n\n>From there.")}\n`,
    ).join("")
    const bytes = Buffer.from(dice.chance() ? text : text.replaceAll("\n", "\r\n"))
    const cut = async (chunks: () => Iterable<Buffer>) => {
      const stream = async function* () {
        for (const chunk of chunks()) yield await Promise.resolve(chunk)
      }
      const cuts = await Array.fromAsync(cutMbox(stream()))
      return cuts.map((one) => "bytes" in one ? `${one.start} ${one.bytes.toString()}` : "")
    }
    const whole = await cut(() => [bytes])
    expect(whole).toHaveLength(12)
    for (let round = 0; round < 60; round++) {
      const most = 1 + dice.below(round < 20 ? 3 : 400)
      const parts = function* () {
        for (let at = 0; at < bytes.length;) {
          const size = 1 + dice.below(most)
          yield bytes.subarray(at, at + size)
          at += size
        }
      }
      expect(await cut(parts)).toEqual(whole)
    }
  })

  it("leaves out a message beyond the limit and goes on", async () => {
    const chunk = Buffer.alloc(8 * 1024 * 1024, "x".repeat(75) + "\n")
    const stream = async function* () {
      yield Buffer.from(`${separators[0]!(1)}\n${mail(1)}`)
      for (let n = 0; n < 9; n++) yield await Promise.resolve(chunk)
      yield Buffer.from(`\n\n${separators[0]!(2)}\n${mail(2)}`)
    }
    const cuts = await Array.fromAsync(cutMbox(stream()))
    expect(cuts.map((one) => "tooLarge" in one ? "too large" : one.start > 0)).toEqual([
      "too large",
      true,
    ])
  }, 60_000)
})

describe("the digest of a mail", () => {
  const plain = mail(1, "Hello.\n\nFrom here on.\n\nBye.")
  const same: Readonly<Record<string, string>> = {
    "line ends": plain.replaceAll("\n", "\r\n"),
    "escaped From": plain.replace("\nFrom here", "\n>From here"),
    "blank lines at the end": `${plain}\n\n\n`,
    "transport headers":
      `X-GM-THRID: 1\nX-Gmail-Labels: Inbox,Opened\nReceived: by x\n  (folded)\n` +
      `Delivered-To: b@b.example\nReturn-Path: <a@a.example>\nARC-Seal: i=1\n${plain}`,
    "folding": plain.replace("Subject: Mail 1", "Subject: Mail\n 1"),
  }
  for (const [name, text] of Object.entries(same)) {
    it(`does not depend on ${name}`, () => {
      expect(digestOf(Buffer.from(text))).toBe(digestOf(Buffer.from(plain)))
    })
  }
  it("depends on what was written", () => {
    for (const other of [plain.replace("Bye", "bye"), plain.replace("Mail 1", "Mail 2")]) {
      expect(digestOf(Buffer.from(other))).not.toBe(digestOf(Buffer.from(plain)))
    }
  })
  it.effect("is the same from Takeout, from an .eml and from another mbox", () =>
    Effect.gen(function* () {
      const sources = [
        `${separators[0]!(1)}\nX-Gmail-Labels: Sent\n${plain}\n`,
        plain,
        `From - \n${plain.replace("\nFrom here", "\n>From here")}`,
        `${separators[4]!(1)}\n${plain.replace("\nFrom here", "\n>From here")}\n`
          .replaceAll("\n", "\r\n"),
      ]
      const digests = new Set<string>()
      for (const source of sources) {
        const { items } = yield* read(write(source))
        expect(items).toHaveLength(1)
        mails(items).forEach((one) => digests.add(one.digest))
      }
      expect([...digests]).toEqual([digestOf(Buffer.from(plain))])
    }))
})

describe("a mail", () => {
  const one = (text: string | Uint8Array) =>
    Effect.map(read(write(text)), ({ items }) => mails(items)[0])

  it.effect("tells its kind by its headers", () =>
    Effect.gen(function* () {
      const kind = (headers: string, from = "a@a.example") =>
        Effect.map(one(`From: ${from}\n${headers}Subject: x\n\ny\n`), (mail) => mail?.kind)
      expect(yield* kind("")).toBe("personal")
      expect(yield* kind("List-Id: <l.a.example>\n")).toBe("list")
      expect(yield* kind("List-Unsubscribe: <https://a.example>\n")).toBe("list")
      expect(yield* kind("Precedence: bulk\n")).toBe("list")
      expect(yield* kind("Auto-Submitted: auto-replied\n")).toBe("automatic")
      expect(yield* kind("Auto-Submitted: no\n")).toBe("personal")
      expect(yield* kind("X-Autoreply: yes\n")).toBe("automatic")
      expect(yield* kind("", "no-reply@a.example")).toBe("automatic")
      expect(yield* kind("", "noreen@a.example")).toBe("personal")
      expect(yield* kind("", "MAILER-DAEMON@a.example")).toBe("bounce")
      expect(
        yield* kind("Content-Type: multipart/report; report-type=delivery-status; boundary=x\n"),
      ).toBe("bounce")
    }))

  it.effect("reads charsets, labels and dates of real senders", () =>
    Effect.gen(function* () {
      const latin = Buffer.from(
        "From: A <a@a.example>\nSubject: x\nContent-Type: text/plain; charset=windows-1252\n\n" +
          "10 \x80 f\xfcr Gl\xe4ser\n",
        "latin1",
      )
      expect((yield* one(latin))?.text).toBe("10 € für Gläser\n")
      const labels = yield* one(
        "X-Gmail-Labels: =?UTF-8?Q?Gesendet,Ge=C3=B6ffnet?=\nX-Gmail-Labels: Spam\nFrom: a@a.example\n\nx",
      )
      expect(labels?.labels).toEqual(["Gesendet", "Geöffnet"])
      const html = yield* one(
        "From: a@a.example\nContent-Type: multipart/alternative; boundary=x\n\n--x\n" +
          "Content-Type: text/html\n\n<p>What does it <b>cost</b>?</p>\n--x--\n",
      )
      expect(html?.text.trim()).toBe("What does it cost?")
      const undated = yield* one("From: a@a.example\nDate: yesterday\n\nx")
      expect(undated).toBeDefined()
      expect(undated?.sentAt).toBeUndefined()
      const enveloped = yield* one(
        `From a@a.example Tue May 10 11:28:07 2005\nFrom: a@a.example\n\nx`,
      )
      expect(enveloped?.sentAt).toBe(Date.UTC(2005, 4, 10, 11, 28, 7))
    }))

  it("reads dates", () => {
    const mailDates: ReadonlyArray<readonly [string, number | undefined]> = [
      ["Fri, 21 Nov 1997 09:55:06 -0600", Date.UTC(1997, 10, 21, 15, 55, 6)],
      ["21 Nov 97 09:55:06 GMT", Date.UTC(1997, 10, 21, 9, 55, 6)],
      ["Thu, 13 Feb 1969 23:32 -0330 (Newfoundland)", Date.UTC(1969, 1, 14, 3, 2)],
      ["Mon, 2 Mar 2026 10:00:00", Date.UTC(2026, 2, 2, 10)],
      ["Mon, 31 Feb 2026 10:00:00", undefined],
      ["soon", undefined],
    ]
    for (const [text, instant] of mailDates) expect(parseMailDate(text), text).toBe(instant)
    const listDates: ReadonlyArray<readonly [string, number | undefined]> = [
      ["12 Mar 2024", Date.UTC(2024, 2, 12)],
      ["2023-04-12 09:31", Date.UTC(2023, 3, 12, 9, 31)],
      ["3/15/2024 2:30 PM", Date.UTC(2024, 2, 15, 14, 30)],
      ["3/4/2024 12:05 AM", Date.UTC(2024, 2, 4, 0, 5)],
      ["15/3/2024", Date.UTC(2024, 2, 15)],
      ["15.3.2024 14:30", Date.UTC(2024, 2, 15, 14, 30)],
      ["2024-03-15T14:30:00.000Z", Date.UTC(2024, 2, 15, 14, 30)],
      ["Mar 5, 2024", Date.UTC(2024, 2, 5)],
      ["13/13/2024", undefined],
      ["", undefined],
    ]
    for (const [text, instant] of listDates) expect(parseListDate(text), text).toBe(instant)
  })

  const hostile: Readonly<Record<string, string | Uint8Array>> = {
    "NUL bytes": `From: a@a.example\nSubject: x\0y\n\n\0\0\0 text \0\n`,
    "lone CRs": `From: a@a.example\rSubject: x\r\rtext\r`,
    "a truncated multipart":
      `From: a@a.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nhel`,
    "an unknown charset": `From: a@a.example\nContent-Type: text/plain; charset=klingon\n\nx`,
    "broken base64":
      `From: a@a.example\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n!!==\n`,
    "2,000 nested parts": `From: a@a.example\n${
      Array.from({ length: 2000 }, (_, n) =>
        `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`).join("")
    }\nx`,
    "deeply nested HTML": `From: a@a.example\nContent-Type: text/html\n\n${
      "<div>".repeat(50_000)
    }x`,
    "huge HTML": `From: a@a.example\nContent-Type: text/html\n\n${"<p>word ".repeat(1_000_000)}`,
    "a 10 MB header": `From: a@a.example\nX-Long: ${"x".repeat(10_000_000)}\nSubject: y\n\nx`,
    "100,000 receivers": `From: a@a.example\nTo: ${"b@b.example, ".repeat(100_000)}\n\nx`,
    "an address that is a quote bomb": `From: ${'"'.repeat(5000)}${
      "(".repeat(5000)
    } <a@a.example>\n\nx`,
    "lone surrogates in an encoded word":
      `From: a@a.example\nSubject: =?utf-16le?B?ANg=?= =?utf-8?B?7aCA?=\n\nx`,
  }
  for (const [name, content] of Object.entries(hostile)) {
    it.effect(`with ${name} is read or named, in bounded time`, () =>
      Effect.gen(function* () {
        const started = performance.now()
        const { items } = yield* read(write(content))
        expect(items).toHaveLength(1)
        expect(performance.now() - started).toBeLessThan(15_000)
        for (const one of mails(items)) {
          expect(one.text.isWellFormed() && one.subject.isWellFormed()).toBe(true)
          expect(one.to.length).toBeLessThanOrEqual(200)
        }
      }), 30_000)
  }

  it.effect("of random bytes never stops the reader", () =>
    Effect.gen(function* () {
      const dice = seeded()
      const words = [
        "From: a@a.example\n",
        "Content-Type: multipart/mixed; boundary=x\n",
        "\n",
        "--x\n",
      ]
      words.push(
        "--x--\n",
        "=?utf-8?Q?=",
        "\r",
        "\0",
        ">From ",
        "\nFrom - \n",
        "Date: 1\n",
        "ü",
        "=\n",
      )
      for (let n = 0; n < 40; n++) {
        const body = Array.from({ length: 60 }, () => dice.pick(words)).join("")
        const path = write(`From - \nFrom: a@a.example\nSubject: ${n}\n${body}`)
        expect((yield* read(path)).items.length).toBeGreaterThan(0)
      }
    }))
})

describe("a list of people", () => {
  it.effect("is known as LinkedIn's, HubSpot's or another's by its columns", () =>
    Effect.gen(function* () {
      const linkedin = yield* read(write(
        `Notes:\n"When exporting, you may ""notice"", that\nsome are missing."\n\n` +
          `First Name,Last Name,URL,Email Address,Company,Position,Connected On\n` +
          `Ana,Silva,https://l.example/in/ana,,"Silva, Lda",Owner,12 Mar 2024\n` +
          `,,,,,,\n,,https://l.example/in/x,,,,\n`,
      ))
      expect(linkedin.format).toBe("linkedin")
      expect(people(linkedin.items)).toMatchObject([
        { name: "Ana Silva", address: "", company: "Silva, Lda", since: Date.UTC(2024, 2, 12) },
        { name: "", url: "https://l.example/in/x" },
      ])
      expect(faults(linkedin.items).map((one) => one.at)).toEqual(["line 7"])
      const hubspot = yield* read(write(
        "Record ID,First Name,Last Name,Email,Phone Number,Job Title,Company Name,Lifecycle Stage,Create Date\n" +
          `1,Bo,Ek,"Bo Ek <BO@Ek.example>; other@ek.example",+46,"Boss\nof all",Ek AB,Lead,2023-04-12 09:31\n`,
      ))
      expect(hubspot.format).toBe("hubspot")
      expect(people(hubspot.items)).toMatchObject([{
        name: "Bo Ek",
        address: "bo@ek.example",
        position: "Boss of all",
        since: Date.UTC(2023, 3, 12, 9, 31),
      }])
    }))

  it.effect("is read by the columns that German and other exports have", () =>
    Effect.gen(function* () {
      const hubspot = yield* read(write(
        "Datensatz-ID,Vorname,Nachname,E-Mail,Telefonnummer,Unternehmensname,Jobtitel,Erstelldatum," +
          "Unsubscribed from all email\n" +
          "1,Jörg,Müller,joerg@m.example,+49,Müller & Co,Chef,2023-04-12,true\n" +
          "2,Eva,Ott,eva@o.example,,Ott,,2023-04-12,false\n",
      ))
      expect(hubspot.format).toBe("hubspot")
      expect(people(hubspot.items)).toMatchObject([
        { company: "Müller & Co", position: "Chef", phone: "+49", optedOut: true },
        { address: "eva@o.example", company: "Ott" },
      ])
      expect(people(hubspot.items)[1]).not.toHaveProperty("optedOut")
      const google = yield* read(write(
        "First Name,Last Name,Organization Title,E-mail 1 - Value,E-mail 2 - Value\n" +
          "Bo,Ek,Boss,bo@ek.example ::: b@ek.example,bo@home.example\n",
      ))
      expect(people(google.items)).toMatchObject([{
        address: "bo@ek.example",
        position: "Boss",
        otherAddresses: ["b@ek.example", "bo@home.example"],
      }])
    }))

  it.effect("of Salesforce leaves out what is deleted and what stands below a report", () =>
    Effect.gen(function* () {
      const report = (below: string) =>
        "First Name,Last Name,Company / Account,Email,Email Opt Out,IsDeleted\n" +
        "Ada,Ek,Ek AB,ada@ek.example,1,0\nOld,One,Gone,old@gone.example,0,1\n" +
        `Bo,Ek,Ek AB,bo@ek.example,0,0\nGrand Totals,,,,,\n${below}`
      const { format, items } = yield* read(write(report(
        '\n\n"Leads of May"\n"Copyright (c) 2000-2026 salesforce.com, inc."\n' +
          '"Confidential Information - Do Not Distribute"\n"Generated By: Mara 5/1/2026"\n',
      )))
      expect(format).toBe("salesforce")
      expect(people(items).map((one) => [one.name, one.company, one.optedOut])).toEqual([
        ["Ada Ek", "Ek AB", true],
        ["Bo Ek", "Ek AB", undefined],
      ])
      expect(faults(items)).toEqual([
        { at: "line 3", reason: expect.stringContaining("1 row is marked as deleted") },
      ])
      const cut = yield* read(write(report("broken\n")))
      expect(faults(cut.items).map((one) => one.at)).toEqual(["line 6", "line 3"])
    }))

  it.effect("may have any delimiter, encoding, order and language of columns", () =>
    Effect.gen(function* () {
      const rows =
        "Nachname;Vorname;E-Mail-Adresse;Firma\nMüller;Jörg;joerg@m.example;Müller & Co\n"
      const utf16 = Buffer.from(`\ufeff${rows.replaceAll(";", "\t")}`, "utf16le")
      const contents = [
        rows,
        `\ufeff${rows.replaceAll("\n", "\r\n")}`,
        Buffer.from(rows, "latin1"),
        utf16,
        Buffer.from(utf16).swap16(),
        rows.replaceAll(";", ","),
      ]
      for (const content of contents) {
        const { format, items } = yield* read(write(content))
        expect(format).toBe("people")
        expect(people(items)).toMatchObject([
          { name: "Jörg Müller", address: "joerg@m.example", company: "Müller & Co" },
        ])
      }
    }))

  it.effect("loses no row to a quote that is never closed", () =>
    Effect.gen(function* () {
      const rows = [
        'Ann,ann@x.example,"A, B"',
        'Bob,bob@x.example,"never closed',
        'Cy "C" Q,cy@x.example,5" pipes',
      ]
      const after = Array.from({ length: 300 }, (_, n) => `P${n},p${n}@x.example,"C ${n}"`)
      const { items } = yield* read(
        write(["Name,Email,Company", ...rows, ...after, 'Z,z@x.example,"open'].join("\n")),
      )
      expect(faults(items).map((one) => one.at)).toEqual(["line 3", "line 305"])
      expect(people(items)).toHaveLength(302)
      expect(people(items)[1]).toMatchObject({ name: 'Cy "C" Q', company: '5" pipes' })
      expect(people(items)[2]?.source.at).toBe("line 5")
    }))

  it.effect("with huge rows and binary rubbish goes on", () =>
    Effect.gen(function* () {
      const text = `Name,Email\nA,a@x.example\n${
        "x".repeat(3_000_000)
      }\n\u0001\u0002,\nB,b@x.example\n`
      const { items } = yield* read(write(text))
      expect(people(items).map((one) => one.address)).toContain("b@x.example")
      expect(faults(items).map((one) => one.at)).toContain("line 3")
    }))
})

describe("a file that cannot be imported", () => {
  const rubbish: Readonly<Record<string, readonly [string | Uint8Array, string]>> = {
    "is empty": ["", "export it again"],
    "is a ZIP archive": [Buffer.from("504b030414000000", "hex"), "unpack it"],
    "is packed with gzip": [Buffer.from("1f8b0800000000", "hex"), "unpack it"],
    "is an Outlook file": [Buffer.from("2142444e00", "hex"), "export its folders"],
    "is binary": [Buffer.from([1, 0, 0, 2, 0, 0, 9]), "binary"],
    "is other text": ["Dear diary,\nFrom now on: nothing.\n", "neither mail nor a list"],
    "is Stripe's dashboard's CSV": [
      "id,Amount,Currency,Status,Created (UTC),Customer Email\nch_1,12.00,eur,Paid,2026-01-01,a@b.c\n",
      "stripe charges list",
    ],
    "is AIOS's own list of payments": [
      "Payment,Kind,Status,Amount,Currency,Customer,Email,Description,Of,Date,System\nch_1,charge,,,,,,,,,\n",
      "has what is in it",
    ],
    "is AIOS's own note": ["---\ntitle: x\nkind: draft\naios: export\n---\n\nText\n", "restore"],
    "is JSON": ['{"records": [{"Name": "x"}]}', "neither Stripe's nor Salesforce's"],
  }
  for (const [name, [content, advice]] of Object.entries(rubbish)) {
    it.effect(`because it ${name} is told what to do`, () =>
      Effect.gen(function* () {
        const failed = yield* refusal(write(content))
        expect(failed._tag).toBe("FormatUnknown")
        expect(failed.message).toContain(advice)
      }))
  }
  it.effect("because it is missing or a folder is told what to do", () =>
    Effect.gen(function* () {
      const missing = yield* refusal(join(folder, "nowhere.mbox"))
      expect([missing._tag, missing.message]).toEqual([
        "FileUnreadable",
        expect.stringContaining("check the path"),
      ])
      const directory = yield* refusal(folder)
      expect([directory._tag, directory.message]).toEqual([
        "FileUnreadable",
        expect.stringContaining("give the files in it"),
      ])
    }))
})

describe("the sample company", () => {
  it.effect("comes in whole", () =>
    Effect.gen(function* () {
      const sample = (name: string) => read(join(here, "../../sample", name))
      const mailbox = yield* sample("mailbox.mbox")
      expect([mailbox.format, mails(mailbox.items).length, faults(mailbox.items)]).toEqual([
        "mbox",
        77,
        [],
      ])
      expect(new Set(mails(mailbox.items).map((one) => one.digest)).size).toBe(76)
      const linkedin = yield* sample("leads-linkedin.csv")
      expect([linkedin.format, people(linkedin.items).length]).toEqual(["linkedin", 11])
      const hubspot = yield* sample("leads-hubspot.csv")
      expect([hubspot.format, people(hubspot.items).length]).toEqual(["hubspot", 10])
    }))
})

const real = join(here, "../../../shared/data")
const there = (() => {
  try {
    return readdirSync(real).length > 0
  } catch {
    console.info(`records: ${real} is not there, so its real files are not read`)
    return false
  }
})()

describe.skipIf(!there)("real files", () => {
  it.effect("all come in sensibly", () =>
    Effect.gen(function* () {
      const eml = join(real, "email/eml")
      for (const name of readdirSync(eml)) {
        const { items } = yield* read(join(eml, name))
        expect(items, name).toHaveLength(1)
        const [first] = mails(items)
        expect(first, name).toBeDefined()
        expect(first?.subject.includes("=?") ?? true, name).toBe(false)
      }
      const mbox = (name: string) => read(join(real, "email/mbox", name))
      expect(mails((yield* mbox("issue1189.mbox")).items)).toHaveLength(4)
      expect(mails((yield* mbox("simple.mbox")).items)).toHaveLength(3)
      const japanese = yield* read(join(eml, "mikel-multi_charset-japanese_iso_2022.eml"))
      expect(mails(japanese.items)[0]?.text).toContain("すみません")
      const list = yield* read(join(real, "leads/linkedin-Connections.csv"))
      expect([list.format, people(list.items).length, faults(list.items)]).toEqual([
        "linkedin",
        10,
        [],
      ])
      const accounts = yield* read(join(real, "leads/salesforce-ebikes-Accounts.json"))
      expect([accounts.format, people(accounts.items).map((one) => one.company)]).toEqual([
        "salesforce",
        ["Wheelworks", "Northern Trail Cycling", expect.any(String)],
      ])
      const uci = yield* read(join(real, "billing/uci-online-retail-2010-12-01.csv"))
      const invoices = uci.items.flatMap((item) =>
        "record" in item && item.record.record === "invoice" ? [item.record] : []
      )
      expect([uci.format, invoices.length, faults(uci.items)]).toEqual(["invoice lines", 143, []])
      expect(invoices[0]).toMatchObject({ id: "536365", total: { minor: 13_912, currency: "" } })
      expect(invoices.filter((one) => one.id.startsWith("C") && one.total.minor < 0)).toHaveLength(
        6,
      )
      const counts = yield* Effect.forEach(
        [
          ["billing/stripe-fixtures3.json", "stripe", 5],
          ["calendar/example.ics", "calendar", 3],
          ["calendar/alarm_google_future.ics", "calendar", 1],
          ["calendar/alarm_thunderbird_future.ics", "calendar", 1],
          ["calendar/issue_1081_event_with_rrule.ics", "calendar", 1],
          ["feeds/gofeed-rss-item-extensions.xml", "feed", 2],
          ["feeds/rss-parser-gulp-releases.atom", "feed", 10],
          ["newsletter/opensource-guide-building-community.md", "markdown", 1],
          ["newsletter/opensource-guide-finding-users.md", "markdown", 1],
        ] as const,
        ([name, format, count]) =>
          Effect.map(read(join(real, name)), (one) => ({
            name,
            is: [one.format, one.items.filter((item) => "record" in item).length],
            wanted: [format, count],
          })),
      )
      expect(counts.map((one) => one.is)).toEqual(counts.map((one) => one.wanted))
    }))

  it.effect("have the digest of their raw bytes", () =>
    Effect.gen(function* () {
      const path = join(real, "email/eml/mikel-rfc2822-example01.eml")
      const { items } = yield* read(path)
      expect(mails(items)[0]?.digest).toBe(digestOf(readFileSync(path)))
    }))
})
