/** Runs every bench, or those named: `npm run -s bench -- [--json] [NAME…]`. */
import process from "node:process"
import { batchLane } from "./batch-lane.ts"
import { bytes } from "./bytes.ts"
import { embedding } from "./embedding.ts"
import { httpQuery } from "./http-query.ts"
import { longHistory } from "./long-history.ts"
import { protocol } from "./protocol.ts"
import { rebuild } from "./rebuild.ts"
import { recall } from "./recall.ts"
import { recallQuality } from "./recall-quality.ts"
import { recovery } from "./recovery.ts"
import type { Result } from "./result.ts"
import { sequential } from "./sequential.ts"
import { transitions } from "./transitions.ts"

const benches: ReadonlyArray<readonly [names: string, run: () => Promise<ReadonlyArray<Result>>]> =
  [
    ["transitions", transitions],
    ["sequential-p50 sequential-p99", sequential],
    ["recovery-first recovery-all", recovery],
    ["rebuild", rebuild],
    ["bytes-per-event", bytes],
    ["long-history", longHistory],
    ["http-query http-query-p99", httpQuery],
    ["embedding-items", embedding],
    ["batch-lane", batchLane],
    ["recall", recall],
    ["recall-quality", recallQuality],
    [
      "log-append log-append-many log-append-own log-append-many-own log-append-batch log-read-stream log-read-all log-append-batch-own log-read-stream-own log-read-all-own",
      protocol,
    ],
  ]

const args = process.argv.slice(2)
const json = args.includes("--json")
const wanted = args.filter((arg) => !arg.startsWith("--"))
const known = benches.flatMap(([names]) => names.split(" "))
const unknown = [
  ...wanted.filter((name) => !known.includes(name)),
  ...args.filter((arg) => arg.startsWith("--") && arg !== "--json"),
]
if (unknown.length > 0) {
  console.error(
    `No bench is called ${unknown.join(", ")}. There are: ${known.join(", ")}; and --json.`,
  )
  process.exit(2)
}

const chosen = benches.filter(([names]) =>
  wanted.length === 0 || names.split(" ").some((name) => wanted.includes(name))
)
const results: Array<Result> = []
for (const [n, [names, run]] of chosen.entries()) {
  console.error(`${n + 1}/${chosen.length} ${names} …`)
  results.push(...await run())
}

if (json) console.log(JSON.stringify({ results }, null, 2))
else {
  for (const { name, unit, ours, limit, limitName, ratio } of results) {
    console.log(
      `${name.padEnd(20)} ${String(ours).padStart(8)} ${unit.padEnd(14)} limit ${
        String(limit).padStart(8)
      }  ratio ${String(ratio).padEnd(6)} ${limitName}`,
    )
  }
}
process.exit(0)
