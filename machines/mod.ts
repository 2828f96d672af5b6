/** Every agent in the system. Adding one is a file beside this and a line here. */
import type { Agent, Journal } from "./agent.ts"
import { analyst } from "./analyst.ts"
import { article } from "./article.ts"
import { coordinator } from "./coordinator.ts"
import { executor } from "./executor-chart.ts"
import { gatekeeper } from "./gatekeeper.ts"
import { integration } from "./integration.ts"
import { invoice } from "./invoice.ts"
import { lead } from "./lead.ts"
import { memory } from "./memory-chart.ts"
import { policy } from "./model-policy.ts"
import { outreach } from "./outreach.ts"
import { record } from "./record.ts"
import { settings } from "./settings.ts"
import { spending } from "./spending.ts"

export const agents: ReadonlyArray<Agent> = [
  analyst,
  article,
  coordinator,
  executor,
  gatekeeper,
  integration,
  invoice,
  lead,
  memory,
  outreach,
]

/** Streams of facts without a chart. */
export const journals: ReadonlyArray<Journal> = [policy, record, settings, spending]
