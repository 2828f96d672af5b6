/**
 * The protocol's promises at the door of an embedded log, over the official client; and at any other
 * server that `AIOS_TEST_EVENT_STORE` names (`esdb://…`), to compare the door with the real thing.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { layer } from "../../adapters/event-log-sqlite.ts"
import { eventStoreProtocol } from "../contract/event-store-protocol.ts"
import { servedLog } from "../log-door.ts"

eventStoreProtocol("the protocol, at the door of a log in SQLite", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aios-door-protocol-"))
  const served = await servedLog({
    layer: layer({ file: join(folder, "log.db"), synchronous: "NORMAL" }),
  })
  return {
    connection: served.connection,
    restart: async () => {
      await served.stop()
      await served.start()
    },
    close: async () => {
      await served.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
})

const other = process.env["AIOS_TEST_EVENT_STORE"]
if (other !== undefined) {
  eventStoreProtocol(
    "the protocol, at the server that was named",
    () => Promise.resolve({ connection: other, close: () => Promise.resolve() }),
  )
}
