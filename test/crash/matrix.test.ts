/**
 * The crash matrix: the same story is lived with a crash at points where something was about to become
 * durable, or just had, and with pairs of crashes. It must always end the same.
 */
import { describe, expect, it } from "vitest"
import { throughDoor } from "../log-over-door.ts"
import { seeded } from "../seeded.ts"
import { live } from "./story.ts"

/**
 * Pairs are too many to try all: so many are drawn. `CRASH_PAIRS` draws more. Over a socket a life takes
 * ten times as long, and fewer are lived.
 */
const pairs = Number(process.env["CRASH_PAIRS"] ?? (throughDoor ? 4 : 20))
/** Every so many points, beginning anywhere: `CRASH_STRIDE=1` tries each. */
const stride = Number(process.env["CRASH_STRIDE"] ?? (throughDoor ? 16 : 4))

describe("crash matrix", async () => {
  const calm = await live([])

  it("ends as it should without a crash", () => {
    // The answer was sent in the founder's words and taken back; the follow-up was sent.
    expect(calm.outbox).toHaveLength(1)
    expect(calm.book).toEqual(["refund", "refundCancelled"])
    expect(calm.result).toMatchObject({ divergences: [] })
    const { found } = calm.result as { found: Record<string, { value: unknown; context: unknown }> }
    expect(found["audit-main"]?.context).toEqual({ skus: ["x"] })
    expect(found["order-1"]?.value).toBe("packed")
    const leads = Object.entries(found).filter(([name]) => name.startsWith("lead-"))
    expect(leads.map(([, { value }]) => value).sort()).toEqual(["hot", "unsubscribed"])
    expect(calm.points).toBeGreaterThan(40)
  })

  it("ends the same after a crash at any point", async () => {
    const first = 1 + seeded().below(stride)
    for (let point = first; point <= calm.points; point += stride) {
      const { result, outbox, book } = await live([point])
      expect({ result, outbox, book }, `crash at point ${point}`).toEqual({
        result: calm.result,
        outbox: calm.outbox,
        book: calm.book,
      })
    }
  }, 600_000)

  it("ends the same after two crashes", async () => {
    const dice = seeded()
    for (let n = 0; n < pairs; n++) {
      const first = 1 + dice.below(calm.points)
      const second = first + 1 + dice.below(calm.points)
      const { result, outbox, book } = await live([first, second])
      expect({ result, outbox, book }, `crashes at points ${first} and ${second}`).toEqual({
        result: calm.result,
        outbox: calm.outbox,
        book: calm.book,
      })
    }
  }, 600_000)
})
