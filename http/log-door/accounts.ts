/**
 * Users of the protocol's door. They are facts of the log in the shape the protocol's own server has:
 * stream `$user-<login>` with the whole user in each event, and `$users` with every login. Of `admin` there
 * is no more than its login: its password is the token of the data directory.
 */
import { randomBytes, randomUUID, scrypt, timingSafeEqual } from "node:crypto"
import { sent, type WireEvent } from "../../actors/foreign-events.ts"
import { adminsGroup } from "./acl.ts"
import type { Door } from "./door.ts"
import { jsonEvent } from "./terms.ts"

/** A hash takes some 50 ms and 16 MB. */
const cost = { N: 16_384, r: 8, p: 1 }
const hashBytes = 32
const saltBytes = 16
/** Users that a listing names. */
const usersMax = 10_000
/** In streams' names, in headers, and before a colon. */
const loginPattern = /^[^\s:\p{C}]{1,100}$/u
const groupPattern = /^[^\s\p{C}]{1,100}$/u
const passwordCharsMax = 1_024

export const adminLogin = "admin"
const usersStream = "$users"
const streamOf = (login: string) => `$user-${login}`
/** The user's stream is for administrators, but its owner and everybody known may read it as is said. */
const acl = { $w: adminsGroup, $d: adminsGroup, $mw: adminsGroup }

export interface Account {
  readonly loginName: string
  readonly fullName: string
  readonly groups: ReadonlyArray<string>
  readonly disabled: boolean
  /** Base64, `scrypt$` before it. */
  readonly hash: string
  readonly salt: string
}
export interface Kept {
  readonly account: Account
  /** Of the event that says so. */
  readonly revision: number
  /** Epoch ms. */
  readonly at: number
}

/** What became of a change. */
export type Outcome = "done" | "notFound" | "conflict" | "denied" | "builtIn" | "invalid"

const hashed = (password: string, salt: Uint8Array): Promise<Uint8Array> =>
  new Promise((resolve, reject) =>
    scrypt(
      password,
      salt,
      hashBytes,
      cost,
      (cause, key) => cause === null ? resolve(key) : reject(cause),
    )
  )

const secretOf = async (password: string) => {
  const salt = randomBytes(saltBytes)
  const hash = await hashed(password, salt)
  return {
    hash: `scrypt$${Buffer.from(hash).toString("base64")}`,
    salt: salt.toString("base64"),
  }
}

/** Whether it is the password, in a time that does not tell how nearly. */
export const isPassword = async (
  { hash, salt }: Pick<Account, "hash" | "salt">,
  password: string,
): Promise<boolean> => {
  const given = await hashed(password, Buffer.from(salt, "base64"))
  const kept = Buffer.from(hash.replace(/^scrypt\$/, ""), "base64")
  return hash.startsWith("scrypt$") && kept.length === given.length && timingSafeEqual(kept, given)
}

/** Takes as long as `isPassword`: who is no user must not be told from who is. */
export const nobodysPassword = async (password: string): Promise<false> => {
  await hashed(password, Buffer.alloc(saltBytes))
  return false
}

const accountIn = (bytes: Uint8Array, login: string): Account | undefined => {
  try {
    const said: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof said !== "object" || said === null) return undefined
    const text = (key: string) => {
      const value: unknown = Reflect.get(said, key)
      return typeof value === "string" ? value : ""
    }
    const groups: unknown = Reflect.get(said, "groups")
    if (text("loginName") !== login) return undefined
    return {
      loginName: login,
      fullName: text("fullName"),
      groups: Array.isArray(groups) ? groups.filter((one) => typeof one === "string") : [],
      disabled: Reflect.get(said, "disabled") === true,
      hash: text("hash"),
      salt: text("salt"),
    }
  } catch {
    return undefined
  }
}

export interface Accounts {
  /** A log without users gets its `admin`: there clients of other languages see that a server is ready. */
  begin(): Promise<void>
  /** Changes whenever the user does. */
  stampOf(login: string): Promise<string>
  find(login: string): Promise<Kept | undefined>
  /** In order of login, without `admin`. */
  all(): Promise<ReadonlyArray<Kept>>
  /** The same login with the same password again is success. */
  create(
    user: {
      readonly login: string
      readonly fullName: string
      readonly groups: ReadonlyArray<string>
      readonly password: string
    },
  ): Promise<Outcome>
  update(
    login: string,
    change: { readonly fullName: string; readonly groups: ReadonlyArray<string> },
  ): Promise<Outcome>
  setDisabled(login: string, disabled: boolean): Promise<Outcome>
  resetPassword(login: string, password: string): Promise<Outcome>
  changePassword(login: string, current: string, password: string): Promise<Outcome>
  remove(login: string): Promise<Outcome>
}

const isFit = (password: string) => password !== "" && password.length <= passwordCharsMax

export const accounts = (door: Door): Accounts => {
  const event = (type: string, data: unknown) => jsonEvent(randomUUID(), type, data)

  const named = (login: string): WireEvent => ({
    ...event("$User", null),
    json: false,
    data: new TextEncoder().encode(login),
  })

  const find = async (login: string): Promise<Kept | undefined> => {
    if (!loginPattern.test(login)) return undefined
    const read = await door.read(streamOf(login), { backwards: true, limit: 1 })
    const last = read._tag === "Page" ? read.events[0] : undefined
    if (last === undefined) return undefined
    const account = accountIn(sent(last).data, login)
    return account && { account, revision: last.revision, at: last.metadata.at }
  }

  const write = async (
    stream: string,
    expected: number | "any" | "noStream",
    events: ReadonlyArray<WireEvent>,
  ) => {
    const outcome = await door.append(stream, expected, events)
    return outcome._tag === "Appended" ? outcome.revision : undefined
  }

  const change = async (
    login: string,
    to: (account: Account) => Promise<Account | Outcome> | Account | Outcome,
  ): Promise<Outcome> => {
    if (login === adminLogin) return "builtIn"
    const kept = await find(login)
    if (kept === undefined) return "notFound"
    const next = await to(kept.account)
    if (typeof next === "string") return next
    const written = await write(streamOf(login), kept.revision, [event("$UserUpdated", next)])
    return written === undefined ? "conflict" : "done"
  }

  /** Shown from `first` on: what a former user of this login was is not. */
  const describe = (login: string, first: string) =>
    write(`$$${streamOf(login)}`, "any", [{
      ...event("$metadata", null),
      // Beyond what a number of this language holds exactly.
      data: new TextEncoder().encode(`{"$tb":${first},"$acl":${JSON.stringify(acl)}}`),
    }])

  return {
    find,
    begin: async () => {
      const { last } = await door.states.of(usersStream)
      if (last >= 0) return
      // Not the very first event: its position is zero, which clients do not tell from the start.
      await write(`$$${usersStream}`, "any", [event("$metadata", { $acl: acl })])
      await write(usersStream, "noStream", [named(adminLogin)])
    },
    stampOf: async (login) => {
      const { last, metadataRevision } = await door.states.of(streamOf(login))
      return `${last}.${metadataRevision}`
    },
    all: async () => {
      const read = await door.read(usersStream, { limit: usersMax })
      const logins = read._tag !== "Page"
        ? []
        : read.events.map((one) => new TextDecoder().decode(sent(one).data))
      const kept = await Promise.all([...new Set(logins)].sort().map(find))
      return kept.flatMap((one) => one === undefined ? [] : [one])
    },
    create: async ({ fullName, groups, login, password }) => {
      if (login === adminLogin) return "conflict"
      if (!loginPattern.test(login) || !isFit(password)) return "invalid"
      if (!groups.every((group) => groupPattern.test(group))) return "invalid"
      const kept = await find(login)
      if (kept !== undefined) {
        return await isPassword(kept.account, password) ? "done" : "conflict"
      }
      const account: Account = {
        loginName: login,
        fullName,
        ...await secretOf(password),
        disabled: false,
        groups,
      }
      const { last } = await door.states.of(streamOf(login))
      const written = await write(streamOf(login), last, [event("$UserCreated", account)])
      if (written === undefined) return "conflict"
      await describe(login, String(written))
      if (last < 0) {
        await write(usersStream, "any", [named(login)])
      }
      return "done"
    },
    update: (login, { fullName, groups }) =>
      groups.every((group) => groupPattern.test(group))
        ? change(login, (account) => ({ ...account, fullName, groups }))
        : Promise.resolve("invalid"),
    setDisabled: (login, disabled) => change(login, (account) => ({ ...account, disabled })),
    resetPassword: (login, password) =>
      isFit(password)
        ? change(login, async (account) => ({ ...account, ...await secretOf(password) }))
        : Promise.resolve("invalid"),
    changePassword: (login, current, password) =>
      isFit(password)
        ? change(
          login,
          async (account) =>
            await isPassword(account, current)
              ? { ...account, ...await secretOf(password) }
              : "denied",
        )
        : Promise.resolve("invalid"),
    remove: async (login) => {
      if (login === adminLogin) return "builtIn"
      if (await find(login) === undefined) return "notFound"
      await describe(login, "9223372036854775807")
      return "done"
    },
  }
}
