/**
 * Everything in open formats, in a folder: written piece by piece as the log is read, so that memory
 * stays flat. What a spreadsheet opens has no formulas. Forgotten people are left out and counted.
 */
import { Schema } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { closeSync, fsyncSync, mkdirSync, openSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { stringify } from "yaml"
import type { RecordedEvent } from "../actors/event-log.ts"
import { traceparentOf } from "../actors/event-log.ts"
import type { Json, JsonObject } from "../machines/agent.ts"
import {
  InvoiceRecorded,
  MailReceived,
  MeetingRecorded,
  MessageReceived,
  NoteRecorded,
  PaymentRecorded,
  PersonListed,
} from "../machines/record.ts"
import { csvLine } from "./csv-cells.ts"
import { writeAll } from "./durable-file.ts"
import { calendarOf } from "./export-calendar.ts"
import { type Attachment, mboxEntry, messageOf } from "./export-mail.ts"
import { decimalOf } from "./payments-folder.ts"
import { slugOf } from "./publisher-shelf.ts"

export interface Item {
  readonly event: RecordedEvent
  /** Its data with envelopes opened; null where that could not be. */
  readonly opened: Json
}
/** A blob's plain content; undefined where there is none any more. */
export type BlobOf = (
  ref: { readonly sha256: string; readonly subject: string },
) => Promise<Uint8Array | undefined>

/** What was written, by name of the file or folder. */
export type Written = Readonly<Record<string, number>>

export interface Exporter {
  take(item: Item, blob: BlobOf): Promise<void>
  /** Closes every file and puts all of it on disk. */
  finish(): Promise<Written>
  /** Closes every file; what was written is of no use. */
  abandon(): void
}

/** The events of these types, opened: an envelope that stayed closed is null and does not decode. */
const records = {
  MailReceived: Schema.decodeUnknownOption(MailReceived),
  PersonListed: Schema.decodeUnknownOption(PersonListed),
  MessageReceived: Schema.decodeUnknownOption(MessageReceived),
  InvoiceRecorded: Schema.decodeUnknownOption(InvoiceRecorded),
  PaymentRecorded: Schema.decodeUnknownOption(PaymentRecorded),
  MeetingRecorded: Schema.decodeUnknownOption(MeetingRecorded),
  NoteRecorded: Schema.decodeUnknownOption(NoteRecorded),
}

const columns = {
  "people.csv": ["Name", "Email", "Company", "Job Title", "Phone", "URL", "Created On", "List"],
  "invoices.csv": [
    "Number",
    "Status",
    "Customer",
    "Email",
    "Total",
    "Paid",
    "Currency",
    "Issued",
    "Due",
    "Paid On",
    "System",
    "Source",
  ],
  "payments.csv": [
    "Payment",
    "Kind",
    "Status",
    "Amount",
    "Currency",
    "Customer",
    "Email",
    "Description",
    "Of",
    "Date",
    "System",
  ],
  "messages.csv": ["Date", "Direction", "From", "To", "Subject", "Text", "Conversation"],
} as const

const dayOf = (at: number | undefined) => at === undefined ? "" : isoOf(at).slice(0, 10)
/** Clocks of strangers may be beyond what a date can be. */
const isoOf = (at: number) => {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? "" : date.toISOString()
}

/** CloudEvents 1.0, JSON format. Extension names are lower case and without signs, as it demands. */
export const cloudEventOf = ({ event, opened }: Item): JsonObject => {
  const { metadata } = event
  return {
    specversion: "1.0",
    id: event.id,
    source: `/aios/${encodeURIComponent(event.stream)}`,
    type: event.type,
    subject: event.stream,
    time: isoOf(metadata.at),
    datacontenttype: "application/json",
    sequence: String(event.position).padStart(12, "0"),
    revision: event.revision,
    correlationid: metadata.$correlationId,
    traceparent: traceparentOf(event),
    ...(metadata.$causationId === undefined ? {} : { causationid: metadata.$causationId }),
    ...(metadata.occurredAt === undefined ? {} : { occurredat: isoOf(metadata.occurredAt) }),
    ...(metadata.actor === undefined ? {} : { actor: metadata.actor }),
    data: opened,
  }
}

/** A file name that is one anywhere: no path, no device, no hidden file, not too long. */
export const safeName = (name: string): string => {
  const plain = name.normalize("NFC").replace(/[\p{Cc}\p{Cf}/\\:*?"<>|]+/gu, "-")
    .replace(/^[\s.]+|[\s.]+$/g, "")
  const dot = plain.lastIndexOf(".")
  const [stem, ending] = dot > 0 && plain.length - dot <= 10
    ? [plain.slice(0, dot), plain.slice(dot)]
    : [plain, ""]
  return `${[...stem].slice(0, 80).join("") || "unnamed"}${ending}`
}

export const exporter = (folder: string): Exporter => {
  const handles = new Map<string, number>()
  const written: Record<string, number> = {}
  const names = new Set<string>()
  const latestMeeting = new Map<string, { readonly sequence: number; readonly ics: string }>()
  const latestInvoice = new Map<string, ReadonlyArray<string>>()
  const count = (name: string, more = 1) => written[name] = (written[name] ?? 0) + more

  const append = (name: string, content: string | Uint8Array) => {
    let handle = handles.get(name)
    if (handle === undefined) {
      handle = openSync(join(folder, name), "wx", 0o600)
      handles.set(name, handle)
    }
    writeAll(handle, typeof content === "string" ? Buffer.from(content) : content)
  }
  const row = (name: keyof typeof columns, cells: ReadonlyArray<string>) => {
    if (!handles.has(name)) append(name, csvLine(columns[name]))
    append(name, csvLine(cells))
    count(name)
  }
  const file = (below: string, name: string, content: string | Uint8Array) => {
    mkdirSync(join(folder, below), { recursive: true, mode: 0o700 })
    let free = name
    const dot = name.lastIndexOf(".")
    for (let n = 2; names.has(`${below}/${free.toLowerCase()}`); n++) {
      free = dot > 0 ? `${name.slice(0, dot)}-${n}${name.slice(dot)}` : `${name}-${n}`
    }
    names.add(`${below}/${free.toLowerCase()}`)
    // Not flushed one by one: what is lost with the power is exported again.
    writeFileSync(join(folder, below, free), content, { flag: "wx", mode: 0o600 })
    count(`${below}/`)
  }
  const text = async (
    plain: string,
    ref: typeof MailReceived.Type["textBlob"],
    blob: BlobOf,
  ): Promise<string> => {
    const content = ref === undefined ? undefined : await blob(ref)
    return content === undefined ? plain : new TextDecoder().decode(content)
  }

  const mail = async (mail: typeof MailReceived.Type, blob: BlobOf) => {
    const { content } = mail
    if ("$sealed" in content) return
    const attachments: Array<Attachment> = []
    for (const [n, one] of mail.attachments.entries()) {
      const bytes = await blob(one.blob)
      if (bytes === undefined) continue
      const name = content.attachmentNames[n] ?? ""
      attachments.push({ name, mediaType: one.mediaType, content: bytes })
      const sha = createHash("sha256").update(bytes).digest("hex").slice(0, 8)
      file("attachments", `${dayOf(mail.sentAt)}-${sha}-${safeName(name)}`, bytes)
    }
    const body = await text(content.text, mail.textBlob, blob)
    const message = await messageOf({ ...mail, content, text: body }, attachments)
    append("mail.mbox", mboxEntry(message, content.from.address, mail.sentAt))
    count("mail.mbox")
  }

  const note = async (note: typeof NoteRecorded.Type, blob: BlobOf) => {
    const { content } = note
    if ("$sealed" in content) return
    const matter = typeof content.matter === "object" && content.matter !== null &&
        !Array.isArray(content.matter)
      ? content.matter
      : {}
    const front = stringify({
      title: content.title,
      kind: note.kind,
      topic: note.topic,
      date: isoOf(note.writtenAt),
      ...(content.tags.length === 0 ? {} : { tags: content.tags }),
      ...(note.dueAt === undefined ? {} : { due: dayOf(note.dueAt) }),
      ...matter,
      // So that it is not taken for new work where this folder is imported.
      aios: "export",
    })
    const body = await text(content.text, note.textBlob, blob)
    file(
      "notes",
      `${dayOf(note.writtenAt)}-${slugOf(content.title || note.topic)}.md`,
      [
        `---\n${front}---\n\n${body.trim()}\n`,
      ].join(""),
    )
  }

  const invoice = (one: typeof InvoiceRecorded.Type) => {
    const { customer, total, paid } = one
    if ("$sealed" in customer) return
    // The newest record of an invoice is what it is now.
    latestInvoice.set(one.invoice, [
      one.number,
      one.status,
      customer.name,
      customer.address,
      decimalOf(total),
      decimalOf(paid),
      total.currency,
      dayOf(one.issuedAt),
      dayOf(one.dueAt),
      dayOf(one.paidAt),
      one.system,
      `${one.source.file}, ${one.source.at}`,
    ])
  }

  const takeRecord = async ({ event, opened }: Item, blob: BlobOf) => {
    if (!(event.type in records) || typeof opened !== "object") return
    const whole = { type: event.type, ...opened }
    const lost = () => count("forgotten")
    switch (event.type) {
      case "MailReceived": {
        const found = records.MailReceived(whole)
        return found._tag === "Some" ? await mail(found.value, blob) : lost()
      }
      case "NoteRecorded": {
        const found = records.NoteRecorded(whole)
        return found._tag === "Some" ? await note(found.value, blob) : lost()
      }
      case "InvoiceRecorded": {
        const found = records.InvoiceRecorded(whole)
        return found._tag === "Some" ? invoice(found.value) : lost()
      }
      case "PersonListed": {
        const found = records.PersonListed(whole)
        if (found._tag === "None" || "$sealed" in found.value.listing) return lost()
        const { address, company, name, phone, position, url } = found.value.listing
        const { list, since } = found.value
        return row("people.csv", [name, address, company, position, phone, url, dayOf(since), list])
      }
      case "MessageReceived": {
        const found = records.MessageReceived(whole)
        if (found._tag === "None" || "$sealed" in found.value.content) return lost()
        const { conversation, from, subject, text, to } = found.value.content
        const { direction, sentAt } = found.value
        const receivers = to.map(({ name }) => name).join("; ")
        return row("messages.csv", [
          isoOf(sentAt),
          direction,
          from.name,
          receivers,
          subject,
          text,
          conversation,
        ])
      }
      case "PaymentRecorded": {
        const found = records.PaymentRecorded(whole)
        if (found._tag === "None") return lost()
        const { amount, customer, description, kind, of, paidAt, payment, status, system } =
          found.value
        if ("$sealed" in customer || typeof description !== "string") return lost()
        return row("payments.csv", [
          payment,
          kind,
          status,
          decimalOf(amount),
          amount.currency,
          customer.name,
          customer.address,
          description,
          of ?? "",
          dayOf(paidAt),
          system,
        ])
      }
      case "MeetingRecorded": {
        const found = records.MeetingRecorded(whole)
        if (found._tag === "None" || "$sealed" in found.value.content) return lost()
        const { content, meeting, sequence } = found.value
        const before = latestMeeting.get(meeting)
        if (before !== undefined && before.sequence > sequence) return
        return void latestMeeting.set(meeting, { sequence, ics: content.ics })
      }
    }
  }

  const closeAll = (flush: boolean) => {
    for (const handle of handles.values()) {
      if (flush) fsyncSync(handle)
      closeSync(handle)
    }
    handles.clear()
  }

  return {
    take: async (item, blob) => {
      append("events.ndjson", `${JSON.stringify(cloudEventOf(item))}\n`)
      count("events.ndjson")
      await takeRecord(item, blob)
    },
    finish: () => {
      for (const cells of latestInvoice.values()) row("invoices.csv", cells)
      if (latestMeeting.size > 0) {
        for (const part of calendarOf([...latestMeeting.values()].map(({ ics }) => ics))) {
          append("calendar.ics", part)
        }
        count("calendar.ics", latestMeeting.size)
      }
      closeAll(true)
      return Promise.resolve(written)
    },
    abandon: () => closeAll(false),
  }
}
