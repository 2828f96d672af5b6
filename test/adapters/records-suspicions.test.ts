/** What a mail's headers and parts warn of, and that ordinary mail warns of nothing. */
import { Buffer } from "node:buffer"
import { describe, expect, it } from "vitest"
import { readMail } from "../../adapters/records-mail.ts"

const suspicions = async (text: string) => {
  const item = await readMail(Buffer.from(text), { file: "m", byte: 0, envelope: "" })
  if ("fault" in item) throw new Error(item.fault.reason)
  return item.record.record === "mail" ? item.record.suspicions ?? [] : []
}
const mail = (headers: string, body = "Hello") =>
  suspicions(`From: Ada <ada@lumen.example>\nTo: m@n.example\nSubject: x\n${headers}\n${body}\n`)
const from = (line: string, headers = "") =>
  suspicions(`From: ${line}\nTo: m@n.example\nSubject: x\n${headers}\nHello\n`)

describe("a mail is under suspicion", () => {
  it("of a forged sender", async () => {
    const failed = "Authentication-Results: mx.n.example; spf=fail; dkim=none; dmarc=fail\n"
    expect(await mail(failed)).toEqual(["forgedFrom"])
    expect(await from('"ceo@n.example" <x@evil.example>')).toEqual(["forgedFrom"])
    const softly = "Authentication-Results: mx; spf=fail\nReply-To: x@evil.example\n"
    expect(await mail(softly)).toEqual(["forgedFrom"])
  })
  it("of a sender drawn like another", async () => {
    expect(await from("P <p@pаypal.example>")).toEqual(["lookalikeAddress"])
    expect(await from("P <p@xn--pypal-4ve.example>")).toEqual(["lookalikeAddress"])
    expect(await from("P <p@аррӏе.example>")).toEqual(["lookalikeAddress"])
    expect(await mail("Reply-To: p@pаypal.example\n")).toEqual(["lookalikeAddress"])
  })
  it("of parts that run", async () => {
    const html = (body: string) => mail("Content-Type: text/html\n", body)
    expect(await html("<p>a</p><script>alert(1)</script>")).toEqual(["activeContent"])
    expect(await html('<a href="javascript:alert(1)">a</a>')).toEqual(["activeContent"])
    expect(await html('<form action="https://x.example"><input></form>')).toEqual(["activeContent"])
    expect(await html('<img src=x onerror="alert(1)">')).toEqual(["activeContent"])
    const attached = (name: string) =>
      mail(
        "Content-Type: multipart/mixed; boundary=b\n",
        `--b\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename="${name}"\n\nx\n--b--`,
      )
    for (const name of ["invoice.pdf.exe", "prices.xlsm", "setup.msi", "page.html", "a.pdf .scr"]) {
      expect(await attached(name), name).toEqual(["activeContent"])
    }
    expect(await attached("invoice.pdf")).toEqual([])
  })
  it("of being cut", async () => {
    expect(await mail(`X-Long: ${"x".repeat(10_000_000)}\n`)).toEqual(["oversized"])
  })
})

describe("ordinary mail", () => {
  it("is under no suspicion", async () => {
    const passed = "Authentication-Results: mx.n.example; spf=pass; dkim=pass; dmarc=pass\n"
    expect(await mail(passed)).toEqual([])
    expect(await mail("")).toEqual([])
    // Forwarded: the envelope fails, the signature holds.
    expect(await mail("Authentication-Results: mx; spf=fail; dkim=pass\n")).toEqual([])
    expect(await from("'Jo jo@x.example' via Group <group@list.example>")).toEqual([])
    expect(await from("Jürgen <j@bücher.example>")).toEqual([])
    expect(await from("Иван <ivan@почта.example>")).toEqual([])
    expect(await from("Jo <jo@xn--bcher-kva.example>")).toEqual([])
    expect(
      await mail("Content-Type: text/html\n", '<a href="https://x.example" onclickx>a</a><b>x</b>'),
    )
      .toEqual([])
  })
})

describe("a mail that", () => {
  it("was deleted lies in the trash, one to hidden receivers is to them", async () => {
    const read = async (headers: string) => {
      const item = await readMail(
        Buffer.from(`From: a@a.example\nSubject: x\n${headers}\nHello\n`),
        { file: "m", byte: 0, envelope: "" },
      )
      return "record" in item && item.record.record === "mail" ? item.record : undefined
    }
    expect((await read("X-Mozilla-Status: 0009\n"))?.labels).toEqual(["Deleted"])
    expect((await read("X-Mozilla-Status: 0001\n"))?.labels).toEqual([])
    expect((await read("Bcc: b@b.example\n"))?.cc).toEqual([{ name: "", address: "b@b.example" }])
    const many = Array.from({ length: 9 }, (_, n) => `b${n}@b.example`).join(", ")
    expect((await read(`Bcc: ${many}\n`))?.cc).toEqual([])
  })
})
