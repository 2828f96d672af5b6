/**
 * Who may come in. One token per installation opens everything; a browser gets a session for it, by a
 * one-time link or by typing the token. Sessions are signed with the token and kept nowhere: they outlive
 * a restart, and a new token ends them all.
 */
import { Effect } from "effect"
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { chmodSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { OperationFailed } from "../projections/aios.ts"

const tokenBytes = 32
/** A token of one's own (AIOS_TOKEN) must not be guessable. */
const tokenCharsMin = 16
/** The link that `start` prints is good once, for so long. */
const linkMillisMax = 10 * 60 * 1000
const linksMax = 16
const sessionMillisMax = 30 * 24 * 60 * 60 * 1000
const tokenFile = "token"

/** The token of a data directory: `given` (AIOS_TOKEN), or the one made at the first start, mode 0600. */
export const tokenOf = (folder: string, given: string | undefined): string => {
  if (given !== undefined && given !== "") {
    if (given.length >= tokenCharsMin && /^[\x21-\x7e]+$/.test(given)) return given
    throw new OperationFailed({
      kind: "configuration",
      error: "WrongConfiguration",
      message:
        `AIOS_TOKEN needs ${tokenCharsMin} or more characters without spaces. Unset it, and AIOS makes one.`,
    })
  }
  const path = join(folder, tokenFile)
  try {
    writeFileSync(path, `${randomBytes(tokenBytes).toString("base64url")}\n`, {
      flag: "wx",
      mode: 0o600,
    })
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause
    chmodSync(path, 0o600)
  }
  const token = readFileSync(path, "utf8").trim()
  if (token.length >= tokenCharsMin) return token
  throw new OperationFailed({
    kind: "configuration",
    error: "WrongConfiguration",
    message: `${path} holds no token. Remove it, and AIOS makes one at the next start.`,
  })
}

/** The same, where a folder that cannot be read or written is told as an operation's failure. */
export const tokenIn = (
  folder: string,
  given: string | undefined,
): Effect.Effect<string, OperationFailed> =>
  Effect.try({
    try: () => tokenOf(folder, given),
    catch: (cause) =>
      cause instanceof OperationFailed ? cause : new OperationFailed({
        kind: "failed",
        error: "TokenUnavailable",
        message: `The token of ${folder} cannot be read or made (${
          cause instanceof Error ? cause.message : String(cause)
        }). Check that the folder is yours and has room.`,
      }),
  })

const same = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
const digest = (text: string) => createHash("sha256").update(text).digest("base64url")

export interface Keys {
  /** Whether an `Authorization` header carries the token. */
  readonly bears: (header: string | null) => boolean
  /** A fresh code for a one-time link. */
  readonly link: () => string
  /** A session for a code, which is used up, or for the token itself. */
  readonly redeem: (word: string) => string | undefined
  /** Whether a cookie's value is a session of ours that has not ended. */
  readonly isSession: (session: string) => boolean
  /** What a form of this session must carry. */
  readonly formWord: (session: string) => string
  readonly isFormWord: (session: string, word: string) => boolean
  readonly sessionSeconds: number
}

export const keysOf = (token: string): Keys => {
  const codes = new Map<string, number>()
  const signed = (what: string) => createHmac("sha256", token).update(what).digest("base64url")
  const open = () => {
    const ends = Date.now() + sessionMillisMax
    const body = `${ends.toString(36)}.${randomBytes(12).toString("base64url")}`
    return `${body}.${signed(`session:${body}`)}`
  }
  const header = `Bearer ${token}`
  return {
    bears: (given) =>
      given !== null && (same(given, header) ||
        // The scheme's name may be written in any case.
        (/^bearer /i.test(given) && same(`Bearer ${given.slice(7).trim()}`, header))),
    link: () => {
      const code = randomBytes(24).toString("base64url")
      codes.set(digest(code), performance.now() + linkMillisMax)
      const [oldest] = codes.keys()
      if (codes.size > linksMax && oldest !== undefined) codes.delete(oldest)
      return code
    },
    redeem: (word) => {
      const known = digest(word)
      const ends = codes.get(known)
      codes.delete(known)
      if (ends !== undefined) return ends > performance.now() ? open() : undefined
      return same(word, token) ? open() : undefined
    },
    isSession: (session) => {
      const [ends = "", salt = "", mark = ""] = session.split(".")
      return same(mark, signed(`session:${ends}.${salt}`)) && parseInt(ends, 36) > Date.now()
    },
    formWord: (session) => signed(`form:${session}`),
    isFormWord: (session, word) => same(word, signed(`form:${session}`)),
    sessionSeconds: sessionMillisMax / 1000,
  }
}
