/**
 * The processes beside AIOS as a user meets them: started by the launcher when they are needed, told of by
 * `aios doctor`, and gone with it however it ends. After each test no process may be left.
 */
import { type ChildProcess } from "node:child_process"
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { afterEach, expect, test } from "vitest"
import type { Check } from "../../projections/aios.ts"
import { processesWith, until } from "../supervised.ts"
import { ended, type Home, home, run, says, start } from "./aios.ts"

const homes: Array<Home> = []
const children: Array<ChildProcess> = []
/** None of this machine's own models, so that the tests are the same everywhere. */
const env = {
  AIOS_NOW: "2026-11-24T07:00:00Z",
  AIOS_OLLAMA: "off",
  OLLAMA_HOST: "127.0.0.1:9",
  AIOS_MODELS_DIR: undefined,
  AIOS_CHROMA_URL: undefined,
  AIOS_EMBEDDER: undefined,
}

afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill("SIGKILL")
  for (const one of homes.splice(0)) {
    await until(`nothing is left on ${one.dir}`, () => processesWith(one.dir).length === 0)
    one.remove()
  }
})
const newHome = () => {
  const one = home()
  homes.push(one)
  return one
}
const up = async (one: Home) => {
  const child = start(["start", "--data-dir", one.dir], { env })
  children.push(child)
  await says(child, "Ready")
  return child
}
const doctor = async (one: Home, more: Readonly<Record<string, string>> = {}) => {
  const { err, out } = await run(["doctor", "--json", "--data-dir", one.dir], {
    env: { ...env, ...more },
  })
  expect(out, err).not.toBe("")
  const { checks } = JSON.parse(out) as { readonly checks: ReadonlyArray<Check> }
  return (name: string) => checks.find((check) => check.name === name)
}
const chromaPid = (one: Home): number =>
  JSON.parse(readFileSync(join(one.dir, "helpers/chroma.json"), "utf8")).processes[0].pid
const mainPid = (one: Home): number =>
  JSON.parse(readFileSync(join(one.dir, "owner.json"), "utf8")).pid
const nothingOn = (one: Home) => until("all ended", () => processesWith(one.dir).length === 0)

test("Chroma is started when it is needed, told of, and ends with AIOS", async () => {
  const one = newHome()
  const child = await up(one)
  const end = ended(child)
  expect(existsSync(join(one.dir, "helpers"))).toBe(false)
  const found = await doctor(one)
  expect(found("service chroma")).toMatchObject({ ok: true, detail: "works" })
  expect(found("process chroma")?.detail).toMatch(/^http:\/\/127\.0\.0\.1:\d+, process \d+, up/)
  expect(found("process ollama")).toMatchObject({
    ok: true,
    detail: expect.stringContaining("AIOS_OLLAMA=off"),
    fix: "",
  })
  expect(processesWith(one.dir)).toContain(chromaPid(one))
  process.kill(child.pid!, "SIGTERM")
  expect((await end).code).toBe(0)
  expect(processesWith(one.dir)).toEqual([])
})

test("without a folder for the helpers' socket that is what is said, not that a model is missing", async () => {
  const one = newHome()
  const nowhere = { ...env, TMPDIR: "/nonexistent", XDG_RUNTIME_DIR: undefined }
  await run(["settings", "--name", "Mara", "--data-dir", one.dir], { env })
  for (let n = 0; n < 2; n++) {
    const { out } = await run(["recall", "lamps", "--json", "--data-dir", one.dir], {
      env: nowhere,
    })
    const { mode, notes } = JSON.parse(out)
    expect(mode).toBe("lexical")
    expect(notes.join("\n")).toContain("Set XDG_RUNTIME_DIR or TMPDIR")
    expect(notes.join("\n")).not.toContain("models pull")
  }
})

test("a command that ends leaves nothing running", async () => {
  const one = newHome()
  await run(["settings", "--name", "Mara", "--data-dir", one.dir], { env })
  expect((await doctor(one))("service chroma")?.detail).toBe("works")
  expect(processesWith(one.dir)).toEqual([])
  expect(existsSync(join(one.dir, "chroma/chroma.sqlite3"))).toBe(true)
})

test("kill -9 of the launcher ends AIOS and what it had started", async () => {
  const one = newHome()
  const child = await up(one)
  await doctor(one)
  process.kill(child.pid!, "SIGKILL")
  await nothingOn(one)
  // The next one finds all as it should be.
  await up(one)
  expect((await doctor(one))("service chroma")?.detail).toBe("works")
})

test("kill -9 of AIOS ends its launcher and what that had started", async () => {
  const one = newHome()
  const child = await up(one)
  const end = ended(child)
  await doctor(one)
  process.kill(mainPid(one), "SIGKILL")
  expect((await end).code).toBe(137)
  await nothingOn(one)
})

test("kill -9 of Chroma: it comes back, and doctor says so", async () => {
  const one = newHome()
  await up(one)
  await doctor(one)
  const before = chromaPid(one)
  process.kill(before, "SIGKILL")
  await until("another Chroma runs", () => {
    try {
      return chromaPid(one) !== before
    } catch {
      return false
    }
  })
  const found = await doctor(one)
  expect(found("service chroma")?.detail).toBe("works")
  expect(found("process chroma")?.detail).toContain("started again once")
})

test("a second AIOS on the same folder is refused and harms nothing", async () => {
  const one = newHome()
  await up(one)
  await doctor(one)
  const before = chromaPid(one)
  const second = await run(["start", "--data-dir", one.dir], { env })
  expect([second.code, second.err]).toEqual([1, expect.stringContaining("already")])
  expect((await doctor(one))("process chroma")?.detail).toContain(`process ${before},`)
})

test("two AIOS on two folders have a Chroma each", async () => {
  const both = [newHome(), newHome()]
  await Promise.all(both.map(up))
  const found = await Promise.all(both.map((one) => doctor(one)))
  expect(found.map((one) => one("service chroma")?.detail)).toEqual(["works", "works"])
  expect(chromaPid(both[0]!)).not.toBe(chromaPid(both[1]!))
})

test("the folder of Chroma may be deleted", async () => {
  const one = newHome()
  const child = await up(one)
  const end = ended(child)
  await doctor(one)
  process.kill(child.pid!, "SIGTERM")
  await end
  rmSync(join(one.dir, "chroma"), { recursive: true, force: true })
  await up(one)
  expect((await doctor(one))("service chroma")?.detail).toBe("works")
})

test("another server that does not answer is a fault with a remedy, and all else works", async () => {
  const one = newHome()
  const elsewhere = { AIOS_CHROMA_URL: "http://127.0.0.1:9" }
  await run(["settings", "--name", "Mara", "--data-dir", one.dir], { env })
  const found = await doctor(one, elsewhere)
  expect(found("service chroma")?.detail).toContain("http://127.0.0.1:9")
  expect(existsSync(join(one.dir, "chroma"))).toBe(false)
  const brief = await run(["brief", "--data-dir", one.dir], { env: { ...env, ...elsewhere } })
  expect([brief.code, brief.out]).toEqual([0, expect.stringContaining("Tuesday 24 November")])
})

test("an address that is none is told before anything starts", async () => {
  const one = newHome()
  for (const [name, value] of [["AIOS_CHROMA_URL", "chroma"], ["OLLAMA_HOST", "ftp://x"]]) {
    const { code, err } = await run(["brief", "--data-dir", one.dir], {
      env: { ...env, [name!]: value },
    })
    expect([code, err]).toEqual([78, expect.stringMatching(`${name} is no address.*http`)])
  }
})

test("where no socket can be, AIOS works without them and says so", async () => {
  const one = newHome()
  const nowhere = { TMPDIR: "/nowhere", XDG_RUNTIME_DIR: "/nowhere" }
  await run(["settings", "--name", "Mara", "--data-dir", one.dir], { env })
  const found = await doctor(one, nowhere)
  expect(found("processes")?.detail).toContain("XDG_RUNTIME_DIR")
  expect((await run(["brief", "--data-dir", one.dir], { env: { ...env, ...nowhere } })).code).toBe(
    0,
  )
})
