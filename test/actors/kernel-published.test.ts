/**
 * Machines in the style people publish, beside `createActor` and replayed: first by script, then with events
 * at random. A failure prints its seed: `KERNEL_SEED=… ` runs that walk alone.
 */
import { describe, expect, it } from "vitest"
import { type Case, features } from "./charts-features.ts"
import { published } from "./charts-public.ts"
import { compare } from "./differential.ts"
import type { Move } from "./task.ts"

const walks = 12
const movesPerWalk = 25

describe("published examples run unchanged", () => {
  for (const [title, { machine, script }] of Object.entries(published)) {
    it(title, async () => {
      const host = await compare(machine, script)
      expect(host.streams.get(host.name)!.events.length).toBeGreaterThan(1)
    })
  }
})

const dice = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

/** The script's own moves in any order, time in odd amounts, tasks that end well and badly. */
const walk = ({ machine, script, input }: Case, seed: number) => {
  const random = dice(seed)
  const pick = <A>(list: ReadonlyArray<A>): A => list[Math.floor(random() * list.length)]!
  const events = script.filter((move) => move.type !== undefined)
  return compare(machine, [], {
    ...(input === undefined ? {} : { input }),
    next: ({ host, n }): Move | undefined => {
      if (n === movesPerWalk) return undefined
      const open = host.activities.filter((one) => !one.settled)
      const chance = random()
      if (open.length > 0 && chance < 0.3) {
        const { src } = pick(open)
        const nth = Math.floor(random() * open.filter((one) => one.src === src).length)
        return chance < 0.2
          ? { done: src, output: pick([null, n, { n }, ["a"]]), nth }
          : { fail: src, message: `${n}`, nth }
      }
      if (events.length === 0 || chance > 0.8) return { wait: pick([1, 10, 50, 300, 1000, 5000]) }
      return pick(events)
    },
  })
}

describe("events at random: live = createActor = replay = stored and loaded at each step", () => {
  const only = process.env["KERNEL_SEED"]
  for (const [title, one] of Object.entries({ ...features, ...published })) {
    if (one.differs !== undefined) continue
    it(title, async () => {
      for (let n = 0; n < (only === undefined ? walks : 1); n++) {
        const seed = only === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(only)
        try {
          await walk(one, seed)
        } catch (failure) {
          console.error(`KERNEL_SEED=${seed} (${title})`)
          throw failure
        }
      }
    })
  }
})
