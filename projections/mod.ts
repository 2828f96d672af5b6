/** Every read model. Adding one is a file beside this and a line here. */
import { activities } from "./activities.ts"
import { agents } from "./agents.ts"
import { approvals } from "./approvals.ts"
import { brief } from "./brief.ts"
import { asks } from "./open-asks.ts"
import { people } from "./people.ts"
import type { Projection } from "./projection.ts"

export const projections: ReadonlyArray<Projection> = [
  activities,
  agents,
  approvals,
  asks,
  brief,
  people,
]
