/**
 * What is remembered, and in which tier: the rows of `memory-items.ts`. They name events and hold no text;
 * envelopes of summaries stay sealed. Read with the functions of `memory-rows.ts`; nothing here is scanned
 * whole but to plan.
 *
 * Rows:
 * - `item:<id>` a `MemoryItem`; `id` is that of the event that made it.
 * - `tier:<tier>:<at>:<id>` names items in order of when they happened (`at` padded, see `fields.ts`); the row
 *   is `{ kind, importance, summary?, kept?, suspect? }`. Items in a segment and summaries that stand for
 *   nothing any more are in no tier.
 * - `stream:<stream>` the item of an imported record. `who:<person>` how many items are about them.
 * - `counts` `{ hot, warm, cold, archived, person, product, campaign, task, accepted, refused, withdrawn, replaced }`.
 * - `summary:<id>` a `SummaryRecord`; `subject:<of>:<key>` `{ accepted?, upTo, refused?, refusedUpTo? }`: what
 *   stands for a subject now, up to which position, and what was tried without success.
 * - `segment:<name>` `{ sha256, bytes, from, to, items, at, restored }`.
 * - `policy` the policy now.
 * - `last` `{ position }` of the last event that changed anything here.
 * - `asked:<ask or stream>` work under way, to be known by its outcome.
 */
import type { RecordedEvent } from "../actors/event-log.ts"
import type { JsonObject } from "../machines/agent.ts"
import { numberOf, objectOf, padded, textOf } from "./fields.ts"
import {
  type Before,
  carriedOut,
  type ItemChange,
  itemChanges,
  type MemoryItem,
  type SummaryRecord,
  type Tier,
  tierAt,
} from "./memory-items.ts"
import { itemOf, itemRow, policyOf, summaryOf } from "./memory-shapes.ts"
import { defineProjection, type Rows } from "./projection.ts"

const itemIn = (rows: Rows, id: string): MemoryItem | undefined => itemOf(rows.get(`item:${id}`))

const count = (rows: Rows, changes: { readonly [name: string]: number }) => {
  const counts = objectOf(rows.get("counts"))
  const next = Object.entries(changes).map(([name, n]) => [name, numberOf(counts[name]) + n])
  rows.set("counts", { ...counts, ...Object.fromEntries(next) })
}

/** Its row in the list of its tier; undefined where it is in none. */
const placeOf = (item: MemoryItem): string | undefined =>
  item.segment !== undefined || item.until !== undefined
    ? undefined
    : `tier:${item.tier}:${padded(item.at)}:${item.id}`

const tallied = (item: MemoryItem): string => item.segment === undefined ? item.tier : "archived"

/** Writes an item and where it is found; the one change of place is all that is touched. */
const keep = (rows: Rows, item: MemoryItem, before?: MemoryItem) => {
  const place = placeOf(item)
  const left = before === undefined ? undefined : placeOf(before)
  if (left !== undefined && left !== place) rows.delete(left)
  const { importance, kept, kind, summary, suspect } = item
  const row: JsonObject = {
    kind,
    importance,
    ...(summary === undefined ? {} : { summary }),
    ...(kept === undefined ? {} : { kept }),
    ...(suspect === undefined ? {} : { suspect }),
  }
  if (place !== undefined) rows.set(place, row)
  rows.set(`item:${item.id}`, itemRow(item))
  const out = before === undefined || before.until !== undefined ? {} : { [tallied(before)]: -1 }
  const into = item.until !== undefined ? undefined : tallied(item)
  if (into === undefined) count(rows, out)
  else if (out[into] !== -1) count(rows, { ...out, [into]: 1 })
}

const moved = (item: MemoryItem, tier: Tier, position: number): MemoryItem =>
  item.tier === tier ? item : {
    ...item,
    tier,
    moved: [
      ...(item.moved.length === 0 ? [{ position: item.position, tier: item.tier }] : item.moved),
      { position, tier },
    ],
  }

const without = <K extends keyof MemoryItem>(item: MemoryItem, name: K): Omit<MemoryItem, K> => {
  const { [name]: _, ...rest } = item
  return rest
}

const added = (rows: Rows, item: MemoryItem) => {
  if (itemIn(rows, item.id) !== undefined) return
  keep(rows, item)
  count(rows, { [item.kind]: 1 })
  if (item.stream.startsWith("record-")) rows.set(`stream:${item.stream}`, item.id)
  if (item.person !== undefined) {
    const who = `who:${item.person}`
    rows.set(who, numberOf(rows.get(who)) + 1)
  }
}

/** Stands for nothing any more; the items it stood for stand for themselves again. */
const retired = (
  rows: Rows,
  event: RecordedEvent,
  id: string,
  state: "withdrawn" | "replaced",
  except: ReadonlySet<string>,
) => {
  const record = summaryOf(rows.get(`summary:${id}`))
  if (record?.state !== "accepted") return
  rows.set(`summary:${id}`, { ...objectOf(rows.get(`summary:${id}`)), state })
  count(rows, { accepted: -1, [state]: 1 })
  const summary = itemIn(rows, id)
  if (summary !== undefined) {
    keep(rows, { ...summary, until: event.position }, summary)
    count(rows, { [summary.kind]: -1 })
  }
  const policy = policyOf(rows.get("policy"))
  for (const one of record.events) {
    const item = itemIn(rows, one)
    if (item?.summary !== id || except.has(one)) continue
    const bare = without(item, "summary")
    const tier = state === "withdrawn" ? tierAt(item, policy, event.metadata.at) : item.tier
    keep(rows, tier === "hot" ? moved(bare, "hot", event.position) : bare, item)
  }
}

const kindsOf: { readonly [of: string]: MemoryItem["kind"] } = {
  campaign: "campaign",
  day: "task",
}

const summarised = (rows: Rows, event: RecordedEvent, record: SummaryRecord) => {
  const { events, id, key, of, person, position, state, upTo } = record
  if (rows.get(`summary:${id}`) !== undefined) return
  rows.set(`summary:${id}`, { ...record, facts: { ...record.facts }, questions: record.questions })
  count(rows, { [state]: 1 })
  const subject = `subject:${of}:${key}`
  const known = objectOf(rows.get(subject))
  if (state !== "accepted") {
    rows.set(subject, { ...known, refused: id, refusedUpTo: upTo })
    return
  }
  retired(rows, event, textOf(known["accepted"]), "replaced", new Set(events))
  rows.set(subject, { accepted: id, upTo })
  const members = events.flatMap((one) => itemIn(rows, one) ?? [])
  added(rows, {
    id,
    tier: "warm",
    kind: kindsOf[of] ?? "person",
    what: "summary",
    ...(person === undefined ? {} : { person }),
    thread: `summary:${of}:${key}`,
    at: members.reduce((latest, one) => Math.max(latest, one.at), 0) || event.metadata.at,
    position,
    stream: event.stream,
    events,
    importance: members.reduce((most, one) => Math.max(most, one.importance), 0.5),
    moved: [],
  })
  for (const item of members) keep(rows, { ...item, summary: id }, item)
}

const apply = (rows: Rows, event: RecordedEvent, change: ItemChange) => {
  const each = (ids: ReadonlyArray<string>, to: (item: MemoryItem) => MemoryItem) => {
    for (const id of ids) {
      const item = itemIn(rows, id)
      if (item !== undefined) keep(rows, to(item), item)
    }
  }
  const { position } = event
  switch (change.change) {
    case "put":
      return added(rows, change.item)
    case "weigh": {
      const id = textOf(rows.get(`stream:${change.stream}`))
      // What is suspect does not grow important by what it says.
      return each(
        [id],
        (item) =>
          item.suspect === true ? item : {
            ...item,
            importance: Math.min(1, Math.round((item.importance + change.more) * 1e3) / 1e3),
          },
      )
    }
    case "distrust":
      return each([textOf(rows.get(`stream:${change.stream}`))], (item) => ({
        ...moved(without(item, "kept"), "cold", position),
        suspect: true,
      }))
    case "move":
      return each(
        change.items,
        (item) =>
          item.what === "summary" || item.kept === true ? item : moved(item, change.tier, position),
      )
    case "keep":
      return each(
        change.items,
        (item) =>
          item.suspect === true || item.what === "summary"
            ? item
            : { ...moved(item, "hot", position), kept: true },
      )
    case "release":
      return each(change.items, (item) => without(item, "kept"))
    case "summary":
      return summarised(rows, event, change.record)
    case "withdraw":
      return retired(rows, event, change.summary, "withdrawn", new Set())
    case "archive":
      rows.set(`segment:${change.segment}`, { ...change.facts, restored: false, event: event.id })
      return each(change.items, (item) => ({ ...item, segment: change.segment }))
    case "restore": {
      const segment = `segment:${change.segment}`
      rows.set(segment, { ...objectOf(rows.get(segment)), restored: true })
      return each(
        change.items,
        (item) => item.segment === change.segment ? without(item, "segment") : item,
      )
    }
    case "policy":
      rows.set("policy", { ...change.policy })
      return
  }
}

/** What the executor asks for, and what an approval is about: their outcomes do not say it again. */
const noteAsked = (event: RecordedEvent, rows: Rows) => {
  const { stream } = event
  const topicOf = (input: JsonObject) =>
    textOf(input["topic"]) === "" ? `work:${stream}` : `topic:${textOf(input["topic"])}`
  if (stream.startsWith("executor-")) {
    for (const [place, ask] of event.metadata.asks?.entries() ?? []) {
      if (ask.ask !== "activity" || carriedOut[ask.src] === undefined) continue
      const input = objectOf(ask.input)
      rows.set(`asked:${stream}/${event.revision}.${place}`, {
        activity: ask.src,
        person: textOf(input["person"]),
        thread: topicOf(input),
      })
    }
  } else if (event.type === "ApprovalRequested" && stream.startsWith("gatekeeper-")) {
    const data = objectOf(event.data)
    rows.set(`asked:${stream}`, {
      activity: textOf(data["activity"]),
      person: textOf(data["person"]),
      thread: `work:${textOf(data["stream"])}`,
    })
  }
}

const beforeOf = (rows: Rows): Before => ({
  policy: policyOf(rows.get("policy")),
  asked: (name) => {
    const row = rows.get(`asked:${name}`)
    const { activity, person, thread } = objectOf(row)
    return row === undefined
      ? undefined
      : { activity: textOf(activity), person: textOf(person), thread: textOf(thread) }
  },
  isKnown: (person) => person !== "" && rows.get(`who:${person}`) !== undefined,
})

export const memories = defineProjection({
  name: "memories",
  version: 1,
  on: {
    "*": (event, rows) => {
      noteAsked(event, rows)
      const changes = itemChanges(event, beforeOf(rows))
      if (changes.length === 0) return
      for (const change of changes) apply(rows, event, change)
      rows.set("last", { position: event.position })
    },
  },
})
