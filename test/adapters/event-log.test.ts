/** Every implementation of the event log against its one suite. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import * as eventStoreDb from "../../adapters/event-log-eventstoredb.ts"
import * as memory from "../../adapters/event-log-memory.ts"
import * as sqlite from "../../adapters/event-log-sqlite.ts"
import { eventLogContract } from "../contract/event-log.ts"
import { overDoor } from "../log-door.ts"

const folder = mkdtempSync(join(tmpdir(), "aios-event-log-"))
afterAll(() => rmSync(folder, { recursive: true }))
let logs = 0

eventLogContract("event log in memory", () => memory.layer)
eventLogContract("event log in SQLite", () => sqlite.layer({ file: join(folder, `${logs++}.db`) }))
eventLogContract(
  "event log over EventStoreDB's client, at the door of one in memory",
  () => overDoor((connection) => eventStoreDb.layer({ connection, installation: "one" })),
  { texts: "protocol", batches: "concurrent" },
)
