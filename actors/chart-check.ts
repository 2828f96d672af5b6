/**
 * What of an XState machine cannot be run durably, where, and what to do instead. Looks at the
 * configuration and at the source text of its functions; what neither shows is refused when it runs.
 */
import type { AnyStateMachine } from "xstate"
import { canonical } from "./canonical.ts"
import { smellsOf, textProblemsOf } from "./chart-text.ts"

export interface Problem {
  /** Path in the machine's configuration: `states.paid.entry[1]`. */
  readonly where: string
  /** What is not supported, by name. */
  readonly what: string
  readonly remedy: string
  /** `error`: `define` refuses it. `warning`: it may fail or differ when it runs. */
  readonly severity: "error" | "warning"
}

type Kind = (logic: unknown) => string
type Node = Record<string, unknown>

const refusedLogic: Record<string, readonly [what: string, remedy: string]> = {
  callback: [
    "fromCallback keeps running beside the chart, so it cannot be stored or replayed",
    "Make what it does an activity that is invoked again for each round",
  ],
  observable: [
    "fromObservable (or fromEventObservable) keeps running beside the chart, so it cannot be stored or replayed",
    "Let an importer or a timer propose its values as events",
  ],
  transition: [
    "fromTransition has no chart to show",
    "Write it as a machine with one state",
  ],
  unknown: [
    "this actor logic is of a kind that is not known here",
    "Use an activity (or fromPromise) or a machine",
  ],
}

/** Every problem of a machine and of the machines in it, outermost first. Warnings only on demand. */
export const problemsOf = (
  machine: AnyStateMachine,
  kindOf: Kind,
  isReserved: (type: string) => boolean = () => false,
  within = "",
  withWarnings = false,
): ReadonlyArray<Problem> => {
  const found: Array<Problem> = []
  const at = (path: string) => (within === "" ? path : `${within} ${path}`)
  const add = (path: string, what: string, remedy: string) =>
    found.push({ where: at(path), what, remedy, severity: "error" })
  const { actions, actors, guards, delays } = machine.implementations as Record<
    "actions" | "actors" | "guards" | "delays",
    Node
  >
  /** A function that XState calls for its value: its text shows more. */
  const checkPure = (given: unknown, path: string) => {
    if (typeof given !== "function") return
    for (const [what, remedy] of textProblemsOf(given, actions)) add(path, what, remedy)
    if (!withWarnings) return
    for (const [what, remedy] of smellsOf(given)) {
      found.push({ where: at(path), what, remedy, severity: "warning" })
    }
  }
  const checkPureOrFields = (given: unknown, path: string) => {
    checkPure(given, path)
    if (typeof given !== "object" || given === null) return
    for (const [key, field] of Object.entries(given)) checkPure(field, `${path}.${key}`)
  }

  const checkLogic = (logic: unknown, path: string) => {
    const kind = kindOf(logic)
    const refused = refusedLogic[kind]
    if (refused) add(path, refused[0], refused[1])
    if (kind === "machine") {
      found.push(
        ...problemsOf(logic as AnyStateMachine, kindOf, isReserved, at(path), withWarnings),
      )
    }
  }

  const checkAction = (
    action: unknown,
    path: string,
    seen: ReadonlySet<string> = new Set(),
  ): void => {
    if (Array.isArray(action)) {
      return action.forEach((one, n) => checkAction(one, `${path}[${n}]`, seen))
    }
    if (action === undefined || action === null) return
    if (typeof action === "function") return checkFunction(action, path, undefined)
    const type = typeof action === "string" ? action : (action as { type: string }).type
    if (typeof action === "object") checkPure((action as Node)["params"], `${path}.params`)
    if (type === "aios.rollback" || seen.has(type)) return
    const implementation = actions[type]
    if (implementation === undefined) {
      return void add(
        path,
        `action "${type}" has no implementation`,
        "Give it one in setup({ actions })",
      )
    }
    if (typeof implementation === "function") return checkFunction(implementation, path, type)
    checkAction(implementation, path, new Set([...seen, type]))
  }
  const checkFunction = (action: object, path: string, type: string | undefined) => {
    if ("resolve" in action) return checkBuiltin(action as unknown as Node, path)
    // A function written in place is named after the key it stands at.
    const given = (action as { name?: string }).name ?? ""
    const name = type ?? (["entry", "exit", "actions"].includes(given) ? "" : given)
    add(
      path,
      `${
        name ? `action "${name}"` : "this inline action"
      } is a function with a side effect of its own`,
      "Make it an activity and invoke it, or assign() if it only changes the context",
    )
  }
  const checkBuiltin = (action: Node, path: string) => {
    for (const part of ["assignment", "event", "to", "collect", "value", "input"]) {
      checkPureOrFields(action[part], path)
    }
    if (action["delay"] !== undefined) checkDelay(action["delay"], path)
    if (action["type"] !== "xstate.spawnChild") return
    if (action["id"] === undefined) {
      add(
        path,
        "spawnChild without an id",
        "Give it an explicit id: made-up ids differ from run to run",
      )
    }
    if (typeof action["src"] !== "string") {
      add(
        path,
        "spawnChild of logic given in place",
        "Name the logic in setup({ actors }) and spawn it by name",
      )
    }
    if (action["systemId"] !== undefined) addSystemId(path)
    if (action["syncSnapshot"] === true) addSync(path)
  }
  const checkDelay = (delay: unknown, path: string) => {
    checkPure(delay, path)
    if (typeof delay === "string" && delays[delay] === undefined) {
      add(path, `delay "${delay}" has no implementation`, "Give it one in setup({ delays })")
    }
  }
  const checkGuard = (guard: unknown, path: string): void => {
    if (guard === undefined) return
    if (typeof guard === "function") {
      checkPure(guard, path)
      const inner = (guard as unknown as { guards?: ReadonlyArray<unknown> }).guards
      return inner?.forEach((one) => checkGuard(one, path))
    }
    const type = typeof guard === "string" ? guard : (guard as { type: string }).type
    if (guards[type] === undefined) {
      add(path, `guard "${type}" has no implementation`, "Give it one in setup({ guards })")
    }
  }
  const addSystemId = (path: string) =>
    add(
      path,
      "systemId",
      'Address another actor by its stream: system.get("gatekeeper-…") or tell()',
    )
  const addSync = (path: string) =>
    add(
      path,
      "following a child's snapshots",
      "Let the child send the events that matter with sendParent()",
    )

  const transitionsIn = (value: unknown, path: string) => {
    const list = Array.isArray(value) ? value : [value]
    list.forEach((one, n) => {
      if (typeof one !== "object" || one === null) return
      const place = `${path}${list.length > 1 ? `[${n}]` : ""}`
      if ("guard" in one) checkGuard(one.guard, `${place}.guard`)
      if ("actions" in one) checkAction(one.actions, `${place}.actions`)
    })
  }
  const visit = (node: Node, path: string) => {
    const below = (name: string) => (path === "" ? name : `${path}.${name}`)
    checkAction(node["entry"], below("entry"))
    checkAction(node["exit"], below("exit"))
    for (const group of ["on", "after"]) {
      const map = node[group]
      if (typeof map !== "object" || map === null) continue
      for (const [key, value] of Object.entries(map)) {
        const place = below(`${group}.${key}`)
        if (group === "on" && isReserved(key)) {
          add(place, `"${key}" is an event of the system's own`, "Give the event another name")
        }
        if (group === "after" && Number.isNaN(+key)) checkDelay(key, place)
        transitionsIn(value, place)
      }
    }
    if (node["always"] !== undefined) transitionsIn(node["always"], below("always"))
    if (node["onDone"] !== undefined) transitionsIn(node["onDone"], below("onDone"))
    if (typeof node["initial"] === "object") transitionsIn(node["initial"], below("initial"))
    const invokes = node["invoke"] === undefined
      ? []
      : Array.isArray(node["invoke"])
      ? node["invoke"]
      : [node["invoke"]]
    invokes.forEach((invoke: Node | string, n) => {
      const place = below(invokes.length > 1 ? `invoke[${n}]` : "invoke")
      const src = typeof invoke === "string" ? invoke : invoke["src"]
      if (typeof src !== "string") checkLogic(src, `${place}.src`)
      else if (actors[src] === undefined) {
        add(
          `${place}.src`,
          `actor "${src}" has no implementation`,
          "Give it one in setup({ actors })",
        )
      }
      if (typeof invoke === "string") return
      checkPureOrFields(invoke["input"], `${place}.input`)
      if (invoke["systemId"] !== undefined) addSystemId(place)
      if (invoke["onSnapshot"] !== undefined) addSync(`${place}.onSnapshot`)
      for (const outcome of ["onDone", "onError"]) {
        if (invoke[outcome] !== undefined) transitionsIn(invoke[outcome], `${place}.${outcome}`)
      }
    })
    checkPureOrFields(node["output"], below("output"))
    for (const [name, state] of Object.entries((node["states"] ?? {}) as Record<string, Node>)) {
      visit(state, below(`states.${name}`))
    }
  }

  for (const [src, logic] of Object.entries(actors)) checkLogic(logic, `actors.${src}`)
  for (const [name, guard] of Object.entries(guards)) checkGuard(guard, `guards.${name}`)
  for (const [name, delay] of Object.entries(delays)) checkPure(delay, `delays.${name}`)
  const { context } = machine.config as { context?: unknown }
  checkPure(context, "context")
  if (typeof context === "object") {
    try {
      canonical(context, { found: false })
    } catch (lost) {
      add("context", (lost as Error).message.split(":")[0]!, "Use plain objects, arrays and text")
    }
  }
  visit(machine.config as unknown as Node, "")
  return found
}
