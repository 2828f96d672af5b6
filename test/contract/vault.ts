/** What every vault promises. `layer` must give an empty vault each time it is called. */
import { Effect, type Layer } from "effect"
import { describe, expect, it } from "vitest"
import { MissingKeys, Vault, type VaultUnavailable } from "../../actors/vault.ts"
import type { Json, Sealed } from "../../machines/agent.ts"
import { seeded } from "../seeded.ts"

export const vaultContract = (name: string, layer: () => Layer.Layer<Vault, VaultUnavailable>) => {
  const on = (test: (vault: Vault["Service"]) => void | Promise<void>) => () =>
    Effect.runPromise(Effect.provide(
      Effect.flatMap(Vault, (vault) => Effect.promise(async () => await test(vault))),
      layer(),
    ))

  describe(name, () => {
    it(
      "opens what it sealed, whatever it is",
      on((vault) => {
        const values: ReadonlyArray<Json> = [
          null,
          "",
          "Grüße 😀 \ud800 \u0000",
          0,
          -1.5,
          [],
          { a: [1, { b: null }] },
          "x".repeat(200_000),
        ]
        for (const value of values) expect(vault.open(vault.seal("p1", value))).toEqual(value)
      }),
    )

    it(
      "never shows the text, the subject's key, or the same envelope twice",
      on((vault) => {
        const [one, two] = [
          vault.seal("p1", "ada@lumen.example"),
          vault.seal("p1", "ada@lumen.example"),
        ]
        expect(JSON.stringify(one)).not.toContain("ada")
        expect(one.$sealed[0]).toBe("p1")
        expect(one.$sealed[1]).toBe(two.$sealed[1])
        expect(one.$sealed[2]).not.toBe(two.$sealed[2])
        expect(one.$sealed[3]).not.toBe(two.$sealed[3])
        expect(vault.seal("p2", "ada@lumen.example").$sealed[1]).not.toBe(one.$sealed[1])
      }),
    )

    it(
      "an envelope that was changed, or comes from elsewhere, stays closed",
      on((vault) => {
        const dice = seeded()
        const sealed = vault.seal("p1", "secret")
        vault.seal("p2", "other")
        expect(vault.open({ $sealed: ["p2", ...sealed.$sealed.slice(1)] as never })).toBeUndefined()
        for (let round = 0; round < 200; round++) {
          const parts = [...sealed.$sealed]
          const part = dice.below(4)
          const bytes = [...parts[part]!]
          const place = dice.below(bytes.length)
          bytes[place] = bytes[place] === "A" ? "Q" : "A"
          parts[part] = bytes.join("")
          const [subject = "", key = "", nonce = "", text = ""] = parts
          const opened = vault.open({ $sealed: [subject, key, nonce, text] })
          // The last character of base64 may carry bits that mean nothing.
          expect(opened === undefined || opened === "secret").toBe(true)
          if (part === 0 || place < bytes.length - 3) expect(opened).toBeUndefined()
        }
        const rubbish: ReadonlyArray<Sealed["$sealed"]> = [
          ["", "", "", ""],
          ["p1", sealed.$sealed[1], "", ""],
          ["p1", sealed.$sealed[1], "AAAA", "AAAA"],
          ["p1", "😀", "%%", "%%"],
        ]
        for (const parts of rubbish) expect(vault.open({ $sealed: parts })).toBeUndefined()
      }),
    )

    it(
      "seals bytes the same way each time, per subject",
      on((vault) => {
        const bytes = new Uint8Array(100_000).map((_, n) => n)
        const sealed = vault.sealBytes("p1", bytes)
        expect(vault.sealBytes("p1", bytes)).toEqual(sealed)
        expect(vault.sealBytes("p2", bytes)).not.toEqual(sealed)
        expect(vault.openBytes("p1", sealed)).toEqual(bytes)
        expect(vault.openBytes("p2", sealed)).toBeUndefined()
        expect(vault.openBytes("p1", sealed.subarray(1))).toBeUndefined()
        expect(vault.openBytes("p1", new Uint8Array())).toBeUndefined()
        const changed = sealed.slice()
        changed[sealed.length - 1]! ^= 1
        expect(vault.openBytes("p1", changed)).toBeUndefined()
        expect(vault.openBytes("p1", vault.sealBytes("p1", new Uint8Array()))).toEqual(
          new Uint8Array(),
        )
      }),
    )

    it(
      "knows its own keys from those it never had, and tells who asks that it missed one",
      on(async (vault) => {
        const sealed = vault.seal("p1", "Ada Weiss")
        await Effect.runPromise(vault.flush)
        const [subject, key, ...rest] = sealed.$sealed
        const foreign: Sealed = { $sealed: [subject, "AAAAAAAAAAA=", ...rest] }
        expect([vault.knows(key), vault.knows("AAAAAAAAAAA=")]).toEqual([true, false])
        const missing = new Set<string>()
        await Effect.runPromise(
          Effect.sync(() => {
            expect(vault.open(sealed)).toBe("Ada Weiss")
            expect(missing.size).toBe(0)
            expect(vault.open(foreign)).toBeUndefined()
          }).pipe(Effect.provideService(MissingKeys, missing)),
        )
        expect([...missing]).toEqual(["AAAAAAAAAAA="])
      }),
    )

    it(
      "names a person by an opaque key",
      on((vault) => {
        const key = vault.personKey("ada@lumen.example")
        expect(key).toMatch(/^[0-9a-f]{32}$/)
        expect(vault.personKey("ada@lumen.example")).toBe(key)
        expect(vault.personKey("adb@lumen.example")).not.toBe(key)
      }),
    )

    it(
      "keeps working far beyond its cache",
      on(async (vault) => {
        const sealed = Array.from({ length: 50_000 }, (_, n) => vault.seal(`p${n}`, n))
        await Effect.runPromise(vault.flush)
        sealed.forEach((one, n) => {
          if (n % 100 === 0) expect(vault.open(one)).toBe(n)
        })
        expect(vault.seal("p0", 1).$sealed[1]).toBe(sealed[0]!.$sealed[1])
      }),
    )
  })
}
