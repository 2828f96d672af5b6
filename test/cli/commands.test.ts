/** Every command as a user types it: what it prints, what it keeps, and how it ends. */
import { afterAll, beforeAll, expect, test } from "vitest"
import { createHash } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { type Approval, type Brief } from "../../projections/aios.ts"
import { aiosVersion } from "../../projections/aios-wire.ts"
import { founder, type Home, home, root, run } from "./aios.ts"

let house: Home
let empty: Home
const sample = (name: string) => join(root, "sample", name)

beforeAll(async () => {
  house = home()
  empty = home()
  const made = await house.aios("init", ...founder)
  expect(made.code).toBe(0)
  const imported = await house.aios("import", sample("mailbox.mbox"), sample("leads-linkedin.csv"))
  expect(imported.code).toBe(0)
})
afterAll(() => {
  house.remove()
  empty.remove()
})

const logHash = () =>
  createHash("sha256").update(readFileSync(join(house.dir, "log.db"))).digest("hex")

test("--version says the package's version", async () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  expect(aiosVersion).toBe(manifest.version)
  expect(await run(["--version"])).toMatchObject({ code: 0, out: `aios ${aiosVersion}\n`, err: "" })
})

test("--help names every command, and each command explains itself", async () => {
  const { code, out } = await run(["--help"])
  expect(code).toBe(0)
  for (
    const name
      of "init settings import brief approvals approve reject agents events replay rebuild start chart doctor demo settle done review"
        .split(" ")
  ) expect(out).toContain(`  ${name} `)
  const brief = await run(["brief", "--help"])
  expect(brief.out).toContain("--date")
})

test.each([
  [["nonsense"], "nonsense"],
  [[], "DESCRIPTION"],
  [["brief", "--nonsense"], "--nonsense"],
  [["brief", "--date", "yesterday"], "2026-11-24"],
  [["brief", "--date", "2026-02-30"], "2026-11-24"],
  [["import"], "file"],
  [["reject", "7f3a1c"], "reason"],
  [["settle", "outreach-1/3.0"], "--did-not-happen"],
  [["events", "--limit", "-1"], "limit"],
  [["settings", "--time-zone", "Mars/Olympus"], "Europe/Berlin"],
  [["settings", "--address", "nobody"], "address"],
])("wrong words %j are usage errors", async (args, hint) => {
  const { code, err, out } = await empty.aios(...args)
  expect({ code, out }).toEqual({ code: 2, out: "" })
  expect(err).toContain(hint)
})

test("a data directory needs a name", async () => {
  expect(await run(["agents", "--data-dir="])).toMatchObject({
    code: 2,
    err: expect.stringContaining("name a folder"),
  })
})

test("a wrong clock is a wrong configuration", async () => {
  const { code, err } = await run(["agents", "--data-dir", empty.dir], {
    env: { AIOS_NOW: "noon" },
  })
  expect(code).toBe(78)
  expect(err).toContain("AIOS_NOW")
})

test("where nothing is yet, reading shows nothing and makes nothing", async () => {
  expect(await empty.json("agents")).toEqual([])
  expect(await empty.json("approvals")).toEqual([])
  expect(await empty.json("events")).toEqual([])
  expect(await empty.json("replay")).toMatchObject({ actors: 0, events: 0, divergences: [] })
  expect((await empty.aios("agents")).out).toContain("aios import")
  expect(existsSync(empty.dir)).toBe(false)
})

test("the data directory is for its user alone", () => {
  expect(statSync(house.dir).mode & 0o777).toBe(0o700)
  for (const name of readdirSync(house.dir)) {
    expect([name, statSync(join(house.dir, name)).mode & 0o077]).toEqual([name, 0])
  }
})

test("settings are shown, changed and kept", async () => {
  expect(await house.json("settings")).toMatchObject({
    name: "Mara Lindqvist",
    addresses: ["mara@northlight.example"],
    timeZone: "Europe/Berlin",
    currency: "EUR",
    missing: [],
  })
  expect(await house.json("settings", "--working-hours", "09:00-17:30")).toMatchObject({
    workingHours: { from: "09:00", to: "17:30" },
  })
  const again = await house.aios("settings")
  expect(again.out).toContain("09:00-17:30")
})

test("importing again adds nothing", async () => {
  const result = await house.json("import", sample("mailbox.mbox"))
  expect(result).toMatchObject({ imported: 0, faults: 0 })
  expect(result).toMatchObject({ files: [{ path: sample("mailbox.mbox"), format: "mbox" }] })
})

test("a file that cannot be read does not keep the others out, and the exit code says so", async () => {
  const folder = join(house.dir, "..", "files")
  mkdirSync(folder)
  writeFileSync(join(folder, "noise.bin"), Uint8Array.from({ length: 4096 }, (_, i) => i % 256))
  writeFileSync(
    join(folder, "people, of the fair.csv"),
    "Name,Email\nRosa Held,rosa@held.example\n",
  )
  symlinkSync(join(folder, "people, of the fair.csv"), join(folder, "link.csv"))
  const { code, err, out } = await house.aios(
    "import",
    join(folder, "missing.mbox"),
    join(folder, "noise.bin"),
    join(folder, "link.csv"),
    "--json",
  )
  expect(code).toBe(1)
  const result = JSON.parse(out)
  expect(result).toMatchObject({ imported: 1, duplicates: 0, faults: 2 })
  expect(result.files.map((one: { format: string }) => one.format)).toEqual(["", "", "people"])
  expect(err).toContain("missing.mbox")
  // The same file by its own name, from its own folder: nothing new.
  const named = await run(
    ["import", "people, of the fair.csv", "--json", "--data-dir", house.dir],
    { cwd: folder },
  )
  expect(JSON.parse(named.out)).toMatchObject({ imported: 0, duplicates: 1 })
})

test("the brief tells who is warm and how to decide, in the given width", async () => {
  const brief = await house.json("brief") as Brief
  expect(brief.date).toBe("2026-11-24")
  expect(brief.leads.length).toBeGreaterThan(0)
  expect(brief.approvals.length).toBeGreaterThan(0)
  const { err, out } = await run(["brief", "--data-dir", house.dir], {
    env: { AIOS_NOW: "2026-11-24T07:00:00Z", COLUMNS: "72" },
  })
  expect(out).toContain("Tuesday 24 November")
  expect(out).toContain("aios approve")
  expect(out).toContain("why:")
  expect(err).toContain("Waiting:")
  expect(out).not.toContain("\u001b")
  for (const line of out.split("\n")) expect([...line].length).toBeLessThanOrEqual(72)
  expect((await house.aios("brief")).out).toBe((await house.aios("brief")).out)
})

test("reading commands leave the log as it is, to the byte", async () => {
  const before = logHash()
  for (
    const args of [
      ["agents"],
      ["agents", "lead"],
      ["events"],
      ["approvals"],
      ["replay"],
      ["doctor"],
      ["brief", "--date", "2026-11-20"],
      ["settings"],
      ["rebuild"],
    ]
  ) {
    const { code, err } = await run([...args, "--data-dir", house.dir], {
      // Weeks later: timers are due, and reading does not fire them.
      env: { AIOS_NOW: "2027-03-01T07:00:00Z" },
    })
    expect([args, args[0] === "doctor" ? 0 : code, err]).toEqual([args, 0, expect.any(String)])
    expect([args, logHash()]).toEqual([args, before])
  }
})

test("agents, events, replay and rebuild have their shapes", async () => {
  const agents = await house.json("agents", "lead") as Array<Record<string, unknown>>
  expect(agents.length).toBeGreaterThan(3)
  for (const one of agents) {
    expect(one).toMatchObject({
      agent: "lead",
      key: expect.stringMatching(/^[0-9a-f]{32}$/),
      revision: expect.any(Number),
      accepts: expect.any(Array),
    })
    expect(one).toHaveProperty("state")
  }
  const first = agents[0]!
  expect(await house.json("agents", `lead/${first["key"]}`)).toEqual([first])

  const events = await house.json("events") as Array<Record<string, unknown>>
  expect(events.map((one) => one["position"])).toEqual(
    events.map((one) => one["position"]).sort((a, b) => Number(a) - Number(b)),
  )
  for (const name of ["id", "stream", "revision", "position", "type", "data", "metadata"]) {
    expect(events[0]).toHaveProperty(name)
  }
  const settings = await house.json("events", "--stream", "settings-founder", "--limit", "1")
  expect(settings).toMatchObject([{ stream: "settings-founder", revision: 0 }])

  expect(await house.json("replay")).toMatchObject({ divergences: [], millis: expect.any(Number) })
  const rebuilt = await house.json("rebuild") as { projections: Array<Record<string, unknown>> }
  expect(rebuilt.projections.length).toBeGreaterThan(3)
  for (const one of rebuilt.projections) expect(one).toMatchObject({ equal: true })
  expect(await house.json("rebuild", "agents")).toMatchObject({ projections: [{ name: "agents" }] })
  expect((await house.aios("rebuild", "nonsense")).code).toBe(2)
})

test("approving writes one mail; deciding again is no second", async () => {
  const [first, second] = (await house.json("approvals") as Array<Approval>)
    .filter((one) => one.activity === "sendMail")
  for (const name of ["id", "agent", "activity", "risk", "reasons", "content", "hash", "events"]) {
    expect(first).toHaveProperty(name)
  }
  const outbox = () =>
    existsSync(join(house.dir, "outbox")) ? readdirSync(join(house.dir, "outbox")) : []
  expect(outbox()).toEqual([])
  const approved = await house.json("approve", first!.id.slice(0, 8))
  expect(approved).toMatchObject({ id: first!.id, decision: "approved", already: false })
  expect(outbox()).toHaveLength(1)
  expect(await house.json("approve", first!.id)).toMatchObject({ already: true })
  expect(outbox()).toHaveLength(1)

  const other = await house.aios("reject", first!.id, "--reason", "too late")
  expect([other.code, other.err]).toEqual([1, expect.stringContaining("approved before")])

  expect(await house.json("reject", second!.id, "--reason", "too early"))
    .toMatchObject({ decision: "rejected", already: false })
  expect(await house.json("reject", second!.id, "--reason", "too early"))
    .toMatchObject({ already: true })
  expect((await house.aios("approve", second!.id)).code).toBe(1)
  expect(outbox()).toHaveLength(1)
})

test("ids that are too short, unknown or shared by several are told apart", async () => {
  expect((await house.aios("approve", "abc")).err).toContain("6 characters")
  const unknown = await house.aios("approve", "00000000-0000", "--json")
  expect(unknown.code).toBe(1)
  expect(JSON.parse(unknown.err)).toMatchObject({ error: { error: "ApprovalNotFound" } })
})

test("doctor names what is wrong with one fix each", async () => {
  const { out } = await house.aios("doctor", "--json")
  const report = JSON.parse(out)
  for (const check of report.checks) {
    expect(check).toMatchObject({
      name: expect.any(String),
      ok: expect.any(Boolean),
      detail: expect.any(String),
      fix: expect.any(String),
    })
    expect([check.name, check.fix === ""]).toEqual([check.name, check.ok])
  }
  // The fixed clock is the one thing wrong here.
  expect(
    report.checks.filter((one: { ok: boolean }) => !one.ok).map((one: { name: string }) =>
      one.name
    ),
  )
    .toEqual(["clock"])
  const well = await run(["doctor", "--data-dir", house.dir])
  expect(well.code).toBe(0)
})

test("doctor also works where AIOS does not start", async () => {
  const broken = home()
  mkdirSync(broken.dir, { mode: 0o700 })
  writeFileSync(join(broken.dir, "secret"), "x")
  writeFileSync(join(broken.dir, "log.db"), "this is no database")
  const { code, out } = await broken.aios("doctor", "--json")
  expect(code).toBe(1)
  expect(JSON.parse(out).checks.at(-1)).toMatchObject({ name: "log", ok: false })
  expect((await broken.aios("agents")).code).toBe(1)
  expect(readFileSync(join(broken.dir, "log.db"), "utf8")).toBe("this is no database")
  broken.remove()
})

test("chart check lists what is not supported, with line and remedy", async () => {
  const folder = join(house.dir, "..", "charts")
  mkdirSync(folder)
  writeFileSync(
    join(folder, "order.js"),
    `import { createMachine, fromCallback } from "xstate"
export const order = createMachine({
  initial: "open",
  states: {
    open: { invoke: { id: "beat", src: fromCallback(() => {}) } },
  },
})
`,
  )
  writeFileSync(
    join(folder, "fine.js"),
    `import { createMachine } from "xstate"
export const fine = createMachine({ initial: "a", states: { a: { on: { GO: "b" } }, b: {} } })
`,
  )
  const env = { NODE_PATH: join(root, "node_modules") }
  // Outside the repository only the launcher under Deno knows where XState is.
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
  const bad = await run(["chart", "check", "order.js", "--json"], { cwd: folder, env })
  expect([bad.code, bad.err]).toEqual([1, ""])
  expect(JSON.parse(bad.out)).toMatchObject({
    ok: false,
    charts: [{ name: "order", problems: [{ line: 5, remedy: expect.any(String) }] }],
  })
  const good = await run(["chart", "check", "fine.js"], { cwd: folder, env })
  expect([good.code, good.err]).toEqual([0, ""])
  const none = await run(["chart", "check", "missing.js"], { cwd: folder, env })
  expect([none.code, none.out]).toEqual([1, ""])
})
