/**
 * Port: keeps the keys under which personal data is sealed, one key per subject, outside the log.
 * Destroying a key forgets the person while history, causation and every hash stay. Calls are
 * synchronous: sealing is part of taking an event. A key that `seal` made is durable only after
 * `flush`, which every append that names it waits for.
 */
import { Context, type Effect, Schema } from "effect"
import { isSealed, type Json, type Sealed } from "../machines/agent.ts"

/** Keys could not be read or written. Nothing was recorded; `message` says what to do next. */
export class VaultUnavailable extends Schema.TaggedError<VaultUnavailable>()("VaultUnavailable", {
  message: Schema.String,
  reason: Schema.optionalKey(Schema.Literal("configuration")),
  /** Whether the same call may succeed later without anyone changing the installation. */
  retryable: Schema.optionalKey(Schema.Boolean),
  cause: Schema.optionalKey(Schema.Defect()),
}) {}

/** A key on its way to another vault of the same installation. */
export interface LentKey {
  /** Base64 of 8 random bytes. */
  readonly id: string
  readonly subject: string
  /** Base64, sealed under the installation's secret; null once destroyed. */
  readonly key: string | null
}

export class Vault extends Context.Service<Vault, {
  /** AES-256-GCM over the JSON text of `plain`, bound to its subject and key. */
  seal(subject: string, plain: Json): Sealed
  /** The plain value, or undefined where the key was destroyed. */
  open(sealed: Sealed): Json | undefined
  /** Whether the key (the id of an envelope's) is here, or is known to have been destroyed or lost. */
  knows(key: string): boolean
  /** Same bytes under the same key give the same result, so what is stored twice is stored once. */
  sealBytes(subject: string, bytes: Uint8Array): Uint8Array
  openBytes(subject: string, sealed: Uint8Array): Uint8Array | undefined
  /** Opaque key of a person: 32 hex digits, HMAC-SHA-256(secret of this installation, address). */
  personKey(normalisedAddress: string): string
  /** Makes every key so far durable. Cheap where nothing is new. */
  readonly flush: Effect.Effect<void, VaultUnavailable>
  /**
   * Gets those of these keys that are kept elsewhere and are not here yet. What is not there either is
   * lost. Cheap where all are here, and nothing where all keys are kept here.
   */
  bring(keys: ReadonlyArray<string>): Effect.Effect<void, VaultUnavailable>
  /** 32 hex digits, the same for all who have this installation's secret. */
  readonly installation: string
  /** A UUID, another one each time the keys are opened: they may be others then, of a backup. */
  readonly life: string
  /** Those of these keys that are here, destroyed ones too, for another vault of the installation. */
  lend(keys: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<LentKey>, VaultUnavailable>
  /**
   * Keeps what another vault lent or made; durable when it is done. What is known already stays as it
   * is, but for a key that was destroyed meanwhile.
   */
  take(keys: ReadonlyArray<LentKey>): Effect.Effect<void, VaultUnavailable>
}>()("actors/Vault") {}

/** Takes the ids of keys that were needed in what a fiber did and never were here, where anybody asks. */
export const MissingKeys = Context.Reference<Set<string> | undefined>("actors/MissingKeys", {
  defaultValue: () => undefined,
})

/** What only looks like an envelope names no key. */
const isKeyId = (text: string) => /^[A-Za-z0-9+/]{11}=$/.test(text)

/** Ids of the keys under which something in it is sealed, as often as it is. */
export const keysIn = (value: Json): ReadonlyArray<string> => {
  const found: Array<string> = []
  // However deep it is: what is read was not written for this.
  const left: Array<Json> = [value]
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (isSealed(one)) {
      if (isKeyId(one.$sealed[1])) found.push(one.$sealed[1])
    } else if (typeof one === "object" && one !== null) {
      for (const inner of Object.values(one)) left.push(inner)
    }
  }
  return found
}
