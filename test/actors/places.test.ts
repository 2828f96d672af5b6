/** Which activity starts next, and what takes a place from what. */
import { expect, test } from "vitest"
import { makePlaces } from "../../actors/activities/places.ts"
import type { Lane } from "../../machines/agent.ts"

const job = (name: string, lane: Lane, priority = 0) => ({ name, declaration: { lane, priority } })
const always = () => true

test("routine batch work takes no place from what is more urgent, but the other way round", () => {
  const places = makePlaces<ReturnType<typeof job>>({ interactive: 2, batch: 2 })
  const started = () => {
    const names: Array<string> = []
    for (let one = places.next(always); one !== undefined; one = places.next(always)) {
      names.push(one.name)
    }
    return names
  }
  for (const n of [1, 2, 3]) places.enter(job(`reading ${n}`, "batch"))
  expect(started()).toEqual(["reading 1", "reading 2"])
  const urgent = [1, 2, 3].map((n) => job(`summary ${n}`, "batch", 10))
  for (const one of urgent) places.enter(one)
  expect(started()).toEqual(["summary 1", "summary 2"])
  places.leave(job("reading 1", "batch"))
  // The summaries hold both places still, and one waits.
  expect(started()).toEqual([])
  places.leave(urgent[0]!)
  expect(started()).toEqual(["summary 3"])
})

test("batch work waits while anything interactive is to be done, and that is capped over all priorities", () => {
  const places = makePlaces<ReturnType<typeof job>>({ interactive: 1, batch: 1 })
  const low = job("low", "interactive")
  const high = job("high", "interactive", 5)
  for (const one of [job("batch", "batch", 20), low, high]) places.enter(one)
  expect(places.next(always)).toBe(high)
  expect(places.next(always)).toBeUndefined()
  places.leave(high)
  expect(places.next(({ name }) => name !== "low")?.name).toBe("batch")
})
