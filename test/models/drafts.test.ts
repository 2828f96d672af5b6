/**
 * The sample company with the real small model: every mail that waits has a draft and says how it was
 * made, what a model wrote says nothing that nobody wrote, and what it read of people has its evidence.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { inventedIn } from "../../actors/grounded.ts"
import type { Approval, PersonRow, Why } from "../../projections/aios.ts"
import { citesOf, madeWords, modelOf } from "../../projections/aios-made.ts"
import { textOf } from "../../projections/fields.ts"
import { objectOf } from "../../projections/fields.ts"
import { founder, type Home, home, root, start } from "../cli/aios.ts"
import { chatModel, withOllama } from "./real.ts"

/** However slow the machine is. */
const importMillisMax = 240_000
const readingMillisMax = 400_000
/** A small model on a busy machine takes a minute for some of them. */
const readingsMin = 4
const now = Date.UTC(2026, 10, 24, 7)

interface CostRow {
  readonly agent: string
  readonly activity: string
  readonly model: string
  readonly calls: number
}

/** All that the sample says, as it stands in its files. */
const sampleText = (): string =>
  readdirSync(join(root, "sample"), { recursive: true }).map(String)
    .filter((name) => /\.(mbox|md|csv|json|jsonl|ics|atom)$/.test(name))
    .map((name) => readFileSync(join(root, "sample", name), "utf8").replace(/=\n/g, "")).join("\n")

withOllama("drafts and forecasts with the real small model", () => {
  let house: Home
  let mails: ReadonlyArray<Approval>
  beforeAll(async () => {
    house = home(new Date(now).toISOString())
    await house.aios("init", ...founder, "--working-hours", "09:00-17:00")
    const { code, err } = await house.aios("import", join(root, "sample"))
    if (code !== 0) throw new Error(err)
    mails = (await house.json("approvals") as ReadonlyArray<Approval>)
      .filter(({ activity }) => activity === "sendMail")
  }, importMillisMax)
  afterAll(() => house.remove())

  it("gives every mail a draft that says how it was made", () => {
    expect(mails.length).toBeGreaterThan(5)
    for (const mail of mails) {
      const text = textOf(objectOf(mail.content)["text"])
      expect(text.length).toBeGreaterThan(40)
      expect(text.trimEnd().endsWith("Mara")).toBe(true)
      // By the model, or by the template with the reason why not by the model.
      const byModel = modelOf(mail.made ?? "") === chatModel
      expect(byModel || (mail.made === "template-2" && (mail.refusedModel ?? []).length > 0))
        .toBe(true)
      expect(madeWords(mail)).toMatch(byModel ? /^written by gemma3:270m/ : /^made by a template/)
    }
  })

  it("lets nothing through that nobody wrote", () => {
    const sources = [sampleText(), "Mara Lindqvist", ...founder]
    const said = mails.filter(({ made = "" }) => modelOf(made) !== undefined)
    for (const { content } of said) {
      const text = textOf(objectOf(content)["text"])
      expect({ text, invented: inventedIn(text, sources, { now, timeZone: "Europe/Berlin" }) })
        .toEqual({ text, invented: [] })
    }
  })

  it("asked the model, once per draft and repair, and says what that cost", async () => {
    const { rows } = await house.json("costs") as { readonly rows: ReadonlyArray<CostRow> }
    const [row] = rows.filter(({ activity }) => activity === "draftMail")
    expect(row).toMatchObject({ agent: "executor", model: chatModel })
    expect(row!.calls).toBeGreaterThan(0)
  })

  it("leads from what a draft rests on to the mail it stands in", async () => {
    const [cite] = mails.flatMap((mail) => citesOf(mail))
    expect(cite).toBeDefined()
    const why = await house.json("why", cite!.event) as Why
    expect(why.causes[0]!.source?.file).toBe("mailbox.mbox")
  })

  it("reads people in the background, each with evidence or by the rules", async () => {
    const serving = start(["start", "--data-dir", house.dir], {
      env: { AIOS_NOW: new Date(now).toISOString() },
    })
    try {
      const end = performance.now() + readingMillisMax
      let people: ReadonlyArray<PersonRow> = []
      while (performance.now() < end && people.length < readingsMin) {
        await new Promise((then) => setTimeout(then, 2_000))
        people = (await house.json("people") as ReadonlyArray<PersonRow>)
          .filter(({ reading }) => reading !== undefined)
      }
      expect(people.length).toBeGreaterThanOrEqual(readingsMin)
      for (const { reading } of people) {
        expect(reading!.made).toMatch(reading!.by === "model" ? /^gemma3:270m / : /^rules-/)
        if (reading!.by === "model") {
          expect(reading!.evidence.length).toBeGreaterThan(0)
          for (const { event, quote } of reading!.evidence) {
            const why = await house.json("why", event) as Why
            expect(why.causes.length).toBeGreaterThan(0)
            expect(quote.length).toBeGreaterThan(7)
          }
        }
      }
    } finally {
      serving.kill("SIGTERM")
      await new Promise((then) => serving.once("close", then))
    }
  }, readingMillisMax + 60_000)
})
