/**
 * The sample company with mails of people who mean harm among its own: nothing leaves the house,
 * nobody gets an approval out of an order to a machine, and the founder is told what was held back.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Approval, Brief } from "../../projections/aios.ts"
import { founder, type Home, home, root } from "../cli/aios.ts"
import { hostileMails, instructing, loaded, pretending, unseen } from "./hostile.ts"

/** Reading a mail with 10 MB of headers must not take longer. */
const importMillisMax = 30_000

let house: Home
let brief: Brief
let text = ""
let millis = 0

beforeAll(async () => {
  house = home()
  const folder = join(house.dir, "..", "company")
  cpSync(join(root, "sample"), folder, { recursive: true })
  const mailbox = join(folder, "mailbox.mbox")
  const before = readFileSync(mailbox, "utf8")
  writeFileSync(mailbox, `${before.trimEnd()}\n\n${hostileMails.map((one) => one.mail).join("")}`)
  await house.aios("init", ...founder)
  const began = performance.now()
  const imported = await house.aios("import", folder, "--json")
  millis = performance.now() - began
  expect(imported.code, imported.err).toBe(0)
  brief = await house.json("brief") as Brief
  text = (await house.aios("brief")).out
}, 120_000)
afterAll(() => house.remove())

const files = (folder: string): ReadonlyArray<string> =>
  existsSync(join(house.dir, folder))
    ? readdirSync(join(house.dir, folder), { recursive: true }).map(String)
    : []

describe("hostile mail in the sample company", () => {
  it("is read in bounded time", () => expect(millis).toBeLessThan(importMillisMax))

  it("makes nothing leave the house", () => {
    for (const folder of ["outbox", "payments", "published", "crm"]) {
      expect([folder, files(folder)]).toEqual([folder, []])
    }
  })

  const approvalsTo = (approvals: ReadonlyArray<Approval>, address: string) =>
    approvals.filter((one) => JSON.stringify(one.content).includes(address))

  for (const { address, name } of [...instructing, ...pretending.slice(0, 2), ...unseen]) {
    it(`gets no draft out of ${name} <${address}>`, async () => {
      const approvals = await house.json("approvals") as ReadonlyArray<Approval>
      expect(approvalsTo(approvals, address)).toEqual([])
    })
  }

  it("does not let a forged sender accept an offer", async () => {
    const approvals = await house.json("approvals") as ReadonlyArray<Approval>
    const daniel = JSON.stringify(approvalsTo(approvals, "daniel@osei-kaffee.example"))
    expect(daniel).not.toMatch(/2,000|bank|transfer/i)
    expect(
      approvals.filter((one) => one.risk === "money").map((one) => JSON.stringify(one.content)),
    )
      .toEqual(expect.not.arrayContaining([expect.stringContaining("osei-kaffee")]))
  })

  for (
    const { name, held } of [...instructing, ...pretending, ...loaded].filter((one) => one.held)
  ) {
    it(`tells the founder of ${name}: ${held}`, () => {
      const words = brief.held.map((one) => one.what).join("\n")
      expect(words).toContain(name)
    })
  }

  it("leads from a held line to the mail", async () => {
    const held = brief.held.filter((one) => one.what.startsWith("a mail of"))
    expect(held.every((one) => one.events.length > 0)).toBe(true)
    const why = await house.json("why", held[0]!.events[0]!)
    expect(JSON.stringify(why)).toContain("mailbox.mbox")
  })

  it("shows what strangers wrote as text, not as codes for the terminal", () => {
    // deno-lint-ignore no-control-regex -- these are what it is about
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
  })

  it("leaves the sample's own brief as it is", () => {
    expect(text).toContain("Ada Weiss")
    expect(text).toContain("Marco Rossi")
  })
})
