/**
 * The whole of AIOS over a data directory, as the numbers are to be had by users: owner's lock, log with
 * an fsync per commit, keys, snapshots, every read model, activities. Only the agent is small.
 */
import { Effect, Layer, Schema } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assign, setup } from "xstate"
import * as implementations from "../actors/activities/mod.ts"
import * as runner from "../actors/activities/runner.ts"
import { ActorSystem } from "../actors/actor-system.ts"
import * as contacts from "../actors/contacts.ts"
import * as languageModel from "../actors/language-model.ts"
import * as recall from "../actors/recall.ts"
import * as subjectItems from "../actors/summary-subjects.ts"
import * as reports from "../actors/reports.ts"
import * as tiers from "../actors/tiers.ts"
import * as system from "../actors/system.ts"
import * as dataDirectory from "../adapters/data-directory.ts"
import * as mailer from "../adapters/mailer-folder.ts"
import * as outsideFolders from "../adapters/outside-folders.ts"
import * as readStore from "../adapters/read-store-sqlite.ts"
import { defineAgent, event } from "../machines/agent.ts"
import { agents, journals } from "../machines/mod.ts"
import { projections } from "../projections/mod.ts"
import * as openAsks from "../projections/open-asks.ts"
import * as follower from "../projections/runner.ts"

export const ContactMade = event("ContactMade", {
  person: Schema.String,
  at: Schema.Int,
  warmth: Schema.Int,
})

/** Transitions per agent: the way of a lead from stranger to client. */
export const stages = [
  "stranger",
  "known",
  "curious",
  "interested",
  "warm",
  "hot",
  "client",
] as const
export const transitionsPerAgent = stages.length - 1

/** A small agent of the kind other engines are measured with: a state, a counter, a date. */
export const contact = defineAgent({
  name: "contact",
  version: 1,
  events: [ContactMade],
  machine: setup({
    types: {
      context: {} as { score: number; lastAt: number },
      events: {} as typeof ContactMade.Type,
    },
    actions: {
      count: assign({
        score: ({ context, event }) => context.score + event.warmth,
        lastAt: ({ event }) => event.at,
      }),
    },
  }).createMachine({
    id: "contact",
    context: { score: 0, lastAt: 0 },
    initial: stages[0],
    states: Object.fromEntries(stages.map((stage, n) => [stage, {
      on: { ContactMade: { target: stages[(n + 1) % stages.length], actions: "count" } },
    }])),
  }),
})

export const made = (n: number) => ({
  type: "ContactMade",
  person: "0123456789abcdef0123456789abcdef",
  at: 1_795_000_000_000 + n,
  warmth: 3,
})

export const layer = (directory: string) =>
  runner.layer().pipe(
    Layer.provide(implementations.layer.pipe(
      Layer.provide(mailer.layer(join(directory, "outbox"))),
      Layer.provide(outsideFolders.layer(directory)),
      Layer.provide(Layer.mergeAll(recall.absent, languageModel.absent, subjectItems.absent)),
      Layer.provide(reports.absent),
      Layer.provide(tiers.absent),
    )),
    Layer.provideMerge(contacts.layer),
    Layer.provideMerge(system.layer({ agents: [...agents, contact], journals })),
    Layer.provideMerge(openAsks.layer),
    Layer.provideMerge(follower.layer(projections)),
    Layer.provideMerge(readStore.layer(join(directory, "read.db"))),
    Layer.provideMerge(dataDirectory.layer({ directory })),
  )

/** `count` agents take all their transitions, every one durable before it counts, all side by side. */
export const fill = (count: number, name: string) =>
  Effect.gen(function* () {
    const system = yield* ActorSystem
    yield* Effect.forEach(
      Array.from({ length: count }, (_, n) => `contact-${name}${n}`),
      (stream) =>
        Effect.gen(function* () {
          for (let n = 0; n < transitionsPerAgent; n++) yield* system.propose(stream, made(n))
        }),
      { concurrency: "unbounded", discard: true },
    )
  })

/** Runs `use` with a fresh folder that is removed afterwards. */
export const withFolder = async <A>(use: (directory: string) => Promise<A>): Promise<A> => {
  const directory = mkdtempSync(join(tmpdir(), "aios-bench-"))
  try {
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

export const inHouse = <A, E>(
  directory: string,
  use: Effect.Effect<A, E, Layer.Success<ReturnType<typeof layer>>>,
): Promise<A> => Effect.runPromise(use.pipe(Effect.provide(layer(directory)), Effect.scoped))
