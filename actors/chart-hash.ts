/**
 * A hash over a chart: its configuration and its implementations, functions by their source text. It
 * tells that a chart was edited. Values a function closes over are not seen; the state hashes see those.
 */
import type { AnyStateMachine } from "xstate"
import { canonical, hash64 } from "./canonical.ts"

/**
 * Source text as every runtime gives it: one that strips types leaves blanks, comments and all parentheses,
 * another reprints the code with as few as it can. All of that is dropped. An edit that changes nothing but
 * the grouping of an expression is therefore not seen here; the state hashes see it.
 */
const sourceText = (source: string): string =>
  source
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|[^:"'`\\])\/\/[^\n]*/g, "$1")
    .replace(/\s+/g, "")
    .replace(/["'`]/g, '"')
    .replace(/,([)\]}])/g, "$1")
    .replace(/[;()]/g, "")

const describe = (value: unknown, seen: Set<unknown>): unknown => {
  if (typeof value === "function") {
    if (seen.has(value)) return "~"
    seen.add(value)
    // Built-in actions are functions that carry what they do as properties.
    const own = Object.entries(value).filter(([key]) =>
      !["resolve", "execute", "retryResolve"].includes(key)
    )
    return {
      source: "resolve" in value ? "" : sourceText(String(value)),
      own: own.map(([key, item]) => [key, describe(item, seen)]),
    }
  }
  if (typeof value !== "object" || value === null) return value
  if (seen.has(value)) return "~"
  seen.add(value)
  if ("__xstatenode" in value) {
    const machine = value as unknown as AnyStateMachine
    return {
      machine: describe(machine.config, seen),
      with: describe(machine.implementations, seen),
    }
  }
  if ("activity" in value) {
    const { name, compensation } = value.activity as { name: string; compensation?: string }
    return { activity: name, compensation }
  }
  if (Array.isArray(value)) return value.map((one) => describe(one, seen))
  return Object.fromEntries(
    Object.entries(value)
      // Types only, never read at run time.
      .filter(([key]) => key !== "types" && key !== "schemas")
      .map(([key, item]) => [key, describe(item, seen)]),
  )
}

/** 16 hex digits. */
export const chartHash = (machine: AnyStateMachine): string =>
  hash64(canonical(describe({ machine }, new Set())))
