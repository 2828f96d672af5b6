/**
 * Who a caller is, by the Basic credentials in `authorization`. Wrong ones are answered late and few at a
 * time, so that nobody guesses; right ones are hashed once and known again until the user changes.
 */
import type { Metadata } from "@grpc/grpc-js"
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import type { Authenticate, User } from "./access.ts"
import { type Accounts, adminLogin, isPassword, nobodysPassword } from "./accounts.ts"
import { adminsGroup } from "./acl.ts"
import { unauthenticated, unavailable } from "./errors.ts"
import { recent } from "../../actors/recent.ts"

/** Passwords looked at at once; the others wait. */
const checksMax = 4
/** Who comes when so many wait is sent away. */
const waitingMax = 256
/** A wrong answer takes so long, and its place with it: at most `checksMax` guesses a second. */
const wrongMillis = 1_000
/** Users whose credentials are known again. */
const knownMax = 1_000

const anonymous: User = { groups: [] }
const administrator: User = { name: adminLogin, groups: [adminsGroup] }

const basic = (header: string): readonly [login: string, password: string] | undefined => {
  const encoded = /^basic +([A-Za-z0-9+/=]+)\s*$/i.exec(header)?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, "base64").toString("utf8")
  const colon = text.indexOf(":")
  return colon < 0 ? undefined : [text.slice(0, colon), text.slice(colon + 1)]
}

/** A few at a time, in order. */
const turns = (atOnce: number) => {
  let free = atOnce
  const waiting: Array<() => void> = []
  return {
    isFull: () => waiting.length >= waitingMax,
    take: async <A>(work: () => Promise<A>): Promise<A> => {
      if (free > 0) free--
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next === undefined) free++
        else next()
      }
    },
  }
}

export interface CredentialsOptions {
  readonly accounts: Accounts
  /** The password of `admin`. */
  readonly token: string
  readonly wrongMillis?: number
}

export const credentials = (options: CredentialsOptions): Authenticate => {
  // Not the passwords themselves: their marks under a key that ends with this process.
  const key = randomBytes(32)
  const markOf = (text: string) => createHmac("sha256", key).update(text).digest()
  const token = markOf(options.token)
  const known = recent<
    string,
    { readonly mark: Uint8Array; readonly stamp: string; readonly user: User }
  >(knownMax)
  const checks = turns(checksMax)

  const userOf = async (login: string, password: string): Promise<User | undefined> => {
    if (login === adminLogin) {
      return timingSafeEqual(markOf(password), token) ? administrator : undefined
    }
    const stamp = await options.accounts.stampOf(login)
    const kept = await options.accounts.find(login)
    if (kept === undefined) {
      await nobodysPassword(password)
      return undefined
    }
    const isRight = await isPassword(kept.account, password)
    if (!isRight || kept.account.disabled) return undefined
    const user = { name: login, groups: kept.account.groups }
    known.set(login, { mark: markOf(password), stamp, user })
    return user
  }

  return async (headers: Metadata) => {
    const [header] = headers.get("authorization")
    if (header === undefined) return anonymous
    const [login, password] = basic(String(header)) ?? []
    if (login === undefined || password === undefined) throw unauthenticated()
    if (login === adminLogin && timingSafeEqual(markOf(password), token)) return administrator
    const before = known.get(login)
    if (
      before !== undefined && timingSafeEqual(before.mark, markOf(password)) &&
      before.stamp === await options.accounts.stampOf(login)
    ) return before.user
    if (checks.isFull()) throw unavailable("Too many callers with unknown credentials. Try again.")
    return await checks.take(async () => {
      const user = await userOf(login, password)
      if (user !== undefined) return user
      await new Promise((resolve) => setTimeout(resolve, options.wrongMillis ?? wrongMillis))
      throw unauthenticated()
    })
  }
}
