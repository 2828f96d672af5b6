/**
 * How long until agents answer again after the process that had them was killed: the first of 10,000,
 * and all of them, folded from the log. Measured from opening the data directory.
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { ActorSystem } from "../actors/actor-system.ts"
import { inHouse, withFolder } from "./house.ts"
import { scan } from "./raw.ts"
import { cost, median, type Result } from "./result.ts"

export const recoveryAgents = 10_000
const rounds = 3

/** Fills the folder in a process of its own and kills that with SIGKILL once all is acknowledged. */
const fillAndKill = async (directory: string) => {
  const worker = fileURLToPath(new URL("recovery-worker.ts", import.meta.url))
  const args = "Deno" in globalThis ? ["run", "-A", worker] : [worker]
  const child = spawn(process.execPath, [...args, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const exited = once(child, "exit")
  for await (const chunk of child.stdout) if (String(chunk).includes("filled")) break
  child.kill("SIGKILL")
  await exited
}

export const recovery = (): Promise<ReadonlyArray<Result>> =>
  withFolder(async (directory) => {
    await fillAndKill(directory)
    const first: Array<number> = []
    const all: Array<number> = []
    const limits: Array<number> = []
    for (let round = 0; round < rounds; round++) {
      // From the log, not from snapshots that an earlier round left.
      rmSync(join(directory, "cache.db"), { force: true })
      const started = performance.now()
      await inHouse(
        directory,
        Effect.gen(function* () {
          const system = yield* ActorSystem
          const view = (n: number) => system.view(`contact-killed${n}`)
          const one = yield* view(recoveryAgents / 2)
          first.push(performance.now() - started)
          if (one?.value !== "client") throw new Error(`It came back as ${String(one?.value)}`)
          yield* Effect.forEach(
            Array.from({ length: recoveryAgents }, (_, n) => n),
            view,
            { concurrency: 1_000, discard: true },
          )
          all.push(performance.now() - started)
        }),
      )
      limits.push(scan(join(directory, "log.db")).millis)
    }
    const limitName = "node:sqlite, scan of the log with JSON.parse"
    return [
      cost("recovery-first", "ms", median(first), median(limits), limitName),
      cost("recovery-all", "ms", median(all), median(limits), limitName),
    ]
  })
