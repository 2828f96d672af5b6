/** Inside a chart, time, dice and text do not depend on the machine; outside, nothing has changed. */
import { afterEach, describe, expect, it } from "vitest"
import { deterministically, guardGlobals, NotDeterministic } from "../../actors/determinism.ts"

guardGlobals()
const RealDate = Date
const realRandom = Math.random
const inChart = <A>(step: () => A, at = Date.UTC(2024, 1, 29, 23, 30), seed = "seed") =>
  deterministically(at, seed, step)

afterEach(() => {
  expect(Date).toBe(RealDate)
  expect(Math.random).toBe(realRandom)
})

describe("what differs between machines throws in a chart and works outside", () => {
  const uses: Readonly<Record<string, () => unknown>> = {
    Intl: () => new Intl.NumberFormat("de"),
    localeCompare: () => "a".localeCompare("b"),
    toLocaleUpperCase: () => "i".toLocaleUpperCase("tr"),
    "Number.toLocaleString": () => (1.5).toLocaleString(),
    "BigInt.toLocaleString": () => 1n.toLocaleString(),
    "Array.toLocaleString": () => [1].toLocaleString(),
    "Date.toLocaleString": () => new Date(0).toLocaleString(),
    "Date.toLocaleDateString": () => new Date(0).toLocaleDateString("de"),
    performance: () => performance.now(),
    crypto: () => crypto.randomUUID(),
  }
  for (const [name, use] of Object.entries(uses)) {
    it(name, () => {
      expect(() => inChart(use)).toThrow(NotDeterministic)
      expect(() => inChart(use)).toThrow(name)
      expect(use()).toBeDefined()
    })
  }
  it("Temporal, also where the runtime has none", () => {
    expect(() => inChart(() => Reflect.get(globalThis, "Temporal"))).toThrow("Temporal differs")
    expect(() => Reflect.get(globalThis, "Temporal")).not.toThrow()
  })
})

describe("nothing leaks after a throw", () => {
  it("Date, dice and guards are as before", () => {
    expect(() =>
      inChart(() => {
        throw new Error("in the chart")
      })
    ).toThrow("in the chart")
    expect(Math.abs(Date.now() - RealDate.now())).toBeLessThan(1000)
    expect("a".localeCompare("b")).toBe(-1)
  })
})

describe("the clock is the actor's, local time is UTC", () => {
  const text = (step: () => unknown) => String(inChart(step))
  it("reads the actor's clock", () => {
    expect(inChart(() => Date.now(), 5)).toBe(5)
    expect(inChart(() => new Date().getTime(), 5)).toBe(5)
    expect(text(() => Date())).toBe(
      "Thu Feb 29 2024 23:30:00 GMT+0000 (Coordinated Universal Time)",
    )
  })
  it("has no zone", () => {
    expect(inChart(() => new Date().getTimezoneOffset())).toBe(0)
    expect(inChart(() => [new Date().getHours(), new Date().getDate(), new Date().getDay()]))
      .toEqual([23, 29, 4])
    expect(inChart(() => new Date(2024, 2, 1, 5).toISOString())).toBe("2024-03-01T05:00:00.000Z")
    expect(inChart(() => {
      const date = new Date()
      date.setHours(0, 0, 0, 0)
      return date.toISOString()
    })).toBe("2024-02-29T00:00:00.000Z")
    expect(text(() => new Date(0).toDateString())).toBe("Thu Jan 01 1970")
    expect(text(() => `${new Date(NaN)}`)).toBe("Invalid Date")
  })
  it("reads dates without a zone as UTC, and those with one as they say", () => {
    const iso = (written: string) => inChart(() => new Date(written).toISOString())
    expect(iso("2024-01-02")).toBe("2024-01-02T00:00:00.000Z")
    expect(iso("2024-01-02T03:04")).toBe("2024-01-02T03:04:00.000Z")
    expect(iso("2024-01-02T03:04:05+02:00")).toBe("2024-01-02T01:04:05.000Z")
    expect(iso("Jan 2 2024")).toBe("2024-01-02T00:00:00.000Z")
    expect(iso("2 January")).toMatch(/^2001-01-02T00/)
    expect(iso("01-02-2024")).toBe("2024-01-02T00:00:00.000Z")
    expect(iso("Tue, 02 Jan 2024 03:04:05 GMT")).toBe("2024-01-02T03:04:05.000Z")
    expect(iso("Tue Jan 02 2024 03:04:05 GMT+0100 (CET)")).toBe("2024-01-02T02:04:05.000Z")
  })
  it("knows dates made elsewhere as dates", () => {
    const made = new Date(7)
    expect(inChart(() => made instanceof Date && new Date(made).getTime())).toBe(7)
    expect(inChart(() => new Date()) instanceof Date).toBe(true)
  })
})

describe("dice are seeded by the event", () => {
  const roll = (seed: string) => inChart(() => [Math.random(), Math.random()], 0, seed)
  it("the same event rolls the same, another does not", () => {
    expect(roll("a")).toEqual(roll("a"))
    expect(roll("a")).not.toEqual(roll("b"))
    expect(roll("a")[0]).not.toBe(roll("a")[1])
  })
  it("rolls evenly", () => {
    const rolls = Array.from({ length: 2000 }, (_, n) => roll(`event ${n}`)[0]!)
    const mean = rolls.reduce((sum, one) => sum + one, 0) / rolls.length
    expect(mean).toBeGreaterThan(0.45)
    expect(mean).toBeLessThan(0.55)
    expect(Math.min(...rolls)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...rolls)).toBeLessThan(1)
  })
})
