/**
 * Which activity starts next: interactive before batch, the greater priority before the less, then the older.
 * So many of a lane run at the same time. In lane `batch` what is less urgent takes no place from what is more
 * urgent: routine work stands in line at the model for minutes, and who comes first there must get that far.
 */
import type { ActivityDeclaration, Lane } from "../../machines/agent.ts"

interface Line<J> {
  readonly priority: number
  readonly queue: Array<J>
  running: number
}

type Ranked = Pick<ActivityDeclaration, "lane" | "priority">

export interface Places<J> {
  /** Gets in line. */
  readonly enter: (job: J) => void
  /** Takes a place for the next that may start, if one may; who is no longer `wanted` leaves the line. */
  readonly next: (wanted: (job: J) => boolean) => J | undefined
  /** Gives its place back. */
  readonly leave: (job: J) => void
}

export const makePlaces = <J extends { readonly declaration: Ranked }>(
  most: Readonly<Record<Lane, number>>,
): Places<J> => {
  /** The most urgent first. */
  const lines: Record<Lane, Array<Line<J>>> = { interactive: [], batch: [] }

  const lineOf = ({ declaration: { lane, priority } }: J): Line<J> => {
    const known = lines[lane].find((one) => one.priority === priority)
    if (known !== undefined) return known
    const line: Line<J> = { priority, queue: [], running: 0 }
    lines[lane].push(line)
    lines[lane].sort((a, b) => b.priority - a.priority)
    return line
  }

  const isFree = (lane: Lane, { priority }: Line<J>) =>
    lines[lane].filter((one) => lane === "interactive" || one.priority >= priority)
      .reduce((sum, { running }) => sum + running, 0) < most[lane]

  return {
    enter: (job) => void lineOf(job).queue.push(job),
    leave: (job) => void lineOf(job).running--,
    next: (wanted) => {
      for (const lane of ["interactive", "batch"] as const) {
        // Batch work yields: it starts only where nothing interactive is to be done.
        const isBusy = lines.interactive.some(({ queue, running }) => queue.length + running > 0)
        if (lane === "batch" && isBusy) return undefined
        for (const line of lines[lane]) {
          while (isFree(lane, line)) {
            const job = line.queue.shift()
            if (job === undefined) break
            if (!wanted(job)) continue
            line.running++
            return job
          }
        }
      }
      return undefined
    },
  }
}
