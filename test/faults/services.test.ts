/**
 * The services AIOS leans on go away, come late and talk nonsense while the company works: what has to be
 * done is done by rules, what can wait waits and is seen to, and it comes back by itself. The services are
 * scripted here; the real ones are killed in test/models/degraded.test.ts.
 */
import { Effect, Layer } from "effect"
import { describe, expect, it } from "vitest"
import { coordinatorStream } from "../../actors/cadence.ts"
import { Circuits } from "../../actors/circuits.ts"
import { ActorSystem } from "../../actors/actor-system.ts"
import { EventLog } from "../../actors/event-log.ts"
import type { Service, Trouble } from "../../machines/integration-events.ts"
import { memoryStream } from "../../machines/memory.ts"
import { Aios } from "../../projections/aios.ts"
import { inMemory, type Storage, until } from "../actors/house.ts"
import { aiosHouse } from "../projections/aios-house.ts"

const services = ["ollama", "chroma", "embedder"] as const

/** Every service does as it is told. */
const world = () => {
  const trouble: { [service in Service]?: Trouble | undefined } = {}
  const call = (service: Service) =>
    Effect.flatMap(Circuits, (circuits) =>
      circuits.guard(
        service,
        Effect.suspend(() => {
          const found = trouble[service]
          return found === undefined ? Effect.void : Effect.fail({ found })
        }),
        ({ found }) => found,
      ))
  const probes = Effect.flatMap(
    Circuits,
    (circuits) =>
      Effect.forEach(services, (service) =>
        circuits.probe(
          service,
          Effect.suspend(() => {
            const found = trouble[service]
            return found === undefined || found === "slow" ? Effect.void : Effect.fail({
              message: "connection refused",
              trouble: found,
            })
          }),
        )),
  )
  return { trouble, call, probes }
}

type Env = Aios | Circuits | ActorSystem | EventLog
const within = <A>(
  use: Effect.Effect<A, unknown, Env>,
  options: { readonly storage?: Storage; readonly dispatch?: boolean } = {},
) =>
  Effect.runPromise(
    use.pipe(
      Effect.provide(aiosHouse(options) as Layer.Layer<Env, unknown>),
      Effect.scoped,
    ),
  )
const valueOf = (stream: string) =>
  Effect.map(Effect.flatMap(ActorSystem, (system) => system.view(stream)), (view) => view?.value)
const settled = Effect.flatMap(Aios, (aios) => aios.settle(10_000))
const rowOf = (name: string) =>
  Effect.map(
    Effect.flatMap(Aios, (aios) => aios.services),
    (rows) => rows.find((row) => row.name === name)!,
  )
const fixes = Effect.map(
  Effect.flatMap(Aios, (aios) => aios.brief(undefined)),
  ({ checklist }) => checklist.filter(({ what }) => !what.startsWith("missing in the settings")),
)

describe("a company without any service", () => {
  it("works, has no events about them, and its brief advises in one line, the last", () =>
    within(Effect.gen(function* () {
      const { probes, trouble } = world()
      for (const service of services) trouble[service] = "absent"
      yield* probes
      for (let n = 0; n < 3; n++) {
        expect(yield* fixes).toEqual([{
          what: "no language model: drafts are templates, summaries are extracts; " +
            "no embedding model: recall is by words",
          fix: "aios models pull",
        }])
      }
      expect(yield* rowOf("ollama")).toMatchObject({
        state: "absent",
        fix: "ollama serve",
        without: "drafts are templates, summaries are extracts",
      })
      for (const service of services) {
        expect(yield* valueOf(`integration-${service}`)).toBe(undefined)
      }
      const { checks, ok } = yield* (yield* Aios).doctor
      expect(checks.filter(({ name }) => name.startsWith("service ")).map((one) => one.ok))
        .toEqual([true, true, true])
      expect(ok).toBe(checks.every((check) => check.ok))
    })))
  it("where they are switched off nothing is advised", () =>
    within(Effect.gen(function* () {
      expect(yield* fixes).toEqual([])
      expect(yield* rowOf("ollama")).toMatchObject({ state: "off", fix: "" })
    })))
})

describe("an outage in the middle of work", () => {
  it.each(services)(
    "of %s goes from its circuit to the brief and to memory, and back",
    (service) =>
      within(Effect.gen(function* () {
        const { call, probes, trouble } = world()
        yield* probes
        for (const one of services) yield* call(one)
        expect(yield* fixes).toEqual([])
        expect(yield* rowOf(service)).toMatchObject({ state: "healthy", reason: "", fix: "" })
        trouble[service] = "absent"
        yield* Effect.ignore(call(service))
        yield* settled
        expect(yield* valueOf(coordinatorStream)).toMatchObject({ adapters: "degraded" })
        expect(yield* valueOf(memoryStream)).toMatchObject({ services: "degraded" })
        const [fix, ...others] = yield* fixes
        expect(fix?.what).toMatch(/ does not answer since \d\d:\d\d: /)
        expect(others).toEqual([])
        const { checks } = yield* (yield* Aios).doctor
        expect(checks.find(({ name }) => name === `service ${service}`)).toMatchObject({
          ok: false,
        })
        trouble[service] = undefined
        yield* until(Effect.map(rowOf(service), ({ state }) => state === "healthy"))
        yield* settled
        expect(yield* valueOf(coordinatorStream)).toMatchObject({ adapters: "normal" })
        expect(yield* valueOf(memoryStream)).toMatchObject({ services: "healthy" })
        expect(yield* fixes).toEqual([])
      })),
  )

  it("of all at once is one line each in order, and ends for each by itself", () =>
    within(Effect.gen(function* () {
      const { call, probes, trouble } = world()
      yield* probes
      for (const service of services) yield* call(service)
      for (const service of services.toReversed()) {
        trouble[service] = "absent"
        yield* Effect.ignore(call(service))
      }
      yield* settled
      expect((yield* fixes).map(({ what }) => what.split(" does not")[0]))
        .toEqual(["Ollama", "Chroma", "The embedder"])
      for (const service of services) trouble[service] = undefined
      yield* until(Effect.map(
        (yield* Aios).services,
        (rows) => rows.every(({ state }) => state === "healthy"),
      ))
      yield* settled
      expect(yield* valueOf(memoryStream)).toMatchObject({ services: "healthy" })
    })))

  it("of late answers is told as that, whatever a probe says", () =>
    within(Effect.gen(function* () {
      const { call, probes, trouble } = world()
      yield* probes
      yield* call("ollama")
      trouble.ollama = "slow"
      for (let n = 0; n < 3; n++) yield* Effect.ignore(call("ollama"))
      expect((yield* rowOf("ollama")).reason).toBe("answers come too late")
    })))

  it("survives the end of the process: the next one sees it, and sees its end", async () => {
    const storage = inMemory()
    const { call, probes, trouble } = world()
    await within(
      Effect.gen(function* () {
        yield* probes
        yield* call("ollama")
        trouble.ollama = "absent"
        yield* Effect.ignore(call("ollama"))
      }),
      { storage },
    )
    // One that only reads says so, and changes nothing.
    await within(
      Effect.gen(function* () {
        const before = yield* Effect.flatMap(EventLog, (log) => log.head)
        expect((yield* rowOf("ollama")).state).toBe("open")
        yield* (yield* Aios).doctor
        expect(yield* Effect.flatMap(EventLog, (log) => log.head)).toBe(before)
      }),
      { storage, dispatch: false },
    )
    trouble.ollama = undefined
    await within(
      Effect.gen(function* () {
        yield* probes
        // No call is made: the brief itself finds out.
        expect(yield* fixes).toEqual([])
        yield* settled
        expect(yield* valueOf(memoryStream)).toMatchObject({ services: "healthy" })
      }),
      { storage },
    )
  })
})
