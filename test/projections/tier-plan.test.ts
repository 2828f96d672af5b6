/** Which items leave the hot tier and which come back: the rules, and that a plan is one for good. */
import { describe, expect, it } from "vitest"
import { memoryPolicyDefault } from "../../machines/memory.ts"
import {
  importanceLow,
  type Placed,
  planTiers,
  sparedFactorMax,
} from "../../projections/tier-plan.ts"
import { seeded } from "../seeded.ts"

const day = 24 * 60 * 60 * 1000
const now = Date.UTC(2026, 10, 24)
const policy = (hot: object) => ({
  ...memoryPolicyDefault,
  hot: { ...memoryPolicyDefault.hot, ...hot },
})
const item = (id: string, daysAgo: number, importance: number, more: object = {}): Placed => ({
  ...{ id, importance, at: now - daysAgo * day },
  ...more,
})
const plan = (hot: ReadonlyArray<Placed>, limits: object, cold: ReadonlyArray<Placed> = []) =>
  planTiers({ hot, cold, policy: policy(limits), now })
const summarised = { summary: "s" }

describe("what leaves", () => {
  it("is what matters too little, summarised or not", () =>
    expect(plan([item("a", 1, 0.1), item("b", 1, 0.2)], { importanceMin: 0.15 }))
      .toMatchObject({ evict: ["a"], because: { importance: 1 }, kept: 1 }))
  it("is what is old, where a summary stands for it or it is worth little", () =>
    expect(
      plan([
        item("old", 500, 0.6),
        item("summarised", 500, 0.6, summarised),
        item("little", 500, importanceLow),
        item("young", 3, 0.1),
      ], {}),
    ).toMatchObject({ evict: ["little", "summarised"], because: { age: 2 }, kept: 2, spared: 1 }))
  it("is, where there are too many, first what a summary stands for, then what matters least, then the oldest", () => {
    const hot = [
      item("a", 1, 0.9, summarised),
      item("b", 5, 0.2, summarised),
      item("c", 9, 0.2, summarised),
      item("d", 9, 0.1),
    ]
    expect(plan(hot, { itemsMax: 3 }).evict).toEqual(["c"])
    expect(plan(hot, { itemsMax: 2 }).evict).toEqual(["b", "c"])
    expect(plan(hot, { itemsMax: 1 })).toMatchObject({
      evict: ["a", "b", "c"],
      because: { summarised: 3 },
    })
  })
  it("spares what no summary stands for, up to a factor", () => {
    const hot = Array.from({ length: 40 }, (_, n) => item(`i${n}`, n, 0.5))
    expect(plan(hot, { itemsMax: 30 })).toMatchObject({ evict: [], kept: 40, spared: 10 })
    const kept = 20 * sparedFactorMax
    expect(plan(hot, { itemsMax: 20 })).toMatchObject({
      because: { count: 40 - kept },
      kept,
      spared: 10,
    })
    // The oldest of what matters alike.
    expect(plan(hot, { itemsMax: 26 }).evict).toEqual(["i39"])
  })
  it("never is what the founder wants to keep", () =>
    expect(
      plan([item("a", 900, 0.01, { kept: true }), item("b", 900, 0.01)], {
        itemsMax: 0,
        importanceMin: 0.5,
      }).evict,
    ).toEqual(["b"]))
})

describe("what comes back", () => {
  it("is what matters most of what fits, as far as there is room", () =>
    expect(
      plan([item("h", 1, 0.5)], { itemsMax: 3 }, [
        item("a", 2, 0.5),
        item("b", 1, 0.5),
        item("c", 1, 0.9, summarised),
        item("d", 1, 0.4),
        item("old", 900, 1),
        item("spam", 1, 1, { suspect: true }),
      ]),
    ).toMatchObject({ evict: [], recall: ["b", "a"], kept: 3, more: false }))
  it("is nothing while there are too many", () =>
    expect(plan([item("h", 1, 0.5)], { itemsMax: 1 }, [item("a", 1, 1)]).recall).toEqual([]))
})

describe("a plan", () => {
  const dice = seeded()
  const some = (n: number, prefix: string) =>
    Array.from(
      { length: n },
      (_, i) =>
        item(`${prefix}${i}`, dice.below(800), dice.below(11) / 10, {
          ...(dice.chance() ? summarised : {}),
          ...(dice.below(20) === 0 ? { kept: true } : {}),
        }),
    )
  it("changes nothing the second time, and does the same in many steps as in one", () => {
    for (let n = 0; n < 200; n++) {
      const all = [...some(dice.below(60), "h"), ...some(dice.below(60), "c")]
      const limits = policy({
        itemsMax: dice.below(80),
        daysMax: 1 + dice.below(800),
        importanceMin: dice.below(4) / 10,
      })
      const settled = (limit: number) => {
        const hot = new Set(all.filter(({ id }) => id.startsWith("h")).map(({ id }) => id))
        for (let round = 0; round < 200; round++) {
          const planned = planTiers({
            hot: all.filter(({ id }) => hot.has(id)),
            cold: all.filter(({ id }) => !hot.has(id)),
            policy: limits,
            ...{ now, limit },
          })
          expect(planned.evict.length + planned.recall.length).toBeLessThanOrEqual(limit)
          planned.evict.forEach((id) => hot.delete(id))
          planned.recall.forEach((id) => hot.add(id))
          expect(planned.kept).toBe(hot.size)
          if (!planned.more) {
            const again = planTiers({
              hot: all.filter(({ id }) => hot.has(id)),
              cold: all.filter(({ id }) => !hot.has(id)),
              ...{ policy: limits, now, limit },
            })
            expect([again.evict, again.recall, again.more]).toEqual([[], [], false])
            return [...hot].sort()
          }
        }
        throw new Error("It never settles")
      }
      expect(settled(3)).toEqual(settled(5_000))
    }
  })
})
