/**
 * Port: keeps the keys under which personal data is sealed, one key per subject, outside the log.
 * Destroying a key forgets the person while history, causation and every hash stay. Calls are
 * synchronous: sealing is part of taking an event. A key that `seal` made is durable only after
 * `flush`, which every append that names it waits for.
 */
import { Context, type Effect, Schema } from "effect"
import type { Json, Sealed } from "../machines/agent.ts"

/** Keys could not be read or written. Retry later; nothing was recorded. */
export class VaultUnavailable extends Schema.TaggedError<VaultUnavailable>()("VaultUnavailable", {
  message: Schema.String,
  cause: Schema.optionalKey(Schema.Defect()),
}) {}

export class Vault extends Context.Service<Vault, {
  /** AES-256-GCM over the JSON text of `plain`, bound to its subject and key. */
  seal(subject: string, plain: Json): Sealed
  /** The plain value, or undefined where the key was destroyed. */
  open(sealed: Sealed): Json | undefined
  /** Whether the key (the id of an envelope's) is here, or was until it was destroyed. */
  knows(key: string): boolean
  /** Same bytes under the same key give the same result, so what is stored twice is stored once. */
  sealBytes(subject: string, bytes: Uint8Array): Uint8Array
  openBytes(subject: string, sealed: Uint8Array): Uint8Array | undefined
  /** Opaque key of a person: 32 hex digits, HMAC-SHA-256(secret of this installation, address). */
  personKey(normalisedAddress: string): string
  /** Makes every key so far durable. Cheap where nothing is new. */
  readonly flush: Effect.Effect<void, VaultUnavailable>
}>()("actors/Vault") {}

/** Takes the ids of keys that were needed in what a fiber did and never were here, where anybody asks. */
export const MissingKeys = Context.Reference<Set<string> | undefined>("actors/MissingKeys", {
  defaultValue: () => undefined,
})
