/** Summaries as the founder sees them: what each stands for, how it did in its test, and taking one back. */
import { DateTime, Effect } from "effect"
import { ActorSystem } from "../actors/actor-system.ts"
import { EventLog } from "../actors/event-log.ts"
import { unnamed } from "../actors/summary-sources.ts"
import { currentSettings } from "../actors/settings.ts"
import { Vault } from "../actors/vault.ts"
import { memoryStream } from "../machines/memory.ts"
import type { SummaryRow } from "./aios-memory.ts"
import { door, refuse } from "./aios-failures.ts"
import { oneLine } from "./aios-words.ts"
import { reading } from "./aios-views.ts"
import { objectOf, textOf, textsOf } from "./fields.ts"
import type { SummaryRecord } from "./memory-items.ts"
import { itemById, summariesMade } from "./memory-rows.ts"
import { openedDeep } from "./opening.ts"
import { Queries } from "./queries.ts"
import { ReadStore } from "./read-store.ts"
import { Projections } from "./runner.ts"

const pageSummaries = 1_000
const prefixCharsMin = 6
const reasonCharsMax = 500
const forgotten = "(forgotten)"

const dateText = (at: number, timeZone: string) =>
  DateTime.formatIsoDate(DateTime.makeZonedUnsafe(at, { timeZone }))

const all = Effect.gen(function* () {
  const projections = yield* Projections
  const store = yield* ReadStore
  yield* door(projections.catchUp)
  const found: Array<SummaryRecord> = []
  let after: string | undefined
  for (;;) {
    const page: ReadonlyArray<SummaryRecord> = yield* reading(() =>
      summariesMade(store, {
        limit: pageSummaries,
        ...(after === undefined ? {} : { after }),
      })
    )
    found.push(...page)
    after = page.at(-1)?.id
    if (page.length < pageSummaries) break
  }
  return found.sort((a, b) => b.position - a.position)
})

/** Subject and day of the first of the events, where it has one. */
const firstOf = Effect.fnUntraced(function* (record: SummaryRecord) {
  const store = yield* ReadStore
  const log = yield* EventLog
  const vault = yield* Vault
  const [id] = record.events
  const item = id === undefined ? undefined : yield* reading(() => itemById(store, id))
  if (item === undefined) return { subject: "", at: 0 }
  const [event] = yield* door(log.readAll({ from: item.position, limit: 1 }))
  const data = objectOf(openedDeep(vault, event?.data ?? null))
  const content = objectOf(data["content"])
  const subject = textOf(content["subject"]) || textOf(content["title"]) ||
    textOf(data["subject"]) || textOf(data["title"])
  return { subject: oneLine(subject), at: item.at }
})

/** Whoever was forgotten took the text along; who is left without a name never gave one. */
const nobody = (text: unknown) =>
  text === null ? forgotten : textOf(text).includes(unnamed) ? unnamed : "somebody without a name"

const about = Effect.fnUntraced(function* (
  record: SummaryRecord,
  text: unknown,
  timeZone: string,
) {
  const queries = yield* Queries
  const { events, key, of, person } = record
  const count = `${events.length} ${events.length === 1 ? "event" : "events"}`
  const someone = person === undefined ? undefined : yield* door(queries.person(person))
  const name = person === undefined ? "" : someone?.name || someone?.address || nobody(text)
  if (of === "day") return `the day ${key}, ${count}`
  if (of === "person") return `${name}, ${count}`
  const { at, subject } = yield* firstOf(record)
  const since = at === 0 ? "" : ` since ${dateText(at, timeZone)}`
  const title = subject === "" ? key : `“${subject}”`
  return `${of} ${title}${name === "" ? "" : ` with ${name}`}, ${count}${since}`
})

const rowOf = Effect.fnUntraced(function* (record: SummaryRecord, timeZone: string) {
  const vault = yield* Vault
  const text = openedDeep(vault, record.text)
  const { at, events, facts, id, made, of, questions, state } = record
  return {
    ...{ id, of, state, made, facts, questions, events, at },
    about: yield* about(record, text, timeZone),
    text: text === null ? forgotten : textOf(text),
    refused: textsOf(openedDeep(vault, record.refused)),
  } satisfies SummaryRow
})

/** Newest first; of one state or all. */
export const summaries = Effect.fnUntraced(function* (state?: SummaryRow["state"]) {
  const { timeZone } = yield* door(currentSettings)
  const wanted = (yield* all).filter((one) => state === undefined || one.state === state)
  return yield* Effect.forEach(wanted, (one) => rowOf(one, timeZone))
})

/** Takes an accepted one back: it is not recalled any more, and what it stood for stands for itself. */
export const withdrawSummary = Effect.fnUntraced(function* (id: string, reason: string) {
  const system = yield* ActorSystem
  const projections = yield* Projections
  const { timeZone } = yield* door(currentSettings)
  const word = id.trim().toLowerCase()
  const why = reason.trim()
  if (why === "" || why.length > reasonCharsMax) {
    return yield* refuse(
      "usage",
      "InvalidValue",
      `Say why it is taken back, in 1 to ${reasonCharsMax} characters.`,
    )
  }
  const found = word.length < prefixCharsMin
    ? []
    : (yield* all).filter((one) => one.id.startsWith(word))
  const [record] = found
  if (record === undefined || found.length > 1) {
    return yield* refuse(
      "usage",
      "UnknownSummary",
      record === undefined
        ? `There is no summary ${id}. aios memory summaries shows which there are; give at least ` +
          `${prefixCharsMin} characters of an id.`
        : `${id} is the beginning of several ids. Give more of it.`,
    )
  }
  if (record.state === "refused" || record.state === "replaced") {
    return yield* refuse(
      "failed",
      "NotAccepted",
      record.state === "refused"
        ? "It was refused, so it stands for nothing: there is nothing to take back."
        : "A newer summary of the same subject stands in its place: take that one back.",
    )
  }
  // Taken back twice is taken back.
  if (record.state === "withdrawn") return { ...yield* rowOf(record, timeZone), already: true }
  yield* door(
    system.propose(memoryStream, {
      type: "SummaryWithdrawn",
      ...{ summary: record.id, events: [...record.events], reason: why },
    }, { actor: "operator" }),
  )
  yield* door(projections.catchUp)
  return yield* rowOf({ ...record, state: "withdrawn" }, timeZone)
})
