/** Every agent in the system. Adding one is a file beside this and a line here. */
import type { Agent, Journal } from "./agent.ts"
import { coordinator } from "./coordinator.ts"
import { gatekeeper } from "./gatekeeper.ts"
import { lead } from "./lead.ts"
import { outreach } from "./outreach.ts"
import { record } from "./record.ts"
import { settings } from "./settings.ts"

export const agents: ReadonlyArray<Agent> = [coordinator, gatekeeper, lead, outreach]

/** Streams of facts without a chart. */
export const journals: ReadonlyArray<Journal> = [record, settings]
