/** A process that appends is killed with SIGKILL again and again: what it acknowledged is there, once. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { EventLog, type RecordedEvent } from "../../actors/event-log.ts"
import * as dataDirectory from "../../adapters/data-directory.ts"
import { everything } from "../contract/event-log.ts"
import { seeded } from "../seeded.ts"
import { runtimes, start } from "./runtimes.ts"

const kills = 12
const aliveMillisMax = 250

it("kill -9 during appends loses nothing that was acknowledged", async () => {
  const dice = seeded()
  const directory = mkdtempSync(join(tmpdir(), "aios-kill-"))
  try {
    const acknowledged: Array<string> = []
    for (let run = 0; run < kills; run++) {
      const writer = start(
        dice.pick(runtimes),
        "test/faults/log-writer.ts",
        directory,
        "write",
        String(run),
      )
      await writer.line("lead-")
      await new Promise((resolve) => setTimeout(resolve, dice.below(aliveMillisMax)))
      writer.process.kill("SIGKILL")
      await writer.ended
      // The last line may have been cut off by the kill.
      acknowledged.push(
        ...writer.lines.filter((line) => /^lead-\S+ 1 \d+$/.test(line)).slice(0, -1),
      )
      const all = await Effect.runPromise(
        Effect.provide(Effect.flatMap(EventLog, everything), dataDirectory.layer({ directory })),
      )
      const byPosition = new Map<number, RecordedEvent>(all.map((event) => [event.position, event]))
      for (const line of acknowledged) {
        const [stream, revision, position] = line.split(" ")
        expect(byPosition.get(Number(position))).toMatchObject({
          stream,
          revision: Number(revision),
        })
      }
      // An append is all or nothing: each stream got two events in one append.
      const streams = Map.groupBy(all, (event) => event.stream)
      for (const [, events] of streams) expect(events.map((one) => one.revision)).toEqual([0, 1])
      expect(new Set(all.map((event) => event.id)).size).toBe(all.length)
    }
    expect(acknowledged.length).toBeGreaterThan(kills)
    console.info(`${acknowledged.length} acknowledged appends, ${kills} kills`)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
