/**
 * A program that runs under Deno and under Node: `write` plays every chart and prints the log, `replay` reads
 * such a log from its input and prints where it differs here.
 */
import { define, fold } from "../../actors/kernel.ts"
import type { ActorState, Chart } from "../../actors/kernel.ts"
import { features } from "./charts-features.ts"
import { published } from "./charts-public.ts"
import { createHost, type Recorded } from "./host.ts"
import type { Move } from "./task.ts"

type Log = Record<string, {
  readonly charts: ReadonlyArray<string>
  readonly streams: Record<string, ReadonlyArray<Recorded>>
}>

const cases = { ...features, ...published }
const chartOf = (title: string) => define(cases[title]!.machine, { name: "it", version: 1 })
const hashesOf = (chart: Chart): ReadonlyArray<string> => [
  chart.ref.hash,
  ...[...chart.sources.values()].flatMap((one) =>
    one.kind === "machine" ? hashesOf(one.chart) : []
  ),
]

const write = (): Log =>
  Object.fromEntries(
    Object.entries(cases).map(([title, { script, input }]) => {
      const host = createHost(chartOf(title))
      host.start(input)
      let now = 0
      for (const move of script as ReadonlyArray<Move>) {
        if (move.wait !== undefined) host.fireDue(now += move.wait)
        else if (move.type !== undefined) host.send({ ...move, type: move.type })
        else {
          const src = move.done ?? move.fail
          const open = host.activities.filter((one) => one.src === src && !one.settled)
          host.settle(
            open[move.nth ?? 0]!,
            move.fail === undefined
              ? move.output === undefined ? {} : { output: move.output }
              : { error: new Error(move.message ?? "it failed") },
          )
        }
      }
      return [title, {
        charts: hashesOf(chartOf(title)),
        streams: Object.fromEntries([...host.streams].map(([name, { events }]) => [name, events])),
      }]
    }),
  )

const differences = (log: Log): ReadonlyArray<string> =>
  Object.entries(log).flatMap(([title, { charts, streams }]) => {
    const chart = chartOf(title)
    const found: Array<string> = []
    if (`${hashesOf(chart)}` !== `${charts}`) found.push(`${title}: the chart's hash`)
    for (const [stream, events] of Object.entries(streams)) {
      let state: ActorState | undefined
      const host = createHost(chart)
      const its = host.chartOf(stream)!
      events.forEach(({ asks, hash, ...event }, revision) => {
        const step = fold(its, state, event, stream)
        if (step.state?.hash !== hash) found.push(`${title}: ${stream}/${revision} ${event.type}`)
        if (JSON.stringify(step.asks) !== JSON.stringify(asks)) {
          found.push(`${title}: asks of ${stream}/${revision}`)
        }
        state = step.state
      })
    }
    return found
  })

if (process.argv[2] === "write") console.log(JSON.stringify(write()))
else {
  let text = ""
  for await (const chunk of process.stdin) text += chunk
  const log: Log = JSON.parse(text)
  const events = Object.values(log).flatMap(({ streams }) => Object.values(streams)).flat().length
  console.log(JSON.stringify({ events, differences: differences(log) }))
}
