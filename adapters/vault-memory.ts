/** The vault without a disk, for tests and trials: real sealing, keys gone with the process. */
import { randomBytes } from "node:crypto"
import { Effect, Layer } from "effect"
import { Vault } from "../actors/vault.ts"
import { of as installationOf } from "./installation.ts"
import { fromStore, type KeyStore, type SubjectKey } from "./vault-crypto.ts"

const makeStore = (): KeyStore => {
  const bySubject = new Map<string, SubjectKey>()
  const byId = new Map<string, SubjectKey>()
  return {
    current: (subject) => bySubject.get(subject),
    byId: (id) => byId.get(id),
    save: (keys) =>
      Effect.sync(() => {
        for (const one of keys) {
          if (byId.has(one.id) && one.key !== undefined) continue
          if (one.key !== undefined || bySubject.get(one.subject)?.id === one.id) {
            bySubject.set(one.subject, one)
          }
          byId.set(one.id, one)
        }
      }),
  }
}

export const layer: Layer.Layer<Vault> = Layer.sync(
  Vault,
  () => fromStore(makeStore(), installationOf(randomBytes(32))),
)
