/**
 * State queries per second over HTTP, whole path: token, Host, route, Schemas, the actor's state, ETag;
 * beside an empty Hono route on the same server in the same run. 32 raw connections from another process.
 */
import { createAdaptorServer } from "@hono/node-server"
import { Effect, Layer } from "effect"
import { Hono } from "hono"
import { spawn } from "node:child_process"
import { join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { ActorSystem } from "../actors/actor-system.ts"
import * as intake from "../actors/intake.ts"
import * as router from "../actors/router.ts"
import * as mailer from "../adapters/mailer-folder.ts"
import * as recurrences from "../adapters/recurrences-ical.ts"
import { open } from "../http/mod.ts"
import * as aiosLocal from "../projections/aios-local.ts"
import * as queries from "../projections/queries.ts"
import { layer, withFolder } from "./house.ts"
import { cost, median, rate, type Result } from "./result.ts"

const leads = 1_000
const rounds = 5
/** The first rounds warm the runtime up, as a process that stays up is. */
const warmUp = 2
const roundMillis = 2_000
const token = "a-token-for-the-bench"

interface Measured {
  readonly rate: number
  readonly p50: number
  readonly p99: number
  readonly wrong: number
}

const ask = (port: number, paths: ReadonlyArray<string>, header: string): Promise<Measured> =>
  new Promise((resolve, reject) => {
    const file = fileURLToPath(new URL("http-client.ts", import.meta.url))
    const runtime = process.versions["deno"] === undefined ? [] : ["run", "-A"]
    const child = spawn(
      process.execPath,
      [...runtime, file, String(port), String(roundMillis), header],
      { stdio: ["pipe", "pipe", "inherit"] },
    )
    let out = ""
    child.stdout.setEncoding("utf8").on("data", (text) => out += text)
    child.on("close", () => {
      try {
        const measured: Measured = JSON.parse(out)
        if (measured.wrong > 0) reject(new Error(`${measured.wrong} answers were not 200`))
        else resolve(measured)
      } catch (cause) {
        reject(cause)
      }
    })
    child.stdin.end(paths.join("\n"))
  })

const emptyRoute = (): Promise<{ readonly port: number; readonly close: () => void }> =>
  new Promise((resolve) => {
    const hono = new Hono()
    hono.get("/", (c) => c.body(""))
    const server = createAdaptorServer({ fetch: hono.fetch, hostname: "127.0.0.1" })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resolve({
        port: typeof address === "object" && address !== null ? address.port : 0,
        close: () => void server.close(),
      })
    })
  })

const checkpoint = Layer.succeed(
  router.RouterCheckpoint,
  router.RouterCheckpoint.of({ load: Effect.succeed(undefined), save: () => Effect.void }),
)
const aios = (directory: string) =>
  aiosLocal.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(intake.layer, router.layer, queries.layer)),
    Layer.provideMerge(
      Layer.mergeAll(checkpoint, recurrences.layer, mailer.layer(join(directory, "outbox"))),
    ),
    Layer.provideMerge(layer(directory)),
  )

const measure = (directory: string) =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    const keys = Array.from({ length: leads }, (_, n) => n.toString(16).padStart(32, "0"))
    yield* Effect.forEach(keys, (person) =>
      system.propose(`lead-${person}`, {
        type: "LeadListed",
        person,
        record: `record-${person}`,
        list: "people",
        contact: { name: "Ada Weiss", address: "ada@lumen.example" },
      }), { concurrency: "unbounded", discard: true })
    const door = yield* open(directory, token, 0)
    const empty = yield* Effect.promise(emptyRoute)
    const port = Number(new URL(door.url).port)
    const paths = keys.map((key) => `/api/agents/lead/${key}`)
    const ours: Array<Measured> = []
    const limit: Array<Measured> = []
    for (let round = -warmUp; round < rounds; round++) {
      const one = yield* Effect.promise(() => ask(port, paths, `Authorization: Bearer ${token}`))
      const other = yield* Effect.promise(() => ask(empty.port, ["/"], ""))
      if (round >= 0) {
        ours.push(one)
        limit.push(other)
      }
    }
    empty.close()
    const of = (all: ReadonlyArray<Measured>, name: "rate" | "p99") =>
      median(all.map((one) => one[name]))
    const limitName = "an empty Hono route, same server, same 32 connections"
    return [
      rate("http-query", "queries/s", of(ours, "rate"), of(limit, "rate"), limitName),
      cost("http-query-p99", "ms", of(ours, "p99"), of(limit, "p99"), limitName),
    ]
  })

export const httpQuery = (): Promise<ReadonlyArray<Result>> =>
  withFolder((directory) =>
    Effect.runPromise(
      measure(directory).pipe(Effect.provide(aios(directory)), Effect.scoped),
    )
  )
