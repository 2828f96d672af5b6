/**
 * Port: the protocol's door on the log of this process, on a Unix socket. It is open as long as somebody
 * holds it; whoever listens for clients pipes to it.
 */
import { Context, type Effect, type Scope } from "effect"
import type { OperationFailed } from "./aios.ts"

export class LogDoor extends Context.Service<LogDoor, {
  /**
   * Holds the door open for the scope and gives the path of its socket. Through the secure one callers
   * need credentials; through the other everybody is an administrator.
   */
  hold(secure: boolean): Effect.Effect<string, OperationFailed, Scope.Scope>
}>()("projections/LogDoor") {}
