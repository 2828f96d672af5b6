/** The end of a log on a server that goes and comes: who hears of it, and when. */
import { afterEach, expect, it, vi } from "vitest"
import { type Connection, StoreFailure } from "../../adapters/event-log-eventstoredb-seam.ts"
import { tail } from "../../adapters/event-log-eventstoredb-tail.ts"
import { waits } from "../../adapters/event-log-eventstoredb-waits.ts"

afterEach(() => {
  vi.useRealTimers()
})

/** Times that it was told to be back, when the server was away for `millis`. */
const toldAfter = async (millis: number) => {
  vi.useFakeTimers()
  let isAway = false
  let told = 0
  let end = () => {}
  const subscribe: Connection["subscribe"] = (_after, { ended }) => {
    end = () => ended(new StoreFailure("away", "gone"))
    return () => {}
  }
  const waiting = waits()
  tail(
    { subscribe } as Connection,
    () => isAway ? Promise.reject(new StoreFailure("away", "gone")) : Promise.resolve(),
    () => Promise.resolve(-1),
    waiting,
    () => told++,
  )
  await vi.advanceTimersByTimeAsync(100)
  isAway = true
  end()
  await vi.advanceTimersByTimeAsync(millis)
  isAway = false
  await vi.advanceTimersByTimeAsync(10_000)
  waiting.close()
  return told
}

it("is told to be back once, after a break that anybody noticed", async () => {
  expect(await toldAfter(20_000)).toBe(1)
  expect(await toldAfter(1_000)).toBe(0)
})
