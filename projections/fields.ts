/**
 * Reading what the log or a row holds without trusting its shape: an event of an older version, or of
 * another agent with the same type name, must not stop a read model.
 */
import {
  isSealed,
  type Json,
  type JsonObject,
  type Sealed,
  type StateValue,
} from "../machines/agent.ts"

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const objectOf = (value: unknown): JsonObject => isObject(value) ? value : {}
export const textOf = (value: unknown): string => typeof value === "string" ? value : ""
export const numberOf = (value: unknown): number => typeof value === "number" ? value : 0
export const listOf = (value: unknown): ReadonlyArray<Json> => Array.isArray(value) ? value : []
export const textsOf = (value: unknown): ReadonlyArray<string> =>
  listOf(value).filter((one) => typeof one === "string")
export const sealedOf = (value: unknown): Sealed | undefined => isSealed(value) ? value : undefined

/** An envelope as a row keeps it. */
export const sealedRow = (sealed: Sealed): Json => ({ $sealed: [...sealed.$sealed] })

/** All state names in a state value, outer ones first: `{ open: { payment: "due" } }` has three. */
export const stateNames = (value: StateValue | Json | undefined): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  return Object.entries(objectOf(value)).flatMap(([name, inner]) => [name, ...stateNames(inner)])
}

/** The state names within one region of a parallel chart; all of them where there is no such region. */
export const namesIn = (
  value: StateValue | Json | undefined,
  region: string,
): ReadonlyArray<string> => {
  const inner = objectOf(value)[region]
  return stateNames(inner === undefined ? value : inner)
}

/** Digits of an instant or a position in a key, so that keys sort as their numbers do. */
const digits = 15
export const padded = (n: number): string =>
  String(Math.min(Math.max(0, Math.trunc(n)), 10 ** digits - 1)).padStart(digits, "0")

/** `<revision>.<place>` in the data of an outcome, if it names an ask of its stream. */
export const askNamedIn = (data: Json): string | undefined => {
  const ask = objectOf(data)["ask"]
  return typeof ask === "string" ? ask : undefined
}
