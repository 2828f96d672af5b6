/**
 * Processes that do real work, killed with SIGKILL at random moments, again and again on the same files.
 * Nothing that was acknowledged is lost, nothing is done twice, and all ends as in a life without kills.
 * `KILLS` sets how many there are, `SEED` when; what is under way at that moment stays a matter of luck.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Runtime, runtimes, start } from "../faults/runtimes.ts"
import { type Dice, seeded } from "../seeded.ts"
import type { Found } from "./sigkill-worker.ts"

/** Most lives are lived under Deno, whatever runs the tests: the suite under Node need not repeat what Deno's has done. */
const underNode = process.versions["deno"] === undefined
const kills = Number(process.env["KILLS"] ?? (underNode ? 60 : 200))
/** Killed at the latest so long after it printed so many lines: one or two steps of the story. */
const linesMax = 16
const afterLineMillisMax = 12
/** When a life ends: while it still starts and mends what the last one left, when a mail went out, any time. */
const moments = ["start", "mail", "line", "line"] as const
const afterMailMillisMax = 6
const startMillisMin = 150
const startMillisMax = 400
/** One life in so many is lived under Node, which starts slowly, where it is at hand. */
const nodeOf = underNode ? 6 : 40
/** Steps after the last kill. */
const stepsAfter = 3
/** Houses side by side: most of a life is its start. */
const housesCount = 3
const killsEach = kills / housesCount
/** Work to lose: a slow machine carries less of it between two kills, and its houses are killed until there was enough. */
const mailsMin = killsEach / 8
const killsEachMax = killsEach * 3
const worker = "test/crash/sigkill-worker.ts"

const fast = runtimes[0]!
const slow = runtimes[1]

interface House {
  readonly directory: string
  /** `<stream> <revision> <position>` by event id, as acknowledged. */
  readonly acknowledged: Map<string, string>
  /** Ids that were acknowledged differently by two lives. */
  readonly contradictions: Array<string>
  /** The first step that was not settled yet. */
  step: number
  kills: number
}

const newHouse = (): House => ({
  directory: mkdtempSync(join(tmpdir(), "aios-sigkill-")),
  acknowledged: new Map(),
  contradictions: [],
  step: 0,
  kills: 0,
})

const hear = (house: House, lines: ReadonlyArray<string>) => {
  for (const line of lines) {
    const [, id, place] = /^ack (\S+) (\S+ \d+ \d+)$/.exec(line) ?? []
    if (id !== undefined && place !== undefined) {
      if ((house.acknowledged.get(id) ?? place) !== place) house.contradictions.push(line)
      house.acknowledged.set(id, place)
    }
    const [, step] = /^step (\d+)$/.exec(line) ?? []
    if (step !== undefined) house.step = Math.max(house.step, Number(step) + 1)
  }
}

const millis = (count: number) => new Promise((resolve) => setTimeout(resolve, count))

/** One life that ends by a kill. */
const killed = async (house: House, dice: Dice) => {
  const moment = dice.pick(moments)
  const runtime: Runtime = slow !== undefined && dice.below(nodeOf) === 0 ? slow : fast
  const child = start(runtime, worker, house.directory, String(house.step))
  if (moment === "start") {
    await millis(startMillisMin + dice.below(startMillisMax - startMillisMin))
  } else if (moment === "mail") {
    await child.line("mail")
    await millis(dice.below(afterMailMillisMax))
  } else {
    await child.line("owned")
    for (const wanted = 1 + dice.below(linesMax); child.lines.length < wanted;) await millis(1)
    await millis(dice.below(afterLineMillisMax))
  }
  child.process.kill("SIGKILL")
  await child.ended
  hear(house, child.lines)
  house.kills++
}

/** Lives on to step `last` undisturbed and says how it is there. */
const finished = async (house: House, last: number): Promise<Found> => {
  const child = start(fast, worker, house.directory, String(house.step), String(last))
  const line = await child.line("found ")
  await child.ended
  hear(house, child.lines)
  return JSON.parse(line.slice("found ".length)) as Found
}

const mailsOf = (house: House) => {
  const folder = join(house.directory, "outbox")
  const names = readdirSync(folder).filter((name) => name.endsWith(".eml"))
  return names.map((name) => {
    const text = readFileSync(join(folder, name), "utf8")
    return { where: `outbox/${name}`, subject: /^Subject: (.*)$/m.exec(text)?.[1]?.trim() }
  })
}
const subjectsOf = (house: House) => mailsOf(house).map(({ subject }) => subject).sort()

describe(`${kills} kills with SIGKILL`, () => {
  const calm = newHouse()
  const houses = Array.from({ length: housesCount }, newHouse)
  let calmFound: Found
  let found: ReadonlyArray<Found>

  beforeAll(async () => {
    const seed = seeded().seed
    await Promise.all(houses.map(async (house, n) => {
      const dice = seeded(seed + n)
      const isEnough = () => house.kills >= killsEach && mailsOf(house).length > mailsMin
      while (!isEnough() && house.kills < killsEachMax) await killed(house, dice)
    }))
    const last = Math.max(...houses.map(({ step }) => step)) + stepsAfter
    const all = await Promise.all([calm, ...houses].map((house) => finished(house, last)))
    calmFound = all[0]!
    found = all.slice(1)
    console.info(
      houses.map((house, n) =>
        `${house.kills} kills, ${house.acknowledged.size} acknowledged, ` +
        `${found[n]?.placed.length} events, ${mailsOf(house).length} mails`
      ).join("; "),
    )
  }, 600_000)

  afterAll(() => {
    for (const { directory } of [calm, ...houses]) rmSync(directory, { recursive: true })
  })

  const each = (check: (house: House, found: Found) => void) => () =>
    houses.forEach((house, n) => check(house, found[n]!))

  it(
    "there was work to lose",
    each((house, { placed }) => {
      expect(house.step).toBeGreaterThan(killsEach / 8)
      expect(placed.length).toBeGreaterThan(killsEach * 2)
      expect(mailsOf(house).length).toBeGreaterThan(mailsMin)
    }),
  )

  it(
    "what was acknowledged is in the log, once, where it was said to be",
    each((house, { placed }) => {
      expect(house.contradictions).toEqual([])
      const inLog = new Set(placed)
      const lost = [...house.acknowledged].map((one) => one.join(" ")).filter((one) =>
        !inLog.has(one)
      )
      expect(lost).toEqual([])
      const ids = placed.map((one) => one.split(" ").slice(0, 2).join(" "))
      expect(new Set(ids).size).toBe(ids.length)
    }),
  )

  it(
    "every mail went out once, and the log knows of each",
    each((house, { sent }) => {
      const mails = mailsOf(house)
      expect(mails.map(({ where }) => where).sort()).toEqual([...sent].sort())
      expect(new Set(mails.map(({ subject }) => subject)).size).toBe(mails.length)
      expect(subjectsOf(house)).toEqual(subjectsOf(calm))
    }),
  )

  it(
    "every refund was given once, in the book of payments as in the log",
    each((house, { refunds, undone }) => {
      const book = readFileSync(join(house.directory, "payments", "book.ndjson"), "utf8")
      const given = book.split("\n").filter((line) => line.includes('"charged twice"'))
      expect(refunds.length).toBeGreaterThan(killsEach / 20)
      expect(given.length).toBe(refunds.length)
      expect(new Set(refunds).size).toBe(refunds.length)
      expect(undone).toBe(calmFound.undone)
      expect(undone).toBeGreaterThan(killsEach / 40)
    }),
  )

  it(
    "keys and blobs that the log names are there",
    each((_, found) => {
      expect(found.envelopes).toBeGreaterThan(killsEach)
      expect(found.envelopesClosed).toBe(0)
      expect(found.blobs).toBeGreaterThan(killsEach / 8)
      expect(found.blobsDamaged).toBe(0)
    }),
  )

  it(
    "replay and rebuild agree with what was lived",
    each((_, found) => {
      expect(found.replayed).toBeGreaterThan(killsEach)
      expect(found.divergences).toEqual([])
      expect(found.rebuilt.length).toBeGreaterThan(3)
      expect(found.rebuilt.filter(({ equal }) => !equal)).toEqual([])
    }),
  )

  it(
    "every actor ends as in a life without kills",
    each((_, found) => {
      expect(found.remaining).toEqual(calmFound.remaining)
      expect(Object.keys(found.actors).sort()).toEqual(Object.keys(calmFound.actors).sort())
      for (const [stream, actor] of Object.entries(calmFound.actors)) {
        expect({ stream, actor: found.actors[stream] }).toEqual({ stream, actor })
      }
    }),
  )
})
