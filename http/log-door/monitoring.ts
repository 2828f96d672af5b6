/** Statistics as a stream, for those who watch: what this process takes, and how far the log is. */
import { MonitoringService } from "@eventstore/db-client/generated/monitoring_grpc_pb.js"
import messages from "@eventstore/db-client/generated/monitoring_pb.js"
import process from "node:process"
import { setTimeout } from "node:timers/promises"
import { type MakeService, streaming } from "./calls.ts"
import { invalidArgument } from "./errors.ts"

const periodMillisMin = 100

export const monitoring: MakeService = (serving) => ({
  definition: MonitoringService,
  handlers: {
    stats: streaming<messages.StatsReq, messages.StatsResp>(
      serving,
      async (request, send, { left, user }) => {
        await serving.door.access.check(user, "$stats", "read")
        const period = Number(request.getRefreshTimePeriodInMs())
        if (!(period >= periodMillisMin)) {
          throw invalidArgument(`refresh_time_period_in_ms must be ${periodMillisMin} or more`)
        }
        while (!left.aborted) {
          const stats = new messages.StatsResp()
          const said = stats.getStatsMap()
          said.set("proc-id", String(process.pid))
          said.set("proc-mem", String(process.memoryUsage().rss))
          said.set("proc-startTime", new Date(Date.now() - process.uptime() * 1000).toISOString())
          said.set("es-writer-lastPosition", String(await serving.door.head()))
          await send(stats)
          await setTimeout(period, undefined, { signal: left }).catch(() => {})
        }
      },
    ),
  },
})
