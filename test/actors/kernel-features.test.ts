/**
 * Every feature of the support table, beside `createActor` and replayed. The table in docs names these
 * tests by their titles.
 */
import { describe, expect, it } from "vitest"
import { compare } from "./differential.ts"
import { features } from "./charts-features.ts"

describe("as createActor does, and the same on replay", () => {
  for (const [title, { machine, script, input, differs }] of Object.entries(features)) {
    it(title, async () => {
      const host = await compare(machine, script, {
        compare: differs === undefined,
        ...(input === undefined ? {} : { input }),
      })
      expect(host.streams.get(host.name)!.events.length).toBeGreaterThan(1)
    })
  }
})
