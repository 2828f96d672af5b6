/**
 * What an actor did not take, and which guards kept it where it is: read from the log, folded again, and
 * nothing is changed by asking.
 */
import { Effect } from "effect"
import { categoryOf, EventLog, isOurs, type RecordedEvent } from "../actors/event-log.ts"
import { guardsAgainst } from "../actors/guards.ts"
import { type ActorState, type Chart, fold, isNeutral, startAtUpgrade } from "../actors/kernel.ts"
import { previousOf, type Registry } from "../actors/registry.ts"
import type { WhyNot } from "./aios.ts"
import { door } from "./aios-failures.ts"
import { oneLine, stateText } from "./aios-words.ts"
import { objectOf, textOf } from "./fields.ts"

export type Obstacle = WhyNot["obstacles"][number]

const pageEvents = 1_000
const pageLog = 2_000
/** Refused tells, and events whose guards are named; the newest count. */
const refusedMax = 10
const guardedMax = 5

const at = (event: RecordedEvent) => event.metadata.occurredAt ?? event.metadata.at

/** Tells and routes that its chart refused: they are recorded with the sender, wherever that is. */
export const ofRefusals = Effect.fnUntraced(function* (streams: ReadonlySet<string>) {
  const log = yield* EventLog
  const found: Array<RecordedEvent> = []
  for (let from = 0;;) {
    const page = yield* door(log.readAll({ from, limit: pageLog }))
    for (const event of page) {
      if (
        event.type === "TellRefused" && isOurs(event) &&
        streams.has(textOf(objectOf(event.data)["to"]))
      ) {
        found.push(event)
        if (found.length > refusedMax) found.shift()
      }
    }
    const last = page.at(-1)
    if (last === undefined) break
    from = last.position + 1
    yield* Effect.yieldNow
  }
  return found.map((event): Obstacle => {
    const data = objectOf(event.data)
    const state = stateText(data["state"])
    return {
      by: `chart of ${categoryOf(textOf(data["to"]))}`,
      what: `It did not take ${textOf(data["refused"])}${state === "" ? "" : ` while ${state}`}: ${
        oneLine(textOf(data["reason"]), 300)
      }`,
      events: [event.id],
    }
  })
})

/** Folds the actor again and asks, for the newest events that moved nothing, which guards said no. */
export const ofGuards = (
  registry: Registry,
  stream: string,
  events: ReadonlyArray<RecordedEvent>,
): ReadonlyArray<Obstacle> => {
  const found = registry.find(stream)
  if (found === undefined) return []
  const refusals: Array<Obstacle> = []
  let state: ActorState | undefined
  for (const event of events) {
    const version = event.metadata.chart?.version ?? found.chart.ref.version
    const chart: Chart = version === found.chart.ref.version
      ? found.chart
      : previousOf(found.entry, found.chart, version) ?? found.chart
    try {
      if (event.type === "ChartUpgraded") {
        state = startAtUpgrade(chart, event)
        continue
      }
      const before = state
      const step = fold(chart, state, event, stream)
      if (step.state === undefined) return refusals
      state = step.state
      if (before === undefined || isNeutral(event.type)) continue
      const was = stateText(before.snapshot.value)
      const is = stateText(state.snapshot.value)
      if (was !== is) {
        // It moved on: what was in its way before is not any more.
        refusals.length = 0
        continue
      }
      const against = guardsAgainst(chart, before, event)
      const onward = against.filter(({ targets }) => targets.some((target) => target !== is))
      const guards = onward.length === 0 ? against : onward
      if (guards.length === 0) continue
      refusals.push({
        by: `guard ${guards.map(({ guard }) => guard).join(", ")}`,
        what: `${event.type} of ${new Date(at(event)).toISOString().slice(0, 10)} left it ${is}: ${
          guards.map(({ guard, targets }) =>
            `${guard} said no${targets.length === 0 ? "" : ` to ${targets.join(", ")}`}`
          ).join("; ")
        }.`,
        events: [event.id],
      })
    } catch {
      // A chart that is not at hand any more cannot be asked.
      return refusals
    }
  }
  return refusals.slice(-guardedMax)
}

/** Every event of an actor. */
export const allEvents = Effect.fnUntraced(function* (stream: string) {
  const log = yield* EventLog
  const events: Array<RecordedEvent> = []
  for (let from = 0;;) {
    const page = yield* door(log.readPage(stream, { from, limit: pageEvents }))
    events.push(...page)
    if (page.length < pageEvents) return events
    from = page.at(-1)!.revision + 1
  }
})
