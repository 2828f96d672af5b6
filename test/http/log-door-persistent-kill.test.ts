/**
 * The process that owns the log is killed again and again while two consumers share a group's work: every
 * event is done in the end, whatever was done before is not forgotten for long, and what is parked stays.
 */
import {
  EventStoreDBClient,
  persistentSubscriptionToStreamSettingsFromDefaults as settings,
} from "@eventstore/db-client"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "vitest"
import { runtimes, start } from "../faults/runtimes.ts"
import { seeded } from "../seeded.ts"
import { consumed, numbered, numberOf, until } from "./log-door-groups.ts"

const kills = 4
const eventsPerRun = 150
/** Every so many events is parked instead of done. */
const parkEvery = 25

it("kill -9 of the log's owner loses nothing of a group", async () => {
  const dice = seeded()
  const folder = mkdtempSync(join(tmpdir(), "aios-groups-kill-"))
  const acknowledged = new Set<number>()
  const parked = new Set<number>()
  let given = 0
  try {
    for (let run = 0; run <= kills; run++) {
      const owner = start(dice.pick(runtimes), "test/http/log-door-server.ts", folder)
      await owner.line("serving")
      const client = new EventStoreDBClient(
        { endpoint: `unix:${join(folder, "log.sock")}` },
        { insecure: true },
      )
      await client.appendToStream("work-1", numbered(eventsPerRun, run * eventsPerRun))
      if (run === 0) {
        await client.createPersistentSubscriptionToStream(
          "work-1",
          "workers",
          settings({ startFrom: "start", checkPointUpperBound: 5 }),
        )
      }
      const last = run === kills
      const consumers = [0, 1].map(() => {
        const subscription = client.subscribeToPersistentSubscriptionToStream("work-1", "workers")
        return consumed(subscription, async (event) => {
          given++
          const n = numberOf(event)
          if (n % parkEvery === 0 && !last) await subscription.nack("park", "for later", event)
          else {
            await subscription.ack(event)
            acknowledged.add(n)
          }
        })
      })
      const all = (run + 1) * eventsPerRun
      if (last) {
        // What is parked is parked: only what was never settled comes, and then what is replayed.
        const { stats } = await client.getPersistentSubscriptionToStreamInfo("work-1", "workers")
        await client.replayParkedMessagesToStream("work-1", "workers")
        await until(() => acknowledged.size === all)
        for (const { got } of consumers) {
          for (const event of got) if (event.link !== undefined) parked.add(numberOf(event))
        }
        expect(Number(stats.parkedMessageCount)).toBeGreaterThanOrEqual(parked.size)
      } else {
        const enough = 20 + dice.below(eventsPerRun)
        const before = given
        await until(() => given - before >= enough || acknowledged.size >= all - all / parkEvery)
      }
      owner.process.kill("SIGKILL")
      await owner.ended
      await until(() => consumers.every(({ errors }) => errors.length > 0))
      await client.dispose()
    }
    expect(parked.size).toBeGreaterThan(kills)
    // With a checkpoint every five events, little is done twice: what was under way, and what was parked.
    const events = (kills + 1) * eventsPerRun
    expect(given).toBeLessThan(events + parked.size * 2 + kills * 60)
    console.info(`${events} events, ${given} given, ${parked.size} parked, ${kills} kills`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 60_000)
