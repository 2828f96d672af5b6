/** Bytes on disk per event of the `transitions` workload: the log after a checkpoint, indexes included. */
import { DatabaseSync } from "node:sqlite"
import { statSync } from "node:fs"
import { join } from "node:path"
import { fill, inHouse, transitionsPerAgent, withFolder } from "./house.ts"
import { rawBytes } from "./raw.ts"
import { cost, type Result } from "./result.ts"

const agents = 1_000

export const bytes = (): Promise<ReadonlyArray<Result>> =>
  withFolder(async (directory) => {
    await inHouse(directory, fill(agents, ""))
    const file = join(directory, "log.db")
    const db = new DatabaseSync(file)
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)")
    const events = Number(db.prepare("SELECT count(*) AS n FROM event").get()?.["n"])
    db.close()
    if (events !== agents * transitionsPerAgent) throw new Error(`The log has ${events} events`)
    return [
      cost(
        "bytes-per-event",
        "bytes",
        statSync(file).size / events,
        rawBytes(directory, agents, transitionsPerAgent),
        "node:sqlite, the same data bare, with its two indexes",
      ),
    ]
  })
