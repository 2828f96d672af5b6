/**
 * Four processes, the log behind its door, a control and two workers, that are killed with SIGKILL again and
 * again while they work on one log. Nothing is lost, nothing is done twice, and replay agrees. `KILLS` sets
 * how many there are, `SEED` when.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Child, runtimes, start } from "../faults/runtimes.ts"
import { seeded } from "../seeded.ts"
import { freePort } from "../free-port.ts"

const kills = Number(process.env["KILLS"] ?? 16)
const pieces = 60
/** Killed so long after it began a piece of work, at the most; some are killed while they still start. */
const afterWorkMillisMax = 130
const startMillisMax = 1_500
const workWaitMillisMax = 3_000
/** Of so many kills one is of the log's process. */
const planeOf = 8
const restartMillis = 200
const file = "test/crash/workers-process.ts"

interface Found {
  readonly divergences: ReadonlyArray<unknown>
  readonly counted: { readonly count: number }
  readonly placed: ReadonlyArray<string>
  readonly outcomes: ReadonlyArray<
    {
      readonly stream: string
      readonly type: string
      readonly ask: string
      readonly lease?: number
    }
  >
  readonly quarantined: number
  readonly claims: ReadonlyArray<{
    readonly stream: string
    readonly type: string
    readonly lease: number
    readonly by: string
    readonly instance: string
  }>
}

const millis = (count: number) => new Promise((resolve) => setTimeout(resolve, count))
describe(`${kills} kills among four processes on one log`, () => {
  const directory = mkdtempSync(join(tmpdir(), "aios-workers-"))
  const acknowledged = new Set<string>()
  const running = new Map<string, Child>()
  let step = 0
  let found: Found

  const hear = (lines: ReadonlyArray<string>) => {
    for (const line of lines) {
      const [, n, place] = /^step (\d+) (.*)$/.exec(line) ?? []
      if (n === undefined || place === undefined) continue
      step = Math.max(step, Number(n) + 1)
      acknowledged.add(place)
    }
  }

  beforeAll(async () => {
    const dice = seeded()
    const port = String(await freePort())
    let isOver = false
    const killed = new Set<Child>()
    const begin = (name: string): Child => {
      const role = name === "plane" || name === "control" ? name : "worker"
      const more = name === "control" ? [String(step), String(pieces)] : [name]
      const child = start(runtimes[0]!, file, role, directory, port, ...more)
      running.set(name, child)
      // Who found no log when it started ends, and is started again, as by any supervisor.
      void child.ended.then(async () => {
        hear(child.lines)
        await millis(restartMillis)
        if (!isOver && !killed.has(child) && !child.lines.includes("found")) begin(name)
      })
      return child
    }
    /** Whoever kills a process starts the next: false for who finds it killed already. */
    const kill = async (name: string) => {
      const child = running.get(name)!
      if (killed.has(child)) return false
      killed.add(child)
      child.process.kill("SIGKILL")
      await child.ended
      hear(child.lines)
      return true
    }
    await begin("plane").line("up")
    await begin("control").line("up")
    begin("w1")
    begin("w2")
    let left = kills
    const isDone = () => running.get("control")!.lines.includes("found")
    /** Kills one process again and again, mostly amid a piece of work. */
    const reaper = async (name: string) => {
      while (left > 0 && !isDone()) {
        left--
        const child = running.get(name)!
        const isAmidWork = dice.below(4) > 0
        const end = performance.now() + workWaitMillisMax
        while (isAmidWork && !child.lines.includes("work") && performance.now() < end) {
          await millis(2)
        }
        await millis(dice.below(isAmidWork ? afterWorkMillisMax : startMillisMax))
        if (isDone()) break
        const victim = dice.below(planeOf) === 0 ? "plane" : name
        if (await kill(victim)) begin(victim)
      }
    }
    await Promise.all(["control", "w1", "w2"].map(reaper))
    while (!running.get("control")!.lines.includes("found")) await millis(50)
    isOver = true
    for (const name of running.keys()) await kill(name)
    found = JSON.parse(readFileSync(join(directory, "found.json"), "utf8"))
    console.info(
      `${found.placed.length} events, ${found.claims.length} of claims, ${found.quarantined} quarantined, ` +
        `leases up to ${Math.max(...found.claims.map(({ lease }) => lease))}`,
    )
  }, 120_000)

  afterAll(() => {
    for (const { process } of running.values()) process.kill("SIGKILL")
    rmSync(directory, { recursive: true, force: true })
  })

  it("what was acknowledged is in the log, once", () => {
    expect(acknowledged.size).toBe(pieces)
    const placed = new Set(found.placed)
    expect([...acknowledged].filter((one) => !placed.has(one))).toEqual([])
    const ids = found.placed.map((one) => one.split(" ").slice(0, 2).join(" "))
    expect(new Set(ids).size).toBe(ids.length)
  })

  it("every piece of work has one outcome, and who counts them heard of each that was done", () => {
    expect(found.outcomes.map(({ ask, stream }) => `${stream}/${ask}`).sort()).toHaveLength(pieces)
    expect(new Set(found.outcomes.map(({ stream }) => stream)).size).toBe(pieces)
    const done = found.outcomes.filter(({ type }) => type === "ActivitySucceeded")
    expect(found.counted.count).toBe(done.length)
    expect(done.length).toBeGreaterThan(pieces / 2)
  })

  it("what may be done again has one effect each; what may not was done once at the most", () => {
    const keyed = readdirSync(join(directory, "keyed")).map((name) =>
      readFileSync(join(directory, "keyed", name), "utf8")
    )
    const clerks = found.outcomes.filter(({ stream }) => stream.startsWith("clerk-"))
    expect(clerks.filter(({ type }) => type !== "ActivitySucceeded")).toEqual([])
    expect(keyed.sort()).toEqual(clerks.map(({ ask, stream }) => `${stream}/${ask}`).sort())
    const unsafe = readFileSync(join(directory, "unsafe.txt"), "utf8").trim().split("\n")
    expect(new Set(unsafe).size).toBe(unsafe.length)
    const succeeded = found.outcomes.filter(({ stream, type }) =>
      stream.startsWith("guard-") && type === "ActivitySucceeded"
    )
    expect(succeeded.map(({ ask, stream }) => `${stream}/${ask}`).sort()).toEqual(unsafe.sort())
  })

  it("a number of a claim had one holder, and outcomes carry the number of the last", () => {
    const claims = Map.groupBy(found.claims, ({ stream }) => stream)
    for (const [stream, events] of claims) {
      const holders = new Map<number, string>()
      let last = 0
      for (const { instance, lease, type } of events) {
        if (type === "AskClaimed") expect(lease, stream).toBe(last + 1)
        last = lease
        expect(holders.get(lease) ?? instance, stream).toBe(instance)
        holders.set(lease, instance)
      }
    }
    for (const { ask, lease, stream } of found.outcomes) {
      if (lease === undefined) continue
      expect(claims.get(`claim-${stream}/${ask}`)?.map((one) => one.lease)).toContain(lease)
    }
    expect(new Set(found.claims.map(({ by }) => by)).size).toBeGreaterThan(1)
  })

  it("replay agrees with what was recorded", () => {
    expect(found.divergences).toEqual([])
  })
})
