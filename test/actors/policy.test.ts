/** The policy of the gate: what is low and alike, what is read closely, what may go wrong badly. */
import { describe, expect, it } from "vitest"
import { type Case, graded } from "../../actors/activities/policy.ts"

const mail = (purpose: string, more: object = {}): Case => ({
  activity: "sendMail",
  risk: "outward",
  valuable: false,
  content: { purpose, text: "What should it cover?", made: "template-2", ...more },
})

describe("policy", () => {
  it("an answer to who wrote first is low, and may be decided with its like", () =>
    expect(graded(mail("answer"))).toEqual({
      grade: "low",
      rule: "answers who wrote first, names no amount and agrees to nothing (policy 1)",
      group: "sendMail:answer",
    }))
  it("so is a reminder, whose amount is no promise", () =>
    expect(graded(mail("reminder", { text: "Invoice 7 over 89 EUR is due" })))
      .toMatchObject({ grade: "low", group: "sendMail:reminder" }))
  it("so are the founder's own words", () =>
    expect(graded(mail("answer", { made: "founder" }))).toMatchObject({ grade: "low" }))
  it.each(["1,200 EUR is agreed", "I take €50", "50€ then", "about $5", "200 euros"])(
    "an answer that says %j is not",
    (text) => {
      const { grade, group } = graded(mail("answer", { text }))
      expect({ grade, group }).toEqual({ grade: "normal", group: undefined })
    },
  )
  it.each(["Good, then we go ahead as you write.", "Einverstanden, so machen wir es."])(
    "neither is one that agrees: %j",
    (text) => expect(graded(mail("answer", { text }))).toMatchObject({ grade: "normal" }),
  )
  it("neither are a model's words", () =>
    expect(graded(mail("answer", { made: "llama-3" }))).toMatchObject({ grade: "normal" }))
  it("who is angry is answered with care", () =>
    expect(graded(mail("complaint"))).toMatchObject({
      grade: "high",
      rule: expect.stringContaining("angry customer"),
    }))
  it("nobody asked for a follow-up, least of all who matters most", () => {
    expect(graded(mail("followUp"))).toMatchObject({ grade: "normal" })
    expect(graded({ ...mail("followUp"), valuable: true })).toMatchObject({ grade: "high" })
  })
  it("money is always high, whatever else fits", () =>
    expect(graded({ ...mail("answer"), risk: "money" })).toMatchObject({ grade: "high" }))
  it("what becomes public is normal, and what no rule knows is too", () => {
    const content = { title: "T" }
    const one = { risk: "outward", valuable: false, content } as const
    expect(graded({ ...one, activity: "publishArticle" })).toMatchObject({ grade: "normal" })
    expect(graded({ ...one, activity: "postNotice" })).toMatchObject({ grade: "normal" })
  })
  it("only what is low has a group", () => {
    for (const purpose of ["answer", "reminder", "complaint", "followUp"]) {
      const { grade, group } = graded(mail(purpose))
      expect(group !== undefined).toBe(grade === "low")
    }
  })
})
