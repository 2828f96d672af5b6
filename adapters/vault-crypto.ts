/**
 * The vault's cryptography over any store of keys: AES-256-GCM with one key per subject, bound to
 * subject and key id. What cannot be opened, for whatever reason, is `undefined`, never an exception:
 * an envelope may come from anybody. Only a store that fails throws, and that is `VaultUnavailable`.
 * A vault may have copies of keys that are kept elsewhere: it gets them when told to, and gives what it makes.
 */
import { Buffer } from "node:buffer"
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomFillSync,
  randomUUID,
} from "node:crypto"
import { Effect, Fiber } from "effect"
import { recent } from "../actors/recent.ts"
import { type LentKey, MissingKeys, type Vault, VaultUnavailable } from "../actors/vault.ts"
import type { Json, Sealed } from "../machines/agent.ts"
import type { Installation } from "./installation.ts"

/** Keys kept in memory (up to twice as many). */
const keysMax = 20_000
const keyBytes = 32, idBytes = 8, nonceBytes = 12, tagBytes = 16
/** First byte of sealed bytes: the layout, after which come key id, nonce, tag and text. */
const layoutVersion = 1
/** Random bytes are drawn in blocks: a draw of its own costs more than the sealing. */
const poolBytes = 8192

export interface SubjectKey {
  readonly subject: string
  /** Base64 of 8 random bytes. */
  readonly id: string
  /** Undefined once destroyed. */
  readonly key: Uint8Array | undefined
}

/** `current` and `byId` throw `VaultUnavailable` where it cannot be read. */
export interface KeyStore {
  /** The key that seals for this subject now: its newest that is not destroyed. */
  current(subject: string): SubjectKey | undefined
  byId(id: string): SubjectKey | undefined
  /** Keeps keys that others made or lent; what is known stays, but for what was destroyed. Durable when done. */
  save(keys: ReadonlyArray<SubjectKey>): Effect.Effect<void, VaultUnavailable>
}

/** Where keys are kept, for a vault that has copies only. */
export interface KeyDesk {
  lend(ids: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<LentKey>, VaultUnavailable>
  take(keys: ReadonlyArray<LentKey>): Effect.Effect<void, VaultUnavailable>
}

/** The same, for a vault with copies. */
export interface Elsewhere extends KeyDesk {
  /** Around whatever is had from there and kept here, or given there. */
  telling(exchange: Effect.Effect<void, VaultUnavailable>): Effect.Effect<void, VaultUnavailable>
}

const pool = new Uint8Array(poolBytes)
let used = poolBytes
const random = (length: number): Uint8Array => {
  if (used + length > poolBytes) {
    randomFillSync(pool)
    used = 0
  }
  return pool.slice(used, used += length)
}

const base64 = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")

const encrypt = (key: Uint8Array, nonce: Uint8Array, bound: string, plain: Uint8Array | string) => {
  const cipher = createCipheriv("aes-256-gcm", key, nonce)
  cipher.setAAD(Buffer.from(bound))
  const text = typeof plain === "string" ? cipher.update(plain, "utf8") : cipher.update(plain)
  return [text, cipher.final(), cipher.getAuthTag()] as const
}

const decrypt = (
  key: Uint8Array,
  nonce: Uint8Array,
  bound: string,
  text: Uint8Array,
  tag: Uint8Array,
): Buffer | undefined => {
  if (nonce.length !== nonceBytes || tag.length !== tagBytes) return undefined
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(bound))
    decipher.setAuthTag(tag)
    return Buffer.concat([decipher.update(text), decipher.final()])
  } catch {
    return undefined
  }
}

/** What a sealed text is bound to: it opens for no other subject and no other key. */
const binding = (subject: string, keyId: string) => `${keyId}\n${subject}`

/** The key of bytes that `sealBytes` sealed; undefined where they are none. */
export const keyOfBytes = (sealed: Uint8Array): string | undefined =>
  sealed.length > idBytes && sealed[0] === layoutVersion
    ? base64(sealed.subarray(1, 1 + idBytes))
    : undefined

/** Keys on their way are sealed under the installation's secret: whoever carries them cannot open one. */
const wrapping = (secret: Uint8Array) => {
  const key = createHmac("sha256", secret).update("keys on their way").digest()
  const wrap = ({ id, key: plain, subject }: SubjectKey): LentKey => {
    if (plain === undefined) return { id, subject, key: null }
    const nonce = random(nonceBytes)
    const parts = encrypt(key, nonce, binding(subject, id), plain)
    return { id, subject, key: Buffer.concat([nonce, ...parts]).toString("base64") }
  }
  const unwrap = ({ id, key: wrapped, subject }: LentKey): SubjectKey => {
    if (wrapped === null) return { id, subject, key: undefined }
    const bytes = Buffer.from(wrapped, "base64")
    const end = bytes.length - tagBytes
    const [nonce, text, tag] = [
      bytes.subarray(0, nonceBytes),
      bytes.subarray(nonceBytes, Math.max(nonceBytes, end)),
      bytes.subarray(Math.max(0, end)),
    ]
    const plain = decrypt(key, nonce, binding(subject, id), text, tag)
    if (plain?.length !== keyBytes) {
      throw new VaultUnavailable({
        message: "A key came from elsewhere that this installation's secret does not open. " +
          "Nothing was kept. See that both have the same file `secret` and the same version of AIOS.",
      })
    }
    return { id, subject, key: new Uint8Array(plain) }
  }
  return { wrap, unwrap }
}

/** What a store throws, as a failure. */
export const attempt = <A>(f: () => A): Effect.Effect<A, VaultUnavailable> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (cause) {
      return cause instanceof VaultUnavailable ? Effect.fail(cause) : Effect.die(cause)
    }
  })

/** `elsewhere`: where the keys are kept of which `store` has copies. */
export const fromStore = (
  store: KeyStore,
  { id: installation, secret }: Installation,
  elsewhere?: Elsewhere,
): Vault["Service"] => {
  const { unwrap, wrap } = wrapping(secret)
  const bySubject = recent<string, SubjectKey>(keysMax)
  const byId = recent<string, SubjectKey>(keysMax)
  /** Made, not yet durable. Held until they are, whatever the caches forget. */
  const fresh = new Map<string, SubjectKey>()
  /** Not there either where keys are kept, when that was asked last. */
  const lost = recent<string, true>(keysMax)

  const sealing = (subject: string): SubjectKey & { readonly key: Uint8Array } => {
    const known = bySubject.get(subject) ?? fresh.get(subject) ?? store.current(subject)
    if (known?.key !== undefined) {
      bySubject.set(subject, known)
      return { ...known, key: known.key }
    }
    const made = { subject, id: base64(random(idBytes)), key: random(keyBytes) }
    fresh.set(subject, made)
    bySubject.set(subject, made)
    byId.set(made.id, made)
    return made
  }

  /** Destroyed ones too. */
  const keyOf = (id: string): SubjectKey | undefined => {
    const known = byId.get(id) ?? store.byId(id)
    if (known !== undefined) byId.set(id, known)
    return known
  }

  const opening = (subject: string, id: string): Uint8Array | undefined => {
    const made = fresh.get(subject)
    const known = made?.id === id ? made : keyOf(id)
    if (known === undefined && lost.get(id) === undefined) {
      Fiber.getCurrent()?.getRef(MissingKeys)?.add(id)
    }
    return known?.subject === subject ? known.key : undefined
  }

  const take = (lent: ReadonlyArray<LentKey>) =>
    Effect.gen(function* () {
      const keys = yield* attempt(() => lent.map(unwrap))
      yield* store.save(keys)
      for (const { id, key, subject } of keys) {
        if (key !== undefined) continue
        byId.set(id, { id, subject, key })
        if (bySubject.get(subject)?.id === id) bySubject.set(subject, { id, subject, key })
      }
    })

  return {
    seal: (subject, plain): Sealed => {
      const { id, key } = sealing(subject)
      const nonce = random(nonceBytes)
      const parts = encrypt(key, nonce, binding(subject, id), JSON.stringify(plain))
      return { $sealed: [subject, id, base64(nonce), Buffer.concat(parts).toString("base64")] }
    },
    open: ({ $sealed: [subject, id, nonce, text] }): Json | undefined => {
      const key = opening(subject, id)
      if (key === undefined) return undefined
      const bytes = Buffer.from(text, "base64")
      if (bytes.length < tagBytes) return undefined
      const end = bytes.length - tagBytes
      const plain = decrypt(
        key,
        Buffer.from(nonce, "base64"),
        binding(subject, id),
        bytes.subarray(0, end),
        bytes.subarray(end),
      )
      return plain === undefined ? undefined : JSON.parse(plain.toString("utf8"))
    },
    knows: (id) => keyOf(id) !== undefined || lost.get(id) !== undefined,
    sealBytes: (subject, bytes) => {
      const { id, key } = sealing(subject)
      // The content chooses the nonce, so equal content under one key is equal when sealed.
      const nonce = createHmac("sha256", key).update("blob\n").update(bytes).digest()
        .subarray(0, nonceBytes)
      const [text, rest, tag] = encrypt(key, nonce, binding(subject, id), bytes)
      const head = Uint8Array.of(layoutVersion)
      return new Uint8Array(
        Buffer.concat([head, Buffer.from(id, "base64"), nonce, tag, text, rest]),
      )
    },
    openBytes: (subject, sealed) => {
      const textAt = 1 + idBytes + nonceBytes + tagBytes
      if (sealed.length < textAt || sealed[0] !== layoutVersion) return undefined
      const id = base64(sealed.subarray(1, 1 + idBytes))
      const key = opening(subject, id)
      if (key === undefined) return undefined
      const nonce = sealed.subarray(1 + idBytes, 1 + idBytes + nonceBytes)
      const tag = sealed.subarray(1 + idBytes + nonceBytes, textAt)
      const plain = decrypt(key, nonce, binding(subject, id), sealed.subarray(textAt), tag)
      return plain === undefined ? undefined : new Uint8Array(plain)
    },
    personKey: (address) => createHmac("sha256", secret).update(address).digest("hex").slice(0, 32),
    flush: Effect.suspend(() => {
      if (fresh.size === 0) return Effect.void
      const made = [...fresh.values()]
      // Others must be able to open what is sealed with it, should this process not live on.
      const kept = elsewhere === undefined ? store.save(made) : elsewhere.telling(
        Effect.andThen(elsewhere.take(made.map(wrap)), store.save(made)),
      )
      return kept.pipe(
        Effect.andThen(Effect.sync(() => {
          for (const { id, subject } of made) {
            if (fresh.get(subject)?.id === id) fresh.delete(subject)
          }
        })),
      )
    }),
    bring: (ids) =>
      elsewhere === undefined
        ? Effect.void
        : attempt(() => [...new Set(ids)].filter((id) => keyOf(id) === undefined)).pipe(
          Effect.flatMap((missing) =>
            missing.length === 0 ? Effect.void : elsewhere.telling(Effect.gen(function* () {
              const lent = yield* elsewhere.lend(missing)
              yield* take(lent)
              const had = new Set(lent.map(({ id }) => id))
              for (const id of missing) if (!had.has(id)) lost.set(id, true)
            }))
          ),
        ),
    installation,
    life: randomUUID(),
    lend: (ids) => attempt(() => ids.flatMap((id) => keyOf(id) ?? []).map(wrap)),
    take,
  }
}
