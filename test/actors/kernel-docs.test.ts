/** The host in docs/kernel.md runs as printed, and what the support table says of tests is so. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { describe, expect, it } from "vitest"
import { features } from "./charts-features.ts"
import { published } from "./charts-public.ts"

const root = fileURLToPath(new URL("../../", import.meta.url))
const read = (path: string) => readFileSync(join(root, path), "utf8")

describe("docs/kernel.md", () => {
  it("its host prints what it says", async () => {
    const doc = read("docs/kernel.md")
    const code = /```ts\n([\s\S]*?)```/.exec(doc)![1]!
    const folder = mkdtempSync(join(root, "test/actors/.docs-"))
    try {
      const file = join(folder, "host.ts")
      writeFileSync(
        file,
        code.replace("../actors/kernel.ts", "../../../actors/kernel.ts") +
          "\nexport const end = `${state?.snapshot.value} ${log.map(({ type }) => type).join(' ')}`\n" +
          "export const recorded = { log, chart }\n",
      )
      const { end, recorded } = await import(pathToFileURL(file).href)
      expect(doc).toContain(`\`${end}\``)
      const { fold } = await import("../../actors/kernel.ts")
      let state: Parameters<typeof fold>[1]
      for (const { asks, state: hash, ...event } of recorded.log) {
        // When it was due is a second after everything else.
        const at = event.type === "TimerFired" ? 1000 : 0
        const step = fold(recorded.chart, state, { ...event, metadata: { at } }, "order-1")
        expect(step.state!.hash).toBe(hash)
        expect(step.asks).toEqual(asks)
        state = step.state
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe("docs/xstate-support.md", () => {
  it("names tests that exist, and every test", () => {
    const rows = read("docs/xstate-support.md").split("\n").filter((line) => line.startsWith("| "))
    const named = rows.flatMap((row) =>
      row.split("|")[3]?.split("…").map((one) => one.trim()) ?? []
    )
      .map((one) => one.replace(/^, |,$/g, "").trim()).filter((one) => one.length > 3)
    const titles = Object.keys(features)
    for (const title of titles) {
      const short = named.some((one) => title.startsWith(one))
      const kindred = title === "an assign that throws" || title === "sendParent without a parent"
      expect(short || kindred, title).toBe(true)
    }
    expect(Object.keys(published)).toHaveLength(17)
  })
})
