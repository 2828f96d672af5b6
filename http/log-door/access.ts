/**
 * Who calls, and whether they may: the one place that is asked before a stream is read or written. An
 * insecure server takes everybody for an administrator.
 */
import type { Metadata } from "@grpc/grpc-js"
import { accessDenied } from "./errors.ts"

export interface User {
  /** Absent for somebody who showed no credentials. */
  readonly name?: string
  /** Groups, of which `$admins` may do everything and `$ops` see what operators see. */
  readonly groups: ReadonlyArray<string>
}

export const everybody: User = { name: "admin", groups: ["$admins"] }

/** Who looks after what the server runs: persistent subscriptions, projections. */
export const mustOperate = ({ groups }: User): void => {
  if (!groups.includes("$admins") && !groups.includes("$ops")) throw accessDenied()
}
export const mustBeKnown = ({ name }: User): void => {
  if (name === undefined) throw accessDenied()
}

export type Action = "read" | "write" | "delete" | "metaRead" | "metaWrite"

/** Who makes a call, by its headers. Throws `unauthenticated()` where credentials are wrong. */
export type Authenticate = (headers: Metadata) => User | Promise<User>

export interface Access {
  /** Throws `accessDenied()`. `stream` is `$all` for the whole log. */
  check(user: User, stream: string, action: Action): Promise<void>
}

export const open: Access = { check: () => Promise.resolve() }
