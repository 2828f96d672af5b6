/**
 * A process of its own that owns a data directory and appends to its log until it is killed. It prints
 * `owned`, then for each commit what was acknowledged: `<stream> <revision> <position>`, one per line.
 * With `hold` it only owns. A refusal is printed as `refused <reason> <message>`.
 */
import process from "node:process"
import { writeSync } from "node:fs"
import { Effect } from "effect"
import { EventLog } from "../../actors/event-log.ts"
import * as dataDirectory from "../../adapters/data-directory.ts"
import { anEvent } from "../contract/histories-of-appends.ts"

const [directory = "", mode = "write", run = "0"] = process.argv.slice(2)
// Written at once, so that what was printed before a kill was acknowledged before it.
const print = (line: string) => Effect.sync(() => writeSync(1, `${line}\n`))

const write = Effect.gen(function* () {
  const log = yield* EventLog
  for (let n = 0;; n++) {
    const group = Array.from({ length: 1 + (n * 7) % 30 }, (_, k) => `lead-${run}-${n}-${k}`)
    const outcomes = yield* Effect.forEach(
      group,
      (stream) => log.append(stream, -1, [anEvent(), anEvent()]),
      { concurrency: "unbounded" },
    )
    yield* print(
      outcomes.map((one, k) => `${group[k]} ${one.revision} ${one.positions.at(-1)}`).join("\n"),
    )
  }
})

const program = Effect.gen(function* () {
  yield* print("owned")
  if (mode === "hold") yield* Effect.never
  yield* write
}).pipe(
  Effect.provide(dataDirectory.layer({ directory, socket: `${directory}/aios.sock` })),
  Effect.catchTag(
    "LogUnavailable",
    (refused) => print(`refused ${refused.reason} ${refused.message}`),
  ),
)

// A timer keeps the process alive while it holds nothing but the lock.
const alive = setInterval(() => {}, 1000)
await Effect.runPromise(program)
clearInterval(alive)
