/**
 * Backup, restore and export as a user runs them: while everything goes on, from a file that was tampered
 * with, on a full disk, and into a life that knows less than what happened.
 */
import { parse } from "csv-parse/sync"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync, gzipSync } from "node:zlib"
import { create, extract, Header } from "tar"
import { afterAll, afterEach, describe, expect, test } from "vitest"
import { ended, type Home, home, root, run, says, start } from "./aios.ts"

const now = "2026-11-24T07:00:00Z"
const founder = [
  "--name",
  "Mara Lindqvist",
  "--address",
  "mara@northlight.example",
  "--signature",
  "Mara",
  "--time-zone",
  "Europe/Berlin",
  "--currency",
  "EUR",
]
const sample = (name: string) => join(root, "sample", name)

const opened: Array<{ remove: () => void }> = []
const newHome = (): Home & { readonly beside: (name: string) => string } => {
  const one = home()
  opened.push(one)
  return { ...one, beside: (name) => join(one.dir, "..", name) }
}
const at = (dir: string, ...args: ReadonlyArray<string>) =>
  run([...args, "--data-dir", dir], { env: { AIOS_NOW: now } })
const jsonAt = async (dir: string, ...args: ReadonlyArray<string>) => {
  const { code, err, out } = await at(dir, ...args, "--json")
  expect([code, code === 0 ? "" : err]).toEqual([0, ""])
  return JSON.parse(out)
}
afterEach(() => opened.splice(0).forEach((one) => one.remove()))

/** What most tests begin with, imported once: nothing runs in it. */
let imported: Promise<Home> | undefined
const importOnce = async () => {
  const one = home()
  await one.json("init", ...founder)
  await one.json("import", sample("mailbox.mbox"), sample("leads-hubspot.csv"))
  return one
}
afterAll(async () => (await imported)?.remove())
/** A copy of it for each test, in which it may do what it likes. */
const company = async () => {
  const { dir } = await (imported ??= importOnce())
  const one = newHome()
  cpSync(dir, one.dir, { recursive: true })
  return one
}
const mailsIn = (dir: string) =>
  existsSync(join(dir, "outbox"))
    ? readdirSync(join(dir, "outbox")).filter((name) => name.endsWith(".eml"))
    : []
interface Approval {
  readonly id: string
  readonly activity: string
  readonly content: { readonly subject: string }
}

describe("backup and restore", () => {
  test("give back everything, and say what they did", async () => {
    const one = await company()
    const file = one.beside("one.backup")
    const made = await jsonAt(one.dir, "backup", file)
    expect(made).toMatchObject({ file, at: Date.parse(now) })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(one.dir, "..")).toSorted()).toEqual(["data", "one.backup"])
    expect(readdirSync(one.dir).filter((name) => name.startsWith("backup"))).toEqual([])

    const fresh = one.beside("restored")
    const restored = await jsonAt(fresh, "restore", file)
    expect(restored).toMatchObject({ dataDir: fresh, head: made.head, events: made.events })
    expect(statSync(fresh).mode & 0o777).toBe(0o700)
    const eventsOf = async (dir: string) =>
      (await jsonAt(dir, "events") as ReadonlyArray<{ id: string; position: number }>)
        .filter(({ position }) => position <= made.head)
    expect(await eventsOf(fresh)).toEqual(await eventsOf(one.dir))
    expect(await jsonAt(fresh, "replay")).toMatchObject({ divergences: [] })
    // Personal data opens: the keys came along.
    const away = one.beside("away")
    await jsonAt(fresh, "export", away)
    expect(readFileSync(join(away, "mail.mbox"), "utf8")).toContain("From: Jonas Weber")
    expect((await one.aios("doctor")).out).toContain(`the newest is ${file}, of today`)
    const { out } = await one.aios("backup", one.beside("two.backup"))
    expect(out).toContain("Whoever has this file has everything")
  })

  test("hold attachments wherever they were put, and find them wherever that was", async () => {
    const one = newHome()
    await one.json("init", ...founder)
    const attached = (name: string) =>
      [
        "From: Ada <ada@example.org>",
        "To: mara@northlight.example",
        `Subject: ${name}`,
        "Date: Tue, 24 Nov 2026 06:00:00 +0000",
        `Message-ID: <${name}@example.org>`,
        "MIME-Version: 1.0",
        "Content-Type: application/octet-stream",
        `Content-Disposition: attachment; filename="${name}.bin"`,
        "",
        `what is in ${name}`,
      ].join("\r\n")
    for (const [name, env] of [["here", {}], ["there", { AIOS_BLOBS: "log" }]] as const) {
      const file = one.beside(`${name}.eml`)
      writeFileSync(file, attached(name))
      const { code } = await run(["import", file, "--data-dir", one.dir], {
        env: { AIOS_NOW: now, ...env },
      })
      expect(code).toBe(0)
    }
    expect(readdirSync(join(one.dir, "blobs"))).toHaveLength(1)
    const file = one.beside("one.backup")
    await jsonAt(one.dir, "backup", file)
    const restored = one.beside("restored")
    await jsonAt(restored, "restore", file)
    for (const [name, env] of [["a", {}], ["b", { AIOS_BLOBS: "log" }]] as const) {
      const away = one.beside(name)
      await run(["export", away, "--data-dir", restored], { env: { AIOS_NOW: now, ...env } })
      const found = readdirSync(join(away, "attachments"), { recursive: true, encoding: "utf8" })
        .map((path) => join(away, "attachments", path)).filter((path) => statSync(path).isFile())
      expect(found.map((path) => readFileSync(path, "utf8")).toSorted())
        .toEqual(["what is in here", "what is in there"])
    }
  })

  test("what was approved and sent after the backup is not sent again by the restored one", async () => {
    const one = await company()
    const waits = await one.json("approvals") as ReadonlyArray<Approval>
    const [first, second] = waits.filter(({ activity }) => activity === "sendMail")
    const bill = waits.find(({ activity }) => activity === "draftInvoice")
    await one.json("approve", second!.id)
    expect(mailsIn(one.dir)).toHaveLength(1)
    const file = one.beside("old.backup")
    await jsonAt(one.dir, "backup", file)
    await one.json("approve", first!.id)
    await one.json("approve", bill!.id)
    const sent = mailsIn(one.dir)
    expect(sent).toHaveLength(2)

    const fresh = one.beside("restored")
    const { quarantined } = await jsonAt(fresh, "restore", file) as {
      quarantined: ReadonlyArray<{ ask: string; activity: string; about: string }>
    }
    const held = quarantined.find(({ about }) => about.includes(first!.content.subject))
    expect(held).toMatchObject({ activity: "sendMail" })
    expect(quarantined.map(({ activity }) => activity)).toContain("draftInvoice")
    expect(existsSync(join(one.dir, "payments"))).toBe(true)
    const before = mailsIn(fresh)
    expect(before).toHaveLength(1)
    // A life of its own: everything that goes by itself has its chance, days later too.
    for (const when of [now, "2026-11-28T07:00:00Z"]) {
      const lived = await run(["brief", "--data-dir", fresh], { env: { AIOS_NOW: when } })
      expect([lived.code, lived.code === 0 ? "" : lived.err]).toEqual([0, ""])
    }
    // Not even where it is approved again out of habit.
    const refused = await at(fresh, "approve", first!.id)
    expect(refused.code).not.toBe(0)
    expect(refused.err).toContain(`aios settle ${first!.id.slice(0, 8)} --happened`)
    await at(fresh, "approve", bill!.id)
    expect((await at(fresh, "approve", first!.id, "--dry-run")).out).toContain("Nothing")
    const listed = (await at(fresh, "approvals")).out
    expect(listed).toContain(`aios settle ${first!.id.slice(0, 8)} --did-not-happen`)
    expect(listed).not.toContain(`aios approve ${first!.id.slice(0, 8)}`)
    expect((await at(fresh, "brief")).out).not.toContain(`aios approve ${first!.id.slice(0, 8)}`)
    expect(mailsIn(fresh)).toEqual(before)
    expect(existsSync(join(fresh, "payments"))).toBe(false)
    const { out } = await at(fresh, "doctor")
    expect(out).toContain(held!.ask)
    expect((await at(fresh, "settle", held!.ask, "--happened")).code).toBe(0)
    expect((await at(fresh, "doctor")).out).not.toContain(held!.ask)
    expect(mailsIn(fresh)).toEqual(before)
    // What happened waits for nobody, and no policy approved it.
    expect((await at(fresh, "approvals", "--json")).out).not.toContain(first!.id)
    const late = await at(fresh, "approve", first!.id)
    expect([late.code, late.err]).toEqual([1, expect.stringContaining("you said that the mail to")])
    const told = (await jsonAt(fresh, "brief")).done as ReadonlyArray<{ what: string }>
    expect(told.map(({ what }) => what).filter((what) => what.includes("you said"))).toHaveLength(1)
    expect(told.map(({ what }) => what).join()).not.toContain("by policy")
    // By the approval's beginning, too; said twice there is nothing to settle.
    const named = await at(fresh, "settle", bill!.id.slice(0, 8), "--happened")
    expect([named.code, named.out]).toEqual([0, expect.stringContaining("invoice over")])
    expect((await at(fresh, "settle", bill!.id.slice(0, 8), "--happened")).code).toBe(1)
    expect((await at(fresh, "approvals", "--json")).out).not.toContain(bill!.id)
    expect(existsSync(join(fresh, "payments"))).toBe(false)

    // What did not happen waits for its decision as before, and is then done once.
    const other = quarantined.find(({ activity, ask }) =>
      activity === "sendMail" && ask !== held!.ask
    )!
    expect((await at(fresh, "settle", other.ask, "--did-not-happen")).code).toBe(0)
    expect(mailsIn(fresh)).toEqual(before)
    const waiting = await jsonAt(fresh, "approvals") as ReadonlyArray<Approval>
    const again = waiting.find(({ content }) => other.about.endsWith(content.subject))
    expect((await at(fresh, "approve", again!.id)).out).toContain("outbox/")
    expect(mailsIn(fresh)).toHaveLength(before.length + 1)

    // All the rest in one go: none of it is done, all of it waits again.
    expect((await at(fresh, "settle", "--all", "--happened")).code).toBe(2)
    const rest = await jsonAt(fresh, "settle", "--all", "--did-not-happen") as ReadonlyArray<
      { happened: boolean }
    >
    expect(rest).toHaveLength(quarantined.length - 3)
    expect(rest.every(({ happened }) => !happened)).toBe(true)
    expect((await at(fresh, "approvals")).out).not.toContain("aios settle")
    expect(mailsIn(fresh)).toHaveLength(before.length + 1)
  })

  test("are taken while AIOS runs and imports, and hold together", async () => {
    const one = newHome()
    await one.json("init", ...founder)
    const child = start(["start", "--data-dir", one.dir])
    const end = ended(child)
    await says(child, "Ready.")
    const mails = Array.from(
      { length: 1_500 },
      (_, i) =>
        `From a Thu Jan  1 00:00:00 2026\nFrom: P ${i} <p${i % 997}@many.example>\n` +
        `To: mara@northlight.example\nMessage-ID: <${i}@many.example>\n` +
        `Date: Thu, 1 Jan 2026 10:00:00 +0000\nSubject: Hello ${i}\nMIME-Version: 1.0\n` +
        `Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHi ${i}.\n` +
        `--b\nContent-Type: application/x-thing; name=a.bin\nContent-Transfer-Encoding: base64\n\n` +
        `${Buffer.from(`thing ${i}`).toString("base64")}\n--b--\n\n`,
    )
    const file = one.beside("many.mbox")
    writeFileSync(file, mails.join(""))
    let importing = true
    const imported = run(["import", file, "--data-dir", one.dir]).then((ran) => {
      importing = false
      return ran
    })
    const backups: Array<{ file: string; head: number }> = []
    for (let n = 0; importing && n < 4; n++) {
      const target = one.beside(`${n}.backup`)
      // The command itself opens it, looks for every key and attachment, and folds all of it again.
      backups.push(await jsonAt(one.dir, "backup", target))
    }
    expect((await imported).code).toBe(0)
    child.kill("SIGTERM")
    await end
    const heads = backups.map(({ head }) => head)
    console.info(`heads ${heads.join(", ")}`)
    expect(heads.length).toBeGreaterThan(1)
    expect(new Set(heads).size).toBeGreaterThan(1)
    const fresh = one.beside("restored")
    await jsonAt(fresh, "restore", backups.at(-1)!.file)
    expect(await jsonAt(fresh, "replay")).toMatchObject({ divergences: [] })
  }, 400_000)

  test("overwrite nothing that is there", async () => {
    const one = await company()
    const file = one.beside("one.backup")
    writeFileSync(file, "mine")
    const refused = await one.aios("backup", file)
    expect([refused.code, readFileSync(file, "utf8")]).toEqual([2, "mine"])
    expect(refused.err).toContain("--force")
    expect((await one.aios("backup", file, "--force")).code).toBe(0)
    const inside = await one.aios("backup", join(one.dir, "x.backup"))
    expect([inside.code, inside.err]).toEqual([2, expect.stringContaining("another disk")])
    const folder = await one.aios("backup", join(one.dir, ".."))
    expect(folder.code).toBe(2)

    const occupied = one.beside("occupied")
    mkdirSync(occupied)
    writeFileSync(join(occupied, "mine"), "")
    const kept = await at(occupied, "restore", file)
    expect([kept.code, kept.err]).toEqual([2, expect.stringContaining("not empty")])
    expect(readdirSync(occupied)).toEqual(["mine"])
    const own = await at(one.dir, "restore", file)
    expect(own.code).toBe(2)
    const empty = one.beside("empty")
    mkdirSync(empty)
    expect((await at(empty, "restore", file)).code).toBe(0)
    const none = await at(one.beside("none"), "restore", one.beside("no.backup"))
    expect([none.code, none.err]).toEqual([2, expect.stringContaining("no file")])
  })

  test("a full disk leaves no half file and no copy", async (context) => {
    const one = await company()
    const disk = one.beside("disk")
    mkdirSync(disk)
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], { stdio: "ignore" })
    } catch {
      console.warn("skipped: mounting a small disk needs root")
      return context.skip()
    }
    try {
      const { code, err } = await one.aios("backup", join(disk, "one.backup"))
      expect([code, err]).toEqual([75, expect.stringContaining("No space left")])
      expect(readdirSync(disk)).toEqual([])
      expect(readdirSync(one.dir).filter((name) => name.startsWith("backup"))).toEqual([])
    } finally {
      execFileSync("umount", [disk])
    }
  })

  describe("of a file that was changed", () => {
    /** A backup, its parts in a folder to tamper with, and the way to pack them again. */
    const tampering = async () => {
      const one = await company()
      const file = one.beside("one.backup")
      await jsonAt(one.dir, "backup", file)
      const parts = mkdtempSync(join(tmpdir(), "aios-parts-"))
      opened.push({ remove: () => rmSync(parts, { recursive: true }) })
      await extract({ file, cwd: parts })
      const listed: ReadonlyArray<{ path: string }> =
        JSON.parse(readFileSync(join(parts, "manifest.json"), "utf8")).files
      const names = ["manifest.json", ...listed.map(({ path }) => path)]
      const repack = async (more: ReadonlyArray<string> = []) => {
        const changed = one.beside("changed.backup")
        await create({ file: changed, cwd: parts, gzip: true, preservePaths: true }, [
          ...names,
          ...more,
        ])
        return changed
      }
      const manifest = () => JSON.parse(readFileSync(join(parts, "manifest.json"), "utf8"))
      const refused = async (changed: string) => {
        const fresh = one.beside("restored")
        const { code, err } = await at(fresh, "restore", changed)
        expect(readdirSync(join(one.dir, "..")).filter((name) => name.startsWith("restored")))
          .toEqual([])
        expect(code).toBe(1)
        return err
      }
      return { one, file, parts, repack, manifest, refused }
    }

    test("nothing is restored, whatever was changed", async () => {
      const { file, manifest, one, parts, refused, repack } = await tampering()
      // Packed again as it was, it is good: what fails below fails for what was changed.
      const same = one.beside("same")
      expect((await at(same, "restore", await repack())).code).toBe(0)

      const log = readFileSync(join(parts, "log.db"))
      const bent = Buffer.from(log)
      bent[bent.length >> 1]! ^= 1
      writeFileSync(join(parts, "log.db"), bent)
      expect(await refused(await repack())).toContain("log.db has other content")
      writeFileSync(join(parts, "log.db"), log.subarray(0, 4096))
      expect(await refused(await repack())).toContain("another size")
      writeFileSync(join(parts, "log.db"), log)

      writeFileSync(join(parts, "extra"), "x")
      expect(await refused(await repack(["extra"]))).toContain('"extra"')
      symlinkSync("/etc/passwd", join(parts, "token"))
      expect(await refused(await repack(["token"]))).toContain("no plain file")
      rmSync(join(parts, "token"))

      const whole = readFileSync(file)
      const cut = one.beside("cut.backup")
      writeFileSync(cut, whole.subarray(0, whole.length - 2_000))
      expect(await refused(cut)).toContain("damaged")
      writeFileSync(cut, gzipSync(gunzipSync(whole).subarray(0, 512 * 40)))
      expect(await refused(cut)).toContain("damaged")
      writeFileSync(cut, "no backup at all")
      expect(await refused(cut)).toContain("no backup of AIOS")
      writeFileSync(cut, "")
      expect(await refused(cut)).toContain("no backup of AIOS")

      const before = manifest()
      writeFileSync(join(parts, "manifest.json"), JSON.stringify({ ...before, version: 2 }))
      expect(await refused(await repack())).toContain("newer AIOS")
      // A log that ends elsewhere than it should.
      writeFileSync(
        join(parts, "manifest.json"),
        JSON.stringify({ ...before, head: before.head + 1 }),
      )
      expect(await refused(await repack())).toContain("should end at")
      // A backup without its keys, made to look whole.
      const files = before.files.filter(({ path }: { path: string }) => path !== "keys.db")
      writeFileSync(join(parts, "manifest.json"), JSON.stringify({ ...before, files }))
      rmSync(join(parts, "keys.db"))
      const without = one.beside("without.backup")
      await create({ file: without, cwd: parts, gzip: true }, [
        "manifest.json",
        ...files.map(({ path }: { path: string }) => path),
      ])
      expect(await refused(without)).toMatch(/cannot be opened|keys/)
    })

    test("no path leads out of the folder", async () => {
      const { manifest, one, refused } = await tampering()
      const content = Buffer.from("owned")
      const sha256 = createHash("sha256").update(content).digest("hex")
      const entry = (path: string, bytes: Buffer, type: "File" | "SymbolicLink" = "File") => {
        const header = Buffer.alloc(512)
        new Header({
          path,
          size: type === "File" ? bytes.length : 0,
          mode: 0o600,
          type,
          mtime: new Date(0),
          ...(type === "File" ? {} : { linkpath: "/tmp" }),
        }).encode(header, 0)
        return type === "File"
          ? Buffer.concat([header, bytes, Buffer.alloc((512 - bytes.length % 512) % 512)])
          : header
      }
      const hostile = (path: string, more: ReadonlyArray<Buffer> = []) => {
        const listed = { ...manifest(), files: [{ path, bytes: content.length, sha256 }] }
        const first = entry("manifest.json", Buffer.from(JSON.stringify(listed)))
        const file = one.beside("hostile.backup")
        writeFileSync(
          file,
          gzipSync(Buffer.concat([first, ...more, entry(path, content), Buffer.alloc(1024)])),
        )
        return file
      }
      const target = one.beside("owned")
      for (
        const path of [
          "../owned",
          "outbox/../../owned",
          target,
          "blobs/../../../owned",
          "outbox//x",
          "outbox/./x",
          "owner.json",
          "lock.db",
          "aios.sock",
          "outbox\\..\\x",
        ]
      ) {
        expect(await refused(hostile(path))).toMatch(/no place of AIOS|damaged/)
        expect(existsSync(target)).toBe(false)
      }
      // A folder that is a link elsewhere.
      const link = entry("outbox", Buffer.alloc(0), "SymbolicLink")
      expect(await refused(hostile("outbox/owned", [link]))).toContain("no plain file")
      expect(existsSync("/tmp/owned")).toBe(false)
    })
  })
})

describe("export", () => {
  test("gives mails that import again as they were, and the rest in open formats", async () => {
    const one = await company()
    await one.aios("import", sample("leads-linkedin.csv"), sample("calendar.ics"))
    const folder = one.beside("out")
    const { written } = await jsonAt(one.dir, "export", folder)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    const events = readFileSync(join(folder, "events.ndjson"), "utf8").trimEnd().split("\n")
      .map((line) => JSON.parse(line))
    const stored = await one.json("events") as ReadonlyArray<{ id: string; type: string }>
    expect(written["events.ndjson"]).toBe(stored.length)
    expect(events.map(({ id, type }) => [id, type])).toEqual(
      stored.map(({ id, type }) => [id, type]),
    )
    for (const event of events) {
      expect(event).toMatchObject({ specversion: "1.0", source: expect.stringContaining("/aios/") })
      for (const name of Object.keys(event)) expect(name).toMatch(/^[a-z0-9]{1,20}$/)
      expect(Date.parse(event.time)).not.toBeNaN()
    }
    expect(readFileSync(join(folder, "events.ndjson"), "utf8")).not.toContain("$sealed")

    const again = newHome()
    await again.json("init", ...founder)
    const back = await again.json("import", join(folder, "mail.mbox")) as { faults: number }
    expect(back.faults).toBe(0)
    const second = again.beside("out")
    await jsonAt(again.dir, "export", second)
    const mailsOf = (from: string) =>
      readFileSync(join(from, "events.ndjson"), "utf8").trimEnd().split("\n")
        .map((line) => JSON.parse(line)).filter(({ type }) => type === "MailReceived")
        .map(({ data }) => ({
          content: { ...data.content, text: data.content.text.trimEnd() },
          sentAt: data.sentAt,
          labels: data.labels,
          kind: data.kind,
          attachments: data.attachments.map((
            one: { mediaType: string; blob: { bytes: number } },
          ) => [
            one.mediaType,
            one.blob.bytes,
          ]),
        }))
    const mails = mailsOf(folder)
    expect(mails.length).toBeGreaterThan(30)
    expect(mailsOf(second)).toEqual(mails)
    const people: ReadonlyArray<Record<string, string>> = parse(
      readFileSync(join(folder, "people.csv"), "utf8"),
      { columns: true },
    )
    expect(people.length).toBe(written["people.csv"])
    const listed = await again.json("import", join(folder, "people.csv")) as { faults: number }
    expect(listed.faults).toBe(0)
  })

  test("writes formulas as text, and never over what is there", async () => {
    const one = newHome()
    await one.json("init", ...founder)
    const list = one.beside("list.csv")
    writeFileSync(list, "Name,Email,Company\n=cmd()|x,a@x.example,@SUM(A1)\n")
    await one.json("import", list)
    const folder = one.beside("out")
    mkdirSync(folder)
    writeFileSync(join(folder, "mine"), "")
    const refused = await one.aios("export", folder)
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining("not empty")])
    expect(readdirSync(folder)).toEqual(["mine"])
    rmSync(join(folder, "mine"))
    expect((await one.aios("export", folder)).code).toBe(0)
    const [, row = ""] = readFileSync(join(folder, "people.csv"), "utf8").split("\r\n")
    expect(row.startsWith("'=cmd()|x,a@x.example,'@SUM(A1)")).toBe(true)
    expect(readdirSync(join(one.dir, "..")).filter((name) => name.includes("partial"))).toEqual([])
  })

  test("works while AIOS runs", async () => {
    const one = await company()
    const child = start(["start", "--data-dir", one.dir], { env: { AIOS_NOW: now } })
    const end = ended(child)
    await says(child, "Ready.")
    const { written } = await jsonAt(one.dir, "export", one.beside("out"))
    expect(written["mail.mbox"]).toBeGreaterThan(30)
    expect(written["attachments/"]).toBeGreaterThan(0)
    child.kill("SIGTERM")
    await end
  })
})
