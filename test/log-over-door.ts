/**
 * The switch of the suite: with AIOS_TEST_LOG=door every log of a test is reached as another program would
 * reach it, through the official client, a socket, and the event store's protocol in front of the same
 * engine. Tests take their logs from `log-memory.ts` and `log-sqlite.ts`, and cannot tell.
 */
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { EventLog, LogUnavailable } from "../actors/event-log.ts"
import * as eventStore from "../adapters/event-log-eventstoredb.ts"
import { makeDoor } from "../http/log-door/door.ts"
import { withoutFarewell } from "../http/log-door/farewell.ts"
import { serve } from "../http/log-door/server.ts"

export const throughDoor = process.env["AIOS_TEST_LOG"] === "door"

/** Pipes a port of this machine to a Unix socket, until its scope closes; gives the port. */
const pipe = (socket: string): Effect.Effect<number, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(() => {
        const open = new Set<Socket>()
        const listener = createServer((near) => {
          const far = connect(socket)
          for (const [one, other] of [[near, far], [far, near]] as const) {
            open.add(one)
            one.setNoDelay(true)
            one.on("error", () => other.destroy())
            one.on("close", () => {
              open.delete(one)
              other.destroy()
            })
          }
          near.pipe(withoutFarewell()).pipe(far)
          far.pipe(near)
        })
        return new Promise<{ port: number; end: () => void }>((resolve) =>
          listener.listen(0, "127.0.0.1", () =>
            resolve({
              port: (listener.address() as AddressInfo).port,
              end: () => {
                listener.close()
                for (const one of open) one.destroy()
              },
            }))
        )
      }),
      ({ end }) => Effect.sync(end),
    ),
    ({ port }) => port,
  )

/** Serves a log until the scope closes; gives a connection string. */
export const served = (
  log: EventLog["Service"],
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "aios-door-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true })),
    )
    const socket = join(folder, "log.sock")
    const door = yield* Effect.acquireRelease(
      Effect.sync(() => makeDoor({ log })),
      (door) => Effect.promise(() => door.close()),
    )
    yield* Effect.orDie(serve({ door, socket }))
    return `esdb://127.0.0.1:${yield* pipe(socket)}?tls=false`
  })

/** `inner`, reached over the protocol. */
export const overDoor = <E>(
  inner: Layer.Layer<EventLog, E>,
): Layer.Layer<EventLog, E | LogUnavailable> =>
  Layer.unwrap(Effect.gen(function* () {
    const scope = yield* Effect.scope
    const log = Context.get(yield* Layer.buildWithScope(Layer.fresh(inner), scope), EventLog)
    return Layer.fresh(eventStore.layer({ connection: yield* served(log) }))
  }))

/** What the tests of this run use for a log. */
export const chosen = <E>(
  inner: Layer.Layer<EventLog, E>,
): Layer.Layer<EventLog, E | LogUnavailable> => throughDoor ? overDoor(inner) : inner

/** Builds once, for all who ask, for as long as this process lives. */
export const lasting = <A, E>(layer: Layer.Layer<A, E>): Layer.Layer<A, E> => {
  let built: Promise<Exit.Exit<Context.Context<A>, E>> | undefined
  return Layer.effectContext(Effect.flatMap(
    Effect.promise(() =>
      built ??= Effect.runPromiseExit(Layer.buildWithScope(layer, Effect.runSync(Scope.make())))
    ),
    (exit) => exit,
  ))
}
