/** The log in memory, or one behind the event store's protocol: see `log-over-door.ts`. */
import * as memory from "../adapters/event-log-memory.ts"
import { chosen } from "./log-over-door.ts"

export const layer = chosen(memory.layer)
