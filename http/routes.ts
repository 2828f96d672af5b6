/** Every documented route. What is served and is not here is a page (pages/mod.ts). */
import { agentRoutes } from "./agents.ts"
import { companyRoutes } from "./company.ts"
import { decisionRoutes } from "./decisions.ts"
import { eventRoutes } from "./events.ts"
import { alive, metricsOf, ready } from "./health.ts"
import { lendingRoutes } from "./lending.ts"
import { liveRoutes } from "./live.ts"
import { modelRoutes } from "./models.ts"
import { memoryRoutes } from "./memory.ts"
import type { Meter } from "./meter.ts"
import { recallRoutes } from "./recall.ts"
import { openApiRoute } from "./openapi.ts"
import type { Route } from "./route.ts"

export const routesOf = (meter: Meter): ReadonlyArray<Route> => {
  const routes = [
    ...companyRoutes,
    ...agentRoutes,
    // Before the route of single events, whose `:id` would take `stream`.
    ...liveRoutes,
    ...modelRoutes,
    ...eventRoutes,
    ...decisionRoutes,
    ...memoryRoutes,
    ...recallRoutes,
    ...lendingRoutes,
    alive,
    ready,
    metricsOf(meter),
  ]
  return [...routes, openApiRoute(routes)]
}
