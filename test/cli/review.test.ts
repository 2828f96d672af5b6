/**
 * From a draft to a published file through the command line: what is not finished cannot be reviewed, what
 * passed waits for its day and for the founder's word, and a conversation that was dealt with is not told
 * any more until the person writes again.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Approval, Brief, Done, History, Review, WhyNot } from "../../projections/aios.ts"
import { founder, type Home, home, root, run } from "./aios.ts"

const today = "2026-11-24T07:00:00Z"
/** 26 November in Berlin, the day the issue is due. */
const itsDay = "2026-11-26T12:00:00Z"

let house: Home
beforeAll(async () => {
  house = home(today)
  expect((await house.aios("init", ...founder, "--working-hours", "09:00-17:00")).code).toBe(0)
}, 60_000)
afterAll(() => house.remove())

/** At another time. */
const at = (now: string) => (...args: Array<string>) =>
  run([...args, "--data-dir", house.dir], { env: { AIOS_NOW: now } })
const jsonAt = (now: string) => async (...args: Array<string>): Promise<unknown> => {
  const { code, err, out } = await at(now)(...args, "--json")
  if (code !== 0) throw new Error(`aios ${args.join(" ")} ended with ${code}:\n${err}${out}`)
  return JSON.parse(out)
}
const refused = async (...args: Array<string>) => {
  const { code, err } = await house.aios(...args, "--json")
  return { code, ...JSON.parse(err.trim().split("\n").at(-1)!).error }
}
const contentOf = (brief: Brief) =>
  [...brief.now, ...brief.week].find((item) => item.kind === "content")

describe("an issue of the newsletter", () => {
  let folder = ""
  const draft = (more: (text: string) => string) => {
    const path = join(folder, "47-draft.md")
    writeFileSync(path, more(readFileSync(path, "utf8")))
    return path
  }
  beforeAll(async () => {
    folder = join(house.dir, "..", "newsletter")
    mkdirSync(folder)
    cpSync(join(root, "sample/newsletter"), folder, { recursive: true })
    await house.json("import", folder)
  }, 60_000)

  test("that is being written has nothing to review, and says what to do", async () => {
    const looked = await house.json("review", "newsletter-47") as Review
    expect(looked).toMatchObject({ state: "writing", made: "founder", notes: 5 })
    expect(looked.text).toContain("Photographs on the map expire")
    const early = await refused("review", "newsletter-47", "--pass")
    expect(early).toMatchObject({ code: 1, error: "NothingToReview", detail: { state: "writing" } })
    expect(early.message).toContain("status: final")
    expect(await refused("review", "newsletter-47", "--reject", "no")).toMatchObject({ code: 1 })
    expect(await refused("review", "newsletter-48")).toMatchObject({ error: "ArticleNotFound" })
    expect(await refused("review", "newsletter-47", "--pass", "--reject", "x"))
      .toMatchObject({ code: 2 })
    expect(await refused("review", "newsletter-47", "--reject", " ")).toMatchObject({ code: 2 })
    expect(await house.json("agents", "article") as ReadonlyArray<unknown>).toHaveLength(1)
  }, 60_000)

  test("that is finished waits for the review, and the brief says how", async () => {
    const final = draft((text) => text.replace("status: draft", "status: final"))
    await house.json("import", final)
    const item = contentOf(await house.json("brief") as Brief)
    expect(item!.action).toBe("aios review newsletter-47")
    expect(await house.json("review", "newsletter-47")).toMatchObject({ state: "inReview" })
    const shown = (await house.aios("review", "newsletter-47")).out
    expect(shown).toContain("Photographs on the map expire")
    expect(shown).toContain("aios review newsletter-47 --pass")
  }, 60_000)

  test("that is sent back is written again, and comes back with its new text", async () => {
    const back = await house.json("review", "newsletter-47", "--reject", "card fees") as Review
    expect(back).toMatchObject({ state: "writing" })
    expect(back.outcome).toContain("card fees")
    const mended = draft((text) =>
      `${text.replace("written: 2026-11-22", "written: 2026-11-23")}\nCard fees fall in January.\n`
    )
    await house.json("import", mended)
    expect((await house.json("review", "newsletter-47") as Review).text).toContain("Card fees fall")
  }, 60_000)

  test("passes, is scheduled, asks on its day, and is published once approved", async () => {
    const { article, ...passed } = await house.json("review", "newsletter-47", "--pass") as Review
    expect(passed.state).toBe("scheduled")
    expect(passed.outcome).toContain("26 Nov")
    const twice = await house.json("review", "newsletter-47", "--pass") as Review
    expect(twice.outcome).toContain("had passed its review before")
    expect(await house.json("approvals")).toEqual([])

    const brief = await jsonAt(itsDay)("brief") as Brief
    const [approval] = await jsonAt(itsDay)("approvals") as ReadonlyArray<Approval>
    expect(approval).toMatchObject({ activity: "publishArticle" })
    expect(JSON.stringify(approval!.content)).toContain("Card fees fall in January")
    expect(contentOf(brief)!.action).toMatch(/^aios approve /)
    expect((await jsonAt(itsDay)("review", "newsletter-47") as Review).outcome)
      .toContain(`aios approve ${approval!.id.slice(0, 8)}`)
    expect((await at(itsDay)("approve", approval!.id)).code).toBe(0)

    const [name] = readdirSync(join(house.dir, "published")).filter((one) => one.endsWith(".md"))
    const published = readFileSync(join(house.dir, "published", name!), "utf8")
    expect(published).toContain("Card fees fall in January")
    const actor = await jsonAt(itsDay)("why-not", `article/${article}`) as WhyNot
    expect(actor.state).toMatchObject({ text: "published" })
    const late = await at(itsDay)("review", "newsletter-47", "--pass")
    expect([late.code, late.err]).toEqual([1, expect.stringContaining("published already")])
  }, 120_000)
})

describe("a conversation", () => {
  const mbox = (sent: string, id: string, text: string) =>
    `From ada@lumen.example ${sent}\nFrom: Ada Weiss <ada@lumen.example>\nTo: mara@northlight.example\n` +
    `Subject: A question\nMessage-ID: <${id}@lumen.example>\nDate: ${sent}\n\n${text}\n\n`
  const write = (name: string, text: string) => {
    const path = join(house.dir, "..", name)
    writeFileSync(path, text)
    return path
  }
  const told = (brief: Brief) =>
    [...brief.now, ...brief.week].filter((item) =>
      item.kind === "reply" && item.person === "Ada Weiss"
    )

  test("that was dealt with otherwise is told no more, until the person writes again", async () => {
    await house.json(
      "import",
      write("1.mbox", mbox("Mon, 23 Nov 2026 09:00:00 +0000", "1", "Which printer do you use?")),
    )
    const [item] = told(await house.json("brief") as Brief)
    expect(item!.action).toBe("aios done ada@lumen.example")
    expect(item!.more).toContainEqual({ prepared: "", action: "aios history ada@lumen.example" })

    const done = await house.json("done", "Ada", "Weiss") as Done
    expect(done).toMatchObject({ person: "Ada Weiss", changed: true })
    expect(done.state).toContain("turn.quiet")
    expect(told(await house.json("brief") as Brief)).toEqual([])
    const again = await house.json("done", "ada@lumen.example") as Done
    expect(again).toMatchObject({ changed: false, outcome: expect.stringContaining("before") })
    const { entries } = await house.json("history", "Ada Weiss") as History
    expect(entries.filter(({ what }) => what.includes("dealt with"))).toHaveLength(1)

    await house.json(
      "import",
      write("2.mbox", mbox("Tue, 24 Nov 2026 06:00:00 +0000", "2", "Could you tell me today?")),
    )
    expect(told(await house.json("brief") as Brief)).toHaveLength(1)
    expect(await house.json("done", done.key.slice(0, 8))).toMatchObject({ changed: true })
  }, 120_000)

  test("of nobody, or of nobody who wrote, is refused", async () => {
    expect(await refused("done", "Nobody")).toMatchObject({ code: 1, error: "PersonNotFound" })
    const people = write("people.csv", "Name,Email\nKlara Winter,klara@winter.example\n")
    await house.json("import", people)
    expect(await refused("done", "Klara")).toMatchObject({ code: 1, error: "NoConversation" })
  }, 60_000)
})
