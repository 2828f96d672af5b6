/**
 * Opens envelopes for reading, and only there. What was forgotten cannot be opened and reads as null:
 * whoever shows it says so.
 */
import { Vault } from "../actors/vault.ts"
import type { Json } from "../machines/agent.ts"
import { sealedOf } from "./fields.ts"

/** Envelopes anywhere inside become plain; what cannot be opened becomes null. */
export const openedDeep = (vault: typeof Vault.Service, value: Json): Json => {
  const sealed = sealedOf(value)
  if (sealed !== undefined) {
    const plain = vault.open(sealed)
    return plain === undefined ? null : openedDeep(vault, plain)
  }
  if (Array.isArray(value)) return value.map((one: Json) => openedDeep(vault, one))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, openedDeep(vault, inner)]),
  )
}
