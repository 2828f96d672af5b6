/** The vault without a disk, for tests and trials: real sealing, keys gone with the process. */
import { randomBytes } from "node:crypto"
import { Layer } from "effect"
import { Vault } from "../actors/vault.ts"
import { fromStore, type KeyStore, type SubjectKey } from "./vault-crypto.ts"

const makeStore = (): KeyStore => {
  const bySubject = new Map<string, SubjectKey>()
  const byId = new Map<string, SubjectKey>()
  return {
    current: (subject) => bySubject.get(subject),
    byId: (id) => byId.get(id),
    save: (keys) => {
      for (const one of keys) {
        bySubject.set(one.subject, one)
        byId.set(one.id, one)
      }
    },
  }
}

export const layer: Layer.Layer<Vault> = Layer.sync(
  Vault,
  () => fromStore(makeStore(), randomBytes(32)),
)
