/**
 * The text of an item, opened from the event that made it: what a person wrote now, without what it quotes
 * and without its signature. What was forgotten cannot be opened and has no text.
 */
import { Effect } from "effect"
import type { BlobStore } from "../actors/blob-store.ts"
import type { EventLog, RecordedEvent } from "../actors/event-log.ts"
import { newText } from "../actors/reading-text.ts"
import type { Vault } from "../actors/vault.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import { isRunning } from "../machines/billing.ts"
import {
  amountText,
  contentLine,
  mailboxText,
  momentText,
  moneyOf,
  moneyText,
  nameText,
} from "./aios-words.ts"
import { listOf, numberOf, objectOf, textOf, textsOf } from "./fields.ts"
import type { MemoryItem } from "./memory-items.ts"
import { openedDeep } from "./opening.ts"

/** Of one item; the rest is in the log. */
export const textCharsMax = 64 * 1024
const linesMax = 20

export interface OpenedText {
  /** Says in one line what it is and whose; belongs to each passage of it. */
  readonly title: string
  readonly text: string
  /** Name or address of the other side; empty where it is nobody's. */
  readonly who: string
  /** The subject or title as written. */
  readonly subject: string
  readonly source?: { readonly file: string; readonly at: string }
}

export interface Opening {
  readonly log: EventLog["Service"]
  readonly vault: typeof Vault.Service
  readonly blobs: BlobStore["Service"]
  readonly timeZone: string
}

const present = (...parts: ReadonlyArray<string>) => parts.filter((one) => one !== "")
const names = (value: Json | undefined) => present(...listOf(value).map(nameText)).join(", ")

/** Undefined: it was forgotten, or is no event of a kind that has a text. */
type Told = {
  readonly title: string
  readonly text: string
  readonly who: string
  readonly subject: string
}

const told = (title: string, text: string, who = "", subject = ""): Told => ({
  title: title.replace(/\s+/g, " ").trim(),
  text: text.trim(),
  who,
  subject,
})

const mailText = (fields: JsonObject, content: JsonObject, blob: string): Told => {
  const all = textOf(content["text"]) || blob
  // A mail that only passes something on says what it passes on.
  const text = newText(all) || all
  const from = nameText(content["from"])
  const to = names(content["to"])
  const subject = textOf(content["subject"])
  const attached = present(...textsOf(content["attachmentNames"])).join(", ")
  const warned = textsOf(fields["suspicions"]).includes("forgedFrom")
  return told(
    `${warned ? "Claims to be from " : ""}${from} to ${to}: ${subject}`,
    attached === "" ? text : `${text}\n\nAttached: ${attached}`,
    from,
    subject,
  )
}

const messageText = (_: JsonObject, content: JsonObject): Told => {
  const from = nameText(content["from"])
  const subject = textOf(content["subject"])
  return told(
    `${from} to ${names(content["to"])}${subject === "" ? "" : `: ${subject}`}`,
    newText(textOf(content["text"])) || textOf(content["text"]),
    from,
    subject,
  )
}

const tellers: {
  readonly [type: string]: (fields: JsonObject, zone: string, blob: string) => Told | undefined
} = {
  MailReceived: (fields, _, blob) =>
    fields["content"] === null ? undefined : mailText(fields, objectOf(fields["content"]), blob),
  MessageReceived: (fields) =>
    fields["content"] === null ? undefined : messageText(fields, objectOf(fields["content"])),
  PersonListed: (fields) => {
    if (fields["listing"] === null) return undefined
    const { address, company, name, position, url } = objectOf(fields["listing"])
    const who = textOf(name) || textOf(address)
    const at = present(textOf(position), textOf(company)).join(", ")
    return told(
      `${who}${at === "" ? "" : `, ${at}`}`,
      present(textOf(address), textOf(url), `in your ${textOf(fields["list"])} list`).join(", "),
      who,
    )
  },
  InvoiceRecorded: (fields, zone) => {
    if (fields["customer"] === null) return undefined
    const who = nameText(fields["customer"])
    const due = numberOf(fields["dueAt"])
    const lines = listOf(fields["lines"]).slice(0, linesMax).map((one) =>
      textOf(objectOf(one)["description"])
    )
    return told(
      `Invoice ${textOf(fields["number"])} to ${mailboxText(fields["customer"])} over ${
        amountText(fields["total"])
      }: ${textOf(fields["status"])}`,
      [
        `issued ${momentText(numberOf(fields["issuedAt"]), zone)}`,
        ...(due > 0 ? [`due ${momentText(due, zone)}`] : []),
        ...(numberOf(objectOf(fields["paid"])["minor"]) > 0
          ? [`paid ${amountText(fields["paid"])}`]
          : []),
        ...present(...lines),
      ].join("\n"),
      who,
    )
  },
  PaymentRecorded: (fields, zone) => {
    if (fields["customer"] === null) return undefined
    const who = nameText(fields["customer"])
    const kind = textOf(fields["kind"])
    const running = kind === "refund" &&
      isRunning({ of: textOf(fields["of"]), payment: textOf(fields["payment"]) })
    const what = kind === "charge"
      ? "Payment"
      : running
      ? "Refunded in all, of one charge: sum"
      : kind === "refund"
      ? "Refund"
      : "Dispute"
    return told(
      `${what} of ${amountText(fields["amount"])}, ${mailboxText(fields["customer"])}: ${
        textOf(fields["status"])
      }`,
      present(
        // A charge's running total does not say when.
        running ? "" : momentText(numberOf(fields["paidAt"]), zone),
        textOf(fields["payment"]),
        textOf(fields["description"]),
      ).join("\n"),
      who,
    )
  },
  MeetingRecorded: (fields, zone) => {
    if (fields["content"] === null) return undefined
    const { attendees, location, notes, title } = objectOf(fields["content"])
    const subject = textOf(title)
    return told(
      `${fields["status"] === "cancelled" ? "Cancelled meeting" : "Meeting"}: ${subject}, ${
        momentText(numberOf(fields["startsAt"]), zone)
      }`,
      present(
        textOf(location),
        names(attendees) === "" ? "" : `with ${names(attendees)}`,
        textOf(notes),
      ).join("\n"),
      nameText(listOf(attendees)[0]),
      subject,
    )
  },
  FeedItemRead: (fields) =>
    told(
      `${textOf(objectOf(fields["feed"])["title"])}: ${textOf(fields["title"])}`,
      present(textOf(fields["summary"]), textOf(fields["author"])).join("\n"),
      "",
      textOf(fields["title"]),
    ),
  NoteRecorded: (fields, _, blob) => {
    if (fields["content"] === null) return undefined
    const content = objectOf(fields["content"])
    const title = textOf(content["title"])
    const tags = textsOf(content["tags"])
    return told(
      `Your ${textOf(fields["kind"])} for ${textOf(fields["topic"])}: ${title}`,
      [
        textOf(content["text"]) || blob,
        ...(tags.length === 0 ? [] : [`Tags: ${tags.join(", ")}`]),
      ].join("\n\n"),
      "",
      title,
    )
  },
  PaymentReceived: (fields) =>
    told(
      `Payment of ${amountText(fields["amount"])}: received, as you said`,
      textOf(fields["payment"]),
    ),
  ConversationDealtWith: () => told("You said that this conversation is dealt with", ""),
  ReviewPassed: () => told("You passed the draft", ""),
  ReviewFailed: (fields) => told("You sent the draft back", textOf(fields["reason"])),
}

/** What the executor did, told by what it was asked to do. */
const doneText = (activity: string, input: JsonObject): Told | undefined => {
  if (input["to"] === null || input["text"] === null) return undefined
  const who = nameText(input["to"])
  const subject = textOf(input["subject"]) || textOf(input["title"])
  switch (activity) {
    case "sendMail":
      return told(`You wrote to ${who}: ${subject}`, textOf(input["text"]), who, subject)
    case "publishArticle":
      return told(`You published: ${subject}`, textOf(input["text"]), "", subject)
    default: {
      const money = moneyOf(input["amount"])
      return told(
        `You approved: ${contentLine(activity, input)}`,
        present(
          textOf(input["reason"]),
          textOf(input["description"]),
          money === undefined ? "" : moneyText(money),
        ).join("\n"),
        who,
      )
    }
  }
}

const decided: { readonly [type: string]: string } = {
  ApprovalGranted: "You approved",
  ApprovalRejected: "You rejected",
  ApprovalPostponed: "You put off",
  ApprovalWithdrawn: "You took back your decision on",
  ApprovalRegretted: "You took back, after it was carried out",
}

const blobText = Effect.fnUntraced(function* (blobs: BlobStore["Service"], fields: JsonObject) {
  const { bytes, sha256, subject } = objectOf(fields["textBlob"])
  if (typeof sha256 !== "string" || typeof subject !== "string") return ""
  const content = yield* blobs.get({ sha256, subject, bytes: numberOf(bytes) })
  return content === undefined ? "" : new TextDecoder().decode(content)
})

/** Opens what an item's event says; `event` is the one that made it. */
export const textOfEvent = Effect.fnUntraced(function* (
  { blobs, log, timeZone, vault }: Opening,
  event: RecordedEvent,
) {
  const opened = (value: Json | undefined) => openedDeep(vault, value ?? null)
  const fields = objectOf(event.type === "ActivitySucceeded" ? event.data : opened(event.data))
  const teller = tellers[event.type]
  if (teller !== undefined) {
    return withSource(fields, teller(fields, timeZone, yield* blobText(blobs, fields)))
  }
  const word = decided[event.type]
  if (word !== undefined) {
    const [asking] = yield* log.readPage(event.stream, { limit: 1 })
    const asked = objectOf(opened(asking?.data))
    if (asking?.type !== "ApprovalRequested" || asked["content"] === null) return undefined
    const content = objectOf(asked["content"])
    return withSource(
      {},
      told(
        `${word}: ${contentLine(textOf(asked["activity"]), content)}`,
        present(textOf(fields["reason"]), textsOf(asked["reasons"]).join("\n")).join("\n"),
        nameText(content["to"]),
        textOf(content["subject"]) || textOf(content["title"]),
      ),
    )
  }
  if (event.type !== "ActivitySucceeded") return undefined
  const output = objectOf(fields["output"])
  if (typeof output["accepted"] === "boolean") {
    const text = opened(output["text"])
    if (typeof text !== "string") return undefined
    return withSource({}, told(`Summary of a ${textOf(output["of"])}`, text))
  }
  const [revision, place] = textOf(fields["ask"]).split(".").map(Number)
  if (!Number.isInteger(revision) || place === undefined) return undefined
  const [asking] = yield* log.readPage(event.stream, { from: revision ?? 0, limit: 1 })
  const ask = asking?.metadata.asks?.[place]
  if (ask?.ask !== "activity") return undefined
  return withSource({}, doneText(ask.src, objectOf(opened(ask.input))))
})

const withSource = (fields: JsonObject, one: Told | undefined): OpenedText | undefined => {
  if (one === undefined) return undefined
  const { at, file } = objectOf(fields["source"])
  return {
    ...one,
    text: one.text.slice(0, textCharsMax),
    ...(typeof file === "string" && typeof at === "string" ? { source: { file, at } } : {}),
  }
}

/** Opens an item; undefined where it was forgotten. */
export const textOfItem = Effect.fnUntraced(function* (
  opening: Opening,
  item: Pick<MemoryItem, "id" | "stream">,
) {
  const event = (yield* opening.log.byId(item.id)).find((one) => one.stream === item.stream)
  return event === undefined ? undefined : yield* textOfEvent(opening, event)
})
