/** Canonical JSON and the hash over it, against JSON itself and against known answers. */
import { describe, expect, it } from "vitest"
import { canonical, hash64, plainError } from "../../actors/canonical.ts"

describe("canonical", () => {
  it("does not depend on the order of keys", () => {
    expect(canonical({ b: 1, a: { d: [1, 2], c: null } })).toBe('{"a":{"c":null,"d":[1,2]},"b":1}')
    expect(canonical({ a: { c: null, d: [1, 2] }, b: 1 }))
      .toBe(canonical({ b: 1, a: { d: [1, 2], c: null } }))
  })
  it("keeps what JSON keeps", () => {
    for (
      const value of [0, -0, 1e21, 1e-7, NaN, 'ü\u2028"\\', "\ud800", [undefined], true, null, {
        a: undefined,
        when: new Date(0),
      }]
    ) {
      expect(canonical(value)).toBe(JSON.stringify(value))
    }
  })
  it("says what JSON would change, and refuses what it would lose", () => {
    const changes = (value: unknown) => {
      const impurity = { found: false }
      canonical(value, impurity)
      return impurity.found
    }
    expect(changes({ a: [1, "x", null, { b: true }] })).toBe(false)
    for (const value of [{ a: undefined }, [undefined], NaN, -0, new Date(0), new Error("x")]) {
      expect(changes(value), String(value)).toBe(true)
    }
    for (const value of [new Map(), new Set(), /x/, () => 1, Symbol("x"), Promise.resolve()]) {
      expect(() => changes({ a: [value] }), String(value)).toThrow("JSON loses it")
    }
    expect(() => canonical({ a: 1n })).toThrow("BigInt")
  })
  it("writes errors as name and message", () => {
    expect(plainError(new RangeError("far"))).toEqual({ name: "RangeError", message: "far" })
    expect(plainError({ name: "A", message: "b" })).toEqual({ name: "A", message: "b" })
    expect(plainError("text")).toEqual({ name: "Error", message: "text" })
  })
})

describe("hash64", () => {
  // The fox is a well-known vector, the others were made with an implementation in another language.
  it("is the first half of MurmurHash3 x86 128", () => {
    expect(hash64("")).toBe("0000000000000000")
    expect(hash64("hello")).toBe("2b2444a0db91def7")
    expect(hash64("The quick brown fox jumps over the lazy dog")).toBe("2f1583c3ecee2c67")
    expect(hash64("I will not buy this record, it is scratched.")).toBe("a0a9683b25ac5e40")
    expect(hash64("ü€")).toBe("76c2025aa6eecb53")
  })
  it("tells texts apart that differ in one place, at every length", () => {
    const seen = new Set<string>()
    for (let length = 1; length < 70; length++) {
      for (let at = 0; at < length; at++) {
        seen.add(hash64("a".repeat(at) + "b" + "a".repeat(length - at - 1)))
      }
    }
    expect(seen.size).toBe((69 * 70) / 2)
  })
  it("does not depend on what was hashed before", () => {
    const short = hash64("short")
    hash64("x".repeat(100_000))
    expect(hash64("short")).toBe(short)
  })
})
