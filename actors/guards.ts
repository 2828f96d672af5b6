/**
 * Which guards said no: looked at afterwards, on a state folded from the log, for somebody who asks why
 * an actor did not go on. Nothing is taken and nothing is changed here.
 */
import { deterministically } from "./determinism.ts"
import type { ActorState, Chart, FoldEvent } from "./kernel.ts"

export interface GuardRefusal {
  /** The state whose transition it guards, outer ones first, with dots. */
  readonly state: string
  /** Name of the guard; `a guard` where the chart gives it none. */
  readonly guard: string
  /** States the transition leads to; empty where it stays. */
  readonly targets: ReadonlyArray<string>
}

const nameOf = (guard: unknown): string => {
  if (typeof guard === "string") return guard
  if (typeof guard === "function") {
    return guard.name === "guard" ? "a guard" : guard.name || "a guard"
  }
  return typeof guard === "object" && guard !== null && "type" in guard &&
      typeof guard.type === "string"
    ? guard.type
    : "a guard"
}

type Node = Chart["machine"]["root"]

/** The states a value names, the outermost first. */
const nodesIn = (node: Node, value: unknown): ReadonlyArray<Node> => {
  const inner: ReadonlyArray<readonly [string, unknown]> = typeof value === "string"
    ? [[value, undefined]]
    : typeof value === "object" && value !== null
    ? Object.entries(value)
    : []
  return [
    node,
    ...inner.flatMap(([name, rest]) => {
      const child = node.states[name]
      return child === undefined ? [] : nodesIn(child, rest)
    }),
  ]
}

/** Guards tried before the transition that was taken, or all of them where none was. */
export const guardsAgainst = (
  chart: Chart,
  state: ActorState,
  event: FoldEvent,
): ReadonlyArray<GuardRefusal> => {
  const { snapshot } = state
  const { at, occurredAt } = event.metadata
  const data = typeof event.data === "object" && event.data !== null ? event.data : {}
  const incoming = { ...data, type: event.type }
  return deterministically(Math.max(state.clock, occurredAt ?? at), event.id, () => {
    const taken = new Set<unknown>(chart.machine.getTransitionData(snapshot, incoming))
    const found: Array<GuardRefusal> = []
    // Inner states are asked first, and an outer one only where the inner ones take nothing.
    const nodes = nodesIn(chart.machine.root, snapshot.value).toSorted((a, b) =>
      b.path.length - a.path.length
    )
    for (const node of nodes) {
      let stops = false
      for (const candidate of node.transitions.get(event.type) ?? []) {
        stops = taken.has(candidate)
        if (stops) break
        if (candidate.guard === undefined) continue
        found.push({
          state: node.path.join(".") || node.key,
          guard: nameOf(candidate.guard),
          targets: (candidate.target ?? []).map((target) => target.path.join(".")),
        })
      }
      if (stops) break
    }
    return found
  })
}
