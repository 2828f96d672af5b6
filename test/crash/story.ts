/** A small history that touches everything: leads, drafts, decisions, child machines, timers, tells. */
import { Effect, Schema } from "effect"
import { assign, sendParent, setup } from "xstate"
import { ActorSystem } from "../../actors/actor-system.ts"
import { EventLog } from "../../actors/event-log.ts"
import { derivedId } from "../../actors/ids.ts"
import { ActorEngine } from "../../actors/system.ts"
import { replay } from "../../actors/replay.ts"
import { type Agent, defineAgent, event, isSealed, tell } from "../../machines/agent.ts"
import { agents } from "../../machines/mod.ts"
import { settingsStream } from "../../machines/settings.ts"
import { Crash, type Env, incarnation, makeWorld, type World } from "./world.ts"

const hour = 60 * 60 * 1000
const day = 24 * hour
export const start = Date.UTC(2026, 10, 2, 8)

const OrderPlaced = event("OrderPlaced", { sku: Schema.String })
const OrderCounted = event("OrderCounted", { sku: Schema.String, boxes: Schema.Int })

const packing = setup({
  types: { context: {} as { boxes: number }, input: {} as { sku: string } },
}).createMachine({
  id: "packing",
  context: { boxes: 0 },
  initial: "weighing",
  states: {
    weighing: {
      entry: sendParent({ type: "Weighed" }),
      after: { [2 * hour]: { target: "boxed", actions: assign({ boxes: 2 }) } },
    },
    boxed: { type: "final" },
  },
  output: ({ context }) => ({ boxes: context.boxes }),
})

/** An order with a child machine; the audit counts what it is told, so a double shows. */
const order = defineAgent({
  name: "order",
  version: 1,
  events: [OrderPlaced],
  machine: setup({
    types: {
      context: {} as { sku: string; boxes: number },
      events: {} as typeof OrderPlaced.Type | { type: "Weighed" },
    },
    actors: { packing },
  }).createMachine({
    id: "order",
    context: { sku: "", boxes: 0 },
    initial: "new",
    states: {
      new: {
        on: {
          OrderPlaced: { target: "packing", actions: assign({ sku: ({ event }) => event.sku }) },
        },
      },
      packing: {
        invoke: {
          id: "pack",
          src: "packing",
          input: ({ context }) => ({ sku: context.sku }),
          onDone: {
            target: "packed",
            actions: assign({
              boxes: ({ event }) => (event.output as { boxes: number }).boxes,
            }),
          },
        },
        on: { Weighed: { actions: assign({ boxes: -1 }) } },
      },
      packed: {
        entry: tell("audit-main", ({ context }: { context: { sku: string; boxes: number } }) => ({
          type: "OrderCounted",
          sku: context.sku,
          boxes: context.boxes,
        })),
      },
    },
  }),
})

const audit = defineAgent({
  name: "audit",
  version: 1,
  events: [OrderCounted],
  machine: setup({
    types: {
      context: {} as { skus: ReadonlyArray<string> },
      events: {} as typeof OrderCounted.Type,
    },
  }).createMachine({
    id: "audit",
    context: { skus: [] },
    on: {
      OrderCounted: {
        actions: assign({ skus: ({ context, event }) => [...context.skus, event.sku] }),
      },
    },
  }),
})

export const extraAgents: ReadonlyArray<Agent> = [order, audit]

const ada = "a".repeat(32)
const bob = "b".repeat(32)
const wrote = (person: string, name: string, sentAt: number, warmth: number) => ({
  type: "LeadWrote",
  person,
  record: `record-${name}-${sentAt}`,
  sentAt,
  contact: { name, address: `${name}@lumen.example` },
  subject: "Sponsorship",
  messageId: `<${name}-${sentAt}@lumen.example>`,
  signals: { reader: "rules-1", warmth, intents: ["asksPrice"], instructsReader: false },
  quotes: ["what does it cost"],
})

/** The refund that Bob is owed, and the answer that Ada got. */
const refund = `executor-${bob}~r1`
const answer = `executor-${ada}~o1~1`
const owed = {
  type: "RefundRequested",
  requester: "operator",
  person: bob,
  records: ["record-bob"],
  invoice: { invoice: bob, number: "1042", total: { minor: 8_900, currency: "EUR" } },
  payment: "ch_2",
  amount: { minor: 8_900, currency: "EUR" },
  reason: "charged twice",
  contact: { name: "bob", address: "bob@lumen.example" },
}
const edited = { type: "DraftEdited", person: ada, text: "It costs 300 EUR." }
const taken = { type: "WorkUndone", by: "operator" }

const drainPolls = 400
const drainMillis = 5
const settled = Effect.gen(function* () {
  const system = yield* ActorSystem
  yield* system.settle(20_000)
  // Notes are batch work, which nobody waits for but here.
  for (let n = 0; n < drainPolls && (yield* system.remaining).batch > 0; n++) {
    yield* Effect.sleep(drainMillis)
  }
  yield* system.settle(20_000)
})
const propose = (stream: string, event: { readonly type: string }, name: string) =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    yield* system.propose(stream, event as never, { id: derivedId(name) }).pipe(
      // Where an earlier incarnation recorded it, this one is told so; else it is a fault of the test.
      Effect.orDie,
    )
    yield* settled
  })

/** Decides on every approval that waits. */
const decide = (how: "ApprovalGranted" | "ApprovalRejected") =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const system = yield* ActorSystem
    yield* settled
    for (const stream of yield* log.streams("gatekeeper")) {
      const view = yield* system.view(stream)
      if (view?.value !== "awaitingApproval") continue
      const { request } = view.context as unknown as { request: { hash: string } }
      yield* system.propose(
        stream,
        how === "ApprovalGranted"
          ? { type: how, hash: request.hash, by: "operator" }
          : { type: how, reason: "not now", by: "operator" },
        { id: derivedId(`${how}:${stream}`) },
      )
    }
    yield* settled
  })

type Step = { readonly at: number; readonly run: Effect.Effect<unknown, unknown, Env> }
const steps: ReadonlyArray<Step> = [
  {
    at: start,
    run: Effect.gen(function* () {
      const system = yield* ActorSystem
      yield* system.record(settingsStream, {
        type: "SettingsRecorded",
        name: "Mara Lindqvist",
        addresses: ["mara@northlight.example"],
      }, { id: derivedId("settings") })
    }),
  },
  { at: start + hour, run: propose(`lead-${ada}`, wrote(ada, "ada", start + hour, 40), "w1") },
  {
    at: start + 2 * hour,
    run: propose(`lead-${bob}`, wrote(bob, "bob", start + 2 * hour, 70), "w2"),
  },
  {
    at: start + 3 * hour,
    run: propose("order-1", { type: "OrderPlaced", sku: "x" } as never, "o1"),
  },
  {
    at: start + 4 * hour,
    run: propose(`lead-${bob}`, {
      type: "LeadUnsubscribed",
      person: bob,
      record: "record-u",
      sentAt: start + 4 * hour,
      quotes: ["please stop"],
    } as never, "u1"),
  },
  { at: start + 5 * hour, run: propose(refund, owed, "r1") },
  { at: start + 6 * hour, run: propose(answer, edited, "e1") },
  { at: start + day, run: decide("ApprovalGranted") },
  { at: start + 2 * day, run: propose(refund, taken, "u2") },
  { at: start + 7 * day, run: settled },
  { at: start + 8 * day, run: decide("ApprovalGranted") },
  { at: start + 9 * day, run: propose(answer, taken, "u3") },
  { at: start + 20 * day, run: settled },
  {
    at: start + 21 * day,
    run: propose(`lead-${ada}`, wrote(ada, "ada", start + 21 * day, 50), "w3"),
  },
  { at: start + 22 * day, run: decide("ApprovalRejected") },
]

/** Everything that must not depend on crashes. Envelopes differ by their nonces. */
const outcome = Effect.gen(function* () {
  const log = yield* EventLog
  const system = yield* ActorSystem
  const { registry } = yield* ActorEngine
  const found: Record<string, unknown> = {}
  for (const name of [...agents, ...extraAgents].map(({ name }) => name).concat("order.packing")) {
    for (const stream of yield* log.streams(name)) {
      const view = yield* system.view(stream)
      const events = yield* log.readPage(stream)
      found[stream] = {
        status: view?.status,
        value: view?.value,
        context: JSON.parse(
          JSON.stringify(view?.context ?? null, (_, value) => isSealed(value) ? "sealed" : value),
        ),
        // Who was first to hear what may differ; what was heard may not.
        events: events.map(({ type }) => type).sort(),
      }
    }
  }
  const replayed = yield* replay(registry, undefined, () => {})
  const remaining = yield* system.remaining
  return { found, divergences: replayed.divergences, remaining }
})

/** Lives the story through, starting again after each crash, and says how it ended. */
export const live = async (crashAt: ReadonlyArray<number>) => {
  const world: World = makeWorld(start, crashAt)
  try {
    let result: unknown = new Crash()
    for (let next = 0; next < steps.length;) {
      // One incarnation does as many steps as it lives for.
      result = await incarnation(
        world,
        Effect.gen(function* () {
          // What was under way comes to its end first: what happens at once may end either way.
          yield* settled
          for (; next < steps.length; next++) {
            world.now = steps[next]!.at
            yield* steps[next]!.run
          }
          return yield* outcome
        }),
        extraAgents,
      )
    }
    while (result instanceof Crash) result = await incarnation(world, outcome, extraAgents)
    const { crashes, points } = world
    return { result, outbox: world.outbox(), book: world.book(), points, crashes }
  } finally {
    world.remove()
  }
}
