/** Fills a data directory with agents, says so, and waits to be killed. Started by recovery.ts. */
import { Effect } from "effect"
import process from "node:process"
import { fill, inHouse } from "./house.ts"
import { recoveryAgents } from "./recovery.ts"

await inHouse(
  process.argv[2] ?? ".",
  fill(recoveryAgents, "killed").pipe(
    Effect.andThen(Effect.sync(() => console.log("filled"))),
    Effect.andThen(Effect.never),
  ),
)
