/**
 * A night that is killed with SIGKILL again and again: it goes on with the next subject each time, and
 * nothing that was summarised is asked for again.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { runtimes, start } from "../faults/runtimes.ts"
import { seeded } from "../seeded.ts"

/** Each life is ended after so many summaries at the most. */
const summariesMax = 6
const subjects = 30
const livesMax = 60

const dice = seeded()

it(
  "goes on where it was, and asks for nothing twice that was done",
  { timeout: 180_000 },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "aios-night-"))
    const asked: Array<string> = []
    let kills = 0
    let night = ""
    for (let life = 0; life < livesMax && night === ""; life++) {
      const child = start(runtimes[0]!, "test/crash/night-worker.ts", directory)
      await child.line("open")
      const enough = 1 + dice.below(summariesMax)
      const heard = () => child.lines.filter((line) => line.startsWith("asked "))
      const over = child.ended.then(() => true)
      while (heard().length < enough) {
        const pause = new Promise<boolean>((then) => setTimeout(() => then(false), 1))
        if (await Promise.race([over, pause])) break
      }
      if (heard().length >= enough && !child.lines.some((line) => line.startsWith("rests"))) {
        await new Promise((then) => setTimeout(then, dice.below(8)))
        child.process.kill("SIGKILL")
        kills++
      }
      await child.ended
      asked.push(...heard().map((line) => line.slice("asked ".length)))
      night = child.lines.find((line) => line.startsWith("rests "))?.slice("rests ".length) ?? ""
    }
    rmSync(directory, { recursive: true })
    expect(kills).toBeGreaterThan(3)
    // One night, from its beginning to its end, and every subject in it once.
    expect(JSON.parse(night)).toMatchObject({ accepted: subjects, refused: 0, skipped: 0, left: 0 })
    expect(new Set(asked).size).toBe(subjects)
    // Twice at the most what was under way when a life ended.
    expect(asked.length).toBeLessThanOrEqual(subjects + kills)
    const again = asked.filter((key, n) => asked.indexOf(key) !== n)
    for (const key of again) {
      const places = asked.flatMap((one, n) => one === key ? [n] : [])
      // Right one after the other: nothing else was asked for in between.
      expect(places.at(-1)! - places[0]!).toBe(places.length - 1)
    }
  },
)
