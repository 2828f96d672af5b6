/**
 * An extract stands only for what it tells: all amounts, names, days and promises of all events, however
 * many there are, or for fewer events.
 */
import { describe, expect, it } from "vitest"
import { allAmountsIn } from "../../actors/grounded-numbers.ts"
import { extractOf, frameOf } from "../../actors/summary-extract.ts"
import { factsIn } from "../../actors/summary-facts.ts"
import { checked } from "../../actors/summary-test.ts"
import { allSentencesOf } from "../../actors/reading-text.ts"
import type { SummarySource } from "../../actors/summary-sources.ts"

const timeZone = "Europe/Berlin"
const dayMillis = 24 * 60 * 60 * 1000
/** Tuesday 24 November 2026, 10:00 in Berlin. */
const sentAt = Date.UTC(2026, 10, 24, 9)
const subject = { of: "person", key: "p" } as const
const mails = (...texts: ReadonlyArray<string>): ReadonlyArray<SummarySource> =>
  texts.map((text, n) => ({
    ...{ event: `e${n}`, what: "mail", at: sentAt - (texts.length - n) * dayMillis, text },
    ...{ by: "Ada Weiss", names: ["Ada Weiss"], subject: "Travel" },
  }))
const extracted = (sources: ReadonlyArray<SummarySource>) => extractOf(subject, sources, timeZone)
const events = (sources: ReadonlyArray<SummarySource>) => sources.map(({ event }) => event)
const part = (n: number) => `part ${n} costs ${1_200 + 12 * n} EUR`

describe("an extract", () => {
  const many = mails(
    ...Array.from({ length: 14 }, (_, n) => `For the fair, ${part(n)} without tax.`),
    "I promise to send Roberto the contract in early December and I will pay half of the travel.",
    "Thursday at 9:30 would be better for all of us.",
    "My colleague Femke Visser writes to you about the pictures.",
  )
  it("of many events has all their facts, and passes the test", () => {
    const { beyond, stands, text } = extracted(many)
    expect(beyond).toBe(0)
    expect(events(stands)).toEqual(events(many))
    for (let n = 0; n < 14; n++) expect(text).toContain(part(n))
    expect(text).toContain(many[14]!.text)
    expect(text).toContain("Thursday at 9:30")
    expect(text).toContain("Femke Visser")
    const facts = factsIn(many, timeZone)
    expect(facts.filter(({ kind }) => kind === "amount")).toHaveLength(14)
    expect(checked(text, facts, many, timeZone, frameOf(subject, many)).reasons).toEqual([])
  })
  it.each(["amount", "promise", "date", "name"] as const)(
    "of which one %s is taken away fails it",
    (kind) => {
      const facts = factsIn(many, timeZone).filter((fact) => fact.sentence !== "")
      const { text } = extracted(many)
      for (const fact of facts.filter((one) => one.kind === kind)) {
        const others = text.split("\n").filter((line) => !line.includes(fact.sentence)).join("\n")
        expect(checked(others, facts, many, timeZone).reasons.join()).toContain(`lost the ${kind}`)
      }
    },
  )
  it("of one long mail has every amount of it, however its lines are joined", () => {
    const lines = Array.from({ length: 120 }, (_, n) => part(n))
    expect(allAmountsIn(lines.join("\n"))).toHaveLength(120)
    expect(
      factsIn(mails(lines.slice(0, 30).join("\n")), timeZone)
        .filter(({ kind }) => kind === "amount"),
    ).toHaveLength(30)
    const sources = mails(lines.slice(0, 30).join("\n"))
    const { stands, text } = extracted(sources)
    expect(stands).toEqual(sources)
    expect(checked(text, factsIn(sources, timeZone), sources, timeZone, frameOf(subject, sources)))
      .toMatchObject({ reasons: [] })
  })
  it("stands for fewer events where not all of it has room: the newest stay out, and are counted", () => {
    const long = (n: number) =>
      `${part(n)}, ${Array.from({ length: 90 }, () => "as agreed").join(" ")}.`
    const sources = mails(...Array.from({ length: 60 }, (_, n) => long(n)))
    const { beyond, stands, text } = extracted(sources)
    expect(stands.length).toBeGreaterThan(10)
    expect(stands.length + beyond).toBe(60)
    expect(beyond).toBeGreaterThan(0)
    expect(stands).toEqual(sources.slice(0, stands.length))
    for (const { text: said } of stands) expect(text).toContain(said)
    expect(text.length).toBeLessThan(24_000)
  })
  it("leaves an event out of which too much would have to be told, and only that", () => {
    const sources = mails(
      "We pay 300 EUR for one.",
      Array.from({ length: 90 }, (_, n) => `For us ${part(n)} without tax!`).join(" "),
      "We pay 500 EUR for two.",
    )
    const { beyond, stands, text } = extracted(sources)
    expect(events(stands)).toEqual(["e0", "e2"])
    expect(beyond).toBe(1)
    expect(text).not.toContain("part 1 ")
  })
  it.each([
    ["Hi Mara, I gave your name to Jonas from Hafenwerk.", "He is looking for somebody."],
    ["The January issues have two free places.", "Would Langhaus like one?"],
    ["The boat is nearly built, says my brother.", "I will show it to you on Friday."],
  ])("says of whom or what it speaks: %s %s", (first, second) => {
    const { text } = extracted(mails(`${first} ${second}`))
    expect(text).toContain(`“${first}” “${second}”`)
  })
  it.each([
    "thanks, I have passed it on to our accounts department.",
    "Gerne, Anfang Dezember.",
    "I will call you.",
    "Wednesday at 14:00 is fine, thank you.",
    "Wir melden uns Anfang Dezember.",
  ])("takes no short word for a greeting: %s", (said) => {
    expect(extracted(mails(said)).text).toContain(said)
  })
  it("tells every sentence that no rule can read, whole, and what takes an offer back with the offer", () => {
    const [first, second] = [
      "Der Preis ist 3.200 EUR zzgl. 19 % MwSt. Für den Druck kommen 3 500,- Euro dazu.",
      "I have to take that back: the contract is off, you need not wait for it.",
    ]
    const filler = Array.from(
      { length: 9 },
      (_, n) => `The harbour pages look right to ${"abcdefghi"[n]}ll of us here.`,
    ).join(" ")
    const { text } = extracted(mails(`${filler} ${first}`, `${filler} ${second} ${filler}`))
    expect(text).toContain("“Der Preis ist 3.200 EUR zzgl. 19 % MwSt.”")
    expect(text).toContain("“Für den Druck kommen 3 500,- Euro dazu.”")
    expect(text).toContain(`“${second}”`)
  })
  it("tells the same promise of each who gave it, and stands for all of them", () => {
    const said = "We have a place for it. I will send the banner by 20 December."
    const sources = mails(...Array.from({ length: 6 }, () => said))
      .map((one, n) => ({ ...one, person: String(n).repeat(32) }))
    const { stands, text } = extractOf({ of: "day", key: "2026-11-23" }, sources, timeZone)
    expect(text.split("I will send the banner").length - 1).toBe(6)
    expect(stands).toHaveLength(6)
  })
  it("says what it could not keep, where it stands for nothing", () => {
    const [one] = mails("")
    const { lost, text } = extracted([{ ...one!, subject: "1,200 EUR" }])
    expect(text).toBe("")
    expect(lost).toEqual(["lost the amount 1,200 EUR"])
  })
  it.each([
    ["The print budget is now £1,200. We pay it by 4 December 2026. Björk knows.", 3],
    ["Am 3. November kommen wir. Am 3.12. Freitag wäre es auch recht.", 2],
    ["Das sind ca. 40 Leute, z. B. aus Kiel, bzw. aus Bremen. Dr. Groß kommt.", 2],
  ])(
    "ends sentences where they end: %s",
    (text, count) => expect(allSentencesOf(text)).toHaveLength(count),
  )
  it("ends a sentence at its quote", () => {
    const { text } = extracted(
      mails("He wrote “we take 300 EUR.” Then nothing came of it for weeks."),
    )
    expect(text).toContain("“He wrote “we take 300 EUR.””")
  })
})
