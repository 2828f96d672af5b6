/** Rows in memory over rows in a store read as one table, whatever was written, committed or dropped. */
import { describe, expect, it } from "@effect/vitest"
import type { Json } from "../../machines/agent.ts"
import { compareKeys, inRange, overlay } from "../../projections/rows.ts"
import { seeded } from "../seeded.ts"

describe("an overlay", () => {
  it("reads like a plain map of what was written", () => {
    const dice = seeded()
    const stored = new Map<string, Json>()
    const rows = overlay({
      get: (key) => stored.get(key),
      scan: (options) => select(stored, options),
    })
    const select = (from: Map<string, Json>, options: Parameters<typeof rows.scan>[0] = {}) => {
      const found = [...from].filter(([key]) => inRange(key, options))
        .sort(([a], [b]) => compareKeys(a, b))
      if (options.backwards === true) found.reverse()
      return found.slice(0, options.limit)
    }
    const model = new Map<string, Json>()
    const committed = () => new Map(stored)
    for (let n = 0; n < 4_000; n++) {
      const key = dice.pick(["a", "b", "c"]) + dice.below(20)
      switch (dice.below(8)) {
        case 0:
        case 1:
          rows.set(key, n)
          model.set(key, n)
          break
        case 2:
          rows.delete(key)
          model.delete(key)
          break
        case 3: {
          const options = {
            ...(dice.chance() ? { prefix: dice.pick(["a", "b"]) } : {}),
            ...(dice.chance() ? { after: `b${dice.below(20)}` } : {}),
            ...(dice.chance() ? { limit: dice.below(6) } : {}),
            backwards: dice.chance(),
          }
          expect(rows.scan(options), JSON.stringify(options)).toEqual(select(model, options))
          break
        }
        case 4:
          if (dice.below(20) > 0) break
          for (const [changed, row] of rows.changes) {
            if (row === undefined) stored.delete(changed)
            else stored.set(changed, row)
          }
          rows.committed()
          expect(rows.pending).toBe(0)
          expect(stored).toEqual(model)
          break
        case 5:
          if (dice.below(20) > 0) break
          rows.discard()
          model.clear()
          for (const [kept, row] of committed()) model.set(kept, row)
          break
        default:
          expect(rows.get(key)).toBe(model.get(key))
      }
    }
  })
})
