/** The memory's agent over the real log and read models: what its plan names moves, and comes back by another event. */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { implement, type Implementation } from "../../actors/activity.ts"
import { planEviction } from "../../actors/activities/plan-eviction.ts"
import { Tiers } from "../../actors/tiers.ts"
import type { Json } from "../../machines/agent.ts"
import { gatherSubjects, memoryStream, type Subject, summarise } from "../../machines/memory.ts"
import { Aios } from "../../projections/aios.ts"
import { itemOfStream } from "../../projections/memory-rows.ts"
import { ReadStore } from "../../projections/read-store.ts"
import { Projections } from "../../projections/runner.ts"
import * as tiersLocal from "../../projections/tiers-local.ts"
import { aMail } from "../actors/company.ts"
import { epoch } from "../actors/house.ts"
import { aiosHouse, refusalOf } from "./aios-house.ts"

const day = 24 * 60 * 60 * 1000

/** The real plan over the house's own read models, and a night whose summaries are written by the test. */
const scripted = (subjects: () => ReadonlyArray<Subject> = () => []) => {
  let tiers: Tiers["Service"] | undefined
  const asked: Array<string> = []
  const activities: ReadonlyArray<Implementation> = [
    {
      ...planEviction,
      run: (input, run) =>
        tiers === undefined
          ? Effect.die("The house is not open yet")
          : Effect.provideService(planEviction.run(input, run), Tiers, tiers),
    },
    implement(gatherSubjects, ({ limit }) => {
      const all = subjects().filter(({ key }) => !asked.includes(key))
      return Effect.succeed({
        subjects: all.slice(0, limit),
        left: Math.max(0, all.length - limit),
      })
    }),
    implement(summarise, ({ subject }) =>
      Effect.sync(() => {
        asked.push(subject.key)
        const accepted = subject.key !== "lossy"
        const refused = accepted ? [] : ["lost the amount 1,200 EUR"]
        return {
          ...{ of: subject.of, key: subject.key, events: subject.events, upTo: subject.upTo },
          ...{ persons: [], accepted, text: `About ${subject.key}`, made: "extract-1", refused },
          facts: { found: 2, kept: accepted ? 2 : 1 },
          questions: { asked: 0, answered: 0 },
          attempts: [{ made: "extract-1", accepted, text: `About ${subject.key}`, refused }],
          tokens: 10,
        }
      })),
  ]
  return {
    asked,
    house: aiosHouse({ activities, clock: { now: epoch + day } }),
    open: Effect.gen(function* () {
      tiers = yield* Effect.provide(Tiers, tiersLocal.layer)
      return yield* Aios
    }),
  }
}

const mails = (n: number) => Array.from({ length: n }, (_, i) => aMail({ sentAt: epoch - i * day }))

/** Event ids of what was taken in, oldest in the log first. */
const recorded = Effect.gen(function* () {
  const aios = yield* Aios
  const events = yield* aios.events({ limit: 10_000 })
  return events.filter(({ stream }) => stream.startsWith("record-")).map(({ id, position }) => ({
    id,
    position,
  }))
})
const tierOf = Effect.fnUntraced(function* (id: string) {
  yield* (yield* Projections).catchUp
  const store = yield* ReadStore
  const aios = yield* Aios
  const [event] = (yield* aios.events({ limit: 10_000 })).filter((one) => one.id === id)
  return event === undefined ? undefined : itemOfStream(store, event.stream)?.tier
})

describe("a policy", () => {
  const one = scripted()
  it.live("is simulated, then does exactly that, and looser again brings back what fits", () =>
    Effect.gen(function* () {
      const aios = yield* one.open
      yield* aios.intake(mails(30))
      yield* aios.settle(20_000)
      const before = yield* aios.memory
      expect(before.tiers.hot.items).toBe(30)
      expect(before.policy.version).toBe(1)

      const simulated = yield* aios.memoryPolicy({ "hot.itemsMax": 10 }, false)
      expect(simulated).toMatchObject({
        applied: false,
        evict: 15,
        keep: 15,
        spared: 5,
        because: { count: 15 },
      })
      expect((yield* aios.memory).tiers.hot.items).toBe(30)
      expect((yield* aios.events({ stream: memoryStream })).length).toBe(0)

      const applied = yield* aios.memoryPolicy({ "hot.itemsMax": 10 }, true)
      expect(applied).toEqual({ ...simulated, applied: true })
      const after = yield* aios.memory
      expect(after.policy).toMatchObject({ version: 2, hot: { itemsMax: 10 } })
      expect(after.tiers).toMatchObject({ hot: { items: 15 }, cold: { items: 15 } })

      // Said again it changes nothing.
      const events = (yield* aios.events({ stream: memoryStream })).length
      expect(yield* aios.memoryPolicy({ "hot.itemsMax": 10 }, true)).toMatchObject({ evict: 0 })
      expect((yield* aios.events({ stream: memoryStream })).length).toBe(events)

      // As HTTP may say it.
      expect(yield* aios.memoryPolicy({ hot: { itemsMax: 20 } }, true))
        .toMatchObject({ recall: 5, keep: 20, policy: { version: 3 } })
      expect((yield* aios.memory).tiers.hot.items).toBe(20)
    }).pipe(Effect.provide(one.house)))

  it.live("is refused with what would be right", () =>
    Effect.gen(function* () {
      const aios = yield* Aios
      const said = (patch: { readonly [name: string]: Json }) =>
        Effect.map(refusalOf(aios.memoryPolicy(patch, true)), ({ message }) => message)
      expect(yield* said({ "hot.items": 3 })).toContain(
        "The policy has no hot.items. It has hot.itemsMax (now 20,000)",
      )
      expect(yield* said({ "hot.itemsMax": -1 })).toBe(
        "hot.itemsMax must be a whole number from 0 to 1,000,000, not -1.",
      )
      expect(yield* said({ "hot.itemsMax": 1.5 })).toContain("whole number")
      expect(yield* said({ "hot.importanceMin": "much" })).toBe(
        'hot.importanceMin must be a number from 0 to 1, not "much".',
      )
      expect((yield* aios.memory).policy.version).toBe(1)
    }).pipe(Effect.provide(scripted().house)))
})

describe("a night", () => {
  const known: Array<Subject> = []
  const one = scripted(() => known)
  it.live("summarises, refuses what lost something, and what is taken back stands for nothing", () =>
    Effect.gen(function* () {
      const aios = yield* one.open
      yield* aios.intake(mails(6))
      yield* aios.settle(20_000)
      const ids = yield* recorded
      const subject = (key: string, at: number): Subject => ({
        ...{ of: "thread", key, upTo: ids[at]!.position },
        events: [ids[at]!.id, ids[at + 1]!.id],
      })
      known.push(subject("good", 0), subject("lossy", 2), subject("fine", 4))
      const steps: Array<string> = []
      const state = yield* aios.summarise(({ done, total }) => void steps.push(`${done}/${total}`))
      expect(one.asked).toEqual(["good", "lossy", "fine"])
      expect(state).toMatchObject({
        summaries: { accepted: 2, refused: 1, withdrawn: 0 },
        tiers: { warm: { items: 2 } },
        night: { accepted: 2, refused: 1, left: 0, tokens: 30, problem: "" },
        waits: [],
      })
      expect(state.lastNight).toContain("2 summaries accepted, 1 refused · 30 tokens")
      expect(steps.at(-1)).toBe("3/3")

      const refused = yield* aios.summaries("refused")
      expect(refused).toMatchObject([{ refused: ["lost the amount 1,200 EUR"], state: "refused" }])
      expect(refused[0]!.about).toMatch(/^thread “Mail \d+”, 2 events since 2026-10-31$/)

      const [newest] = yield* aios.summaries("accepted")
      expect(newest).toMatchObject({ text: "About fine", events: known[2]!.events })
      // Where it is known from: the events it stands for, and the lines they came from.
      const why = yield* aios.why(newest!.id)
      expect(why.of).toBe("A summary of a conversation was accepted (by extract-1)")
      expect(why.causes.slice(1, 3).map(({ event }) => event))
        .toEqual(known[2]!.events.toReversed())
      expect(why.causes[1]!.source?.file).toBe("mailbox.mbox")
      expect(why.causes.at(-1)!.what).toBe("You asked for summaries now")

      // Now they are summarised, they leave first.
      const policy = yield* aios.memoryPolicy({ "hot.itemsMax": 3 }, true)
      expect(policy).toMatchObject({ evict: 3, because: { summarised: 3 } })
      const gone = []
      for (const { id } of ids) if ((yield* tierOf(id)) === "cold") gone.push(id)
      expect(gone.every((id) => [...known[0]!.events, ...known[2]!.events].includes(id))).toBe(true)

      const back = yield* aios.withdrawSummary(newest!.id.slice(0, 13), "the date is wrong")
      expect(back).toMatchObject({ id: newest!.id, state: "withdrawn" })
      expect(yield* aios.withdrawSummary(newest!.id, "again")).toMatchObject({ state: "withdrawn" })
      yield* aios.settle(5_000)
      const summaries = (yield* aios.memory).summaries
      expect(summaries).toEqual({ accepted: 1, refused: 1, withdrawn: 1 })
      expect((yield* refusalOf(aios.withdrawSummary(refused[0]!.id, "no"))).message)
        .toContain("stands for nothing")
      expect((yield* refusalOf(aios.withdrawSummary("ffffffff", "no"))).error)
        .toBe("UnknownSummary")
      expect((yield* refusalOf(aios.withdrawSummary(newest!.id, " "))).kind).toBe("usage")
    }).pipe(Effect.provide(one.house)))

  it.live("whose model is down waits, says so, and goes on when it is back", () =>
    Effect.gen(function* () {
      const aios = yield* waiting.open
      yield* aios.propose(memoryStream, {
        type: "ServiceDegraded",
        ...{ service: "ollama", reason: "nobody answers at 127.0.0.1:11434" },
      }, {})
      // The nightly one waits; what the founder asks for would go on by rules.
      yield* aios.propose(memoryStream, { type: "NightReached", date: "2026-11-24" }, {})
      yield* aios.settle(5_000)
      const state = yield* aios.memory
      expect(state.state).toMatchObject({ night: "paused", services: "degraded" })
      expect(state.waits.join("\n")).toContain(
        "1 subject waits for the model (nobody answers at 127.0.0.1:11434)",
      )
      expect(waiting.asked).toEqual([])
      yield* aios.propose(memoryStream, { type: "ServiceRecovered", service: "ollama" }, {})
      for (let n = 0; n < 100 && waiting.asked.length === 0; n++) yield* Effect.sleep(50)
      expect(waiting.asked).toEqual(["later"])
    }).pipe(Effect.provide(waiting.house)))
  const waiting = scripted(() => [{ of: "thread", key: "later", events: ["e"], upTo: 1 }])
})
