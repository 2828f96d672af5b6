/**
 * Why something is as it is: the chain of causes of an event, an activity or an approval, from the newest
 * down to the line of the file it began with.
 */
import { Effect } from "effect"
import { EventLog, type RecordedEvent } from "../actors/event-log.ts"
import { memoryStream } from "../machines/memory.ts"
import type { Cause, Why } from "./aios.ts"
import { findApproval, isUndecided, shortId } from "./aios-approval-ids.ts"
import { modelsOf } from "./aios-costs.ts"
import { door, refuse } from "./aios-failures.ts"
import { noteAskOf, noteAsks, type Reading, readKnown } from "./aios-known.ts"
import { contentLine } from "./aios-words.ts"
import { sourceOf, wordsOf } from "./event-words.ts"
import { objectOf, textOf, textsOf } from "./fields.ts"
import { Queries } from "./queries.ts"

/** Steps that are followed; a longer chain says where it goes on. */
const causesMax = 50
/** Events of those that a summary stands for, the newest. */
const summarisedMax = 50
/** Further records that an event rests on. */
const recordsMax = 10
const prefixCharsMin = 6
const namedMax = 5
const pageEvents = 2_000
const gateEventsMax = 100
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const askPattern = /^(.+)\/(\d+)\.(\d+)$/
const idPattern = /^[0-9a-f-]+$/

/** A timer and an outcome name what set them by their ask only. */
const askedIn = Effect.fnUntraced(function* (event: RecordedEvent) {
  const ask = textOf(objectOf(event.data)["ask"])
  const revision = Number(ask.split(".")[0])
  if (ask === "" || !Number.isInteger(revision) || revision >= event.revision) return undefined
  const log = yield* EventLog
  const [asking] = yield* door(log.readPage(event.stream, { from: revision, limit: 1 }))
  return asking
})

const causeOf = Effect.fnUntraced(function* (event: RecordedEvent) {
  const log = yield* EventLog
  const { $causationId } = event.metadata
  const found = $causationId === undefined ? [] : yield* door(log.byId($causationId))
  return found[0] ?? (yield* askedIn(event))
})

/** The events that a summary stands for, oldest first. */
const summarisedBy = (event: RecordedEvent): ReadonlyArray<string> => {
  const output = objectOf(objectOf(event.data)["output"])
  return event.stream === memoryStream && typeof output["accepted"] === "boolean"
    ? textsOf(output["events"])
    : []
}

/** An event and what led to it, newest first; then the records it names that the chain did not pass. */
export const causesFrom = Effect.fnUntraced(function* (from: RecordedEvent | undefined) {
  const log = yield* EventLog
  const chain: Array<RecordedEvent> = []
  const seen = new Set<string>()
  for (let event = from; event !== undefined && chain.length < causesMax;) {
    const key = `${event.stream}@${event.revision}`
    if (seen.has(key)) break
    seen.add(key)
    chain.push(event)
    event = yield* causeOf(event)
  }
  const stands = from === undefined ? [] : summarisedBy(from)
  if (from !== undefined && stands.length > 0) {
    // The other summaries of its night led to it, but it says nothing of them.
    const night = chain.slice(1).filter(({ type }) => !type.startsWith("Activity"))
    const events = yield* Effect.forEach(
      stands.slice(-summarisedMax).toReversed(),
      (id) => door(log.byId(id)),
    )
    return [from, ...events.flat(), ...night]
  }
  const passed = new Set(chain.map(({ stream }) => stream))
  const named = chain.flatMap(({ data }) => [
    ...textsOf(objectOf(data)["records"]),
    textOf(objectOf(data)["record"]),
  ])
  const further = [...new Set(named)].filter((one) => one.startsWith("record-") && !passed.has(one))
  const records = yield* Effect.forEach(
    further.slice(0, recordsMax),
    (stream) => door(log.readPage(stream, { limit: 1 })),
  )
  return [...chain, ...records.flat()]
})

const told = Effect.fnUntraced(function* (event: RecordedEvent, reading: Reading) {
  noteAsks(event, reading)
  yield* noteAskOf(event, reading)
  const { detail, what } = wordsOf(event, reading)
  const source = sourceOf(event)
  const models = modelsOf(event)
  return {
    event: event.id,
    type: event.type,
    stream: event.stream,
    at: event.metadata.occurredAt ?? event.metadata.at,
    what: detail === "" ? what : `${what}: ${detail}`,
    ...(source === undefined ? {} : { source }),
    ...(models.length === 0 ? {} : { models }),
  } satisfies Cause
})

const whyOf = Effect.fnUntraced(function* (
  of: (reading: Reading) => string,
  events: ReadonlyArray<RecordedEvent>,
) {
  const reading = yield* readKnown
  const causes = yield* Effect.forEach(events, (event) => told(event, reading))
  return { of: of(reading), causes } satisfies Why
})

/** The gate's own events, then what led to the asking. */
const whyApproval = Effect.fnUntraced(function* (id: string) {
  const log = yield* EventLog
  const approval = yield* findApproval(id)
  const gate = yield* door(log.readPage(`gatekeeper-${approval.id}`, { limit: gateEventsMax }))
  const asked = gate.find(({ type }) => type === "ApprovalRequested") ?? gate[0]
  const before = asked === undefined ? undefined : yield* causeOf(asked)
  const state = isUndecided(approval) ? approval.state : approval.decision ?? approval.state
  return yield* whyOf(
    () =>
      `Approval ${shortId(approval.id)}, ${
        contentLine(approval.activity, approval.content)
      } (${state})`,
    [...gate.toReversed(), ...(yield* causesFrom(before))],
  )
})

const whyAsk = Effect.fnUntraced(function* (stream: string, revision: number, place: number) {
  const log = yield* EventLog
  const queries = yield* Queries
  const [asking] = yield* door(log.readPage(stream, { from: revision, limit: 1 }))
  const ask = asking?.metadata.asks?.[place]
  if (asking === undefined || asking.revision !== revision || ask === undefined) {
    return yield* notFound(`${stream}/${revision}.${place}`)
  }
  const id = `${stream}/${revision}.${place}`
  const entry = (yield* door(queries.ledger(stream))).find((one) => one.ask === id)
  const outcome = entry?.outcome === undefined ? [] : yield* door(log.byId(entry.outcome))
  const gate = entry?.approval === undefined
    ? []
    : yield* door(log.readPage(entry.approval, { limit: gateEventsMax }))
  const name = ask.ask === "activity" ? ask.src : ask.ask
  return yield* whyOf(
    () => `${name} of ${stream}${entry === undefined ? "" : `, ${entry.status}`}`,
    [
      ...outcome.filter((event) => event.stream === stream),
      ...gate.toReversed(),
      ...(yield* causesFrom(asking)),
    ],
  )
})

const whyEvent = Effect.fnUntraced(function* (event: RecordedEvent) {
  const causes = yield* causesFrom(event)
  return yield* whyOf((reading) => wordsOf(event, reading).what, causes)
})

const notFound = (written: string) =>
  refuse(
    "failed",
    "NotFound",
    `There is no event, activity or approval ${written}. Ids stand in aios events, aios approvals ` +
      "and aios brief --json.",
  )

/** All events whose id begins so; ids sort by time, so a short beginning may name several. */
const eventsNamed = Effect.fnUntraced(function* (prefix: string) {
  const log = yield* EventLog
  if (uuid.test(prefix)) return yield* door(log.byId(prefix))
  const found: Array<RecordedEvent> = []
  for (let from = 0;;) {
    const page = yield* door(log.readAll({ from, limit: pageEvents }))
    for (const event of page) if (event.id.startsWith(prefix)) found.push(event)
    const last = page.at(-1)
    if (last === undefined || found.length > namedMax) return found
    from = last.position + 1
    yield* Effect.yieldNow
  }
})

export const why = Effect.fnUntraced(function* (written: string) {
  const log = yield* EventLog
  const queries = yield* Queries
  const word = written.trim()
  const [, stream, revision, place] = askPattern.exec(word) ?? []
  if (stream !== undefined) return yield* whyAsk(stream, Number(revision), Number(place))
  const prefix = word.toLowerCase()
  if (!idPattern.test(prefix)) {
    // An actor: what it did last.
    const named = word.replace("/", "-")
    const [last] = yield* door(log.readPage(named, { backwards: true, limit: 1 }))
    if (last !== undefined) return yield* whyEvent(last)
    return yield* notFound(written)
  }
  if (prefix.length < prefixCharsMin) {
    return yield* refuse(
      "usage",
      "InvalidId",
      `${written} is too short. Give the first ${prefixCharsMin} characters of an id or more.`,
    )
  }
  const approvals = yield* door(queries.approvalsNamed(prefix))
  if (approvals.length > 0) return yield* whyApproval(prefix)
  const events = yield* eventsNamed(prefix)
  const [first, second] = events
  if (first === undefined) return yield* notFound(written)
  if (second !== undefined && second.id !== first.id) {
    return yield* refuse(
      "usage",
      "AmbiguousId",
      `${written} is the beginning of ${
        events.length > namedMax ? "many" : events.length
      } events (${
        events.slice(0, namedMax).map((one) => `${one.id} ${one.type}`).join(", ")
      }). Give more of it.`,
    )
  }
  return yield* whyEvent(first)
})
