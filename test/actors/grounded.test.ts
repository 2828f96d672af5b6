/** A text says only what its sources say: what is refused, and what is the same written otherwise. */
import { describe, expect, it } from "vitest"
import { inventedIn } from "../../actors/grounded.ts"

/** Tuesday 24 November 2026, 10:00 in Berlin. */
const sentAt = Date.UTC(2026, 10, 24, 9)
const ada = {
  text:
    "Hello Mira,\n\nwe accept the 1,200 EUR for two sponsorships. Could you send the contract by Friday, " +
    "15:00? Invoice 1042 can go to billing@lumen.example.\n\nAda Weiss, Lumen",
  sentAt,
}
const marco = {
  text:
    "Guten Tag, die Rechnung 1042 wurde doppelt abgebucht, 2 × 89 EUR. Bitte erstatten Sie 89 € bis zum " +
    "3. Dezember. Marco Rossi",
  sentAt,
}
const options = { timeZone: "Europe/Berlin" }

describe("grounded", () => {
  it.each([
    "Ada Weiss of Lumen accepts EUR 1,200.00 for two sponsorships.",
    "On 24 November 2026 Ada accepted €1.2k and wants the contract by 27 November, 3 pm.",
    "Ada agreed to 1.200 €; the contract is due on 2026-11-27 at 15:00.",
    "Lumen pays twelve hundred euros. Weiss's invoice 1042 goes to billing@lumen.example.",
    "Additionally, Ada asks for the contract by Friday.",
    "Ada Weiss nimmt das Angebot über 1.200 Euro an und bittet um den Vertrag bis Freitag, 27.11.2026.",
    "Die Antwort an Ada steht noch aus. Ihre Frist ist der 27. November um 15 Uhr.",
  ])("takes %j", (text) => expect(inventedIn(text, [ada], options)).toEqual([]))

  it.each([
    "Marco Rossi was charged twice for invoice 1042 (2 x 89 EUR) and wants 89 EUR refunded by 3 December 2026.",
    "Marco bittet um Erstattung von 89,00 EUR bis 03.12.2026.",
  ])("takes %j", (text) => expect(inventedIn(text, [marco], options)).toEqual([]))

  it.each([
    ["Ada accepts 1,500 EUR.", ["invented 1,500 EUR"]],
    ["Ada accepts 1,200 USD.", ["invented 1,200 USD"]],
    ["Ada accepts five thousand euros.", ["invented 5,000 EUR"]],
    ["Ada nimmt fünftausend Euro an.", ["invented 5,000 EUR"]],
    ["The contract is due on 28 November.", ["invented the date 28 November"]],
    ["The contract is due on 27 November 2027.", ["invented the date 27 November 2027"]],
    ["The contract is due on Wednesday.", ["invented the date Wednesday"]],
    ["The contract is due tomorrow.", ["invented the date tomorrow"]],
    ["The contract is due in March.", ["invented the date March"]],
    ["The contract is due by Friday, 16:00.", ["invented the time 16:00"]],
    ["Ada buys 3,000 copies.", ["invented the number 3,000"]],
    ["Peter Smith of Lumen accepts.", ["invented the name Peter", "invented the name Smith"]],
    ["Peter wants the contract.", ["invented the name Peter"]],
    ["Ada arbeitet mit Petra zusammen und will den Vertrag.", ["invented the name Petra"]],
    ["Write to ada@lumen.example.", ["invented the address ada@lumen.example"]],
    ["See https://lumen.example/pay.", ["invented the link https://lumen.example/pay"]],
    ["Ada has paid.", ["claims paid, which nobody wrote"]],
    ["Lumen gets a discount.", ["claims discount, which nobody wrote"]],
  ])("refuses %j", (text, reasons) => expect(inventedIn(text, [ada], options)).toEqual(reasons))

  it("sees a day from when the text is written", () => {
    const now = Date.UTC(2026, 10, 26, 9)
    expect(inventedIn("You get the contract tomorrow.", [ada], { ...options, now })).toEqual([])
    expect(inventedIn("You get the contract next week.", [ada], { ...options, now })).toEqual([
      "invented the date next week",
    ])
  })
  it("takes both ends of a range", () =>
    expect(inventedIn("Between 1,000 EUR and 1,500 EUR.", ["We have 1,000-1,500 EUR."])).toEqual(
      [],
    ))
  it("rests on nothing where there is nothing", () =>
    expect(inventedIn("Nothing was said.", [])).toEqual([]))
})
