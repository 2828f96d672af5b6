/**
 * What was asked for and is not settled yet: projection `asks`, and the port `OpenAsks` over it. It
 * sees every event, so nothing here scans, and a tell's id is derived once, when it is asked, never to
 * find out whether an event answers one.
 *
 * Rows: `ask:<position>.<place>` and `timer:<due>:<position>.<place>` hold an `OpenAsk`;
 * `of:<what closes it>` leads there.
 */
import { Effect, Layer } from "effect"
import { clockAt } from "../actors/actor-clock.ts"
import { type Ask, askId, EventLog, type RecordedEvent } from "../actors/event-log.ts"
import { outcomeId, tellId } from "../actors/ids.ts"
import { type OpenAsk, OpenAsks } from "../actors/open-asks.ts"
import type { Json } from "../machines/agent.ts"
import { askNamedIn, padded } from "./fields.ts"
import { defineProjection, type Rows } from "./projection.ts"
import { ReadStore } from "./read-store.ts"
import { Projections, tableOf } from "./runner.ts"

const placeDigits = 6
const caughtUpMillisMax = 60_000

const orderOf = (position: number, place: number) =>
  `${padded(position)}.${String(place).padStart(placeDigits, "0")}`

/** As kept: `past` where the asking event happened before it was recorded, so the clock is not sure. */
type KeptAsk = OpenAsk & { readonly past?: true }

/** Rows are written by this file alone, so what is read has the shape that was written. */
const openAskOf = (row: Json | undefined): KeptAsk | undefined => row as KeptAsk | undefined
const rowOf = (ask: KeptAsk): Json => ask as unknown as Json

/** A link is the key, or the key and all that closes it where that is more than one. */
const keyOfLink = (link: Json | undefined): string | undefined => {
  const key = Array.isArray(link) ? link[0] : link
  return typeof key === "string" ? key : undefined
}

const timeOf = (event: RecordedEvent) => event.metadata.occurredAt ?? event.metadata.at

const close = (rows: Rows, closer: string) => {
  const link = rows.get(`of:${closer}`)
  const key = keyOfLink(link)
  if (key === undefined) return
  rows.delete(key)
  rows.delete(`of:${closer}`)
  if (Array.isArray(link)) { for (const one of link.slice(1)) rows.delete(`of:${one}`) }
}

const keyNamed = (rows: Rows, name: string): string | undefined => keyOfLink(rows.get(`of:${name}`))
const rowNamed = (rows: Rows, name: string): OpenAsk | undefined => {
  const key = keyNamed(rows, name)
  return key === undefined ? undefined : openAskOf(rows.get(key))
}

const mark = (
  rows: Rows,
  name: string,
  what: { started?: true; quarantined?: true; approval?: string },
) => {
  const key = keyNamed(rows, name)
  const ask = key === undefined ? undefined : openAskOf(rows.get(key))
  if (key !== undefined && ask !== undefined) rows.set(key, rowOf({ ...ask, ...what }))
}
const nameOf = (event: RecordedEvent) => `${event.stream}/${askNamedIn(event.data)}`

const open = (rows: Rows, event: RecordedEvent, ask: Ask, place: number) => {
  const name = `${event.stream}/${event.revision}.${place}`
  const order = orderOf(event.position, place)
  const entry: KeptAsk = {
    id: askId(event.stream, event.revision, place),
    stream: event.stream,
    ask,
    causation: event.id,
    correlation: event.metadata.$correlationId,
    clock: timeOf(event),
    position: event.position,
    ...(event.metadata.occurredAt === undefined ? {} : { past: true }),
  }
  const put = (key: string, closers: ReadonlyArray<string>, what: OpenAsk = entry) => {
    rows.set(key, rowOf(what))
    const link = closers.length === 1 ? key : [key, ...closers]
    for (const closer of closers) rows.set(`of:${closer}`, link)
  }
  switch (ask.ask) {
    case "activity":
      return put(`ask:${order}`, [name])
    case "timer":
      return put(
        `timer:${padded(ask.due)}:${order}`,
        ask.to === undefined ? [name] : [name, tellId(entry.id)],
      )
    case "spawn":
    case "tell":
      return put(`ask:${order}`, [tellId(entry.id), outcomeId(entry.id)])
    case "stop": {
      const approval = rowNamed(rows, `${event.stream}/${ask.of}`)?.approval
      close(rows, `${event.stream}/${ask.of}`)
      if (ask.to === undefined && approval === undefined) return
      const what = approval === undefined ? entry : { ...entry, approval }
      return put(`ask:${order}`, [tellId(entry.id), outcomeId(entry.id)], what)
    }
    case "cancel":
      return close(rows, `${event.stream}/${ask.of}`)
  }
}

const settles = (event: RecordedEvent, rows: Rows) => {
  const ask = askNamedIn(event.data)
  if (ask !== undefined) close(rows, `${event.stream}/${ask}`)
}

export const asks = defineProjection({
  name: "asks",
  version: 1,
  on: {
    ActivitySucceeded: settles,
    ActivityFailed: settles,
    ActivitySkipped: settles,
    TimerFired: settles,
    ActivityStarted: (event, rows) => mark(rows, nameOf(event), { started: true }),
    ActivityQuarantined: (event, rows) => mark(rows, nameOf(event), { quarantined: true }),
    ActivityReleased: (event, rows) => {
      const key = keyNamed(rows, nameOf(event))
      const ask = key === undefined ? undefined : openAskOf(rows.get(key))
      if (key === undefined || ask === undefined) return
      const { quarantined: _, ...released } = ask
      rows.set(key, rowOf(released))
    },
    // Its `ask` is a global name: the actor that waits is another one.
    ApprovalRequested: (event, rows) =>
      mark(rows, askNamedIn(event.data) ?? "", { approval: event.stream }),
    "*": (event, rows) => {
      // Ids of tells and of refusals are derived (version 8); minted ones need no look.
      if (event.id.charAt(14) === "8") close(rows, event.id)
      for (const [place, ask] of event.metadata.asks?.entries() ?? []) {
        open(rows, event, ask, place)
      }
    },
  },
})

/** Whether an activity (by the id of its ask) is neither settled nor taken back nor left to the operator. */
export const isToBeDone = (store: ReadStore["Service"], id: string): boolean => {
  const key = keyOfLink(store.get(tableOf(asks), `of:${id}`))
  const ask = key === undefined ? undefined : openAskOf(store.get(tableOf(asks), key))
  return ask !== undefined && ask.quarantined !== true
}

/** Activities that were asked for and wait for nobody's decision. */
export const activitiesToDo = (store: ReadStore["Service"]): number => {
  let count = 0
  for (const [key, row] of store.scan(tableOf(asks))) {
    const open = key.startsWith("ask:") ? openAskOf(row) : undefined
    if (open?.ask.ask !== "activity") continue
    if (open.approval === undefined && open.quarantined !== true) count++
  }
  return count
}

/** The durable task queue over projection `asks`. */
export const layer = Layer.effect(
  OpenAsks,
  Effect.gen(function* () {
    const store = yield* ReadStore
    const projections = yield* Projections
    const log = yield* EventLog
    const table = tableOf(asks)
    const opened = (found: ReturnType<typeof store.scan>): ReadonlyArray<KeptAsk> =>
      found.flatMap(([, row]) => openAskOf(row) ?? [])

    /** Key of an ask that may be settled by now: then only the log knows where it stood. */
    const keyOfAsk = Effect.fnUntraced(function* (id: string) {
      const slash = id.lastIndexOf("/")
      const stream = id.slice(0, slash)
      const [revision = 0, place = 0] = id.slice(slash + 1).split(".").map(Number)
      const [event] = yield* Effect.orDie(log.readPage(stream, { from: revision, limit: 1 }))
      return event === undefined ? undefined : `ask:${orderOf(event.position, place)}`
    })

    /** The actor's clock when it asked. */
    const withClock = Effect.fnUntraced(function* (ask: OpenAsk) {
      const revision = Number(ask.id.slice(ask.id.lastIndexOf("/") + 1).split(".")[0])
      return { ...ask, clock: yield* Effect.orDie(clockAt(log, ask.stream, revision, ask.clock)) }
    })

    return OpenAsks.of({
      page: Effect.fnUntraced(function* (after: string | undefined, limit: number) {
        const key = after === undefined ? undefined : yield* keyOfAsk(after)
        const found = store.scan(table, {
          prefix: "ask:",
          limit,
          ...(key === undefined ? {} : { after: key }),
        })
        return yield* Effect.forEach(
          opened(found),
          (ask) => ask.past === true ? withClock(ask) : Effect.succeed(ask),
        )
      }),
      timers: (before, limit) =>
        Effect.sync(() =>
          opened(
            store.scan(table, {
              prefix: "timer:",
              before: `timer:${padded(before)}`,
              limit,
            }),
          )
        ),
      caughtUp: (position) =>
        Effect.orDie(
          projections.waitFor(position, { name: asks.name, timeoutMillis: caughtUpMillisMax }),
        ),
    })
  }),
)
