/** Server-sent events over a real socket: a slow reader is waited for, one that leaves is noticed. */
import { expect, test } from "vitest"
import { Effect, Exit, Scope, Stream } from "effect"
import { connect } from "node:net"
import { door } from "../../http/app.ts"
import { keysOf } from "../../http/keys.ts"
import { readersNow } from "../../http/live.ts"
import { serveOn } from "../../http/server.ts"
import { behind } from "./stand-in.ts"

const token = "a-token-for-slow-readers"
const event = (position: number) => ({
  id: "0190a000-0000-7000-8000-000000000000",
  stream: "lead-1",
  revision: position,
  position,
  type: "LeadWrote",
  data: { text: "x".repeat(10_000) },
  metadata: { at: 1, $correlationId: "0190a000-0000-7000-8000-000000000000" },
})
const pause = (millis: number) => new Promise((then) => setTimeout(then, millis))

/** A door over `follow`, and a reader of the stream that reads only when it is told to. */
const reading = async (follow: () => Stream.Stream<ReturnType<typeof event>>) => {
  const scope = Scope.makeUnsafe()
  let port = 0
  port = await Effect.runPromise(
    Effect.gen(function* () {
      const app = yield* door({ keys: keysOf(token), port: () => port })
      return yield* Scope.provide(serveOn(app, 0), scope)
    }).pipe(Effect.provide(behind({ follow }))),
  )
  const socket = connect(port, "127.0.0.1")
  socket.on("error", () => {})
  socket.pause()
  socket.write(
    `GET /api/events/stream?after=-1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
      `Authorization: Bearer ${token}\r\n\r\n`,
  )
  return { socket, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

test("a reader that does not read holds up its stream, not memory; then it gets all in order", async () => {
  let made = 0
  const { close, socket } = await reading(() =>
    Stream.fromIterable(
      (function* () {
        for (;;) yield event(made++)
      })(),
      { chunkSize: 1 },
    )
  )
  await pause(1_000)
  const held = made
  expect(held).toBeGreaterThan(0)
  await pause(500)
  // What the sockets of both ends take, and no more.
  expect(made).toBe(held)
  expect(held).toBeLessThan(2_000)
  let text = ""
  socket.on("data", (chunk) => text += chunk)
  socket.resume()
  while ((text.match(/^id: \d+$/gm)?.length ?? 0) < held + 100) await pause(20)
  const ids = [...text.matchAll(/^id: (\d+)$/gm)].map((one) => Number(one[1]))
  expect(ids.slice(0, held)).toEqual(Array.from({ length: held }, (_, i) => i))
  socket.destroy()
  await close()
})

test("a reader that leaves, without a word, is not counted any more", async () => {
  // Those of other tests leave at their leisure.
  for (let i = 0; i < 500 && readersNow() > 0; i++) await pause(10)
  expect(readersNow()).toBe(0)
  let left = false
  const { close, socket } = await reading(() =>
    Stream.ensuring(
      Stream.concat(Stream.succeed(event(0)), Stream.never),
      Effect.sync(() => left = true),
    )
  )
  while (readersNow() !== 1) await pause(10)
  await pause(100)
  socket.destroy()
  for (let i = 0; i < 200 && !left; i++) await pause(10)
  expect([left, readersNow()]).toEqual([true, 0])
  await close()
})
