/**
 * The secret of this installation: 32 random bytes from which person keys are derived, in a file of its
 * own, made at the first start. It is never made anew beside data that was written with another: every
 * person would become a stranger.
 */
import { createHmac, randomBytes } from "node:crypto"
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync } from "node:fs"
import { renameSync, writeSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { VaultUnavailable } from "../actors/vault.ts"
import { isFailureOfStorage } from "./sqlite.ts"

const secretBytes = 32

export interface Installation {
  /** 32 hex digits, derived from the secret; the log and the keys carry it too. */
  readonly id: string
  readonly secret: Uint8Array
}

const make = (file: string, directory: string): Uint8Array => {
  const secret = randomBytes(secretBytes)
  const draft = openSync(`${file}.new`, "w", 0o600)
  writeSync(draft, secret)
  fsyncSync(draft)
  closeSync(draft)
  renameSync(`${file}.new`, file)
  const folder = openSync(directory, "r")
  fsyncSync(folder)
  closeSync(folder)
  return secret
}

const fileIn = (directory: string) => join(directory, "secret")

const load = (directory: string): Installation | undefined => {
  const file = fileIn(directory)
  if (
    !existsSync(file) &&
    ["keys.db", "log.db", "log-elsewhere.json"].some((name) => existsSync(join(directory, name)))
  ) {
    throw new VaultUnavailable({
      message: `${file} is missing, but data made with it is there. Nothing was changed. ` +
        "Restore the file from a backup, or choose another data directory.",
    })
  }
  return existsSync(file) ? read(file) : undefined
}

export const of = (secret: Uint8Array): Installation => {
  const id = createHmac("sha256", secret).update("installation").digest("hex").slice(0, 32)
  return { id, secret: new Uint8Array(secret) }
}

const read = (file: string): Installation => {
  const secret = readFileSync(file)
  if (secret.length === secretBytes) return of(secret)
  throw new VaultUnavailable({
    message: `${file} is damaged: it must hold ${secretBytes} bytes. Restore it from a backup.`,
  })
}

const attempt = <A>(directory: string, f: () => A): Effect.Effect<A, VaultUnavailable> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(f())
    } catch (cause) {
      if (cause instanceof VaultUnavailable) return Effect.fail(cause)
      if (!isFailureOfStorage(cause)) return Effect.die(cause)
      const message = `The secret in ${directory} could not be read or made. ` +
        "Check the disk's space and the permissions, then repeat."
      return Effect.fail(new VaultUnavailable({ message, cause }))
    }
  })

/** The installation of a data directory. Hold its lock (`owner-lock.ts`) when calling. */
export const open = (directory: string): Effect.Effect<Installation, VaultUnavailable> =>
  attempt(directory, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const file = fileIn(directory)
    return load(directory) ?? of(make(file, directory))
  })

/** The same where it is there already; nothing is made. */
export const find = (
  directory: string,
): Effect.Effect<Installation | undefined, VaultUnavailable> =>
  attempt(directory, () => load(directory))

/** Its id alone. */
export const idOf = (directory: string): Effect.Effect<string, VaultUnavailable> =>
  Effect.map(open(directory), ({ id }) => id)
