/** `aios memory` and `aios archive` as a user types them, over the sample company. */
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type {
  Archived,
  MemoryState,
  PolicyEffect,
  Recalled,
  Segment,
} from "../../projections/aios-memory.ts"
import { ended, founder, type Home, home, root, run, start } from "./aios.ts"

let house: Home
beforeAll(async () => {
  house = home()
  expect((await house.aios("init", ...founder)).code).toBe(0)
  expect((await house.aios("import", join(root, "sample"))).code).toBe(0)
})
afterAll(() => house.remove())

const memory = async () => await house.json("memory") as MemoryState
const policy = async (...words: Array<string>) =>
  await house.json("memory", "policy", ...words) as PolicyEffect
const segments = async () => await house.json("archive", "list") as ReadonlyArray<Segment>

test("memory says what is at hand, and what nobody summarised yet", async () => {
  const { code, out } = await house.aios("memory")
  expect(code).toBe(0)
  expect(out).toMatch(/^hot +\d+ items of at most 20,000/)
  expect(out).toContain("last night  no night yet")
  const state = await memory()
  expect(state.tiers.hot.items).toBeGreaterThan(100)
  expect((await house.aios("memory", "summaries")).out).toContain("aios memory night")
})

test("without a model, a night whose launcher is killed goes on by rules: no outage is told", async () => {
  const nobody = {
    ...{ OLLAMA_HOST: "127.0.0.1:9", AIOS_OLLAMA: "off" },
    AIOS_MODELS_DIR: join(tmpdir(), "aios-no-models"),
  }
  const now = "2026-11-24T07:00:00Z"
  const other = home(now, nobody)
  try {
    expect((await other.aios("init", ...founder)).code).toBe(0)
    expect((await other.aios("import", join(root, "sample"))).code).toBe(0)
    for (const millis of [400, 700, 1_200]) {
      const night = start(["memory", "night", "--data-dir", other.dir], {
        env: { AIOS_NOW: now, ...nobody },
      })
      // A fast machine may be through before the kill.
      const end = ended(night)
      await new Promise((resolve) => setTimeout(resolve, millis))
      night.kill("SIGKILL")
      await end
    }
    const { night, state, waits } = await other.json("memory", "night") as MemoryState
    expect(state).toMatchObject({ night: "idle", services: "healthy" })
    expect(night).toMatchObject({ left: 0, skipped: 0, problem: "" })
    expect(waits.filter((one) => one.includes("is down"))).toEqual([])
    const events = await other.json("events", "--limit", "10000") as Array<{ type: string }>
    expect(events.filter(({ type }) => /Circuit|Degraded|ActivityFailed/.test(type))).toEqual([])
  } finally {
    other.remove()
  }
})

test("a policy is told what it would do, then does it, and a looser one brings back", async () => {
  const before = await memory()
  const said = await house.aios("memory", "policy", "--set", "hot.itemsMax=20")
  expect(said.out).toMatch(/This would evict \d+ items, keep 30\./)
  expect(said.out).toContain("Say it again with --apply to do it.")
  expect(await memory()).toEqual(before)
  const simulated = await policy("--set", "hot.itemsMax=20")
  const applied = await policy("--set", "hot.itemsMax=20", "--apply")
  expect(applied).toEqual({ ...simulated, applied: true })
  expect((await memory()).tiers.hot.items).toBe(30)
  const looser = await policy("--set", "hot.itemsMax=1,000", "--apply")
  expect(looser.recall).toBe(simulated.evict)
  expect((await memory()).tiers.hot).toEqual(before.tiers.hot)
})

test.each([
  [["--set", "hot.itemMax=5"], "hot.itemsMax (now"],
  [["--set", "hot.itemsMax"], "hot.itemsMax=5000"],
  [["--set", "hot.itemsMax=many"], 'not "many"'],
  [["--set", "hot.importanceMin=2"], "from 0 to 1"],
])("memory policy %s is refused with what would be right", async (words, hint) => {
  const { code, err } = await house.aios("memory", "policy", ...words)
  expect(code).toBe(2)
  expect(err).toContain(hint)
})

test("what is kept stays, what is not there is said", async () => {
  const [, row] = (await house.json("events", "--limit", "30") as Array<{
    readonly id: string
    readonly type: string
  }>).filter(({ type }) => type === "MailReceived")
  expect((await house.aios("memory", "keep", row!.id)).out).toContain("1 item kept")
  expect(await policy("--set", "hot.itemsMax=0")).toMatchObject({ keep: 1 })
  expect(await house.json("memory", "keep", row!.id)).toEqual({ kept: [], already: [row!.id] })
  expect((await house.aios("memory", "keep", row!.id, "--release")).code).toBe(0)
  expect((await house.aios("memory", "keep", row!.id, "--release")).out)
    .toContain("1 item was left to the policy before; nothing changed.")
  expect(await policy("--set", "hot.itemsMax=0")).toMatchObject({ keep: 0 })
  const wrong = await house.aios("memory", "keep", "ffffffff")
  expect(wrong.code).toBe(2)
  expect((await house.aios("memory", "withdraw", "ffffffff", "--reason", "x")).code).toBe(2)
})

test("old items are archived, a damaged segment is said and written again, and they come back", async () => {
  await policy("--set", "hot.daysMax=60", "--set", "hot.itemsMax=10", "--apply")
  const folder = join(house.dir, "archive")
  const dry = await house.json("archive", "--days", "20", "--dry-run") as Archived
  expect(dry).toMatchObject({ dryRun: true, segments: [] })
  expect(dry.items).toBeGreaterThan(10)
  expect(existsSync(folder)).toBe(false)
  const done = await house.json("archive", "--days", "20") as Archived
  expect(done).toMatchObject({ items: dry.items, segments: [{ items: dry.items, ok: true }] })
  const [file] = readdirSync(folder)
  expect((await memory()).tiers.cold.archived).toBe(dry.items)
  expect((await house.aios("archive", "list")).out).toMatch(/jsonl\.gz .* whole/)

  const path = join(folder, file!)
  writeFileSync(path, "nothing of the kind")
  const broken = await house.aios("archive", "list")
  expect(broken.code).toBe(1)
  expect(broken.out).toContain("damaged")
  expect((await house.aios("archive", "--days", "20")).out).toContain("is written again")
  expect(await segments()).toMatchObject([{ ok: true }])

  // It can be asked by itself, as the log can; not once it is damaged.
  const invoice = ["recall", "Winterkarten berechnen", "--segment", file!.split(".")[0]!, "--json"]
  const asked = JSON.parse((await house.aios(...invoice)).out) as Recalled
  expect(asked).toMatchObject({ mode: "deep", hits: [{ tier: "cold", what: "mail" }] })
  expect(asked.hits[0]!.text).toContain("1.480,00 EUR")
  writeFileSync(path, "nothing of the kind")
  const damaged = await house.aios(...invoice)
  expect([damaged.code, damaged.err]).toEqual([1, expect.stringContaining("is damaged")])
  await house.aios("archive", "--days", "20")

  // A backup has it, and no read model.
  const beside = mkdtempSync(join(tmpdir(), "aios-memory-"))
  const made = await house.aios("backup", join(beside, "one.backup"))
  expect(made.code).toBe(0)
  const restored = await run([
    "restore",
    join(beside, "one.backup"),
    "--data-dir",
    join(beside, "d"),
  ])
  expect(restored.code).toBe(0)
  expect(readdirSync(join(beside, "d", "archive"))).toEqual([file])
  const names = execFileSync("tar", ["-tzf", join(beside, "one.backup")], { encoding: "utf8" })
  expect(names).toContain(`archive/${file}`)
  expect(names).not.toMatch(/memory\.db|chroma|read\.db|models|helpers/)
  rmSync(beside, { recursive: true })

  const back = await house.json("archive", "restore", file!.split(".")[0]!) as Segment
  expect(back).toMatchObject({ restored: true, items: dry.items })
  expect((await memory()).tiers.cold.archived).toBe(0)
  expect((await house.aios("archive", "restore", "1-2")).err).toContain(`There are: ${file}`)
})
