/** Every address book against the one contract; and what only files can get wrong. */
import { parse } from "csv-parse/sync"
import { Effect } from "effect"
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { Crm } from "../../actors/crm.ts"
import { contactsOf, type Line } from "../../adapters/crm-book.ts"
import * as folder from "../../adapters/crm-folder.ts"
import * as memory from "../../adapters/crm-memory.ts"
import { plainCell, safeCell } from "../../adapters/csv-cells.ts"
import { listOf, readPeople } from "../../adapters/records-people-csv.ts"
import { crmContract } from "../contract/crm.ts"
import { seeded } from "../seeded.ts"

const at = Date.UTC(2026, 10, 24)
const roots: Array<string> = []
const fresh = () => {
  const root = mkdtempSync(join(tmpdir(), "aios-crm-"))
  roots.push(root)
  return join(root, "crm")
}
afterEach(() => roots.splice(0).forEach((root) => rmSync(root, { recursive: true })))

const rowsOf = (file: string): ReadonlyArray<Record<string, string>> =>
  existsSync(file) ? parse(readFileSync(file, "utf8"), { columns: true }) : []
const filled = (fields: Record<string, string | undefined>) => {
  const kept: Record<string, string> = {}
  for (const [name, text] of Object.entries(fields)) if (text) kept[name] = plainCell(text)
  return kept
}

crmContract("memory", () => {
  let lines: ReadonlyArray<Line> = []
  return {
    layer: memory.layerWith((now) => {
      lines = now
    }),
    seen: () => ({
      contacts: contactsOf(lines).map((one) => filled({ ...one })),
      notes: lines.flatMap((line) =>
        line.kind === "note" ? [{ address: line.address, text: line.text }] : []
      ),
    }),
  }
})
crmContract("folder", () => {
  const where = fresh()
  return {
    layer: folder.layer(where),
    seen: () => ({
      contacts: rowsOf(join(where, "contacts.csv")).map((row) =>
        filled({
          address: row["Email"],
          name: [row["First Name"], row["Last Name"]].filter((one) => one !== "").join(" "),
          company: row["Company Name"],
          position: row["Job Title"],
          phone: row["Phone Number"],
          stage: row["Lifecycle Stage"],
        })
      ),
      notes: rowsOf(join(where, "notes.csv")).map((row) => ({
        address: plainCell(row["Email"] ?? ""),
        text: plainCell(row["Note body"] ?? ""),
      })),
    }),
  }
})

const using = <A, E>(where: string, use: (crm: Crm["Service"]) => Effect.Effect<A, E>) =>
  Effect.runPromise(Effect.provide(Effect.flatMap(Crm, use), folder.layer(where)))

describe("cells", () => {
  it("that begin a formula are text, and come back as they were", () => {
    for (
      const text of [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "'=1",
        "''@x",
      ]
    ) {
      expect(safeCell(text)).toBe(`'${text}`)
      expect(plainCell(safeCell(text))).toBe(text)
    }
    for (const text of ["", "Ada", "'quoted'", "+49 170 1234567", "-12.50", "a=b"]) {
      expect(safeCell(text)).toBe(text)
      expect(plainCell(text)).toBe(text)
    }
    const dice = seeded()
    const signs = ["'", "=", "+", "-", "@", "1", "a", " ", "\t", "\r"]
    for (let round = 0; round < 2_000; round++) {
      const text = Array.from({ length: dice.below(6) }, () => dice.pick(signs)).join("")
      expect(plainCell(safeCell(text))).toBe(text)
      expect(safeCell(text)).not.toMatch(/^[=@\t\r]/)
    }
  })
})

describe("a folder of contacts", () => {
  it("has HubSpot's column names, in its order", async () => {
    const where = fresh()
    await using(where, (crm) =>
      Effect.gen(function* () {
        yield* crm.upsertContact({ address: "ada@lumen.example", name: "Ada Weiss" }, {
          key: "a",
          at,
        })
        yield* crm.addNote({ address: "ada@lumen.example", text: 'Two\nlines, "quoted"' }, {
          key: "n",
          at,
        })
      }))
    expect(readFileSync(join(where, "contacts.csv"), "utf8")).toBe(
      "Email,First Name,Last Name,Company Name,Job Title,Phone Number,Lifecycle Stage\r\n" +
        "ada@lumen.example,Ada,Weiss,,,,\r\n",
    )
    expect(readFileSync(join(where, "notes.csv"), "utf8")).toBe(
      "Email,Note body,Timestamp\r\n" +
        'ada@lumen.example,"Two\nlines, ""quoted""",2026-11-24T00:00:00.000Z\r\n',
    )
  })
  it("is read by our own importer as it was entered", async () => {
    const where = fresh()
    const people = [
      { name: "=cmd()|x Weiss", company: "@Lumen", position: "+Lead", phone: "+49 170 1234567" },
      { name: "Ada", company: 'A "B", C', position: "-", phone: "" },
      { name: "Jörg van der Ümlaut", company: "'=1+1", position: "x\ty", phone: "(030) 1" },
    ].map((one, n) => ({ ...one, address: `p${n}@x.example` }))
    await using(
      where,
      (crm) => Effect.forEach(people, (one, n) => crm.upsertContact(one, { key: `k${n}`, at })),
    )
    const text = readFileSync(join(where, "contacts.csv"), "utf8")
    expect(listOf(text)).toBe("people")
    const pieces = async function* () {
      yield text
    }
    const read = []
    for await (const item of readPeople(pieces(), "contacts.csv")) read.push(item)
    expect(read.map((item) => "record" in item && item.record)).toMatchObject(
      people.map((one) => ({ ...one, position: one.position.replace("\t", " ") })),
    )
  })
  it.each([
    ["Ada Weiss", "Ada", "Weiss"],
    ["Weiss, Ada", "Ada", "Weiss"],
    ["Jan van Dyk", "Jan van", "Dyk"],
    ["Ada", "Ada", ""],
    ["", "", ""],
    ["Lumen, Inc., Berlin", "Lumen, Inc.,", "Berlin"],
  ])("%j is %j and %j", (name, first, last) => {
    expect(folder.namesOf(name)).toEqual([first, last])
  })
  it("a line of a newer version is refused and nothing changes", async () => {
    const where = fresh()
    const enter = (key: string) => (crm: Crm["Service"]) =>
      crm.upsertContact({ address: "ada@lumen.example", name: "Ada" }, { key, at })
    await using(where, enter("a"))
    appendFileSync(join(where, "book.ndjson"), '{"version":2,"key":"b"}\n')
    const before = readFileSync(join(where, "book.ndjson"), "utf8")
    const failure = await using(where, (crm) => Effect.flip(enter("c")(crm)))
    expect(failure).toMatchObject({ _tag: "CrmUnavailable", retryable: false })
    expect(failure.message).toContain("newer AIOS")
    expect(readFileSync(join(where, "book.ndjson"), "utf8")).toBe(before)
  })
})
