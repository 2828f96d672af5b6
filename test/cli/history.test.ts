/** History stays history: old mail that is imported today was lived then, and asks for nothing now. */
import { expect, it } from "vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { seeded } from "../seeded.ts"
import { home } from "./aios.ts"

const mails = 300
const people = 40

/** Mail of 2021 with every sign of interest, in no order, as exports have it. */
const mailbox = () => {
  const dice = seeded()
  const messages = Array.from({ length: mails }, (_, n) => {
    const at = new Date(Date.UTC(2021, 0, 1) + dice.below(360 * 24 * 60) * 60_000)
    const person = dice.below(people)
    return [
      `From ${n}@xxx ${at.toUTCString()}`,
      `From: Person ${person} <p${person}@firm.example>`,
      "To: Mara <mara@northlight.example>",
      `Message-ID: <${n}@firm.example>`,
      `Date: ${at.toUTCString()}`,
      `Subject: Project ${n}`,
      "",
      "What would a website cost? We have a budget of 9000 EUR and want to start in March.",
      "",
    ].join("\n")
  })
  return messages.join("\n")
}

it("mail of 2021 gives leads that cooled down long ago, and not one approval", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aios-history-"))
  const aios = home()
  try {
    const file = join(folder, "old.mbox")
    writeFileSync(file, mailbox())
    await aios.aios("init", "--name", "Mara", "--address", "mara@northlight.example")
    expect(await aios.json("import", file)).toMatchObject({ imported: mails, faults: 0 })
    expect(await aios.json("approvals")).toEqual([])
    const leads = await aios.json("agents", "lead") as ReadonlyArray<{ state: string }>
    expect(leads.length).toBeGreaterThan(people / 2)
    expect(new Set(leads.map(({ state }) => state))).toEqual(new Set(["cold"]))
    expect(await aios.json("brief")).toMatchObject({ leads: [], approvals: [] })
    expect(await aios.json("replay")).toMatchObject({ divergences: [] })
    // What comes later about that time changes nothing either.
    const late = join(folder, "late.mbox")
    writeFileSync(late, mailbox().replaceAll("Message-ID: <", "Message-ID: <late"))
    expect(await aios.json("import", late)).toMatchObject({ imported: mails })
    expect(await aios.json("approvals")).toEqual([])
  } finally {
    aios.remove()
    rmSync(folder, { recursive: true, force: true })
  }
})
