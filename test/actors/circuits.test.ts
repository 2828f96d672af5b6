/**
 * What the circuits promise to whoever calls a service through them, and what the log hears of it. The
 * services are scripted: they answer, fail or say nonsense on command; everything else is real.
 */
import { Effect, Fiber, Layer } from "effect"
import { describe, expect, it } from "vitest"
import { Circuits } from "../../actors/circuits.ts"
import * as live from "../../actors/circuits-live.ts"
import { coordinatorStream } from "../../actors/cadence.ts"
import type { Trouble } from "../../machines/integration-events.ts"
import { agents } from "../../machines/mod.ts"
import {
  type Env,
  eventsOf,
  houseOf,
  inMemory,
  settled,
  type Storage,
  typesOf,
  until,
  view,
} from "./house.ts"

const stream = "integration-ollama"

/** A service that does as it is told; calls and probes are counted. */
const scripted = () => {
  const service = { trouble: undefined as Trouble | undefined, calls: 0, probes: 0 }
  const call = Effect.suspend(() => {
    service.calls++
    return service.trouble === undefined
      ? Effect.succeed("answer")
      : Effect.fail({ trouble: service.trouble })
  })
  const guarded = Effect.flatMap(
    Circuits,
    (circuits) => circuits.guard("ollama", call, ({ trouble }) => trouble),
  )
  /** A probe that sees whether it is there, and no more. */
  const probed = Effect.flatMap(
    Circuits,
    (circuits) =>
      circuits.probe(
        "ollama",
        Effect.suspend(() => {
          service.probes++
          return service.trouble === "absent"
            ? Effect.fail({ message: "connection refused" })
            : Effect.void
        }),
      ),
  )
  return { service, guarded, probed }
}

const within = <A>(
  storage: Storage,
  use: Effect.Effect<A, unknown, Env | Circuits>,
  dispatch = true,
  isEnding = Effect.succeed(false),
) =>
  Effect.runPromise(
    use.pipe(
      Effect.provide(
        live.layer({ dispatch, isEnding }).pipe(
          Layer.provideMerge(houseOf({ agents, storage, dispatch })),
        ),
      ),
      Effect.scoped,
    ) as Effect.Effect<A, unknown>,
  )
const stateOf = Effect.map(
  Effect.flatMap(Circuits, (circuits) => circuits.states),
  (states) => states.find(({ service }) => service === "ollama")!,
)
const refusal = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.flip(effect)

describe("a service that answers", () => {
  it("is told once, however often and from however many processes it is called", async () => {
    const storage = inMemory()
    const { guarded, probed } = scripted()
    for (let n = 0; n < 3; n++) {
      const use = Effect.gen(function* () {
        yield* probed
        yield* guarded
        expect(yield* guarded).toBe("answer")
        return yield* typesOf(stream)
      })
      expect(await within(storage, use)).toEqual(["ServiceAnswered"])
    }
  })
})

describe("whoever meets a failure", () => {
  it("may be interrupted at any moment: an open circuit is told and probed all the same", async () => {
    let opened = 0
    const at = async (moment: number) => {
      const { guarded, probed, service } = scripted()
      await within(
        inMemory(),
        Effect.gen(function* () {
          yield* probed
          yield* guarded
          service.trouble = "absent"
          const caller = yield* Effect.forkChild(guarded)
          for (let n = 0; n < moment; n++) yield* Effect.yieldNow
          yield* Fiber.interrupt(caller)
          yield* settled
          if (!(yield* stateOf).open) return
          opened++
          yield* until(Effect.map(typesOf(stream), (types) => types.includes("CircuitOpened")))
          service.trouble = undefined
          yield* until(Effect.map(typesOf(stream), (types) => types.at(-1) === "CircuitClosed"))
        }),
      )
    }
    await Promise.all(Array.from({ length: 40 }, (_, moment) => at(moment)))
    expect(opened).toBeGreaterThan(5)
    expect(opened).toBeLessThan(40)
  })
})

describe("a service that was never there", () => {
  it("is absent: nothing is told, nothing more is tried, and doctor sees it", async () => {
    const storage = inMemory()
    const { guarded, probed, service } = scripted()
    service.trouble = "absent"
    for (let n = 1; n <= 3; n++) {
      await within(
        storage,
        Effect.gen(function* () {
          yield* probed
          yield* refusal(guarded)
          expect(yield* refusal(guarded)).toMatchObject({ _tag: "CircuitOpen" })
          expect(service.calls).toBe(n)
          expect(yield* stateOf).toMatchObject({ open: true, absent: true })
          expect(yield* typesOf(stream)).toEqual([])
        }),
      )
    }
  })
  it.each(["failed", "slow", "noModel"] as const)(
    "is absent whatever its error is: %s, and what it refuses with is the reason",
    async (trouble) => {
      const { guarded, service } = scripted()
      service.trouble = trouble
      await within(
        inMemory(),
        Effect.gen(function* () {
          yield* (yield* Circuits).probe(
            "ollama",
            Effect.suspend(() =>
              service.trouble === undefined
                ? Effect.void
                : Effect.fail({ message: "its supervisor is gone", trouble })
            ),
          )
          for (let n = 0; n < 4; n++) yield* refusal(guarded)
          expect(yield* stateOf).toMatchObject({ open: true, absent: true, trouble })
          if (trouble === "failed") {
            expect((yield* stateOf).reason).toBe("its supervisor is gone")
          }
          expect(yield* refusal(guarded)).toMatchObject({ trouble })
          yield* settled
          expect(yield* typesOf(stream)).toEqual([])
          service.trouble = undefined
          yield* until(Effect.map(typesOf(stream), (types) => types.includes("ServiceAnswered")))
        }),
      )
    },
  )
  it("that comes is told from its first answer on, by itself", async () => {
    const { guarded, probed, service } = scripted()
    service.trouble = "absent"
    await within(
      inMemory(),
      Effect.gen(function* () {
        yield* probed
        yield* refusal(guarded)
        service.trouble = undefined
        yield* until(Effect.map(stateOf, ({ open }) => !open))
        expect(yield* guarded).toBe("answer")
        expect(yield* typesOf(stream)).toEqual(["ServiceAnswered"])
      }),
    )
  })
})

describe("an outage", () => {
  it("is told once, tried by probes only, and ends by itself", async () => {
    const { guarded, probed, service } = scripted()
    await within(
      inMemory(),
      Effect.gen(function* () {
        yield* probed
        yield* guarded
        service.trouble = "absent"
        yield* refusal(guarded)
        const { calls } = service
        for (let n = 0; n < 20; n++) {
          expect(yield* refusal(guarded)).toMatchObject({ _tag: "CircuitOpen", retryable: true })
        }
        expect(service.calls).toBe(calls)
        yield* settled
        expect((yield* view(coordinatorStream))?.value).toMatchObject({ adapters: "degraded" })
        yield* until(Effect.map(typesOf(stream), (types) => types.includes("ProbeFailed")))
        service.trouble = undefined
        yield* until(Effect.map(stateOf, ({ open }) => !open))
        expect(yield* guarded).toBe("answer")
        expect(yield* typesOf(stream)).toEqual([
          "ServiceAnswered",
          "CircuitOpened",
          "ProbeFailed",
          "CircuitClosed",
        ])
        yield* settled
        expect((yield* view(coordinatorStream))?.value).toMatchObject({ adapters: "normal" })
      }),
    )
  })
  it("of late answers takes three in a row", async () => {
    const { guarded, probed, service } = scripted()
    await within(
      inMemory(),
      Effect.gen(function* () {
        yield* probed
        for (const trouble of ["slow", "slow", undefined, "slow", "slow"] as const) {
          service.trouble = trouble
          yield* Effect.ignore(guarded)
        }
        expect(yield* stateOf).toMatchObject({ open: false })
        service.trouble = "slow"
        yield* refusal(guarded)
        expect(yield* stateOf).toMatchObject({ open: true, trouble: "slow" })
        expect((yield* eventsOf(stream)).at(-1)?.data).toMatchObject({
          trouble: "slow",
          failures: 3,
        })
      }),
    )
  })
  it("of one that does not even answer a probe takes one failure, and a piece of work to end", async () => {
    const { guarded, service } = scripted()
    const seen = { probes: "fails", work: "fails" }
    const trying = (what: keyof typeof seen) =>
      Effect.suspend(() => seen[what] === "fails" ? Effect.fail({ message: what }) : Effect.void)
    await within(
      inMemory(),
      Effect.gen(function* () {
        yield* (yield* Circuits).probe("ollama", trying("probes"), trying("work"))
        yield* guarded
        service.trouble = "slow"
        yield* refusal(guarded)
        expect(yield* stateOf).toMatchObject({ open: true, trouble: "slow" })
        // It answers again, and cannot do its work yet.
        seen.probes = "works"
        yield* until(Effect.map(stateOf, ({ reason }) => reason === "work"))
        expect(yield* stateOf).toMatchObject({ open: true })
        seen.work = "works"
        yield* until(Effect.map(stateOf, ({ open }) => !open))
      }),
    )
  })
  it("what does not count does not open it", async () => {
    const { probed, service } = scripted()
    await within(
      inMemory(),
      Effect.gen(function* () {
        yield* probed
        const circuits = yield* Circuits
        for (let n = 0; n < 10; n++) {
          yield* Effect.ignore(
            circuits.guard("ollama", Effect.fail("no such model"), () => undefined),
          )
        }
        expect(yield* stateOf).toMatchObject({ open: false })
        expect(service.probes).toBe(0)
      }),
    )
  })
})

describe("answers of no use", () => {
  it("open it after many in a row; one that nobody complained of begins the count anew", async () => {
    const { guarded, probed } = scripted()
    await within(
      inMemory(),
      Effect.gen(function* () {
        yield* probed
        const circuits = yield* Circuits
        const nonsense = Effect.andThen(
          guarded,
          circuits.complain("ollama", "garbage", "blanks up to the limit"),
        )
        for (let n = 0; n < 24; n++) yield* nonsense
        yield* guarded
        yield* nonsense
        expect(yield* stateOf).toMatchObject({ open: false })
        for (let n = 0; n < 24; n++) yield* nonsense
        expect(yield* stateOf).toMatchObject({
          open: true,
          trouble: "garbage",
          reason: "blanks up to the limit",
        })
        expect(yield* refusal(guarded)).toMatchObject({ _tag: "CircuitOpen" })
      }),
    )
  })
})

describe("a process whose launcher is gone", () => {
  it("tells of no outage: the services end with it", async () => {
    const storage = inMemory()
    const { guarded, probed, service } = scripted()
    let ending = false
    await within(
      storage,
      Effect.gen(function* () {
        yield* probed
        yield* guarded
        ending = true
        service.trouble = "absent"
        yield* refusal(guarded)
        expect(yield* stateOf).toMatchObject({ open: true })
        yield* until(Effect.sync(() => service.probes > 2))
        expect(yield* typesOf(stream)).toEqual(["ServiceAnswered"])
      }),
      true,
      Effect.sync(() => ending),
    )
    service.trouble = undefined
    const next = Effect.gen(function* () {
      yield* probed
      expect(yield* guarded).toBe("answer")
      return yield* typesOf(stream)
    })
    expect(await within(storage, next)).toEqual(["ServiceAnswered"])
  })
})

describe("another process", () => {
  const down = async () => {
    const storage = inMemory()
    const script = scripted()
    await within(
      storage,
      Effect.gen(function* () {
        yield* script.probed
        yield* script.guarded
        script.service.trouble = "absent"
        yield* refusal(script.guarded)
      }),
    )
    return { storage, ...script }
  }
  it("begins in the outage: one probe, no failure of its own, nothing told twice", async () => {
    const { guarded, probed, service, storage } = await down()
    const { calls } = service
    for (let n = 0; n < 3; n++) {
      await within(
        storage,
        Effect.gen(function* () {
          yield* probed
          expect(yield* refusal(guarded)).toMatchObject({ _tag: "CircuitOpen" })
          expect(yield* typesOf(stream)).toEqual([
            "ServiceAnswered",
            "CircuitOpened",
            "ProbeFailed",
          ])
        }),
      )
    }
    expect(service.calls).toBe(calls)
  })
  it("finds it well again without anybody asking", async () => {
    const { probed, service, storage } = await down()
    service.trouble = undefined
    await within(
      storage,
      Effect.gen(function* () {
        yield* probed
        yield* until(Effect.map(typesOf(stream), (types) => types.at(-1) === "CircuitClosed"))
      }),
    )
    expect(service.calls).toBe(2)
  })
  it("that only reads tells nothing, and is not sent away from what works", async () => {
    const { guarded, probed, service, storage } = await down()
    service.trouble = undefined
    await within(
      storage,
      Effect.gen(function* () {
        yield* probed
        expect(yield* guarded).toBe("answer")
        expect(yield* typesOf(stream)).toEqual(["ServiceAnswered", "CircuitOpened"])
      }),
      false,
    )
  })
})
