/**
 * What `aios chart check` says of a module: its machines and the problems of each, with their lines. Lines come
 * from the source text by a small scanner that knows brackets, text and keys, in JavaScript and TypeScript
 * alike; configuration that a program makes has no line of its own and gets that of what is around it.
 */
import type { AnyStateMachine } from "xstate"
import { type Problem, problemsOf } from "./chart-check.ts"
import { isNeutral, logicKind } from "./kernel.ts"

export interface LocatedProblem extends Problem {
  /** 1-based; 0 where the source does not show it. */
  readonly line: number
}
export interface CheckedChart {
  /** The name under which the module exports the machine. */
  readonly name: string
  readonly problems: ReadonlyArray<LocatedProblem>
}
export interface Checked {
  /** No errors. There may be warnings. */
  readonly ok: boolean
  readonly charts: ReadonlyArray<CheckedChart>
}

const isMachine = (value: unknown): value is AnyStateMachine => logicKind(value) === "machine"
/** A machine, or what holds one under `machine`, as an agent does. */
const machineOf = (value: unknown): AnyStateMachine | undefined => {
  if (isMachine(value)) return value
  const inner: unknown = typeof value === "object" && value !== null
    ? Reflect.get(value, "machine")
    : undefined
  return isMachine(inner) ? inner : undefined
}

/** Checks every machine a module exports. `exports` is the module as imported. */
export const checkModule = (source: string, exports: object): Checked => {
  const places = scan(source)
  const charts = Object.entries(exports).flatMap(([name, value]): Array<CheckedChart> => {
    const machine = machineOf(value)
    if (machine === undefined) return []
    const problems = problemsOf(machine, logicKind, isNeutral, "", true)
    return [{
      name,
      problems: problems.map((one) => ({ ...one, line: lineOf(places, name, one.where) })),
    }]
  })
  const ok = charts.every(({ problems }) => problems.every((one) => one.severity === "warning"))
  return { ok, charts }
}

// ---------------------------------------------------------------- lines

/** A key in the arguments of `createMachine` or `setup`. */
interface Place {
  /** The variable, or `default`, whose value the call is part of. */
  readonly owner: string
  readonly path: string
  readonly line: number
  /** The name that stands there as the value, if it is only a name. */
  alias: string | undefined
}

const withoutPlaces = (path: string) => path.replace(/\[\d+\]/g, "")

/** The line of a problem's path. Tries what is around it where the path itself is not in the source. */
const lineOf = (places: ReadonlyArray<Place>, name: string, where: string): number => {
  const owner = places.some((one) => one.owner === name) ? name : undefined
  const mine = places.filter((one) => owner === undefined || one.owner === owner)
  for (let at = where.indexOf(" "); at > 0; at = where.indexOf(" ", at + 1)) {
    // A machine inside: defined elsewhere under a name, or in place.
    const { alias } = mine.find((one) => one.path === where.slice(0, at)) ?? {}
    if (alias !== undefined && places.some((one) => one.owner === alias)) {
      return lineOf(places, alias, where.slice(at + 1))
    }
  }
  for (let path = where; path !== "";) {
    const found = mine.find((one) => one.path === path || one.path === path.replaceAll(" ", ".")) ??
      mine.find((one) => withoutPlaces(one.path) === withoutPlaces(path))
    if (found !== undefined) return found.line
    const shorter = path.replace(/(?:\[\d+\]|\.[^.[]*)$/, "")
    path = shorter === path ? "" : shorter
  }
  return mine[0]?.line ?? 0
}

interface Frame {
  readonly open: string
  /** Opened by `createMachine(` or `setup(`. */
  readonly root: boolean
  key: string | undefined
  /** A key, or in an array an element, may come next. */
  keyNext: boolean
  index: number
}

const token =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|[\w$]+|=>|[\s\S]/g
const regex = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
/** After these a slash begins a regular expression, not a division. */
const beforeRegex = /^(?:[(,=:[!&|?{};+*%~^<>-]|=>|return|typeof|case)$/

const scan = (source: string): ReadonlyArray<Place> => {
  const places: Array<Place> = []
  const frames: Array<Frame> = []
  let owner = ""
  let last = ""
  let line = 1

  /** Paths from every enclosing call to here, outermost first. */
  const paths = (): ReadonlyArray<string> =>
    frames.flatMap((frame, from) => {
      if (!frame.root) return []
      let path = ""
      for (const { open, key, index } of frames.slice(from + 1)) {
        if (open === "{" && key !== undefined) path += path === "" ? key : `.${key}`
        if (open === "[") path += `[${index}]`
      }
      return [path]
    })
  const note = (alias?: string) => {
    for (const path of new Set(paths())) {
      if (path !== "") places.push({ owner, path, line, alias })
    }
  }

  token.lastIndex = 0
  for (let match = token.exec(source); match !== null; match = token.exec(source)) {
    let text = match[0]
    if (text === "/" && beforeRegex.test(last)) {
      regex.lastIndex = match.index
      const found = regex.exec(source)
      if (found !== null) {
        text = found[0]
        token.lastIndex = match.index + text.length
      }
    }
    const frame = frames.at(-1)
    if (/^(?:\s|\/\/|\/\*)/.test(text)) {
      line += text.split("\n").length - 1
      continue
    }
    if (frame?.open === "[" && frame.keyNext && text !== "]") {
      frame.keyNext = false
      note()
    }
    if ("([{".includes(text)) {
      const root = text === "(" && (last === "createMachine" || last === "setup")
      frames.push({ open: text, root, key: undefined, keyNext: text !== "(", index: 0 })
    } else if (")]}".includes(text)) frames.pop()
    else if (text === "," && frame !== undefined) {
      frame.keyNext = frame.open !== "("
      frame.index++
    } else if (frame === undefined && /^(?:const|let|var)$/.test(last)) {
      owner = text
    } else if (frame === undefined && text === "default" && last === "export") owner = "default"
    else if (frame?.open === "{" && frame.keyNext) {
      frame.key = /^["'`]/.test(text) ? text.slice(1, -1) : text
      frame.keyNext = false
      note(/^[A-Za-z_$]/.test(text) ? text : undefined)
    } else if (frame?.open === "{" && last === ":" && /^[A-Za-z_$][\w$]*$/.test(text)) {
      const place = places.at(-1)
      if (place !== undefined) place.alias = text
    }
    line += text.split("\n").length - 1
    last = text
  }
  return places
}
