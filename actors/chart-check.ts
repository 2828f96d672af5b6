/**
 * What of an XState machine cannot be run durably, where, and what to do instead. Looks at the
 * configuration only; what an `enqueueActions` function enqueues shows when it runs.
 */
import type { AnyStateMachine } from "xstate"

export interface Problem {
  /** Path in the machine's configuration: `states.paid.entry[1]`. */
  readonly where: string
  /** What is not supported, by name. */
  readonly what: string
  readonly remedy: string
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

/** Every problem of a machine and of the machines in it, outermost first. */
export const problemsOf = (
  machine: AnyStateMachine,
  kindOf: Kind,
  within = "",
): ReadonlyArray<Problem> => {
  const found: Array<Problem> = []
  const at = (path: string) => (within === "" ? path : `${within} ${path}`)
  const add = (path: string, what: string, remedy: string) =>
    found.push({ where: at(path), what, remedy })
  const { actions, actors } = machine.implementations as { actions: Node; actors: Node }

  const checkLogic = (logic: unknown, path: string) => {
    const kind = kindOf(logic)
    const refused = refusedLogic[kind]
    if (refused) add(path, refused[0], refused[1])
    if (kind === "machine") found.push(...problemsOf(logic as AnyStateMachine, kindOf, at(path)))
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
    const name = type ?? (action as { name?: string }).name
    add(
      path,
      `${
        name ? `action "${name}"` : "this inline action"
      } is a function with a side effect of its own`,
      "Make it an activity and invoke it, or assign() if it only changes the context",
    )
  }
  const checkBuiltin = (action: Node, path: string) => {
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
      if (typeof one === "object" && one !== null && "actions" in one) {
        checkAction(one.actions, `${path}${list.length > 1 ? `[${n}]` : ""}.actions`)
      }
    })
  }
  const visit = (node: Node, path: string) => {
    const below = (name: string) => (path === "" ? name : `${path}.${name}`)
    checkAction(node["entry"], below("entry"))
    checkAction(node["exit"], below("exit"))
    for (const group of ["on", "after"]) {
      const map = node[group]
      if (typeof map !== "object" || map === null) continue
      for (const [key, value] of Object.entries(map)) transitionsIn(value, below(`${group}.${key}`))
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
      if (invoke["systemId"] !== undefined) addSystemId(place)
      if (invoke["onSnapshot"] !== undefined) addSync(`${place}.onSnapshot`)
      for (const outcome of ["onDone", "onError"]) {
        if (invoke[outcome] !== undefined) transitionsIn(invoke[outcome], `${place}.${outcome}`)
      }
    })
    for (const [name, state] of Object.entries((node["states"] ?? {}) as Record<string, Node>)) {
      visit(state, below(`states.${name}`))
    }
  }

  for (const [src, logic] of Object.entries(actors)) checkLogic(logic, `actors.${src}`)
  visit(machine.config as unknown as Node, "")
  return found
}
