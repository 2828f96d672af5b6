/**
 * Looking and telling, one thing at a time: an actor as it is, an event for it, rows of a read model,
 * people, reports. The doors show what these give and add nothing.
 */
import { Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { Vault } from "../actors/vault.ts"
import { type Slot, slots } from "../machines/coordinator.ts"
import type { Json } from "../machines/agent.ts"
import type { OperationFailed, PersonRow, ReportRow } from "./aios.ts"
import type { Forecast } from "./aios-made.ts"
import { readingOf } from "./conversation-read.ts"
import { conversations } from "./conversations.ts"
import { door, failureOf, refuse } from "./aios-failures.ts"
import { folded } from "./aios-persons.ts"
import { openedDeep } from "./opening.ts"
import { projections } from "./mod.ts"
import { type Person, Queries } from "./queries.ts"
import { ReadStore, ReadStoreUnavailable } from "./read-store.ts"
import { Projections, tableOf } from "./runner.ts"

/** Rows given at once where nobody says how many, and at the most. */
const rowsDefault = 100
const rowsMax = 1_000
const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const view = Effect.fnUntraced(function* (stream: string) {
  const system = yield* ActorSystem
  const vault = yield* Vault
  const found = yield* door(system.view(stream))
  if (found === undefined) {
    return yield* refuse(
      "failed",
      "UnknownActor",
      `There is no actor ${stream}. aios agents shows which there are.`,
    )
  }
  const { accepts, clock, context, problem, revision, status, value } = found
  return {
    stream,
    revision,
    status,
    state: value,
    context: openedDeep(vault, context),
    accepts,
    clock,
    ...(problem === undefined ? {} : { problem }),
  }
})

export const propose = Effect.fnUntraced(function* (
  stream: string,
  event: { readonly [name: string]: Json },
  options: { readonly id?: string; readonly revision?: number; readonly occurredAt?: number },
) {
  const system = yield* ActorSystem
  const { type, ...fields } = event
  if (typeof type !== "string") {
    return yield* refuse(
      "usage",
      "InvalidEvent",
      'An event needs a type: { "type": "LeadWrote", … }. What an actor takes, its view says.',
    )
  }
  if (options.id !== undefined && !idPattern.test(options.id)) {
    return yield* refuse(
      "usage",
      "InvalidId",
      `The event's id is its idempotency key and must be a UUID in lower case, not ${options.id}.`,
    )
  }
  return yield* door(system.propose(stream, { ...fields, type }, { ...options, actor: "operator" }))
})

/** A store that cannot be read is the world's fault, and says what to do. */
export const reading = <A>(what: () => A): Effect.Effect<A, OperationFailed> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(what())
    } catch (cause) {
      return cause instanceof ReadStoreUnavailable
        ? Effect.fail(failureOf(cause))
        : Effect.die(cause)
    }
  })

export const rows = Effect.fnUntraced(function* (
  projection: string,
  options: { readonly prefix?: string; readonly after?: string; readonly limit?: number },
) {
  const store = yield* ReadStore
  const vault = yield* Vault
  const runner = yield* Projections
  const found = projections.find(({ name }) => name === projection)
  if (found === undefined) {
    return yield* refuse(
      "usage",
      "ProjectionUnknown",
      `There is no read model ${projection}. There are: ${runner.names.join(", ")}`,
    )
  }
  yield* door(runner.catchUp)
  const { after, prefix } = options
  const limit = Math.min(rowsMax, Math.max(0, options.limit ?? rowsDefault))
  const scanned = yield* reading(() =>
    store.scan(tableOf(found), {
      limit,
      ...(after === undefined ? {} : { after }),
      ...(prefix === undefined ? {} : { prefix }),
    })
  )
  return scanned.map(([key, row]) => [key, openedDeep(vault, row)] as const)
})

export const models = Effect.gen(function* () {
  const runner = yield* Projections
  yield* door(runner.catchUp)
  return (yield* door(runner.lag)).map(({ millis: _, ...model }) => model)
})

const personRow = (person: Person, reading: Forecast | undefined): PersonRow => ({
  key: person.key,
  name: person.name ?? "",
  address: person.address ?? "",
  company: person.company ?? "",
  mails: person.mails,
  ...(person.lastAt === undefined ? {} : { lastAt: person.lastAt }),
  lists: person.lists,
  ...(reading === undefined ? {} : { reading }),
})

/** Everybody, or those whose key, name, address or company has the filter in it; last heard of first. */
export const people = Effect.fnUntraced(function* (filter?: string) {
  const queries = yield* Queries
  const wanted = folded(filter?.trim() ?? "")
  const all = yield* door(queries.people)
  const store = yield* ReadStore
  const vault = yield* Vault
  const opened = (value: Json | undefined) => openedDeep(vault, value ?? null)
  const readingOfPerson = (key: string) =>
    readingOf(key, store, tableOf(conversations), opened, Number.MAX_SAFE_INTEGER)
  return yield* reading(() =>
    all.filter(({ address, company, key, name }) =>
      wanted === "" || key.startsWith(wanted) ||
      [name, address, company].some((one) => one !== undefined && folded(one).includes(wanted))
    ).map((person) => personRow(person, readingOfPerson(person.key))).sort((a, b) =>
      (b.lastAt ?? 0) - (a.lastAt ?? 0) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
    )
  )
})

const isSlot = (word: string): word is Slot => slots.some((one) => one === word)

/** The documents of the slots, newest first. */
export const reports = Effect.fnUntraced(function* (slot?: string) {
  const queries = yield* Queries
  if (slot !== undefined && !isSlot(slot)) {
    return yield* refuse(
      "usage",
      "InvalidValue",
      `There is no slot ${slot}. The slots are ${slots.join(", ")}.`,
    )
  }
  const placeOf = (row: ReportRow) => slots.findIndex((one) => one === row.slot)
  return (yield* door(queries.documents(slot))).toSorted((a, b) =>
    a.date === b.date ? placeOf(a) - placeOf(b) : a.date < b.date ? 1 : -1
  )
})
