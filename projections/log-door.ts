/**
 * Port: the protocol's door on the log of this process, on a Unix socket. It is open as long as somebody
 * holds it; whoever listens for clients pipes to it. Who may come in is a fact of the log.
 */
import { Context, type Effect, type Scope } from "effect"
import type { OperationFailed } from "./aios.ts"

/** Somebody who may come in. */
export interface LogUser {
  readonly login: string
  /** `$admins` may do everything; others are names for an `$acl`. */
  readonly groups: ReadonlyArray<string>
  readonly disabled: boolean
}

/** Makes a user or gives one another password (and other groups, where they are said); or removes one. */
export interface LogUserChange {
  readonly login: string
  readonly what: "add" | "password" | "remove"
  readonly password?: string
  readonly groups?: ReadonlyArray<string>
}

export class LogDoor extends Context.Service<LogDoor, {
  /**
   * Holds the door open for the scope and gives the path of its socket. Through the secure one callers
   * need credentials; through the other everybody is an administrator.
   */
  hold(secure: boolean): Effect.Effect<string, OperationFailed, Scope.Scope>
  /** Who may come in, after the change, if there is one. */
  users(change?: LogUserChange): Effect.Effect<ReadonlyArray<LogUser>, OperationFailed>
}>()("projections/LogDoor") {}
