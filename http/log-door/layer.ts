/**
 * The log's door as a service, and the way in for clients. Nothing of either is loaded before it is
 * asked for: most runs of AIOS never open it.
 */
import { Clock, Effect, Layer, Option, Scope } from "effect"
import { EventLog } from "../../actors/event-log.ts"
import { ActorEngine } from "../../actors/system.ts"
import { OperationFailed } from "../../projections/aios.ts"
import { LogDoor, type LogUserChange } from "../../projections/log-door.ts"
import { tokenIn } from "../keys.ts"
import type { ListenOptions } from "./mod.ts"

export interface Options {
  readonly dataDir: string
  /** Paths of the two Unix sockets; undefined where the data directory's path is too long for them. */
  readonly logSockets: { readonly secure: string; readonly open: string } | undefined
  /** AIOS_TOKEN: the password of `admin`. Default: the token of the data directory. */
  readonly token: string | undefined
  /** Connection string of a log that is not of the data directory. */
  readonly eventLog: string | undefined
  /** Whose log it is, where somebody acts upon it. */
  readonly installation?: Effect.Effect<string, { readonly message: string }>
}

const failed = ({ message }: { readonly message: string }) =>
  new OperationFailed({ kind: "failed", error: "LogUnavailable", message })
const wrongConfiguration = (message: string) =>
  new OperationFailed({ kind: "configuration", error: "WrongConfiguration", message })

const pathTooLong = (dataDir: string) =>
  wrongConfiguration(
    `The path of ${dataDir} is too long for a Unix socket. Use another data directory.`,
  )

/** Says in the log whose it is, as an AIOS on an event store does: workers come to no other. */
const owned = Effect.fnUntraced(function* (
  log: EventLog["Service"],
  owner: NonNullable<Options["installation"]> | Effect.Effect<undefined>,
) {
  const installation = yield* owner
  if (installation === undefined) return
  const { ownStream, ownershipOf } = yield* Effect.promise(() => import("./mod.ts"))
  if ((yield* log.readPage(ownStream, { limit: 1 })).length > 0) return
  const now = yield* Clock.currentTimeMillis
  // Whoever was quicker said it.
  yield* Effect.catchTag(
    log.append(ownStream, -1, [ownershipOf(installation, now)]),
    "VersionConflict",
    () => Effect.void,
  )
})

export const layer = (options: Options): Layer.Layer<LogDoor, never, EventLog> =>
  Layer.effect(
    LogDoor,
    Effect.gen(function* () {
      const log = yield* EventLog
      const scope = yield* Effect.scope
      // Nobody acts upon a log that is served alone.
      const engine = yield* Effect.serviceOption(ActorEngine)
      const shared = yield* Effect.cached(Option.match(engine, {
        onNone: () => Effect.void,
        onSome: (one) => Effect.mapError(one.share, failed),
      }))
      const made = yield* Effect.cached(Effect.gen(function* () {
        const { dataDir, eventLog, logSockets: sockets, token } = options
        if (eventLog !== undefined) {
          return yield* wrongConfiguration(
            "The log is elsewhere (AIOS_EVENT_LOG): connect to it there. To serve the log of " +
              `${dataDir}, unset that variable for this command.`,
          )
        }
        if (sockets === undefined) {
          return yield* pathTooLong(dataDir)
        }
        const { doors } = yield* Effect.promise(() => import("./mod.ts"))
        return yield* Scope.provide(doors({ log, sockets, dataDir, token }), scope)
      }))
      return LogDoor.of({
        hold: (secure) =>
          Effect.flatMap(made, (doors) =>
            // Who comes in may write, and work: both are expected before anybody is let in.
            shared.pipe(
              Effect.andThen(
                Effect.mapError(owned(log, options.installation ?? Effect.undefined), failed),
              ),
              Effect.andThen(doors.hold(secure)),
            )),
        users: (change) => Effect.flatMap(made, (doors) => doors.users(change)),
      })
    }),
  )

/** Lets clients in until the scope closes; says where, and how they connect. */
export const listen = (options: ListenOptions) =>
  Effect.flatMap(Effect.promise(() => import("./mod.ts")), (mod) => mod.listen(options))

/** Who may come in to a log that another process serves alone, after the change, if there is one. */
export const usersThere = Effect.fnUntraced(function* (
  { dataDir, logSockets: sockets, token }: Omit<Options, "eventLog">,
  change: LogUserChange | undefined,
) {
  if (sockets === undefined) return yield* pathTooLong(dataDir)
  const mod = yield* Effect.promise(() => import("./user-changes.ts"))
  return yield* mod.usersThere(sockets, yield* tokenIn(dataDir, token), change)
})
