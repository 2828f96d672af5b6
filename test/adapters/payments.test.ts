/** Every payments adapter against the one contract; and what only files can get wrong. */
import { parse } from "csv-parse/sync"
import { Effect } from "effect"
import { execFileSync } from "node:child_process"
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { afterEach, describe, expect, it } from "vitest"
import { Payments } from "../../actors/payments.ts"
import * as folder from "../../adapters/payments-folder.ts"
import * as memory from "../../adapters/payments-memory.ts"
import { invoice, paymentsContract } from "../contract/payments.ts"
import { runtimes, start } from "../faults/runtimes.ts"
import { seeded } from "../seeded.ts"

const kills = Number(process.env["KILLS"] ?? 40)
const at = Date.UTC(2026, 10, 24)

const roots: Array<string> = []
const fresh = () => {
  const root = mkdtempSync(join(tmpdir(), "aios-payments-"))
  roots.push(root)
  return join(root, "payments")
}
afterEach(() => roots.splice(0).forEach((root) => rmSync(root, { recursive: true })))

paymentsContract("memory", () => memory.layer)
paymentsContract("folder", () => folder.layer(fresh()))

const using = <A, E>(where: string, use: (payments: Payments["Service"]) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.provide(Effect.flatMap(Payments, use), folder.layer(where)))
const linesOf = (where: string): ReadonlyArray<{ key: string; number: string; kind: string }> =>
  readFileSync(join(where, "book.ndjson"), "utf8").trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  )

describe("a folder of invoices", () => {
  it("has a file to read and one for programs, for the founder's eyes only", async () => {
    const where = fresh()
    const done = await using(where, (payments) =>
      payments.draftInvoice({
        to: { name: "=cmd()|x", address: "ada@lumen.example" },
        amount: { minor: 123_456_789, currency: "EUR" },
        description: "# Heading\n<script>alert(1)</script>",
      }, { key: "k", at }))
    expect(done).toMatchObject({ number: "2026-0001", where: "payments/invoices/2026-0001.md" })
    const text = readFileSync(join(where, "invoices/2026-0001.md"), "utf8")
    expect(text).toContain("Amount: 1,234,567.89 EUR")
    expect(text).toContain("\\# Heading \\<script\\>")
    const machine = JSON.parse(readFileSync(join(where, "invoices/2026-0001.json"), "utf8"))
    expect(machine).toMatchObject({ version: 1, status: "draft", amountDecimal: "1234567.89" })
    const rows: Array<Record<string, string>> = parse(
      readFileSync(join(where, "ledger.csv"), "utf8"),
      { columns: true },
    )
    expect(rows[0]).toMatchObject({ Invoice: "2026-0001", Name: "'=cmd()|x", Amount: "1234567.89" })
    for (const name of ["book.ndjson", "ledger.csv", "invoices/2026-0001.md"]) {
      expect(statSync(join(where, name)).mode & 0o777).toBe(0o600)
    }
    expect(statSync(where).mode & 0o777).toBe(0o700)
  })
  it("yen have no decimals, dinars three", () => {
    expect(folder.decimalOf({ minor: 500, currency: "JPY" })).toBe("500")
    expect(folder.decimalOf({ minor: 5, currency: "BHD" })).toBe("0.005")
  })
  it("a void invoice and a cancelled refund say so", async () => {
    const where = fresh()
    await using(where, (payments) =>
      Effect.gen(function* () {
        yield* payments.draftInvoice(invoice, { key: "k", at })
        yield* payments.voidInvoice("k", { key: "v", at })
        const { to, amount } = invoice
        const refund = { number: "1", payment: "ch", amount, reason: "twice", to }
        yield* payments.refund(refund, { key: "r", at })
        yield* payments.cancelRefund("r", { key: "c", at })
      }))
    expect(readFileSync(join(where, "invoices/2026-0001.md"), "utf8")).toContain("2026-0001: void")
    expect(readFileSync(join(where, "refunds/R-2026-0001.md"), "utf8")).toContain("cancelled")
  })
  it("a dry run leaves no trace", async () => {
    const where = fresh()
    await using(where, (payments) => payments.draftInvoice(invoice, { key: "k", at, dryRun: true }))
    expect(() => statSync(where)).toThrow()
  })
  it("what was deleted by hand is made again from the book, when its key comes again", async () => {
    const where = fresh()
    const draft = (payments: Payments["Service"]) =>
      payments.draftInvoice(invoice, { key: "k", at })
    const first = await using(where, draft)
    rmSync(join(where, "invoices"), { recursive: true })
    rmSync(join(where, "ledger.csv"))
    expect(await using(where, draft)).toEqual(first)
    expect(readdirSync(join(where, "invoices")).toSorted()).toEqual([
      "2026-0001.json",
      "2026-0001.md",
    ])
    expect(linesOf(where)).toHaveLength(1)
  })
  it("a line that a crash cut off does not count and is written over", async () => {
    const where = fresh()
    const draft = (key: string) => (payments: Payments["Service"]) =>
      payments.draftInvoice(invoice, { key, at })
    await using(where, draft("a"))
    appendFileSync(join(where, "book.ndjson"), '{"version":1,"key":"b","kind":"invo')
    expect((await using(where, draft("c"))).number).toBe("2026-0002")
    expect(linesOf(where).map(({ key }) => key)).toEqual(["a", "c"])
  })
  it("a line of a newer version, or a damaged one, is refused and nothing changes", async () => {
    const where = fresh()
    const draft = (key: string) => (payments: Payments["Service"]) =>
      payments.draftInvoice(invoice, { key, at })
    await using(where, draft("a"))
    const file = join(where, "book.ndjson")
    const [line = ""] = readFileSync(file, "utf8").split("\n")
    for (
      const [other, words] of [
        [line.replace('"version":1', '"version":2'), "newer AIOS"],
        ["{", "damaged"],
        ["{}", "not one of AIOS"],
      ] as const
    ) {
      writeFileSync(file, `${line}\n${other}\n`)
      const failure = await using(where, (payments) => Effect.flip(draft("b")(payments)))
      expect(failure).toMatchObject({ _tag: "PaymentsUnavailable", retryable: false })
      expect(failure.message).toContain(words)
      expect(readFileSync(file, "utf8")).toBe(`${line}\n${other}\n`)
    }
  })
  it("a full disk: retryable, no half line, and it goes on once there is space", async (test) => {
    const where = fresh()
    const root = join(where, "..")
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", root], { stdio: "ignore" })
    } catch {
      console.warn("skipped: mounting a small disk needs root")
      return test.skip()
    }
    try {
      const draft = (key: string) => (payments: Payments["Service"]) =>
        payments.draftInvoice(invoice, { key, at })
      await using(where, draft("before"))
      try {
        writeFileSync(join(root, "filler"), new Uint8Array(4 * 1024 * 1024))
      } catch {
        // Full now.
      }
      let failure
      for (let n = 0; n < 40 && failure === undefined; n++) {
        failure = await using(where, (payments) =>
          Effect.match(draft(`k${n}`)(payments), {
            onFailure: (error) => error,
            onSuccess: () => undefined,
          }))
      }
      expect(failure).toMatchObject({ retryable: true })
      expect(failure?.message).toContain("No space left")
      rmSync(join(root, "filler"))
      for (let n = 0; n < 40; n++) await using(where, draft(`k${n}`))
      const numbers = linesOf(where).map(({ number }) => number)
      expect(numbers).toHaveLength(41)
      expect(new Set(numbers).size).toBe(41)
    } finally {
      execFileSync("umount", [root])
    }
  })
})

describe(`${kills} kills with SIGKILL`, () => {
  it("leave one entry per key, and numbers without gaps", async () => {
    const dice = seeded()
    const where = fresh()
    const acknowledged = new Map<string, string>()
    const contradictions: Array<string> = []
    const hear = (lines: ReadonlyArray<string>) => {
      for (const line of lines) {
        const [, key, number] = /^did (\S+) (\S+)$/.exec(line) ?? []
        if (key === undefined || number === undefined) continue
        if ((acknowledged.get(key) ?? number) !== number) contradictions.push(line)
        acknowledged.set(key, number)
      }
    }
    const count = 5_000
    let from = 0
    let died = 0
    // One after the other, as one process owns a data directory at a time.
    while (died < kills) {
      const child = start(
        runtimes[0]!,
        "test/adapters/payments-worker.ts",
        where,
        String(from),
        String(count),
      )
      for (const wanted = 1 + dice.below(6); child.lines.length < wanted;) {
        if (child.process.exitCode !== null) throw new Error("it ended by itself")
        await new Promise((then) => setTimeout(then, 1))
      }
      await new Promise((then) => setTimeout(then, dice.below(6)))
      child.process.kill("SIGKILL")
      await child.ended
      hear(child.lines)
      died++
      // The next life begins a little before where this one was seen last.
      const done = [...acknowledged.keys()].filter((key) => key.startsWith("payment-")).length
      from = Math.max(0, done - 2)
    }
    const last = acknowledged.size
    const child = start(
      runtimes[0]!,
      "test/adapters/payments-worker.ts",
      where,
      "0",
      String(last),
    )
    await child.line("end")
    await child.ended
    hear(child.lines)

    expect(contradictions).toEqual([])
    const lines = linesOf(where)
    const keys = lines.map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.toSorted()).toEqual(
      Array.from({ length: last }, (_, n) => [`invoice-${n}`, `payment-${n}`]).flat().toSorted(),
    )
    const invoices = lines.filter(({ kind }) => kind === "invoice")
    expect(invoices.map(({ number }) => number)).toEqual(
      Array.from({ length: last }, (_, n) => `2026-${String(n + 1).padStart(4, "0")}`),
    )
    for (const { key, number } of lines) expect(acknowledged.get(key)).toBe(number)
    expect(readdirSync(join(where, "invoices")).filter((name) => name.endsWith(".md")))
      .toHaveLength(
        last,
      )
    const rows: Array<unknown> = parse(readFileSync(join(where, "ledger.csv"), "utf8"))
    expect(rows).toHaveLength(1 + keys.length)
    console.info(`${died} kills, ${last} invoices`)
  }, 300_000)
})

describe("two processes on one folder", () => {
  it("enter each key once, and give numbers without gaps", async () => {
    const where = fresh()
    const count = 25
    const both = [0, 1].map(() =>
      start(runtimes[0]!, "test/adapters/payments-worker.ts", where, "0", String(count))
    )
    await Promise.all(both.map((child) => child.line("end")))
    const said = both.map(({ lines }) => lines.filter((line) => line.startsWith("did ")).toSorted())
    expect(said[0]).toEqual(said[1])
    const lines = linesOf(where)
    expect(lines.map(({ key }) => key).toSorted()).toEqual(
      Array.from({ length: count }, (_, n) => [`invoice-${n}`, `payment-${n}`]).flat().toSorted(),
    )
    expect(lines.filter(({ kind }) => kind === "invoice").map(({ number }) => number)).toEqual(
      Array.from({ length: count }, (_, n) => `2026-${String(n + 1).padStart(4, "0")}`),
    )
  }, 60_000)
})
