/**
 * What a founder does with decisions, at a terminal: other words, later, back again, done and undone; and
 * where each came from. Each test has a mail of its own or takes it as it finds it, so none depends on another.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type {
  Approval,
  Decision,
  Edited,
  History,
  Undone,
  Why,
  WhyNot,
} from "../../projections/aios.ts"
import { founder, type Home, home, run } from "./aios.ts"

const people = ["ada", "bo", "cleo", "dan", "eve", "fay", "gus", "hal"]
const mailOf = (name: string, n: number) =>
  [
    `From ${name}@client.example Mon Nov 23 10:0${n}:00 2026`,
    `From: ${name[0]!.toUpperCase()}${name.slice(1)} Example <${name}@client.example>`,
    "To: Mara Lindqvist <mara@northlight.example>",
    `Subject: A website for ${name}`,
    `Message-ID: <${name}@client.example>`,
    `Date: Mon, 23 Nov 2026 10:0${n}:00 +0100`,
    "Content-Type: text/plain; charset=utf-8",
    "",
    "Dear Mara,",
    "",
    "How much would a small website cost? We would like to start soon.",
    "",
    name,
    "",
  ].join("\n")

let house: Home
let folder: string
beforeAll(async () => {
  house = home()
  folder = mkdtempSync(join(tmpdir(), "aios-decisions-"))
  const file = join(folder, "box.mbox")
  writeFileSync(file, people.map(mailOf).join("\n"))
  expect((await house.aios("init", ...founder)).code).toBe(0)
  expect((await house.aios("import", file)).code).toBe(0)
})
afterAll(() => {
  house.remove()
  rmSync(folder, { recursive: true, force: true })
})

const approvals = async () => await house.json("approvals") as ReadonlyArray<Approval>
const toOf = ({ content }: Approval): string => {
  const { to } = content as { to?: { address?: string } }
  return to?.address ?? ""
}
const waitingFor = async (name: string) => {
  const found = (await approvals()).filter((one) => toOf(one) === `${name}@client.example`)
  expect(found).toHaveLength(1)
  return found[0]!
}
const outbox = () => {
  const at = join(house.dir, "outbox")
  return existsSync(at) ? readdirSync(at).filter((name) => name.endsWith(".eml")) : []
}
const refused = async (...args: Array<string>) => {
  const { code, err } = await house.aios(...args, "--json")
  const line = err.split("\n").find((one) => one.startsWith("{")) ?? "{}"
  return { code, ...JSON.parse(line).error as { error: string; message: string } }
}

describe("other words", () => {
  test("take the place of the draft, and only they can be approved", async () => {
    const draft = await waitingFor("ada")
    const file = join(folder, "reply.txt")
    writeFileSync(
      file,
      "Subject: Your website\n\nDear Ada,\n\ngladly. I call you on Friday.\n\nMara\n",
    )
    const edited = await house.json("edit", draft.id.slice(0, 8), "--file", file) as Edited
    expect(edited.id).toBe(draft.id)
    expect(edited.approval.content).toMatchObject({
      subject: "Your website",
      text: "Dear Ada,\n\ngladly. I call you on Friday.\n\nMara",
      made: "founder",
    })
    expect(edited.difference).toContain("+ gladly. I call you on Friday.\n")
    expect((await waitingFor("ada")).id).toBe(edited.approval.id)
    // The same again is the same.
    expect(await house.json("edit", draft.id, "--file", file)).toEqual(edited)
    expect(await refused("approve", draft.id)).toMatchObject({ code: 1, error: "ContentChanged" })
    expect(await refused("edit", draft.id, "--text", "Yet other words"))
      .toMatchObject({ code: 1, error: "ContentChanged" })
    expect(await refused("edit", edited.approval.id, "--file", file))
      .toMatchObject({ code: 1, error: "NothingChanged" })
    const done = await house.json("approve", edited.approval.id) as Decision
    expect(done.outcome).toContain("AIOS does not send mail yet")
    expect(await refused("edit", edited.approval.id, "--text", "Too late"))
      .toMatchObject({ code: 1, error: "DecidedDifferently" })
  })

  test("with a gap, without words, or of a file that is not there, are refused", async () => {
    const { id } = await waitingFor("bo")
    expect(await refused("edit", id, "--text", "Dear [name], yes."))
      .toMatchObject({ code: 2, error: "PlaceholderLeft" })
    expect(await refused("edit", id, "--text", "  ")).toMatchObject({ code: 2 })
    expect(await refused("edit", id, "--text", "Yes.", "--subject", "a\nb")).toMatchObject({
      code: 2,
    })
    expect(await refused("edit", id)).toMatchObject({ code: 2 })
    expect(await refused("edit", id, "--file", join(folder, "none.txt"))).toMatchObject({ code: 2 })
    expect((await waitingFor("bo")).id).toBe(id)
  })
})

test("later: it is away until then, comes back, and may be decided sooner", async () => {
  const { id } = await waitingFor("bo")
  expect(await refused("later", id, "--until", "2026-11-23")).toMatchObject({ code: 2 })
  expect(await refused("later", id, "--until", "soon")).toMatchObject({ code: 2 })
  const first = await house.json("later", id, "--until", "friday 9:00") as Decision
  expect(first).toMatchObject({ decision: "postponed", already: false })
  expect(first.outcome).toContain("Fri, 27 Nov 2026, 09:00")
  expect((await approvals()).some((one) => one.id === id)).toBe(false)
  expect(await house.json("later", id, "--until", "friday 9:00")).toMatchObject({ already: true })
  expect(await house.json("later", id, "--until", "tomorrow")).toMatchObject({ already: false })
  const back = await house.json("undo", id) as Undone
  expect(back.undone).toBe("decision")
  expect((await waitingFor("bo")).id).toBe(id)
  // What was taken back can be said again.
  expect(await house.json("later", id, "--until", "tomorrow")).toMatchObject({ already: false })
  expect(await house.json("approve", id)).toMatchObject({ decision: "approved", already: false })
})

test("undo: what was written is taken back, and twice is success", async () => {
  const { id } = await waitingFor("cleo")
  expect(await refused("undo", id)).toMatchObject({ code: 1, error: "NothingToUndo" })
  const before = outbox()
  await house.json("approve", id)
  expect(outbox()).toHaveLength(before.length + 1)
  const undone = await house.json("undo", id) as Undone
  expect(undone).toMatchObject({ id, undone: "effect" })
  expect(undone.outcome).toContain("was taken back")
  expect(outbox()).toEqual(before)
  expect(await house.json("undo", id)).toEqual(undone)
  const again = await house.json("approve", id) as Decision
  expect(again.already).toBe(true)
  expect(again.outcome).toContain("taken back")
  expect(outbox()).toEqual(before)
})

test("undo: what was rejected is asked again, as another approval", async () => {
  const { id } = await waitingFor("dan")
  await house.json("reject", id, "--reason", "too early")
  expect(await refused("approve", id)).toMatchObject({ code: 1, error: "DecidedDifferently" })
  expect(await house.json("undo", id)).toMatchObject({ undone: "decision" })
  const again = await waitingFor("dan")
  expect(again.id).not.toBe(id)
  expect(await house.json("undo", id)).toMatchObject({ undone: "decision" })
  expect((await waitingFor("dan")).id).toBe(again.id)
})

test("what expired says only what works", async () => {
  const late = home()
  try {
    const file = join(folder, "late.mbox")
    writeFileSync(file, mailOf("ida", 1))
    await late.json("init", ...founder)
    await late.json("import", file)
    const [one] = await late.json("approvals") as ReadonlyArray<Approval>
    const inFebruary = (...args: Array<string>) =>
      run([...args, "--data-dir", late.dir], { env: { AIOS_NOW: "2027-02-01T07:00:00Z" } })
    const { code, err } = await inFebruary("approve", one!.id)
    expect([code, err]).toEqual([1, expect.stringContaining("expired")])
    // Advice to undo it is given only where that does something.
    const undone = await inFebruary("undo", one!.id)
    expect(err.includes("aios undo")).toBe(undone.code === 0)
  } finally {
    late.remove()
  }
})

test("why-not of an agent that is none names those there are", async () => {
  const { code, err } = await house.aios("why-not", "foo/bar")
  expect([code, err]).toEqual([2, expect.stringContaining("There is no agent foo. There are ")])
})

test("a preview does nothing", async () => {
  const { id } = await waitingFor("eve")
  const before = outbox()
  const { effect } = await house.json("approve", id, "--dry-run") as { effect: string }
  expect(effect).toContain("eve@client.example")
  expect(effect).toContain("AIOS does not send it yet")
  expect(outbox()).toEqual(before)
  expect((await waitingFor("eve")).id).toBe(id)
})

test("several at once: what is alike and of low risk, else nothing", async () => {
  const [eve, fay, gus] = [
    await waitingFor("eve"),
    await waitingFor("fay"),
    await waitingFor("gus"),
  ]
  expect(eve.grade).toBe("low")
  expect(eve.group).toBe(fay.group)
  const decisions = await house.json("approve", eve.id, fay.id.slice(0, 8)) as ReadonlyArray<
    Decision
  >
  expect(decisions.map(({ already, id }) => [id, already])).toEqual([[eve.id, false], [
    fay.id,
    false,
  ]])
  expect(await refused("approve", gus.id, "00000000"))
    .toMatchObject({ code: 1, error: "ApprovalNotFound" })
  expect((await waitingFor("gus")).id).toBe(gus.id)
  expect(await refused("approve")).toMatchObject({ code: 2 })
  expect(await refused("approve", "--group", "nothing")).toMatchObject({ error: "GroupNotFound" })
})

test("two at once make one fact", async () => {
  const { id } = await waitingFor("hal")
  const before = outbox().length
  const all = await Promise.all([
    house.aios("approve", id, "--json"),
    house.aios("approve", id, "--json"),
    house.aios("approve", id, "--json"),
  ])
  expect(all.map(({ code }) => code)).toEqual([0, 0, 0])
  const already = all.map(({ out }) => (JSON.parse(out) as Decision).already)
  expect(already.filter((one) => !one)).toHaveLength(1)
  expect(outbox()).toHaveLength(before + 1)
})

describe("where it comes from", () => {
  test("why goes down to the line of the file", async () => {
    const { agent, id } = await waitingFor("gus")
    const why = await house.json("why", id.slice(0, 8)) as Why
    expect(why.of).toContain("gus@client.example")
    expect(why.causes[0]?.type).toBe("ApprovalRequested")
    expect(why.causes[0]?.what).toContain("policy: low risk")
    const last = why.causes.at(-1)
    expect(last).toMatchObject({ type: "MailReceived", source: { file: "box.mbox" } })
    expect(last?.source?.at).toMatch(/^byte \d+$/)
    // The event alone, by the beginning of its id.
    const event = why.causes.find(({ type }) => type === "LeadWrote")
    expect((await house.json("why", event!.event.slice(0, 20)) as Why).causes.at(-1)?.event)
      .toBe(last?.event)
    expect((await house.json("why", agent.replace("-", "/")) as Why).causes.length)
      .toBeGreaterThan(2)
    expect(await refused("why", "00000000")).toMatchObject({ code: 1, error: "NotFound" })
    expect(await refused("why", "12")).toMatchObject({ code: 2 })
  })

  test("why-not names what holds it", async () => {
    const { id } = await waitingFor("gus")
    const held = await house.json("why-not", "gus@client.example") as WhyNot
    expect(held.obstacles.map(({ what }) => what).join("\n")).toContain(
      `aios approve ${id.slice(0, 8)}`,
    )
    await house.json("reject", id, "--reason", "not my line")
    const rejected = await house.json("why-not", "gus") as WhyNot
    expect(rejected.obstacles.map(({ what }) => what).join("\n")).toContain("“not my line”")
    expect(await refused("why-not", "nobody@nowhere.example"))
      .toMatchObject({ code: 1, error: "PersonNotFound" })
    expect(await refused("why-not", "lead/nothing")).toMatchObject({ error: "UnknownActor" })
  })

  test("history has mail, draft, decision and effect in order, each with its source", async () => {
    const waiting = (await approvals()).find((one) => toOf(one) === "cleo@client.example")
    if (waiting !== undefined) {
      await house.json("approve", waiting.id)
      await house.json("undo", waiting.id)
    }
    const history = await house.json("history", "Cleo Example") as History
    expect(history.address).toBe("cleo@client.example")
    const told = history.entries.map(({ what }) => what)
    const places = [
      told.findIndex((what) => what.includes("wrote: “A website for cleo”")),
      told.findIndex((what) => what.includes("drafted")),
      told.findIndex((what) => what === "You approved it"),
      told.findIndex((what) => what.includes("handed over")),
      told.findIndex((what) => what.includes("You took back")),
    ]
    expect(places.every((place) => place >= 0)).toBe(true)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(history.entries[places[0]!]?.source?.file).toBe("box.mbox")
    expect(await refused("history", "Example")).toMatchObject({ code: 2, error: "AmbiguousPerson" })
    expect(await refused("history", "nobody")).toMatchObject({ code: 1, error: "PersonNotFound" })
    expect(await house.json("people", "cleo")).toMatchObject([{ address: "cleo@client.example" }])
  })
})

test("the day's document is there as soon as the brief was shown", async () => {
  const fresh = home()
  try {
    await fresh.aios("init", ...founder)
    expect((await fresh.aios("brief")).err).not.toContain("batch task")
    expect(await fresh.json("reports", "daily")).toMatchObject([{ date: "2026-11-24" }])
  } finally {
    fresh.remove()
  }
})

test("reports: none yet says how to get one; slots are settings", async () => {
  expect(await refused("report", "weekly")).toMatchObject({ code: 1, error: "ReportNotFound" })
  expect(await refused("report", "hourly")).toMatchObject({ code: 2 })
  expect(await refused("settings", "--report", "hourly")).toMatchObject({ code: 2 })
  expect(await house.json("settings", "--report", "weekly", "--report", "daily"))
    .toMatchObject({ reports: ["daily", "weekly"] })
  expect(await house.json("settings", "--report", "none")).toMatchObject({ reports: [] })
})
