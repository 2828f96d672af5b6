/** What comes first: the order that a founder would put these in. */
import { describe, expect, it } from "vitest"
import { rankOf, type Stakes, weights } from "../../projections/brief-ranking.ts"

const nothing: Stakes = {
  money: 0,
  relationship: "none",
  pressing: 0,
  waitingDays: 0,
  unanswered: 0,
  decision: false,
}
const inOrder = (...cases: ReadonlyArray<Partial<Stakes>>) => {
  const ranks = cases.map((one) => rankOf({ ...nothing, ...one }))
  expect(ranks).toEqual(ranks.toSorted((a, b) => b - a))
  expect(new Set(ranks).size).toBe(ranks.length)
}

describe("the order of a brief", () => {
  it("a contract due today comes before an angry customer, and both before a reminder", () => {
    inOrder(
      { relationship: "accepts", money: 1200, dueInDays: 0, decision: true, unanswered: 1 },
      { relationship: "complaint", money: 89, decision: true, unanswered: 3, waitingDays: 6 },
      { dueInDays: 2 },
      { money: 2100, decision: true },
    )
  })
  it("what is late costs more than what is due, and tomorrow less than today", () => {
    inOrder({ dueInDays: -3 }, { dueInDays: 0 }, { dueInDays: 1 }, { dueInDays: 5 }, {})
  })
  it("more money weighs more, and never outweighs a deadline of today", () => {
    inOrder({ money: 10_000 }, { money: 1_000 }, { money: 10 }, { money: 0 })
    expect(rankOf({ ...nothing, money: 1e9 })).toBe(weights.moneyMost)
    inOrder({ dueInDays: 0 }, { money: 1e9 })
  })
  it("a further mail without an answer, and each day, move it up to a limit", () => {
    inOrder({ unanswered: 3 }, { unanswered: 2 }, { unanswered: 1 })
    expect(rankOf({ ...nothing, unanswered: 50, waitingDays: 500 }))
      .toBe(weights.unansweredMost + weights.waitingMost)
  })
  it("a deadline within 36 hours comes before the warmest lead without a date", () => {
    const lead = {
      relationship: "deal" as const,
      money: 1e9,
      pressing: 100,
      waitingDays: 99,
      unanswered: 9,
      decision: true,
    }
    inOrder({ relationship: "question", dueInDays: 1, dueInHours: 28 }, lead)
    // In two days it is not that near.
    inOrder(lead, { relationship: "question", dueInDays: 2, dueInHours: 47 })
  })
  it("an issue due within three days comes before what has no date", () => {
    inOrder(
      { relationship: "audience", dueInDays: 2, dueInHours: 63 },
      { relationship: "deal", money: 5_000, pressing: 60, waitingDays: 5, unanswered: 1 },
      { relationship: "question", pressing: 50, waitingDays: 2, unanswered: 1 },
    )
  })
  it("who is angry and got no answer comes before a promise for today", () => {
    inOrder(
      { relationship: "complaint", money: 89, pressing: 85, unanswered: 3, waitingDays: 6 },
      { relationship: "promise", dueInDays: 0, dueInHours: 16 },
    )
  })
  it("who accepted and waits until today comes before who is angry and gives three days", () => {
    const angry = {
      relationship: "complaint" as const,
      money: 178,
      pressing: 100,
      unanswered: 3,
      waitingDays: 6,
      decision: true,
    }
    const accepted = {
      relationship: "accepts" as const,
      dueInDays: 0,
      money: 1_200,
      pressing: 85,
      unanswered: 1,
      decision: true,
    }
    inOrder(accepted, { ...angry, dueInDays: 3, dueInHours: 89 })
    // The day before, the angry one is first.
    inOrder({ ...angry, dueInDays: 1, dueInHours: 30 }, accepted)
  })
  it("the same facts have the same rank", () => {
    const one = { ...nothing, money: 123.45, pressing: 33 }
    expect(rankOf(one)).toBe(rankOf({ ...one }))
  })
})
