/**
 * Key facts are found again however they are written, and are missed where they are not there. Amounts and
 * days are drawn at random, and written in each of the ways people write them.
 */
import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { amountWords } from "../../actors/grounded-numbers.ts"
import { type Fact, factsIn, importantOf } from "../../actors/summary-facts.ts"
import { lossOf, says } from "../../actors/summary-keeps.ts"
import { answers } from "../../actors/summary-questions.ts"
import { checked, questionsFor } from "../../actors/summary-test.ts"
import type { SummarySource } from "../../actors/summary-sources.ts"

const timeZone = "Europe/Berlin"
/** Tuesday 24 November 2026, 10:00 in Berlin. */
const sentAt = Date.UTC(2026, 10, 24, 9)
const source = (text: string, more: Partial<SummarySource> = {}): SummarySource => ({
  ...{ event: "e1", what: "mail", at: sentAt, by: "Ada Weiss", names: ["Ada Weiss"] },
  ...{ subject: "", text, person: "0".repeat(32), ...more },
})
const factOf = (kind: Fact["kind"], text: string): Fact => {
  const fact = factsIn([source(text)], timeZone).find((one) => one.kind === kind)
  if (fact === undefined) throw new Error(`No ${kind} in: ${text}`)
  return fact
}
const values = (text: string, kind: Fact["kind"]) =>
  factsIn([source(text)], timeZone).filter((one) => one.kind === kind).map(({ value }) => value)

const grouped = (n: number, by: string) => String(n).replace(/\B(?=(\d{3})+$)/g, by)
const Euros = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 99_999 }))
const Cents = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99 }))

describe("an amount", () => {
  it.prop("is the same in every writing", [Euros, Cents], ([euros, cents]) => {
    const two = String(cents).padStart(2, "0")
    const fact = factOf("amount", `We pay ${grouped(euros, ",")}.${two} EUR for it.`)
    const writings = [
      `${euros}.${two} EUR`,
      `EUR ${grouped(euros, ",")}.${two}`,
      `€${grouped(euros, ",")}.${two}`,
      `${grouped(euros, ".")},${two} €`,
      `${grouped(euros, ".")},${two} Euro`,
      ...(cents === 0
        ? [`${euros} EUR`, `${grouped(euros, ".")} €`, `€ ${grouped(euros, ",")}`]
        : []),
    ]
    for (const words of writings) {
      expect(says(`It comes to ${words} in all.`, fact, timeZone), words).toBe(true)
      expect(answers(words, fact, timeZone), words).toBe(true)
    }
  })
  it.prop("is no other amount, and no other currency", [Euros, Euros], ([one, other]) => {
    if (one === other) return
    const fact = factOf("amount", `We pay ${one} EUR for it.`)
    expect(says(`It comes to ${grouped(other, ",")} EUR.`, fact, timeZone)).toBe(false)
    expect(says(`It comes to ${one} USD.`, fact, timeZone)).toBe(false)
    expect(answers(`${one} EUR or ${other} EUR`, fact, timeZone)).toBe(false)
    const { reasons } = checked(
      `Ada Weiss pays ${other} EUR.`,
      [fact],
      [source(`We pay ${one} EUR for it.`)],
      timeZone,
    )
    expect(reasons).toEqual([
      `invented ${amountWords({ minor: other * 100, currency: "EUR" })}`,
      `lost the amount ${amountWords({ minor: one * 100, currency: "EUR" })}`,
    ])
  })
})

const monthsEnglish =
  "January February March April May June July August September October November December"
    .split(" ")
const monthsGerman =
  "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
    .split(" ")
const Month = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))
const Date_ = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 28 }))
const pad = (n: number) => String(n).padStart(2, "0")

describe("a date", () => {
  it.prop("is the same in every writing", [Month, Date_], ([month, date]) => {
    const iso = `2027-${pad(month)}-${pad(date)}`
    const fact = factOf("date", `The fair begins on ${iso} in Leipzig.`)
    expect(fact.value).toBe(iso)
    for (
      const words of [
        iso,
        `${date} ${monthsEnglish[month - 1]} 2027`,
        `${monthsEnglish[month - 1]} ${date}, 2027`,
        `${date}. ${monthsGerman[month - 1]} 2027`,
        `${pad(date)}.${pad(month)}.2027`,
        `${date}.${month}.27`,
      ]
    ) expect(says(`It begins on ${words}.`, fact, timeZone), words).toBe(true)
    expect(says(`It begins on 2028-${pad(month)}-${pad(date)}.`, fact, timeZone)).toBe(false)
  })
  it.prop("shifted by some days is another", [Date_, Date_], ([one, other]) => {
    if (one === other) return
    const text = `The fair begins on 2027-03-${pad(one)} in Leipzig.`
    const { reasons } = checked(
      `Ada: the fair begins on ${other} March 2027.`,
      importantOf(factsIn([source(text)], timeZone)),
      [source(text)],
      timeZone,
    )
    expect(reasons).toEqual([
      `invented the date ${other} March 2027`,
      "lost the name Leipzig",
      `lost the date ${one} Mar 2027`,
    ])
  })
})

describe("facts are read from what was written", () => {
  it.each(
    [
      ["I will send you the plan by Friday.", "promise", [
        "ada weiss 2026-11-27 i will send you the plan by friday.",
      ]],
      ["Please send us the plan by 3 December.", "promise", [
        "you 2026-12-03 please send us the plan by 3 december.",
      ]],
      ["Ich überweise den Betrag bis Freitag.", "promise", [
        "ada weiss 2026-11-27 ich überweise den betrag bis freitag.",
      ]],
      ["We pay 1.200 € now and 300 EUR later.", "amount", ["120000 EUR", "30000 EUR"]],
      ["I ask about invoice 1042 again.", "name", ["invoice 1042", "ada weiss"]],
    ] as const,
  )("%s", (text, kind, expected) => expect(values(text, kind)).toEqual(expected))

  it.each(
    [
      ["Our budget is twenty-five thousand dollars.", "amount", ["2500000 USD"]],
      ["Es kostet hundertzwanzig Euro.", "amount", ["12000 EUR"]],
      ["Die Rechnung über zweitausend CHF kommt.", "amount", ["200000 CHF"]],
      ["Der Preis ist 3.200 EUR zzgl. 19 % MwSt.", "number", ["19 %"]],
      ["A discount of ten percent if you sign.", "number", ["10 %"]],
      ["We pay 900 a month.", "number", ["900"]],
      ["Zahlung erfolgt bis KW 49.", "number", ["49"]],
      ["My card was charged twice for half of it.", "number", ["0.5", "2"]],
    ] as const,
  )("%s", (text, kind, expected) => expect(values(text, kind)).toEqual(expected))

  it.each([
    "Björk said she would send you the contract next Friday.",
    "Käthe hat zugesagt, dass sie bis Montag zahlt.",
    "You have my word: the banner comes.",
    "Ich kümmere mich darum.",
    "Consider it done by Monday.",
    "Count on me for the slides.",
    "Unser Anwalt wird die Unterlagen einreichen.",
    "Sie bekommen das Geld in drei Wochen.",
  ])("binds somebody: %s", (text) => {
    expect(says("Somebody wrote about the weather.", factOf("promise", text), timeZone)).toBe(false)
    expect(says(`She wrote: “${text}”`, factOf("promise", text), timeZone)).toBe(true)
  })
  it.each([
    "I take back my promise to send the logo.",
    "I have to take that back: the contract is off.",
    "Scratch that, we no longer will sign.",
    "Leider muss ich meine Zusage zurücknehmen.",
    "Wir kommen doch nicht nach Leipzig.",
    // What no rule can read.
    "The licence is fifteen hundred bucks a year.",
    "Kr 4.500 pro Monat sind es.",
    "Das macht anderthalbtausend Euro.",
    "That makes a hundred and fifty quid.",
    "Within a fortnight the money is there.",
    "Rs. 50,000 for the hall.",
  ])("is told word for word or lost: %s", (text) => {
    const fact = factOf("sentence", text)
    expect(says(`3 Nov 2026, Ada Weiss: “${text}”`, fact, timeZone)).toBe(true)
    expect(says(text.slice(0, -3), fact, timeZone)).toBe(false)
    expect(lossOf(fact)).toBe(`lost the sentence “${text}” (Ada Weiss)`)
  })
  it("a promise that says not is told with its not", () => {
    const fact = factOf("promise", "Björk will not send the signed contract.")
    expect(says("Björk will send the signed contract.", fact, timeZone)).toBe(false)
    expect(says("Björk does not send the signed contract.", fact, timeZone)).toBe(true)
  })
  it("a name with a digit in it is found", () => {
    const fact = factsIn([source("Hello.", { by: "Studio54", names: ["Studio54"] })], timeZone)
      .find(({ kind }) => kind === "name")!
    expect(says("3 Nov 2026, Studio54: “Hello.”", fact, timeZone)).toBe(true)
    expect(says("3 Nov 2026, Studio: “Hello.”", fact, timeZone)).toBe(false)
  })
  it("the same promise of several people is one of each, though all have one name", () => {
    const said = "I will send the banner by 20 December."
    const sources = Array.from({ length: 6 }, (_, n) =>
      source(said, {
        ...{ event: `e${n}`, person: String(n).repeat(32) },
        ...{ by: "Lena Böhm", names: ["Lena Böhm"] },
      }))
    const promises = factsIn(sources, timeZone).filter(({ kind }) => kind === "promise")
    expect(promises).toHaveLength(6)
    const once = "Lena Böhm sends the banner by 20 December 2026."
    const keeps = (text: string) => promises.map((fact) => says(text, fact, timeZone))
    expect(new Set(keeps(once))).toEqual(new Set([false]))
    expect(lossOf(promises[0]!)).toBe(
      "lost the promise for 20 Dec 2026 (Lena Böhm, one of 6 who said so)",
    )
    expect(new Set(keeps(`Six people: ${once}`))).toEqual(new Set([true]))
    expect(new Set(keeps(sources.map(() => `“${said}”`).join("\n")))).toEqual(new Set([true]))
    // Of whom one wrote twice.
    expect(
      factsIn([...sources, { ...sources[0]!, event: "e7" }], timeZone)
        .filter(({ kind }) => kind === "promise"),
    ).toHaveLength(6)
  })

  it("names are found by the first or the last", () => {
    const fact = factOf("name", "Hello there, it is a long story.")
    expect(says("Weiss wants it.", fact, timeZone)).toBe(true)
    expect(says("Adas Angebot steht.", fact, timeZone)).toBe(true)
    expect(says("Somebody wants it.", fact, timeZone)).toBe(false)
    expect(lossOf(fact)).toBe("lost the name Ada Weiss")
  })
  it("a promise is kept by the day it meant, and lost without it", () => {
    const fact = factOf("promise", "I will send you the plan by Friday.")
    expect(says("Ada sends the plan by 27 November 2026.", fact, timeZone)).toBe(true)
    expect(says("Ada sends the plan by Friday.", fact, timeZone)).toBe(true)
    expect(says("Ada sends the plan soon.", fact, timeZone)).toBe(false)
    expect(lossOf(fact)).toBe("lost the promise for 27 Nov 2026 (Ada Weiss)")
  })
  it("a question that two facts answer is not asked", () => {
    const facts = factsIn([source("Between 300 EUR and 400 EUR is what we can spend.")], timeZone)
    expect(questionsFor(facts, timeZone)).toEqual([])
  })
})
