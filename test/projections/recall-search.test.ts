/** How lists of passages are joined: by words and by meaning, and what a question plainly means. */
import { expect, test } from "vitest"
import { fused, meantBy } from "../../projections/recall-search.ts"

const passages = [
  { id: "answer", text: "our sponsorship in October brought forty new customers" },
  { id: "other", text: "a sponsorship of the newsletter" },
  { id: "many", text: "customers and customers" },
  { id: "month", text: "the meeting in October" },
]

test("what holds most of the telling words of a question is meant, and one common word is not enough", () => {
  expect([...meantBy("How many customers did the October sponsorship bring?", passages)])
    .toEqual(["answer"])
  expect([...meantBy("customers", passages)]).toEqual([])
})

test("what is meant does not fall behind for want of a near vector", () => {
  const byWords = ["answer", "other", "many", "month"]
  const byMeaning = ["many", "month", "other"]
  const order = (meant: ReadonlySet<string>) =>
    [...fused(byWords, byMeaning, 1, meant)].sort(([, a], [, b]) => b - a).map(([id]) => id)
  expect(order(new Set())[0]).not.toBe("answer")
  expect(order(new Set(["answer"]))[0]).toBe("answer")
})
