/** The desk: routes, shape, repair, cache, budgets, what is paid and what is kept. */
import { Effect, Exit, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { describe, expect, it } from "vitest"
import * as circuits from "../../actors/circuits.ts"
import { InferenceFailed } from "../../actors/inference.ts"
import { LanguageModel, ModelUnavailable } from "../../actors/language-model.ts"
import { ModelLedger } from "../../actors/model-ledger.ts"
import type { Usage } from "../../actors/usage.ts"
import { scripted } from "../../adapters/inference-scripted.ts"
import { atDesk, completing, fits, payingAs, question } from "./desk.ts"
import { throughDoor } from "../log-over-door.ts"

const cold = '{"warmth":1000000000000000,"because":"x"}'
const failureOf = <A>(exit: Exit.Exit<A, unknown>): ModelUnavailable => {
  const found = Exit.findErrorOption(exit)
  if (found._tag === "Some" && found.value instanceof ModelUnavailable) return found.value
  throw new Error(`It did not fail as expected: ${String(exit)}`)
}
const failing = (request = question()) => Effect.map(Effect.exit(completing(request)), failureOf)

describe("an answer", () => {
  it("comes in its shape, marked with how it was made, and is paid for", async () => {
    const server = scripted(() => fits, { models: ["tiny"] })
    const usages: Array<Usage> = []
    const answer = await atDesk({ server }, payingAs("interactive", usages)(completing()))
    expect(answer.answer).toEqual({ warmth: 7, because: "she named a budget" })
    expect(answer.made).toMatch(/^tiny weigh@[0-9a-f]{8}$/)
    expect(answer.cached).toBe(false)
    expect(answer.transcript?.subject).toBe("founder")
    expect(usages).toMatchObject([{ model: "tiny", outcome: "ok", cached: false, micros: 0 }])
    expect(usages[0]!.prompt).toMatch(/^[0-9a-f]{64}$/)
    expect(usages[0]!.tokensIn).toBeGreaterThan(10)
  })

  it("that does not fit is asked for once more, with what was wrong", async () => {
    const server = scripted((_, call) => call === 0 ? cold : fits, { models: ["tiny"] })
    const usages: Array<Usage> = []
    const answer = await atDesk({ server }, payingAs("interactive", usages)(completing()))
    expect(answer.answer.warmth).toBe(7)
    expect(usages.map(({ outcome }) => outcome)).toEqual(["failed", "ok"])
    const [, repair] = server.requests
    expect(repair!.messages.at(-1)!.content).toContain("a value between 0 and 10")
    expect(repair!.messages.at(-2)).toEqual({ role: "assistant", content: cold })
  })

  it.each([
    ["is no JSON", "Certainly! Here it is: {"],
    ["has words around it", `Here: ${fits}`],
    ["lacks a field", '{"warmth":7}'],
    ["is empty", ""],
    ["is cut off at the token limit", `{"warmth":7,"because":"${"x".repeat(1000)}"}`],
  ])("that %s is a misfit", async (_, text) => {
    const server = scripted(() => text, { models: ["tiny"] })
    const failure = await atDesk({ server }, failing())
    expect(failure).toMatchObject({ reason: "misfit", retryable: false })
    expect(server.requests.length).toBe(2)
  })

  it("that the judge refuses is repaired with the judge's words, which no error repeats", async () => {
    const server = scripted(() => fits, { models: ["tiny"] })
    const failure = await atDesk(
      { server },
      failing(question({ judge: () => ["Ada Weiss named no budget"] })),
    )
    expect(failure.reason).toBe("misfit")
    expect(failure.message).not.toContain("Ada")
    expect(server.requests[1]!.messages.at(-1)!.content).toContain("Ada Weiss named no budget")
  })

  it("comes from the larger model where the small one has none", async () => {
    const server = scripted(({ model }) => model === "large" ? fits : "no", {
      models: ["small", "large"],
    })
    const answer = await atDesk(
      { server, policy: { small: "small", large: "large" } },
      completing(),
    )
    expect(answer.model).toBe("large")
    expect(server.requests.map(({ model }) => model)).toEqual(["small", "small", "large"])
  })

  it("never comes from a model that only makes vectors", async () => {
    const server = scripted(() => fits, { models: ["all-minilm", "nomic-embed-text"] })
    expect(await atDesk({ server }, failing())).toMatchObject({ reason: "absent" })
    expect(server.requests.length).toBe(0)
  })
})

describe("the route", () => {
  const server = () => scripted(() => fits, { models: ["tiny"] })
  it("of rules asks nobody", async () => {
    const one = server()
    const policy = { routes: { ask: ["rules"] } }
    expect(await atDesk({ server: one, policy }, failing())).toMatchObject({ reason: "absent" })
    expect(one.requests.length).toBe(0)
  })
  it("to the operator says so", async () => {
    const policy = { routes: { ask: ["operator"] } }
    expect(await atDesk({ server: server(), policy }, failing())).toMatchObject({
      reason: "operator",
      retryable: false,
    })
  })
  it("ends with the operator where no model has an answer of use", async () => {
    const one = scripted(() => "no", { models: ["tiny"] })
    const policy = { routes: { ask: ["small", "operator"] } }
    expect((await atDesk({ server: one, policy }, failing())).reason).toBe("operator")
  })
})

describe("the same question", () => {
  it("is answered from what was said before, and judged again", async () => {
    const server = scripted(() => fits, { models: ["tiny"] })
    const usages: Array<Usage> = []
    await atDesk(
      { server },
      payingAs("interactive", usages)(Effect.gen(function* () {
        const first = yield* completing()
        const again = yield* completing()
        expect(again).toMatchObject({ cached: true, answer: first.answer, made: first.made })
        expect(server.requests.length).toBe(1)
        yield* failing(question({ judge: () => ["no"] }))
        // The answer that was there is refused now; only the repair is asked for.
        expect(server.requests.length).toBe(2)
        yield* completing(question({ text: "Another mail" }))
        expect(server.requests.length).toBe(3)
        yield* completing(question({ seed: 2 }))
        expect(server.requests.length).toBe(4)
      })),
    )
    expect(usages.map(({ cached, outcome }) => `${cached} ${outcome}`)).toEqual([
      "false ok",
      "true ok",
      "true misfit",
      "false misfit",
      "false ok",
      "false ok",
    ])
  })

  it("costs nothing a second time even where no answer was of use, until a day is over", async () => {
    const server = scripted(() => fits, { models: ["tiny"] })
    const judged = () => failing(question({ judge: () => ["no"] }))
    await atDesk(
      { server },
      Effect.gen(function* () {
        yield* judged()
        expect(server.requests.length).toBe(2)
        expect((yield* judged()).reason).toBe("misfit")
        expect(server.requests.length).toBe(2)
        yield* TestClock.adjust("25 hours")
        yield* judged()
        expect(server.requests.length).toBe(4)
      }),
    )
  })

  // The clock is moved by hand, and would not wait for a log that answers over a socket.
  it.skipIf(throughDoor)(
    "at the same time is one call; one that is given up does not take the others with it",
    async () => {
      const server = scripted(() => ({ text: fits, delayMillis: 1_000 }), { models: ["tiny"] })
      await atDesk(
        { server },
        Effect.gen(function* () {
          const fibers = yield* Effect.all(
            [completing(), completing(), completing()].map((one) => Effect.forkChild(one)),
          )
          yield* TestClock.adjust(500)
          expect(server.requests.length).toBe(1)
          yield* Fiber.interrupt(fibers[0]!)
          yield* TestClock.adjust(2_000)
          expect((yield* Fiber.join(fibers[1]!)).answer.warmth).toBe(7)
          expect((yield* Fiber.join(fibers[2]!)).answer.warmth).toBe(7)
          expect(server.requests.length).toBe(2)
          expect(server.ended()).toEqual({ finished: 1, interrupted: 1 })
        }),
      )
    },
  )
})

describe("a budget", () => {
  const ledgerOf = (tokens: number) =>
    Layer.succeed(
      ModelLedger,
      ModelLedger.of({
        answered: () => Effect.succeed(undefined),
        spent: () => Effect.succeed({ tokens, millis: 0, micros: 0 }),
      }),
    )
  const policy = { budgets: { executor: { tokens: 1_000 } } }

  it("that is spent stops hard, is no failure to be tried again, and is counted", async () => {
    const server = scripted(() => fits, { models: ["tiny"] })
    const usages: Array<Usage> = []
    const failure = await atDesk(
      { server, policy, ledger: ledgerOf(1_000) },
      payingAs("interactive", usages)(failing()),
    )
    expect(failure).toMatchObject({ reason: "budget", retryable: false })
    expect(failure.message).toContain("1000 of 1000 tokens")
    expect(usages).toMatchObject([{ outcome: "refused", tokensIn: 0 }])
    expect(server.requests.length).toBe(0)
  })

  it("counts what is spent here at once, does not bind others, and is new the next day", async () => {
    const server = scripted(() => fits, { models: ["tiny"] })
    const asked = (n: number) => question({ text: `Mail ${n}` })
    await atDesk(
      { server, policy: { budgets: { executor: { tokens: 300 } } } },
      Effect.gen(function* () {
        const paying = payingAs("interactive", [])
        yield* paying(completing(asked(1)))
        yield* paying(completing(asked(2)))
        expect((yield* paying(failing(asked(3)))).reason).toBe("budget")
        // What is known already costs nothing.
        expect((yield* paying(completing(asked(1)))).cached).toBe(true)
        yield* payingAs("interactive", [], { agent: "memory" })(completing(asked(3)))
        yield* TestClock.adjust("1 day")
        yield* paying(completing(asked(4)))
      }),
    )
  })

  it("in money follows the price list", async () => {
    const server = scripted(() => fits, { models: ["tiny"] })
    const usages: Array<Usage> = []
    const priced = { prices: { tiny: { in: 1_000, out: 5_000, second: 0 } } }
    await atDesk({ server, policy: priced }, payingAs("interactive", usages)(completing()))
    const [{ micros, tokensIn, tokensOut }] = usages as [Usage]
    expect(micros).toBe(tokensIn + 5 * tokensOut)
  })
})

describe("trouble", () => {
  const watched = (states: ReadonlyArray<circuits.CircuitState> = []) => {
    const told: Array<string | undefined> = []
    const layer = Layer.succeed(
      circuits.Circuits,
      circuits.Circuits.of({
        guard: (_, effect, trouble) =>
          effect.pipe(
            Effect.tapError((failure) => Effect.sync(() => void told.push(trouble(failure)))),
            Effect.tap(() => Effect.sync(() => void told.push("fine"))),
          ),
        complain: (_, trouble) => Effect.sync(() => void told.push(`complained ${trouble}`)),
        probe: () => Effect.void,
        look: () => Effect.void,
        states: Effect.succeed(states),
      }),
    )
    return { told, layer }
  }

  it("of the server is told to its circuit, each kind as what it is", async () => {
    const kinds = [
      new InferenceFailed({ reason: "failed", message: "500", retryable: true }),
      new InferenceFailed({ reason: "absent", message: "refused", retryable: true }),
      "no JSON",
    ]
    for (const [n, trouble] of (["failed", "absent", "garbage"] as const).entries()) {
      const { layer, told } = watched()
      const server = scripted(() => kinds[n]!, { models: ["tiny"] })
      await atDesk({ server, circuits: layer }, failing())
      expect(told).toEqual(
        trouble === "garbage"
          ? ["fine", "complained garbage", "fine", "complained garbage"]
          : [trouble],
      )
    }
  })

  it("of a server that was there is one that passes; one that never was is absent", async () => {
    const gone = new InferenceFailed({ reason: "absent", message: "refused", retryable: true })
    for (const models of [["tiny"], undefined]) {
      const server = scripted(() => gone, models === undefined ? {} : { models })
      for (const absent of [false, true]) {
        const { layer } = watched([
          { service: "ollama", open: true, absent, proven: false, wanted: true, since: 1 },
        ])
        expect(await atDesk({ server, circuits: layer }, failing())).toMatchObject(
          absent ? { reason: "absent" } : { reason: "circuitOpen", retryable: true },
        )
      }
    }
  })

  it.each([
    [{ tokensIn: -5 }, { tokensIn: 0 }],
    [{ tokensOut: 1e300 }, { tokensOut: 8_192 }],
    [{ tokensOut: Number.NaN }, { tokensOut: 0 }],
    [{ tokensIn: 1.5 }, { tokensIn: 2 }],
  ])(
    "a server that counts %j is not itself: neither its numbers nor its answer are taken",
    async (end, kept) => {
      const { layer, told } = watched()
      const server = scripted(() => ({ text: fits, end }), { models: ["tiny"] })
      const usages: Array<Usage> = []
      const failure = await atDesk(
        { server, circuits: layer },
        payingAs("interactive", usages)(failing()),
      )
      expect(failure.reason).toBe("misfit")
      expect(usages).toMatchObject([{ ...kept, outcome: "failed" }])
      expect(told).toContain("complained garbage")
      expect(server.requests.length).toBe(1)
    },
  )

  it("an answer that broke off is repaired, paid for, kept to be read, and no trouble", async () => {
    const { layer, told } = watched()
    const server = scripted(
      (_, call) =>
        call === 1 ? fits : { text: '{"warmth":', end: { tokensOut: 3, estimated: true } },
      { models: ["tiny"] },
    )
    const usages: Array<Usage> = []
    await atDesk(
      { server, circuits: layer },
      payingAs("interactive", usages)(Effect.gen(function* () {
        expect((yield* completing()).answer.warmth).toBe(7)
        // Another time it may not break off: it is asked again.
        yield* Effect.exit(completing())
      })),
    )
    expect(usages[0]).toMatchObject({ outcome: "misfit", estimated: true, tokensOut: 3 })
    expect(usages[0]!.transcript).toBeDefined()
    expect(server.requests.length).toBeGreaterThan(2)
    expect(server.requests[1]!.messages.at(-1)!.content).toContain("broke off")
    expect(new Set(told)).toEqual(new Set(["fine"]))
  })

  it("a poor answer of the right form is no trouble", async () => {
    const { layer, told } = watched()
    const server = scripted(() => fits, { models: ["tiny"] })
    await atDesk({ server, circuits: layer }, failing(question({ judge: () => ["no"] })))
    expect(new Set(told)).toEqual(new Set(["fine"]))
  })

  // The clock is moved by hand, and would not wait for a log that answers over a socket.
  it.skipIf(throughDoor)(
    "an answer that takes too long is given up, on the server too",
    async () => {
      const { layer, told } = watched()
      const server = scripted(() => ({ text: fits, delayMillis: 60_000 }), { models: ["tiny"] })
      const usages: Array<Usage> = []
      await atDesk(
        { server, circuits: layer },
        payingAs("interactive", usages)(Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(failing(question({ timeoutMillis: 5_000 })))
          yield* TestClock.adjust(5_000)
          expect(yield* Fiber.join(fiber)).toMatchObject({ reason: "timedOut", retryable: true })
          expect(server.ended()).toEqual({ finished: 0, interrupted: 1 })
        })),
      )
      expect(told).toEqual(["slow"])
      expect(usages).toMatchObject([{ outcome: "timedOut", millis: 5_000 }])
    },
  )

  it("with the first model missing, the other is asked", async () => {
    const server = scripted(() => fits, { models: ["tiny", "other"] })
    const answer = await atDesk(
      { server, policy: { small: "gone", large: "other" } },
      completing(),
    )
    expect(answer.model).toBe("other")
  })

  it("what was said before is there without a server", async () => {
    const server = scripted(() => fits, { models: ["tiny"] })
    await atDesk(
      { server },
      Effect.gen(function* () {
        yield* completing()
        server.answers(false)
        yield* TestClock.adjust("1 hour")
        expect((yield* completing()).cached).toBe(true)
        expect(yield* failing(question({ text: "Another" }))).toMatchObject({ reason: "absent" })
      }),
    )
  })
})

describe("a stream", () => {
  const plain = {
    template: { name: "tell", instructions: "Tell it." },
    material: [],
    tokensMax: 100,
    subject: "founder",
  }
  it("gives the pieces as they come and is paid for at its end", async () => {
    const server = scripted(() => "one two three four five six seven", { models: ["tiny"] })
    const usages: Array<Usage> = []
    const pieces = await atDesk(
      { server },
      payingAs("interactive", usages)(
        Effect.flatMap(LanguageModel, (model) => Stream.runCollect(model.stream(plain))),
      ),
    )
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.join("")).toBe("one two three four five six seven")
    expect(usages).toMatchObject([{ outcome: "ok", model: "tiny" }])
  })
  it("that nobody listens to any more ends the work and gives its place back", async () => {
    const server = scripted(
      ({ messages }) =>
        messages[0]!.content.startsWith("Tell")
          ? { text: "x".repeat(300), pieceMillis: 1_000 }
          : fits,
      { models: ["tiny"] },
    )
    await atDesk(
      { server },
      Effect.gen(function* () {
        const model = yield* LanguageModel
        expect(yield* Stream.runCollect(Stream.take(model.stream(plain), 1))).toEqual([
          "x".repeat(16),
        ])
        expect(server.ended()).toEqual({ finished: 0, interrupted: 1 })
        expect((yield* completing()).answer.warmth).toBe(7)
      }),
    )
  })
})
