/** `aios import` of folders: what is taken, what is passed over, what is only said, and a folder kept imported. */
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { execFileSync } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { afterAll, beforeAll, expect, test } from "vitest"
import { ended, type Home, home, root, run, says, start } from "./aios.ts"

let house: Home
const folder = mkdtempSync(join(tmpdir(), "aios-folder-"))
const exports = join(folder, "exports")
beforeAll(() => {
  house = home()
  cpSync(join(root, "sample"), exports, { recursive: true })
  mkdirSync(join(exports, ".trash"))
  writeFileSync(join(exports, ".trash", "old.md"), "# Old\n\nText\n")
  writeFileSync(join(exports, "archive.zip"), "PK\u0003\u0004")
  writeFileSync(join(folder, "outside.md"), "# Outside\n\nText\n")
  symlinkSync(join(folder, "outside.md"), join(exports, "link.md"))
})
afterAll(() => {
  house.remove()
  rmSync(folder, { recursive: true })
})

interface Imported {
  readonly imported: number
  readonly duplicates: number
  readonly files: ReadonlyArray<{ readonly path: string; readonly holds?: Record<string, number> }>
  readonly skipped: ReadonlyArray<{ readonly path: string; readonly reason: string }>
}

test("a dry run says what each file holds and takes nothing in", async () => {
  const dry = await house.aios("import", "--dry-run", exports, "--json")
  expect(dry.code).toBe(0)
  const said: Imported = JSON.parse(dry.out)
  expect(said.imported).toBe(0)
  expect(said.files.find((one) => one.path.endsWith("mailbox.mbox"))?.holds).toEqual({ mail: 77 })
  expect(said.files.find((one) => one.path.endsWith("invoices.json"))?.holds)
    .toEqual({ invoice: 12 })
})

test("a folder is imported whole, once, without what is hidden, linked or unknown", async () => {
  const first = await house.aios("import", exports, "--json")
  expect(first.code).toBe(0)
  const said: Imported = JSON.parse(first.out)
  expect(said.imported).toBeGreaterThan(150)
  expect(said.files.map((one) => one.path).join()).not.toMatch(/old\.md|outside|link\.md/)
  expect(said.skipped).toEqual([
    expect.objectContaining({ reason: expect.stringContaining("ZIP archive") }),
  ])
  expect(first.err).toContain("link.md: a link")
  const again = await house.aios("import", exports)
  expect([again.code, again.out]).toEqual([0, expect.stringContaining("0 new")])
  expect(again.out).toMatch(/Passed over \S+archive\.zip: it is a ZIP archive .*: unpack it/)
}, 60_000)

test("named explicitly, a file that is not read is a failure", async () => {
  const named = await house.aios("import", join(exports, "archive.zip"))
  expect([named.code, named.err]).toEqual([1, expect.stringContaining("unpack it")])
  expect(named.out).toContain("archive.zip: not read")
  expect(named.out).not.toContain("unpack it")
})

test("what has no date is told without one, and a list that has none tells no time", async () => {
  const files = join(folder, "undated")
  mkdirSync(files)
  writeFileSync(
    join(files, "people.csv"),
    "Name,Email,Email Opt Out\nUna Date,una@date.example,yes\n",
  )
  writeFileSync(
    join(files, "undated.eml"),
    "From: una@date.example\nTo: mara@northlight.example\nMessage-ID: <u@date.example>\n" +
      "Subject: Hello\n\nHello\n",
  )
  await house.aios("import", files)
  const { out } = await house.aios("history", "una@date.example")
  expect(out).toContain("date unknown")
  expect(out).toContain("unsubscribed")
  expect(out).not.toMatch(/19(?:69|70)/)
})

test("--watch takes in what comes, when it rests, and ends in order", async () => {
  const inbox = join(folder, "inbox")
  mkdirSync(inbox)
  const child = start(["--data-dir", house.dir, "import", "--watch", inbox])
  const all = ended(child)
  await says(child, "Watching")
  writeFileSync(join(inbox, "a.md"), "# First\n\nText\n")
  await new Promise<void>((done) =>
    child.stdout?.on("data", (text) => /a\.md/.test(text) && done())
  )
  appendFileSync(join(inbox, "a.md"), "More.\n")
  await new Promise<void>((done) =>
    child.stdout?.on("data", (text) => /1 new/.test(text) && done())
  )
  // Not `child.kill`: under Deno that hides the exit code which the child gives afterwards.
  process.kill(child.pid!, "SIGINT")
  const { code, err, out } = await all
  expect(code).toBe(0)
  expect(err).toContain("Stopped watching")
  expect(out.match(/1 new/g)).toHaveLength(2)
}, 60_000)

test("--watch wants a folder", async () => {
  const wrong = await house.aios("import", "--watch", join(exports, "feed.atom"))
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("Give the folder")])
})

test("a nearly full disk stops imports, not decisions", async () => {
  const disk = join(folder, "disk")
  mkdirSync(disk)
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=60m", "none", disk], { stdio: "ignore" })
  } catch {
    console.info("skipped: needs the right to mount a small tmpfs")
    return
  }
  try {
    const dataDir = join(disk, "data")
    const refused = await run(["--data-dir", dataDir, "import", join(exports, "leads-hubspot.csv")])
    expect([refused.code, refused.err]).toEqual([75, expect.stringContaining("Imports stop")])
    expect((await run(["--data-dir", dataDir, "settings"])).code).toBe(0)
    const doctor = await run(["--data-dir", dataDir, "doctor"])
    expect(doctor.out).toMatch(/wrong +disk: .*imports stop below 200 MB/)
  } finally {
    execFileSync("umount", [disk])
  }
}, 60_000)
