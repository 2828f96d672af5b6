/**
 * The sample company from its folder to the founder's decisions and the morning after, through the real
 * command line: what comes first, whether each line is true, and what became of what was decided.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type {
  Approval,
  Brief,
  BriefItem,
  Decision,
  Edited,
  History,
  Undone,
  Why,
  WhyNot,
} from "../../projections/aios.ts"
import { founder, type Home, home, root } from "./aios.ts"

const today = "2026-11-24T07:00:00Z"
const tomorrow = "2026-11-25T07:00:00Z"
const at = (text: string) => Date.parse(text)

let house: Home
let brief: Brief
let text = ""
/** With nothing left out to fit on a screen. */
let whole = ""
let imported: { readonly imported: number; readonly duplicates: number; readonly faults: number }

beforeAll(async () => {
  house = home(today)
  expect((await house.aios("init", ...founder, "--working-hours", "09:00-17:00")).code).toBe(0)
  imported = await house.json("import", join(root, "sample")) as typeof imported
  brief = await house.json("brief") as Brief
  text = (await house.aios("brief")).out
  whole = (await house.aios("brief", "--all")).out
}, 120_000)
afterAll(() => house.remove())

const about = (items: ReadonlyArray<BriefItem>, person: string) => {
  const found = items.find((item) => item.what.includes(person))
  if (found === undefined) {
    throw new Error(`Nobody speaks of ${person}:\n${items.map((one) => one.what).join("\n")}`)
  }
  return found
}
const approvals = async () => await house.json("approvals") as ReadonlyArray<Approval>
const contentOf = (approval: Approval) => JSON.stringify(approval.content)
const mailTo = async (name: string) => {
  const found = (await approvals()).find((one) =>
    one.activity === "sendMail" && contentOf(one).includes(name)
  )
  if (found === undefined) throw new Error(`No mail to ${name} waits`)
  return found
}
const files = (folder: string): ReadonlyArray<string> =>
  existsSync(join(house.dir, folder))
    ? readdirSync(join(house.dir, folder), { recursive: true }).map(String)
    : []

test("everything in the folder comes in, and a second time adds nothing", async () => {
  expect(imported).toMatchObject({ faults: 0 })
  expect(imported.imported).toBeGreaterThan(130)
  const events = async () =>
    (await house.json("events", "--limit", "100000") as Array<unknown>).length
  const before = await events()
  expect(await house.json("import", join(root, "sample"))).toMatchObject({ imported: 0, faults: 0 })
  expect(await events()).toBe(before)
})

describe("this morning", () => {
  test("who accepted and is due today comes first", () => {
    const [first] = brief.now
    expect(first!.what).toContain("Ada Weiss")
    expect(first!.what).toMatch(/1,200(\.00)? EUR/)
    expect(first!.dueAt).toBe(at("2026-11-24T16:00:00Z"))
    expect(first!.approvals.length).toBeGreaterThan(0)
    expect(first!.action).toMatch(/^aios approve /)
    expect(`${first!.what} ${first!.why.join(" ")}`).toContain("by Tuesday evening")
    expect(text.split("\n").find((line) => /^ *1 /.test(line))).toContain("Ada Weiss")
  })

  test("who was charged twice and wrote three times comes second", () => {
    const second = brief.now[1]!
    expect(second.what).toContain("Marco Rossi")
    const all = `${second.what} ${second.why.join(" ")}`
    for (const fact of ["1042", "89", "40 s"]) expect(all).toContain(fact)
    // His first mail: six days ago.
    expect(second.since).toBe(at("2026-11-18T06:40:00Z"))
    expect(all).toMatch(/third|3 mails|3 times/)
  })

  test("each of the things that wait has its own command", () => {
    const [ada, marco] = brief.now
    for (const item of [ada!, marco!]) {
      expect(item.more.length).toBe(item.approvals.length - 1)
      for (const { action } of [item, ...item.more]) expect(text).toContain(action)
    }
    expect(marco!.more[0]!.prepared).toContain("refund of 89 EUR")
  })

  test("what came since yesterday is told, and the import apart", () => {
    // By the dates of the sample's mails, invoices and payments.
    expect(brief.news).toMatchObject({ mails: 11, leads: 2, payments: 2 })
    expect(brief.news.takenIn).toEqual({ records: 155, oldest: at("2026-05-28T08:05:00Z") })
    expect(text.replace(/\s+/g, " ")).toContain("taken in today: 155 records back to 28 May")
  })

  test("a deadline comes before what has none", () => {
    const names = [...brief.now].map((one) => one.person)
    expect(names.indexOf("Hanna Vogt")).toBeLessThan(names.indexOf("Jonas Weber"))
    expect(brief.week.findIndex((one) => one.kind === "content")).toBe(1)
    expect(brief.week.find((one) => one.kind === "content")!.dueAt).toBe(
      at("2026-11-26T22:59:00Z"),
    )
  })

  test("whoever wrote has a name, newsletters too", async () => {
    const people = await house.json("people") as ReadonlyArray<
      { readonly name: string; readonly address: string }
    >
    expect(people.filter((one) => one.name === "" && one.address === "")).toEqual([])
    expect(people.map((one) => one.name)).toContain("Type Weekly")
  })

  test("an invoice does not go on because its reminder waits for the floor", async () => {
    const { invoices } = brief
    const { key } = invoices.find((one) => one.person.includes("Brightside"))!
    const why = await house.json("why-not", `invoice/${key}`) as WhyNot
    expect(why.obstacles.map((one) => one.by)).toEqual(["executor: floor"])
    expect(why.obstacles[0]!.what).toContain("has the floor for an answer")
    const lead = await house.json("why-not", "Nadja.Brandt@brightside.example") as WhyNot
    expect(lead.obstacles.map((one) => one.by)).toContain("executor: gate")
  })

  test("what the founder promised stands with its day", () => {
    const today = about(brief.now, "Tomas Reyes")
    expect(`${today.what} ${today.why.join(" ")}`).toContain("I will call you on Tuesday")
    const thursday = about([...brief.now, ...brief.week], "Klara Winter")
    expect(`${thursday.what} ${thursday.why.join(" ")}`).toContain("by Thursday")
    expect(thursday.dueAt).toBe(at("2026-11-26T22:59:00Z"))
  })

  test("a journalist's question says until when it is worth an answer", () => {
    const asked = about([...brief.now, ...brief.week], "Hanna Vogt")
    expect(asked.what).toContain("Hanna Vogt asks")
    expect(asked.dueAt).toBe(
      at("2026-11-25T11:00:00Z"),
    )
  })

  test("the next issue says what its draft leaves out", () => {
    expect(brief.content.find((one) => one.notes > 0)).toMatchObject({
      notes: 5,
      covered: 3,
      uncovered: expect.arrayContaining(["What a website costs", "Card fees fall in January"]),
    })
    expect(whole).toMatch(/3 of (your )?5 notes/)
  })

  test("money: what is overdue, since when, what comes in and what came", () => {
    expect(brief.money).toMatchObject({
      overdue: [{ minor: 432_000, currency: "EUR" }],
      overdueCount: 2,
      oldest: { days: 31 },
      received: [{ minor: 68_900, currency: "EUR" }],
    })
    // Invoice 1040, due on Friday; what Ada Weiss accepted has no invoice that could be due.
    expect(brief.money.expected).toEqual([{ minor: 95_000, currency: "EUR" }])
    expect(brief.money.accepted).toEqual([{ minor: 120_000, currency: "EUR" }])
    expect(text.replace(/\s+/g, " ")).toContain("2 overdue, 4,320 EUR (oldest 31 days: Brightside")
  })

  test("two agents want the same person: the answer goes first, and the reminder says why it waits", async () => {
    const toNadja = (await approvals()).filter((one) => contentOf(one).includes("nadja.brandt@"))
    expect(toNadja.map((one) => one.activity)).toEqual(["sendMail"])
    expect(contentOf(toNadja[0]!)).toContain("Another workshop day?")
    const held = brief.held.find((one) => one.what.includes("Nadja Brandt"))!
    expect(held.what).toMatch(/reminder to Nadja Brandt.* waits: an answer goes first/)
    const why = await house.json(...held.action.split(" ").slice(1)) as WhyNot
    expect(JSON.stringify(why.obstacles)).toContain("Nadja Brandt")
  })

  test("who asked for no more mail gets none", async () => {
    for (const address of ["greta.olsen@kystlinje.example", "r.pohl@pohl-uhren.example"]) {
      expect((await approvals()).filter((one) => contentOf(one).includes(address))).toEqual([])
    }
    expect(brief.done.map((one) => one.what).join()).toMatch(/2 unsubscribes? honoured/)
  })

  test("who thanked, declined or said when they would come back waits for nothing", async () => {
    const all = (await approvals()).map(contentOf).join("\n")
    for (
      const address of [
        "noor@haddad-studio.example",
        "luca@ferri-vini.example",
        "petra@novak-atelier.example",
        "bianca@moretti-pasta.example",
        "theo.lang@langhaus.example",
        "henrik.dahl@fjordkraft-design.example",
        "ewa@kowalska-optyk.example",
      ]
    ) expect(all).not.toContain(address)
  })

  test("what was held back is named, and leads to its line", async () => {
    const held = brief.held.map((one) => one.what).join("\n")
    expect(held).toMatch(/Viktor Sand.*AI/)
    expect(held).toContain("druckhaus-somer.example")
    const why = await house.json("why", brief.held[0]!.events[0]!) as Why
    expect(why.causes.at(-1)?.source).toMatchObject({ file: "mailbox.mbox" })
  })

  test("today's meetings: what repeats is there, what was called off is not", () => {
    expect(brief.meetings.map((one) => [one.startsAt, one.title])).toEqual([
      [at("2026-11-24T10:00:00Z"), "Klara Winter: spring series"],
      [at("2026-11-24T16:00:00Z"), "Office hours for subscribers"],
    ])
  })

  test("what is not known is said: the calendar is six days old", () => {
    expect(brief.unknown.join("\n")).toMatch(/calendar.*6 days/)
  })

  test("it fits one screen, and the same morning twice is the same", async () => {
    expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(40)
    for (const line of text.split("\n")) expect([...line].length).toBeLessThanOrEqual(80)
    expect((await house.aios("brief")).out).toBe(text)
    expect(await house.json("brief")).toEqual(brief)
  })

  test("every draft answers what was asked, without a gap in it", async () => {
    for (const one of await approvals()) {
      expect(contentOf(one)).not.toMatch(/undefined|\[[A-Z ]+\]|\{\{|TODO|Hello ,/)
    }
  })

  test("the history of a person has both sides and where each line is from", async () => {
    const history = await house.json("history", "Ada Weiss") as History
    expect(history.address).toBe("ada.weiss@lumen-leuchten.example")
    const places = history.entries.map((one) => one.source?.file)
    for (const file of ["mailbox.mbox", "leads-linkedin.csv", "leads-hubspot.csv"]) {
      expect(places).toContain(file)
    }
    expect(history.entries.map((one) => one.at)).toEqual(
      history.entries.map((one) => one.at).toSorted((a, b) => a - b),
    )
  })
})

describe("deciding", () => {
  let decided: { readonly ada: string; readonly refund: string }

  test("an approved mail is written once and says where, and that it is not sent", async () => {
    const { id } = await mailTo("ada.weiss@")
    const done = await house.json("approve", id) as Decision
    expect(done).toMatchObject({ id, decision: "approved", already: false })
    expect(done.outcome).toMatch(/outbox.*\.eml/)
    expect(done.outcome).toContain("does not send")
    expect(files("outbox").filter((name) => name.endsWith(".eml"))).toHaveLength(1)
    expect(await house.json("approve", id)).toMatchObject({ already: true })
    expect(files("outbox").filter((name) => name.endsWith(".eml"))).toHaveLength(1)
    decided = { ada: id, refund: "" }
  })

  test("an approved refund is recorded exactly once", async () => {
    const refund = (await approvals()).find((one) => one.activity === "refundPayment")!
    expect(refund.risk).toBe("money")
    expect(refund.content).toMatchObject({
      number: "1042",
      amount: { minor: 8_900, currency: "EUR" },
      payment: "ch_NL1042b",
    })
    await house.json("approve", refund.id)
    await house.json("approve", refund.id)
    const lines = files("payments").filter((name) => /\.(csv|jsonl|json)$/.test(name))
      .flatMap((name) => readFileSync(join(house.dir, "payments", name), "utf8").split("\n"))
      .filter((line) => line.includes("ch_NL1042b"))
    expect(lines).toHaveLength(1)
    decided = { ...decided, refund: refund.id }
  })

  test("an edited draft is a new approval with the founder's words", async () => {
    const before = await mailTo("marco.rossi@")
    const file = join(house.dir, "..", "marco.txt")
    writeFileSync(
      file,
      "Dear Marco,\n\nyou are right and I am sorry. The 89 EUR are on their way.\n\nMara\n",
    )
    const edited = await house.json("edit", before.id, "--file", file) as Edited
    expect(edited.approval.id).not.toBe(before.id)
    expect(contentOf(edited.approval)).toContain("you are right and I am sorry")
    expect(edited.difference).toContain("+ you are right and I am sorry")
    expect((await house.aios("approve", before.id)).code).toBe(1)
  })

  test("later takes it off the morning, until then", async () => {
    const { id } = await mailTo("jonas.weber@")
    expect(await house.json("later", id, "--until", "tomorrow 07:30")).toMatchObject({
      decision: "postponed",
    })
    const after = await house.json("brief") as Brief
    expect(after.now.map((one) => one.approvals).flat()).not.toContain(id)
    // What was put off is said, and is no decision that waits.
    const { err } = await house.aios("brief")
    expect(err).toContain(`${(await approvals()).length} decisions for you (aios approvals)`)
    expect(err).toContain("1 decision put off")
  })

  test("what was approved can be taken back while it lies in the outbox", async () => {
    const { id } = await mailTo("sofia@")
    await house.json("approve", id)
    const before = files("outbox").filter((name) => name.endsWith(".eml")).length
    const undone = await house.json("undo", id) as Undone
    expect(undone).toMatchObject({ id, undone: "effect" })
    expect(files("outbox").filter((name) => name.endsWith(".eml")).length).toBe(before - 1)
  })

  test("the next morning shows what became of it, what is older, and what is new", async () => {
    const next = home(tomorrow)
    next.remove()
    const env = { AIOS_NOW: tomorrow }
    const { run } = await import("./aios.ts")
    const read = async (...args: Array<string>) => {
      const ran = await run([...args, "--data-dir", house.dir], { env })
      expect(ran.code, ran.err).toBe(0)
      return ran.out
    }
    const second = JSON.parse(await read("brief", "--json")) as Brief
    expect(second.date).toBe("2026-11-25")
    expect(second.decided.map((one) => one.id)).toEqual(
      expect.arrayContaining([decided.ada, decided.refund]),
    )
    expect(second.decided.find((one) => one.id === decided.ada)!.outcome)
      .toMatch(/^written to outbox\/.+\.eml, yours to send$/)
    expect(second.decided.find((one) => one.id === decided.refund)!.outcome)
      .toMatch(/^recorded in payments\/.+, yours to pay$/)
    expect(second.now.map((one) => one.what).join("\n")).toContain("Jonas Weber")
    // Yesterday's import is no news any more.
    expect(second.news).toMatchObject({ mails: 0, takenIn: { records: 0 } })
    expect(second.done).toEqual([])
    expect(second.money.oldest).toMatchObject({ days: 32 })
    const words = await read("brief")
    expect(words).toContain("Wednesday 25 November")
    expect(await read("brief")).toBe(words)
  })

  test("all of it replays to the same states", async () => {
    expect(await house.json("replay")).toMatchObject({ divergences: [] })
  })
})
