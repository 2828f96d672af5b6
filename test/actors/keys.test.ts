/**
 * A worker whose `keys.db` is an old copy: what it has no keys for it leaves to who has them, and records
 * nothing of it. That a person was forgotten is something else, and is an outcome.
 */
import { Effect, Exit, Layer, Logger, Schema, Scope } from "effect"
import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterEach, describe, expect, it } from "vitest"
import { assign, setup } from "xstate"
import { implement } from "../../actors/activity.ts"
import { opened } from "../../actors/activities/opened.ts"
import { EventLog } from "../../actors/event-log.ts"
import { Vault } from "../../actors/vault.ts"
import * as sqliteVault from "../../adapters/vault-sqlite.ts"
import {
  activity,
  type ActivityLogic,
  defineAgent,
  event,
  isSealed,
  personal,
} from "../../machines/agent.ts"
import {
  beside,
  type Env,
  eventsOf,
  houseOf,
  type HouseOptions,
  inMemory,
  propose,
  type Storage,
  until,
  view,
} from "./house.ts"

const Text = personal(Schema.String)
const Wrote = event("Wrote", { person: Schema.String, text: Text })

type Letter = ActivityLogic<
  { readonly text: typeof Text.Type; readonly stream: string },
  { readonly words: number }
>
const readLetter = activity({
  name: "readLetter",
  input: Schema.Struct({ text: Text, stream: Schema.String }),
  output: Schema.Struct({ words: Schema.Int }),
  lane: "batch",
}) as Letter

/** Passes the letter on, or only says where it is in the log. */
const reader = (name: string, passes: boolean) =>
  defineAgent({
    name,
    version: 1,
    events: [Wrote],
    machine: setup({
      types: {
        context: {} as { key: string; text: typeof Text.Type; words: number },
        input: {} as { key: string },
        events: {} as typeof Wrote.Type,
      },
      actors: { readLetter },
      actions: {
        keep: assign(({ event }) => (event.type === "Wrote" ? { text: event.text } : {})),
      },
    }).createMachine({
      id: name,
      context: ({ input }) => ({ key: input.key, text: "", words: -1 }),
      initial: "idle",
      states: {
        idle: {},
        reading: {
          invoke: {
            id: "readLetter",
            src: "readLetter",
            input: ({ context }) => ({
              text: passes ? context.text : "",
              stream: `${name}-${context.key}`,
            }),
            onDone: {
              target: "idle",
              actions: assign(({ event }) => ({ words: event.output.words })),
            },
            onError: "failed",
          },
        },
        failed: {},
      },
      on: { Wrote: { target: ".reading", actions: "keep" } },
    }),
  })
const agents = [reader("given", true), reader("found", false)]

const roots: Array<string> = []
const newFolder = () => {
  const root = mkdtempSync(join(tmpdir(), "aios-keys-"))
  roots.push(root)
  return root
}
afterEach(() => roots.splice(0).forEach((root) => rmSync(root, { recursive: true })))

/** What was forgotten is left out, as in a summary. */
const wordsIn = (text: string) => text === "" ? 0 : text.split(" ").length
const readIn = (log: EventLog["Service"], runs: Array<string>) =>
  implement(readLetter, ({ stream, text }, { askId }) =>
    Effect.gen(function* () {
      runs.push(askId)
      if (text !== "") return { words: wordsIn(yield* opened(text)) }
      const [letter] = yield* log.readPage(stream, { limit: 1 }).pipe(Effect.orDie)
      const found = Object(letter?.data)["text"]
      const plain = isSealed(found) ? yield* Effect.option(opened(found)) : undefined
      return { words: plain?._tag === "Some" ? wordsIn(String(plain.value)) : 0 }
    }))

/** A control with its keys, and processes on its log that have these or others. */
const company = async () => {
  const scopes: Array<Scope.Closeable> = []
  const storage = inMemory()
  const folder = newFolder()
  const keyedBy = (directory: string, one: Storage): Storage => ({
    ...one,
    layer: Layer.mergeAll(one.layer, sqliteVault.layer({ directory })),
  })
  const told: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void told.push(String(message)))
  const open = async (directory: string, options: Partial<HouseOptions>) => {
    const runs: Array<string> = []
    const scope = Effect.runSync(Scope.make())
    scopes.push(scope)
    const one = keyedBy(directory, options.worker === undefined ? storage : beside(storage))
    const house = Layer.unwrap(Effect.gen(function* () {
      const log = yield* EventLog
      const vault = yield* Vault
      const { declaration, run } = readIn(log, runs)
      const activities = [{
        declaration,
        run: (...given: Parameters<typeof run>) =>
          run(...given).pipe(Effect.provideService(Vault, vault)),
      }]
      return houseOf({ agents, shared: true, storage: one, ...options, activities })
    })).pipe(Layer.provide(one.layer), Layer.provideMerge(Logger.layer([logger])))
    const context = await Effect.runPromise(
      Layer.buildWithScope(house, scope) as Effect.Effect<never>,
    )
    return {
      runs,
      run: <A>(use: Effect.Effect<A, unknown, Env>): Promise<A> =>
        Effect.runPromise(Effect.provideContext(use, context) as never),
      close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
    }
  }
  return {
    open,
    folder,
    told,
    main: await open(folder, { lanes: [] }),
    closeAll: async () => {
      for (const scope of scopes.reverse()) await Effect.runPromise(Scope.close(scope, Exit.void))
    },
  }
}

const copyOf = (folder: string) => {
  const copy = newFolder()
  copyFileSync(join(folder, "secret"), join(copy, "secret"))
  const keys = new DatabaseSync(join(folder, "keys.db"))
  keys.exec(`VACUUM INTO '${join(copy, "keys.db")}'`)
  keys.close()
  return copy
}
const write = (stream: string) =>
  propose(stream, { type: "Wrote", person: "ada", text: "three short words" })
const outcomesOf = (stream: string) =>
  Effect.map(eventsOf(stream), (events) => events.filter(({ type }) => /^Activity/.test(type)))
const isDone = (stream: string) => Effect.map(outcomesOf(stream), (outcomes) => outcomes.length > 0)
const pause = (millis: number) =>
  Effect.promise(() => new Promise((then) => setTimeout(then, millis)))

describe("a worker with an old copy of the keys", () => {
  it("leaves what it has no keys for to who has them, records nothing, and says so once", async () => {
    const { closeAll, folder, main, open, told } = await company()
    const stale = await open(copyOf(folder), { worker: "w1", lanes: ["batch"], leaseMillis: 200 })
    await main.run(Effect.gen(function* () {
      for (const n of [1, 2, 3]) yield* write(`given-${n}`)
      yield* write("found-1")
      yield* until(Effect.sync(() => stale.runs.length === 1))
      yield* pause(700)
      for (const stream of ["given-1", "given-2", "given-3", "found-1"]) {
        expect(yield* outcomesOf(stream)).toEqual([])
      }
      // What its ask names it sees at once; what it finds missing it tries once.
      expect(yield* eventsOf("claim-given-1/0.0")).toEqual([])
      const claim = (yield* eventsOf("claim-found-1/0.0")).map(({ type }) => type)
      expect(claim.filter((type) => type !== "ClaimRenewed"))
        .toEqual(["AskClaimed", "ClaimReleased"])
      expect(stale.runs).toEqual(["found-1/0.0"])
      expect(told.filter((line) => line.includes("keys.db"))).toHaveLength(1)
      const fit = yield* Effect.promise(() => open(folder, { worker: "w2", lanes: ["batch"] }))
      for (const stream of ["given-1", "given-2", "given-3", "found-1"]) {
        yield* until(isDone(stream))
        expect(yield* view(stream)).toMatchObject({ value: "idle", context: { words: 3 } })
      }
      expect(fit.runs).toHaveLength(4)
    }))
    await closeAll()
  })

  it("does it once the keys are there", async () => {
    const { closeAll, folder, main, open } = await company()
    const copy = copyOf(folder)
    await open(copy, { worker: "w1", lanes: ["batch"], leaseMillis: 100 })
    await main.run(Effect.gen(function* () {
      yield* write("given-1")
      yield* write("found-1")
      yield* until(
        Effect.map(
          eventsOf("claim-found-1/0.0"),
          (claim) => claim.at(-1)?.type === "ClaimReleased",
        ),
      )
      const keys = new DatabaseSync(join(copy, "keys.db"))
      keys.exec(`ATTACH '${join(folder, "keys.db")}' AS theirs;
        INSERT INTO subject_key (id, subject, key) SELECT id, subject, key FROM theirs.subject_key`)
      keys.close()
      for (const stream of ["given-1", "found-1"]) {
        yield* until(isDone(stream))
        expect(yield* view(stream)).toMatchObject({ value: "idle", context: { words: 3 } })
      }
    }))
    await closeAll()
  })

  it("records that a person was forgotten: a key that was destroyed is known", async () => {
    const { closeAll, folder, main, open } = await company()
    await main.run(Effect.gen(function* () {
      yield* write("given-1")
      const keys = new DatabaseSync(join(folder, "keys.db"))
      keys.exec("UPDATE subject_key SET key = NULL")
      keys.close()
      yield* Effect.promise(() => open(folder, { worker: "w1", lanes: ["batch"] }))
      yield* until(isDone("given-1"))
      expect(yield* outcomesOf("given-1")).toMatchObject([
        { type: "ActivityFailed", data: { error: { name: "PersonForgotten" } } },
      ])
    }))
    await closeAll()
  })

  it("is no control: what a control has no key for is lost, and it records that", async () => {
    const { closeAll, folder, main, open } = await company()
    const copy = copyOf(folder)
    await main.run(write("given-1"))
    await main.close()
    const control = await open(copy, { lanes: ["batch"] })
    await control.run(Effect.gen(function* () {
      yield* until(isDone("given-1"))
      expect(yield* outcomesOf("given-1")).toMatchObject([
        { type: "ActivityFailed", data: { error: { name: "PersonForgotten" } } },
      ])
    }))
    await closeAll()
  })
})
