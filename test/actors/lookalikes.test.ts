/** Addresses that are made to look like known ones, and those that only resemble them. */
import { describe, expect, it } from "vitest"
import { KnownDomains } from "../../actors/lookalikes.ts"

const known = new KnownDomains()
const people = ["jonas@hafenwerk.example", "ada@lumen.example", "p1@client7.example", "x@gmail.com"]
people.forEach((address) => known.add({ name: "", address }, true))
known.add({ name: "Druckhaus Sommer", address: "rechnung@druckhaus.example" }, false)
const looks = (address: string, name = "") => known.isLookalike({ name, address })

describe("a lookalike", () => {
  it.each([
    "jonas@hafenwerk.exarnple",
    "jonas@hafenvverk.example",
    "jonas@hafenwrek.example",
    "jonas@hafenwerkk.example",
    "jonas@hafenwek.example",
    "ada@lumem.example",
    "ada@1umen.example",
    "jonas@hаfenwerk.example",
    // Cyrillic а, as mail writes it.
    "jonas@xn--hfenwerk-2fg.example",
    "аda@lumen.example",
  ])("is %s", (address) => expect(looks(address)).toBe(true))
  it("may be in the name alone", () => expect(looks("x@gmail.com", "Аda Weiss")).toBe(true))
  it.each([
    "jonas@hafenwerk.example",
    "info@hafenwerk-touren.example",
    "p1@client8.example",
    "a@b.example",
    "someone@ymail.com",
    "иван@почта.example",
    "info@xn--mller-kva.example",
    "",
  ])("is not %s", (address) => expect(looks(address)).toBe(false))
  it("is not a name in another alphabet, or with accents", () => {
    expect(looks("x@gmail.com", "Иван Петров")).toBe(false)
    expect(looks("x@gmail.com", "José Müller")).toBe(false)
  })
  it("of who only wrote has the same name, or the same word before the @", () => {
    expect(looks("kasse@druckhaas.example", "Druckhaus Sommer")).toBe(true)
    expect(looks("rechnung@druckhaas.example")).toBe(true)
    expect(looks("anna@druckhaas.example", "Anna")).toBe(false)
  })
  it("takes bounded time and memory", () => {
    const many = new KnownDomains()
    for (let n = 0; n < 30_000; n++) {
      many.add({ name: "", address: `a@${n.toString(36)}-company.example` }, true)
    }
    const started = performance.now()
    for (let n = 0; n < 1_000; n++) {
      many.isLookalike({ name: "a".repeat(10_000), address: `a@${"x".repeat(300)}.example` })
    }
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})
