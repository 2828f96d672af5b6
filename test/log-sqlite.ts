/** The log in a file, or that file behind the event store's protocol: see `log-over-door.ts`. */
import type { Options } from "../adapters/event-log-file.ts"
import * as sqlite from "../adapters/event-log-sqlite.ts"
import { chosen } from "./log-over-door.ts"

export const layer = (options: Options) => chosen(sqlite.layer(options))
