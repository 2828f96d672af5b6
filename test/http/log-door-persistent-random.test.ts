/**
 * Groups in random histories: consumers come, go, acknowledge, refuse, forget; events are appended; the
 * owner crashes. Whatever happens, an event that is not settled is behind the checkpoint or parked, nobody
 * gets more than fits, and in the end all is settled.
 */
import { setImmediate } from "node:timers"
import { Effect, ManagedRuntime } from "effect"
import { describe, expect, it } from "vitest"
import { EventLog } from "../../actors/event-log.ts"
import { layer as memory } from "../../adapters/event-log-memory.ts"
import { type Door, makeDoor } from "../../http/log-door/door.ts"
import { type Group, makeGroup } from "../../http/log-door/persistent-group.ts"
import {
  allStream,
  type GroupEntry,
  type GroupSettings,
  strategyNames,
} from "../../http/log-door/persistent-settings.ts"
import { makeMemory } from "../../http/log-door/persistent-memory.ts"
import { openStore, sourceOf } from "../../http/log-door/persistent-store.ts"
import { jsonEvent, type Resolved } from "../../http/log-door/terms.ts"
import { seeded } from "../seeded.ts"

const histories = 40
const stepsMax = 150
const timeoutMillis = 1_000

type Dice = ReturnType<typeof seeded>

/** What was appended and not done is passed on in turns of the event loop. */
const settle = async () => {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}

interface Held {
  readonly id: string
  readonly key: string
  /** After that it is given to somebody else. */
  readonly until: number
}
interface Consumer {
  readonly slots: number
  readonly leave: () => void
  readonly held: Map<string, Held>
}

const settingsOf = (dice: Dice): GroupSettings => ({
  resolveLinks: dice.below(2) === 0,
  extraStatistics: dice.below(2) === 0,
  startFrom: 0,
  messageTimeout: timeoutMillis,
  checkpointAfter: dice.pick([0, 500]),
  minCheckpointCount: 1 + dice.below(3),
  maxCheckpointCount: 1 + dice.below(6),
  maxRetryCount: 1 + dice.below(3),
  maxSubscriberCount: 0,
  liveBufferSize: 1 + dice.below(20),
  readBatchSize: 1 + dice.below(5),
  historyBufferSize: 6 + dice.below(20),
  strategy: dice.pick(strategyNames),
})

const live = async (dice: Dice, door: Door) => {
  const isAll = dice.below(3) === 0
  const entry: GroupEntry = {
    stream: isAll ? allStream : "work-1",
    group: "random",
    ...(isAll ? { filter: { on: "stream", prefixes: ["work-"] } } : {}),
    settings: settingsOf(dice),
  }
  const memory = makeMemory()
  let now = 1_000_000
  /** Every event of ours, and those that were acknowledged or skipped. */
  const appended = new Map<string, number>()
  const settled = new Set<string>()
  let consumers: Array<Consumer> = []
  let serial = 0

  const open = async (): Promise<Group> => {
    const store = await openStore(door, entry, () => now)
    return makeGroup({
      entry,
      store,
      memory: memory.share(),
      source: sourceOf(door, entry),
      now: () => now,
      next: store.checkpoint === undefined ? 0 : store.checkpoint + 1,
      checkpoint: store.checkpoint,
    })
  }
  let group = await open()

  const keyOf = ({ event }: Resolved) => `${event?.stream}/${event?.revision}`
  const append = async () => {
    const stream = isAll ? `work-${dice.below(4)}` : "work-1"
    const events = Array.from(
      { length: 1 + dice.below(8) },
      () => jsonEvent(crypto.randomUUID(), "Work", { n: serial++ }),
    )
    const outcome = await door.append(stream, "any", events)
    if (outcome._tag !== "Appended") throw new Error(outcome._tag)
    events.forEach((_, n) => {
      const revision = outcome.revision - events.length + 1 + n
      appended.set(
        `${stream}/${revision}`,
        isAll ? outcome.position - events.length + 1 + n : revision,
      )
    })
    // Others write as well, and are none of this group's business.
    if (isAll) await door.append("other-1", "any", [jsonEvent(crypto.randomUUID(), "Other", {})])
    group.wake()
  }
  const join = () => {
    const held = new Map<string, Held>()
    const slots = 1 + dice.below(6)
    consumers.push({
      slots,
      held,
      leave: group.subscribe({
        user: "worker",
        connectionName: "random",
        slots,
        isReading: () => true,
        give: (resolved) => {
          const key = keyOf(resolved)
          const id = (resolved.link ?? resolved.event)?.id ?? ""
          held.set(id, { id, key, until: now + timeoutMillis })
          for (const [late, { until }] of held) if (until <= now) held.delete(late)
          expect(held.size).toBeLessThanOrEqual(slots)
          // Nobody else has it at the same time.
          for (const other of consumers) {
            if (other.held === held) continue
            expect(other.held.get(id)?.until ?? 0).toBeLessThanOrEqual(now)
            other.held.delete(id)
          }
        },
        drop: () => {},
      }),
    })
  }
  const take = (consumer: Consumer, count: number) => {
    const some = [...consumer.held.values()].slice(0, count)
    for (const { id } of some) consumer.held.delete(id)
    return some.filter(({ until }) => until > now)
  }
  const leave = () => {
    const consumer = consumers.splice(dice.below(consumers.length), 1)[0]
    consumer?.held.clear()
    consumer?.leave()
  }
  const parkedKeys = async () => {
    const store = await openStore(door, entry, () => now)
    const page = await store.parkedPage(store.parked.first, 10_000)
    return new Set(page.map(({ resolved }) => keyOf(resolved)))
  }
  /** What is not settled would come again after a crash: it is after the checkpoint, or parked. */
  const check = async () => {
    const { checkpoint = -1 } = await openStore(door, entry, () => now)
    const parked = await parkedKeys()
    const lost = [...appended].filter(([key, place]) =>
      place <= checkpoint && !settled.has(key) && !parked.has(key)
    )
    expect(lost).toEqual([])
  }
  const crash = async () => {
    await check()
    for (const { held } of consumers) held.clear()
    group.close()
    consumers = []
    await settle()
    group = await open()
  }

  for (let step = 0; step < stepsMax; step++) {
    const consumer = consumers[dice.below(Math.max(1, consumers.length))]
    const some = 1 + dice.below(4)
    switch (dice.below(11)) {
      case 0:
      case 1:
        await append()
        break
      case 2:
        if (consumers.length < 4) join()
        break
      case 3:
        if (dice.below(3) === 0 && consumers.length > 0) leave()
        break
      case 4:
      case 5:
      case 6: {
        if (consumer === undefined) break
        const taken = take(consumer, some)
        for (const { key } of taken) settled.add(key)
        group.ack(taken.map(({ id }) => id))
        break
      }
      case 7: {
        if (consumer === undefined) break
        const action = dice.pick(["retry", "park", "skip", "unknown"] as const)
        const taken = take(consumer, some)
        if (action === "skip") { for (const { key } of taken) settled.add(key) }
        group.nack(taken.map(({ id }) => id), action, "by chance")
        break
      }
      case 8:
        now += dice.pick([100, 600])
        group.tick()
        break
      case 9: {
        const chance = dice.below(9)
        if (chance < 3) {
          // Nobody answers in time.
          for (const { held } of consumers) held.clear()
          now += timeoutMillis
          group.tick()
        } else if (chance < 5) await group.replayParked(dice.chance() ? 3 : undefined)
        break
      }
      default:
        if (dice.below(8) === 0) await crash()
    }
    if (dice.below(2) === 0) await settle()
  }

  if (dice.chance()) await crash()
  while (consumers.length > 0) leave()
  join()
  for (let round = 0; round < 300 && settled.size < appended.size; round++) {
    for (const consumer of consumers) {
      const taken = take(consumer, consumer.slots)
      for (const { key } of taken) settled.add(key)
      group.ack(taken.map(({ id }) => id))
    }
    if (round % 10 === 9) {
      now += 300
      group.tick()
      await group.replayParked()
    }
    await settle()
  }
  expect(
    [...appended.keys()].filter((key) => !settled.has(key)),
    JSON.stringify([entry, await group.info()]),
  ).toEqual([])
  await check()
  group.close()
  return { events: appended.size }
}

describe("random histories of a group", () => {
  it("lose nothing", async () => {
    const dice = seeded()
    let events = 0
    for (let history = 0; history < histories; history++) {
      const runtime = ManagedRuntime.make(memory)
      const log = await runtime.runPromise(Effect.gen(function* () {
        return yield* EventLog
      }))
      const door = makeDoor({ log })
      events += (await live(dice, door)).events
      await door.close()
      await runtime.dispose()
    }
    expect(events).toBeGreaterThan(histories * 20)
  }, 60_000)
})
