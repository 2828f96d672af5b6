/** Every read model. Adding one is a file beside this and a line here. */
import { activities } from "./activities.ts"
import { agents } from "./agents.ts"
import { approvals } from "./approvals.ts"
import { brief } from "./brief.ts"
import { calendar } from "./calendar.ts"
import { content } from "./content.ts"
import { claims } from "./claims.ts"
import { conversations } from "./conversations.ts"
import { costs } from "./costs.ts"
import { documents } from "./documents.ts"
import { inferences } from "./inferences.ts"
import { invoices } from "./invoices.ts"
import { memories } from "./memories.ts"
import { asks } from "./open-asks.ts"
import { people } from "./people.ts"
import type { Projection } from "./projection.ts"
import { runs } from "./runs.ts"
import { works } from "./works.ts"

export const projections: ReadonlyArray<Projection> = [
  activities,
  agents,
  approvals,
  asks,
  brief,
  calendar,
  claims,
  content,
  conversations,
  costs,
  documents,
  inferences,
  invoices,
  memories,
  people,
  runs,
  works,
]
