/**
 * Clocks of the processes that work on one log. Leases need none that agree (`claims-on-log.ts`), but how old
 * an ask is and which timers are due is told by the clock of whoever looks. So a process whose log has
 * events of its future is told: its clock is behind, or that of who wrote them is ahead. It goes on all the
 * same: one wrong event would otherwise keep every right process out.
 */
import { Clock, Effect } from "effect"
import type { EventLog } from "./event-log.ts"

/** More than machines that keep time by the network are apart, and far less than work may wait. */
const apartMillisMax = 60_000
/** So many of the last events are looked at. */
const eventsMax = 500

/** What is wrong with the clock, by the newest events of the log; undefined where nothing is to be seen. */
export const clockProblem = Effect.fnUntraced(function* (log: EventLog["Service"]) {
  const events = yield* log.readAll({ backwards: true, limit: eventsMax })
  const latest = Math.max(-Infinity, ...events.map(({ metadata }) => metadata.at))
  const ahead = latest - (yield* Clock.currentTimeMillis)
  return ahead <= apartMillisMax
    ? undefined
    : `The log has events ${Math.round(ahead / 60_000)} min in the future of this machine: ` +
      "its clock is behind, or that of a worker is ahead. Work may be skipped as too old and timers may " +
      "fire at the wrong time: let all machines keep their time by the network (NTP)."
})
