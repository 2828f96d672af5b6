/**
 * Refolds every actor from the log and compares with what was recorded: the state hash and the asks of
 * each event. Executes nothing and appends nothing; it is the proof that the log alone is enough.
 */
import { Clock, Effect } from "effect"
import { canonical } from "./canonical.ts"
import { EventLog, type LogUnavailable, type RecordedEvent } from "./event-log.ts"
import { type ActorState, type Chart, fold, startAtUpgrade } from "./kernel.ts"
import { type AgentEntry, previousOf, type Registry } from "./registry.ts"

const pageEvents = 1_000
const pageStreams = 1_000
/** Divergences listed; the count of actors and events goes on. */
const divergencesMax = 1_000
/** Actors between two reports of progress. */
const reportEvery = 100

export interface Divergence {
  readonly stream: string
  readonly revision: number
  /** What was recorded: a state hash, or asks as canonical JSON. */
  readonly expected: string
  readonly actual: string
}

export interface Replayed {
  readonly actors: number
  readonly events: number
  readonly divergences: ReadonlyArray<Divergence>
  readonly millis: number
}

export type ReplayProgress = (actors: number, events: number) => void

/** `filter` is an agent (`lead`) or one actor (`lead/6f…`). */
export const replay = Effect.fn("replay")(function* (
  registry: Registry,
  filter: string | undefined,
  progress: ReplayProgress,
): Effect.fn.Return<Replayed, LogUnavailable, EventLog> {
  const log = yield* EventLog
  const started = yield* Clock.monotonicTimeNanos
  const divergences: Array<Divergence> = []
  let actors = 0
  let events = 0
  const slash = filter?.indexOf("/") ?? -1
  const agent = slash < 0 ? filter : filter?.slice(0, slash)

  const replayOne = Effect.fnUntraced(function* (entry: AgentEntry, chart: Chart, stream: string) {
    let folding: Folding = { state: undefined, unknown: false }
    let diverged = false
    for (let from = 0;;) {
      const page = yield* log.readPage(stream, { from, limit: pageEvents })
      events += page.length
      for (const event of page) {
        if (diverged) break
        const next = refold(entry, chart, folding, event)
        if ("expected" in next) {
          diverged = true
          if (divergences.length < divergencesMax) divergences.push(next)
        } else folding = next
      }
      if (page.length < pageEvents) break
      from = page[page.length - 1]!.revision + 1
    }
    actors++
    if (actors % reportEvery === 0) {
      progress(actors, events)
      // Let others run: this may take a while in a process that serves.
      yield* Effect.yieldNow
    }
  })

  for (const entry of registry.agents) {
    for (const chart of chartsOf(entry.chart)) {
      if (agent !== undefined && agent !== chart.ref.name) continue
      if (slash >= 0) {
        yield* replayOne(entry, chart, `${chart.ref.name}-${filter!.slice(slash + 1)}`)
        continue
      }
      let after: string | undefined
      for (;;) {
        const page = yield* log.streams(chart.ref.name, after, pageStreams)
        for (const stream of page) yield* replayOne(entry, chart, stream)
        if (page.length < pageStreams) break
        after = page[page.length - 1]
      }
    }
  }
  progress(actors, events)
  const ended = yield* Clock.monotonicTimeNanos
  return { actors, events, divergences, millis: Number(ended - started) / 1e6 }
})

interface Folding {
  readonly state: ActorState | undefined
  /** Events of an older chart that is not at hand: nothing can be said until the actor moved over. */
  readonly unknown: boolean
}

const refold = (
  entry: AgentEntry,
  chart: Chart,
  { state, unknown }: Folding,
  event: RecordedEvent,
): Folding | Divergence => {
  const { chart: recorded, state: expected = "", asks = [] } = event.metadata
  const version = recorded?.version ?? chart.ref.version
  const own = version === chart.ref.version ? chart : previousOf(entry, chart, version)
  const differs = (expected: string, actual: string): Divergence => ({
    stream: event.stream,
    revision: event.revision,
    expected,
    actual,
  })
  if (own === undefined) return { state: undefined, unknown: true }
  try {
    if (event.type === "ChartUpgraded") {
      const moved = startAtUpgrade(own, event)
      return moved.hash === expected
        ? { state: moved, unknown: false }
        : differs(expected, moved.hash)
    }
    if (unknown) return { state, unknown }
    const step = fold(own, state, event, event.stream)
    if (!step.accepted || step.state === undefined) return differs(expected, "not accepted")
    if (step.state.hash !== expected) return differs(expected, step.state.hash)
    const was = canonical(asks)
    const is = canonical(step.asks)
    return was === is ? { state: step.state, unknown: false } : differs(was, is)
  } catch (cause) {
    return differs(expected, String(cause))
  }
}

const chartsOf = (chart: Chart): ReadonlyArray<Chart> => [
  chart,
  ...[...chart.sources.values()].flatMap((source) =>
    source.kind === "machine" ? chartsOf(source.chart) : []
  ),
]
