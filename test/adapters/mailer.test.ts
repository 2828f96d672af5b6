/** Every mailer, against the one contract; and what only a folder can get wrong. */
import { execFileSync } from "node:child_process"
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { Mailer } from "../../actors/mailer.ts"
import * as folder from "../../adapters/mailer-folder.ts"
import { mail, mailerContract } from "../contract/mailer.ts"

const fresh = () => mkdtemp(join(tmpdir(), "aios-mailer-"))
const emlIn = async (outbox: string) =>
  (await readdir(outbox).catch(() => [])).filter((name) => name.endsWith(".eml"))

mailerContract("folder", async () => {
  const root = await fresh()
  const outbox = join(root, "outbox")
  return {
    layer: folder.layer(outbox),
    mails: async () =>
      Promise.all((await emlIn(outbox)).map((name) => readFile(join(outbox, name)))),
    close: () => rm(root, { recursive: true }),
  }
})

const sendTo = (outbox: string, key = "k") =>
  Effect.flatMap(Mailer, (mailer) => mailer.send(mail, key)).pipe(
    Effect.provide(folder.layer(outbox)),
  )

describe("a folder of mails", () => {
  it("says which file it is, leaves no other, and only the founder may read it", async () => {
    const root = await fresh()
    const { where } = await Effect.runPromise(sendTo(join(root, "outbox")))
    expect(await readdir(join(root, "outbox"))).toEqual([where.replace("outbox/", "")])
    expect((await stat(join(root, where))).mode & 0o777).toBe(0o600)
    expect((await stat(join(root, "outbox"))).mode & 0o777).toBe(0o700)
    await rm(root, { recursive: true })
  })
  it("what a crash left half written does not count, and is written anew", async () => {
    const root = await fresh()
    const { where } = await Effect.runPromise(sendTo(root))
    const whole = await readFile(join(root, where.slice(where.indexOf("/") + 1)))
    const name = where.slice(where.indexOf("/") + 1)
    await rm(join(root, name))
    await writeFile(join(root, `.${name}.tmp`), whole.subarray(0, 40))
    await Effect.runPromise(sendTo(root))
    expect(await readFile(join(root, name))).toEqual(whole)
    expect(await readdir(root)).toEqual([name])
    await rm(root, { recursive: true })
  })
  it("a folder that is a file can be retried once that is mended", async () => {
    const root = await fresh()
    const outbox = join(root, "outbox")
    await writeFile(outbox, "")
    const failure = await Effect.runPromise(Effect.flip(sendTo(outbox)))
    expect(failure.retryable).toBe(true)
    expect(failure.message).toContain(outbox)
    await rm(outbox)
    await Effect.runPromise(sendTo(outbox))
    expect((await emlIn(outbox)).length).toBe(1)
    await rm(root, { recursive: true })
  })
  it("a full disk: nothing half written, retryable, and it works once there is space", async (test) => {
    const root = await fresh()
    const filler = join(root, "filler")
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", root], { stdio: "ignore" })
    } catch {
      console.warn("skipped: mounting a small disk needs root")
      await rm(root, { recursive: true })
      return test.skip()
    }
    try {
      const outbox = join(root, "outbox")
      await Effect.runPromise(sendTo(outbox, "before"))
      await writeFile(filler, Buffer.alloc(1024 * 1024)).catch(() => {})
      const failure = await Effect.runPromise(Effect.flip(sendTo(outbox, "full")))
      expect(failure.retryable).toBe(true)
      expect(failure.message).toContain("No space left")
      expect((await readdir(outbox)).length).toBe(1)
      await rm(filler)
      await Effect.runPromise(sendTo(outbox, "full"))
      expect((await readdir(outbox)).length).toBe(2)
    } finally {
      execFileSync("umount", [root])
      await rm(root, { recursive: true })
    }
  })
})
