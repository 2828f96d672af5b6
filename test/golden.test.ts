/**
 * Histories that earlier releases stored must still fold to the states and asks that were recorded then.
 * If one fails, the chart was changed under its version number: give it a new one and keep the old chart
 * in `previous`. The files are written once, by `test/golden/make.ts`.
 */
import { readdirSync, readFileSync } from "node:fs"
import { Effect, Layer } from "effect"
import { describe, expect, it } from "vitest"
import { canonical } from "../actors/canonical.ts"
import { EventLog, type NewEvent } from "../actors/event-log.ts"
import { type ActorState, fold, persist, restore, valueOf } from "../actors/kernel.ts"
import { loadActor } from "../actors/loading.ts"
import { previousOf, registryOf } from "../actors/registry.ts"
import * as memoryLog from "./log-memory.ts"
import * as snapshots from "../adapters/snapshot-store-memory.ts"
import { agents } from "../machines/mod.ts"

const folder = new URL("./golden/", import.meta.url)
const registry = registryOf(agents)

interface Stored {
  readonly stream: string
  readonly events: ReadonlyArray<NewEvent>
}
const stored = readdirSync(folder).filter((name) => name.endsWith(".json")).map((name) => {
  const [, agent = "", version = ""] = /^(.+)-(\d+)\.json$/.exec(name) ?? []
  const histories = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Array<Stored>
  return { name, agent, version: Number(version), histories }
})

describe("stored histories", () => {
  it("there are some of every agent's version", () => {
    const missing = agents.map(({ name, version }) => `${name}-${version}.json`).filter((name) =>
      !stored.some((one) => one.name === name)
    )
    expect(missing, "write it with test/golden/make.ts when the version is released").toEqual([])
  })

  it.each(stored)("$name folds to what was recorded", ({ version, histories }) => {
    expect(histories.length).toBeGreaterThan(0)
    for (const { stream, events } of histories) {
      const known = registry.find(stream)
      if (known === undefined) throw new Error(`Nobody knows ${stream} any more`)
      const { entry } = known
      const chart = version === known.chart.ref.version
        ? known.chart
        : previousOf(entry, known.chart, version)
      // An actor of a version that is not at hand moves over by its snapshot: see the loading tests.
      if (chart === undefined) continue
      let state: ActorState | undefined
      for (const [revision, event] of events.entries()) {
        const place = `${stream}/${revision} ${event.type}`
        const step = fold(chart, state, event, stream)
        expect({ place, accepted: step.accepted, defect: step.defect }).toEqual({
          place,
          accepted: true,
          defect: undefined,
        })
        state = step.state!
        expect({ place, hash: state.hash }).toEqual({ place, hash: event.metadata.state })
        expect(canonical(step.asks), place).toBe(canonical(event.metadata.asks ?? []))
        expect(canonical(valueOf(state)), place).toBe(canonical(event.metadata.value))
        expect(restore(chart, JSON.parse(JSON.stringify(persist(state)))).hash, place)
          .toBe(event.metadata.state)
      }
    }
  })

  const older = stored.filter(({ agent, version }) =>
    version < (agents.find(({ name }) => name === agent)?.version ?? 0)
  )
  /** The actor as it is found when the new version starts after so many events. */
  const found = (stream: string, events: ReadonlyArray<NewEvent>) =>
    Effect.gen(function* () {
      const log = yield* EventLog
      yield* log.append(stream, -1, events)
      const known = registry.find(stream)
      if (known === undefined) throw new Error(`Nobody knows ${stream}`)
      return { chart: known.chart, loaded: yield* loadActor(known.entry, known.chart, stream) }
    }).pipe(
      Effect.provide(Layer.fresh(Layer.mergeAll(memoryLog.layer, snapshots.layer))),
      Effect.scoped,
      Effect.runPromise,
    )
  it.each(older)("actors of $name move over to the chart of today", async (file) => {
    for (const { stream, events } of file.histories) {
      for (let length = 1; length <= events.length; length++) {
        const { chart, loaded } = await found(stream, events.slice(0, length))
        const { problem, state, upgradeFrom } = loaded
        expect({ length, problem, upgradeFrom })
          .toEqual({ length, problem: undefined, upgradeFrom: file.version })
        const again = restore(chart, JSON.parse(JSON.stringify(persist(state!))))
        expect(again.hash).toBe(state!.hash)
      }
    }
  })
})
