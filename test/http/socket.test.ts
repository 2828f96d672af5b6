/**
 * The socket door from end to end over a real Unix socket. What is behind it is a stand-in that answers
 * at will: these tests are about the way there and back.
 */
import { afterEach, expect, test } from "vitest"
import { Deferred, Effect, Exit, Scope, Stream } from "effect"
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { answers, connect } from "../../adapters/aios-remote.ts"
import type { ParsedRecord } from "../../actors/intake.ts"
import { app } from "../../http/app.ts"
import { serve } from "../../http/socket.ts"
import { type Aios, OperationFailed } from "../../projections/aios.ts"
import { aiosVersion, versionHeader } from "../../projections/aios-wire.ts"
import { behind } from "./stand-in.ts"

const cleanUps: Array<() => Promise<unknown> | void> = []
afterEach(async () => {
  for (const one of cleanUps.splice(0).reverse()) await one()
})

const serving = async (parts: Partial<Aios["Service"]>) => {
  const folder = mkdtempSync(join(tmpdir(), "aios-socket-"))
  const path = join(folder, "aios.sock")
  const scope = Scope.makeUnsafe()
  await Effect.runPromise(
    Effect.gen(function* () {
      yield* Scope.provide(serve(yield* app, path), scope)
    }).pipe(Effect.provide(behind(parts))),
  )
  const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }), close)
  return { path, remote: connect(path), close }
}

const post = (path: string, url: string, headers: Record<string, string>, body: string) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const sent = request({ socketPath: path, path: url, method: "POST", headers }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk) => text += chunk)
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on("error", reject)
    sent.end(body)
  })

test("a result and its arguments arrive as they were", async () => {
  const seen: Array<unknown> = []
  const { remote } = await serving({
    reject: (id, reason) => {
      seen.push([id, reason])
      return Effect.succeed({ id, decision: "rejected", already: false, outcome: "née — 🧾" })
    },
  })
  expect(await Effect.runPromise(remote.reject("7f3a1c", "zu früh\n"))).toEqual(
    { id: "7f3a1c", decision: "rejected", already: false, outcome: "née — 🧾" },
  )
  expect(seen).toEqual([["7f3a1c", "zu früh\n"]])
})

test("an error keeps its kind, tag, message and detail", async () => {
  const error = new OperationFailed({
    kind: "later",
    error: "LogUnavailable",
    message: "The disk is full.",
    detail: { free: 0 },
  })
  const { remote } = await serving({ approvals: Effect.fail(error) })
  const failed = await Effect.runPromise(Effect.flip(remote.approvals))
  expect(failed).toBeInstanceOf(OperationFailed)
  expect({ ...failed }).toMatchObject({
    kind: "later",
    error: "LogUnavailable",
    detail: { free: 0 },
  })
  expect(failed.message).toBe("The disk is full.")
})

test("a defect becomes an error, and the door stays open", async () => {
  const { remote } = await serving({
    approve: () => Effect.die(new Error("split at the seam")),
    agents: () => Effect.succeed([]),
  })
  const failed = await Effect.runPromise(Effect.flip(remote.approve("7f3a1c")))
  expect(failed.message).toContain("split at the seam")
  expect(await Effect.runPromise(remote.agents())).toEqual([])
})

test("bytes of attachments travel whole", async () => {
  let got: ReadonlyArray<ParsedRecord> = []
  const { remote } = await serving({
    intake: (batch) => {
      got = batch
      return Effect.succeed({ imported: batch.length, duplicates: 0, faults: [] })
    },
  })
  const content = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 256)
  const mail: ParsedRecord = {
    record: "mail",
    digest: "d",
    messageId: "m",
    inReplyTo: "",
    references: [],
    from: { name: "Ada", address: "ada@lumen.example" },
    to: [],
    cc: [],
    deliveredTo: [],
    subject: "s",
    text: "t",
    labels: [],
    kind: "personal",
    attachments: [{ name: "a.bin", mediaType: "application/octet-stream", content }],
    source: { file: "x.mbox", at: "byte 0" },
  }
  await Effect.runPromise(remote.intake([mail]))
  expect(got).toEqual([mail])
})

test("progress arrives before the result", async () => {
  const { remote } = await serving({
    replay: (filter, progress) =>
      Effect.gen(function* () {
        for (const done of [1, 2, 3]) {
          progress({ what: filter ?? "all", done, total: 3 })
          yield* Effect.sleep(20)
        }
        return { actors: 1, events: 3, divergences: [], millis: 60 }
      }),
  })
  const steps: Array<number> = []
  const result = await Effect.runPromise(remote.replay("lead", (step) => steps.push(step.done)))
  expect(steps).toEqual([1, 2, 3])
  expect(result.events).toBe(3)
})

const event = (position: number) => ({
  id: "0190a000-0000-7000-8000-000000000000",
  stream: "lead-1",
  revision: position,
  position,
  type: "LeadWrote",
  data: { text: "x".repeat(1_000) },
  metadata: { at: 1, $correlationId: "0190a000-0000-7000-8000-000000000000" },
})

test("followed events stream in order, and leaving ends the stream behind the door", async () => {
  const left = Deferred.makeUnsafe<void>()
  const { remote } = await serving({
    follow: () =>
      Stream.concat(
        Stream.fromIterable(Array.from({ length: 5_000 }, (_, i) => event(i))),
        Stream.never,
      ).pipe(Stream.ensuring(Deferred.succeed(left, undefined))),
  })
  const seen = await Effect.runPromise(
    remote.follow({}).pipe(Stream.take(5_000), Stream.runCollect),
  )
  expect(seen.map((one) => one.position)).toEqual(Array.from({ length: 5_000 }, (_, i) => i))
  await Effect.runPromise(Effect.timeout(Deferred.await(left), 5_000))
})

test("a follower that sees nothing for a while and leaves ends the stream too", async () => {
  const left = Deferred.makeUnsafe<void>()
  const started = Deferred.makeUnsafe<void>()
  const { remote } = await serving({
    follow: () =>
      Stream.fromEffect(Deferred.succeed(started, undefined)).pipe(
        Stream.flatMap(() => Stream.never),
        Stream.ensuring(Deferred.succeed(left, undefined)),
      ),
  })
  const follower = Effect.runFork(Stream.runDrain(remote.follow({})))
  await Effect.runPromise(Deferred.await(started))
  follower.interruptUnsafe()
  await Effect.runPromise(Effect.timeout(Deferred.await(left), 5_000))
})

test("another version is told so", async () => {
  const { path } = await serving({})
  const answer = await post(path, "/aios/approvals", { [versionHeader]: "0.0.1" }, "[]")
  expect(answer.status).toBe(400)
  expect(answer.text).toContain("OtherVersion")
  expect(answer.text).toContain(aiosVersion)
})

test("wrong arguments and unknown operations are refused", async () => {
  const { path } = await serving({})
  const ours = { [versionHeader]: aiosVersion }
  expect((await post(path, "/aios/approve", ours, "[1]")).text).toContain("InvalidArguments")
  expect((await post(path, "/aios/approve", ours, "not json")).text).toContain("InvalidArguments")
  expect((await post(path, "/aios/toString", ours, "[]")).text).toContain("UnknownOperation")
})

test("only the user reaches the socket; it is gone at the end", async () => {
  const { path, close } = await serving({})
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(await Effect.runPromise(answers(path))).toBe(true)
  await close()
  expect(existsSync(path)).toBe(false)
  expect(await Effect.runPromise(answers(path))).toBe(false)
})

test("a file left by a killed owner is no obstacle", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aios-socket-"))
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, "aios.sock")
  writeFileSync(path, "")
  await Effect.runPromise(
    Effect.scoped(Effect.gen(function* () {
      yield* serve(yield* app, path)
      expect(yield* answers(path)).toBe(true)
    })).pipe(Effect.provide(behind({}))),
  )
})

test("nobody there: try later", async () => {
  const failed = await Effect.runPromise(
    Effect.flip(connect(join(tmpdir(), "aios-nobody.sock")).approvals),
  )
  expect(failed.kind).toBe("later")
})

test("an answer that breaks off is no result", async () => {
  const waiting = Deferred.makeUnsafe<void>()
  const { remote, close } = await serving({
    approvals: Effect.andThen(Deferred.succeed(waiting, undefined), Effect.never),
  })
  const call = Effect.runPromise(Effect.flip(remote.approvals))
  await Effect.runPromise(Deferred.await(waiting))
  await close()
  expect((await call).error).toBe("AnswerBrokenOff")
})
