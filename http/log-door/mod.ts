/**
 * The protocol's door as `main.ts` opens it over a log: two servers on private Unix sockets, one for calls
 * with credentials and one for an insecure front, each open while somebody holds it; and the front.
 */
import type { Metadata } from "@grpc/grpc-js"
import { Effect, RcRef, Scope } from "effect"
import { join } from "node:path"
import { OperationFailed } from "../../projections/aios.ts"
import { tokenIn } from "../keys.ts"
import type { LogUserChange } from "../../projections/log-door.ts"
import { accounts } from "./accounts.ts"
import { aclAccess } from "./acl.ts"
import type { MakeService } from "./calls.ts"
import { certificatesOf } from "./certificates.ts"
import { credentials } from "./credentials.ts"
import { metadataEvent } from "./deletions.ts"
import { makeDoor } from "./door.ts"
import { front } from "./front.ts"
import { operations } from "./operations.ts"
import { persistent } from "./persistent.ts"
import { makeGroups } from "./persistent-groups.ts"
import { serve } from "./server.ts"
import { metastreamOf } from "./states.ts"
import type { Log } from "./terms.ts"
import { usersHere } from "./user-changes.ts"
import { users } from "./users.ts"

/** Its metadata says whose log it is; `event-log-eventstoredb-checks.ts` reads it. */
export const ownStream = metastreamOf("aios")
export const ownershipOf = (installation: string, now: number) =>
  metadataEvent(JSON.stringify({ installation }), now)

/** How AIOS's own connections are called; `event-log-eventstoredb-seam.ts` names them so. */
const ownClient = "aios-"

export interface DoorsOptions {
  readonly log: Log
  /** Paths of the two sockets. */
  readonly sockets: { readonly secure: string; readonly open: string }
  readonly dataDir: string
  /** AIOS_TOKEN: the password of `admin`. Default: the token of the data directory. */
  readonly token: string | undefined
}

/** Over one log, until the scope closes. */
export const doors = Effect.fnUntraced(function* (options: DoorsOptions) {
  const { log, sockets } = options
  const scope = yield* Effect.scope
  const door = yield* Effect.acquireRelease(
    Effect.sync(() => makeDoor({ log, access: aclAccess(log) })),
    (made) => Effect.promise(() => made.close()),
  )
  const kept = accounts(door)
  /** AIOS's own log begins with its first fact: so one that is moved keeps its positions. */
  let begun: Promise<void> | undefined
  const greet = (headers: Metadata): Promise<void> =>
    String(headers.get("connection-name")[0] ?? "").startsWith(ownClient)
      ? Promise.resolve()
      : begun ??= kept.begin().catch(() => {
        begun = undefined
      })
  /** Made when somebody is let in first, and one for both sockets. */
  const services = yield* Effect.cached(Scope.provide(
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => makeGroups(door)),
        (made) => Effect.promise(() => made.close()),
      ),
      (groups): ReadonlyArray<MakeService> => [users, persistent(groups), operations(groups)],
    ),
    scope,
  ))
  const secure = yield* RcRef.make({
    acquire: Effect.gen(function* () {
      const token = yield* tokenIn(options.dataDir, options.token)
      yield* serve({
        door,
        socket: sockets.secure,
        services: yield* services,
        greet,
        authenticate: credentials({ accounts: kept, token }),
      })
    }),
  })
  const open = yield* RcRef.make({
    acquire: Effect.flatMap(
      services,
      (some) => serve({ door, socket: sockets.open, services: some, greet }),
    ),
  })
  return {
    /** Serves on one of the sockets while the scope lives, and gives its path. */
    hold: (asked: boolean): Effect.Effect<string, OperationFailed, Scope.Scope> =>
      Effect.as(RcRef.get(asked ? secure : open), asked ? sockets.secure : sockets.open),
    users: (change?: LogUserChange) => usersHere(kept, change),
  }
})

export interface ListenOptions {
  readonly dataDir: string
  readonly port: number | undefined
  readonly socket: string | undefined
  readonly insecure: boolean
  /** The Unix socket behind it, as long as there is one. */
  readonly upstream: () => string | undefined
}

/** Lets clients in until the scope closes; says where, and how they connect. */
export const listen = Effect.fnUntraced(function* (options: ListenOptions) {
  const { dataDir, insecure, port, socket } = options
  const certificates = insecure || port === undefined ? undefined : yield* Effect.tryPromise({
    try: () => certificatesOf(dataDir),
    catch: (cause) =>
      cause instanceof OperationFailed ? cause : new OperationFailed({
        kind: "failed",
        error: "CertificatesUnavailable",
        message: `The certificates of ${dataDir} cannot be read or made (${
          cause instanceof Error ? cause.message : String(cause)
        }). Check that the folder is yours and has room.`,
      }),
  })
  const { port: at } = yield* front({
    ...(port === undefined ? {} : { port }),
    ...(socket === undefined ? {} : { socket }),
    ...(certificates === undefined ? {} : { tls: certificates }),
    upstream: options.upstream,
    secure: !insecure,
  })
  return {
    ...(at < 0 ? {} : {
      port: at,
      // By name: some TLS clients take no address for one.
      connection: certificates === undefined
        ? `esdb://127.0.0.1:${at}?tls=false`
        : `esdb://admin:PASSWORD@localhost:${at}?tls=true&tlsCAFile=${certificates.caFile}`,
    }),
    ...(socket === undefined ? {} : { socket }),
    ...(certificates === undefined ? {} : { caFile: certificates.caFile }),
    ...(insecure ? {} : { passwordFile: join(dataDir, "token") }),
    insecure,
  }
})
