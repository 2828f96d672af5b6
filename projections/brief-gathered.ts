/**
 * Fetches what composing a brief needs beyond rows: which days a calendar's entries fall on, and who
 * wrote the mails that were held or filed. It brings the read models to the log's head first.
 */
import { Effect } from "effect"
import { normaliseAddress } from "../actors/addresses.ts"
import {
  categoryOf,
  EventLog,
  keyOf,
  type LogUnavailable,
  type RecordedEvent,
} from "../actors/event-log.ts"
import { Vault } from "../actors/vault.ts"
import { currentSettings, ownAddresses } from "../actors/settings.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import { undecidedMillisMax } from "../machines/gatekeeper.ts"
import { agents } from "./agents.ts"
import { approvals } from "./approvals.ts"
import type { Brief } from "./aios.ts"
import { composeBrief } from "./brief-composed.ts"
import { newsRows } from "./brief-sections.ts"
import type {
  BriefApproval,
  BriefDay,
  BriefSources,
  DecidedRow,
  Occasion,
  RecordWords,
} from "./brief-sources.ts"
import { calendar } from "./calendar.ts"
import { listOf, numberOf, objectOf, padded, textOf, textsOf } from "./fields.ts"
import { documents } from "./documents.ts"
import { tableOf } from "./fold.ts"
import type { ReadStore, ReadStoreUnavailable } from "./read-store.ts"
import { Recurrences } from "./recurrences.ts"
import { startOfDay } from "./words.ts"

const dayMillis = 24 * 60 * 60 * 1000
/** Meetings are looked for so far ahead; entries that an exception may have moved, so far around. */
const aheadMillis = 7 * dayMillis
const movedMillisMax = 31 * dayMillis
const meetingsMax = 100
/** What expired is told for so long. */
const expiredToldMillis = 3 * dayMillis
/** Mails whose sender and subject are told one by one. */
const recordsMax = 250
/** Of the briefs before, so many are looked through for the last one that was made in time. */
const briefsLookedAt = 7
/** Shorter beginnings of ids are too easily mistyped. */
const idCharsMin = 6
const keyCharsMin = 8

/** What the queries lend: their way of reading rows, and of opening them. */
export interface Reading {
  readonly store: ReadStore["Service"]
  readonly read: <A>(what: () => A) => Effect.Effect<A, LogUnavailable | ReadStoreUnavailable>
  readonly opened: (value: Json | undefined) => Json
  readonly openedDeep: (value: Json) => Json
  readonly approvalOf: (row: Json | undefined) => BriefApproval
  readonly personOf: BriefSources["personOf"]
}

const undecided = new Set(["reviewing", "awaitingApproval", "postponed"])

/** Did it wait for the founder right before `to`? */
const waitedAt = (row: JsonObject, to: number): boolean => {
  if (numberOf(row["requestedAt"]) >= to) return false
  const { decidedAt } = row
  if (typeof decidedAt === "number" && decidedAt < to) return false
  if (typeof decidedAt !== "number" && !undecided.has(textOf(row["state"]))) return false
  return numberOf(row["postponedAt"]) === 0 || numberOf(row["postponedAt"]) >= to ||
    numberOf(row["postponedUntil"]) < to
}

const approvalTable = tableOf(approvals)

const waitingAt = (reading: Reading, to: number): ReadonlyArray<BriefApproval> =>
  reading.store.scan(approvalTable, { prefix: "id:" })
    .map(([, row]) => objectOf(row))
    .filter((row) => waitedAt(row, to))
    .sort((a, b) => numberOf(a["position"]) - numberOf(b["position"]))
    .map((row) => ({
      ...reading.approvalOf(row),
      expiresAt: awaitedSince(row, to) + undecidedMillisMax,
    }))

/** Since when it waited right before `to`: what was put off later had waited since it was asked. */
const awaitedSince = (row: JsonObject, to: number): number => {
  const since = numberOf(row["awaitingSince"])
  return since < to ? since : numberOf(row["requestedAt"])
}

const decidedRow = (reading: Reading, approval: JsonObject, row: JsonObject): DecidedRow => ({
  id: textOf(row["id"]),
  decision: textOf(row["decision"]),
  by: textOf(row["by"]),
  at: numberOf(row["at"]),
  event: textOf(row["event"]),
  approval,
  content: reading.openedDeep(approval["content"] ?? null),
})

/** Nobody said a word about it, so it is told for some days: nobody asks for a brief every morning. */
const expiredBefore = (reading: Reading, to: number): ReadonlyArray<DecidedRow> =>
  reading.store.scan(approvalTable, { prefix: "id:" }).map(([, row]) => objectOf(row))
    .filter((row) =>
      row["state"] === "expired" && numberOf(row["decidedAt"]) < to &&
      numberOf(row["decidedAt"]) >= to - expiredToldMillis
    )
    .sort((a, b) => numberOf(a["position"]) - numberOf(b["position"]))
    .map((row) =>
      decidedRow(reading, row, {
        id: row["id"] ?? "",
        decision: "expired",
        by: "time",
        at: row["decidedAt"] ?? 0,
        event: row["last"] ?? "",
      })
    )

const postponedAt = (reading: Reading, to: number): ReadonlySet<string> =>
  new Set(
    reading.store.scan(approvalTable, { prefix: "id:" }).map(([, row]) => objectOf(row))
      .filter((row) =>
        numberOf(row["requestedAt"]) < to && numberOf(row["postponedUntil"]) >= to &&
        numberOf(row["postponedAt"]) < to && textOf(row["state"]) === "postponed"
      ).map((row) => textOf(row["person"])),
  )

const decidedIn = (reading: Reading, day: BriefDay): ReadonlyArray<DecidedRow> =>
  reading.store.scan(approvalTable, {
    after: `decided:${padded(day.since)}`,
    before: `decided:${padded(day.to)}`,
  }).map(([, value]): DecidedRow => {
    const row = objectOf(value)
    const approval = objectOf(reading.store.get(approvalTable, `id:${textOf(row["id"])}`))
    return decidedRow(reading, approval, row)
  })

/** The shortest beginning that names one approval among all there ever were. */
const shortId = (store: ReadStore["Service"]) => (id: string): string => {
  for (let length = idCharsMin; length < id.length; length++) {
    const prefix = `id:${id.slice(0, length)}`
    if (store.scan(approvalTable, { prefix, limit: 2 }).length < 2) return id.slice(0, length)
  }
  return id
}

const actorOf = (store: ReadStore["Service"]) => (stream: string): string => {
  const [agent, key] = [categoryOf(stream), keyOf(stream)]
  for (let length = keyCharsMin; length < key.length; length++) {
    const prefix = `${agent}-${key.slice(0, length)}`
    if (store.scan(tableOf(agents), { prefix, limit: 2 }).length < 2) {
      return `${agent}/${key.slice(0, length)}`
    }
  }
  return `${agent}/${key}`
}

interface Entry {
  readonly ics: string
  readonly timeZone: string
  readonly row: JsonObject
  readonly content: JsonObject
}

/** Entries that may fall between the two instants. */
const entriesIn = (reading: Reading, from: number, to: number, zone: string) => {
  const table = tableOf(calendar)
  const once = reading.store.scan(table, {
    after: `on:${padded(from - movedMillisMax)}`,
    before: `on:${padded(to + movedMillisMax)}`,
  })
  return [...once, ...reading.store.scan(table, { prefix: "series:" })].map(
    ([, meeting]): Entry => {
      const row = objectOf(reading.store.get(table, `meeting:${textOf(meeting)}`))
      const content = objectOf(reading.opened(row["content"]))
      return { ics: textOf(content["ics"]), timeZone: zone, row, content }
    },
  )
}

const stamp = /^DTSTAMP(?:;[^:\r\n]{0,100})?:(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/m
/** When an entry was written or exported, epoch ms; 0 where it does not say. */
const stampOf = (ics: string): number => {
  const [, year, month, day, hour, minute, second] = (stamp.exec(ics) ?? []).map(Number)
  return year === undefined ? 0 : Date.UTC(year, month! - 1, day, hour, minute, second)
}

/** Meetings from the start of the day before `day.to` until a week later, in order. */
export const occasions = Effect.fnUntraced(function* (
  reading: Reading,
  day: { readonly to: number; readonly timeZone: string },
) {
  const recurrences = yield* Recurrences
  const vault = yield* Vault
  const own = new Set([...ownAddresses(yield* currentSettings)].map((one) => vault.personKey(one)))
  const from = startOfDay(day.to - 1, day.timeZone)
  const to = day.to + aheadMillis
  const entries = yield* reading.read(() => entriesIn(reading, from, to, day.timeZone))
  const found = yield* recurrences.betweenAll(entries, from, to, meetingsMax)
  return found.map(({ endsAt, entry, startsAt }): Occasion => {
    const key = textOf(entry.row["person"])
    const occasion = {
      title: textOf(entry.content["title"]),
      startsAt,
      endsAt,
      allDay: entry.row["allDay"] === true,
      event: textOf(entry.row["event"]),
      stampedAt: stampOf(entry.ics),
    }
    const others = [entry.content["organiser"], ...listOf(entry.content["attendees"])].map(objectOf)
    const other = others.find((one) => {
      const address = normaliseAddress(textOf(one["address"]))
      return address !== "" && vault.personKey(address) === key
    })
    // An entry that names nobody else is the founder's own.
    if (own.has(key)) return { ...occasion, person: "", with: "" }
    const known = reading.personOf(key)
    return {
      ...occasion,
      person: key,
      with: textOf(other?.["name"]) ||
        (known?.name ?? known?.address ?? textOf(other?.["address"])),
    }
  })
})

/** Sender and subject of the mails that the brief names one by one. */
const recordWords = Effect.fnUntraced(function* (reading: Reading, day: BriefDay) {
  const log = yield* EventLog
  const rows = yield* reading.read(() => ({
    held: newsRows("held", day, reading.store).map((row) => textOf(row["record"])),
    done: newsRows("done", day, reading.store).filter((row) =>
      row["what"] === "filed" || row["what"] === "variant"
    ).flatMap((row) => textsOf(row["events"]).slice(0, 1)),
  }))
  const words = new Map<string, RecordWords>()
  const keep = (name: string, event: RecordedEvent | undefined) => {
    const content = objectOf(reading.opened(objectOf(event?.data)["content"]))
    const from = objectOf(content["from"])
    const [who, address] = [textOf(from["name"]), textOf(from["address"])]
    if (address === "" && who === "") return
    words.set(name, {
      from: who === "" || who === address ? address : `${who} <${address}>`,
      subject: textOf(content["subject"]),
    })
  }
  for (const stream of rows.held.filter((one) => one !== "").slice(-recordsMax)) {
    keep(stream, (yield* log.readPage(stream, { limit: 1 }))[0])
  }
  for (const id of rows.done.slice(-recordsMax)) keep(id, (yield* log.byId(id))[0])
  return words
})

/** When the last brief of an earlier day was made; what came before it is no news. */
const lastBriefAt = (reading: Reading, { date, since, to, timeZone }: BriefDay): number => {
  const morning = startOfDay(to - 1, timeZone)
  const made = reading.store.scan(tableOf(documents), {
    prefix: "daily:",
    before: `daily:${date}`,
    backwards: true,
    limit: briefsLookedAt,
  }).map(([, row]) => numberOf(objectOf(row)["at"]))
  // One that was made up for later was not read on its day.
  return made.find((at) => at < morning) ?? since
}

export const gatherBrief = Effect.fnUntraced(function* (
  reading: Reading,
  asked: BriefDay,
): Effect.fn.Return<
  Brief,
  LogUnavailable | ReadStoreUnavailable,
  EventLog | Recurrences | Vault
> {
  const since = yield* reading.read(() => lastBriefAt(reading, asked))
  const day = { ...asked, since }
  const meetings = yield* occasions(reading, day)
  const records = yield* recordWords(reading, day)
  return yield* reading.read(() =>
    composeBrief(day, {
      store: reading.store,
      opened: reading.opened,
      personOf: reading.personOf,
      approvals: waitingAt(reading, day.to),
      postponed: postponedAt(reading, day.to),
      expired: expiredBefore(reading, day.to),
      decided: decidedIn(reading, day),
      short: shortId(reading.store),
      actor: actorOf(reading.store),
      meetings,
      records,
    })
  )
})
