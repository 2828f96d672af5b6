/** What the founder is asked disappears with its reason, in the command that took the reason away. */
import { expect, it } from "vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { home } from "./aios.ts"

const mail = (id: number, text: string) =>
  [
    "From: Una <una@una.example>",
    "To: Mara <mara@northlight.example>",
    "Subject: Price",
    `Message-ID: <${id}@una.example>`,
    `Date: Mon, 23 Nov 2026 0${id}:00:00 +0000`,
    "",
    text,
    "",
  ].join("\n")

it.each(["STOP", "Opt out", "Please unsubscribe me.", "Please delete all my personal data."])(
  "who writes %j is not offered to be written to any more",
  async (words) => {
    const folder = mkdtempSync(join(tmpdir(), "aios-withdrawn-"))
    const aios = home()
    try {
      await aios.aios("init", "--name", "Mara", "--address", "mara@northlight.example")
      const [first, second] = [join(folder, "1.eml"), join(folder, "2.eml")]
      writeFileSync(first, mail(1, "What does it cost? We have a budget of 9000 EUR."))
      writeFileSync(second, mail(2, words))
      await aios.json("import", first)
      expect(await aios.json("approvals")).toHaveLength(1)
      await aios.json("import", second)
      expect(await aios.json("approvals")).toEqual([])
      expect(await aios.json("agents", "gatekeeper")).toMatchObject([{ state: "superseded" }])
      expect(await aios.json("agents", "lead")).toMatchObject([{ state: "unsubscribed" }])
    } finally {
      aios.remove()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)

it("a mistyped agent or actor is told, not answered with nothing", async () => {
  const aios = home()
  try {
    await aios.aios("init", "--name", "Mara", "--address", "mara@northlight.example")
    expect(await aios.aios("agents", "foo")).toMatchObject({ code: 2 })
    expect(await aios.aios("replay", "lead/zzz")).toMatchObject({ code: 1 })
    expect(await aios.aios("brief", "--date", "2027-01-01")).toMatchObject({ code: 2 })
  } finally {
    aios.remove()
  }
})
