/** One owner per data directory, across processes and runtimes, and across kill -9. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterAll, describe, expect, it } from "vitest"
import { checks } from "../../adapters/host.ts"
import * as ownerLock from "../../adapters/owner-lock.ts"
import { type Runtime, runtimes, start } from "../faults/runtimes.ts"

const admittedMillisMax = 1000
const root = mkdtempSync(join(tmpdir(), "aios-owner-"))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
const newDirectory = () => join(root, String(folders++))
const writer = "test/faults/log-writer.ts"
const hold = (runtime: Runtime, directory: string) => start(runtime, writer, directory, "hold")
const refusedHere = (directory: string) =>
  Effect.runPromise(Effect.flip(Effect.scoped(ownerLock.acquire({ directory }))))

describe("owner lock", () => {
  it("says to whom it refuses what is under way, and nothing of what that was given", async () => {
    const directory = newDirectory()
    const command = ownerLock.commandOf(["--json", "memory", "night"])
    expect(command).toBe("aios memory night")
    expect(ownerLock.commandOf(["recall", "salary", "--data-dir", "x"])).toBe("aios recall")
    await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
      yield* ownerLock.acquire({ directory, command })
      const refused = yield* Effect.flip(Effect.scoped(ownerLock.acquire({ directory })))
      expect(refused.message).toContain("aios memory night works on it")
    })))
  })

  it("is held for its scope and names the owner to whom it refuses", async () => {
    const directory = newDirectory()
    await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
      yield* ownerLock.acquire({ directory, socket: "/run/aios.sock" })
      expect(ownerLock.ownerOf(directory)).toMatchObject({
        pid: process.pid,
        socket: "/run/aios.sock",
      })
      const refused = yield* Effect.flip(Effect.scoped(ownerLock.acquire({ directory })))
      expect(refused).toMatchObject({ reason: "owned", retryable: true })
      expect(refused.message).toContain(`process ${process.pid}`)
      expect(refused.message).not.toContain("memory night")
      // Refusing must not have cost the lock.
      const again = yield* Effect.flip(Effect.scoped(ownerLock.acquire({ directory })))
      expect(again.reason).toBe("owned")
    })))
    expect(existsSync(join(directory, "owner.json"))).toBe(false)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    await Effect.runPromise(Effect.scoped(ownerLock.acquire({ directory })))
  })

  it("says whether somebody holds it, whatever the file says of the owner", async () => {
    const directory = newDirectory()
    expect(ownerLock.isOwned(directory)).toBe(false)
    const [runtime] = runtimes
    const holder = hold(runtime!, directory)
    await holder.line("owned")
    expect(ownerLock.isOwned(directory)).toBe(true)
    const said = async () =>
      (await Effect.runPromise(checks(directory, undefined))).find(({ name }) => name === "owner")!
    expect((await said()).detail).toMatch(new RegExp(`^process ${holder.process.pid} `))
    holder.process.kill("SIGKILL")
    await holder.ended
    expect(ownerLock.ownerOf(directory)?.pid).toBe(holder.process.pid)
    expect(ownerLock.isOwned(directory)).toBe(false)
    expect(await said()).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/^no other process runs .*ended without a word/),
    })
    // Asking took nothing: it can be owned.
    await Effect.runPromise(Effect.scoped(ownerLock.acquire({ directory })))
  })

  for (const owner of runtimes) {
    for (const other of runtimes) {
      it(`${owner.name} owns, ${other.name} is refused, and admitted after kill -9`, async () => {
        const directory = newDirectory()
        const first = hold(owner, directory)
        await first.line("owned")
        const second = hold(other, directory)
        const refusal = await second.line("refused")
        expect(refusal).toContain("refused owned")
        expect(refusal).toContain(`process ${first.process.pid} (${owner.name} `)
        await second.ended
        expect((await refusedHere(directory)).reason).toBe("owned")
        first.process.kill("SIGKILL")
        const killed = performance.now()
        while (true) {
          const outcome = await Effect.runPromise(
            Effect.exit(Effect.scoped(ownerLock.acquire({ directory }))),
          )
          if (outcome._tag === "Success") break
          expect(performance.now() - killed).toBeLessThan(admittedMillisMax)
        }
        const third = hold(other, directory)
        await third.line("owned")
        third.process.kill("SIGKILL")
        await third.ended
      })
    }
  }

  it("a folder that cannot be made is a clear failure", async () => {
    const file = newDirectory()
    writeFileSync(file, "in the way")
    const directory = join(file, "aios")
    const refused = await refusedHere(directory)
    expect(refused._tag).toBe("LogUnavailable")
    expect(refused.reason).toBe("failed")
    expect(refused.message).toContain(directory)
  })
})
