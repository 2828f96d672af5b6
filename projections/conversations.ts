/**
 * What was said with each person, in and out, as rules read it, and how it was weighed. Each mail is a
 * row of its own, written once, so the conversation can be told as it stood on any day.
 *
 * Rows: `conversation:<person>` `{ last, firstAt, mails, language }`; `mail:<person>:<sent at>:<record>`;
 * `weighed:<person>:<at>:<position>`; `read:<person>:<at>:<position>` by `conversation-read.ts`; `answered:<person>:<at>:<position>` a mail that AIOS carried out, or
 * that the founder dealt with it all otherwise;
 * `closed:<person>` once nobody may write any more; `turn:<person>` by `timeline.ts` whose turn it is.
 */
import { keyOf, type RecordedEvent } from "../actors/event-log.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import type { Forecast } from "./aios-made.ts"
import { keepReading, readingOf } from "./conversation-read.ts"
import {
  listOf,
  namesIn,
  numberOf,
  objectOf,
  padded,
  sealedOf,
  sealedRow,
  textOf,
  textsOf,
} from "./fields.ts"
import { defineProjection, type Rows } from "./projection.ts"
import type { ReadStore } from "./read-store.ts"
import { asOf, turn, worldTime } from "./timeline.ts"

/** Mails of a conversation that are looked at. */
const mailsMax = 20

const envelope = (name: string, value: Json | undefined): JsonObject => {
  const sealed = sealedOf(value)
  return sealed === undefined ? {} : { [name]: sealedRow(sealed) }
}

/** Whose turn it is, as the chart has it. */
const keepTurn = (event: RecordedEvent, rows: Rows) => {
  if (!event.stream.startsWith("analyst-") || event.metadata.value === undefined) return
  const names = namesIn(event.metadata.value, "turn")
  const person = keyOf(event.stream)
  const before = objectOf(rows.get(`turn:${person}`))
  const state = names.join(".")
  if (before["state"] !== state) turn(rows, "turn", person, event, () => ({ state }))
}

const readMail = (event: RecordedEvent, rows: Rows) => {
  if (!event.stream.startsWith("analyst-")) return
  const data = objectOf(event.data)
  const person = textOf(data["person"]) || keyOf(event.stream)
  const at = numberOf(data["sentAt"])
  const record = textOf(data["record"])
  const key = `mail:${person}:${padded(at)}:${record}`
  const findings = objectOf(data["findings"])
  const known = rows.get(key) !== undefined
  rows.set(key, {
    at,
    event: event.id,
    record,
    direction: textOf(data["direction"]),
    // Without a usable date `sentAt` is when it was taken in.
    ...(event.metadata.occurredAt === undefined ? { undated: true } : {}),
    intents: textsOf(findings["intents"]),
    asks: findings["asks"] === true,
    warmth: numberOf(findings["warmth"]),
    instructsReader: findings["instructsReader"] === true,
    reader: textOf(findings["reader"]),
    amounts: listOf(findings["amounts"]),
    commitments: listOf(findings["commitments"]),
    suspicions: textsOf(findings["suspicions"]),
    ...envelope("subject", data["subject"]),
    ...envelope("quotes", data["quotes"]),
    ...envelope("words", data["commitmentWords"]),
  })
  const row = objectOf(rows.get(`conversation:${person}`))
  const language = textOf(data["direction"]) === "inward" && at >= numberOf(row["last"])
    ? textOf(findings["language"])
    : ""
  const firstAt = row["firstAt"] === undefined ? at : Math.min(numberOf(row["firstAt"]), at)
  rows.set(`conversation:${person}`, {
    firstAt,
    last: Math.max(numberOf(row["last"]), at),
    mails: numberOf(row["mails"]) + (known ? 0 : 1),
    language: language || textOf(row["language"]),
  })
}

const dealWith = (event: RecordedEvent, rows: Rows) => {
  const { kind, work } = objectOf(event.data)
  const { answers, person } = objectOf(rows.get(`work:${textOf(work)}`))
  if (kind !== "mail" || numberOf(answers) === 0) return
  const at = worldTime(event)
  rows.set(`answered:${textOf(person)}:${padded(at)}:${padded(event.position)}`, {
    at,
    answers: numberOf(answers),
    event: event.id,
  })
}

export const conversations = defineProjection({
  name: "conversations",
  version: 6,
  on: {
    MailRead: readMail,
    ConversationClosed: (event, rows) => {
      if (!event.stream.startsWith("analyst-")) return
      const because = textOf(objectOf(event.data)["because"])
      rows.set(`closed:${keyOf(event.stream)}`, { at: worldTime(event), because })
    },
    // Promises are kept by it too, those in the founder's own mails among them.
    ConversationDealtWith: (event, rows) => {
      if (!event.stream.startsWith("analyst-")) return
      const person = keyOf(event.stream)
      const at = worldTime(event)
      rows.set(`answered:${person}:${padded(at)}:${padded(event.position)}`, {
        at,
        answers: numberOf(objectOf(rows.get(`conversation:${person}`))["last"]),
        event: event.id,
        kept: true,
      })
    },
    ActivitySucceeded: (event, rows) => {
      const output = objectOf(objectOf(event.data)["output"])
      if (!event.stream.startsWith("analyst-") || keepReading(event, output, rows)) return
      if (typeof output["pressing"] !== "number") return
      const at = worldTime(event)
      rows.set(`weighed:${keyOf(event.stream)}:${padded(at)}:${padded(event.position)}`, {
        at,
        event: event.id,
        about: textOf(output["about"]),
        pressing: numberOf(output["pressing"]),
        ...(typeof output["dueAt"] === "number" ? { dueAt: output["dueAt"] } : {}),
        made: textOf(output["made"]),
        reasons: textsOf(output["reasons"]),
      })
    },
    MailRequested: (event, rows) => {
      if (!event.stream.startsWith("executor-")) return
      const { answers, person, purpose } = objectOf(event.data)
      rows.set(`work:${event.stream}`, {
        person: textOf(person),
        answers: purpose === "reminder" ? 0 : numberOf(answers),
      })
    },
    // A mail that AIOS handed over answers what it was asked to answer; one that the founder would not
    // have sent is not asked for again.
    WorkCarriedOut: dealWith,
    WorkRejected: dealWith,
    LeadContacted: (event, rows) => {
      const { answers, person } = objectOf(event.data)
      const at = worldTime(event)
      rows.set(`answered:${textOf(person)}:${padded(at)}:${padded(event.position)}`, {
        at,
        answers: numberOf(answers),
        event: event.id,
      })
    },
    "*": keepTurn,
  },
})

export interface ConversationMail {
  readonly at: number
  readonly event: string
  readonly record: string
  readonly inward: boolean
  /** The mail has no usable date; `at` is when it was taken in. */
  readonly undated: boolean
  readonly intents: ReadonlyArray<string>
  readonly asks: boolean
  readonly amounts: ReadonlyArray<{ readonly minor: number; readonly currency: string }>
  readonly suspicious: boolean
  readonly subject: string
  readonly quotes: ReadonlyArray<string>
  readonly commitments: ReadonlyArray<
    { readonly by: string; readonly dueAt: number; readonly words: string }
  >
}

export interface Conversation {
  readonly person: string
  readonly mails: ReadonlyArray<ConversationMail>
  /** Mails of the person that nobody answered yet, oldest first. */
  readonly unanswered: ReadonlyArray<ConversationMail>
  readonly closed: boolean
  /** Whose turn the chart says it is: `ours.waiting`, `theirs`, `quiet`; empty where it does not say. */
  readonly turn: string
  readonly firstAt: number
  readonly count: number
  /** How it was weighed; undefined where it was not yet. */
  readonly weighed?: {
    readonly about: string
    readonly pressing: number
    readonly dueAt?: number
    readonly made: string
    readonly reasons: ReadonlyArray<string>
    readonly event: string
  }
  /** What the person wants, as a model or the rules read it. */
  readonly read?: Forecast
}

const mailOf = (row: JsonObject, opened: (value: Json | undefined) => Json): ConversationMail => {
  const words = textsOf(opened(row["words"]))
  return {
    at: numberOf(row["at"]),
    event: textOf(row["event"]),
    record: textOf(row["record"]),
    inward: row["direction"] !== "outward",
    undated: row["undated"] === true,
    intents: textsOf(row["intents"]),
    asks: row["asks"] === true,
    amounts: listOf(row["amounts"]).map(objectOf).map((one) => ({
      minor: numberOf(one["minor"]),
      currency: textOf(one["currency"]),
    })),
    suspicious: row["instructsReader"] === true ||
      textsOf(row["suspicions"]).some((one) => one !== "oversized"),
    subject: textOf(opened(row["subject"])),
    quotes: textsOf(opened(row["quotes"])),
    commitments: listOf(row["commitments"]).map(objectOf).map((one, n) => ({
      by: textOf(one["by"]),
      dueAt: numberOf(one["dueAt"]),
      words: words[n] ?? "",
    })),
  }
}

/** The conversation as it stood right before `to`. */
export const conversationOf = (
  person: string,
  row: JsonObject,
  store: ReadStore["Service"],
  table: string,
  opened: (value: Json | undefined) => Json,
  to: number,
): Conversation => {
  const last = (name: string, limit: number) => {
    const prefix = `${name}:${person}:`
    return store.scan(table, { prefix, before: prefix + padded(to), backwards: true, limit })
      .map(([, found]) => objectOf(found))
  }
  const answers = last("answered", mailsMax)
  const keptUntil = Math.max(
    0,
    ...answers.filter((one) => one["kept"] === true).map((one) => numberOf(one["answers"])),
  )
  const mails = last("mail", mailsMax)
    .map((mail) => mailOf(mail, opened)).reverse()
    .map((mail) => mail.at > keptUntil ? mail : { ...mail, commitments: [] })
  const sent = mails.filter((mail) => !mail.inward).at(-1)?.at ?? 0
  const answered = Math.max(
    sent,
    ...answers.map((one) => numberOf(one["answers"])),
  )
  const closed = store.get(table, `closed:${person}`)
  const [weighed] = last("weighed", 1)
  const read = readingOf(person, store, table, opened, to)
  return {
    person,
    mails,
    unanswered: mails.filter((mail) => mail.inward && mail.at > answered && !mail.suspicious),
    closed: closed !== undefined && numberOf(objectOf(closed)["at"]) < to,
    turn: textOf(
      asOf(store, table, "turn", person, store.get(table, `turn:${person}`) ?? null, to)?.["state"],
    ),
    firstAt: numberOf(row["firstAt"]),
    count: mails.length < mailsMax ? mails.length : numberOf(row["mails"]),
    ...(read === undefined ? {} : { read }),
    ...(weighed === undefined ? {} : {
      weighed: {
        about: textOf(weighed["about"]),
        pressing: numberOf(weighed["pressing"]),
        made: textOf(weighed["made"]),
        reasons: textsOf(weighed["reasons"]),
        event: textOf(weighed["event"]),
        ...(typeof weighed["dueAt"] === "number" ? { dueAt: weighed["dueAt"] } : {}),
      },
    }),
  }
}
