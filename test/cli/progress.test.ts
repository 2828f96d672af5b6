/** What a person who waits for long work is told about it. */
import { Clock, Effect } from "effect"
import { expect, it } from "vitest"
import { make, type Pipe } from "../../cli/output.ts"

/** Lines written on stderr while `done` of 100 comes in, one step every ten seconds. */
const linesOf = (...steps: ReadonlyArray<number>) => {
  const lines: Array<string> = []
  const pipe: Pipe = { write: (text) => lines.push(text.trim()) > 0, once: () => undefined }
  let seconds = 0n
  const clock: Clock.Clock = {
    ...Effect.runSync(Clock.Clock),
    monotonicTimeNanosUnsafe: () => seconds * 1_000_000_000n,
  }
  const line = make(pipe, pipe, {}, clock).output.progress("Copying", "events")
  for (const done of steps) {
    seconds += 10n
    line.step(done, 100)
  }
  return lines
}

it("tells how far work is, its pace and what is left", () => {
  expect(linesOf(20, 40)).toEqual([
    "Copying: 20 % of 100, 2/s, 40 s left",
    "Copying: 40 % of 100, 2/s, 30 s left",
  ])
})

it("gives each part of the work a pace of its own", () => {
  expect(linesOf(50, 100, 10, 60).slice(2)).toEqual([
    "Copying: 10 % of 100",
    "Copying: 60 % of 100, 5/s, 8 s left",
  ])
})
