/** Several processes on one data directory: who owns it, who talks to whom, and what a kill leaves. */
import { afterEach, expect, test } from "vitest"
import type { ChildProcess } from "node:child_process"
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import type { Approval } from "../../projections/aios.ts"
import { ended, founder, type Home, home, root, run, says, start } from "./aios.ts"

const homes: Array<Home> = []
const children: Array<ChildProcess> = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
  for (const one of homes.splice(0)) {
    const pid = ownerPid(one.dir)
    if (pid !== undefined) killed(pid)
    one.remove()
  }
})
const newHome = () => {
  const one = home()
  homes.push(one)
  return one
}
const ownerPid = (dir: string): number | undefined => {
  const file = join(dir, "owner.json")
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).pid : undefined
}
const killed = (pid: number) => {
  try {
    process.kill(pid, "SIGKILL")
  } catch {
    // It is gone already.
  }
}
/** Not `child.kill`: under Deno that hides the exit code which the child gives afterwards. */
const signal = (child: ChildProcess, name: "SIGINT" | "SIGTERM" | "SIGKILL") =>
  process.kill(child.pid!, name)
const env = { AIOS_NOW: "2026-11-24T07:00:00Z" }
const up = async (one: Home) => {
  const child = start(["start", "--data-dir", one.dir], { env })
  children.push(child)
  await says(child, "Ready")
  return child
}
const sample = (name: string) => join(root, "sample", name)

test("other commands work through a process that stays up, and it ends in order", async () => {
  const one = newHome()
  const child = await up(one)
  const end = ended(child)
  expect(await one.json("init", ...founder)).toMatchObject({ name: "Mara Lindqvist" })
  const imported = await one.json("import", sample("mailbox.mbox"))
  expect(imported).toMatchObject({ faults: 0 })
  const first = (await one.json("approvals") as Array<Approval>)
    .find((one) => one.activity === "sendMail")
  expect(await one.json("approve", first!.id)).toMatchObject({ already: false })
  expect(readdirSync(join(one.dir, "outbox"))).toHaveLength(1)
  expect(await one.json("replay")).toMatchObject({ divergences: [] })
  expect((await one.aios("doctor", "--json")).out).toContain("socket")
  const second = await run(["start", "--data-dir", one.dir], { env })
  expect([second.code, second.err]).toEqual([1, expect.stringContaining("already")])
  signal(child, "SIGTERM")
  const { code, out } = await end
  expect([code, out]).toEqual([0, ""])
  expect(existsSync(join(one.dir, "aios.sock"))).toBe(false)
  expect(await one.json("approvals")).not.toContainEqual(expect.objectContaining({ id: first!.id }))
})

test("what follows sees what another process does", async () => {
  const one = newHome()
  await up(one)
  const follower = start(["events", "--follow", "--limit", "2", "--json", "--data-dir", one.dir], {
    env,
  })
  children.push(follower)
  const end = ended(follower)
  await one.json("settings", "--name", "Mara")
  await one.json("settings", "--currency", "CHF")
  const { code, out } = await end
  expect(code).toBe(0)
  expect(out.trim().split("\n").map((line) => JSON.parse(line).stream)).toHaveLength(2)
})

test("after kill -9 of the process that stayed up, the next command works", async () => {
  const one = newHome()
  await up(one)
  await one.json("settings", "--name", "Mara")
  killed(ownerPid(one.dir)!)
  expect(existsSync(join(one.dir, "aios.sock"))).toBe(true)
  const before = performance.now()
  expect(await one.json("settings")).toMatchObject({ name: "Mara" })
  expect(performance.now() - before).toBeLessThan(3_000)
  await up(one)
  expect(await one.json("settings")).toMatchObject({ name: "Mara" })
})

test("kill -9 of the launcher takes AIOS with it", async () => {
  const one = newHome()
  const child = await up(one)
  const pid = ownerPid(one.dir)!
  signal(child, "SIGKILL")
  const alive = () => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  for (let i = 0; i < 100 && alive(); i++) await new Promise((then) => setTimeout(then, 100))
  expect(alive()).toBe(false)
})

test("commands at the same time wait for each other", async () => {
  const one = newHome()
  await one.json("init", ...founder)
  const results = await Promise.all([
    one.aios("import", sample("mailbox.mbox")),
    one.aios("import", sample("leads-linkedin.csv")),
    one.aios("agents"),
    one.aios("approvals"),
  ])
  expect(results.map(({ code, err }) => [code, code === 0 ? "" : err]))
    .toEqual(results.map(() => [0, ""]))
  expect(await one.json("replay")).toMatchObject({ divergences: [] })
})

test("the demo imports, briefs, and ends with --exit", async () => {
  const one = newHome()
  const { code, err, out } = await run(["demo", "--exit", "--data-dir", one.dir])
  expect(code).toBe(0)
  expect(out).toContain("Tuesday 24 November")
  expect(out).toContain("NOW")
  expect(err).toContain("Imported mailbox.mbox")
})

test("while the demo waits, decisions are taken from another terminal", async () => {
  const one = newHome()
  const child = start(["demo", "--data-dir", one.dir])
  children.push(child)
  const end = ended(child)
  await says(child, "Ctrl-C stops the demo")
  const first = (await one.json("approvals") as Array<Approval>)
    .find((one) => one.activity === "sendMail")
  expect(await one.json("approve", first!.id.slice(0, 8))).toMatchObject({
    already: false,
    outcome: expect.stringContaining("outbox/"),
  })
  signal(child, "SIGINT")
  expect((await end).code).toBe(0)
})

test("Ctrl-C in an import keeps what is in and says how to go on", async () => {
  const one = newHome()
  const mails = Array.from(
    { length: 30_000 },
    (_, i) =>
      `From a Thu Jan  1 00:00:00 2026\nFrom: P ${i} <p${i}@many.example>\nTo: mara@northlight.example\n` +
      `Message-ID: <${i}@many.example>\nDate: Thu, 1 Jan 2026 10:00:00 +0000\nSubject: Hello ${i}\n\nHi.\n\n`,
  )
  const file = join(one.dir, "..", "many.mbox")
  writeFileSync(file, mails.join(""))
  const child = start(["import", file, "--data-dir", one.dir], { env })
  children.push(child)
  const end = ended(child)
  const wal = join(one.dir, "log.db-wal")
  // Some batches are in, many are not.
  while (!existsSync(wal) || statSync(wal).size < 300_000) {
    if (child.exitCode !== null) throw new Error("It ended before it could be interrupted")
    await new Promise((then) => setTimeout(then, 20))
  }
  signal(child, "SIGINT")
  const { code, err } = await end
  expect([code, err]).toEqual([130, expect.stringContaining("Run the same command again")])
  const inside = Number(/(\d[\d,]*) records? of this import/.exec(err)?.[1]?.replaceAll(",", ""))
  expect(inside).toBeGreaterThan(0)
  expect(inside).toBeLessThan(mails.length)
  const more = Number(/so may be some of the next (\d+)/.exec(err)?.[1] ?? 0)
  const found = await one.json("events", "--limit", String(mails.length)) as Array<{ type: string }>
  expect(found.filter((event) => event.type === "MailReceived").length).toBeGreaterThanOrEqual(
    inside,
  )
  expect(found.filter((event) => event.type === "MailReceived").length)
    .toBeLessThanOrEqual(inside + more)
})

test("a reader that closes early is no error", async () => {
  const one = newHome()
  await one.json("init", ...founder)
  await one.json("import", sample("mailbox.mbox"))
  const child = start(["events", "--json", "--data-dir", one.dir], { env })
  children.push(child)
  const end = ended(child)
  child.stdout!.once("data", () => child.stdout!.destroy())
  const { code, err } = await end
  expect([code, err]).toEqual([0, ""])
})
