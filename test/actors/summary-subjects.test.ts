/** What is worth a summary, in which order, and what is left for another night. */
import { describe, expect, it } from "vitest"
import {
  candidatesIn,
  type Standing,
  type SubjectItem,
  subjectsOf,
} from "../../actors/summary-subjects.ts"
import { memoryPolicyDefault } from "../../machines/memory.ts"

const dayMillis = 24 * 60 * 60 * 1000
const now = Date.UTC(2026, 10, 24, 12)
const never: Standing = { upTo: -1, refusedUpTo: -1 }

let position = 0
const item = (daysAgo: number, more: Partial<SubjectItem> = {}): SubjectItem => {
  position++
  return {
    ...{
      id: `e${position}`,
      what: "mail",
      kind: "person",
      at: now - daysAgo * dayMillis,
      position,
    },
    ...{ importance: 0.5, isSummarised: false, ...more },
  }
}
const planned = (
  items: ReadonlyArray<SubjectItem>,
  standing: (of: string, key: string) => Standing = () => never,
  limit = 50,
) =>
  subjectsOf(
    candidatesIn(items, {
      policy: memoryPolicyDefault,
      now,
      timeZone: "Europe/Berlin",
      own: new Set(["own"]),
    }),
    ({ key, of }) => standing(of, key),
    limit,
  )
const names = ({ subjects }: ReturnType<typeof planned>) =>
  subjects.map(({ key, of }) => `${of} ${key}`)
const thread = (key: string, daysAgo: number, more: Partial<SubjectItem> = {}) => [
  item(daysAgo + 40, { thread: key, ...more }),
  item(daysAgo, { thread: key, ...more }),
]

describe("what there is to summarise", () => {
  it("is a conversation once it is quiet, with all its events and the newest position", () => {
    const quiet = thread("mail:a", 3, { person: "p" })
    const result = planned([...quiet, ...thread("mail:b", 1)])
    expect(result.subjects).toEqual([{
      ...{ of: "thread", key: "mail:a", person: "p", events: quiet.map(({ id }) => id) },
      upTo: quiet[1]!.position,
    }])
  })
  it("is nothing that one mail says", () =>
    expect(names(planned([item(5, { thread: "mail:a" })]))).toEqual([]))
  it("is a person with enough of more than one matter, and never the founder", () => {
    const of = (person: string) => [
      ...thread("mail:a", 40, { person }),
      item(60, { person, what: "invoice", thread: "invoice:1" }),
    ]
    expect(names(planned([...of("p"), ...of("own")])).filter((one) => one.startsWith("person")))
      .toEqual(["person p"])
    expect(names(planned(thread("mail:a", 40, { person: "q" })))).toEqual(["thread mail:a"])
  })
  it("is a topic that was written about", () =>
    expect(names(planned(thread("topic:newsletter-47", 3, { what: "note", kind: "campaign" }))))
      .toEqual(["campaign topic:newsletter-47"]))
  it("is a day that is over; not today, and not what was imported of long ago", () => {
    const day = (daysAgo: number) => [item(daysAgo), item(daysAgo), item(daysAgo)]
    expect(names(planned([...day(0), ...day(2), ...day(60)]))).toEqual(["day 2026-11-22"])
  })
  it("leaves out newsletters from days, and what cannot be told", () => {
    const letters = [1, 2, 3].map(() => item(2, { kind: "product" }))
    const feeds = [1, 2, 3].map(() => item(2, { what: "feedItem" }))
    expect(names(planned([...letters, ...feeds]))).toEqual([])
  })
  it("is due again only with something that no summary stands for and that was not tried", () => {
    const items = thread("mail:a", 3)
    const upTo = items[1]!.position
    expect(names(planned(items, () => ({ upTo, refusedUpTo: -1 })))).toEqual([])
    expect(names(planned(items, () => ({ upTo: -1, refusedUpTo: upTo })))).toEqual([])
    expect(names(planned(items.map((one) => ({ ...one, isSummarised: true }))))).toEqual([])
    const more = [...items, item(2.5, { thread: "mail:a" })]
    const again = planned(more, () => ({ upTo, refusedUpTo: -1 }))
    expect(again.subjects[0]?.events).toHaveLength(3)
  })
  it("was in vain before: then it comes after what was not tried, whatever it is worth", () => {
    const items = [
      ...thread("mail:high", 40, { importance: 0.9 }),
      ...thread("mail:low", 40, { importance: 0.3 }),
    ]
    const refused = (_: string, key: string) =>
      key === "mail:high" ? { upTo: -1, refusedUpTo: 0 } : never
    expect(names(planned(items, refused, 1))).toEqual(["thread mail:low"])
    expect(names(planned(items, refused, 2))).toHaveLength(2)
  })
  it("comes by what it is worth, as many as a night takes, grouped by kind; the rest is counted", () => {
    const items = [
      ...thread("mail:low", 40, { importance: 0.3 }),
      ...thread("mail:high", 40, { importance: 0.9 }),
      ...thread("topic:x", 40, { importance: 0.6, what: "note" }),
      ...thread("mail:middle", 40, { importance: 0.5 }),
    ]
    expect(names(planned(items, undefined, 3))).toEqual([
      "thread mail:high",
      "thread mail:middle",
      "campaign topic:x",
    ])
    expect(planned(items, undefined, 3).left).toBe(1)
    expect(planned(items.toReversed(), undefined, 3)).toEqual(planned(items, undefined, 3))
  })
  it("stands for two hundred events at the most, the newest", () => {
    const many = Array.from({ length: 250 }, (_, n) => item(300 - n, { thread: "mail:a" }))
    const { subjects } = planned(many)
    expect(subjects[0]?.events).toHaveLength(200)
    expect(subjects[0]?.events.at(-1)).toBe(many.at(-1)?.id)
  })
})
